"""Files of a few kilobytes that claim, unfold to or span far more: built part by part, as no honest writer does."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from html import escape

import xlwt

from tests.support.writers import biff_stream, compound

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def cell(place: str, value: object, prefix: str = "") -> str:
    return f'<{prefix}c r="{place}" t="str"><{prefix}v>{escape(str(value))}</{prefix}v></{prefix}c>'


def letters(column: int) -> str:
    """A for 0, AA for 26."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def rows_xml(grid: list[list[object]], prefix: str = "", first: int = 1) -> str:
    """Rows of a sheet from row number `first` on; empty cells are left out."""
    out = []
    for number, row in enumerate(grid, start=first):
        cells = "".join(cell(f"{letters(c)}{number}", v, prefix) for c, v in enumerate(row) if v != "")
        out.append(f'<{prefix}row r="{number}">{cells}</{prefix}row>')
    return "".join(out)


def xlsx(sheets: list[str], shared: list[str] | None = None, extra: dict[str, bytes] | None = None) -> bytes:
    """A workbook of sheets given as the XML below `<worksheet>`, or as whole documents."""
    numbers = range(1, len(sheets) + 1)
    named = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_DOCUMENT}/worksheet" Target="worksheets/s{n}.xml"/>' for n in numbers
    )
    links += f'<Relationship Id="rs" Type="{_DOCUMENT}/sharedStrings" Target="sharedStrings.xml"/>'
    strings = "".join(f"<si><t>{escape(text)}</t></si>" for text in shared or [])
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_DOCUMENT}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        **{
            f"xl/worksheets/s{n}.xml": s if s.startswith("<?xml") else f'<worksheet xmlns="{MAIN}">{s}</worksheet>'
            for n, s in zip(numbers, sheets, strict=True)
        },
        **(extra or {}),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def lying_zip(data: bytes, member: str, claimed: int) -> bytes:
    """The same archive, its directory claiming that a member of zeros holds `claimed` bytes."""
    out = bytearray(data)
    at = out.rfind(member.encode()) - 46
    assert out[at : at + 4] == b"PK\x01\x02"
    struct.pack_into("<I", out, at + 16, zlib.crc32(bytes(claimed)))
    struct.pack_into("<I", out, at + 24, claimed)
    return bytes(out)


def biff(
    grid: list[list[object]], far: tuple[int, int] | None = None, dimensions: tuple[int, int] | None = None
) -> bytes:
    """BIFF8; `far` is where one more cell stands (0-based row and column), `dimensions` what the sheet claims."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Sheet1")
    for r, row in enumerate(grid):
        for c, value in enumerate(row):
            if value != "":
                sheet.write(r, c, value)
    if far:
        sheet.write(60_000, 200, 0.5)
    stream = bytearray(book.get_biff_data())
    at = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if far and kind in (0x0203, 0x027E) and struct.unpack_from("<HH", stream, at + 4) == (60_000, 200):
            struct.pack_into("<HH", stream, at + 4, *far)
        if dimensions and kind == 0x0200:
            struct.pack_into("<IIHH", stream, at + 4, 0, dimensions[0], 0, dimensions[1])
        at += 4 + length
    return compound(bytes(stream))


def circular_biff(grid: list[list[object]]) -> bytes:
    """BIFF8 in a compound file whose stream of records leads back to its own first sector."""
    data = bytearray(compound(biff_stream(grid)))
    fat = (struct.unpack_from("<I", data, 76)[0] + 1) * 512
    directory = (struct.unpack_from("<I", data, 48)[0] + 1) * 512
    entries = range(directory, directory + 512, 128)
    book = next(e for e in entries if data[e : e + 16].decode("utf-16-le") == "Workbook")
    start = struct.unpack_from("<I", data, book + 116)[0]
    struct.pack_into("<I", data, fat + 4 * start, start)
    return bytes(data)
