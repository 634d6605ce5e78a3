"""Evidence packs: refused, waived, frozen, verified, and made again elsewhere from the landing folder."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import lxml.html
import pytest
from openpyxl import load_workbook

from orchestration.audit import Audit
from orchestration.errors import CchcError, PublicationBlocked, UsageError
from orchestration.home import Home
from orchestration.night import steps
from orchestration.settings import Settings
from orchestration.sources import all_sources
from orchestration.submissions.freeze import freeze, waivers
from orchestration.submissions.pack import Submission, verify
from orchestration.submissions.reproduce import NO_FIGURES, reproduce
from orchestration.warehouse.dbt import Built
from tests.integration.test_gate import BAD, export
from tests.support import nights
from tests.support.writers import put

NAME = "PAR-2023"
REASON, BY = "Tệp của sở đã được đối chiếu từng dòng", "Nguyễn Kiểm Thử"
PAR = Submission(NAME, "PAR", 2023, date(2023, 1, 1), date(2023, 6, 30), nights.AS_OF)


def loosened(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        os.chmod(place, 0o750)
        for name in names:
            os.chmod(Path(place, name), 0o640)


@pytest.fixture(scope="module")
def frozen(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """(landing, home, why the first attempt was refused): a home in which a blocking check was waived for a pack."""
    folder = tmp_path_factory.mktemp("submissions")
    landing = Path(shutil.copytree(home.parent / "landing", folder / "landing"))
    place = Path(shutil.copytree(home, folder / "home", symlinks=True))
    put(landing / BAD, export("A", 40, 25))
    nights.ingested(landing, place)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(PublicationBlocked) as refused:
        patch.setattr(steps, "build", lambda night, ingested: Built({}, {}, {}))  # what blocks are the night's files
        freeze(Settings.load(home=place), PAR, [])
    assert not list((place / "submissions").glob("*"))
    [check] = re.findall(r"blocked by (\S+) \(", str(refused.value))
    freeze(Settings.load(home=place), PAR, waivers([check], REASON, BY))
    return landing, place, str(refused.value)


@pytest.fixture
def pack(frozen: tuple[Path, Path, str], tmp_path: Path) -> Path:
    """A copy of the pack in a home of its own, to damage."""
    _, home, _ = frozen
    copy = tmp_path / "home" / "submissions" / NAME
    shutil.copytree(home / "submissions" / NAME, copy)
    for name in ("home.json", "audit.jsonl"):
        shutil.copy(home / name, tmp_path / "home" / name)
    loosened(copy)
    return copy


@pytest.fixture(scope="module")
def frozen_pack(frozen: tuple[Path, Path, str]) -> Path:
    return frozen[1] / "submissions" / NAME


# ---------------------------------------------------------------- refused, waived


def test_a_blocked_submission_says_how_to_go_on(frozen: tuple[Path, Path, str]) -> None:
    _, _, refused = frozen
    assert refused.startswith("the submission is blocked by ") and "--waive CHECK --reason TEXT --by NAME" in refused
    assert "\n" not in refused


def test_what_cannot_be_asked_is_refused_before_anything_is_built(frozen: tuple[Path, Path, str]) -> None:
    _, home, _ = frozen
    settings = Settings.load(home=home)
    with pytest.raises(UsageError, match="is frozen already"):
        freeze(settings, PAR, [])
    with pytest.raises(UsageError, match="no night has read the exports of 2023-08-01"):
        freeze(settings, Submission("B", "PAR", 2023, date(2023, 1, 1), date(2023, 6, 30), date(2023, 8, 1)), [])
    for wrong in (
        ("../B", "PAR", 2023), (".B", "PAR", 2023), ("B", "par", 2023), ("B", "PAR", 2022),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            Submission(*wrong, date(2023, 1, 1), date(2023, 6, 30), nights.AS_OF)
    with pytest.raises(UsageError, match="--to"):
        Submission("B", "PAR", 2023, date(2023, 1, 1), date(2023, 8, 30), nights.AS_OF)
    for reason, by in ((None, BY), (REASON, None), (" ", BY)):
        with pytest.raises(UsageError, match="a reason and a name"):
            waivers(["a"], reason, by)
    [waiver] = waivers(["a"], "hồ sơ 091 234 567 890", BY)
    assert waiver.reason == "hồ sơ *********"
    with pytest.raises(UsageError, match="--waive"):
        waivers([], REASON, BY)


def test_a_waiver_is_on_every_page_and_in_the_trail(frozen: tuple[Path, Path, str], frozen_pack: Path) -> None:
    _, home, _ = frozen
    manifest = json.loads((frozen_pack / "manifest.json").read_text("utf-8"))
    [waiver] = manifest["waivers"]
    assert (waiver["reason"], waiver["waived_by"]) == (REASON, BY) and waiver["waived_at"]
    assert manifest["verdict"]["passed"] is False
    assert manifest["verdict"]["blocking_failures"] == [waiver["check_code"]]
    pages = list(frozen_pack.rglob("*.html"))
    assert len(pages) > 10
    assert [p for p in pages if REASON not in (text := p.read_text("utf-8")) or BY not in text] == []
    for form in (frozen_pack / "forms").iterdir():
        texts = [c.value for s in load_workbook(form) for row in s.rows for c in row if isinstance(c.value, str)]
        assert any(waiver["check_code"] in t and REASON in t and BY in t for t in texts), form.name
    told = [(e["event"], e.get("by")) for e in Audit(Home(home)).entries if e["event"] in ("waived", "froze")]
    assert told == [("waived", BY), ("froze", None)]


# ---------------------------------------------------------------- what is in it


def test_the_pack_holds_what_the_interface_lists(frozen_pack: Path) -> None:
    manifest = json.loads((frozen_pack / "manifest.json").read_text("utf-8"))
    assert {p.stem for p in (frozen_pack / "parquet").iterdir()} == set(manifest["tables"])
    for table in ("fct_dossiers", "kpi_values", "dq_rejected_rows", "dq_flags", "restatements", "dq_check_results"):
        with duckdb.connect() as con:
            [(rows,)] = con.execute(
                "select count(*) from read_parquet(?)", [str(frozen_pack / "parquet" / f"{table}.parquet")]
            ).fetchall()
        assert rows == manifest["tables"][table], table
    assert {p.stem for p in (frozen_pack / "forms").iterdir()} >= {"II.06a", "II.06b", "II.07a", "II.07b"}
    assert {p.name for p in (frozen_pack / "scores").iterdir()} == {"PAR.csv", "QD766.csv", "points-lost.csv"}
    assert (frozen_pack / "quality" / "verdict.json").is_file()
    lock = (frozen_pack / "requirements.lock").read_bytes()
    assert lock == (Path(__file__).parents[2] / "requirements.lock").read_bytes()
    assert manifest["code_version"] and manifest["sources"] and manifest["reports"]
    writable = [p for p in frozen_pack.rglob("*") if p.is_file() and p.stat().st_mode & 0o222]
    assert writable == []


def test_no_file_of_the_pack_names_a_person(frozen_pack: Path) -> None:
    pseudonyms = {c.stored_name for s in all_sources().values() for c in s.columns if c.personal == "pseudonym"}
    with duckdb.connect() as con:
        columns = {
            (path.stem, column)
            for path in (frozen_pack / "parquet").iterdir()
            for column, *_ in con.execute(f"describe from read_parquet('{path}')").fetchall()
        }
    assert len(columns) > 500
    assert {one for one in columns if one[1] in pseudonyms} == set()


def test_its_figures_are_those_of_the_command(frozen_pack: Path, home: Path, ask) -> None:
    """Those dossiers of the waived file came on the last day: the half year is as the release has it."""
    asked = ask(
        "kpi", "--home", home, "--from", "2023-01-01", "--to", "2023-06-30", "--by", "agency", "--format", "csv",
        "--convention", "separate,form_06a",
    )  # fmt: skip
    with (frozen_pack / "figures" / "kpis.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scope_type"] == "agency"]
    known = [{k: v for k, v in row.items() if k != "convention"} for row in rows if row["scope_code"] != "H99.01"]
    expected = [row for row in csv.DictReader(asked.splitlines()) if row["scope_code"] != "H99.01"]
    assert known == expected and len(expected) > 50


def test_its_review_page_is_of_its_period(frozen_pack: Path) -> None:
    """Not of the year that runs: KPIs as in figures/, points as in scores/."""
    told = json.loads((frozen_pack / "review" / "summary.json").read_text("utf-8"))["kpis"]
    assert (told["period_start"], told["period_end"]) == ("2023-01-01", "2023-06-30")

    def listed(name: str, **where: str) -> list[dict[str, str]]:
        with (frozen_pack / name).open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.DictReader(file) if where.items() <= row.items()]

    rows = listed("figures/kpis.csv", scope_type="province", convention="separate")
    expected = {row["kpi_code"]: row["value"] for row in rows}
    assert {code: "" if one["value"] is None else str(one["value"]) for code, one in told["values"].items()} == expected
    page = (frozen_pack / "review" / "index.html").read_text("utf-8")
    [row] = listed("scores/QD766.csv", scope_type="province", criterion_code="TDGQ")
    tree = lxml.html.fromstring(page)
    [points] = tree.xpath("//tbody[@data-index='QD766' and @data-criterion='TDGQ']/tr[1]/td[2]/text()")
    assert points == f"{float(row['points']):.2f}".replace(".", ",")
    assert "kỳ từ 01/01/2023 đến 30/06/2023" in page and "năm đang chạy" not in page


# ---------------------------------------------------------------- verified


def test_the_sums_are_what_a_stranger_computes(frozen_pack: Path, ask) -> None:
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=frozen_pack, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    files = [p for p in frozen_pack.rglob("*") if p.is_file()]
    assert ask("verify", frozen_pack) == f"verified  {len(files) - 1} files are what was frozen in {frozen_pack}\n"


def _changed(pack: Path) -> str:
    (pack / "forms" / "II.06a.xlsx").write_bytes(b"another")
    return "forms/II.06a.xlsx differs from its sum"


def _missing(pack: Path) -> str:
    (pack / "parquet" / "kpi_values.parquet").unlink()
    return "parquet/kpi_values.parquet is missing"


def _added(pack: Path) -> str:
    (pack / "scores" / "more.csv").write_text("a")
    return "scores/more.csv was added"


def _sums_changed_as_well(pack: Path) -> str:
    form = pack / "forms" / "II.06a.xlsx"
    former = hashlib.sha256(form.read_bytes()).hexdigest()
    form.write_bytes(b"another")
    sums = (pack / "SHA256SUMS").read_text()
    (pack / "SHA256SUMS").write_text(sums.replace(former, hashlib.sha256(b"another").hexdigest()))
    return "SHA256SUMS is not the one that the audit trail bears"


def _sums_garbled(pack: Path) -> str:
    (pack / "SHA256SUMS").write_bytes(b"\xff\x00")
    return "SHA256SUMS cannot be read"


def _manifest_garbled(pack: Path) -> str:
    (pack / "manifest.json").write_bytes(b"{")
    return "manifest.json differs from its sum"


def _manifest_gone(pack: Path) -> str:
    (pack / "manifest.json").unlink()
    return "manifest.json is missing"


def _sums_gone(pack: Path) -> str:
    (pack / "SHA256SUMS").unlink()
    return "SHA256SUMS is missing"


def _linked(pack: Path) -> str:
    """To a copy that says the same today."""
    form = pack / "forms" / "II.06a.xlsx"
    shutil.copyfile(form, pack.parent / "outside.xlsx")
    form.unlink()
    form.symlink_to(pack.parent / "outside.xlsx")
    return "forms/II.06a.xlsx is no file of its own"


def _piped(pack: Path) -> str:
    os.mkfifo(pack / "scores" / "more.csv")
    return "scores/more.csv is no file of its own"


def _folder_added(pack: Path) -> str:
    (pack / "more").mkdir()
    return "more is no file of its own"


@pytest.mark.parametrize(
    "damage",
    [_changed, _missing, _added, _sums_changed_as_well, _sums_garbled, _manifest_garbled, _manifest_gone, _sums_gone,
     _linked, _piped, _folder_added],
)  # fmt: skip
def test_what_was_done_to_a_pack_is_told(damage, pack: Path) -> None:
    assert verify(pack) > 50
    told = damage(pack)
    with pytest.raises(CchcError, match=re.escape(told)) as found:
        verify(pack)
    assert found.value.exit_code == 1
    with pytest.raises(CchcError, match=re.escape(told)):
        next(reproduce(pack, Settings.load(pack, pack.parent / "elsewhere")))


def test_a_home_without_its_trail_proves_no_pack(pack: Path) -> None:
    """Nor does a folder deeper in it, where a pack was changed together with its sums."""
    deeper = pack.parent / "copies" / NAME
    shutil.copytree(pack, deeper)
    _sums_changed_as_well(deeper)
    with pytest.raises(CchcError, match="not the one that the audit trail bears"):
        verify(deeper)
    (pack.parent.parent / "audit.jsonl").unlink()
    with pytest.raises(CchcError, match=r"cannot be proved: .*audit\.jsonl is gone"):
        verify(pack)


def test_a_folder_that_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no evidence pack"):
        verify(tmp_path)


# ---------------------------------------------------------------- made again


@pytest.fixture(scope="module")
def elsewhere(frozen: tuple[Path, Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The landing folder and the pack on another path; a file has landed since, and the key is another one."""
    landing, home, _ = frozen
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(landing, folder / "copied")
    put(folder / "copied" / "dossiers/moi_20230724_2300.csv", export("C", 30, 0))
    shutil.copytree(home / "submissions" / NAME, folder / NAME)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CCHC_PSEUDONYM_KEY", "another key for tests, which no province uses")
        yield folder / "copied", folder / NAME


def test_a_pack_is_made_again_elsewhere(elsewhere: tuple[Path, Path], tmp_path: Path) -> None:
    landing, pack = elsewhere
    found = list(reproduce(pack, Settings.load(landing, tmp_path / "home")))
    assert [one for one in found if one.difference] == []
    compared = {one.what for one in found[1:]}
    names = ("parquet", "figures", "scores", "forms")
    assert compared == {
        f"{name}/{p.name}" for name in names for p in (pack / name).iterdir() if p.stem not in NO_FIGURES
    }
    assert "parquet/fct_dossiers.parquet" in compared and "forms/II.06a.xlsx" in compared

    with pytest.raises(UsageError, match="is in use"):
        next(reproduce(pack, Settings.load(landing, tmp_path / "home")))


def test_another_figure_is_found(elsewhere: tuple[Path, Path], tmp_path: Path, monkeypatch) -> None:
    """A pack whose figures are not those of its landing folder, sums and all; compared with what was rebuilt above."""
    from orchestration.submissions import reproduce as room

    _, pack = elsewhere
    again, changed = tmp_path / "again", tmp_path / "changed"
    for copy in (again, changed):
        shutil.copytree(pack, copy)
        loosened(copy)
    assert [one for one in room._figures(changed, again) if one.difference] == []
    with duckdb.connect() as con:
        table = changed / "parquet" / "kpi_values.parquet"
        con.execute(
            f"copy (select * replace (case when value = 1 then 2 else value end as value) from '{again}/parquet/kpi_values.parquet')"
            f" to '{table}' (format parquet)"
        )
    book = load_workbook(changed / "forms" / "II.06a.xlsx")
    book.active["C12"] = 4711
    book.save(changed / "forms" / "II.06a.xlsx")
    scores = changed / "scores" / "QD766.csv"
    scores.write_text(scores.read_text("utf-8").replace("20", "21", 1), "utf-8")
    (again / "scores" / "PAR.csv").unlink()
    found = {one.what: one.difference for one in room._figures(changed, again) if one.difference}
    assert set(found) == {"parquet/kpi_values.parquet", "forms/II.06a.xlsx", "scores/QD766.csv", "scores/PAR.csv"}
    assert "rows are in the pack alone" in found["parquet/kpi_values.parquet"] and "C12" in found["forms/II.06a.xlsx"]


def test_another_landing_folder_is_told_by_its_files(elsewhere: tuple[Path, Path], cchc, tmp_path: Path) -> None:
    landing, pack = elsewhere
    other = Path(shutil.copytree(landing, tmp_path / "other"))
    file = other / "dossiers" / "hoso_20230310_2300.csv"
    file.write_bytes(file.read_bytes() + b"\n")
    (other / BAD).unlink()
    ended = cchc("reproduce", pack, "--landing", other)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stderr.startswith("cchc: 2 of 2 parts of ") and ended.stderr.count("\n") == 1
    for name in ("dossiers/hoso_20230310_2300.csv", BAD):
        assert f"differs   {name}: the landing folder has not the bytes" in ended.stdout
