"""Cells at the edges of every pattern and bound, worked out by hand from docs/landing-contract.md 2.

Each table pairs an expression over `x` with texts and what they must become; digits at both ends of their range
stand in every place, for a pattern that lost one is a dossier that nobody can read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterator

import duckdb
import pytest

from orchestration.ingestion import cells
from orchestration.sources import Column, NumberedCodes, all_sources
from orchestration.sql import literal


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def values(con: duckdb.DuckDBPyConnection, expression: str, texts: list[str | None], is_number: bool = False) -> list:
    """The value of an expression over `x` (and `n`, whether the cell was a number) for each text."""
    rows = ", ".join(f"({place}, {'null' if t is None else literal(t)})" for place, t in enumerate(texts))
    query = f"select {expression} from (values {rows}) as given(place, x), (select {is_number} as n) order by place"
    return [value for (value,) in con.execute(query).fetchall()]


def column(kind: str, **settings: object) -> Column:
    return Column(name="c", kind=kind, **settings)


TIMES = {
    "09.09.1990 09:09:09": "1990-09-09T09:09:09",
    "10.10.2009 10:50:40": "2009-10-10T10:50:40",
    "19.09.2090 19:49:59": "2090-09-19T19:49:59",
    "20-10-2000 20:00:00": "2000-10-20T20:00:00",
    "9-9-2023 9:05": "2023-09-09T09:05:00",
    "1.1.2019": "2019-01-01T00:00:00",
    "29.10.2023 0:00": "2023-10-29T00:00:00",
    "16/11/2023": "2023-11-16T00:00:00",
    "9/9/2023": "2023-09-09T00:00:00",
    "16/11/2023 08:30": "2023-11-16T08:30:00",
    "16/11/2023 08:30:59": "2023-11-16T08:30:59",
    "16/11/2023 8:30:59": "2023-11-16T08:30:59",
    "16/11/2023 23:59:59": "2023-11-16T23:59:59",
    "16/11.2023": None,
    "016.11.2023": None,
    "16.011.2023": None,
    "16.11.023": None,
    "16.11.02023": None,
    "16.11.20230": None,
    "16.11.2023 008:30": None,
    "16.11.2023 :30": None,
    "16.11.2023 8:3": None,
    "16.11.2023 8:030": None,
    "16.11.2023 8:30:5": None,
    "16.11.2023 8:30:059": None,
    "16.11.2023 24:00": None,
    "16/11/2023 24:00:00": None,
    "2023-11-16 24:00": None,
    "31.02.2023": None,
    "1990-09-09": "1990-09-09T00:00:00",
    "2009-10-19T10:09:50": "2009-10-19T10:09:50",
    "2090-09-10T09:50:49": "2090-09-10T09:50:49",
    "2009-10-20 20:00": "2009-10-20T20:00:00",
    "2019-12-29 19:49": "2019-12-29T19:49:00",
    "1990-09-10T09:50:49.905+09:50": "1990-09-10T07:00:49.905",
    "2009-10-19T10:09:50.099-10:09": "2009-10-20T03:18:50.099",
    "2009-10-19T10:09:50,990-09:50": "2009-10-20T02:59:50.990",
    "2023-11-16T08:30:15.123456Z": "2023-11-16T15:30:15.123456",
    "2023-11-16T08:30:15.1234567": "2023-11-16T08:30:15.123456",
    "2023-11-16T08:30:15Z": "2023-11-16T15:30:15",
    "2023-11-16T08:30z": "2023-11-16T15:30:00",
    "2023-11-16T08:30+07": "2023-11-16T08:30:00",
    "2023-11-16T08:30+0730": "2023-11-16T08:00:00",
    "2023-11-16T08:30-05": "2023-11-16T20:30:00",
    "2023-11-16T08:30+14:00": "2023-11-16T01:30:00",
    "2023-11-16T08:30-14:00": "2023-11-17T05:30:00",
    "2023-11-16T08:30+15:00": None,
    "2023-11-16T08:30-15": None,
    "2023-11-16T08:30+07:59": "2023-11-16T07:31:00",
    "2023-11-16T08:30+07:60": None,
    "2023-11-16T08:30+7": None,
    "2023-11-16T08:30+007": None,
    "2023-11-16T08:30+07:3": None,
    "2023-11-16T08:30+07:030": None,
    "20090919": "2009-09-19T00:00:00",
    "19901020": "1990-10-20T00:00:00",
    "20090919095049": "2009-09-19T09:50:49",
    "19901020195900": "1990-10-20T19:59:00",
    "20190910T0909": "2019-09-10T09:09:00",
    "20200910T200950": "2020-09-10T20:09:50",
    "19901009T195049.9Z": "1990-10-10T02:50:49.9",
    "20231116T083015,05+0700": "2023-11-16T08:30:15.05",
    "2023111": None,
    "202311160": None,
    "2023111608301": None,
    "202311160830150": None,
    "023-11-16": None,
    "02023-11-16": None,
    "2023-1-16": None,
    "2023-011-16": None,
    "2023-11-6": None,
    "2023-11-016": None,
    "2023-11-16T8:30": None,
    "2023-11-16T008:30": None,
    "2023-11-16T08:3": None,
    "2023-11-16T08:030": None,
    "2023-11-16T08:30:1": None,
    "2023-11-16T08:30:015": None,
    "2023-11-16T08:30:15.": None,
    "20231116T083": None,
    "20231116T08301": None,
    "20231116T0830155": None,
    "2023111T0830": None,
    "202311160T0830": None,
    "2023-02-29": None,
    "2023-11-16T08:60": None,
    "20000": "1954-10-03T00:00:00",
    "29090.09": "1979-08-23T02:09:36",
    "39999,90": "2009-07-05T21:36:00",
    "45246.5": "2023-11-16T12:00:00",
    "45246.00001": "2023-11-16T00:00:01",
    "80000": "2119-01-11T00:00:00",
    "19999": None,
    "19999.9": None,
    "80000.1": None,
    "80001": None,
    "4524": None,
    "045246": None,
    "452460": None,
    "01.01.1900": "1900-01-01T00:00:00",
    "31.12.1899 23:59:59": None,
    "31.12.2100 23:59:59": "2100-12-31T23:59:59",
    "01.01.2101": None,
    "2101-01-01": None,
    "1899-12-31": None,
}


def test_times(con: duckdb.DuckDBPyConnection) -> None:
    expression = cells.checked(column("time"), f"({cells.typed(column('time'), 'x')})", "x")
    expected = {text: value and dt.datetime.fromisoformat(value) for text, value in TIMES.items()}
    assert dict(zip(TIMES, values(con, expression, list(TIMES)), strict=True)) == expected


def test_dates_have_no_clock(con: duckdb.DuckDBPyConnection) -> None:
    expression = cells.checked(column("date"), f"({cells.typed(column('date'), 'x')})", "x")
    assert values(con, expression, ["16.11.2023 08:30", "2101-01-01"]) == [dt.date(2023, 11, 16), None]


PARTIAL = {
    "2023": "2023", "1900": "1900", "2100": "2100", "1990": "1990", "2009": "2009", "1899": None, "2101": None, "202": None,
    "2023-09": "2023-09", "2023-10": "2023-10", "2023-12": "2023-12", "1990-01": "1990-01", "2009-02": "2009-02",
    "1900-01": "1900-01", "2100-12": "2100-12", "2023-00": None, "2023-13": None, "2023-20": None, "1899-12": None,
    "2101-01": None, "023-09": None, "02023-09": None,
    "9/2023": "2023-09", "09.1990": "1990-09", "10-2009": "2009-10", "1/1900": "1900-01", "12/2100": "2100-12", "11.2019": "2019-11",
    "0/2023": None, "13/2023": None, "19/2023": None, "1/2101": None, "12/1899": None, "012/2023": None, "1/023": None, "1/20230": None,
}  # fmt: skip
FULL = {
    "16.11.2023": "2023-11-16", "20090919": "2009-09-19", "01.01.1900": "1900-01-01", "31.12.2100": "2100-12-31",
    "31.12.1899": None, "01.01.2101": None, "31.02.2023": None, "45246": "2023-11-16",
    "73051": "2100-01-01", "73416": "2101-01-01", "80000": "2119-01-11", "80000,5": None, "80001": None,
}  # fmt: skip


def test_partial_dates(con: duckdb.DuckDBPyConnection) -> None:
    texts = PARTIAL | FULL
    assert (
        dict(zip(texts, values(con, cells.partial_date("x", may_be_partial=True), list(texts)), strict=True)) == texts
    )
    whole = values(con, cells.partial_date("x", may_be_partial=False), list(texts))
    assert dict(zip(texts, whole, strict=True)) == dict.fromkeys(PARTIAL) | FULL


INTEGERS = {
    "0": 0, "9": 9, "90": 90, "+9": 9, "-90": -90, "909.090.999": 909090999, "1.000": 1000, "12.909": 12909, "999.000": 999000,
    "000.000": 0, "-1.000": -1000, "0999.000": None, ".000": None, "1.00": None, "1.0000": None, "1.000.00": None, "1,5": None,
    "5.0": None, "1 000": None, "9a": None,
}  # fmt: skip


def test_integers(con: duckdb.DuckDBPyConnection) -> None:
    assert dict(zip(INTEGERS, values(con, cells.integer("x"), list(INTEGERS)), strict=True)) == INTEGERS
    with_sign = {
        "386.797 đ": 386797,
        "90.000đ": 90000,
        "9 VNĐ": 9,
        "90 vnđ": 90,
        "90 đ đ": None,
        "đ 90": None,
        "90 $": None,
    }
    assert (
        dict(zip(with_sign, values(con, cells.typed(column("money"), "x"), list(with_sign)), strict=True)) == with_sign
    )
    for kind in ("integer", "money"):
        both = cells.typed(column(kind), "x", "n")
        assert values(con, both, ["386797", "386797.0", "1e3", "5.5", "x"], is_number=True) == [
            386797,
            386797,
            1000,
            None,
            None,
        ]
        assert values(con, both, ["386.797", "386797.0", "1e3"], is_number=False) == [386797, None, None]


DECIMALS = {
    "9,09": 9.09, "90.90": 90.9, "0": 0.0, "9": 9.0, "-0,9": -0.9, "+9.0": 9.0, "50%": 0.5, "9 %": 0.09, "90,09 %": 0.9009,
    "9.90%": 0.099, "-9%": -0.09, "%": None, "1.234,5": None, "1e3": None, ",5": None, "5,": None, "9 % %": None, "NaN": None,
}  # fmt: skip


def test_decimals(con: duckdb.DuckDBPyConnection) -> None:
    assert (
        dict(zip(DECIMALS, values(con, cells.typed(column("decimal"), "x"), list(DECIMALS)), strict=True)) == DECIMALS
    )
    both = cells.typed(column("decimal"), "x", "n")
    assert values(con, both, ["1e3", "0.5"], is_number=True) == [1000, 0.5]
    assert values(con, both, ["1e3", "0,5"], is_number=False) == [None, 0.5]


def test_codes(con: duckdb.DuckDBPyConnection) -> None:
    texts = ["9.0", "98123456789.0", "1e3", "9.5", "H99.01", "0386"]
    assert values(con, cells.typed(column("code"), "x"), texts) == texts
    assert values(con, cells.typed(column("code"), "x", "n"), texts, is_number=False) == texts
    numbers = ["9.0", "98123456789.0", "1e3", "9.5", "123456789012345678901.0"]
    whole = ["9", "98123456789", "1000", "9.5", "123456789012345678901"]
    assert values(con, cells.typed(column("code"), "x", "n"), numbers, is_number=True) == whole


def test_plain_numbers(con: duckdb.DuckDBPyConnection) -> None:
    given = {
        "9.0": "9",
        "90.00": "90",
        "0.0": "0",
        "09.0": "09",
        "9.5": "9.5",
        "9.05": "9.05",
        "9": "9",
        "a9.0": "a9.0",
        "9.0a": "9.0a",
    }
    assert dict(zip(given, values(con, cells.plain_number("x"), list(given)), strict=True)) == given


def test_numbered_lists(con: duckdb.DuckDBPyConnection) -> None:
    codes = NumberedCodes(digits=3, values={"good": ("000", "009"), "broken": ("090",)}, otherwise="none")
    texts = ["000", "009", "090", "0", "9", "90", "99", "900", "999", "090.0", "0000", "9a", "tốt"]
    padded = values(con, cells.numbered("x", codes, "'text'", padded=True), texts)
    assert padded == [
        "good",
        "good",
        "broken",
        "good",
        "good",
        "broken",
        "none",
        "none",
        "none",
        "broken",
        "text",
        "text",
        "text",
    ]
    bare = values(con, cells.numbered("x", codes, "'text'", padded=False), texts)
    assert bare == [
        "good",
        "good",
        "broken",
        "text",
        "text",
        "text",
        "text",
        "none",
        "none",
        "broken",
        "text",
        "text",
        "text",
    ]


def test_flags_and_lists(con: duckdb.DuckDBPyConnection) -> None:
    texts = ["1", "true", "có", "CO", "x", "yes", "1.0", "0", "false", "Không", "no", "0.0", "2", "", None]
    expected = [True] * 7 + [False] * 5 + [None, None, False]
    assert values(con, cells.typed(column("flag"), "x"), texts) == expected
    special = {"true": ("2",), "false": ("3",)}
    assert values(con, cells.flag("x", special), ["1", "2", "3", "0", "4"]) == [True, True, False, False, None]
    named = {"a": ("Một", "1"), "b": ("Hai / Ba",)}
    texts = ["Một", "MOT", "1", "1.0", "Hai/Ba", "hai / ba", "hai /ba", "Bốn", None]
    known = ["a", "a", "a", "a", "b", "b", "b"]
    assert values(con, cells.typed(column("list", values=named), "x"), texts) == [*known, None, None]
    assert values(con, cells.typed(column("list", values=named, otherwise="*", personal="free_text"), "x"), texts) == [
        *known,
        "Bốn",
        None,
    ]
    assert values(con, cells.typed(column("list", values=named, otherwise="c"), "x"), texts) == [*known, "c", None]
    assert values(con, cells.typed(column("list", values=named, default="b"), "x"), texts) == [*known, None, "b"]


def test_identity_numbers(con: duckdb.DuckDBPyConnection) -> None:
    given = {
        "9090909090": "009090909090", "98090909090": "098090909090", "098090909090": "098090909090", "909090909": "909090909",
        "0980909090901": "0980909090901", "98a90909090": "98a90909090",
    }  # fmt: skip
    assert dict(zip(given, values(con, cells.identity_text("x"), list(given)), strict=True)) == given
    typed = cells.typed(column("identity"), "x", "n")
    assert values(con, typed, ["98090909090.0"], is_number=True) == ["098090909090"]
    kinds = {
        "001099000001": "national_id", "001499000001": "other", "098099000001": "other",
        "0010990000010": "other", "00109900000": "other", "909090909": "old_identity_card", "090909090": "old_identity_card",
        "90909090": "other", "9090909090": "other", "90909090a": "other", None: None,
    }  # fmt: skip
    assert dict(zip(kinds, values(con, cells.identity_kind("x"), list(kinds)), strict=True)) == kinds


def test_every_province_is_known(con: duckdb.DuckDBPyConnection) -> None:
    """63 provinces since 2008; their codes and no other begin a citizen number."""
    assert len(set(cells.PROVINCE_PREFIXES)) == len(cells.PROVINCE_PREFIXES) == 63
    assert all(re.fullmatch(r"0\d\d", prefix) for prefix in cells.PROVINCE_PREFIXES)


def test_pseudonyms_are_hmac_sha_256(con: duckdb.DuckDBPyConnection) -> None:
    key = b"k" * 40
    for name, pad in (("pad_in", 0x36), ("pad_out", 0x5C)):
        con.execute(f"set variable {name} = ?", [bytes(b ^ pad for b in key.ljust(64, b"\0"))])
    [ours] = values(con, cells.pseudonym("x"), ["098123456789"])
    assert ours == hmac.new(key, b"098123456789", hashlib.sha256).hexdigest()[:32]


def test_blanks_and_missing_cells(con: duckdb.DuckDBPyConnection) -> None:
    given = {
        "": None, "-": None, "null": None, "NULL": None, "N/A": None, "n/a": None, " - ": None, "\u200b": None, "abc": "abc",
        "abcd": "abcd", "nulls": "nulls", "--": "--", "a\u000bb": "a b", "a\u0085b": "a b", "a\u001cb": "a b", "a\u001fb": "a b",
        "a\u0084b": "a\u0084b", "a\u0086b": "a\u0086b", " a \r\n b ": "a b", "a\u00a0\u2003b": "a b", "a\u200b\ufeffb": "ab",
        "e\u0302\u0301": "ế",
    }  # fmt: skip
    assert dict(zip(given, values(con, cells.clean("x"), list(given)), strict=True)) == given
    assert [cells.is_filled(text) for text in given] == [value is not None for value in given.values()]
    # What passes for tidy is left as it is, so tidying must not change it.
    for text in given:
        if not values(con, f"regexp_matches(x, '{cells.UNTIDY}')", [text])[0]:
            assert values(con, cells.tidied("x"), [text]) == [text]
    assert values(con, f"regexp_matches(x, '{cells.UNTIDY}')", ["Trần Thị Thử 1/2", " a", "a ", "a  b", "a\tb", "e\u0301"]) == [
        False, True, True, True, True, True,
    ]  # fmt: skip


def test_what_is_shown_of_an_unreadable_cell(con: duckdb.DuckDBPyConnection) -> None:
    given = {
        "31/02/2023": "31/02/2023", "12345678": "12345678", "123456789": "*********", "1234567890": "*********",
        "1-123456789-2": "*********", "123456789 098123456789": "*********",
        "Thử 0900 ế e\u0301": "aaa 9999 a aa", "a0b9": "a9a9",
    }  # fmt: skip
    assert dict(zip(given, values(con, cells.masked("x"), list(given)), strict=True)) == given


def test_the_dossier_list_of_status(con: duckdb.DuckDBPyConnection) -> None:
    status = all_sources()["dossiers"].column("status")
    assert values(con, cells.typed(status, "x"), [str(code) for code in range(12)]) == [
        None, *map(str, range(1, 11)), None,
    ]  # fmt: skip


def test_literals_and_folding() -> None:
    assert literal("Cần'Thơ") == "'Cần''Thơ'"
    assert cells.fold("  ĐÃ\u00a0xử\u200b LÝ ") == "da xu ly"
