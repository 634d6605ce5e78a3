"""A workbook of one sheet from the rows of a query. openpyxl lays out the frame; DuckDB writes the rows as XML.

Row by row through Python, the dossiers of a province would take minutes.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from orchestration.errors import UsageError
from orchestration.plain import cell, cell_in_sql
from orchestration.reports.layout.sheets import printable
from orchestration.sql import literal, quoted

MOST_ROWS = 1_048_576 - 1  # below the header
_LONGEST = 32_000  # characters of a cell; a sheet takes 32,767 units of UTF-16
_BATCH = 10_000

Kind = Literal["number", "day", "time", "flag", "text"]
_FORMATS: dict[Kind, tuple[str, int]] = {  # what a cell of the kind looks like, and how wide its column is
    "number": ("General", 14), "day": ("dd/mm/yyyy", 12), "time": ("dd/mm/yyyy hh:mm:ss", 19), "flag": ("General", 10),
    "text": ("@", 24),
}  # fmt: skip
_DAY_0 = "date '1899-12-30'"
_SHEET = "xl/worksheets/sheet1.xml"
_EXAMPLES = re.compile(r'<row r="2".*?</row>', re.DOTALL)
_STYLE = re.compile(r'<c r="[A-Z]+2" s="(\d+)"')
_EXTENT = re.compile(r"<dimension [^>]*/>")


def kind_of(type_: object) -> Kind:
    """How values of a DuckDB type stand in a sheet."""
    name = str(type_)
    if name == "DATE":
        return "day"
    if name.startswith("TIMESTAMP"):
        return "time"
    if name == "BOOLEAN":
        return "flag"
    return "number" if re.fullmatch(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)", name) else "text"


def write(con: duckdb.DuckDBPyConnection, query: str, headings: Mapping[str, str], out: Path) -> int:
    """Write the rows to a workbook; gives their number. Raises UsageError when a sheet cannot hold them."""
    [(number,)] = con.execute(f"select count(*) from ({query})").fetchall()
    if number > MOST_ROWS:
        raise UsageError(
            f"{number:,} rows, and a sheet holds {MOST_ROWS:,}: narrow them down with --from, --to or --scope, "
            "or write .csv or .parquet"
        )
    asked = con.sql(query)
    kinds = {name: kind_of(type_) for name, type_ in zip(asked.columns, asked.types, strict=True)}
    before, styles, after, parts = _frame({headings.get(name, name): kind for name, kind in kinds.items()}, number)
    cells = " || ".join(_cell(quoted(name), kind, styles[kind]) for name, kind in kinds.items())
    rows = con.sql(f"select '<row>' || {cells} || '</row>' from ({query})").to_arrow_reader(_BATCH)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, content in parts.items():
            book.writestr(name, content)
        with book.open(_SHEET, "w", force_zip64=True) as sheet:
            sheet.write(before)
            for batch in rows:
                whole = pa.ListArray.from_arrays([0, len(batch)], batch.column(0).cast(pa.string()))
                sheet.write(pc.binary_join(whole, "")[0].as_buffer())
            sheet.write(after)
    return number


def _cell(x: str, kind: Kind, style: str) -> str:
    """A cell as SQL that is never missing."""
    attributes, opened, closed = "", "<v>", "</v>"
    if kind == "text":
        attributes, opened, closed = ' t="inlineStr"', '<is><t xml:space="preserve">', "</t></is>"
        value = f"left({cell_in_sql(f'{x}::varchar')}, {_LONGEST})"
        for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            value = f"replace({value}, {literal(sign)}, {literal(entity)})"
    elif kind == "flag":
        attributes, value = ' t="b"', f"{x}::int::varchar"
    elif kind == "day":
        value = f"({x} - {_DAY_0})::varchar"
    elif kind == "time":
        value = f"(({x}::date - {_DAY_0}) + epoch_us({x}::timestamp - {x}::date) / 86400e6)::varchar"
    else:
        value = f"if(isfinite({x}::double), {x}, null)::varchar"
    begin, end = literal(f'<c s="{style}"{attributes}>{opened}'), literal(f"{closed}</c>")
    return f"coalesce({begin} || {value} || {end}, '<c/>')"


def _frame(kinds: Mapping[str, Kind], rows: int) -> tuple[bytes, dict[Kind, str], bytes, dict[str, bytes]]:
    """The sheet before and after its rows, the style of each kind, and the other parts of the workbook."""
    book = Workbook()
    [sheet] = book.worksheets
    sheet.title = "Dữ liệu"
    for number, (heading, kind) in enumerate(kinds.items(), start=1):
        made = sheet.cell(1, number, cell(heading))
        made.font, made.fill = Font(bold=True), PatternFill("solid", fgColor="E8ECF1")
        made.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(number)].width = max(_FORMATS[kind][1], min(len(heading), 28) + 2)
    for number, (look, _) in enumerate(_FORMATS.values(), start=1):
        example = sheet.cell(2, number, 0)
        example.number_format, example.alignment = look, Alignment(vertical="top")
    printable(sheet, "1:1")
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(kinds))}{rows + 1}"
    content = BytesIO()
    book.save(content)
    with zipfile.ZipFile(content) as written:
        parts = {name: written.read(name) for name in written.namelist()}
    text = _EXTENT.sub("", parts.pop(_SHEET).decode())
    [example] = _EXAMPLES.findall(text)
    before, after = text.split(example)
    return before.encode(), dict(zip(_FORMATS, _STYLE.findall(example), strict=True)), after.encode(), parts
