"""Text files: encodings, gz, and CSV with any of four separators."""

from __future__ import annotations

import codecs
import csv
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.cells import is_filled
from orchestration.ingestion.decode import (
    HEAD_ROWS,
    Grid,
    Loader,
    RejectedFile,
    Sheet,
    head_row,
    size_text,
    too_large,
    too_many_columns,
)
from orchestration.ingestion.formats.scratch import Unpacking, path_of, written
from orchestration.settings import Bounds
from orchestration.sql import exactly

_CHUNK_BYTES = 1 << 20
_CHUNK_ROWS = 50_000
_CHUNK_CELLS = 2_000_000
_CHUNK_TEXT = 32 << 20
_SEPARATORS = ",;\t|"
# Between a separator, a line's end or a quote and the next quote, blanks alone.
_LOOSE_QUOTE, _BLANKS_AND_QUOTE = re.compile(rb'[,;\t|\r\n"] +"'), re.compile(rb' *"')
_SPLIT = "export it in parts, or check its quotes and line breaks"


@dataclass
class Text:
    """A UTF-8 text file and what its bytes say of it. `longest` is exact for lines longer than a cell may be.

    `has_loose_quotes`: blanks stand between a separator or a quote and the quote after it, or may do so.
    """

    file: IO[bytes]
    lines: int = 0
    has_bare_returns: bool = False
    has_loose_quotes: bool = False
    longest: int = 0

    @property
    def path(self) -> Path:
        """Opens it once more, as long as this object lives."""
        return path_of(self.file)

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size


def marked_encoding(head: bytes) -> tuple[str, str] | None:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "UTF-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "UTF-16"
    return None


def as_text(
    source: IO[bytes], work: Path, bounds: Bounds, fallback: str | None = "cp1258", *, one_record_a_line: bool = True
) -> Text:
    """The file as UTF-8 text, transcoded into a scratch file only where it has to be.

    Raises RejectedFile, also where a line is longer than a record may be.
    """
    largest = bounds.record if one_record_a_line else None
    source.seek(0)
    marked = marked_encoding(source.read(4))
    if marked is None:
        try:
            return _survey(source, bounds, largest)
        except UnicodeDecodeError:
            if fallback is None:
                raise RejectedFile("unreadable", "the text is not UTF-8: export it as UTF-8") from None
            encoding, name = fallback, "windows-1258"
    else:
        encoding, name = marked
    try:
        with open(path_of(source), encoding=encoding, newline="") as characters:
            chunks = iter(lambda: characters.read(_CHUNK_BYTES).encode(), b"")
            text = written(chunks, work, bounds, "the text")
    except UnicodeError as error:
        raise RejectedFile(
            "unreadable",
            f"the text is neither UTF-8 nor valid {name} (byte {getattr(error, 'start', '?')}): export it as UTF-8",
        ) from None
    return _survey(text, bounds, largest)


def _survey(file: IO[bytes], bounds: Bounds, largest: int | None) -> Text:
    """Lines in one pass over a file that must be UTF-8.

    Raises UnicodeDecodeError, and RejectedFile for a line of more than `largest` bytes.
    """
    text = Text(file)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    trailing, size, last, run = 0, 0, b"", 0
    file.seek(0)
    # Lines that begin and end inside a chunk need no measuring: they are no longer than a cell may be.
    while chunk := file.read(min(_CHUNK_BYTES, bounds.cell)):
        decoder.decode(chunk)
        lines, returns = chunk.count(b"\n"), chunk.count(b"\r")
        if not (lines or returns):
            run += len(chunk)
        else:
            text.longest = max(text.longest, run + min(p for b in b"\n\r" if (p := chunk.find(b)) >= 0))
            run = len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        if largest is not None and max(text.longest, run) > largest:
            raise too_large(f"line {text.lines + 1} or one soon after holds more than {size_text(largest)}", _SPLIT)
        text.lines += lines
        size += len(chunk)
        bare = returns - chunk.count(b"\r\n") - chunk.endswith(b"\r") if returns else 0
        bare += last == b"\r" and not chunk.startswith(b"\n")
        text.has_bare_returns |= bare > 0
        if b" " in (last, chunk[:1]):
            text.has_loose_quotes |= _BLANKS_AND_QUOTE.match(chunk) is not None
        if not text.has_loose_quotes and b' "' in chunk:
            text.has_loose_quotes = _LOOSE_QUOTE.search(chunk) is not None
        last = chunk[-1:]
        kept = len(chunk) - len(chunk.rstrip(b"\r\n"))
        trailing = trailing + lines if kept == len(chunk) else chunk[len(chunk) - kept :].count(b"\n")
    decoder.decode(b"", final=True)
    text.longest = max(text.longest, run)
    text.lines += 1 - trailing if size else 0
    text.has_bare_returns |= last == b"\r"
    return text


def gunzip(source: IO[bytes], work: Path, bounds: Bounds) -> IO[bytes]:
    """The decompressed file. Raises RejectedFile when the archive is too large, ends early or is damaged."""
    unpacking = Unpacking(os.fstat(source.fileno()).st_size, bounds)

    def unpacked() -> Iterator[bytes]:
        with gzip.open(path_of(source), "rb") as archive:
            while chunk := archive.read(_CHUNK_BYTES):
                unpacking.add(len(chunk))
                yield chunk

    try:
        target = written(unpacked(), work, bounds)
    except EOFError:
        raise RejectedFile("truncated", "the gz archive ends early: copy the file again") from None
    except (gzip.BadGzipFile, zlib.error):
        raise RejectedFile("unreadable", "the gz archive is damaged: copy the file again") from None
    if unpacking.size == 0:
        raise RejectedFile("empty", "the file holds no bytes: export it again")
    return target


_SENTINEL = "\x1aend of file\x1a"


class _Lines:
    """The lines of a text, then the sentinel; `held` counts the characters since it was last set to 0."""

    def __init__(self, file: IO[str], largest: int):
        self.file, self.largest, self.held = file, largest, 0

    def __iter__(self) -> Iterator[str]:
        for line in self.file:
            self.held += len(line)
            if self.held > self.largest:
                raise too_large(f"a record holds more than {size_text(self.largest)}", _SPLIT)
            yield line
        self.ends_between_records = self.held == 0
        yield _SENTINEL


def _records(text: Text, separator: str, bounds: Bounds) -> Iterator[tuple[list[str], int]]:
    """Records of a CSV as a spreadsheet counts them, each with its length in characters.

    Raises RejectedFile when the file ends inside quotes, or a cell or record is beyond its bound.
    """
    csv.field_size_limit(bounds.cell)
    with open(text.path, encoding="utf-8-sig", newline="") as file:
        lines = _Lines(file, bounds.record)
        record: list[str] = []
        reader = csv.reader(lines, delimiter=separator)
        try:
            for record in reader:
                if record == [_SENTINEL] and lines.ends_between_records:
                    return
                yield record, lines.held
                lines.held = 0
        except csv.Error as error:
            if "field limit" in str(error):
                raise too_large(
                    f"a cell near line {reader.line_num} holds more than {size_text(bounds.cell)}", _SPLIT
                ) from None
            raise RejectedFile("unreadable", f"the CSV cannot be read near line {reader.line_num}: {error}") from None
    raise RejectedFile("truncated", "the CSV ends inside quotes: copy or export the file again")


@dataclass
class _CsvLoader(Loader):
    text: Text
    separator: str
    bounds: Bounds

    def __call__(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> Grid:
        if width > self.bounds.columns:
            raise too_many_columns(self.bounds)
        names = [*(f"c{i}" for i in range(width)), "extra"]
        # DuckDB drops blanks before a quote that opens a cell; for a spreadsheet such a quote is text like another.
        is_plain = not (self.text.has_bare_returns or self.text.has_loose_quotes)
        relation = self._by_duckdb(con, header_row, names) if is_plain else None
        return Grid(relation or self._exactly(con, header_row, names), width, has_extra=True)

    def _by_duckdb(self, con: duckdb.DuckDBPyConnection, header_row: int, names: list[str]) -> str | None:
        """The fast way, for files in which every line is one record; no relation where it cannot be sure."""
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        try:
            con.execute(
                "create or replace temp table csv_lines as select * from read_csv(?, delim = ?, quote = '\"', "
                "escape = '\"', header = false, auto_detect = false, null_padding = true, strict_mode = true, "
                f"max_line_size = {self.bounds.record}, skip = ?, columns = {{{columns}}})",
                [exactly(self.text.path), self.separator, header_row],
            )
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            return None
        [(loaded,)] = con.execute("select count(*) from csv_lines").fetchall()
        if loaded != max(self.text.lines - header_row, 0):
            con.execute("drop table csv_lines")
            return None
        if self.text.longest > self.bounds.cell:
            longest = ", ".join(f"max(strlen({name}))" for name in names)
            [lengths] = con.execute(f"select {longest} from csv_lines").fetchall()
            if any((length or 0) > self.bounds.cell for length in lengths):
                raise self._large_cell("a cell")
        return f"(select rowid + {header_row} + 1 as row_number, * from csv_lines)"

    def _exactly(self, con: duckdb.DuckDBPyConnection, header_row: int, names: list[str]) -> str:
        """Blank lines, line breaks in cells, rows of any length: every record counted as a spreadsheet does."""
        columns = ", ".join(f"{name} varchar" for name in names)
        con.execute(f"create or replace temp table csv_records (row_number bigint, {columns})")
        first = header_row + 1
        for chunk in self._chunks(header_row, len(names) - 1):
            con.register("chunk", self._table(chunk, first, names))
            con.execute("insert into csv_records select * from chunk")
            con.unregister("chunk")
            first += len(chunk)
        return "csv_records"

    def _table(self, chunk: list[list[str]], first: int, names: list[str]) -> pa.Table:
        """Records as columns, numbered from `first`. Raises RejectedFile for a cell beyond its bound."""
        columns = list(zip_longest(*chunk))
        columns += [(None,) * len(chunk)] * (len(names) - len(columns))
        arrays = [pa.array(column, pa.string()) for column in columns]
        numbers = range(first, first + len(chunk))
        if any((pc.max(pc.binary_length(array)).as_py() or 0) > self.bounds.cell for array in arrays):
            raise self._large_cell(f"a cell of rows {numbers[0]} to {numbers[-1]}")
        return pa.table([pa.array(numbers), *arrays], names=["row_number", *names])

    def _large_cell(self, which: str) -> RejectedFile:
        return too_large(f"{which} holds more than {size_text(self.bounds.cell)}", _SPLIT)

    def _chunks(self, header_row: int, width: int) -> Iterator[list[list[str]]]:
        """Records below the header, a bounded lot at a time; what stands beyond the header becomes one cell."""
        most = max(min(_CHUNK_ROWS, _CHUNK_CELLS // (width + 1)), 1)
        chunk: list[list[str]] = []
        held = 0
        for record, length in islice(_records(self.text, self.separator, self.bounds), header_row, None):
            if len(record) > width:
                record = [*record[:width], _first_filled(record[width:])]
            chunk.append(record)
            held += length
            if len(chunk) == most or held > _CHUNK_TEXT:
                yield chunk
                chunk, held = [], 0
        if chunk:
            yield chunk


def _first_filled(cells: list[str]) -> str:
    return next((c for c in dict.fromkeys(cells) if is_filled(c)), "")


def csv_sheets(text: Text, bounds: Bounds) -> list[Sheet]:
    """One candidate per separator; the header decides which is meant."""
    sheets = []
    for separator in _SEPARATORS:
        head: list[list[str]] = []
        broken = None
        is_wide = False
        try:
            for row, _ in islice(_records(text, separator, bounds), HEAD_ROWS):
                is_wide |= len(row) > bounds.columns
                head.append(head_row(row, bounds))
        except RejectedFile as rejection:  # as likely the wrong separator as a broken file
            broken = rejection
        if any(len(row) > 1 for row in head) or separator == _SEPARATORS[0]:
            sheets.append(Sheet(f"separator {separator!r}", head, _CsvLoader(text, separator, bounds), broken, is_wide))
    return sheets
