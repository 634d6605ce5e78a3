"""Where the cells of a sheet stand, found without laying the sheet out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PACKED_WIDTH = 2_048  # columns of a sheet whose cells were moved side by side: more than one BIFF record has
_ALWAYS_LAID_OUT = 1_000_000
_LAID_OUT_PER_CELL = 4


@dataclass
class Extent:
    """How many cells a sheet has, and the rows and columns from its first corner to the last of them."""

    cells: int = 0
    rows: int = 0
    columns: int = 0

    @property
    def laid_out(self) -> int:
        return self.rows * self.columns

    @property
    def is_scattered(self) -> bool:
        return self.laid_out > max(_ALWAYS_LAID_OUT, _LAID_OUT_PER_CELL * self.cells)

    def include(self, cells: int, last_row: int, last_column: int) -> None:
        self.cells += cells
        self.rows = max(self.rows, last_row + 1)
        self.columns = max(self.columns, last_column + 1)


_SEEN = 32  # bytes in which the start of a cell's tag tells all: `<c r="XFD1048576"`
_ENDS_NAME = np.zeros(256, bool)
_ENDS_NAME[list(b" \t\r\n/>")] = True
_SPACE_R = int.from_bytes(b' r="', "little")


class Places:
    """The extent of a sheet's XML as it streams by, from the tags of its cells.

    Written as all common programs write them (`<c r="A1"`, whatever the prefix of `c`), they are read column-wise.
    `is_certain` turns false at the first one that is not: then only a parser can tell.
    """

    def __init__(self) -> None:
        self.extent = Extent()
        self.is_certain = True
        self.has_errors = False
        self._tail, self._done = b"", 0

    def add(self, chunk: bytes) -> None:
        """The next bytes of the XML; none at its end."""
        buffer, done = self._tail + chunk, self._done
        upto = len(buffer) - _SEEN if chunk else len(buffer)
        if upto <= done:
            self._tail = buffer
            return
        # A tag is looked at when all of it is there, and what stands before it still is.
        self._tail = buffer[max(upto - _SEEN, 0) :]
        self._done = min(upto, _SEEN)
        self.has_errors = self.has_errors or b't="e"' in buffer
        padded = buffer + bytes(_SEEN)
        codes = np.frombuffer(padded, np.uint8)
        for mark in (b"<c", b":c"):
            if mark in buffer:
                places = _pairs(padded, mark)
                places = places[(places >= done) & (places < upto) & _ENDS_NAME[codes[places + 2]]]
                if mark == b":c":
                    places = places[_opens(codes, places)]
                if len(places):
                    self._include(codes, places + 2)

    def _include(self, codes: np.ndarray, places: np.ndarray) -> None:
        """`places`: just behind the names of the tags."""
        words = np.lib.stride_tricks.as_strided(
            codes[:4].view("<u4"), shape=(len(codes) - 4,), strides=(1,), writeable=False
        )
        certain = words[places] == _SPACE_R
        at = places + 4
        column, row = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
        reads, letters, digits = np.ones(len(at), bool), 0, 0
        for _ in range(4):
            code = codes[at].astype(np.int64)
            reads = reads & (code >= 65) & (code <= 90)
            column = np.where(reads, column * 26 + code - 64, column)
            at = at + reads
            letters = letters + reads
        reads = np.ones(len(at), bool)
        for _ in range(8):
            code = codes[at].astype(np.int64)
            reads = reads & (code >= 48) & (code <= 57)
            row = np.where(reads, row * 10 + code - 48, row)
            at = at + reads
            digits = digits + reads
        certain &= (codes[at] == 34) & (letters >= 1) & (letters <= 3) & (digits >= 1) & (digits <= 7) & (row >= 1)
        self.is_certain = self.is_certain and bool(certain.all())
        self.extent.include(len(places), int(row.max()) - 1, int(column.max()) - 1)


def _opens(codes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Whether the tags whose prefixes end at some places open an element: `</x:c>` does not."""
    closes, looking = np.zeros(len(places), bool), np.ones(len(places), bool)
    for back in range(1, _SEEN):
        at = np.maximum(places - back, 0)
        found = looking & (codes[at] == ord("<"))
        closes |= found & (codes[at + 1] == ord("/"))
        looking &= ~found
    return ~closes


class SharedStrings:
    """The lengths of a workbook's shared strings in the XML that holds them, as it streams by."""

    def __init__(self) -> None:
        self._starts: list[np.ndarray] = []
        self._tail, self._size = b"", 0

    def add(self, chunk: bytes) -> None:
        buffer = self._tail + chunk
        before = self._size - len(self._tail)
        for mark in (b"<s", b":s"):
            if mark + b"i" in buffer:
                places = _pairs(buffer, mark)
                codes = np.frombuffer(buffer + b"\0\0", np.uint8)
                places = places[(codes[places + 2] == ord("i")) & _ENDS_NAME[codes[places + 3]]]
                self._starts.append(np.sort(places) + before)
        self._tail = buffer[-3:]
        self._size += len(chunk)

    def lengths(self) -> np.ndarray:
        """In bytes, tags included, by the number of the string."""
        starts = np.unique(np.concatenate(self._starts)) if self._starts else np.empty(0, np.int64)
        return np.diff(starts, append=self._size)


def _pairs(buffer: bytes, pair: bytes) -> np.ndarray:
    """Where two bytes stand side by side."""
    wanted = int.from_bytes(pair, "little")
    even = np.flatnonzero(np.frombuffer(buffer, "<u2", len(buffer) // 2) == wanted) * 2
    odd = np.flatnonzero(np.frombuffer(buffer, "<u2", (len(buffer) - 1) // 2, 1) == wanted) * 2 + 1
    return np.concatenate([even, odd])
