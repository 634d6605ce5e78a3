"""A table in each format that the contract names, as the programs of offices write it."""

from __future__ import annotations

import datetime as dt
import html
import io
import json
import re
import zipfile
from xml.sax.saxutils import escape, quoteattr

from tests.support import writers

SEPARATORS = ",;\t|"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1258")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Grid = list[list[object]]


def text_of(cell: object) -> str:
    if isinstance(cell, dt.datetime):
        return cell.strftime("%d/%m/%Y %H:%M:%S")
    return "" if cell is None else str(cell)


def encode(text: str, encoding: str) -> bytes:
    if encoding == "cp1258":
        return writers.windows_1258(text)
    return ("\ufeff" + text if encoding.startswith("utf-16") else text).encode(encoding)


def csv_text(grid: Grid, separator: str, newline: str, *, quote_all: bool = False) -> str:
    """Quoted where it has to be: the standard library leaves a lone return bare."""

    def quoted(cell: object) -> str:
        text = text_of(cell)
        return (
            '"' + text.replace('"', '""') + '"'
            if quote_all or re.search(f'["\r\n{re.escape(separator)}]', text)
            else text
        )

    return "".join(separator.join(map(quoted, row)) + newline for row in grid)


# ------------------------------------------------------------ xlsx

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2">'
    '<xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def column_letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_xml(row: int, column: int, cell: object, shared: list[str] | None = None, *, place: bool = True) -> str:
    """One cell; texts inline, or numbered in `shared`."""
    if cell is None or cell == "":
        return ""
    at = f' r="{column_letters(column)}{row}"' if place else ""
    if isinstance(cell, bool):
        return f'<c{at} t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, dt.datetime):
        serial = (cell - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
        return f'<c{at} s="1"><v>{serial!r}</v></c>'
    if isinstance(cell, int | float):
        return f"<c{at}><v>{float(cell)!r}</v></c>"
    text = escape(_NO_XML.sub("", str(cell)))
    if shared is not None:
        shared.append(text)
        return f'<c{at} t="s"><v>{len(shared) - 1}</v></c>'
    return f'<c{at} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def sheet_xml(
    grid: Grid, shared: list[str] | None = None, *, place: bool = True, before: str = "", after: str = ""
) -> str:
    rows = []
    for number, cells in enumerate(grid, start=1):
        inner = "".join(cell_xml(number, c, cell, shared, place=place) for c, cell in enumerate(cells))
        if not place:  # without places each cell counts, empty ones too
            inner = "".join(cell_xml(number, c, cell, shared, place=False) or "<c/>" for c, cell in enumerate(cells))
        if inner or not place:
            rows.append(f'<row r="{number}">{inner}</row>' if place else f"<row>{inner}</row>")
    return f'<worksheet xmlns="{_MAIN}">{before}<sheetData>{"".join(rows)}{after}</sheetData></worksheet>'


def package(sheets: list[str], shared: list[str] | None = None) -> dict[str, bytes]:
    """The parts of a workbook of these sheets."""
    numbers = range(1, len(sheets) + 1)
    listed = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>' for n in numbers
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_LINKS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}'
        f'<Relationship Id="st" Type="{_LINKS}/styles" Target="styles.xml"/>'
        f'<Relationship Id="ss" Type="{_LINKS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">'
        + "".join(f'<si><t xml:space="preserve">{t}</t></si>' for t in shared or [])
        + "</sst>",
    }  # fmt: skip
    parts |= {f"xl/worksheets/sheet{n}.xml": xml for n, xml in zip(numbers, sheets, strict=True)}
    return {name: part.encode() for name, part in parts.items()}


def zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2023, 7, 21, 0, 0, 0)), part, method)
    return out.getvalue()


def xlsx(grid: Grid, *, is_shared: bool = False, place: bool = True, notes: bool = False) -> bytes:
    """A workbook of one sheet, behind one of notes where asked for."""
    shared: list[str] | None = [] if is_shared else None
    sheets = [sheet_xml([["Ghi chú"], ["Người lập", 1]], shared)] if notes else []
    sheets.append(sheet_xml(grid, shared, place=place))
    return zipped(package(sheets, shared))


def xls(grid: Grid) -> bytes:
    return writers.xls_bytes(
        [[float(c) if isinstance(c, int) and not isinstance(c, bool) else c for c in row] for row in grid]
    )


# ------------------------------------------------------------ html, json


def html_text(cell: object) -> str:
    """What of a cell a page can hold."""
    return "".join(c for c in _NO_XML.sub("", text_of(cell)) if not "\x7f" <= c <= "\x9f")


def html_page(
    grid: Grid, *, tag: str = "td", close: bool = True, charset: str = "utf-8", attributes: str = "", rows: str = "tr"
) -> str:
    ends = ("</td>".replace("td", tag), f"</{rows}>") if close else ("", "")
    body = "".join(
        f"<{rows}>" + "".join(f"<{tag}{attributes}>{html.escape(html_text(c))}{ends[0]}" for c in row) + ends[1] + "\n"
        for row in grid
    )
    return f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head><body><table border=1>\n{body}</table></body></html>'


def json_value(cell: object) -> object:
    return text_of(cell) if isinstance(cell, dt.datetime) else cell


def json_text(record: object, *, ascii_only: bool = False, indent: int | None = None) -> str:
    return json.dumps(record, ensure_ascii=ascii_only, indent=indent, default=text_of)


def attribute(value: str) -> str:
    return quoteattr(value)
