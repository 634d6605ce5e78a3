"""Spreadsheets: xlsx, BIFF .xls, and the HTML table saved as .xls.

calamine lays a sheet out from its first to its last cell, however few stand between them. So the places of the
cells are surveyed before it sees a file; where they lie far apart, it is given a copy with the same cells side by
side, and they are put back afterwards.
"""

from __future__ import annotations

import copy
import io
import os
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import IO, Any, TypeVar
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from orchestration.ingestion.decode import RejectedFile, Sheet, size_text, too_large
from orchestration.ingestion.formats import biff
from orchestration.ingestion.formats.html import html_sheets
from orchestration.ingestion.formats.places import PACKED_WIDTH, Places, SharedStrings
from orchestration.ingestion.formats.scratch import Unpacking
from orchestration.ingestion.formats.tables import dense_sheet, scattered_sheet
from orchestration.settings import Bounds

_Result = TypeVar("_Result")
_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK"
_CHUNK_BYTES = 1 << 20
_BYTES_A_CELL = 128  # in calamine and in Python together, measured; text besides


def workbook_sheets(file: IO[bytes], kind: str, bounds: Bounds) -> Iterable[Sheet]:
    """The sheets of an `.xlsx`, or of an `.xls` whose content decides: BIFF, xlsx or HTML.

    A sheet is read when it is asked for. Raises RejectedFile.
    """
    file.seek(0)
    start = file.read(8)
    if start.startswith(_ZIP):
        return _xlsx_sheets(file, bounds)
    if start.startswith(_OLE):
        if os.fstat(file.fileno()).st_size * 4 > bounds.memory:
            raise _too_much_memory(bounds)
        data = start + file.read()
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise RejectedFile("encrypted", "the workbook is protected by a password: save it without one")
        if kind == "xls":
            return _biff_sheets(data, bounds)
    elif kind == "xls":
        return html_sheets(file, bounds)
    raise RejectedFile("unreadable", "the content is no xlsx workbook: save it again as xlsx")


def _too_much_memory(bounds: Bounds) -> RejectedFile:
    return too_large(
        f"the workbook needs more than {size_text(bounds.memory)} of memory",
        "export it in parts or as CSV, or raise CCHC_FILE_MEMORY",
    )


def _laid_out(book: Any, name: str) -> list[list[Any]]:
    """The cells of a sheet, from its corner on."""
    return _guarded(lambda: book.get_sheet_by_name(name).to_python(skip_empty_area=False))


def _guarded(read: Callable[[], _Result]) -> _Result:
    """What calamine or lxml makes of a file; what they raise as a rejection."""
    from python_calamine import PasswordError

    try:
        return read()
    except PasswordError:
        raise RejectedFile("encrypted", "the workbook is protected by a password: save it without one") from None
    except (RejectedFile, MemoryError):
        raise
    except BaseException as error:
        # calamine raises a class of its own per format; its panics are no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise RejectedFile(
            "unreadable", f"the workbook cannot be read ({type(error).__name__}): save it again"
        ) from None


# ------------------------------------------------------------ xlsx


def _xlsx_sheets(file: IO[bytes], bounds: Bounds) -> Iterator[Sheet]:
    from python_calamine import CalamineWorkbook

    try:
        archive = zipfile.ZipFile(file)
        places, strings = _surveyed(archive, os.fstat(file.fileno()).st_size, bounds)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
        raise RejectedFile("truncated", "the workbook ends early or is damaged: copy the file again") from None
    if os.fstat(file.fileno()).st_size * 2 > bounds.memory:
        raise _too_much_memory(bounds)
    parts = _guarded(lambda: _sheet_parts(archive, bounds))
    file.seek(0)
    book = _guarded(lambda: CalamineWorkbook.from_filelike(file))
    seen = set()
    for name in book.sheet_names:
        part = parts.get(name)
        if part in seen:  # many names of one sheet are one sheet
            continue
        if part is None:
            if any(p.extent.is_scattered or not p.is_certain for p in places.values()):
                raise RejectedFile("unreadable", "the workbook does not say which sheet is which: save it again")
        else:
            seen.add(part)
            if _needed(archive, part, places[part], strings, bounds) > bounds.memory:
                raise _too_much_memory(bounds)
            if not places[part].is_certain or places[part].extent.is_scattered:
                yield _guarded(partial(_moved_sheet, archive, part, name, bounds))
                continue
        rows = _laid_out(book, name)
        if part is not None and places[part].has_errors:
            for row, column, text in _error_cells(archive, part, bounds):
                if row < len(rows) and column < len(rows[row]):
                    rows[row][column] = text
        yield dense_sheet(name, rows, bounds)


_SHARED_STRINGS = "xl/sharedstrings.xml"
_SHARED = re.compile(rb't="s"[^<>]*>(?:<(?:\w+:)?f\b[^<]*</(?:\w+:)?f>)?<(?:\w+:)?v>(\d{1,9})<')


def _needed(archive: zipfile.ZipFile, part: str, places: Places, lengths: np.ndarray, bounds: Bounds) -> int:
    """Bytes of memory that a sheet takes: each cell holds a copy of its shared string."""
    cells = places.extent.cells
    most = cells * (_BYTES_A_CELL + int(lengths.max(initial=0)))
    if most <= bounds.memory:
        return most
    text, held = 0, b""
    with archive.open(part) as content:
        while chunk := content.read(_CHUNK_BYTES):
            held += chunk
            cut = max(held.rfind(b"<c "), held.rfind(b":c "), len(held) - _CHUNK_BYTES, 0)
            numbers = np.array([m[1] for m in _SHARED.finditer(held[:cut])], dtype=np.int64)
            text += int(lengths[numbers[numbers < len(lengths)]].sum())
            held = held[cut:]
    return cells * _BYTES_A_CELL + text


def _surveyed(archive: zipfile.ZipFile, packed: int, bounds: Bounds) -> tuple[dict[str, Places], np.ndarray]:
    """Every part unpacked once, within its bounds, its sum checked, and its cells surveyed.

    Gives the places in each part, and the lengths of the shared strings.

    Raises RejectedFile, and BadZipFile where the directory lies of a part's size.
    """
    claimed = Unpacking(packed, bounds)
    names = set()
    for item in archive.infolist():
        if item.flag_bits & 1:
            raise RejectedFile("encrypted", "the workbook is protected by a password: save it without one")
        if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or item.filename in names:
            raise zipfile.BadZipFile
        names.add(item.filename)
        claimed.add(item.file_size)
    unpacking, found, strings = Unpacking(packed, bounds), {}, SharedStrings()
    for item in archive.infolist():
        whole = copy.copy(item)
        whole.file_size = 1 << 62  # else it would be read as far as the directory says
        places, size = Places(), 0
        with archive.open(whole) as part:
            while chunk := part.read(_CHUNK_BYTES):
                unpacking.add(len(chunk))
                size += len(chunk)
                places.add(chunk)
                if item.filename.lower() == _SHARED_STRINGS:
                    strings.add(chunk)
        places.add(b"")
        if size != item.file_size:
            raise zipfile.BadZipFile
        found[item.filename] = places
    return found, strings.lengths()


def _sheet_parts(archive: zipfile.ZipFile, bounds: Bounds) -> dict[str, str]:
    """The part that holds each sheet, by the sheet's name."""
    from lxml import etree

    parts = {name.lower(): name for name in archive.namelist()}
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    documents = []
    for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        if name not in parts:
            return {}
        if archive.getinfo(parts[name]).file_size > bounds.record:
            raise too_large(f"the list of sheets holds more than {size_text(bounds.record)}", "save the workbook again")
        documents.append(etree.fromstring(archive.read(parts[name]), parser))
    book, links = documents
    targets = {link.get("Id"): link.get("Target", "").lstrip("/") for link in links}
    found: dict[str, str] = {}
    for sheet in book.iterfind(".//{*}sheet"):
        relation = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
        target = targets.get(str(relation), "").lower()
        part = parts.get(target if target.startswith("xl/") else f"xl/{target}")
        if part is not None:
            found[sheet.get("name", "")] = part
    return found


_ERROR_CELL = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*?\br="([A-Z]+)([0-9]+)"[^>]*>'
    rb"(?:<(?:\w+:)?f\b[^>]*/>|<(?:\w+:)?f\b[^>]*>[^<]*</(?:\w+:)?f>)?<(?:\w+:)?v>([^<]+)"
)


def _error_cells(archive: zipfile.ZipFile, part: str, bounds: Bounds) -> Iterator[tuple[int, int, str]]:
    """(row, column, text) of the error cells of a sheet, such as `#N/A`: calamine shows them as empty ones."""
    held = b""
    with archive.open(part) as content:
        while chunk := content.read(_CHUNK_BYTES):
            held += chunk
            cut = max(held.rfind(b"<c "), held.rfind(b":c "))
            whole, held = (held[:cut], held[cut:]) if cut > 0 else (b"", held)
            for letters, row, text in _ERROR_CELL.findall(whole):
                yield int(row) - 1, _column_number(letters.decode()), text.decode()
            if len(held) > 8 * bounds.cell + _CHUNK_BYTES:
                held = held[-_CHUNK_BYTES:]
    for letters, row, text in _ERROR_CELL.findall(held):
        yield int(row) - 1, _column_number(letters.decode()), text.decode()


def _column_number(letters: str) -> int:
    """0 for A, 26 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _column_letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _moved_sheet(archive: zipfile.ZipFile, part: str, name: str, bounds: Bounds) -> Sheet:
    """A sheet read from a copy of the workbook in which its cells stand side by side, and put back."""
    from python_calamine import CalamineWorkbook

    rows, columns, moved = array("q"), array("q"), io.BytesIO()
    with zipfile.ZipFile(moved, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        with archive.open(part) as source, target.open(part, "w", force_zip64=True) as sheet:
            _move_cells(source, sheet, rows, columns, bounds)
        for other in archive.namelist():
            if other != part and other.lower().endswith((".xml", ".rels")) and "/worksheets/" not in other.lower():
                with archive.open(other) as source, target.open(other, "w", force_zip64=True) as copied:
                    while chunk := source.read(_CHUNK_BYTES):
                        copied.write(chunk)
    moved.seek(0)
    laid_out = CalamineWorkbook.from_filelike(moved).get_sheet_by_name(name).to_python(skip_empty_area=False)
    places = np.array(rows, np.int64), np.array(columns, np.int64)
    return _put_back(name, laid_out, np.arange(len(rows)), *places, bounds)


def _put_back(
    name: str, laid_out: list[list], slots: np.ndarray, rows: np.ndarray, columns: np.ndarray, bounds: Bounds
) -> Sheet:
    """A sheet whose cells were moved into slots, `PACKED_WIDTH` of them a row; `rows` and `columns` are their own."""
    width = len(laid_out[0]) if laid_out else 0
    values, kept = [], []
    for place in np.argsort(rows, kind="stable").tolist():
        row, column = divmod(int(slots[place]), PACKED_WIDTH)
        value = laid_out[row][column] if row < len(laid_out) and column < width else ""
        if value != "":
            values.append(value)
            kept.append(place)
    return scattered_sheet(name, rows[kept], columns[kept], values, bounds)


def _move_cells(source: IO[bytes], sheet: IO[bytes], rows: array, columns: array, bounds: Bounds) -> None:
    """Write a sheet of the filled cells of another one, side by side; `rows` and `columns` take where they stood."""
    from lxml import etree

    sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
    row, column, number = 0, 0, 0
    for event, element in etree.iterparse(
        source, events=("start", "end"), tag=("{*}row", "{*}c"), resolve_entities=False, no_network=True
    ):
        is_row = etree.QName(element).localname == "row"
        if event == "start":
            if is_row:
                row, column = int(element.get("r") or row + 1), 0
            continue
        if is_row:
            element.clear()
        else:
            place = re.fullmatch("([A-Z]{1,3})([0-9]{1,7})", (element.get("r") or "").upper())
            if place:
                row, column = int(place[2]), _column_number(place[1])
            kind, text = _cell_text(element)
            if text:
                sheet.write(_packed(number, kind, text, element.get("s")))
                rows.append(row - 1)
                columns.append(column)
                number += 1
                if number * _BYTES_A_CELL > bounds.memory:
                    raise _too_much_memory(bounds)
            column += 1
            element.clear()
        while (former := element.getprevious()) is not None:
            element.getparent().remove(former)
    sheet.write(b"</sheetData></worksheet>")


def _packed(number: int, kind: str, text: str, style: str | None) -> bytes:
    """A cell in its slot, `PACKED_WIDTH` of them a row."""
    place = f"{_column_letters(number % PACKED_WIDTH)}{number // PACKED_WIDTH + 1}"
    styled = f" s={quoteattr(style)}" if style else ""
    return f'<c r="{place}"{styled} t={quoteattr(kind)}><v>{escape(text)}</v></c>'.encode()


def _cell_text(cell) -> tuple[str, str]:
    """Kind and text of a cell as calamine is to read them; an error is its text."""
    kind = cell.get("t") or "n"
    if kind == "inlineStr":
        texts = (t.text or "" for t in cell.iterfind(".//{*}t") if not t.getparent().tag.endswith("}rPh"))
        return "str", "".join(texts)
    value = cell.find("{*}v")
    return "str" if kind == "e" else kind, (value.text or "") if value is not None else ""


# ------------------------------------------------------------ BIFF


def _biff_sheets(data: bytes, bounds: Bounds) -> Iterator[Sheet]:
    from python_calamine import CalamineWorkbook

    workbook = biff.Workbook(data)
    if sum(extent.cells for extent in workbook.extents) * _BYTES_A_CELL > bounds.memory:
        raise _too_much_memory(bounds)
    data, moved = workbook.moved()
    sheets = len(workbook.extents)
    del workbook
    book = _guarded(lambda: CalamineWorkbook.from_filelike(io.BytesIO(data)))
    if moved and len(book.sheet_names) != sheets:
        raise RejectedFile("unreadable", "the workbook does not say which sheet is which: save it again")
    for number, name in enumerate(book.sheet_names):
        laid_out = _laid_out(book, name)
        if number in moved:
            yield _put_back(name, laid_out, *moved[number], bounds)
        else:
            yield dense_sheet(name, laid_out, bounds)
