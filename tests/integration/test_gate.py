"""What blocks publication stays blocked, night after night, until a person settles it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from orchestration.night import steps
from orchestration.publishing.publish import inputs_of
from orchestration.quality.frames import batch_frame
from tests.support import nights
from tests.support.writers import csv_bytes, json_bytes, put

BAD, GOOD = "dossiers/xau_20230722_2300.csv", "dossiers/tot_20230723_2300.csv"
KNOWN = "dossiers/hoso_20230310_2300.csv"
HEADER = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận", "Ngày hẹn trả", "Kênh"]


def export(label: str, good: int, bad: int) -> bytes:
    """A CSV of dossiers received on 21 July, the last `bad` of them with a day that does not exist."""
    days = ["21/07/2023"] * good + ["31/02/2023"] * bad
    rows = [
        [f"H99.01-230721-{label}{n}", "1.000001", "4", day, "01/09/2023", "Trực tiếp"] for n, day in enumerate(days)
    ]
    return csv_bytes([HEADER, *rows], ";", "utf-8")


def marts(home: Path) -> dict[str, str]:
    """The SHA-256 of every published table."""
    manifest = json.loads((home / "current" / "manifest.json").read_text("utf-8"))
    return {name: table["sha256"] for name, table in manifest["tables"].items()}


def count(home: Path, table: str, file: str) -> int:
    with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as con:
        [(rows,)] = con.execute(f"select count(*) from marts.{table} where source_file = ?", [file]).fetchall()
    return rows


def test_a_bad_night_waits_for_a_person(cchc, ask, nightly, landing_and_home: tuple[Path, Path]) -> None:
    """What is rejected whole under a name that was accepted blocks nothing, and is published beside it."""
    landing, home = landing_and_home
    before = (home / "current").resolve()
    was = marts(home)
    put(landing / BAD, export("A", 40, 25))

    blocked = cchc("nightly", "--landing", landing, "--home", home, "--as-of", "2023-07-31")
    assert blocked.returncode == 3
    assert blocked.stderr.startswith("cchc: publication is blocked by") and blocked.stderr.count("\n") == 1
    assert (home / "current").resolve() == before
    assert [p.name for p in (home / "releases").iterdir()] == [before.name]
    assert marts(home) == was
    state = json.loads(ask("status", "--home", home, "--format", "json"))
    assert [f["source_file"] for f in state["blocking"]] == [BAD]
    assert state["last_run"]["outcome"] == "blocked" and "`cchc accept` or `cchc withdraw`" in state["next"][0]

    # A good file does not carry the bad one in.
    put(landing / GOOD, export("B", 30, 0))
    night = ingested({}, home.parent)
    assert GOOD in {f.source_file for f in night.files}
    assert exceeding(night) == [("dossiers", BAD)]
    # One of these names is in the release, the other came since.
    rows = count(home, "fct_dossier_versions", KNOWN)
    for name in (KNOWN, GOOD):
        put(landing / name, b"")

    decide = ["--home", home, BAD, "--reason", "the office cannot correct it", "--by", "Tổ trưởng"]
    ask("accept", *decide)
    accepted = inputs_of(nightly(landing, home).files)
    assert (count(home, "fct_dossiers", BAD), count(home, "dq_rejected_rows", BAD)) == (40, 25)
    assert count(home, "fct_dossier_versions", KNOWN) == rows > 0
    assert count(home, "fct_dossier_versions", GOOD) == 30
    assert [count(home, "dq_rejected_files", name) for name in (KNOWN, GOOD)] == [1, 1]

    ask("withdraw", *decide)
    nightly(landing, home)
    assert (count(home, "fct_dossiers", BAD), count(home, "dq_rejected_rows", BAD)) == (0, 0)
    assert count(home, "fct_dossiers", GOOD) == 30
    assert list((home / "lake").rglob("xau_*.parquet")), "a withdrawn file is kept"

    ask("accept", *decide)
    night = ingested({}, home.parent)
    assert inputs_of(night.files) == accepted and nights.news(landing, home) and exceeding(night) == []
    with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as con:
        judged = con.execute(
            "select night_number, allows_publication, bool_or(status = 'failed' and is_blocking) "
            "from marts.dq_check_history group by all order by all"
        ).fetchall()
        last = con.execute(
            "select count(*) from marts.dq_check_history join marts.dq_check_results "
            "using (kind, suite, check_code, status, observed) where night_number = 4"
        ).fetchone()
        assert last == con.execute("select count(*) from marts.dq_check_results").fetchone()
    assert judged == [(1, True, False), (2, False, True), (3, True, False), (4, True, False)]
    state = json.loads(ask("status", "--home", home, "--format", "json"))
    assert state["blocking"] == []
    assert [(d["source_file"], d["decision"]) for d in state["decisions"]] == [(BAD, "accepted")]


@pytest.mark.parametrize(
    ("good", "bad", "blocks"), [(380, 20, False), (379, 20, True), (19, 19, False), (20, 20, True)]
)
def test_the_threshold(good: int, bad: int, blocks: bool, tmp_path: Path) -> None:
    """At least 20 rows and more than 5 %."""
    night = ingested({BAD: export("C", good, bad)}, tmp_path)
    assert bool(exceeding(night)) is blocks


def test_what_is_nested_in_a_file_is_settled_with_it(tmp_path: Path) -> None:
    file = "dossiers/goi_20230722.json"
    records: list[object] = [
        {
            "MaHoSo": f"H99.01-230721-D{n}", "MaTTHC": "1.000001", "TrangThaiHoSo": 4, "NgayTiepNhan": "20230721080000",
            "DanhSachHoSoBoSung": [{"NgayBoSung": "20230722" if n % 2 else "hôm qua"}],
        }
        for n in range(60)
    ]  # fmt: skip
    night = ingested({file: json_bytes(records)}, tmp_path)
    assert [(f.source, f.is_nested) for f in night.files] == [("dossiers", False), ("supplements", True)]
    assert exceeding(night) == [("supplements", file)]
    night.lake.decide("accepted", file, "r", "b")
    assert exceeding(fresh(night)) == []
    night.lake.decide("withdrawn", file, "r", "b")
    assert fresh(night).files == []


def ingested(files: dict[str, bytes], folder: Path) -> nights.Ran:
    """A night over `landing` and `home` of a folder, up to what it would be judged by."""
    for name, data in files.items():
        put(folder / "landing" / name, data)
    night = nights.ingested(folder / "landing", folder / "home")
    return night


def fresh(night: nights.Ran) -> nights.Ran:
    """The same home on the next night."""
    return nights.known(night.home.root)


def exceeding(night: nights.Ran) -> list[tuple[str, str]]:
    """(source, file) of what blocks."""
    frame = batch_frame(steps.batch(night.home, night.ingested))
    return list(frame.loc[frame["exceeds_threshold"], ["source", "source_file"]].itertuples(index=False, name=None))
