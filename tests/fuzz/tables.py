"""Tables by the declarations: a header, cells good and bad, layout rows between and around, persons planted in them.

Everything is drawn by hypothesis, so that a table that breaks a reader shrinks to the least one that does.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass, field

from hypothesis import strategies as st

from orchestration.ingestion.cells import fold
from orchestration.sources import Column, Source, all_sources
from tests.support import declared

NAME = "Đặng Thị Quỳnh Giả"
NUMBER = "097731864205"
# How a person's number is written; every spelling has its twelve digits, with or without the leading zero.
NUMBERS: tuple[object, ...] = (
    NUMBER, int(NUMBER), "097 731 864 205", "097.731.8642.05", "097–731-864−205", "+97 731 864 205",
    "097731\u200b864\u00a0205", f"của {NUMBER} ký", f"{NAME} {NUMBER}", "097\r\n731864205", "(097731864205)",
)  # fmt: skip
MISSING: tuple[object, ...] = (None, "", "-", "NULL", "n/a", " ", "\u200b", "\u00a0\t")
_DAYS: tuple[object, ...] = (
    "21/07/2023 08:30", "1/7/2023", "21.07.2023", "21-07-2023 8:05:09", "20230721", "20230721083000", "2023-07-21",
    "2023-07-21T08:30:00Z", "2023-07-21T23:30:00+09:00", "2023-07-21 08:30:00.5", 45128, 45128.354, "45128.5",
    dt.datetime(2023, 7, 21, 8, 30), dt.datetime(2023, 7, 21),
)  # fmt: skip
_NO_DAYS: tuple[object, ...] = (
    "31/02/2023", "16/11/23", "0/0/2023", "2023-13-01", "21/07/2023 24:00", "99999999", "ngày mai", "1899-12-31",
    "01/01/2101", "80001", 1e300, -1, "21/07/2023 08:30:00 PM", "2023-07-21T08:30:00+99:99", "20230721T",
)  # fmt: skip
GOOD: dict[str, tuple[object, ...]] = {
    "code": ("1.000123", "H99.01-230721-0001", "00012", "a'b\"c", "=cmd|' /C calc'!A0", "@SUM(1)", "K;1,2|3", "K\t1", 7, "Ḱ\u0301x"),
    "time": _DAYS,
    "date": _DAYS,
    "partial_date": (*_DAYS[:5], "1990", "05/1990", "1990-05"),
    "integer": (5, 0, -3, "386.797", "12", 2**31 - 1, "-2147483647"),
    "money": (120000, "50.000 đ", "5000 VNĐ", "1.234.567", 0, 10**15),
    "decimal": ("1,5", "64,86%", 0.5, 12, "0.25", "-3"),
    "flag": ("1", "0", "có", "KHÔNG", "x", "Yes", "no", None),
    "text": ("Cấp giấy phép", "a;b,c|d", 'nói "vậy"', "hai\ndòng", "bo\rvề", "  \u3000hai  ô ", "Ấ\u0323 e\u0302\u0301", "\u2060abc\ufeff", 5, 1.5),
    "identity": NUMBERS,
    "dropped": (NAME, *NUMBERS),
}  # fmt: skip
BAD: dict[str, tuple[object, ...]] = {
    "time": _NO_DAYS, "date": _NO_DAYS, "partial_date": ("13/1990", "1899", "00/1990", "năm"),
    "integer": ("1,5", 5.5, 2**31, "12.34", "1e5", 10**30, "-" * 30, "٣"), "money": ("5,5", 10**15 + 1, "VNĐ", 0.5, -(10**16)),
    "decimal": ("1.2.3", "%", "1e400", "một"), "flag": ("maybe", "2", "01"), "list": ("???", "11", "khác", 0.5),
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One column of a table: the header's text, the kind of its cells, whether its cells decide what a row is."""

    header: str
    kind: str
    decides: bool = False
    column: Column | None = None

    @property
    def is_free(self) -> bool:
        return self.kind in ("code", "text", "identity", "dropped", "unknown")


@dataclass(frozen=True)
class Table:
    """`above` the header, `body` below it, each row with what it is: data, layout, or broken (`extra_cell`)."""

    source: str
    fields: tuple[Field, ...]
    header: tuple[str, ...]
    above: tuple[tuple[object, ...], ...] = ()
    body: tuple[tuple[str, tuple[object, ...]], ...] = field(default=())

    @property
    def data(self) -> int:
        return sum(kind != "layout" for kind, _ in self.body)

    @property
    def grid(self) -> list[list[object]]:
        return [list(row) for row in (*self.above, self.header, *(cells for _, cells in self.body))]

    @property
    def records(self) -> list[dict[str, object]]:
        """The data rows alone, as JSON has them: cells beyond the header left out."""
        return [dict(zip(self.header, cells, strict=False)) for kind, cells in self.body if kind != "layout"]


def _spellings(name: str) -> st.SearchStrategy[str]:
    plain = "".join(
        c
        for c in unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
        if not unicodedata.combining(c)
    )
    forms = [
        name,
        name,
        name,
        name.upper(),
        unicodedata.normalize("NFD", name),
        plain,
        f"  {name}\u00a0",
        name.replace(" ", "\n"),
        f"\u200b{name}",
    ]
    return st.sampled_from(list(dict.fromkeys(forms)))


def _registry() -> list[Field]:
    """The civil registry's own layout."""
    return [
        Field("noiDangKy", "code", True), Field("quyenSo", "code", True), Field("so", "code", True),
        Field("ngayDangKy", "date", True), Field("nksNgaySinh", "partial_date", True), Field("loaiDangKy", "registry_kind"),
    ]  # fmt: skip


@st.composite
def fields(draw: st.DrawFn, source: Source) -> list[Field]:
    """What is required, some of the rest, under any accepted name; columns nobody asked for."""
    if source.source == "civil_registrations" and draw(st.integers(0, 3)) == 0:
        chosen = _registry()
    else:
        # One name of the registry's layout would make the table half the registry's.
        theirs = {f.header for f in _registry()} | {"nktNgayChet"} if source.source == "civil_registrations" else set()
        columns = [c for c in source.columns if not c.names or set(c.names) - theirs]
        asked = [c for c in columns if c.required]
        others = [c for c in columns if not c.required]
        if others:
            asked += draw(st.lists(st.sampled_from(others), max_size=6, unique_by=lambda c: c.name))
        # Most tables bear only names of the contract, which the independent reading knows.
        listed = (
            {n for c in declared.SOURCES.get(source.source, ()) for n in c.names} if draw(st.integers(0, 3)) else set()
        )
        chosen, taken = [], set()
        for column in asked:
            names = [n for n in (column.name, *column.names) if fold(n) not in taken and n not in theirs]
            if not names:
                continue
            name = draw(st.sampled_from([n for n in names if n in listed] or names))
            taken.add(fold(name))
            chosen.append(Field(name, column.kind, column.required and column.kind != "flag", column))
    chosen += [
        Field(h, "unknown")
        for h in draw(
            st.lists(st.sampled_from(["Ghi chú", f"Số {NUMBER}", "Ký bởi", "", "a\nb"]), max_size=2, unique=True)
        )
    ]
    return draw(st.permutations(chosen))


def _good(place: Field, is_key: bool, number: int) -> st.SearchStrategy[object]:
    if is_key:
        return st.just(f"K{number}" if place.kind == "code" else _first_value(place))
    if place.kind == "unknown":
        return st.sampled_from((NAME, *NUMBERS, None))
    if place.kind == "registry_kind":
        return st.sampled_from(("1", "2", 4, "0"))
    if place.kind == "list" and place.column is not None:
        spelled = [s for spellings in place.column.values.values() for s in spellings]
        return st.sampled_from(spelled).flatmap(_list_cell)
    if place.kind == "text":
        return st.one_of(
            st.sampled_from(GOOD["text"]), st.text(st.characters(exclude_categories=["Cs", "Cf"]), max_size=8)
        )
    return st.sampled_from(GOOD[place.kind])


def _filled(place: Field) -> st.SearchStrategy[object]:
    return _good(place, True, 0) if place.kind in ("code", "list") else st.sampled_from(GOOD[place.kind])


def _first_value(place: Field) -> str:
    assert place.column is not None
    return next(iter(place.column.values.values()))[0]


def _list_cell(value: str) -> st.SearchStrategy[object]:
    forms: list[object] = [value, value, value.upper(), f" {value} ", unicodedata.normalize("NFD", value)]
    return st.sampled_from([*forms, int(value), f"{value}.0"] if value.isdigit() else forms)


def _cell(place: Field, is_key: bool, number: int, is_clean: bool) -> st.SearchStrategy[object]:
    good = _good(place, is_key, number)
    if is_key or (is_clean and place.decides):
        return good
    if place.is_free or is_clean:
        return st.one_of(good, good, good, st.sampled_from(MISSING))
    bad = st.sampled_from(BAD.get(place.kind, BAD["list"]))
    return st.one_of(good, good, good, good, st.sampled_from(MISSING), bad | st.sampled_from(NUMBERS))


_TITLES: tuple[tuple[object, ...], ...] = (
    (),
    ("BÁO CÁO",),
    ("", f"Người lập: {NAME} {NUMBER}"),
    (None, None),
    ("Tháng", 7),
)
_TOTALS = ("Tổng số", "TỔNG CỘNG: 5", "Cộng", "tong cong", "Tổng số hồ sơ")


@st.composite
def tables(draw: st.DrawFn, source: Source | None = None) -> Table:
    source = source or draw(st.sampled_from(list(all_sources().values())))
    columns = draw(fields(source))
    # Filled in every data row: it bears a letter, so that no row is taken for the numbering of the columns.
    key = next((n for n, f in enumerate(columns) if f.decides and f.kind == "code"), None)
    if key is None:
        key = next(n for n, f in enumerate(columns) if f.decides and f.kind == "list")
    second = next(n for n, f in enumerate(columns) if f.decides and n != key)
    above = tuple(draw(st.lists(st.sampled_from(_TITLES), max_size=3)))
    body: list[tuple[str, tuple[object, ...]]] = []
    if draw(st.integers(0, 4)) == 0:
        body.append(("layout", tuple(f"({n})" for n in range(1, len(columns) + 1))))
    kinds = draw(st.lists(st.sampled_from(("data",) * 8 + ("blank", "keyless", "total")), max_size=9))
    for number, kind in enumerate(kinds):
        if kind == "blank":
            body.append(("layout", ()))
        elif kind == "total":
            body.append(("layout", (draw(st.sampled_from(_TOTALS)), *[5] * draw(st.integers(0, len(columns) - 1)))))
        elif kind == "keyless":
            cells = [None if f.decides else draw(_cell(f, False, number, True)) for f in columns]
            body.append(("layout", tuple(cells)))
        else:
            is_clean = draw(st.sampled_from((True, True, True, False)))
            cells = [draw(_cell(f, n == key, number, is_clean)) for n, f in enumerate(columns)]
            body.append(("data", tuple(cells)))
    last = next((n for n in range(len(body) - 1, -1, -1) if body[n][0] == "data"), None)
    if last is not None:  # what follows the last row with two filled required cells is layout
        cells = list(body[last][1])
        cells[second] = draw(_filled(columns[second]))
        body[last] = ("data", tuple(cells))
        if draw(st.integers(0, 9)) == 0:
            again = [row for row in body if row[1][:1] != ("(1)",)]
            body += again * draw(st.sampled_from((2, 40)))
    body += [("layout", cells) for cells in draw(st.lists(st.sampled_from(_TITLES[:-1]), max_size=2))]
    headers = tuple(draw(_spellings(f.header)) if f.header else "" for f in columns)
    return Table(source.source, tuple(columns), headers, above, tuple(body))
