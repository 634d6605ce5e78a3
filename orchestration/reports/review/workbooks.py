"""What an office is to correct, as a workbook to send back: its rejected rows and its flags, in Vietnamese.

No cell of a row travels with it, only where the row stands; text that a spreadsheet would take for a formula gets an
apostrophe. The same findings give the same bytes.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import Any
from xml.sax.saxutils import escape

import duckdb
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from orchestration.plain import cell, cell_in_sql
from orchestration.quality.verdict import Waiver
from orchestration.reports.layout.sheets import printable
from orchestration.reports.review.declared import texts
from orchestration.reports.review.findings import UNKNOWN, in_words
from orchestration.reports.review.parts import Subject
from orchestration.sources import all_sources
from orchestration.sql import literal

# Rows of one sheet; an office with more corrects these first.
MOST_ROWS = 20_000
_LONGEST = 1_000

COVER_SHEET, ROWS_SHEET, FLAGS_SHEET = "Tổng hợp", "Dòng bị loại", "Cảnh báo"
_SHEETS = {
    COVER_SHEET: (("Dữ liệu cần kiểm tra, sửa", 34), ("", 90)),
    ROWS_SHEET: (("Nguồn", 22), ("Tệp", 38), ("Dòng số", 9), ("Cột", 18), ("Lý do", 22), ("Cần sửa", 42)),
    FLAGS_SHEET: (("Nguồn", 20), ("Mã", 26), ("Quy tắc", 28), ("Chi tiết", 30), ("Cần sửa", 36), ("Tệp", 32)),
}
# Columns that hold numbers.
_NUMBERS = {"Dòng số"}
_LETTERS = "ABCDEF"
_FONT = "Times New Roman"

_PROPERTIES = "docProps/core.xml"
_MOMENT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_EXAMPLE = re.compile(r'<row r="2".*?<c r="A2" s="(\d+)".*?</row>')
_DIMENSION = re.compile(r"<dimension [^>]*/>")
# Points of one line of text, and how many lines a row shows at most.
_LINE, _MOST_LINES = 15, 20
_BEFORE_TIME = (1980, 1, 1, 0, 0, 0)
_ROW = '<row r="{number}" ht="{height}" customHeight="1">{cells}</row>'
_NUMBER = '<c r="{letter}{number}" s="{look}"><v>{value}</v></c>'
_TEXT = '<c r="{letter}{number}" s="{look}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'


def write_workbooks(
    con: duckdb.DuckDBPyConnection, folder: Path, subject: Subject, waivers: Sequence[Waiver] = ()
) -> dict[str, str]:
    """One workbook for each office with findings, named by its code or, where that cannot name a file anywhere, by a
    sum of it; gives the names by code.

    The release's findings are prepared (`findings.prepare`).
    """
    folder.mkdir(parents=True)
    counts = con.execute("""
        select
            office, any_value(offices.agency_name), any_value(offices.book),
            count(*) filter (is_row), count(*) filter (not is_row)
        from (select office, true as is_row from told_rows union all select office, false from told_flags)
        inner join offices on office = offices.agency_code
        group by office order by office
    """).fetchall()
    frame = _Frame.laid_out(subject.as_of)
    rows, flags = _rows(con, frame), _flags(con, frame)
    for office, name, file, rejected, flagged in counts:
        of_rows, of_flags = rows.get(office, _NONE), flags.get(office, _NONE)
        cover = _cover(office, name, subject, (rejected, of_rows), (flagged, of_flags))
        cover += [("Miễn trừ", waiver.told_vi) for waiver in waivers]
        (folder / f"{file}.xlsx").write_bytes(frame.filled(frame.rows(cover), of_rows.xml, of_flags.xml))
    return {office: file for office, _, file, *_ in counts}


@dataclass(frozen=True)
class _Listed:
    """The rows of an office's sheet: how many, and the sheet's XML of them."""

    rows: int
    xml: str


_NONE = _Listed(0, "")


def _rows(con: duckdb.DuckDBPyConnection, frame: _Frame) -> dict[str, _Listed]:
    """The rejected rows of each office, as its sheet shows them."""
    reason = in_words("reason_code", {code: told.title for code, told in texts().reasons_of_rows.items()})
    columns = [_source(), "source_file", "row_number", "column_vi", reason, "correct_vi"]
    order = "source, source_file, row_number, column_vi, correct_vi"
    return _of_offices(con, frame, ROWS_SHEET, columns, "told_rows", order)


def _flags(con: duckdb.DuckDBPyConnection, frame: _Frame) -> dict[str, _Listed]:
    """The flags of each office, as its sheet shows them."""
    told = texts().rules
    rule = in_words("rule_code", {code: words.title for code, words in told.items()})
    correct = in_words("rule_code", {code: words.correct for code, words in told.items()}, literal(""))
    columns = [_source(), "entity_code", rule, "detail", correct, "source_file"]
    return _of_offices(con, frame, FLAGS_SHEET, columns, "told_flags", "rule_code, source, entity_code")


def _of_offices(
    con: duckdb.DuckDBPyConnection, frame: _Frame, sheet: str, columns: list[str], table: str, order: str
) -> dict[str, _Listed]:
    """The rows of one sheet, made where they lie: an office can have tens of thousands."""
    shown = ", ".join(f"{value} as {letter}" for letter, value in zip(_LETTERS, columns, strict=True))
    found = con.execute(f"""
        with listed as (
            select office, {shown}, 1 + row_number() over (partition by office order by {order}) as number
            from {table}
            qualify number <= 1 + {MOST_ROWS}
        )
        select office, count(*), string_agg({frame.row_in_sql(sheet)}, '' order by number)
        from listed
        group by office
    """).fetchall()
    return {office: _Listed(rows, xml) for office, rows, xml in found}


def _source() -> str:
    """SQL: what a source is called."""
    return in_words("source", {name: source.title_vi for name, source in all_sources().items()})


# ---------------------------------------------------------------- layout


@dataclass(frozen=True)
class _Frame:
    """A workbook without rows, which openpyxl lays out once for all offices: its parts, and of each sheet what stands
    before and after its rows. Only rows are written for each office: 170 workbooks take a second, not eight."""

    parts: dict[str, bytes]
    sheets: dict[str, tuple[str, str]]
    look: str

    @classmethod
    def laid_out(cls, day: date) -> _Frame:
        book = Workbook()
        for title, columns in _SHEETS.items():
            _lay_out(book.create_sheet(title), columns)
        del book[book.sheetnames[0]]
        content = BytesIO()
        book.save(content)
        with zipfile.ZipFile(content) as written:
            parts = {name: written.read(name) for name in sorted(written.namelist())}
        parts[_PROPERTIES] = _MOMENT.sub(rb"\g<1>" + f"{day}T00:00:00Z".encode(), parts[_PROPERTIES])
        sheets, look = {}, ""
        for number in range(1, len(_SHEETS) + 1):
            name = f"xl/worksheets/sheet{number}.xml"
            # How far the sheet goes is not known yet, and need not be said.
            before, example, after = _EXAMPLE.split(_DIMENSION.sub("", parts.pop(name).decode()))
            sheets[name], look = (before, after), example
        return cls(parts, sheets, look)

    def filled(self, *sheets: str) -> bytes:
        """The workbook with the rows of each of its sheets, as XML."""
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
            for name, part in self.parts.items():
                book.writestr(zipfile.ZipInfo(name, _BEFORE_TIME), part, zipfile.ZIP_DEFLATED)
            for (name, (before, after)), rows in zip(self.sheets.items(), sheets, strict=True):
                book.writestr(zipfile.ZipInfo(name, _BEFORE_TIME), before + rows + after, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def rows(self, listed: Iterable[tuple[str, Any]]) -> str:
        """The rows of the first sheet: a label and a text or number."""
        return "".join(self._row(number, *row) for number, row in enumerate(listed, start=2))

    def _row(self, number: int, *values: Any) -> str:
        cells, lines = [], 1
        for letter, value, (_, width) in zip(_LETTERS, values, _SHEETS[COVER_SHEET], strict=False):
            cut = f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value
            shown = value if isinstance(value, int) else escape(str(cell(cut)))
            template = _NUMBER if isinstance(value, int) else _TEXT
            cells.append(template.format(letter=letter, number=number, look=self.look, value=shown))
            lines = max(lines, -(-len(str(value)) // _fitting(width)))
        return _ROW.format(number=number, height=_LINE * min(lines, _MOST_LINES), cells="".join(cells))

    def row_in_sql(self, sheet: str) -> str:
        """SQL: the same of a sheet whose columns are called _LETTERS, `number` the row's."""
        cells, lines = [], ["1"]
        for letter, (header, width) in zip(_LETTERS, _SHEETS[sheet], strict=True):
            known = {"letter": literal(letter), "number": "number", "look": literal(self.look)}
            if header in _NUMBERS:
                cells.append(_in_sql(_NUMBER, **known, value=letter))
            else:
                cells.append(_in_sql(_TEXT, **known, value=_text_in_sql(letter)))
                lines.append(f"ceil(coalesce(length({letter}), 0) / {_fitting(width)})::int")
        height = f"{_LINE} * least({_MOST_LINES}, greatest({', '.join(lines)}))"
        return _in_sql(_ROW, number="number", height=height, cells=" || ".join(cells))


def _fitting(width: int) -> int:
    """How many letters fit in a line of a column."""
    return int(1.1 * width)


def _in_sql(template: str, **values: str) -> str:
    """SQL: a template filled with the values of expressions."""
    parts = [
        part
        for before, name, *_ in Formatter().parse(template)
        for part in (literal(before), f"({values[name]})" if name else literal(""))
    ]
    return " || ".join(parts)


def _text_in_sql(column: str) -> str:
    """SQL: `cell` of a text, cut, as XML."""
    cut = f"coalesce(if(length({column}) > {_LONGEST}, left({column}, {_LONGEST}) || '…', {column}), '')"
    return f"replace(replace(replace({cell_in_sql(cut)}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"


def _lay_out(sheet: Worksheet, columns: tuple[tuple[str, int], ...]) -> None:
    """Header, widths and print set-up; below the header an example of a cell of text."""
    for number, (header, width) in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
        made = sheet.cell(1, number, header)
        made.font = Font(name=_FONT, size=11, bold=True)
        made.fill = PatternFill("solid", fgColor="E8ECF1")
        made.alignment = Alignment(wrap_text=True, vertical="center")
    example = sheet.cell(2, 1, "")
    example.font, example.alignment = (
        Font(name=_FONT, size=11),
        Alignment(horizontal="left", vertical="top", wrap_text=True),
    )
    sheet.freeze_panes = "A2"
    printable(sheet, "1:1")


def _cover(
    office: str, name: str, subject: Subject, rows: tuple[int, _Listed], flags: tuple[int, _Listed]
) -> list[tuple[Any, Any]]:
    """What this is, how much of it there is, and what is to be done."""
    lines: list[tuple[Any, Any]] = [
        ("Đơn vị", name),
        ("Mã đơn vị", None if office == UNKNOWN else office),
        ("Số liệu đến ngày", f"{subject.as_of:%d/%m/%Y}"),
        ("Bản công bố", subject.release_id),
        (ROWS_SHEET, rows[0]),
        (FLAGS_SHEET, flags[0]),
        ("Dòng bị loại là gì", "Dòng không đọc được nên không được tính trong số liệu nào. Sửa tại hệ thống nguồn rồi "
         "kết xuất lại."),
        ("Cảnh báo là gì", "Dữ liệu đọc được nhưng không thể đúng; vẫn được tính trong số liệu. Kiểm tra, sửa tại hệ "
         "thống nguồn rồi kết xuất lại; nếu dữ liệu đúng, giải trình."),
    ]  # fmt: skip
    for what, (count, listed) in ((ROWS_SHEET, rows), (FLAGS_SHEET, flags)):
        if count > listed.rows:
            lines.append((f"Lưu ý, trang {what}", f"Chỉ liệt kê {listed.rows} trong {count} dòng."))
    return lines
