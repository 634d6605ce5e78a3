"""A person's number in every column of every source: what reaches the lake, by the column's declared class."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.sources import Column, Source, all_sources
from tests.support import nights, writers
from tests.support.writers import put

NAME = "Đặng Thị Quỳnh Giả"
KEY = "TenNguoiKy"  # inside a JSON object; nothing of one is ever kept
# How people write a citizen number of which every digit counts; {n} tells one canary from another.
FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda n: f"097{n}",
    "blanks": lambda n: f"097 {n[:3]} {n[3:6]} {n[6:]}",
    "dots": lambda n: f"097.{n[:3]}.{n[3:7]}.{n[7:]}",
    "dashes": lambda n: f"097–{n[:3]}-{n[3:6]}−{n[6:]}",
    "plus": lambda n: f"+97 {n[:2]} {n[2:5]} {n[5:]}",
    "hidden": lambda n: f"097{n[:3]}\u200b{n[3:6]}\u00a0{n[6:]}",
    "in a text": lambda n: f"của 097 {n[:3]} {n[3:6]} {n[6:]} ký",
    "named": lambda n: f"{NAME} 097{n}",
}  # fmt: skip
GOOD = {
    "code": "K1", "text": "Chữ", "time": "21/07/2023 08:00", "date": "21/07/2023", "partial_date": "21/07/2023",
    "integer": "5", "money": "5.000", "decimal": "1,5", "flag": "1", "identity": "000999888777", "dropped": NAME,
}  # fmt: skip


def good(column: Column) -> str:
    if column.kind != "list":
        return GOOD[column.kind]
    return next(iter(column.values.values()))[0]


def canaries(source: Source, forms: dict[str, Callable]) -> Iterator[tuple[Column, str, str, object]]:
    """(column, form, digits that must not be found, cell) of every column in every form."""
    for place, column in enumerate(source.columns):
        for kind, (form, spelled) in enumerate(forms.items()):
            number = f"{place:02d}7{kind}31864"
            yield column, form, f"97{number}", spelled(number)


def landing(root: Path, source: Source) -> None:
    names = [c.name for c in source.columns]
    base = [good(c) for c in source.columns]

    def rows(forms: dict[str, Callable]) -> list[list[object]]:
        return [
            [cell if name == column.name else usual for name, usual in zip(names, base, strict=True)]
            for column, _, _, cell in canaries(source, forms)
        ]

    folder, written = root / source.source, rows(FORMS)
    header = [*names, "Ghi chú 097 111 222 333", NAME.upper() + " 097111222333"]
    table: list[list[object]] = [header, *[[*row, "097111222333", NAME] for row in written]]
    put(folder / "a_20230722_0100.csv", writers.csv_bytes(table, ";", "utf-8"))
    beyond = [[*row, "", "", f"097111222333 {NAME}"] for row in written]
    put(folder / "b_20230722_0200.csv", writers.csv_bytes([header, *beyond], ";", "utf-8"))
    key = next(n for n, c in enumerate(source.columns) if (c.required and c.kind == "code") or c.name == source.key[0])
    keyless = [["" if place == key else cell for place, cell in enumerate(row)] for row in written]
    put(folder / "e_20230722_0500.csv", writers.csv_bytes([names, base, *keyless], ";", "utf-8"))
    numbers = rows({"number": lambda n: int(f"97{n}")})
    put(folder / "c_20230722_0300.xlsx", writers.xlsx_bytes([names, *written, *numbers]))
    objects = rows({
        **FORMS, "number": lambda n: int(f"97{n}"), "object": lambda n: {"So": f"097{n}", KEY: NAME},
        "list": lambda n: [f"097{n}", NAME], "bare": lambda n: [int(f"97{n}")],
    })  # fmt: skip
    put(folder / "d_20230722_0400.json", writers.json_bytes([dict(zip(names, row, strict=True)) for row in objects]))


def may_bear(column: Column, digits: str, text: str) -> bool:
    """Codes are kept whole; an amount or a decimal is a number like another when it can be read as one."""
    return column.kind == "code" or (column.kind in ("money", "decimal") and not re.search(r"[^\d.]", text))


@pytest.mark.parametrize("source", all_sources().values(), ids=lambda s: s.source)
def test_no_number_reaches_the_lake_but_as_its_class_allows(source: Source, tmp_path: Path) -> None:
    landing(tmp_path / "landing", source)
    night = nights.ingested(tmp_path / "landing", tmp_path / "home")
    assert [f.status for f in night.files] == ["accepted"] * 5, [f.detail for f in night.files]
    assert any(f.rows_accepted for f in night.files) and any(f.rows_rejected for f in night.files)
    columns = {c.name: c for c in source.columns}
    stored = {c.stored_name: c for c in source.columns}
    leaks = []

    def look(place: str, column: Column | None, value: object) -> None:
        text = "" if isinstance(value, dt.date | bool | None) else str(value)
        digits = re.sub(r"\D", "", text)
        if re.search(r"97\d\d7\d31864|97111222333", digits) and not (column and may_bear(column, digits, text)):
            leaks.append((place, text))
        if KEY in text:
            leaks.append((place, text))
        speaks = column and (column.kind == "code" or column.may_hold_text)
        if NAME in text and not speaks:
            leaks.append((place, text))

    for file in night.files:
        for header in file.unknown_columns:
            look("an unknown column", None, header)
        found = duckdb.sql(f"from '{file.path}'")
        assert not {c.name for c in source.columns if c.personal == "dropped"} & set(found.columns)
        for row in found.fetchall():
            for name, value in zip(found.columns, row, strict=True):
                column = stored.get(name)
                if column and column.personal == "pseudonym":
                    assert value is None or re.fullmatch("[0-9a-f]{32}", value), name
                elif name == "raw_row":
                    for key, shown in json.loads(value or "{}").items():
                        assert not columns[key].is_personal
                        look(f"raw row, {key}", columns[key], shown)
                elif not name.endswith(("_file", "_stamp", "row_number")):
                    look(name, column, value)
    assert leaks == []
