"""Cells typed by DuckDB against a second reading in plain Python (docs/landing-contract.md 2), spelling by spelling."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.ingestion import cells
from orchestration.sources import Column, all_sources
from tests.support import cells as second
from tests.support.cells import Unreadable


def typed(expression: str, texts: Iterable[str]) -> list:
    """The value of an expression over `x` for each text."""
    with duckdb.connect() as con:
        con.execute("create table given (n integer, x varchar)")
        if rows := [[n, x] for n, x in enumerate(texts)]:
            con.executemany("insert into given values (?, ?)", rows)
        return [v for (v,) in con.execute(f"select {expression} from given order by n").fetchall()]


def read(reader: Callable[[object], object], text: str) -> object:
    try:
        return reader(text)
    except Unreadable:
        return None


def column(kind: str, **values: object) -> Column:
    return Column(name="c", kind=kind, **values)


def time(texts: list[str]) -> list[dt.datetime | None]:
    values = typed(cells.checked(column("time"), f"({cells.typed(column('time'), 'x')})", "x"), texts)
    return [v and v.replace(microsecond=0) for v in values]


DAYS = ["16/11/2023", "1/2/2023", "31/02/2023", "29/02/2024", "29/02/2023", "00/01/2023", "16.11.2023", "16-11-2023", "16/11-2023",
        "16/11/23", "11/16/2023", "16/11/1899", "01/01/1900", "31/12/2100", "01/01/2101", "2023/11/16", "16 /11/2023"]  # fmt: skip
CLOCKS = ["", " 08:30", " 8:30", " 08:30:59", " 24:00", " 23:60", " 08:30:60", "T08:30", " 8:3", " 08:30 ", " 0830"]
ISO_DAYS = ["2023-11-16", "2023-02-29", "20231116", "20230230", "2101-01-01", "1899-12-31"]
ISO_CLOCKS = ["", "T08:30", "T08:30:15", " 08:30:15", "T08:30:15.5", "T24:00", "083015", "T0830", "T08"]
ZONES = ["", "Z", "+07:00", "-0500", "+00", "+7"]
SERIALS = ["45246", "45246.5", "45246.354166666664", "19999", "20000", "73000", "80001", "20000.0000001", "99999",
           "045246", "4.5246e4", "-45246", "45,246"]  # fmt: skip


def test_times_as_the_second_reading_has_them() -> None:
    texts = [day + clock for day in DAYS for clock in CLOCKS]
    texts += [day + clock + zone for day in ISO_DAYS for clock in ISO_CLOCKS for zone in (ZONES if clock else [""])]
    texts += [t for t in SERIALS if "," not in t]
    # Two digits of zone alone, and a basic time without separators, are ISO 8601 which the second reading leaves out.
    texts = [t for t in texts if not (t[:8].isdigit() and "T" in t) and not t.endswith("T08")]
    wrong = [
        (text, ours, theirs)
        for text, ours, theirs in zip(texts, time(texts), [read(second.read_time, t) for t in texts], strict=True)
        if ours != theirs
    ]
    assert wrong == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("0123456789/.-: TZ+", max_size=20) | st.datetimes().map(str) | st.dates().map("{:%d/%m/%Y}".format),
                min_size=1, max_size=60))  # fmt: skip
def test_no_text_is_read_as_another_time(texts: list[str]) -> None:
    clean = [t for t in (second.tidy(t) for t in texts) if t]
    for text, ours in zip(clean, time(clean), strict=True):
        theirs = read(second.read_time, text)
        assert ours == theirs or theirs is None, text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2023-11-16T23:30:00Z", "2023-11-17T06:30:00"), ("2023-11-16T00:00:00+09:00", "2023-11-15T22:00:00"),
        ("20231116083015", "2023-11-16T08:30:15"), ("45246.354166666664", "2023-11-16T08:30:00"),
        ("2/11/2023", "2023-11-02T00:00:00"),
    ],
)  # fmt: skip
def test_times_by_hand(text: str, value: str) -> None:
    assert time([text]) == [dt.datetime.fromisoformat(value)]


NUMBERS = ["0", "386.797", "386797", "1.234.567", "1.23", "12.345", "1234.567", ".5", "-5", "- 5", "1,5", "5.", "0386", "1e3", "٣",
           "12345678901234567890", "1 000", "000.000", "86.79", "-1.000"]  # fmt: skip


def number(kind: str, texts: list[str]) -> list:
    return typed(cells.checked(column(kind), f"({cells.typed(column(kind), 'x')})", "x"), texts)


def test_integers_and_money() -> None:
    assert number("integer", NUMBERS) == [read(second.read_integer, t) for t in NUMBERS]
    money = [*NUMBERS, "50.000 đ", "50000đ", "50.000 VNĐ", "50000 vnđ", "đ", "50.000 $", "1,5 đ"]
    assert number("money", money) == [read(second.read_money, t) for t in money]


def test_numbers_too_large_to_be_meant_are_unreadable() -> None:
    """At each bound, one beyond it, and where the machine's own integers end."""
    integers = [2**31 - 2, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 10**30, 10**40]
    assert number("integer", [str(n) for n in integers]) == [2**31 - 2, 2**31 - 1, *[None] * 6]
    assert number("integer", [str(-n) for n in integers]) == [2 - 2**31, 1 - 2**31, *[None] * 6]
    assert number("integer", ["2.147.483.647", "2.147.483.648", "0000000000000000000005"]) == [2147483647, None, 5]
    money = [10**15 - 1, 10**15, 10**15 + 1, 2**63 - 1, 10**40]
    assert number("money", [f"{n} đ" for n in money]) == [10**15 - 1, 10**15, None, None, None]
    assert number("money", [str(-n) for n in money]) == [1 - 10**15, -(10**15), None, None, None]
    assert number("decimal", ["9" * 100, "9" * 102, "9" * 400, "-" + "9" * 400]) == [1e100, None, None, None]
    numeric = f"({cells.typed(column('decimal'), 'x', 'true')})"
    assert typed(cells.checked(column("decimal"), numeric, "x"), ["inf", "-inf", "nan", "1e400", "1.5"]) == [
        *[None] * 4,
        1.5,
    ]
    numeric = f"({cells.typed(column('integer'), 'x', 'true')})"
    assert typed(cells.checked(column("integer"), numeric, "x"), ["1e9", "2147483648.0", "1e300", "inf"]) == [
        10**9,
        *[None] * 3,
    ]


def test_decimals() -> None:
    texts = ["64,86%", "64.86%", "0,5", "0.5", "5", "-1,25", "1.234,5", "5 %", "%", "1,2,3", "1e3", "NaN", "inf"]
    ours = number("decimal", texts)
    theirs = [read(second.read_decimal, t.replace(" %", "%")) for t in texts]
    assert [v is None for v in ours] == [v is None for v in theirs]
    assert [v for v in ours if v is not None] == pytest.approx([v for v in theirs if v is not None])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=12) | st.sampled_from(["-", "null", "N/a", "\u00a0 - ", "a\u200bb", "e\u0302\u0301", "\ufeffNULL"]),
                min_size=1, max_size=60))  # fmt: skip
def test_cleaned_text(texts: list[str]) -> None:
    texts = [
        t
        for t in texts
        if not any("\ud800" <= c <= "\udfff" or c in "\0\u00ad\u180e\u2061\u2062\u2063\u2064\u200e\u200f" for c in t)
    ]
    assert typed(cells.clean("x"), texts) == [second.clean(t) for t in texts]


def test_flags() -> None:
    texts = [
        "1",
        "0",
        "TRUE",
        "False",
        "có",
        "CÓ",
        "co",
        "không",
        "khong",
        "x",
        "X",
        "yes",
        "No",
        "1.0",
        "0.0",
        "2",
        "xx",
        "đúng",
    ]
    yes, no = {"1", "true", "co", "x", "yes"}, {"0", "false", "khong", "no"}
    expected = [True if (k := second.list_key(t)) in yes else False if k in no else None for t in texts]
    assert typed(cells.flag("x"), texts) == expected
    assert typed(cells.flag("x"), [None]) == [False]


def test_code_lists_of_the_dossier() -> None:
    status = all_sources()["dossiers"].column("status")
    texts = [
        "9",
        "9.0",
        "Đã xử lý xong",
        "đã  xử lý xong",
        "DA XU LY XONG",
        "ĐÃ XỬ LÝ XONG",
        "11",
        "09",
        "Đã xử lý",
        "9.5",
    ]
    texts = [second.tidy(t) for t in texts]
    assert typed(cells.typed(status, "x"), texts) == ["9"] * 6 + [None] * 4
    kind = all_sources()["dossiers"].column("result_kind")
    spelled = ["Trả lại/Xin rút", "trả lại / xin rút", "TRA LAI/XIN RUT", "Cấp mới"]
    assert typed(cells.typed(kind, "x"), spelled) == ["Trả lại/Xin rút"] * 3 + ["Cấp mới"]


def test_identity_numbers() -> None:
    texts = ["098123456789", "98123456789", "8123456789", "281234567", "AB123", "001099000001", "001499000001"]
    assert typed(cells.identity_text("x"), texts) == [
        "098123456789", "098123456789", "008123456789", "281234567", "AB123", "001099000001", "001499000001",
    ]  # fmt: skip
    kinds = typed(cells.identity_kind("x"), texts)
    assert kinds == ["other", "other", "other", "old_identity_card", "other", "national_id", "other"]


def test_what_cannot_be_read_is_shown_without_what_it_says() -> None:
    texts = ["31/02/2023", "Trần Thị Thử 12", "098123456789", "gọi 0900123456", "12345678"]
    assert typed(cells.masked("x"), texts) == [
        "31/02/2023",
        "aaaa aaa aaa 99",
        "*********",
        "aaa 9999999999",
        "12345678",
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("097 111 111 122", "*********"), ("097.111.1111.23", "*********"), ("+84 90 123 4567", "+*********"),
        ("097-111-111-122", "*********"), ("097–111−111‑122", "*********"), ("097 - 111 . 111 +122", "*********"),
        ("0 9 7 1 1 1 1 1 1", "*********"), ("٠٩٧١١١١١١١٢٢", "*********"), ("(097) 111 111 122", "(097) *********"),
        ("097\x07111\x1b111\x9b122", "*********"),
        # Eight digits are none, and what ends a number keeps dates legible.
        ("097.111.11", "097.111.11"), ("32/13/2023 08:00", "32/13/2023 08:00"), ("31/02/2023 25:61:61", "31/02/2023 25:61:61"),
        ("2023-02-31", "2023-02-31"), ("31.02.2023", "31.02.2023"), ("2023-02-31 08:00:00", "*********:00:00"),
        ("1,5", "1,5"), ("{…}", "{…}"), ("CCCD 097 111 111 122", "aaaa 999 999 999 999"), ("...", "..."),
    ],
)  # fmt: skip
def test_masks_by_hand(text: str, seen: str) -> None:
    assert typed(cells.masked("x"), [text]) == [seen] == [second.shown(text)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("0123456789٣६.·-–− +/:,aĐ\u0301\x07*()", max_size=30), min_size=1, max_size=60))
def test_masks_as_the_second_reading_has_them(texts: list[str]) -> None:
    clean = [t for t in (second.tidy(t) for t in texts) if t]
    assert typed(cells.masked("x"), clean) == [second.shown(t) for t in clean]
    assert typed(cells.free_text("x"), clean) == [second.read_text(t) for t in clean]
    # Whatever a kept text would not keep as it is, is found before the text is tidied.
    changed = [t for t in texts if (kept := second.clean(t)) is not None and second.read_text(kept) != kept]
    assert all(typed(f"regexp_matches(x, '{cells.SUSPECT}')", changed))


def test_free_text_keeps_what_names_nobody() -> None:
    texts = [
        "Cấp giấy của 098123456789",
        "Kế hoạch 2021-2025",
        "QĐ 1234/QĐ-UBND, 16/11/2023",
        "a \x1b\x07 b",
        "\x07",
        "\x07-\x07",
    ]
    assert typed(cells.free_text("x"), texts) == [
        "Cấp giấy của *********", "Kế hoạch 2021-2025", "QĐ 1234/QĐ-UBND, 16/11/2023", "a b", None, None,
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.text("aăâàảãáạđĐĂ ÂeêềểỄẾiịoôơùưỰyỹ\u0300\u0301\u0302AB\u00a0\u200b", max_size=15))
def test_folding(text: str) -> None:
    assert cells.fold(text) == second.fold(text)
    [ours] = typed(cells.sql_fold("x"), [second.tidy(text)])
    assert ours == second.fold(text)
