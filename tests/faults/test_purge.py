"""Persons taken out of all that the warehouse keeps: nobody comes back, no row is lost, no figure changes."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration import purge as purging
from orchestration.errors import CchcError, PublicationBlocked, UsageError
from orchestration.home import Home
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.lake.counting import losses
from orchestration.lake.erasure import places_of
from orchestration.lake.store import Lake
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.publishing.publish import inputs_of
from orchestration.purge import Purge, limits
from orchestration.settings import Settings
from tests.conftest import AS_OF, KEY
from tests.support import nights
from tests.support.landing import write_trap_landing
from tests.support.published import tables
from tests.support.writers import csv_bytes, json_bytes, put, xlsx_bytes

pytestmark = pytest.mark.slow

HANOI, HUE, CARD, OFFICER = "097000111222", "098123456789", "012345678", "Cán Bộ Tưởng Tượng"
BY = {"reason": "a person asked (phiếu 12)", "by": "a tester"}
TODAY = dt.date(2026, 11, 24)


def dossiers(*persons: object, prefix: str = "P") -> list[list[object]]:
    head = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận", "Số CCCD"]
    rows = [[f"H99.01-230721-{prefix}{n}", "1.000001", "4", "21/07/2023", p] for n, p in enumerate(persons)]
    return [head, *rows]


def landing(root: Path) -> None:
    """Persons in every source that tells of them, and in every way a number is written there."""
    put(root / "dossiers/a_20230722_0100.csv", csv_bytes(dossiers(HANOI, HUE, CARD, "", HANOI), ";", "utf-8"))
    put(root / "dossiers/b_20230722_0200.xlsx", xlsx_bytes(dossiers(int(HANOI), int(HUE), int(CARD), None, prefix="X")))
    record = {"MaHoSo": "H99.01-230721-J1", "MaTTHC": "1.000001", "TrangThaiHoSo": 4, "NgayTiepNhan": "20230721"}
    nested = {"SoGiayToChuHoSo": HANOI, "DanhSachHoSoBoSung": [{"NgayBoSung": "22/07/2023"}]}
    put(root / "dossiers/c_20230722_0300.json", json_bytes([record | nested]))
    steps = [["dossier_code", "occurred_at", "status", "officer_name"],
             ["H99.01-230721-P0", "21/07/2023", "4", OFFICER], ["H99.01-230721-P1", "21/07/2023", "4", "Người Khác"]]  # fmt: skip
    put(root / "dossier_events/a_20230722.csv", csv_bytes(steps, ";", "utf-8"))
    asked = [["lookup_code", "facility_code", "looked_up_at", "document_type", "identity_number", "result"]]
    asked += [[f"T{n}", "91001", "21/07/2023 08:00", "CCCD", p, "Thành công"] for n, p in enumerate((HANOI, HUE))]
    put(root / "health_lookups/a_20230722.csv", csv_bytes(asked, ";", "utf-8"))
    births = [["registration_code", "event_type", "event_date", "registered_at", "commune_code", "person_id"]]
    births += [
        [f"K{n}", "KS", "01/07/2023", f"0{n + 2}/07/2023", "99901", p] for n, p in enumerate((HANOI, HUE, HANOI, HUE))
    ]
    put(root / "civil_registrations/a_20230722.csv", csv_bytes(births, ";", "utf-8"))


class Province:
    """A landing folder and a home without releases, and what a lake file says of persons."""

    def __init__(self, folder: Path):
        self.landing, self.home = folder / "landing", folder / "home"

    def night(self) -> nights.Ran:
        night = nights.ingested(self.landing, self.home)
        assert losses(night.lake, night.decisions, AS_OF, inputs_of(night.files)) == []
        return night

    def purge(self, number: str | None = None, **over: str) -> dict:
        return json.loads(Purge(Settings.load(home=self.home), **BY | over, number=number).run().read_text("utf-8"))

    def persons(self, *numbers: str) -> list[str]:
        """The files of the home that name one of them, told by names computed here from the rule as it is written."""
        with duckdb.connect() as con:
            return [
                str(p.relative_to(self.home)) for p in places_of(con, self.home, [n for m in numbers for n in names(m)])
            ]

    def rows(self) -> int:
        return duckdb.sql(
            f"select count(*) from read_parquet('{self.home}/lake/**/*.parquet', union_by_name = true)"
        ).fetchall()[0][0]


def names(number: str) -> list[str]:
    """HMAC-SHA-256 under the key of each context, itself HMAC of the home's key (decision 0007)."""
    keys = [
        hmac.digest(KEY.encode(), f"pseudonyms in {c}".encode(), "sha256")
        for c in ("civil_status", "dossiers", "health", "officers")
    ]
    return [hmac.new(key, number.encode(), hashlib.sha256).hexdigest()[:32] for key in keys]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("province")
    landing(folder / "landing")
    Province(folder).night()
    return folder


@pytest.fixture
def province(made_once: Path, tmp_path: Path) -> Province:
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    return Province(tmp_path)


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "today", lambda: TODAY)


# --- a person


@pytest.mark.parametrize(("number", "asked", "rows", "files"), [
    (HANOI, "97000111222", 7, 5), (HUE, f" {HUE[:3]} {HUE[3:6]}-{HUE[6:]}\n", 5, 4), (CARD, CARD, 2, 2), (OFFICER, OFFICER.replace(" ", "  "), 1, 1),
])  # fmt: skip
def test_a_person_is_named_nowhere_and_no_row_is_lost(
    number: str, asked: str, rows: int, files: int, province: Province
) -> None:
    before, others = province.rows(), sorted({HANOI, HUE, CARD, OFFICER} - {number})
    kept = {other: province.persons(other) for other in others}
    assert province.persons(number)
    certificate = province.purge(asked)
    assert (certificate["rows_changed"], len(certificate["lake_files"])) == (rows, files)
    assert (province.persons(number), province.rows()) == ([], before)
    for other in others:
        assert len(province.persons(other)) == len(kept[other]), "nobody else is touched"
    night = province.night()
    assert (night.report.written, night.lake.damaged(thoroughly=True)) == ((), [])
    assert province.purge(asked)["rows_changed"] == rows, "asked again it is certified again, of the same rows"


def test_what_is_rewritten_stays_as_it_was_but_for_the_person(province: Province) -> None:
    def told() -> dict[str, tuple]:
        found = {}
        for file in Lake(province.home / "lake").files():
            said = duckdb.sql(
                f"select decode(key), decode(value) from parquet_kv_metadata('{file.path}') order by 1"
            ).fetchall()
            packed = duckdb.sql(f"select distinct compression from parquet_metadata('{file.path}')").fetchall()
            keys = [c for c in duckdb.sql(f"from '{file.path}'").columns if c.endswith(("_key", "_identity_kind"))]
            left_out = f"exclude ({', '.join(keys)})" if keys else ""
            rows = duckdb.sql(f"select * {left_out} from '{file.path}'").fetchall()
            named = duckdb.sql(f"select {', '.join(keys) or 'null'} from '{file.path}'").fetchall()
            found[file.source, file.source_file] = (said, packed, rows), named
        return found

    before = told()
    province.purge(HANOI)
    after = told()
    erased = set(names(HANOI))
    for key, (content, named) in before.items():
        assert after[key][0] == content
        assert after[key][1] == [(None,) * len(row) if erased & set(row) else row for row in named]


def test_a_person_does_not_come_back(province: Province) -> None:
    """The same bytes under another name, other bytes under the same, a lake file lost and read again, a later night."""
    province.purge(HANOI)
    first = province.landing / "dossiers/a_20230722_0100.csv"
    put(province.landing / "dossiers/d_20230723_0100.csv", first.read_bytes())
    put(first, csv_bytes(dossiers(HANOI, HUE, CARD, HANOI, "", ""), ";", "utf-8"))
    registrations = next(f for f in Lake(province.home / "lake").files() if f.source == "civil_registrations")
    Path(registrations.path).unlink()
    night = province.night()
    assert night.report.mended == (registrations.source_file,)
    assert province.persons(HANOI) == []
    assert len(province.persons(HUE)) == 6, "d, the former a, its replacement, b, look-ups, registrations"


def test_replaced_content_and_what_waits_for_a_decision_are_purged(province: Province) -> None:
    name = province.landing / "dossiers/e_20230722_0400.csv"
    for rows in (40, 30, 10):
        put(name, csv_bytes(dossiers(*[HANOI] * rows, prefix="E"), ";", "utf-8"))
        night = nights.ingested(province.landing, province.home)
    held = next(f for f in night.lake.files() if f.source_file.endswith("e_20230722_0400.csv"))
    assert held.former.rows_accepted == 30 and any("_replaced" in place for place in province.persons(HANOI))
    before = province.rows()
    assert province.purge(HANOI)["rows_changed"] == 7 + 40 + 30 + 10
    assert (province.persons(HANOI), province.rows()) == ([], before)
    lake = Lake(province.home / "lake")
    held = next(f for f in lake.files() if f.source_file.endswith("e_20230722_0400.csv"))
    assert (held.former.rows_accepted, lake.damaged(thoroughly=True)) == (30, [])


def test_the_certificate_tells_what_was_done_and_nothing_of_the_person(province: Province) -> None:
    sums = {p.relative_to(province.home / "lake").as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in (province.home / "lake").rglob("*.parquet")}  # fmt: skip
    found = province.purge(HANOI)
    [path] = (province.home / "certificates").iterdir()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert path.name.startswith("purge-") and path.name.endswith("Z.json")
    assert set(found["person_digests"]) == {hashlib.sha256(name.encode()).hexdigest() for name in names(HANOI)}
    assert (found["asked"], found["reason"], found["by"]) == ("person", BY["reason"], BY["by"])
    for file in found["lake_files"]:
        assert sums[file["before"]["path"]] == file["before"]["sha256"]
        assert (
            hashlib.sha256((province.home / "lake" / file["after"]["path"]).read_bytes()).hexdigest()
            == file["after"]["sha256"]
        )
    assert found["verified"] == {"lake_files_that_name_anyone_erased": 0, "files_of_the_home_that_name_the_person": 0}
    told = (path.read_bytes(), (province.home / "lake/_erased.jsonl").read_bytes())
    assert not [secret for secret in (HANOI, HANOI[1:], *names(HANOI)) if any(secret.encode() in t for t in told)]
    assert stat.S_IMODE((province.home / "lake/_erased.jsonl").stat().st_mode) == 0o600


def test_a_number_that_nobody_bears_changes_nothing(province: Province) -> None:
    before = {p: p.stat().st_mtime_ns for p in (province.home / "lake").rglob("*.parquet")}
    found = province.purge("099999999999")
    assert (found["rows_changed"], found["lake_files"], found["releases_removed"]) == (0, [], [])
    assert {p: p.stat().st_mtime_ns for p in (province.home / "lake").rglob("*.parquet")} == before


@pytest.mark.parametrize("number", ["", "  \n", "-", "9" * 300])
def test_no_number_is_wrong_usage(number: str, province: Province) -> None:
    with pytest.raises(UsageError, match="no identity number given"):
        province.purge(number)
    assert not (province.home / "lake/_erased.jsonl").exists()


@pytest.mark.parametrize("over", [{"reason": " "}, {"reason": f"of {HANOI}"}, {"by": "097 000 111 222"}])
def test_a_reason_bears_no_number_of_a_person(over: dict, province: Province) -> None:
    with pytest.raises(UsageError) as wrong:
        province.purge(HANOI, **over)
    assert HANOI not in str(wrong.value)


def test_the_list_of_those_erased_cannot_be_lost_unseen(province: Province) -> None:
    province.purge(HANOI)
    listed = province.home / "lake/_erased.jsonl"
    whole = listed.read_text()
    for content, match in (("", "is not what it was"), (whole.replace('"by":"a', '"by":"b'), "damaged at line 1")):
        listed.write_text(content)
        with pytest.raises(CchcError, match=match):
            province.night()
    listed.unlink()
    with pytest.raises(CchcError, match="restore it from a backup, for without it they would come back"):
        province.night()


def test_a_lake_file_that_cannot_be_read_is_named(province: Province) -> None:
    kept = province.home / "lake/_replaced/dossiers/x.parquet"
    put(kept, b"PAR1 no longer")
    with pytest.raises(CchcError, match=r"x\.parquet cannot be read, so nobody knows whom it names"):
        province.purge(HANOI)
    kept.unlink()
    assert province.purge(HANOI)["rows_changed"] == 7


# --- figures and releases


def figures(database: Path) -> dict[str, set[tuple]]:
    """What is published, but for what compares persons, what was judged of that night's new files, and since when a
    thing is known as it is: states that differ by the person alone become one."""
    since = ("known_from", "known_to", "last_shown_at", "source_file", "row_number", "dossier_version_key")
    found = {table: set(rows) for table, rows in tables(database, without=since).items()}
    del found["marts.dq_check_results"]
    found["marts.dq_flags"] = {row for row in found["marts.dq_flags"] if "duplicate_registration" not in row}
    return found


def test_no_figure_changes_over_a_landing_full_of_traps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the exports past their time, and three persons more: every table but for its pseudonyms is as before."""
    province = Province(tmp_path)
    write_trap_landing(province.landing, 11, 100, exports=4)
    as_of = dt.date(2024, 12, 31)

    def built(**over: bool) -> nights.Ran:
        request = nights.asked(province.landing, province.home, as_of, **over)
        with held(request) as night:
            ingested = steps.ingest(night)
            steps.build(night, ingested)
        return nights.Ran(request, ingested)

    stamps = sorted({f.stamp for f in built().files if f.stamp})
    before = figures(province.home / "warehouse.duckdb")
    assert len(before["marts.kpi_values"]) > 1000 and len(before["marts.dq_flags"]) > 50
    monkeypatch.setattr(purging, "limits", lambda _: dict.fromkeys(
        ("dossiers", "dossier_events", "health_lookups", "civil_registrations"), stamps[len(stamps) // 2]))  # fmt: skip
    erased = province.purge()["rows_changed"]
    for number in ("000000001", "098000000007", "280000011"):
        erased += province.purge(number)["rows_changed"]
    assert erased > 100
    assert figures(built(reads_landing=False).home.warehouse) == before


def test_the_release_is_made_anew_and_older_ones_go(
    nightly: Callable, landing_and_home: tuple[Path, Path], cchc: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the command: the number on stdin alone; nothing of it or of the pseudonym in any byte of the home."""
    province = Province(landing_and_home[1].parent)
    landing(province.landing)
    nightly(province.landing, province.home)
    before, releases = (
        figures(province.home / "current/cchc.duckdb"),
        sorted(p.name for p in (province.home / "releases").iterdir()),
    )
    assert len(releases) == 2 and any("releases" in place for place in province.persons(HANOI))
    ended = cchc(
        "purge", "--home", province.home, "--person", "--reason", BY["reason"], "--by", "a tester", input=HANOI + "\n"
    )
    assert ended.returncode == 0, ended.stderr
    assert [line.split()[0] for line in ended.stdout.splitlines()] == [
        "purge",
        "build",
        "check",
        "publish",
        "publish",
        "certify",
    ]
    [kept] = (province.home / "releases").iterdir()
    assert (province.home / "current").resolve() == kept and kept.name not in releases
    assert figures(kept / "cchc.duckdb") == before
    assert province.persons(HANOI) == [] and province.persons(HUE)
    secrets = [s.encode() for s in (HANOI, HANOI[1:], *names(HANOI))]
    told = [p.read_bytes() for p in province.home.rglob("*") if p.is_file()] + [
        ended.stdout.encode(),
        ended.stderr.encode(),
    ]
    assert not [s for s in secrets if any(s in content for content in told)]
    certificate = json.loads(next((province.home / "certificates").iterdir()).read_text("utf-8"))
    assert (certificate["releases_removed"], certificate["release"]) == (releases, kept.name)
    changed = set(certificate["tables_changed"])
    assert {"fct_dossiers", "fct_dossier_versions", "fct_civil_registrations", "dq_flags"} <= changed
    assert not changed & {"kpi_values", "form_06a", "dq_rejected_rows", "fct_payments"}
    night = nightly(province.landing, province.home)
    assert (night.is_new, night.losses) == (False, ()), "nothing new, and nothing has vanished"
    shutil.rmtree(province.landing / "dossiers")
    monkeypatch.setattr(steps, "judge", lambda *_: steps.Judged(None, "publication is blocked by a test"))
    with pytest.raises(PublicationBlocked, match=rf"these releases still may: {kept.name}.*run the same purge again"):
        province.purge(HUE)
    assert {Path(place).parts[0] for place in province.persons(HUE)} == {"releases"}
    assert "purge     not finished" in cchc("status", "--home", province.home).stdout


def test_the_command_says_what_is_wrong(province: Province, cchc: Callable) -> None:
    for options, match in (
        (["--person", "--policy"], "either --person or --policy"),
        ([], "either"),
        (["--person"], "no identity number"),
    ):
        ended = cchc("purge", "--home", province.home, *options, "--reason", "a", "--by", "b", input="")
        assert (ended.returncode, ended.stdout) == (2, ""), ended
        assert match in ended.stderr and ended.stderr.count("\n") == 1
    with Home(province.home).lock():
        ended = cchc("purge", "--home", province.home, "--policy", "--reason", "a", "--by", "b")
    assert ended.returncode == 4 and "another run holds" in ended.stderr


# --- killed

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from orchestration import chained
from orchestration.purge import Purge
from orchestration.settings import Settings

owner, name, calls = {"os": os, "Path": Path, "Chain": chained.Chain}[sys.argv[2]], sys.argv[3], int(sys.argv[4])
whole = getattr(owner, name)

def killed(*arguments, **options):
    global calls
    if name != "unlink" or "lake" in Path(arguments[0]).parts:
        calls -= 1
    if calls < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments, **options)

setattr(owner, name, killed)
Purge(Settings.load(home=sys.argv[1]), "a person asked", "a tester", number=sys.stdin.readline()).run()
"""


@pytest.mark.parametrize(
    ("owner", "name", "calls"), [("Chain", "append", 1), ("Chain", "append", 2), ("Path", "unlink", 2)]
)
def test_a_purge_that_was_killed_is_finished_by_the_next_run(
    owner: str, name: str, calls: int, province: Province, cchc: Callable, tmp_path: Path
) -> None:
    """After the list was written, before and while lake files are exchanged: also when landing holds them no more."""
    ended = cchc(province.home, owner, name, calls, program=KILLED_AT, input=HANOI + "\n")
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert province.persons(HANOI) or (name == "append" and calls == 2)
    for path in (province.landing / "dossiers").iterdir():
        path.unlink()
    night = province.night()
    assert province.persons(HANOI) == [], "the next night finishes in the lake"
    assert (night.lake.damaged(thoroughly=True), sum(f.rows_accepted for f in night.files)) == (
        [],
        5 + 4 + 1 + 1 + 2 + 2 + 4,
    )
    assert night.home.marks["purge_unfinished"], "releases may still name the person"
    certificate = province.purge(HANOI)
    assert (certificate["rows_changed"], len(certificate["lake_files"])) == (7, 5), "of the killed run too"
    assert not night.home.marks["purge_unfinished"]


# --- by the policy


def test_limits_are_whole_years_before_the_day() -> None:
    assert limits(dt.date(2024, 2, 29))["health_lookups"] == dt.datetime(2023, 2, 28)
    assert set(limits(TODAY)) == {
        "dossiers",
        "portal_dossiers",
        "dossier_events",
        "health_lookups",
        "civil_registrations",
    }


@pytest.mark.usefixtures("today")
def test_old_exports_name_nobody_and_new_ones_whom_they_name(tmp_path: Path) -> None:
    province = Province(tmp_path)
    day = limits(TODAY)["dossiers"].date()
    old, new = day - dt.timedelta(days=1), day
    put(province.landing / f"dossiers/a_{old:%Y%m%d}.csv", csv_bytes(dossiers(HANOI, HUE), ";", "utf-8"))
    put(province.landing / f"dossiers/b_{new:%Y%m%d}_0000.csv", csv_bytes(dossiers(HANOI, prefix="N"), ";", "utf-8"))
    province.night()
    found = province.purge()
    assert (found["asked"], found["rows_changed"], found["person_digests"]) == ("retention policy", 2, [])
    assert found["exports_before"]["dossiers"] == f"{day}T00:00:00"
    assert (len(province.persons(HANOI)), province.persons(HUE)) == (1, [])
    put(province.landing / f"dossiers/c_{old:%Y%m%d}_1200.csv", csv_bytes(dossiers(HUE, prefix="C"), ";", "utf-8"))
    put(province.landing / f"dossiers/d_{new:%Y%m%d}_1200.csv", csv_bytes(dossiers(HUE, prefix="D"), ";", "utf-8"))
    province.night()
    assert len(province.persons(HUE)) == 1, "an old export that lands late names nobody, a new one does"
    assert province.purge()["rows_changed"] == 2, "the day's request is the same one"


# --- contexts


def test_a_home_from_before_contexts_goes_on_without(province: Province) -> None:
    """Never two kinds of pseudonyms in one lake; a person's request finds both kinds."""
    marks = json.loads((province.home / "home.json").read_text())
    assert marks.pop("pseudonym_contexts") == 2
    one = Province(province.landing.parent / "one")
    landing(one.landing)
    (one.home).mkdir()
    (one.home / "home.json").write_text(json.dumps(marks | {"pseudonym_contexts": 1}))
    put(one.landing / "dossiers/a_20230722_0100.csv", (province.landing / "dossiers/a_20230722_0100.csv").read_bytes())
    one.night()
    (one.home / "home.json").write_text(json.dumps(marks))
    put(one.landing / "dossiers/z_20230723.csv", csv_bytes(dossiers(HUE, prefix="Z"), ";", "utf-8"))
    one.night()
    found = duckdb.sql(f"select distinct applicant_key from read_parquet('{one.home}/lake/dossiers/*.parquet') intersect "
                       f"select person_key from read_parquet('{one.home}/lake/civil_registrations/*.parquet')").fetchall()  # fmt: skip
    assert len(found) == 2, "one context: the same two persons in both sources"
    assert one.persons(HUE) == []
    assert one.purge(HUE)["rows_changed"] == 6
    (one.home / "home.json").write_text(json.dumps(marks | {"pseudonym_contexts": 3}))
    with pytest.raises(UsageError, match="version 3"):
        one.night()


def test_sources_of_one_context_share_pseudonyms_and_others_do_not(province: Province) -> None:
    keys = [set(duckdb.sql(f"select {column} from read_parquet('{province.home}/lake/{source}/*.parquet') where {column} is not null").fetchall())
            for source, column in (("dossiers", "applicant_key"), ("health_lookups", "identity_key"), ("civil_registrations", "person_key"))]  # fmt: skip
    assert [len(k) for k in keys] == [4, 2, 2] and not (keys[0] & keys[1] or keys[1] & keys[2] or keys[0] & keys[2])
    assert repr(Pseudonyms(KEY.encode())).find(KEY) < 0


def test_a_night_after_a_purge_that_was_killed_leaves_no_block_of_the_warehouse(
    landing_and_home: tuple[Path, Path],
) -> None:
    """Killed after the lake was changed: the night finds nothing left to erase."""
    landing, home = landing_and_home
    Home(home).remember(purge_unfinished=True)
    nights.ingested(landing, home)
    assert not (home / "warehouse.duckdb").exists()
