"""Type the cells of a grid, split layout from data and accepted from rejected: set-wise, in SQL.

docs/landing-contract.md 1, 2. In the SQL, `t:name` is a column's clean text and `v:name` its typed value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from orchestration.ingestion import cells
from orchestration.ingestion.decode import Grid, RejectedFile
from orchestration.ingestion.header import Header
from orchestration.sources import Column, JsonRule, Source
from orchestration.sql import literal, quoted

_K = TypeVar("_K")
_SHIFTED_FROM = 5
_SHIFT_KINDS = ("time", "date", "partial_date", "list")
# What is plainly a code, number or date under another's header: no name, and no address of a mailbox.
_PLAIN = "[!-?A-~]*[0-9][!-?A-~]*"
_COMPOSITES = ", ".join(map(literal, cells.COMPOSITE.values()))


@dataclass(frozen=True)
class SortedRows:
    """Data rows: a DuckDB relation, by its name, and how many there are.

    Its columns: `row_number`; what the lake stores of each column, under its stored name; where a row is rejected the
    first bad column (`reject_column`) and why (`reject_reason`), and its masked cells as JSON text (`raw_row`).
    """

    relation: str
    read: int
    rejected: int

    @property
    def accepted(self) -> int:
        return self.read - self.rejected


@dataclass(frozen=True)
class Option:
    """One place a column can come from: its cleaned text (NULL when missing), and the value of that text."""

    text: str
    value: Callable[[str], str]


@dataclass(frozen=True)
class Looks:
    """Which columns of a grid (`c0`…) need more than to be read: each is looked through once for all its cells.

    `untidy` bear cells that are not clean text yet, `missing` texts that say that there is none, `suspect` numbers or
    characters that no kept text may bear, `composite` objects or lists. Of `common` ones all cells are written in the
    way that is given.
    """

    untidy: frozenset[str]
    missing: frozenset[str]
    suspect: frozenset[str]
    composite: frozenset[str]
    common: Mapping[str, cells.Common]


@dataclass(frozen=True)
class Fault:
    """Why rows are rejected for which `test` holds; `column` is none where no single cell is at fault."""

    test: str
    column: str | None
    reason: str


def _text_of(column: Column) -> str:
    return quoted(f"t:{column.name}")


def _value_of(column: Column) -> str:
    return quoted(f"v:{column.name}")


def _cell(position: int) -> str:
    """The clean text of a cell, as `_clean_cells` names it."""
    return f"c{position}"


def _looked_at(con: duckdb.DuckDBPyConnection, source: Source, header: Header, grid: Grid) -> Looks:
    """One pass over cells as most exports write them; a column is looked through again only where it differs."""

    def columns_with(tests: Mapping[_K, str]) -> frozenset[_K]:
        if not tests:
            return frozenset()
        asked = ", ".join(f"bool_or({test})" for test in tests.values())
        [answers] = con.execute(f"select {asked} from {grid.relation}{below}").fetchall()
        return frozenset(name for name, found in zip(tests, answers, strict=True) if found)

    below = "" if grid.is_json else f" where row_number >= {_first_row(header)}"
    names = [*map(_cell, range(grid.width)), *["extra"] * grid.has_extra]
    texts = {_cell(p) for c in source.columns if c.personal == "free_text" for _, p in header.found.get(c.name, [])}
    common = _common_ways(source, header)
    plain = f"{cells.UNTIDY}|{cells.MISSING}"

    def matches(name: str, pattern: str) -> str:
        return f"regexp_matches({name}, '{pattern}')"

    differ = columns_with(
        {
            n: f"not {common[n].test(n)}"
            if n in common
            else matches(n, f"{plain}|{cells.SUSPECT}" if n in texts else plain)
            for n in names
        }
    )
    again = {("missing", n): matches(n, cells.MISSING) for n in sorted(differ)}
    again |= {("untidy", n): matches(n, cells.UNTIDY) for n in sorted(differ)}
    again |= {("suspect", n): matches(n, cells.SUSPECT) for n in sorted(differ & texts)}
    again |= {
        ("uncommon", n): f"not ({common[n].test(n)} or {matches(n, cells.MISSING)})"
        for n in sorted(differ & common.keys())
    }
    found = columns_with(again)

    def those(what: str) -> frozenset[str]:
        return frozenset(n for of, n in found if of == what)

    return Looks(
        those("untidy"),
        those("missing"),
        those("suspect"),
        columns_with({n: f"{n} in ({_COMPOSITES})" for n in names} if grid.is_json else {}),
        {n: way for n, way in common.items() if ("uncommon", n) not in found},
    )


def _common_ways(source: Source, header: Header) -> dict[str, cells.Common]:
    """The commonest way to write each cell that alone makes the value of one column, and of no other."""
    columns = {c.name: c for c in source.columns}
    places = [(columns[c], name, _cell(position)) for c, found in header.found.items() for name, position in found]
    served = Counter(cell for _, _, cell in places)
    return {
        cell: way
        for column, name, cell in places
        if served[cell] == 1 and name not in (*column.sum_of, *column.joined, *column.implied_by)
        if not (column.json_rule and name == column.json_rule.key)
        if (way := cells.common(column, column.name_values.get(name, {})))
    }


def _clean_cells(grid: Grid, looks: Looks) -> str:
    """The grid with its cells as clean text, as a relation. Only columns that need it are tidied."""
    select = ["row_number", "is_object" if grid.is_json else "true as is_object"]
    for name in [*map(_cell, range(grid.width)), *["extra"] * grid.has_extra]:
        filled = cells.filled(name) if name in looks.missing else name
        select.append(f"{cells.clean(name) if name in looks.untidy else filled} as {name}")
    if not grid.has_extra:
        select.append("null::varchar as extra")
    select += [f"n{i}" for i in sorted(grid.typed)] + ([f"j{i}" for i in range(grid.width)] if grid.is_json else [])
    return f"(select {', '.join(select)} from {grid.relation})"


def _number(grid: Grid, position: int) -> str | None:
    return f"n{position}" if position in grid.typed else None


def _options(column: Column, header: Header, grid: Grid, looks: Looks) -> list[Option]:
    """The places a column can come from, best first. An object or a list has no value, except where a rule reads it."""
    options: list[Option] = []
    parts = {name: position for name, position in header.found[column.name] if name in column.sum_of + column.joined}
    for name, position in header.found[column.name]:
        if name in parts:
            if parts and (column.sum_of or len(parts) == len(column.joined)) and name == next(iter(parts)):
                combine = _sum_option if column.sum_of else _joined_option
                options.append(_read_alone(combine(column, grid, list(parts.values())), looks, *parts.values()))
        elif name in column.implied_by:
            options.append(_implied_option(column, header, grid, name, position))
        elif column.json_rule and name == column.json_rule.key:
            options.append(_json_option(column, column.json_rule, looks, position))
        else:
            text = _cell(position)
            if column.personal == "free_text" and text in looks.suspect:
                text = cells.free_text(text)
            way = looks.common.get(_cell(position))
            reading = way.value if way else _reading(column, name, _number(grid, position))
            options.append(_read_alone(Option(text, reading), looks, position))
    return options


def _read_alone(option: Option, looks: Looks, *positions: int) -> Option:
    """The option without a value where one of its cells is an object or a list."""
    listed = ", ".join(map(literal, cells.COMPOSITE))
    tests = [f"coalesce(json_type(j{p}) in ({listed}), false)" for p in positions if _cell(p) in looks.composite]
    if not tests:
        return option
    return Option(option.text, lambda x: f"case when not ({' or '.join(tests)}) then {option.value(x)} end")


def _reading(column: Column, name: str, is_number: str | None) -> Callable[[str], str]:
    special = column.name_values.get(name)
    if column.kind == "partial_date":
        return lambda x: cells.partial_date(x, may_be_partial=name in column.partial_under)
    if numbered := column.numbered:
        values = cells.merged(column.values, special or {})
        padded = name in numbered.padded_under
        return lambda x: cells.numbered(x, numbered, cells.mapped(x, values), padded=padded)
    if special and column.kind == "flag":
        return lambda x: cells.flag(x, special)
    if special:
        values = cells.merged(column.values, special)
        return lambda x: cells.mapped(x, values)
    return lambda x: cells.typed(column, x, is_number)


def _joined_option(column: Column, grid: Grid, parts: list[int]) -> Option:
    texts = [f"({cells.code(f'({_cell(p)})', _number(grid, p))})" for p in parts]
    return Option(" || '|' || ".join(texts), lambda x: x)


def _implied_option(column: Column, header: Header, grid: Grid, name: str, position: int) -> Option:
    """The header's presence is the value; where several stand side by side, the filled one's."""
    value = literal(column.implied_by[name])
    alone = sum(other in column.implied_by for other, _ in header.found[column.name]) == 1
    return Option(value if alone else f"case when ({_cell(position)}) is not null then {value} end", lambda _: value)


def _sum_option(column: Column, grid: Grid, parts: list[int]) -> Option:
    texts = [_cell(p) for p in parts]
    amounts = ", ".join(_amount(column, f"({t})", _number(grid, p)) for t, p in zip(texts, parts, strict=True))
    return Option(f"nullif(concat_ws(' + ', {', '.join(texts)}), '')", lambda _: _sum_of(f"[{amounts}]"))


def _amount(column: Column, text: str, is_number: str | None) -> str:
    """A part of a sum: 0 where the cell is missing."""
    amount = cells.bounded(column.kind, cells.typed(column, text, is_number))
    return f"case when {text} is null then 0 else {amount} end"


def _sum_of(amounts: str) -> str:
    """The sum of a list of amounts, NULL where one of them is unreadable or the sum is beyond any money."""
    return f"case when list_count({amounts}) = len({amounts}) then try_cast(list_sum({amounts}) as bigint) end"


def _json_option(column: Column, rule: JsonRule, looks: Looks, position: int) -> Option:
    raw = f"j{position}"
    if rule.rule == "equals_one":
        return _read_alone(Option(_cell(position), lambda x: f"{cells.plain_number(x)} = '1'"), looks, position)
    length = f"case when json_type({raw}) = 'ARRAY' then json_array_length({raw}) else 0 end"
    # The texts hold nothing else of the list: its other members may tell of a person.
    if rule.rule == "not_empty":
        return Option(
            f"case when {_cell(position)} is not null then ({length} > 0)::varchar end", lambda x: f"{x}::boolean"
        )
    member = f"json_extract(p, '$.{rule.member}')"
    shown = " ".join(f"when {literal(kind)} then {literal(shown)}" for kind, shown in cells.COMPOSITE.items())
    text = cells.clean(f"(case json_type({member}) {shown} else {member} ->> '$' end)")
    is_number = f"coalesce(json_type({member}) in ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE'), false)"
    amount = _amount(column, f"({text})", is_number)
    members = f"from_json({raw}, '[\"JSON\"]')"
    texts = f"array_to_string(list_transform({members}, lambda p: coalesce({text}, '0')), ' + ')"
    total = _sum_of(f"list_transform({members}, lambda p: {amount})")
    return Option(
        f"case when {length} > 0 then {texts} when json_type({raw}) <> 'ARRAY' then {_cell(position)} end",
        lambda _: f"case when {length} > 0 then {total} end",
    )


def sort_out(
    con: duckdb.DuckDBPyConnection, source: Source, grid: Grid, header: Header, *, may_be_shifted: bool = True
) -> SortedRows:
    """The data rows of a grid, typed and judged. Raises RejectedFile when cells are shifted against the header."""
    looks = _looked_at(con, source, header, grid)
    kept = [c for c in source.columns if c.kind != "dropped" and c.name in header.found]
    options = {c.name: _options(c, header, grid, looks) for c in kept}
    present = [c for c in kept if options[c.name]]
    composite = {c.name for c in present if looks.composite.intersection(_cell(p) for _, p in header.found[c.name])}
    unreadable = {
        c.name: f"({_text_of(c)} is not null and {_value_of(c)} is null)"
        for c in present
        if c.name in composite or c.kind not in ("identity", "text", "code")
    }
    faults = _faults(source, header, present, unreadable, composite)
    tests = " ".join(f"when {fault.test} then {number}" for number, fault in enumerate(faults, 1))
    names = ", ".join(f"case when {test} then {literal(name)} end" for name, test in unreadable.items()) or "null"
    stored = ", ".join(_stored(c, present) for c in source.columns if c.kind != "dropped")
    relation = quoted(f"rows of {source.source}")
    con.execute(f"""
        create or replace temp table {relation} as
        select row_number, {stored},
            list_extract({_listed(f.reason for f in faults)}, fault) as reject_reason,
            list_extract({_listed(f.column for f in faults)}, fault) as reject_column,
            unreadable,
            case when fault is not null then {_raw_row(present)} end as raw_row
        from (
            select *, case when fault is not null then list_filter([{names}], lambda p: p is not null) end as unreadable
            from (
                select *, case {tests} end as fault
                from ({_judged(present, options, looks, header, _data_rows(con, source, grid, header, looks))})
            )
        )""")
    watched = [c for c in present if c.kind in _SHIFT_KINDS or (header.requires(c) and c.kind != "flag")]
    counted = ["count(*)", "count(reject_reason)", *(f"count({quoted(c.stored_name)})" for c in watched)]
    [(read, rejected, *readable)] = con.execute(f"select {', '.join(counted)} from {relation}").fetchall()
    if may_be_shifted and read >= _SHIFTED_FROM:
        _refuse_shifted(con, relation, header, list(zip(watched, readable, strict=True)), any_bad=rejected > 0)
    return SortedRows(relation, read, rejected)


def _faults(
    source: Source, header: Header, present: list[Column], unreadable: dict[str, str], composite: set[str]
) -> list[Fault]:
    """What a row can be rejected for, in the order in which it is asked: the first that holds is the row's finding."""
    faults = [Fault("not is_object", None, "not_an_object"), Fault("extra is not null", None, "extra_cell")]
    for column in source.columns:
        if test := unreadable.get(column.name):
            if column.name in composite:
                faults.append(Fault(f"{test} and {_text_of(column)} in ({_COMPOSITES})", column.name, "unreadable"))
            reason = "unknown_value" if column.kind in ("list", "flag") else "unreadable"
            faults.append(Fault(test, column.name, reason))
        if test := _missing(column, header, present):
            faults.append(Fault(test, column.name, "missing"))
    return faults


def _listed(texts: Iterable[str | None]) -> str:
    return f"[{', '.join('null' if text is None else literal(text) for text in texts)}]::varchar[]"


def _judged(present: list[Column], options: dict[str, list[Option]], looks: Looks, header: Header, rows: str) -> str:
    """Every column's clean text `t:name` and typed value `v:name`, a value out of bounds being none."""
    texts, chosen = [], []
    for column in present:
        names = [quoted(f"{column.name}.{i}") for i in range(len(options[column.name]))]
        both = list(zip(options[column.name], names, strict=True))
        texts += [f"{option.text} as {name}" for option, name in both]
        branches = " ".join(f"when {name} is not null then {option.value(name)}" for option, name in both)
        chosen.append(f"coalesce({', '.join(names)}) as {_text_of(column)}")
        chosen.append(f"case {branches} end as {_value_of(column)}")
    common = {c.name for c in present if all(_cell(p) in looks.common for _, p in header.found[c.name])}
    bounded = ", ".join(
        f"{cells.checked(c, _value_of(c), _text_of(c), may_be_serial=c.name not in common)} as {_value_of(c)}"
        for c in present
        if c.kind in cells.BOUNDED
    )
    cleaned = f"select {', '.join(['*', *texts])} from {rows}"
    typed = f"select {', '.join(['row_number', 'is_object', 'extra', *chosen])} from ({cleaned})"
    return f"select * replace ({bounded}) from ({typed})" if bounded else typed


def _data_rows(con: duckdb.DuckDBPyConnection, source: Source, grid: Grid, header: Header, looks: Looks) -> str:
    """The clean cells without layout rows, as a relation. JSON has none."""
    clean = _clean_cells(grid, looks)
    if grid.is_json:
        return clean
    texts = [t for c in source.columns if header.requires(c) and c.kind != "flag" for t in _required_cells(c, header)]
    filled = " + ".join(f"({t} is not null)::int" for t in texts)
    first_row = _first_row(header)
    [(last_row,)] = con.execute(
        f"select coalesce(max(row_number), 0) from {clean} where row_number >= {first_row} and {filled} >= 2"
    ).fetchall()
    first_cell = f"coalesce({', '.join(_cell(i) for i in range(header.width))})"
    return f"""(
        select * from {clean}
        where row_number between {first_row} and {last_row} and {filled} > 0 and not {_is_total(first_cell)}
    )"""


def _first_row(header: Header) -> int:
    return header.row + (2 if header.has_numbering else 1)


def _required_cells(column: Column, header: Header) -> list[str]:
    """The cells of a required column: each part of a joined one, none of one that the header alone implies."""
    joined = [_cell(p) for name, p in header.found[column.name] if name in column.joined]
    plain = [_cell(p) for name, p in header.found[column.name] if name not in (*column.joined, *column.implied_by)]
    return joined + ([f"coalesce({', '.join(plain)})"] if plain else [])


def _is_total(first: str) -> str:
    """Total rows by their first filled cell. `Công ty` and `Tổng công ty` fold like `Cộng` and are none."""
    folded = cells.sql_fold("p")
    is_total = (
        f"({folded} = 'tong cong' and not suffix(p, 'công')) or {folded} like 'tong so%' "
        "or starts_with(p, 'cộng') or starts_with(p, 'cong')"
    )
    return f"coalesce({cells.let(f'lower(left({first}, 9))', is_total)}, false)"


def _missing(column: Column, header: Header, present: list[Column]) -> str:
    """The test for a required cell that is missing, or nothing."""
    is_empty = f"{_text_of(column)} is null" if column in present else "true"
    if header.requires(column) and column.kind != "flag":
        return f"({is_empty})"
    for others, negation in ((column.required_unless, "not "), (column.required_if, "")):
        for other in (c for c in present if c.name in others):
            listed = ", ".join(map(literal, others[other.name]))
            return f"({is_empty} and {negation}coalesce({_value_of(other)} in ({listed}), false))"
    return ""


def _stored(column: Column, present: list[Column]) -> str:
    """What the lake is to store of a column: its value, or its pseudonym and kind."""
    value = _value_of(column) if column in present else "null"
    if column.kind != "identity":
        return f"{value} as {quoted(column.stored_name)}"
    kind = quoted(column.kind_name)
    if column not in present:
        return f"null as {quoted(column.stored_name)}, null as {kind}"
    return (
        f"case when {value} is not null then {cells.pseudonym(value)} end as {quoted(column.stored_name)}, "
        f"{cells.identity_kind(value)} as {kind}"
    )


def _raw_row(present: list[Column]) -> str:
    """The known, non-personal cells of a rejected row as JSON text; what cannot be read only masked.

    Where a row has an extra cell its cells may stand under wrong headers, a name under a code: then whatever
    is not plainly a code, number or date is shown as its shape, and long numbers are masked.
    """
    kept = [c for c in present if not c.is_personal]
    if not kept:
        return "'{}'"
    names = _listed(c.name for c in kept)
    kinds = _listed("time" if c.kind in ("time", "date") else "text" if c.may_hold_text else "plain" for c in kept)
    filled = f"list_filter(list_zip({names}, {kinds}, [{', '.join(map(_text_of, kept))}]), lambda p: p[3] is not null)"
    is_misplaced = "extra is not null and p[2] <> 'time'"
    value = (
        "case when list_contains(unreadable, p[1]) "
        f"or ({is_misplaced} and not regexp_full_match(p[3], '{_PLAIN}')) then {cells.masked('p[3]')} "
        f"when {is_misplaced} then {cells.misplaced('p[3]')} "
        f"when p[2] = 'text' then {cells.legible('p[3]')} else p[3] end"
    )
    return f"to_json(map_from_entries(list_transform({filled}, lambda p: {{'k': p[1], 'v': {value}}})))::varchar"


def _refuse_shifted(
    con: duckdb.DuckDBPyConnection, rows: str, header: Header, readable: list[tuple[Column, int]], *, any_bad: bool
) -> None:
    """A header over other cells: a required column with no filled cell, or dates and codes mostly unreadable.

    `readable` says of each column to watch how many cells could be read.
    """
    bad: dict[str, int] = {}
    if any_bad:
        bad = dict(
            con.execute(
                "select name, count(*) "
                f"from (select unnest(unreadable) as name from {rows} where unreadable is not null) "
                "group by name"
            ).fetchall()
        )
    for column, fine in readable:
        filled = fine + bad.get(column.name, 0)
        if header.requires(column) and filled == 0:
            raise RejectedFile(
                "shifted",
                f"the required column {column.name} has no filled cell: check that cells stand under their headers",
            )
        if column.kind in _SHIFT_KINDS and bad.get(column.name, 0) * 2 > filled:
            raise RejectedFile(
                "shifted",
                f"more than half of the filled cells of {column.name} cannot be read "
                f"({bad[column.name]} of {filled}): check that cells stand under their headers",
            )
