"""Tables held in memory: what spreadsheets and HTML pages decode to. A table is as large as its filled cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.decode import (
    HEAD_ROWS,
    Grid,
    Loader,
    Sheet,
    head_row,
    size_text,
    too_large,
    too_many_columns,
)
from orchestration.settings import Bounds

_NUMBERS = {int, float}
_COUNTABLE = 1 << 20


def dense_sheet(name: str, rows: list[list], bounds: Bounds) -> Sheet:
    """A table of rows of equal length, empty cells as "". Raises RejectedFile beyond the bounds."""
    if rows and len(rows[0]) > bounds.columns:
        filled = [(r, c, cell) for r, row in enumerate(rows) for c, cell in enumerate(row) if cell != ""]
        places = np.array([(r, c) for r, c, _ in filled], np.int64).reshape(-1, 2)
        return scattered_sheet(name, places[:, 0], places[:, 1], [cell for _, _, cell in filled], bounds)
    return Sheet(name, _head(rows[:HEAD_ROWS], bounds), _Dense(bounds, rows))


def scattered_sheet(name: str, rows: np.ndarray, columns: np.ndarray, values: list, bounds: Bounds) -> Sheet:
    """A table given by its filled cells: 0-based rows, which rise, 0-based columns, and values.

    Columns without a filled cell are left out, so that a stray cell far to the right costs one column. Raises
    RejectedFile beyond the bounds.
    """
    count, columns = _ranks(columns)
    if count > bounds.columns:
        raise too_many_columns(bounds)
    head: list[list] = [[] for _ in range(min(int(rows[-1]) + 1, HEAD_ROWS))] if len(rows) else []
    for row, column, value in zip(rows, columns, values, strict=True):
        if row >= HEAD_ROWS:
            break
        head[row] += [""] * (column + 1 - len(head[row]))
        head[row][column] = value
    return Sheet(name, _head(head, bounds), _Scattered(bounds, rows, columns, values))


def _ranks(numbers: np.ndarray) -> tuple[int, np.ndarray]:
    """How many different numbers there are, and the rank of each among them."""
    if len(numbers) and numbers.max() < _COUNTABLE:
        is_there = np.bincount(numbers) > 0
        return int(is_there.sum()), (np.cumsum(is_there) - 1)[numbers]
    different, ranks = np.unique(numbers, return_inverse=True)
    return len(different), ranks


def _head(rows: Iterable[list], bounds: Bounds) -> list[list[str]]:
    """The first rows as text, each up to its last filled cell: what stands right of a header is no column."""
    head = [list(map(_shown, row)) for row in rows]
    for number, row in enumerate(head, start=1):
        for cell in row:
            if len(cell) > bounds.cell:
                raise _large_cell(f"row {number}", bounds)
        while row and not row[-1].strip():
            row.pop()
    return [head_row(row, bounds) for row in head]


def _shown(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _large_cell(where: str, bounds: Bounds) -> Exception:
    return too_large(f"a cell of {where} holds more than {size_text(bounds.cell)}", "shorten it")


@dataclass
class _Table(Loader):
    """Columns of Python cells into typed DuckDB columns."""

    bounds: Bounds

    def below(self, header_row: int, width: int) -> tuple[Sequence[int], Iterable[Sequence]]:
        """Row numbers as a spreadsheet shows them, and the cells of each column."""
        raise NotImplementedError

    def __call__(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> Grid:
        numbers, columns = self.below(header_row, width)
        arrays: list[pa.Array] = [pa.array(numbers, pa.int64())]
        names, select, typed = ["row_number"], ["row_number"], set()
        for i, cells in enumerate(columns):
            found = set(map(type, cells))
            kinds = list(map(type, cells)) if found & {*_NUMBERS, datetime} else []
            texts = pa.array(cells if found == {str} else list(map(str, cells)), pa.string())
            lengths = pc.binary_length(texts)
            if (longest := pc.max(lengths).as_py() or 0) > self.bounds.cell:
                raise _large_cell(f"row {numbers[pc.index(lengths, longest).as_py()]}", self.bounds)
            arrays.append(texts)
            names.append(f"c{i}")
            cell = f"c{i}"
            if found & _NUMBERS:
                typed.add(i)
                arrays.append(_is_kind(kinds, _NUMBERS))
                names.append(f"n{i}")
                select.append(f"n{i}")
                # Spreadsheets keep every number as a float: a whole one is its plain digits.
                cell = f"case when n{i} then regexp_replace({cell}, '\\.0$', '') else {cell} end"
            if datetime in found:
                arrays.append(_is_kind(kinds, {datetime}))
                names.append(f"d{i}")
                # A serial's binary fraction shows as 07:29:59.999997.
                cell = (
                    f"case when d{i} then strftime(date_trunc('second', c{i}::timestamp + interval 500 milliseconds), "
                    f"'%Y-%m-%d %H:%M:%S') else {cell} end"
                )
            select.append(f"{cell} as c{i}")
        con.register("sheet", pa.table(arrays, names=names))
        con.execute("drop view if exists grid")
        con.execute(f"create or replace temp table lines as select {', '.join(select)} from sheet")
        con.unregister("sheet")
        con.execute("create or replace temp view grid as select * from lines")
        return Grid(width, typed=frozenset(typed))


def _is_kind(kinds: list[type], wanted: set[type]) -> pa.Array:
    return pa.array(np.fromiter(map(wanted.__contains__, kinds), bool, len(kinds)))


@dataclass
class _Dense(_Table):
    rows: list[list]

    def below(self, header_row: int, width: int) -> tuple[Sequence[int], Iterable[Sequence]]:
        body = self.rows[header_row:]
        columns = list(zip(*body, strict=True))[:width] or [()] * width
        return range(header_row + 1, header_row + 1 + len(body)), columns


@dataclass
class _Scattered(_Table):
    rows: np.ndarray
    columns: np.ndarray
    values: list

    def below(self, header_row: int, width: int) -> tuple[Sequence[int], Iterable[Sequence]]:
        start = int(np.searchsorted(self.rows, header_row))
        rows, columns = self.rows[start:], self.columns[start:]
        values = np.empty(len(rows), object)
        values[:] = self.values[start:]
        begins = np.diff(rows, prepend=-1) > 0
        places = np.cumsum(begins) - 1
        numbers = (rows[begins] + 1).tolist()
        order = np.argsort(columns, kind="stable")
        edges = np.searchsorted(columns[order], range(width + 1))

        def column(i: int) -> list:
            chosen = order[edges[i] : edges[i + 1]]
            cells = np.full(len(numbers), "", object)
            cells[places[chosen]] = values[chosen]
            return cells.tolist()

        return numbers, map(column, range(width))
