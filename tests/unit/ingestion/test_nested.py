"""Rows nested in JSON records are rows of their own source, each accepted or rejected by itself (docs/landing-contract.md 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from tests.support import nights
from tests.support.writers import json_bytes, put


def dossier(code: str | None, *nested: Any) -> dict[str, Any]:
    record = {"MaTTHC": "1", "TrangThaiHoSo": 4, "NgayTiepNhan": "20230721", "DanhSachHoSoBoSung": list(nested)}
    return record | ({"MaHoSo": code} if code else {})


def asked(day: str) -> dict[str, str]:
    return {"NgayBoSung": day, "TrangThaiBoSung": "Bổ sung"}


def lake(records: list[object], folder: Path) -> dict[str, list[tuple]]:
    """(row number, dossier, reason, bad column, raw row) of each source's lake file."""
    put(folder / "landing/dossiers/a_20230722.json", json_bytes(records))
    night = nights.ingested(folder / "landing", folder / "home")
    assert (night.report.seen, night.report.new) == (1, 1)
    found = {}
    for file in night.files:
        rows = duckdb.sql(
            f"select row_number, dossier_code, reject_reason, reject_column, raw_row from '{file.path}'"
        ).fetchall()
        assert (len(rows), sum(r[2] is None for r in rows)) == (file.rows_read, file.rows_accepted)
        found[file.source] = rows
    return found


def test_each_nested_row_stands_for_itself(tmp_path: Path) -> None:
    found = lake(
        [dossier("H1", asked("20230722"), asked("hôm qua"), asked("31/02/2023")), dossier("H2", asked("20230722")),
         dossier(None, asked("20230722")), dossier("H4", "không", None, asked("20230722"))],
        tmp_path,
    )  # fmt: skip
    assert [(n, c, r) for n, c, r, _, _ in found["dossiers"]] == [
        (1, "H1", None), (2, "H2", None), (3, None, "missing"), (4, "H4", None),
    ]  # fmt: skip
    assert [row[:4] for row in found["supplements"]] == [
        (1, "H1", None, None), (1, None, "unreadable", "requested_at"), (1, None, "unreadable", "requested_at"),
        (2, "H2", None, None), (3, None, "missing", "dossier_code"), (4, None, "not_an_object", None),
        (4, None, "not_an_object", None), (4, "H4", None, None),
    ]  # fmt: skip
    assert ["31/02/2023" in (raw or "") for *_, raw in found["supplements"]] == [False, False, True] + [False] * 5
    assert "aaa aaa" in found["supplements"][1][4]


def test_bad_nested_rows_do_not_reject_the_dossiers(tmp_path: Path) -> None:
    """Neither a key that none of them has nor days that none of them can read."""
    found = lake([dossier("H1", {"TrangThaiBoSung": "x"}), dossier("H2")], tmp_path / "without")
    assert [row[2] for row in found["dossiers"]] == [None, None]
    assert found["supplements"][0][2:4] == ("missing", "requested_at")
    found = lake([dossier("H1", *[asked("hôm qua")] * 9)], tmp_path / "unreadable")
    assert found["dossiers"][0][2] is None and len(found["supplements"]) == 9
