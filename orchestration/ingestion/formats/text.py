"""Text files: encodings, gz, and CSV with any of four separators."""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.engine import exactly
from orchestration.ingestion.cells import is_filled
from orchestration.ingestion.decode import HEAD_ROWS, Grid, Loader, RejectedFile, Sheet

_CHUNK_BYTES = 8 << 20
_CHUNK_ROWS = 50_000
_SEPARATORS = ",;\t|"


@dataclass
class Text:
    """A UTF-8 text file on disk and what its bytes say of it."""

    path: Path
    lines: int = 0
    has_bare_returns: bool = False


def marked_encoding(head: bytes) -> tuple[str, str] | None:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "UTF-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "UTF-16"
    return None


def as_text(path: Path, work: Path, fallback: str | None = "cp1258") -> Text:
    """The file as UTF-8 text, transcoded into `work` only where it has to be. Raises RejectedFile."""
    with open(path, "rb") as file:
        head = file.read(4)
    marked = marked_encoding(head)
    if marked is None:
        try:
            return _survey(path)
        except UnicodeDecodeError:
            if fallback is None:
                raise RejectedFile("unreadable", "the text is not UTF-8: export it as UTF-8") from None
            encoding, name = fallback, "windows-1258"
    else:
        encoding, name = marked
    target = work / "text"
    try:
        with (
            open(path, encoding=encoding, newline="") as source,
            open(target, "w", encoding="utf-8", newline="") as out,
        ):
            while chunk := source.read(_CHUNK_BYTES):
                out.write(chunk)
    except UnicodeError as error:
        raise RejectedFile(
            "unreadable",
            f"the text is neither UTF-8 nor valid {name} (byte {getattr(error, 'start', '?')}): export it as UTF-8",
        ) from None
    return _survey(target)


def _survey(path: Path) -> Text:
    """Lines in one pass over a file that must be UTF-8. Raises UnicodeDecodeError."""
    text = Text(path)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    trailing, size, last = 0, 0, b""
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            decoder.decode(chunk)
            text.lines += chunk.count(b"\n")
            size += len(chunk)
            bare = chunk.count(b"\r") - chunk.count(b"\r\n") - chunk.endswith(b"\r")
            bare += last == b"\r" and not chunk.startswith(b"\n")
            text.has_bare_returns |= bare > 0
            last = chunk[-1:]
            kept = len(chunk) - len(chunk.rstrip(b"\r\n"))
            trailing = trailing + chunk.count(b"\n") if kept == len(chunk) else chunk[len(chunk) - kept :].count(b"\n")
        decoder.decode(b"", final=True)
    text.lines += 1 - trailing if size else 0
    text.has_bare_returns |= last == b"\r"
    return text


def gunzip(path: Path, work: Path) -> Path:
    """The decompressed file. Raises RejectedFile when the archive ends early or is damaged."""
    target = work / "gunzipped"
    try:
        with gzip.open(path, "rb") as source, open(target, "wb") as out:
            while chunk := source.read(_CHUNK_BYTES):
                out.write(chunk)
    except EOFError:
        raise RejectedFile("truncated", "the gz archive ends early: copy the file again") from None
    except (gzip.BadGzipFile, zlib.error):
        raise RejectedFile("unreadable", "the gz archive is damaged: copy the file again") from None
    if target.stat().st_size == 0:
        raise RejectedFile("empty", "the file holds no bytes: export it again")
    return target


_SENTINEL = "\x1aend of file\x1a"


def _records(path: Path, separator: str) -> Iterator[list[str]]:
    """Records of a CSV as a spreadsheet counts them. Raises RejectedFile when the file ends inside quotes."""
    csv.field_size_limit(1 << 27)
    with open(path, encoding="utf-8-sig", newline="") as file:
        last: list[str] = []
        reader = csv.reader(chain(file, [_SENTINEL]), delimiter=separator)
        try:
            for last in reader:
                if last == [_SENTINEL]:
                    return
                yield last
        except csv.Error as error:
            raise RejectedFile("unreadable", f"the CSV cannot be read near line {reader.line_num}: {error}") from None
    raise RejectedFile("truncated", "the CSV ends inside quotes: copy or export the file again")


@dataclass
class _CsvLoader(Loader):
    text: Text
    separator: str

    def __call__(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> Grid:
        if self.text.has_bare_returns or not self._load_by_duckdb(con, header_row, width):
            self._load_exactly(con, header_row, width)
        return Grid(width, has_extra=True)

    def _load_by_duckdb(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> bool:
        """The fast way, for files in which every line is one record; says no where it cannot be sure."""
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in [*(f"c{i}" for i in range(width)), "extra"])
        try:
            con.execute(
                "create or replace temp table lines as select * from read_csv(?, delim = ?, quote = '\"', "
                "escape = '\"', header = false, auto_detect = false, null_padding = true, strict_mode = true, "
                f"max_line_size = 33554432, skip = ?, columns = {{{columns}}})",
                [exactly(self.text.path), self.separator, header_row],
            )
        except duckdb.Error:
            return False
        [(loaded,)] = con.execute("select count(*) from lines").fetchall()
        if loaded != max(self.text.lines - header_row, 0):
            return False
        con.execute(f"create or replace temp view grid as select rowid + {header_row} + 1 as row_number, * from lines")
        return True

    def _load_exactly(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> None:
        """Blank lines, line breaks in cells, rows of any length: every record counted as a spreadsheet does."""
        names = [f"c{i}" for i in range(width)]
        con.execute("drop view if exists grid; drop table if exists lines")
        con.execute(
            "create or replace temp table lines (row_number bigint, "
            + ", ".join(f"{n} varchar" for n in [*names, "extra"])
            + ")"
        )
        records = islice(_records(self.text.path, self.separator), header_row, None)
        first = header_row + 1
        while chunk := list(islice(records, _CHUNK_ROWS)):
            if max(map(len, chunk)) > width:
                chunk = [r if len(r) <= width else [*r[:width], _first_filled(r[width:])] for r in chunk]
            columns = list(zip_longest(*chunk)) or []
            columns += [(None,) * len(chunk)] * (width + 1 - len(columns))
            table = pa.table(
                [pa.array(range(first, first + len(chunk))), *(pa.array(c, pa.string()) for c in columns)],
                names=["row_number", *names, "extra"],
            )
            con.register("chunk", table)
            con.execute("insert into lines select * from chunk")
            con.unregister("chunk")
            first += len(chunk)
        con.execute("create or replace temp view grid as select * from lines")


def _first_filled(cells: list[str]) -> str:
    return next((c for c in cells if is_filled(c)), "")


def csv_sheets(text: Text) -> list[Sheet]:
    """One candidate per separator; the header decides which is meant."""
    sheets = []
    for separator in _SEPARATORS:
        head: list[list[str]] = []
        broken = None
        try:
            for row in islice(_records(text.path, separator), HEAD_ROWS):
                head.append(row)
        except RejectedFile as rejection:  # as likely the wrong separator as a broken file
            broken = rejection
        if any(len(row) > 1 for row in head) or separator == _SEPARATORS[0]:
            sheets.append(Sheet(f"separator {separator!r}", head, _CsvLoader(text, separator), broken))
    return sheets
