"""Names in landing: stamps, folders, what is ignored (docs/landing-contract.md 1). `tests.support.reading` reads them too."""

from __future__ import annotations

import os
import socket
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import UsageError
from orchestration.ingestion.landing import LandedFile, export_stamp, scan
from tests.support import reading
from tests.support.writers import put


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("hoso_20230310_2300.csv", "2023-03-10T23:00"),
        ("hoso_20230310.csv", "2023-03-10T23:59:59"),
        ("hoso 2023-03-10T07:05:09.csv", "2023-03-10T07:05:09"),
        ("hoso_2023_03_10 07.05.csv", "2023-03-10T07:05"),
        ("20230310-070509.xlsx", "2023-03-10T07:05:09"),
        ("20230310070509.xlsx", "2023-03-10T07:05:09"),
        ("2023031007050.xlsx", "2023-03-10T23:59:59"),
        ("hoso_20230310_2460.csv", "2023-03-10T23:59:59"),
        ("hoso_20230310__0705.csv", "2023-03-10T23:59:59"),
        ("20230101_20230310_0705.csv", "2023-03-10T07:05"),
        ("20230310_20230231.csv", "2023-03-10T23:59:59"),
        ("1_20230310.csv", "2023-03-10T23:59:59"),
        ("2023-03_10.csv", None),
        ("120230310.csv", None),
        ("19991231.csv", None),
        ("21010101.csv", None),
        ("20230230.csv", None),
        ("hoso.csv", None),
        ("２０２３０３１０.csv", None),
    ],
)
def test_export_stamp(name: str, stamp: str | None) -> None:
    assert export_stamp(name) == (datetime.fromisoformat(stamp) if stamp else None)


PIECES = [
    "2023",
    "20230310",
    "2023-03-10",
    "2023_03_10",
    "20230231",
    "0705",
    "070509",
    "25",
    "1",
    "_",
    "-",
    "T",
    " ",
    ".",
    ":",
    "a",
]


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join) | st.text("0123456789-_T .:a", max_size=30))
def test_stamps_as_the_second_reading_has_them(name: str) -> None:
    assert export_stamp(name) == reading.export_stamp(name)


def test_which_files_count(tmp_path: Path) -> None:
    for name in (
        "dossiers/a.csv", "dossiers/sub/b.csv", "dossiers/.c.csv", "dossiers/.d/e.csv", "dossiers/~$f.xlsx", "dossiers/g.TMP",
        "dossiers/h.csv.part", "dossiers/Thumbs.db", "k.csv", "unknown/l.csv", "registers/m.csv", "registers/agencies/n.csv",
        "registers/agencies_old/o.csv", "dossiersx/p.csv", "dossiers/hồ sơ.csv",
    ):  # fmt: skip
        put(tmp_path / name, b"x")
    found = [(f.source, f.source_file) for f in scan(tmp_path, {"dossiers", "registers/agencies"})]
    assert found == [
        (None, "dossiersx/p.csv"), (None, "k.csv"), (None, "registers/agencies_old/o.csv"), (None, "registers/m.csv"),
        (None, "unknown/l.csv"), ("dossiers", "dossiers/a.csv"), ("dossiers", "dossiers/hồ sơ.csv"),
        ("dossiers", "dossiers/sub/b.csv"), ("registers/agencies", "registers/agencies/n.csv"),
    ]  # fmt: skip


def test_a_missing_landing_is_said(tmp_path: Path) -> None:
    for landing in (None, tmp_path / "none"):
        with pytest.raises(UsageError, match="landing"):
            scan(landing, set())


def faults(landing: Path) -> dict[str, str]:
    """Why each file below landing cannot be opened, nothing where it can."""
    return {f.source_file: f.fault.reason_code if f.fault else "" for f in scan(landing, {"dossiers"})}


def test_links_count_where_they_stay_below_landing(tmp_path: Path) -> None:
    landing, outside = tmp_path / "landing", tmp_path / "landing of others"
    put(outside / "a.csv", b"x")
    put(landing / "dossiers/a.csv", b"x")
    put(landing / "dossiers/sub/b.csv", b"x")
    for name, target in (
        ("inside.csv", landing / "dossiers/a.csv"), ("twin", landing / "dossiers/sub"), ("sub/up", landing / "dossiers"),
        ("self.csv", landing / "dossiers/self.csv"), ("root", landing), ("nowhere.csv", landing / "none"),
        ("outside.csv", outside / "a.csv"), ("others", outside), ("zero.csv", Path("/dev/zero")), (".hidden", outside),
    ):  # fmt: skip
        (landing / "dossiers" / name).symlink_to(target)
    assert faults(landing) == {
        "dossiers/a.csv": "", "dossiers/sub/b.csv": "", "dossiers/inside.csv": "", "dossiers/twin/b.csv": "",
        **{f"dossiers/{name}": "not_a_file" for name in (
            "sub/up", "twin/up", "self.csv", "root", "nowhere.csv", "outside.csv", "others", "zero.csv",
        )},
    }  # fmt: skip


def test_pipes_and_sockets_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "dossiers").mkdir()
    os.mkfifo(tmp_path / "dossiers/a.csv")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "b.csv"))
    put(tmp_path / "dossiers/c.csv", b"x")
    assert faults(tmp_path) == {"dossiers/a.csv": "not_a_file", "b.csv": "not_a_file", "dossiers/c.csv": ""}


def test_folders_are_read_down_to_the_64th_level(tmp_path: Path) -> None:
    levels = ["dossiers", *["d"] * 64]
    put(tmp_path / "/".join(levels[:64]) / "a.csv", b"x")
    put(tmp_path / "/".join(levels) / "b.csv", b"x")
    put(tmp_path / "dossiers/c.csv", b"x")
    assert faults(tmp_path) == {
        "/".join([*levels[:64], "a.csv"]): "", "/".join(levels): "not_a_file", "dossiers/c.csv": "",
    }  # fmt: skip


def test_a_folder_that_cannot_be_listed_is_one_rejected_file(tmp_path: Path) -> None:
    """Here for its path is longer than the system takes; whoever runs tests as root may open any other."""
    name, deep = "d" * 250, tmp_path / "dossiers"
    put(deep / "a.csv", b"x")
    at = os.open(deep, os.O_RDONLY)
    for _ in range(17):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    found = faults(tmp_path)
    assert found.pop("dossiers/a.csv") == ""
    assert list(found.values()) == ["unreadable"]


def test_a_landing_that_is_no_folder_is_said(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", b"x")
    with pytest.raises(UsageError, match="does not exist"):
        scan(tmp_path / "a.csv", set())


def test_a_landed_file_has_the_stamp_of_its_base_name() -> None:
    landed = LandedFile(Path("x"), "dossiers/20200101/hoso_20230310.csv", "dossiers")
    assert landed.stamp == datetime(2023, 3, 10, 23, 59, 59)
    assert LandedFile(Path("x"), "20230310/a.csv", None).stamp is None
