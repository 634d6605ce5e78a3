"""Text that a terminal, a spreadsheet and a JSON reader take for nothing but text."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from decimal import Decimal

import pytest

from orchestration.cli import _print
from orchestration.plain import as_json, cell, visible

TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"
CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) + TURNS


def is_plain(text: str) -> bool:
    return not any(unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") or c in TURNS for c in text)


@pytest.mark.parametrize("character", CONTROLS)
def test_every_control_character_is_shown_and_told_apart(character: str) -> None:
    shown = visible(f"a{character}b")
    assert is_plain(shown) and shown[0] == "a" and shown[-1] == "b" and len(shown) > 2
    assert sum(visible(other) == visible(character) for other in CONTROLS) == 1
    assert is_plain(as_json([f"a{character}b"]).replace("\n", ""))
    assert json.loads(as_json([f"a{character}b"])) == [f"a{character}b"]


def test_letters_stay_as_they_are() -> None:
    name = "Sở Nội vụ – Phòng 1 “một cửa” 100%"
    assert visible(name) == cell(name) == name and name in as_json({"name": name})
    assert visible("half \ud800") == "half \\ud800"


@pytest.mark.parametrize("text", ["=1+1", "+84", "-2", "@SUM(A1)", "\tx", "\rx", " =1", "\u00a0=1", "\n=1", "＝1"])
def test_formulas_are_text(text: str) -> None:
    assert cell(text).startswith("'") and is_plain(cell(text))


@pytest.mark.parametrize("value", [-1, 0, -0.25, Decimal("-3.50")])
def test_numbers_stay_numbers(value: object) -> None:
    assert cell(value) is value


def test_a_table_a_csv_and_json_of_odd_codes(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"scope_code": "=cmd|' /C calc'!A0", "value": -1}, {"scope_code": "x\x1b[2J\r\nforged  9", "value": None}]
    _print(["scope_code", "value"], rows, "csv")
    read = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert read == [["scope_code", "value"], ["'=cmd|' /C calc'!A0", "-1"], ["x␛[2J␍␊forged  9", ""]]
    _print(["scope_code", "value"], rows, "table")
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3 and printed[2].startswith("x␛[2J␍␊forged  9")
    _print(["scope_code", "value"], rows, "json")
    assert json.loads(capsys.readouterr().out) == rows
