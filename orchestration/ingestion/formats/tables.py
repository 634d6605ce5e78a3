"""Tables held in memory: what spreadsheets and HTML pages decode to. A table is as large as its filled cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

_NUMBERS, _DATES = frozenset((int, float)), frozenset((datetime,))
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
        arrays: dict[str, pa.Array] = {"row_number": pa.array(numbers, pa.int64())}
        select = ["row_number"]
        for position, cells in enumerate(columns):
            found = self._typed(position, cells, numbers)
            arrays |= found
            select += [name for name in found if name[0] == "n"]
            select.append(f"{_as_text(position, found)} as c{position}")
        con.register("sheet", pa.table(arrays))
        con.execute(f"create or replace temp table sheet_cells as select {', '.join(select)} from sheet")
        con.unregister("sheet")
        typed = frozenset(i for i in range(width) if f"n{i}" in arrays)
        return Grid("sheet_cells", width, typed)

    def _typed(self, position: int, cells: Sequence, numbers: Sequence[int]) -> dict[str, pa.Array]:
        """A column's cells as text (`c`), and where there are any, which are numbers (`n`) and which dates (`d`).

        Raises RejectedFile for a cell beyond its bound.
        """
        found = set(map(type, cells))
        texts = pa.array(cells if found == {str} else list(map(str, cells)), pa.string())
        lengths = pc.binary_length(texts)
        if (longest := pc.max(lengths).as_py() or 0) > self.bounds.cell:
            raise _large_cell(f"row {numbers[pc.index(lengths, longest).as_py()]}", self.bounds)
        arrays = {f"c{position}": texts}
        for mark, wanted in (("n", _NUMBERS), ("d", _DATES)):
            if found & wanted:
                kinds = map(wanted.__contains__, map(type, cells))
                arrays[f"{mark}{position}"] = pa.array(np.fromiter(kinds, bool, len(cells)))
        return arrays


def _as_text(position: int, arrays: Mapping[str, pa.Array]) -> str:
    """A cell as it would be typed: a whole number is its plain digits, a date is rounded to the second.

    Spreadsheets keep every number as a float, and a serial's binary fraction shows as 07:29:59.999997.
    """
    cell = text = f"c{position}"
    if (is_number := f"n{position}") in arrays:
        text = f"case when {is_number} then regexp_replace({cell}, '\\.0$', '') else {text} end"
    if (is_date := f"d{position}") in arrays:
        rounded = f"date_trunc('second', {cell}::timestamp + interval 500 milliseconds)"
        text = f"case when {is_date} then strftime({rounded}, '%Y-%m-%d %H:%M:%S') else {text} end"
    return text


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
