"""Names in landing: stamps, folders, what is ignored (contract, section 1). `tests.support.reading` reads them too."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import UsageError
from orchestration.ingestion.landing import export_stamp, scan
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


PIECES = ["2023", "20230310", "2023-03-10", "2023_03_10", "20230231", "0705", "070509", "25", "1", "_", "-", "T", " ", ".", ":", "a"]


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
