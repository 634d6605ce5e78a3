"""What an office is to correct, as a workbook to send back: its rejected rows and its flags, in Vietnamese.

No cell of a row travels with it, only where the row stands; text that a spreadsheet would take for a formula gets an
apostrophe. The same findings give the same bytes.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import duckdb
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from orchestration.plain import cell
from orchestration.quality.verdict import Waiver
from orchestration.reports.review.declared import texts, title_of
from orchestration.reports.review.findings import UNKNOWN
from orchestration.reports.review.parts import Subject
from orchestration.sources import all_sources

# Rows of one sheet; an office with more corrects these first.
MOST_ROWS = 20_000
_LONGEST = 1_000

ROWS_SHEET, FLAGS_SHEET = "Dòng bị loại", "Cảnh báo"
_SHEETS = {
    "Tổng hợp": (("Dữ liệu cần kiểm tra, sửa", 34), ("", 90)),
    ROWS_SHEET: (("Nguồn", 22), ("Tệp", 38), ("Dòng số", 9), ("Cột", 18), ("Lý do", 22), ("Cần sửa", 42)),
    FLAGS_SHEET: (("Nguồn", 20), ("Mã", 26), ("Quy tắc", 28), ("Chi tiết", 30), ("Cần sửa", 36), ("Tệp", 32)),
}
_FONT = "Times New Roman"

_PROPERTIES = "docProps/core.xml"
_MOMENT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_EXAMPLE = re.compile(r'<row r="2".*?<c r="A2" s="(\d+)".*?</row>')
_DIMENSION = re.compile(r"<dimension [^>]*/>")
# Points of one line of text, and how many lines a row shows at most.
_LINE, _MOST_LINES = 15, 20
_BEFORE_TIME = (1980, 1, 1, 0, 0, 0)


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
    rows, flags, frame = _rows(con), _flags(con), _Frame.laid_out(subject.as_of)
    for office, name, file, rejected, flagged in counts:
        of_rows, of_flags = rows.get(office, []), flags.get(office, [])
        cover = _cover(office, name, subject, (rejected, of_rows), (flagged, of_flags))
        cover += [("Miễn trừ", waiver.told_vi) for waiver in waivers]
        (folder / f"{file}.xlsx").write_bytes(frame.filled([cover, of_rows, of_flags]))
    return {office: file for office, _, file, *_ in counts}


def _rows(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """The rejected rows of each office, as its sheet shows them."""
    told = texts().reasons_of_rows
    found = _of_offices(
        con, "source, source_file, row_number, column_vi, reason_code, correct_vi", "told_rows",
        "source, source_file, row_number, column_vi, correct_vi",
    )  # fmt: skip
    return {
        office: [
            (_source(s), file, row, column, title_of(told, r), correct) for s, file, row, column, r, correct in listed
        ]
        for office, listed in found
    }


def _flags(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """The flags of each office, as its sheet shows them."""
    told = texts().rules
    found = _of_offices(
        con, "source, entity_code, rule_code, detail, source_file", "told_flags", "rule_code, source, entity_code"
    )
    return {
        office: [
            (_source(source), code, title_of(told, rule), detail, told[rule].correct if rule in told else "", file)
            for source, code, rule, detail, file in listed
        ]
        for office, listed in found
    }


def _of_offices(
    con: duckdb.DuckDBPyConnection, columns: str, table: str, order: str
) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    found = con.execute(
        f"select office, {columns} from {table} "
        f"qualify row_number() over (partition by office order by {order}) <= {MOST_ROWS} order by office, {order}"
    ).fetchall()
    for office, listed in groupby(found, key=lambda row: row[0]):
        yield office, [row[1:] for row in listed]


def _source(source: str) -> str:
    declared = all_sources().get(source)
    return declared.title_vi if declared else source


# ---------------------------------------------------------------- layout

Listed = tuple[int, list[tuple[Any, ...]]]


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

    def filled(self, sheets: Iterable[Iterable[Iterable[Any]]]) -> bytes:
        """The workbook with the rows of each of its sheets."""
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
            for name, part in self.parts.items():
                book.writestr(zipfile.ZipInfo(name, _BEFORE_TIME), part, zipfile.ZIP_DEFLATED)
            for name, columns, rows in zip(self.sheets, _SHEETS.values(), sheets, strict=True):
                before, after = self.sheets[name]
                made = "".join(self._row(number, row, columns) for number, row in enumerate(rows, start=2))
                book.writestr(zipfile.ZipInfo(name, _BEFORE_TIME), before + made + after, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def _row(self, number: int, values: Iterable[Any], columns: tuple[tuple[str, int], ...]) -> str:
        """A row as high as its longest text needs: not every program finds that out by itself."""
        cells, lines = [], 1
        for letter, value, (_, width) in zip("ABCDEF", values, columns, strict=False):
            cells.append(self._cell(f"{letter}{number}", value))
            lines = max(lines, -(-len(value) // int(1.1 * width)) if isinstance(value, str) else 1)
        height = _LINE * min(lines, _MOST_LINES)
        return f'<row r="{number}" ht="{height}" customHeight="1">{"".join(cells)}</row>'

    def _cell(self, place: str, value: Any) -> str:
        if isinstance(value, int):
            return f'<c r="{place}" s="{self.look}"><v>{value}</v></c>'
        text = str(cell(value if value is None or len(value) <= _LONGEST else value[:_LONGEST] + "…"))
        told = f'<is><t xml:space="preserve">{escape(text)}</t></is>'
        return f'<c r="{place}" s="{self.look}" t="inlineStr">{told}</c>'


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
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToHeight = "landscape", 9, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _cover(office: str, name: str, subject: Subject, rows: Listed, flags: Listed) -> list[tuple[Any, Any]]:
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
        if count > len(listed):
            lines.append((f"Lưu ý, trang {what}", f"Chỉ liệt kê {len(listed)} trong {count} dòng."))
    return lines
