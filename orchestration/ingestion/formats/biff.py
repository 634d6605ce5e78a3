"""The places of cells in a BIFF workbook, the stream of records in the compound file that an `.xls` is.

Sources: [MS-CFB] for the compound file, [MS-XLS] section 2.4 for the records.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct, iter_unpack, pack_into, unpack_from

import numpy as np

from orchestration.ingestion.decode import RejectedFile
from orchestration.ingestion.formats.places import PACKED_WIDTH, Extent

_END_OF_CHAIN = 0xFFFFFFFA  # and all above: no sector
_RECORD = Struct("<HHHH")  # kind, length, and of a cell its row and column
_BOUND_SHEET, _EOF, _DIMENSIONS, _MULRK = 0x0085, 0x000A, 0x0200, 0x00BD
# FORMULA, INTEGER, NUMBER, LABEL, BOOLERR and RSTRING of all versions, RK, MULRK, LABELSST. BLANK is none.
_CELLS = frozenset(
    (0x0006, 0x0206, 0x0406, 0x0002, 0x0003, 0x0203, 0x0004, 0x0204, 0x0005, 0x0205, 0x00D6, 0x027E, _MULRK, 0x00FD)
)


def _damaged() -> RejectedFile:
    return RejectedFile("unreadable", "the workbook is damaged: save it again")


class Workbook:
    """A BIFF workbook: the extent of each sheet, and the file with its cells moved side by side where they are far."""

    def __init__(self, data: bytes):
        self._file = _CompoundFile(data)
        self._stream = bytearray(self._file.read("Workbook", "Book"))
        self._starts = [unpack_from("<I", self._stream, at)[0] for at in self._records(0, _BOUND_SHEET)]
        self._dimensions: dict[int, list[int]] = {}
        self._extents: dict[int, Extent] = {}
        for start in self._starts:
            if start not in self._extents:
                self._extents[start] = self._measured(start)

    @property
    def extents(self) -> list[Extent]:
        """Of each sheet, in the order of the workbook."""
        return [self._extents[start] for start in self._starts]

    def moved(self) -> tuple[bytes, dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
        """The file as calamine can lay it out, and of each sheet that was moved where a slot's cell belongs.

        By the number of the sheet: slots, rows, columns. Raises RejectedFile.
        """
        far = {start for start, extent in self._extents.items() if extent.is_scattered}
        lying = self._tell_dimensions()
        if not far and not lying:
            return self._file.data, {}
        moved = {start: self._move(start) for start in far}
        # Sheets that share records cannot be moved apart.
        if any(self._measured(start).is_scattered for start in self._extents):
            raise _damaged()
        return self._file.replaced(self._stream), {n: moved[s] for n, s in enumerate(self._starts) if s in moved}

    def _records(self, start: int, *wanted: int) -> Iterator[int]:
        """Where the bodies of some kinds of records begin, up to the end of their part of the stream."""
        stream, at, end = self._stream, start, len(self._stream) - 4
        while at <= end:
            kind, length = unpack_from("<HH", stream, at)
            if kind == _EOF:
                return
            if kind in wanted and at + 4 + max(length, 4) <= len(stream):
                yield at + 4
            at += 4 + length

    def _measured(self, start: int) -> Extent:
        stream, at, end, unpack = self._stream, start, len(self._stream) - 8, _RECORD.unpack_from
        cells = last_row = last_column = 0
        while at <= end:
            kind, length, row, column = unpack(stream, at)
            if kind in _CELLS:
                if kind == _MULRK and length >= 12:
                    cells += length // 6 - 2
                    column += length // 6 - 2
                cells += 1
                if row > last_row:
                    last_row = row
                if column > last_column:
                    last_column = column
            elif kind == _EOF:
                break
            elif kind == _DIMENSIONS:
                self._dimensions.setdefault(start, []).append(at + 4)
            at += 4 + length
        extent = Extent()
        if cells:
            extent.include(cells, last_row, last_column)
        return extent

    def _move(self, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places, slot = [], 0
        for at in self._records(start, *_CELLS):
            kind, length, row, column = _RECORD.unpack_from(self._stream, at - 4)
            across = length // 6 - 1 if kind == _MULRK and length >= 12 else 1
            if slot % PACKED_WIDTH + across > PACKED_WIDTH:
                slot += PACKED_WIDTH - slot % PACKED_WIDTH
            pack_into("<HH", self._stream, at, slot // PACKED_WIDTH, slot % PACKED_WIDTH)
            if across > 1:
                pack_into("<H", self._stream, at + length - 2, slot % PACKED_WIDTH + across - 1)
            places += [(slot + i, row, column + i) for i in range(across)]
            slot += across
        slots, rows, columns = np.array(places, np.int64).reshape(-1, 3).T
        return slots, rows, columns

    def _tell_dimensions(self) -> bool:
        """Put right what a sheet claims of its size where it claims far too much. Returns whether one did."""
        found = False
        for start, extent in self._extents.items():
            for at in self._dimensions.get(start, ()):
                length = unpack_from("<H", self._stream, at - 2)[0]
                shape = "<IIHH" if length >= 12 else "<HHHH"
                if length < 8:
                    continue
                first_row, end_row, first_column, end_column = unpack_from(shape, self._stream, at)
                claimed = Extent(extent.cells, max(end_row - first_row, 0), max(end_column - first_column, 0))
                if claimed.is_scattered or end_row < first_row or end_column < first_column:
                    pack_into(shape, self._stream, at, 0, min(extent.rows, 1), 0, min(extent.columns, 1))
                    found = True
        return found


class _CompoundFile:
    """The compound file around a stream. Raises RejectedFile where chains of sectors run in a circle or astray."""

    def __init__(self, data: bytes):
        self.data = data
        if len(data) < 512:
            raise _damaged()
        shift, mini_shift = unpack_from("<HH", data, 30)
        if not 7 <= shift <= 16 or not 2 <= mini_shift <= shift:
            raise _damaged()
        self._size, self._mini_size = 1 << shift, 1 << mini_shift
        directory, self._cutoff, mini_fat = (unpack_from("<I", data, at)[0] for at in (48, 56, 60))
        table = [s for (s,) in iter_unpack("<I", data[76:512]) if s < _END_OF_CHAIN]
        following, seen = unpack_from("<I", data, 68)[0], 0
        while following < _END_OF_CHAIN:
            numbers = [s for (s,) in iter_unpack("<I", self._sector(following))]
            table += [s for s in numbers[:-1] if s < _END_OF_CHAIN]
            following, seen = numbers[-1], seen + 1
            if seen > len(data) // self._size:
                raise _damaged()
        if len(table) > len(data) // self._size:
            raise _damaged()
        self._fat = np.frombuffer(b"".join(map(self._sector, table)), "<u4").tolist()
        self._entries = self._joined(self._chain(directory, self._fat))
        self._mini_fat = np.frombuffer(self._joined(self._chain(mini_fat, self._fat)), "<u4").tolist()
        self._sectors: list[int] = []

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._size
        return self.data[start : start + self._size].ljust(self._size, b"\0")

    def _joined(self, sectors: list[int]) -> bytes:
        return b"".join(map(self._sector, sectors))

    @staticmethod
    def _chain(start: int, table: list[int]) -> list[int]:
        chain: list[int] = []
        while start < _END_OF_CHAIN:
            if start >= len(table) or len(chain) > len(table):
                raise _damaged()
            chain.append(start)
            start = table[start]
        return chain

    def read(self, *names: str) -> bytes:
        """The first of some streams that is there; `replaced` speaks of it afterwards."""
        entries = [self._entries[at : at + 128] for at in range(0, len(self._entries) - 127, 128)]
        root = unpack_from("<I", entries[0], 116)[0] if entries else _END_OF_CHAIN
        for name in names:
            for entry in entries:
                if entry[:64].decode("utf-16-le", "replace").split("\0")[0] == name:
                    start, size = unpack_from("<II", entry, 116)
                    self._sectors = self._places(start, size, root)
                    step = self._mini_size if size < self._cutoff else self._size
                    return b"".join(self.data[at : at + step].ljust(step, b"\0") for at in self._sectors)[:size]
        raise _damaged()

    def _places(self, start: int, size: int, root: int) -> list[int]:
        """Where the sectors of a stream begin in the file."""
        if size >= self._cutoff:
            return [(s + 1) * self._size for s in self._chain(start, self._fat)]
        holders = self._chain(root, self._fat)
        each = self._size // self._mini_size
        minis = self._chain(start, self._mini_fat)
        if any(m // each >= len(holders) for m in minis):
            raise _damaged()
        return [(holders[m // each] + 1) * self._size + m % each * self._mini_size for m in minis]

    def replaced(self, stream: bytes) -> bytes:
        """The file with another content of equal length for the stream that was read."""
        data = bytearray(self.data)
        step = self._mini_size if len(stream) < self._cutoff else self._size
        for number, at in enumerate(self._sectors):
            part = stream[number * step : (number + 1) * step]
            data[at : at + len(part)] = part
        return bytes(data)
