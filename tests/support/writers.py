"""Writers of one export file in each accepted format, from a grid of cells or a list of records."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import html
import io
import json
import re
import unicodedata
import zipfile
from pathlib import Path

import openpyxl
import xlwt
from xlwt.CompoundDoc import XlsDoc

TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
Cells = list[list[object]]


def csv_bytes(grid: Cells, separator: str, encoding: str, newline: str = "\r\n") -> bytes:
    """A CSV; `encoding` is a Python one, or `cp1258` with tones as combining marks."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator=newline).writerows(grid)
    text = out.getvalue()
    if encoding == "cp1258":
        return windows_1258(text)
    if encoding in ("utf-16-le", "utf-16-be"):
        return ("\ufeff" + text).encode(encoding)
    return text.encode(encoding)


def windows_1258(text: str) -> bytes:
    """Base letter first, tone mark after it, as Vietnamese Windows writes it."""
    out = []
    for char in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", char)
        if len(parts) == 1:
            out.append(char)
            continue
        base = unicodedata.normalize("NFC", "".join(p for p in parts if p not in TONES))
        out.append(base + "".join(p for p in parts if p in TONES))
    return "".join(out).encode("cp1258", "ignore")


def xlsx_bytes(grid: Cells, before: list[Cells] | None = None) -> bytes:
    """One sheet after those `before` it; dates become true Excel dates."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, cells in enumerate([*(before or []), grid], start=1):
        sheet = book.create_sheet(f"Sheet{number}")
        for row in cells:
            sheet.append([None if cell == "" else cell for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def biff_stream(grid: Cells) -> bytes:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Sheet1")
    stamp = xlwt.easyxf(num_format_str="DD/MM/YYYY HH:MM:SS")
    for r, row in enumerate(grid):
        for c, cell in enumerate(row):
            if cell is None or cell == "":
                continue
            if isinstance(cell, dt.datetime):
                sheet.write(r, c, cell, stamp)
            else:
                sheet.write(r, c, cell)
    return book.get_biff_data()


def compound(stream: bytes) -> bytes:
    out = io.BytesIO()
    XlsDoc().save(out, stream)
    return out.getvalue()


def xls_bytes(grid: Cells) -> bytes:
    """True BIFF8."""
    return compound(biff_stream(grid))


def encrypted_xls_bytes(grid: Cells) -> bytes:
    """BIFF8 with a FILEPASS record after its first BOF: no reader may open it without a password."""
    stream = biff_stream(grid)
    first = 4 + int.from_bytes(stream[2:4], "little")
    rc4 = b"\x01\x00\x01\x00\x01\x00" + bytes(range(48))
    filepass = b"\x2f\x00" + len(rc4).to_bytes(2, "little") + rc4
    return compound(stream[:first] + filepass + stream[first:])


def encrypted_xlsx_bytes() -> bytes:
    """The compound file in which Excel wraps an encrypted workbook."""
    data = compound(bytes(range(256)) * 32)
    old = "Workbook".encode("utf-16-le").ljust(64, b"\0") + (18).to_bytes(2, "little")
    new = "EncryptedPackage".encode("utf-16-le").ljust(64, b"\0") + (34).to_bytes(2, "little")
    assert old in data
    return data.replace(old, new)


def html_bytes(grid: Cells) -> bytes:
    """The HTML table that dossier systems save as `.xls`."""
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>\n" for row in grid)
    head = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head>'
    return f'{head}<body><table border="1">\n{body}</table></body></html>'.encode()


def json_bytes(records: list[object], wrapped: bool = False, indent: int | None = None) -> bytes:
    body: object = {"error_code": "00", "data": records} if wrapped else records
    return json.dumps(body, ensure_ascii=False, indent=indent).encode()


def jsonl_bytes(records: list[object]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def gz_bytes(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def stable_zip(data: bytes) -> bytes:
    """The same zip with fixed member times, so that one seed gives one landing, byte for byte."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            body = old.read(item)
            if item.filename == "docProps/core.xml":
                body = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2023-01-01T00:00:00Z", body)
            new.writestr(zipfile.ZipInfo(item.filename, (2023, 1, 1, 0, 0, 0)), body)
    return out.getvalue()


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
