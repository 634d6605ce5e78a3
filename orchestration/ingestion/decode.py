"""From bytes to a grid of cells: one table `grid` in DuckDB, whatever the format (landing contract, section 1).

A grid has `row_number` as a spreadsheet shows it, the cells `c0…` as text, and for formats with typed cells
`n0…`, true where the cell was a number. JSON records become a grid once their keys are known.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice, zip_longest
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

HEAD_ROWS = 200
_CHUNK_BYTES = 8 << 20
_CHUNK_ROWS = 50_000
_SEPARATORS = ",;\t|"
EXTENSIONS = ("csv.gz", "csv", "xlsx", "xls", "jsonl", "json")


class RejectedFile(Exception):
    """A landed file that cannot be read as a whole: a reason code and one line for the person who landed it."""

    def __init__(self, reason_code: str, detail: str):
        super().__init__(detail)
        self.reason_code = reason_code
        self.detail = detail


def extension(name: str) -> str:
    """The known extension of a file name, in lower case. Raises RejectedFile when there is none."""
    folded = name.lower()
    for known in EXTENSIONS:
        if folded.endswith("." + known):
            return known
    raise RejectedFile(
        "unsupported_format", "the format is not one of csv, csv.gz, xlsx, xls, json, jsonl: export it as one of them"
    )


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class Text:
    """A UTF-8 text file on disk and what its bytes say of it."""

    path: Path
    lines: int = 0
    is_nfc: bool = True
    has_bom: bool = False


@dataclass
class Sheet:
    """A candidate for the table of a file: its first rows, and how to load the rest once its header is known."""

    name: str
    head: list[list[str]]
    load: Loader
    is_nfc: bool = True


class Loader:
    """Loads the rows below the header into the table `grid`; `typed` names the cells that may be numbers."""

    def __call__(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> Grid:
        raise NotImplementedError


@dataclass
class Grid:
    """Cells below the header, in the DuckDB table `grid`."""

    width: int
    typed: frozenset[int] = field(default_factory=frozenset)
    has_extra: bool = False
    is_nfc: bool = True
    is_json: bool = False


# ---------------------------------------------------------------- text


def _decoder_for(head: bytes) -> tuple[str, str] | None:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "UTF-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "UTF-16"
    return None


def as_text(path: Path, work: Path, fallback: str | None = "cp1258") -> Text:
    """The file as UTF-8 text, transcoded into `work` only where it has to be. Raises RejectedFile."""
    with open(path, "rb") as file:
        head = file.read(4)
    marked = _decoder_for(head)
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
    """Lines and normal form in one pass over a UTF-8 file. Raises UnicodeDecodeError."""
    text = Text(path)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    rest, trailing, size = "", 0, 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            text.lines += chunk.count(b"\n")
            size += len(chunk)
            kept = len(chunk) - len(chunk.rstrip(b"\r\n"))
            trailing = trailing + chunk.count(b"\n") if kept == len(chunk) else chunk[len(chunk) - kept :].count(b"\n")
            if chunk.isascii() and not decoder.getstate()[0]:
                rest = ""
                continue
            decoded = rest + decoder.decode(chunk)
            # A mark may combine with the letter before it: never cut between the two.
            cut = decoded.rfind("\n") + 1 or len(decoded)
            rest = decoded[cut:]
            text.is_nfc = text.is_nfc and unicodedata.is_normalized("NFC", decoded[:cut])
        rest += decoder.decode(b"", final=True)
    text.is_nfc = text.is_nfc and unicodedata.is_normalized("NFC", rest)
    text.lines += 1 - trailing if size else 0
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


# ---------------------------------------------------------------- csv

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
        if not self._load_by_duckdb(con, header_row, width):
            self._load_exactly(con, header_row, width)
        return Grid(width, has_extra=True, is_nfc=self.text.is_nfc)

    def _load_by_duckdb(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> bool:
        """The fast way, for files in which every line is one record; says no where it cannot be sure."""
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in [*(f"c{i}" for i in range(width)), "extra"])
        try:
            con.execute(
                "create or replace temp table lines as select * from read_csv(?, delim = ?, quote = '\"', "
                "escape = '\"', header = false, auto_detect = false, null_padding = true, strict_mode = true, "
                f"max_line_size = 33554432, skip = ?, columns = {{{columns}}})",
                [str(self.text.path), self.separator, header_row],
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
    return next((c for c in cells if c.strip()), "")


def csv_sheets(text: Text) -> list[Sheet]:
    """One candidate per separator; the header decides which is meant."""
    sheets = []
    for separator in _SEPARATORS:
        head = list(islice(_records(text.path, separator), HEAD_ROWS))
        if any(len(row) > 1 for row in head) or separator == _SEPARATORS[0]:
            sheets.append(Sheet(f"separator {separator!r}", head, _CsvLoader(text, separator), text.is_nfc))
    return sheets


# ---------------------------------------------------------------- spreadsheets

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
        return Grid(width, typed=frozenset(typed), is_nfc=False)


def _is_kind(kinds: list[type], wanted: set[type]) -> pa.Array:
    held = np.array(kinds, dtype=object)
    return pa.array(np.logical_or.reduce([held == kind for kind in wanted]).astype(bool))


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


def _calamine_sheets(data: bytes) -> list[Sheet]:
    from python_calamine import CalamineWorkbook, PasswordError

    sheets = []
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            for name in workbook.sheet_names:
                rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
                sheets.append(Sheet(name, [list(map(_shown, r)) for r in rows[:HEAD_ROWS]], _RowsLoader(rows), False))
    except PasswordError:
        raise RejectedFile("encrypted", "the workbook is protected by a password: save it without one") from None
    except Exception as error:  # calamine raises a class of its own per format
        raise RejectedFile(
            "unreadable", f"the workbook cannot be read ({type(error).__name__}): save it again"
        ) from None
    return sheets


# ---------------------------------------------------------------- HTML tables saved as .xls

_CELL, _ROW = "\ue0f0", "\ue0f1"
_TABLE_TO_TEXT = f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="text" encoding="UTF-8"/>
<xsl:template match="/"><xsl:for-each select="//tr"><xsl:for-each select="td|th">
<xsl:apply-templates/><xsl:call-template name="cells"><xsl:with-param name="n" select="number(@colspan)"/>
</xsl:call-template></xsl:for-each><xsl:text>{_ROW}</xsl:text></xsl:for-each></xsl:template>
<xsl:template name="cells"><xsl:param name="n"/><xsl:text>{_CELL}</xsl:text>
<xsl:if test="$n &gt; 1"><xsl:call-template name="cells"><xsl:with-param name="n" select="$n - 1"/>
</xsl:call-template></xsl:if></xsl:template>
<xsl:template match="br"><xsl:text> </xsl:text></xsl:template>
<xsl:template match="script|style|comment()"/>
</xsl:stylesheet>"""


def html_sheets(data: bytes) -> list[Sheet]:
    """The tables of an HTML page, stacked as a spreadsheet program shows them. Raises RejectedFile."""
    from lxml import etree

    marked = _decoder_for(data[:4])
    declared = re.search(rb"charset\s*=\s*[\"']?\s*([\w-]+)", data[:4096])
    try:
        if marked:
            text = data.decode(marked[0])
        else:
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                text = data.decode(declared.group(1).decode() if declared else "cp1258")
    except (UnicodeDecodeError, LookupError):
        raise RejectedFile("unreadable", "the text of the page cannot be decoded: save it as UTF-8") from None
    if not re.search(r"<table|<tr", text, re.IGNORECASE):
        raise RejectedFile("unreadable", "the content is neither a workbook nor an HTML table: export it again")
    tree = etree.fromstring(text.encode("utf-8"), etree.HTMLParser(encoding="utf-8", huge_tree=True))
    if tree is None:
        raise RejectedFile("unreadable", "the HTML holds no table: export it again")
    _spread_rows(tree)
    flat = str(etree.XSLT(etree.fromstring(_TABLE_TO_TEXT))(tree))
    rows = [row.split(_CELL)[:-1] for row in flat.split(_ROW)[:-1]]
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    return [Sheet("table", rows[:HEAD_ROWS], _RowsLoader(rows), False)]


def _spread_rows(tree) -> None:
    """Cells that reach over several rows leave an empty cell in each row below."""
    for cell in tree.xpath("//td[@rowspan > 1]|//th[@rowspan > 1]"):
        position = sum(int(c.get("colspan") or 1) for c in cell.itersiblings("td", "th", preceding=True))
        row = cell.getparent()
        for _ in range(int(cell.get("rowspan")) - 1):
            row = next(row.itersiblings("tr"), None)
            if row is None:
                break
            row.insert(min(position, len(row)), cell.makeelement("td"))


# ---------------------------------------------------------------- JSON

_NUMERIC = "('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE')"


def json_records(con: duckdb.DuckDBPyConnection, text: Text, size: int, *, lines: bool) -> None:
    """Records into `records (row_number, j)`; `j` is NULL where a line or element is no object.

    Raises RejectedFile.
    """
    largest = max(size + 1024, 16 << 20)
    try:
        if lines:
            con.execute(
                "create or replace temp table lines as select ltrim(line, '\ufeff') as j from read_csv(?, "
                "delim = '\x01', quote = '', escape = '', header = false, auto_detect = false, "
                f"columns = {{'line': 'VARCHAR'}}, max_line_size = {largest}, strict_mode = false) "
                "where trim(line, ' \t\r\n\ufeff') <> ''",
                [str(text.path)],
            )
            is_object = "json_valid(j) and json_type(j) = 'OBJECT'"
        else:
            _load_json_array(con, text, largest)
            is_object = "json_type(j) = 'OBJECT'"
        con.execute(
            "create or replace temp table records as select rowid + 1 as row_number, "
            f"case when {is_object} then j::json end as j from lines"
        )
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise
        raise RejectedFile("unreadable", "the JSON cannot be read: export the file again") from None


def nested_records(con: duckdb.DuckDBPyConnection, key: str, parent_column: str, parent_keys: list[str]) -> None:
    """The members of a list inside each of `records` become `records`, with the parent's row number and code."""
    member = _json_path(key)
    parents = ", ".join("nullif(json_extract_string(j, ?), '')" for _ in parent_keys)
    con.execute(
        f"""
        create or replace temp table records as
        select row_number, case when json_type(member) = 'OBJECT'
            then json_merge_patch(member, json_object('{parent_column}', parent)) end as j
        from (
            select row_number, coalesce({parents}, null) as parent,
                unnest(from_json(json_extract(j, ?), '["JSON"]')) as member
            from records where json_type(j, ?) = 'ARRAY'
        )""",
        [*map(_json_path, parent_keys), member, member],
    )


def record_keys(con: duckdb.DuckDBPyConnection) -> list[str]:
    keys = con.execute("select distinct unnest(json_keys(j)) from records where j is not null").fetchall()
    return sorted(k for (k,) in keys)


def spread_records(con: duckdb.DuckDBPyConnection, keys: list[str], *, is_nfc: bool) -> Grid:
    """`records` as a `grid`: a text cell, whether it is a number, and the raw JSON (`j0`…) for every key."""
    listed = "[" + ", ".join("'" + _json_path(k).replace("'", "''") + "'" for k in keys) + "]::varchar[]"
    cells = []
    for i in range(len(keys)):
        raw = f"v[{i + 1}]"
        cells.append(
            f"case when json_type({raw}) in {_NUMERIC} then regexp_replace({raw} ->> '$', '\\.0$', '') "
            f"else {raw} ->> '$' end as c{i}"
        )
        cells.append(f"coalesce(json_type({raw}) in {_NUMERIC}, false) as n{i}")
        cells.append(f"{raw} as j{i}")
    con.execute("drop view if exists grid")
    con.execute(
        f"create or replace temp table lines as select {', '.join(['row_number', 'is_object', *cells])} from "
        f"(select row_number, j is not null as is_object, json_extract(j, {listed}) as v from records)"
    )
    con.execute("create or replace temp view grid as select * from lines")
    return Grid(len(keys), typed=frozenset(range(len(keys))), is_nfc=is_nfc, is_json=True)


def _json_path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _load_json_array(con: duckdb.DuckDBPyConnection, text: Text, largest: int) -> None:
    with open(text.path, "rb") as file:
        opening = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        file.seek(max(text.path.stat().st_size - 4096, 0))
        closing = file.read().rstrip()[-1:]
    if opening not in (b"[", b"{"):
        raise RejectedFile(
            "unreadable", "the JSON is neither an array nor an object with an array under `data`: export it as one"
        )
    if closing != {b"[": b"]", b"{": b"}"}[opening]:
        raise RejectedFile("truncated", "the JSON ends early: copy the file again")
    read = f"read_json_objects(?, format = '{{}}', maximum_object_size = {largest})"
    if opening == b"[":
        con.execute(
            f"create or replace temp table lines as select json as j from {read.format('array')}", [str(text.path)]
        )
        return
    kinds = con.execute(
        f"select json_type(json, '$.data') from {read.format('unstructured')}", [str(text.path)]
    ).fetchall()
    if kinds != [("ARRAY",)]:
        raise RejectedFile("unreadable", "the JSON object has no array under `data`: export it with one")
    con.execute(
        "create or replace temp table lines as "
        "select unnest(from_json(json_extract(json, '$.data'), '[\"JSON\"]')) as j "
        f"from {read.format('unstructured')}",
        [str(text.path)],
    )
