"""How sheets of every workbook print."""

from __future__ import annotations

from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet


def printable(sheet: Worksheet, heading: str) -> None:
    """A4 across, as wide as one page and as long as needed; each page repeats the rows that `heading` names (`1:1`)."""
    sheet.print_title_rows = heading
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
