"""What was accepted stays, and nothing vanishes unseen (docs/landing-contract.md 1)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import CchcError, PublicationBlocked
from orchestration.lake.counting import Loss, losses
from orchestration.lake.store import Lake
from orchestration.publishing.publish import inputs_of
from tests.conftest import AS_OF
from tests.support import nights, writers
from tests.support.writers import put

NAME = "dossiers/a_20230722_0100.csv"


def export(rows: int, first: int = 0) -> bytes:
    head = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận"]
    body = [[f"H99.01-230721-{first + n:04d}", "1.000001", "4", "21/07/2023"] for n in range(rows)]
    return writers.csv_bytes([head, *body], ";", "utf-8")


class Province:
    """A landing folder and a home; what the last night counted stands for its release."""

    def __init__(self, folder: Path):
        self.landing, self.home = folder / "landing", folder / "home"
        self.published: list[dict] = []

    def put(self, data: bytes, name: str = NAME) -> None:
        put(self.landing / name, data)

    def night(self, as_of: date = AS_OF, *, publishes: bool = True) -> nights.Ran:
        night = nights.ingested(self.landing, self.home, as_of)
        self.lost = losses(night.lake, night.decisions, as_of, self.published)
        if publishes and not self.lost:
            self.published = inputs_of(night.files)
        self.rows = sum(f.rows_accepted for f in night.files)
        self.refused = {f.source_file: f.reason_code for f in night.files if f.status == "rejected"}
        return night

    def decide(self, decision: str, name: str = NAME) -> None:
        Lake(self.home / "lake").decide(decision, name, "a test", "a tester")

    @property
    def kinds(self) -> dict[str, str]:
        return {loss.source_file: loss.kind for loss in self.lost}

    def lake_file(self, name: str = NAME) -> Path:
        return Path(next(f.path for f in Lake(self.home / "lake").files() if f.source_file == name and f.path))


@pytest.fixture
def province(tmp_path: Path) -> Province:
    return Province(tmp_path)


@pytest.mark.parametrize("bad", [b"", b"\x00\xff" * 40, export(60)[:-1] + b'"', b"Ten;Tuoi\nA;1\n"])
def test_rejected_content_replaces_nothing(bad: bytes, province: Province) -> None:
    province.put(export(100))
    province.night()
    province.put(bad)
    for _ in range(2):
        province.night()
        assert (province.rows, list(province.refused), province.lost) == (100, [NAME], [])
    province.put(export(100))
    province.night()
    assert (province.rows, province.refused) == (100, {}), "the accepted content is back under its name"
    province.put(bad)
    province.night()
    province.put(export(101))
    province.night()
    assert (province.rows, province.refused) == (101, {}), "accepted content replaces both"


def test_a_file_that_became_unreadable_keeps_its_rows(province: Province) -> None:
    province.put(export(100))
    province.night()
    (province.landing / NAME).unlink()
    os.mkfifo(province.landing / NAME)
    province.night()
    assert (province.rows, province.refused) == (100, {NAME: "not_a_file"})
    (province.landing / NAME).unlink()
    province.night()
    assert (province.rows, province.refused) == (100, {}), "a file removed from landing stays known, a pipe does not"


@pytest.mark.parametrize(
    ("before", "after", "blocks"), [(20, 9, True), (20, 10, False), (19, 0, False), (100, 49, True)]
)
def test_fewer_than_half_as_many_rows_block(before: int, after: int, blocks: bool, province: Province) -> None:
    province.put(export(before))
    province.night()
    province.put(export(after))
    for _ in range(2):
        province.night()
        assert province.kinds == ({NAME: "shrunk"} if blocks else {})
    if not blocks:
        return
    province.decide("accepted")
    province.night()
    assert (province.rows, province.lost) == (after, [])


def test_a_withdrawn_replacement_gives_way_to_what_it_would_have_replaced(province: Province) -> None:
    province.put(export(100))
    province.night()
    province.put(export(30))
    province.night()
    province.decide("withdrawn")
    province.night()
    assert (province.rows, province.lost) == (100, [])
    province.put(export(40))
    province.night()
    assert province.kinds == {NAME: "shrunk"}, "measured by what counts, not by what was withdrawn"
    province.put(export(90))
    province.night()
    assert (province.rows, province.lost) == (90, [])


def test_shrinking_step_by_step_is_seen(province: Province) -> None:
    province.put(export(100))
    province.night()
    for rows in (45, 30):
        province.put(export(rows))
        province.night()
        assert province.kinds == {NAME: "shrunk"}


def test_a_shrunken_replacement_stamped_later_blocks_when_it_is_known(province: Province) -> None:
    province.put(export(100), "dossiers/a_20230805.csv")
    province.night(date(2023, 8, 6))
    province.put(export(10), "dossiers/a_20230805.csv")
    province.night(publishes=False)
    assert province.lost == [], "not yet known on 31 July, and before the release's day"
    province.night(date(2023, 8, 6))
    assert province.kinds == {"dossiers/a_20230805.csv": "shrunk"}


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        os.truncate(path, path.stat().st_size // 2)
    elif how == "flipped":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        duckdb.sql(f"select * from '{path}' limit 3").write_parquet(str(path) + ".new")
        os.replace(str(path) + ".new", path)


@pytest.mark.parametrize("how", ["missing", "truncated", "flipped", "another"])
def test_a_damaged_lake_file_is_read_again_or_blocks(how: str, province: Province) -> None:
    province.put(export(100))
    province.night()
    damage(province.lake_file(), how)
    night = province.night()
    assert (province.rows, province.lost, night.report.mended) == (100, [], (NAME,))
    assert night.report.new == 0
    damage(province.lake_file(), how)
    (province.landing / NAME).unlink()
    province.night()
    assert (province.rows, province.kinds) == (0, {NAME: "damaged"})
    province.put(export(100))
    province.night()
    assert (province.rows, province.lost) == (100, [])


def test_a_damage_that_keeps_size_and_time_is_found_when_looked_for(province: Province) -> None:
    province.put(export(100))
    night = province.night()
    path = province.lake_file()
    before = path.stat()
    damage(path, "flipped")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert night.lake.damaged() == []
    assert [f.source_file for f in night.lake.damaged(thoroughly=True)] == [NAME]


def test_a_lake_that_is_gone_blocks(province: Province) -> None:
    province.put(export(100))
    province.put(export(40, 500), "dossiers/b_20230722_0200.csv")
    province.night()
    for path in sorted((province.home / "lake").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (province.landing / NAME).unlink()
    province.night()
    assert province.lost == [Loss("vanished", "dossiers", NAME, province.lost[0].remedy)]
    assert "land the same file again" in province.lost[0].remedy


def test_what_may_leave_leaves(province: Province) -> None:
    """A withdrawal, a replacement by accepted content, a day before the stamp, the same bytes under another name."""
    province.put(export(30, 100), "dossiers/b_20230722_0200.csv")
    province.put(export(30, 200), "dossiers/c_20230722_0300.csv")
    province.put(export(30, 300), "dossiers/d_20230730.csv")
    province.put(export(30, 400), "dossiers/e_20230722_0400.csv")
    province.put(export(30, 400), "dossiers/f_20230722_0400.csv")
    province.night()
    province.decide("withdrawn", "dossiers/b_20230722_0200.csv")
    province.put(export(31, 250), "dossiers/c_20230722_0300.csv")
    province.put(export(32, 450), "dossiers/e_20230722_0400.csv")
    province.night(date(2023, 7, 25))
    assert (province.rows, province.lost) == (31 + 32 + 30, [])


def test_nested_rows_go_with_their_file(province: Province) -> None:
    record = {"MaHoSo": "H99.01-230721-1", "MaTTHC": "1.000001", "TrangThaiHoSo": 4, "NgayTiepNhan": "20230721"}
    name = "dossiers/g_20230722.json"
    province.put(writers.json_bytes([record | {"DanhSachHoSoBoSung": [{"NgayBoSung": "20230722"}]}]), name)
    province.night()
    assert province.rows == 2
    province.put(b"[", name)
    province.night()
    assert (province.rows, province.lost) == (2, [])
    province.put(writers.json_bytes([record]), name)
    province.night()
    assert (province.rows, province.lost) == (1, [])


def test_a_home_from_before_the_register_is_taken_over(province: Province) -> None:
    province.put(export(100))
    province.night()
    (province.home / "lake" / "_register.jsonl").unlink()
    with pytest.raises(CchcError, match=r"_register\.jsonl is missing"):
        province.night()
    marks = json.loads((province.home / "home.json").read_text())
    (province.home / "home.json").write_text(json.dumps(marks | {"has_lake_register": False}))
    night = province.night()
    assert (province.rows, province.lost, night.report.written) == (100, [], ())


@pytest.mark.parametrize("line", [0, 1])
def test_a_register_that_was_tampered_with_is_named(line: int, province: Province) -> None:
    province.put(export(100))
    province.put(export(50, 200), "dossiers/b_20230722_0200.csv")
    province.night()
    register = province.home / "lake" / "_register.jsonl"
    lines = register.read_text().splitlines()
    lines[line] = lines[line].replace('"rows_accepted":', '"rows_accepted":1')
    register.write_text("\n".join(lines) + "\n")
    with pytest.raises(CchcError, match=f"register.*damaged at line {line + 1}"):
        province.night()


def test_a_torn_last_line_of_the_register_is_no_entry(province: Province) -> None:
    province.put(export(100))
    province.night()
    register = province.home / "lake" / "_register.jsonl"
    whole = register.read_bytes()
    register.write_bytes(whole + whole[: len(whole) // 2].rstrip(b"\n"))
    province.put(export(50, 200), "dossiers/b_20230722_0200.csv")
    province.night()
    assert province.rows == 150
    assert register.read_bytes().startswith(whole) and [
        e["sequence"] for e in Lake(province.home / "lake").register.entries
    ] == [1, 2]


def test_a_release_without_its_rows_is_not_published(
    nightly: Callable, landing_and_home: tuple[Path, Path], cchc: Callable
) -> None:
    """Through the whole night: blocked, named, and settled by landing the file again."""
    landing, home = landing_and_home
    current = (home / "current").resolve()
    lost = Path(next(f.path for f in Lake(home / "lake").files() if f.rows_accepted and f.source == "dossiers"))
    name = next(f.source_file for f in Lake(home / "lake").files() if f.path == str(lost))
    lost.unlink()
    bytes_of = (landing / name).read_bytes()
    (landing / name).unlink()
    with pytest.raises(PublicationBlocked, match=name.replace(".", r"\.") + ".*restore it from a backup"):
        nightly(landing, home)
    assert (home / "current").resolve() == current
    status = cchc("status", "--home", home).stdout
    assert any(line.startswith(f"blocks    {name}: ") for line in status.splitlines())
    put(landing / name, bytes_of)
    assert nightly(landing, home).is_new is False
