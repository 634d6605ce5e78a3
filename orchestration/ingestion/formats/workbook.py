"""Spreadsheets: xlsx, BIFF .xls, and the HTML table saved as .xls."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.ingestion.decode import HEAD_ROWS, Grid, Loader, RejectedFile, Sheet
from orchestration.ingestion.formats.text import marked_encoding

_NUMBERS = {int, float}


@dataclass
class _RowsLoader(Loader):
    rows: list[list]

    def __call__(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> Grid:
        body = self.rows[header_row:]
        columns = list(zip(*body, strict=True))[:width] or [()] * width
        arrays: list[pa.Array] = [pa.array(range(header_row + 1, header_row + 1 + len(body)), pa.int64())]
        names, select, typed = ["row_number"], ["row_number"], set()
        for i, cells in enumerate(columns):
            kinds = list(map(type, cells))
            found = set(kinds)
            arrays.append(pa.array(list(map(str, cells)), pa.string()))
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
    held = np.array(kinds, dtype=object)
    return pa.array(np.logical_or.reduce([held == kind for kind in wanted]).astype(bool))


def _head(rows: list[list]) -> list[list[str]]:
    """The first rows as text, each up to its last filled cell: what stands right of a header is no column."""
    head = [list(map(_shown, row)) for row in rows[:HEAD_ROWS]]
    for row in head:
        while row and not row[-1].strip():
            row.pop()
    return head


def _shown(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK"


def workbook_sheets(path: Path, kind: str) -> list[Sheet]:
    """The sheets of an `.xlsx`, or of an `.xls` whose content decides: BIFF, xlsx or HTML. Raises RejectedFile."""
    data = path.read_bytes()
    if data.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in data:
        raise RejectedFile("encrypted", "the workbook is protected by a password: save it without one")
    if data.startswith(_ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if archive.testzip() is not None:
                    raise zipfile.BadZipFile
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
            raise RejectedFile("truncated", "the workbook ends early or is damaged: copy the file again") from None
    elif kind == "xls" and not data.startswith(_OLE):
        return html_sheets(data)
    elif kind == "xlsx":
        raise RejectedFile("unreadable", "the content is no xlsx workbook: save it again as xlsx")
    return _calamine_sheets(data)


_ERROR_CELL = re.compile(
    rb'<c\b(?=[^>]*\bt="e")[^>]*?\br="([A-Z]+)([0-9]+)"[^>]*>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)?<v>([^<]+)'
)


def _error_cells(data: bytes) -> dict[str, list[tuple[int, int, str]]]:
    """(row, column, text) of the error cells of each sheet, such as `#N/A`: calamine shows them as empty ones."""
    from lxml import etree

    found: dict[str, list[tuple[int, int, str]]] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = set(archive.namelist())
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= parts:
            return found
        links = etree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {link.get("Id"): link.get("Target").lstrip("/") for link in links}
        for sheet in etree.fromstring(archive.read("xl/workbook.xml")).iterfind(".//{*}sheet"):
            relation = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
            target = targets.get(relation, "")
            part = target if target in parts else f"xl/{target}"
            if part in parts and b't="e"' in (content := archive.read(part)):
                found[sheet.get("name")] = [
                    (int(row) - 1, _column_number(letters.decode()), text.decode())
                    for letters, row, text in _ERROR_CELL.findall(content)
                ]
    return found


def _column_number(letters: str) -> int:
    """0 for A, 26 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _calamine_sheets(data: bytes) -> list[Sheet]:
    from python_calamine import CalamineWorkbook, PasswordError

    sheets = []
    try:
        errors = _error_cells(data) if data.startswith(_ZIP) else {}
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            for name in workbook.sheet_names:
                rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
                for row, column, text in errors.get(name, ()):
                    if row < len(rows) and column < len(rows[row]):
                        rows[row][column] = text
                sheets.append(Sheet(name, _head(rows), _RowsLoader(rows)))
    except PasswordError:
        raise RejectedFile("encrypted", "the workbook is protected by a password: save it without one") from None
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # calamine raises a class of its own per format; its panics are no Exception
        raise RejectedFile(
            "unreadable", f"the workbook cannot be read ({type(error).__name__}): save it again"
        ) from None
    return sheets


_WIDEST = 16_384  # columns of a spreadsheet
_CELL, _ROW = "\ue0f0", "\ue0f1"
_TABLE_TO_TEXT = f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="text" encoding="UTF-8"/>
<xsl:template match="/"><xsl:for-each select="//tr"><xsl:for-each select="td|th">
<xsl:apply-templates/><xsl:text>{_CELL}</xsl:text></xsl:for-each><xsl:text>{_ROW}</xsl:text></xsl:for-each></xsl:template>
<xsl:template match="br"><xsl:text> </xsl:text></xsl:template>
<xsl:template match="p|div|li"><xsl:text> </xsl:text><xsl:apply-templates/><xsl:text> </xsl:text></xsl:template>
<xsl:template match="script|style|comment()"/>
</xsl:stylesheet>"""


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def html_sheets(data: bytes) -> list[Sheet]:
    """The tables of an HTML page, stacked as a spreadsheet program shows them. Raises RejectedFile."""
    from lxml import etree

    marked = marked_encoding(data[:4])
    declared = re.search(rb"charset\s*=\s*[\"']?\s*([\w-]+)", data[:4096])
    encodings = [marked[0]] if marked else ["utf-8", declared.group(1).decode() if declared else "cp1258", "cp1258"]
    text = next((t for encoding in encodings if (t := _decoded(data, encoding)) is not None), None)
    if text is None:
        raise RejectedFile("unreadable", "the text of the page cannot be decoded: save it as UTF-8")
    if not re.search(r"<table|<tr", text, re.IGNORECASE):
        raise RejectedFile("unreadable", "the content is neither a workbook nor an HTML table: export it again")
    tree = etree.fromstring(text.encode("utf-8"), etree.HTMLParser(encoding="utf-8", huge_tree=True))
    if tree is None:
        raise RejectedFile("unreadable", "the HTML holds no table: export it again")
    _spread(tree)
    flat = str(etree.XSLT(etree.fromstring(_TABLE_TO_TEXT))(tree))
    rows = [row.split(_CELL)[:-1] for row in flat.split(_ROW)[:-1]]
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    return [Sheet("table", _head(rows), _RowsLoader(rows))]


def _spread(tree) -> None:
    """Cells that reach over several columns or rows leave an empty cell in each of the others."""
    for cell in tree.xpath("//td[@colspan]|//th[@colspan]"):
        for _ in range(_span(cell, "colspan") - 1):
            cell.addnext(cell.makeelement("td"))
    for cell in tree.xpath("//td[@rowspan]|//th[@rowspan]"):
        position = sum(1 for _ in cell.itersiblings("td", "th", preceding=True))
        row = cell.getparent()
        for _ in range(_span(cell, "rowspan") - 1):
            row = next(row.itersiblings("tr"), None)
            if row is None:
                break
            row.insert(min(position, len(row)), cell.makeelement("td"))


def _span(cell, attribute: str) -> int:
    """How far a cell reaches, as browsers read it: a number's leading digits, else 1, and within bounds."""
    digits = re.match(r"\s*(\d+)", cell.get(attribute) or "")
    return min(int(digits.group(1)), _WIDEST) if digits else 1
