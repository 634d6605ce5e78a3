"""What is written in the commonest way of its column is read as the reader of every spelling reads it.

Set-wise over all numbers that can stand in each place, valid or not, and over every name of every code list.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from orchestration.ingestion import cells
from orchestration.sources import Column, all_sources
from orchestration.sql import literal

YEARS = [1000, 1899, 1900, 2000, 2023, 2024, 2100, 2101, 2999]
CLOCKS = ["", "00:00", "23:59", "24:00", "29:30", "23:59:59", "23:59:60", "23:60:00", "24:00:00", "08:05:09", "8:05"]
NUMBERS = ["0", "7", "007", "2147483647", "2147483648", "999999999999999", "1000000000000000", "1.5", "0.125", "1.234"]
NUMBERS += ["1.2345", "12.", ".5", "-3", "+3", "1e5", "1,5", "5%", "00012.500"]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(f"""
            create temp table times as
            select distinct replace(replace(replace(replace(replace(form, 'yyyy', y::varchar), 'mm', m), 'dd', d),
                ' ', gap), 'clock', clock) as x
            from (select unnest({YEARS}) as y), (select unnest(['0', '00', '01', '2', '02', '09', '10', '12', '13']) as m),
                (select unnest(['0', '00', '1', '01', '09', '15', '28', '29', '30', '31', '32', '39']) as d),
                (select unnest({CLOCKS}) as clock), (select unnest([' ', 'T', '']) as gap),
                (select unnest(['dd/mm/yyyy clock', 'dd-mm-yyyy clock', 'dd.mm.yyyy clock', 'yyyy-mm-dd clock',
                    'yyyymmdd clock', 'dd/mm-yyyy clock', 'dd/mm/yyyy']) as form)
        """)
        con.execute(
            "insert into times select distinct replace(replace(x, ':', ''), ' ', '') from times where x like '2%'"
        )
        yield con


def differ(
    con: duckdb.DuckDBPyConnection, column: Column, special: dict, texts: str, is_number: str | None = None
) -> list:
    """The texts written in the commonest way whose value is not what `typed` makes of them."""
    way = cells.common(column, special)
    assert way
    common, every = f"({way.value('x')})", _every(column, special, is_number)
    if column.kind in cells.BOUNDED:
        common = cells.checked(column, common, "x", may_be_serial=False)
        every = cells.checked(column, every, "x")
    [(written,)] = con.execute(f"select count(*) from {texts} where {way.test('x')}").fetchall()
    assert written, "no text is written in the commonest way"
    return con.execute(
        f"select x, {common}, {every} from {texts} where {way.test('x')} and {common} is distinct from {every} limit 5"
    ).fetchall()


def _every(column: Column, special: dict, is_number: str | None) -> str:
    if column.kind == "partial_date":
        return f"({cells.partial_date('x', may_be_partial=True)})"
    if special and column.kind == "flag":
        return f"({cells.flag('x', special)})"
    if special:
        return f"({cells.mapped('x', cells.merged(column.values, special))})"
    return f"({cells.typed(column, 'x', is_number)})"


@pytest.mark.parametrize("kind", ["time", "date", "partial_date"])
def test_times(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    assert not differ(con, Column(name="c", kind=kind), {}, "times")


@pytest.mark.parametrize("kind", ["integer", "money", "decimal"])
def test_numbers(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    texts = f"(select unnest([{', '.join(map(literal, NUMBERS))}]) as x)"
    for is_number in (None, "true", "false"):
        assert not differ(con, Column(name="c", kind=kind), {}, texts, is_number)


def test_code_lists_of_every_source(con: duckdb.DuckDBPyConnection) -> None:
    seen = 0
    for source in all_sources().values():
        for column in source.columns:
            for special in [{}, *column.name_values.values()]:
                if column.kind not in ("flag", "list") or not cells.common(column, special):
                    continue
                if column.kind == "list" and not (column.values or special):
                    continue
                spelled = cells.flag_values(special) if column.kind == "flag" else cells.merged(column.values, special)
                names = [name for listed in spelled.values() for name in listed]
                texts = {t for n in names for t in (n, n.lower(), n.upper(), n.title(), cells.fold(n))}
                relation = f"(select unnest([{', '.join(map(literal, sorted(texts)))}]) as x)"
                assert not differ(con, column, special, relation), (source.source, column.name)
                seen += 1
    assert seen > 30
