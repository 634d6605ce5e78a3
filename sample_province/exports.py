"""Writers for the formats that offices really send: each puts one finished export into the landing folder.

They know nothing of dossiers. All of them write the same bytes for the same rows: time stamps inside the
containers (gzip, xlsx) are fixed to the export's own.
"""

from __future__ import annotations

import gzip
import html
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import openpyxl
import xlwt
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

_DATE_FORMAT = "dd/mm/yyyy hh:mm"


@dataclass(frozen=True)
class Sheet:
    """One printed list: title lines above the header, rows of cells (text, numbers or datetimes), and below
    them the lines of totals and signatures. `numbered` puts a row (1), (2), ... right under the header."""

    headers: Sequence[str]
    rows: Sequence[Sequence[object]]
    titles: Sequence[str] = ()
    footer: Sequence[Sequence[str | None]] = ()
    numbered: bool = False

    def lines(self) -> Iterable[Sequence[object]]:
        yield from ([title] for title in self.titles)
        yield self.headers
        if self.numbered:
            yield [f"({n})" for n in range(1, len(self.headers) + 1)]
        yield from self.rows
        yield from self.footer


@dataclass(frozen=True)
class CsvStyle:
    """How a CSV is written; `encoding` is a Python codec, `decomposed` writes Unicode NFD."""

    delimiter: str = ","
    encoding: str = "utf-8"
    decomposed: bool = False
    titles: Sequence[str] = field(default=())


def write_csv(con: duckdb.DuckDBPyConnection, query: str, path: Path, style: CsvStyle) -> None:
    """The rows of an SQL query of text columns; gzipped if the path ends in `.gz`."""
    with TemporaryDirectory() as folder:
        plain = Path(folder, "plain.csv")
        con.execute(f"copy ({query}) to '{plain}' (format csv, header, delimiter '{style.delimiter}', nullstr '')")
        content = plain.read_bytes()
    if style != CsvStyle(style.delimiter):
        text = "".join(f"{title}\n" for title in style.titles) + content.decode()
        if style.decomposed:
            text = unicodedata.normalize("NFD", text)
        if style.encoding == "cp1258":
            text = text.translate(_tones_apart(text))
        content = text.encode(style.encoding)
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        with gzip.GzipFile("", "wb", compresslevel=3, fileobj=buffer, mtime=0) as packed:
            packed.write(content)
        content = buffer.getvalue()
    path.write_bytes(content)


def _tones_apart(text: str) -> dict[int, str]:
    """For each letter windows-1258 lacks as one sign, the letter without its tone and the tone after it."""
    apart = {}
    for letter in set(text):
        try:
            letter.encode("cp1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", letter)
            tone = next(mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323")
            apart[ord(letter)] = unicodedata.normalize("NFC", parts.replace(tone, "", 1)) + tone
    return apart


def write_xlsx(path: Path, sheet: Sheet, written_at: datetime) -> None:
    """A workbook of one sheet; datetimes become true date cells."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("Danh sách")
    for line in sheet.lines():
        page.append([_dated(page, cell) if isinstance(cell, datetime) else cell for cell in line])
    book.properties.creator = "Hệ thống thông tin giải quyết TTHC"
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(_without_clock(buffer, written_at))


def _dated(page: WriteOnlyWorksheet, moment: datetime) -> Cell:
    cell = WriteOnlyCell(page, moment)
    cell.number_format = _DATE_FORMAT
    return cell


def _without_clock(book: io.BytesIO, written_at: datetime) -> bytes:
    """The workbook with the export's own time where openpyxl put the time of writing."""
    stamp = written_at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    repacked = io.BytesIO()
    with zipfile.ZipFile(book) as before, zipfile.ZipFile(repacked, "w", zipfile.ZIP_DEFLATED) as after:
        for member in before.infolist():
            content = before.read(member)
            if member.filename == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, content)
            after.writestr(zipfile.ZipInfo(member.filename, written_at.timetuple()[:6]), content,
                           zipfile.ZIP_DEFLATED)  # fmt: skip
    return repacked.getvalue()


def write_biff(path: Path, sheet: Sheet) -> None:
    """An Excel 97-2003 workbook; datetimes become true date cells."""
    book = xlwt.Workbook(encoding="utf-8")
    page = book.add_sheet("Danh sach")
    dated = xlwt.easyxf(num_format_str=_DATE_FORMAT)
    for y, line in enumerate(sheet.lines()):
        for x, cell in enumerate(line):
            if isinstance(cell, datetime):
                page.write(y, x, cell, dated)
            elif cell is not None:
                page.write(y, x, cell)
    book.save(str(path))


def write_html(path: Path, sheet: Sheet) -> None:
    """The HTML table that many of these systems save under the name `.xls`."""
    width = len(sheet.headers)
    lines = []
    for line in sheet.lines():
        if len(line) == 1:
            lines.append(f'<tr><td colspan="{width}"><b>{_escaped(line[0])}</b></td></tr>')
            continue
        tag = "th" if line is sheet.headers else "td"
        lines.append("<tr>" + "".join(f"<{tag}>{_escaped(cell)}</{tag}>" for cell in line) + "</tr>")
    head = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>'
    path.write_text(f'{head}<table border="1">\n' + "\n".join(lines) + "\n</table></body></html>\n", "utf-8")


def _escaped(cell: object) -> str:
    return "" if cell is None else html.escape(str(cell))


def write_json(path: Path, records: list[dict[str, object]], envelope: Mapping[str, object]) -> None:
    """The payload of the national portal: its envelope with the records under `data`."""
    path.write_text(json.dumps({**envelope, "data": records}, ensure_ascii=False, indent=1), "utf-8")


def write_jsonl(path: Path, records: list[dict[str, object]]) -> None:
    """One record a line."""
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
