"""The layout of a form: merged header, numbering row, rows under headings, total, notes, signatures, A4 landscape.

Every figure is a value. Text that a spreadsheet would take for a formula is shown with an apostrophe.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from itertools import groupby
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from orchestration.errors import CchcError
from orchestration.plain import cell as as_cell
from orchestration.reports.figures import Question
from orchestration.reports.forms.declared import Column, Form
from orchestration.reports.forms.rows import Body, Values
from orchestration.reports.layout.sheets import printable

# Dots between thousands whatever the reader's locale; a quoted dot is text between digits.
THOUSANDS = '[>=1000000]#"."000"."000;[>=1000]#"."000;0'
MOST_ROWS = 1_048_576
AROUND_ROWS = 60  # titles, header, headings, notes and signatures

_LINE = Side(style="thin")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_FONT = "Times New Roman"


def laid_out(form: Form, body: Body, question: Question, release_id: str, notices: Sequence[str] = ()) -> bytes:
    """The form as the bytes of an .xlsx file. Raises CchcError when a sheet cannot hold it."""
    if len(body.entries) > MOST_ROWS - AROUND_ROWS:
        raise CchcError(f"{form.form} has {len(body.entries)} rows, more than a sheet holds: ask for a shorter period")
    book = Workbook()
    [sheet] = book.worksheets
    sheet.title = form.form
    page = _Page(sheet, len(form.columns))
    first = _titles(page, form, question)
    numbering = _header(page, form.columns, first)
    last = _rows(page, form, body, numbering + 1)
    last = _notes(page, form, body, question, release_id, notices, last + 1)
    _signatures(page, last + 2)
    _print_setup(sheet, form, first, numbering)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


class _Page:
    """A sheet, and how text and figures are put on it."""

    def __init__(self, sheet: Worksheet, width: int) -> None:
        self.sheet, self.width = sheet, width

    def put(
        self, row: int, column: int, value: Any, *, bold: bool = False, italic: bool = False, size: int = 11,
        across: str = "left", box: bool = False,
    ) -> None:  # fmt: skip
        cell = self.sheet.cell(row, column)
        if value is not None:
            cell.value = as_cell(value)
        if isinstance(value, int):
            cell.number_format = THOUSANDS
        elif isinstance(value, date):
            cell.number_format = "dd/mm/yyyy"
        cell.font = Font(name=_FONT, size=size, bold=bold, italic=italic)
        cell.alignment = Alignment(
            horizontal=across, vertical="center", wrap_text=True, indent=1 if across == "right" and box else 0
        )
        if box:
            cell.border = _BORDER

    def line(self, row: int, text: str, first: int = 1, last: int | None = None, **how: Any) -> None:
        """Text over several columns, in a row high enough for it."""
        last = last or self.width
        self.put(row, first, text, **how)
        if last > first:
            self.sheet.merge_cells(start_row=row, start_column=first, end_row=row, end_column=last)
        room = sum(self.sheet.column_dimensions[get_column_letter(c)].width or 11 for c in range(first, last + 1))
        lines = -(-len(text) // max(int(room * 1.05), 1))
        height = 15.5 * lines * how.get("size", 11) / 11
        self.sheet.row_dimensions[row].height = max(self.sheet.row_dimensions[row].height or 0, height)


def _titles(page: _Page, form: Form, question: Question) -> int:
    """What stands above the header; gives the header's first row."""
    for number, column in enumerate(form.columns, start=1):
        page.sheet.column_dimensions[get_column_letter(number)].width = column.width
    page.line(1, form.name_vi, last=2, bold=True)
    page.line(2, "Đơn vị báo cáo: ………………", last=2)
    page.line(3, form.title_vi.upper(), bold=True, size=14, across="center")
    page.line(4, f"Từ ngày {_day(question.from_on)} đến ngày {_day(question.to_on)}", italic=True, across="center")
    page.line(5, form.unit_vi, italic=True, across="right")
    return 6


def _header(page: _Page, columns: tuple[Column, ...], first: int) -> int:
    """The merged header and the numbering row; gives the row of the latter."""
    depth = max(len(column.header) for column in columns)
    for number, column in enumerate(columns, start=1):
        for level in range(depth):
            page.put(first + level, number, None, bold=True, across="center", box=True)
        for level, text in enumerate(column.header):
            if number == 1 or columns[number - 2].header[: level + 1] != column.header[: level + 1]:
                page.put(first + level, number, text, bold=True, across="center", box=True)
                _merge_header(page.sheet, columns, first, number, level, depth)
        page.put(first + depth, number, f"({number})", italic=True, across="center", box=True)
    for level in range(depth):
        page.sheet.row_dimensions[first + level].height = 33 if level == depth - 1 else 20
    return first + depth


def _merge_header(
    sheet: Worksheet, columns: tuple[Column, ...], first: int, number: int, level: int, depth: int
) -> None:
    """Over the neighbours that share the words so far, or down to the numbering row where nothing stands below."""
    path = columns[number - 1].header[: level + 1]
    last = number
    while last < len(columns) and columns[last].header[: level + 1] == path:
        last += 1
    bottom = depth - 1 if len(columns[number - 1].header) == level + 1 else level
    if last > number or bottom > level:
        sheet.merge_cells(start_row=first + level, start_column=number, end_row=first + bottom, end_column=last)


def _rows(page: _Page, form: Form, body: Body, row: int) -> int:
    """Rows under their headings, then the total; gives the last row."""
    number = 0
    for letter, (heading, entries) in enumerate(groupby(body.entries, key=lambda entry: entry.heading)):
        if heading:
            page.put(row, 1, chr(ord("A") + letter), bold=True, across="center", box=True)
            page.put(row, 2, heading, bold=True, box=True)
            for column in range(3, page.width + 1):
                page.put(row, column, None, box=True)
            row += 1
        for entry in entries:
            number += 1
            _row(page, form, entry.values | {"number": number}, row)
            row += 1
    if body.total is not None:
        _row(page, form, body.total | {"name": "Tổng số"}, row, bold=True)
        row += 1
    return row - 1


def _row(page: _Page, form: Form, values: Values, row: int, bold: bool = False) -> None:
    longest = 0.0
    for number, column in enumerate(form.columns, start=1):
        value = shown(column, values)
        across = "left" if isinstance(value, str) else "center" if column.shows == ("number",) else "right"
        page.put(row, number, value, bold=bold, across=across, box=True)
        longest = max(longest, len(str(value)) / (1.15 * column.width) if isinstance(value, str) else 0)
    page.sheet.row_dimensions[row].height = 16 * max(1, -(-longest // 1))


def shown(column: Column, values: Values) -> Any:
    """What a column shows of a row: its one value, or a sum; a part that is missing makes it missing."""
    parts = [values.get(name) for name in column.shows]
    if len(parts) == 1 or None in parts:
        return None if None in parts else parts[0]
    return sum(parts)


def _notes(
    page: _Page, form: Form, body: Body, question: Question, release_id: str, notices: Sequence[str], row: int
) -> int:
    """What the figures are counted by, and what the sources leave open; gives the last row."""
    withdrawn = "không rõ số" if body.withdrawn is None else f"{body.withdrawn:,}".replace(",", ".")
    meaning = form.conventions[question.convention].format(withdrawn=withdrawn)
    notes = [
        *notices,
        f"Quy ước {question.convention}: {meaning}",
        *form.notes,
        f"Số liệu đã biết đến hết ngày {_day(question.as_of)}, bản công bố {release_id}.",
    ]
    page.line(row, "Ghi chú:", bold=True)
    for note in notes:
        row += 1
        page.line(row, note, italic=True)
    return row


def _signatures(page: _Page, row: int) -> None:
    half = max(2, page.width // 2)
    right = half + 1
    page.line(row, "……………, ngày …… tháng …… năm ……", first=right, italic=True, across="center")
    for first, last, office in ((1, half, "NGƯỜI LẬP BIỂU"), (right, page.width, "THỦ TRƯỞNG ĐƠN VỊ")):
        page.line(row + 1, office, first=first, last=last, bold=True, across="center")
    page.line(row + 2, "(Ký, ghi rõ họ tên)", last=half, italic=True, across="center")
    page.line(row + 2, "(Ký tên, đóng dấu)", first=right, italic=True, across="center")


def _print_setup(sheet: Worksheet, form: Form, first: int, numbering: int) -> None:
    printable(sheet, f"{first}:{numbering}")
    sheet.print_options.horizontalCentered = True
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top = 0.6
    sheet.page_margins.bottom = 0.8
    footer = sheet.oddFooter
    assert footer is not None and footer.left is not None and footer.right is not None
    footer.left.text, footer.right.text = form.name_vi, "Trang &P/&N"
    sheet.sheet_view.showGridLines = False
    sheet.freeze_panes = f"C{numbering + 1}"


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
