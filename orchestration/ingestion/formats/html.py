"""The HTML table saved as `.xls`: parsed as it streams, each cell put where its neighbours' spans leave room."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np

from orchestration.ingestion.decode import RejectedFile, Sheet, size_text, too_large, too_many_columns
from orchestration.ingestion.formats.scratch import path_of
from orchestration.ingestion.formats.tables import scattered_sheet
from orchestration.ingestion.formats.text import marked_encoding
from orchestration.settings import Bounds

_CHUNK_BYTES = 1 << 16
_WIDEST, _LONGEST = 16_384, 1 << 20  # columns and rows of a spreadsheet
_SECTIONS = ("table", "thead", "tbody", "tfoot")
_PARTS = 1_000  # a cell of more parts than this is measured before it ends
_BLOCKS = ("p", "div", "li")
_HIDDEN = ("script", "style")


def html_sheets(file: IO[bytes], bounds: Bounds) -> list[Sheet]:
    """The tables of an HTML page, stacked as a spreadsheet program shows them. Raises RejectedFile."""
    from lxml import etree

    page = _Page(bounds)
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, target=page)
    try:
        for chunk in _decoded(file, _encoding(file)):
            parser.feed(chunk.encode())
        parser.close()
    except etree.LxmlError:
        raise RejectedFile("unreadable", "the HTML cannot be read: export it again") from None
    rows, columns, values = np.array(page.rows), np.array(page.columns), page.values
    if np.any(np.diff(rows) < 0):  # a cell that holds a table ends after the rows in it
        order = np.argsort(rows, kind="stable")
        rows, columns, values = rows[order], columns[order], [values[i] for i in order]
    return [scattered_sheet("table", rows, columns, values, bounds)]


def _encoding(file: IO[bytes]) -> str:
    """The first encoding by which the whole page can be decoded. Raises RejectedFile."""
    file.seek(0)
    start = file.read(4096)
    marked = marked_encoding(start[:4])
    declared = re.search(rb"charset\s*=\s*[\"']?\s*([\w-]+)", start)
    encodings = [marked[0]] if marked else ["utf-8", declared.group(1).decode() if declared else "cp1258", "cp1258"]
    for encoding in encodings:
        try:
            last, has_table = "", False
            for chunk in _decoded(file, encoding):
                has_table = has_table or bool(re.search("<table|<tr", last + chunk, re.IGNORECASE))
                last = chunk[-5:]
        except (UnicodeError, LookupError):
            continue
        if not has_table:
            raise RejectedFile("unreadable", "the content is neither a workbook nor an HTML table: export it again")
        return encoding
    raise RejectedFile("unreadable", "the text of the page cannot be decoded: save it as UTF-8")


def _decoded(file: IO[bytes], encoding: str) -> Iterator[str]:
    with open(path_of(file), encoding=encoding, newline="") as characters:
        while chunk := characters.read(_CHUNK_BYTES):
            yield chunk


def _span(attributes: Mapping[str, str], name: str, most: int) -> int:
    """How far a cell reaches, as browsers read it: a number's leading digits, else 1, and within bounds."""
    digits = re.match(r"\s*(\d{1,9})", attributes.get(name) or "")
    return min(max(int(digits.group(1)), 1), most) if digits else 1


class _Section:
    """Rows below one parent. `spans` are the places [from, to) that cells above hold until a row, by `from`."""

    def __init__(self) -> None:
        self.row = -1
        self.spans: list[tuple[int, int, int]] = []
        self.opened: list[tuple[int, int, int]] = []
        self.until = _LONGEST

    def next_row(self, bounds: Bounds) -> None:
        self.row += 1
        if self.opened or self.row >= self.until:
            self.spans = sorted(s for s in self.spans + self.opened if s[2] > self.row)
            self.opened = []
            self.until = min((s[2] for s in self.spans), default=_LONGEST)
            if len(self.spans) > bounds.columns:
                raise too_many_columns(bounds)


class _Row:
    """An open row: `free` is where its next cell may go, `passed` counts the spans that begin left of that."""

    __slots__ = ("free", "number", "passed", "section")

    def __init__(self, section: _Section, number: int):
        self.section, self.number, self.free, self.passed = section, number, 0, 0

    def place(self, attributes: Mapping[str, str], bounds: Bounds) -> int:
        """The column of the next cell, by the algorithm of the HTML standard (section 4.9.12, forming a table)."""
        spans, column = self.section.spans, self.free
        while self.passed < len(spans) and spans[self.passed][0] <= column:
            column = max(column, spans[self.passed][1])
            self.passed += 1
        self.free = column + 1
        if attributes:
            self.free = column + _span(attributes, "colspan", _WIDEST)
            if (rows := _span(attributes, "rowspan", _LONGEST)) > 1:
                self.section.opened.append((column, self.free, self.section.row + rows))
                if len(self.section.opened) > bounds.columns:
                    raise too_many_columns(bounds)
        return column


class _Page:
    """What lxml's parser reports, gathered into filled cells: 0-based `rows` and `columns`, and `values`.

    A cell's text comes in `parts`. A cell that wraps whole tables is layout: their text, at `nested` among its
    parts, counts as its own only as far as a cell may go.
    """

    def __init__(self, bounds: Bounds):
        self.bounds = bounds
        self.rows, self.columns = array("q"), array("q")
        self.values: list[str] = []
        self.count = 0
        self.path: list[str] = []
        self.sections = [_Section()]
        self.row = _Row(self.sections[0], -1)
        self.outer_rows: list[_Row] = []
        self.column = 0
        self.parts: list[str] | None = None
        self.nested: list[int] = []
        self.checked_at = _PARTS
        self.outer_cells: list[tuple[list[str], int, list[int]]] = []
        self.hidden = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        path = self.path
        if tag == "td" or tag == "th":
            if path and path[-1] == "tr":
                if self.parts is not None:
                    self.outer_cells.append((self.parts, self.column, self.nested))
                    self.nested = []
                row = self.row
                if attributes or row.section.spans:
                    self.column = row.place(attributes, self.bounds)
                else:
                    self.column = row.free
                    row.free += 1
                self.parts = []
                self.checked_at = _PARTS
        elif tag == "tr":
            section = self.sections[-1]
            section.next_row(self.bounds)
            self.outer_rows.append(self.row)
            self.row = _Row(section, self.count)
            self.count += 1
        elif tag in _SECTIONS:
            self.sections.append(_Section())
        elif tag in _HIDDEN:
            self.hidden += 1
        elif tag == "br" or tag in _BLOCKS:
            self.data(" ")
        path.append(tag)

    def end(self, tag: str) -> None:
        path = self.path
        path.pop()
        if tag == "td" or tag == "th":
            if path and path[-1] == "tr" and self.parts is not None:
                self._close_cell(self.parts)
        elif tag == "tr":
            self.row = self.outer_rows.pop()
        elif tag in _SECTIONS:
            self.sections.pop()
        elif tag in _HIDDEN:
            self.hidden -= 1
        elif tag in _BLOCKS:
            self.data(" ")

    def data(self, text: str) -> None:
        parts = self.parts
        if parts is not None and not self.hidden:
            parts.append(text)
            if len(parts) > self.checked_at:
                self._text(parts)
                self.checked_at = 2 * len(parts)

    def close(self) -> None:
        pass

    def _close_cell(self, parts: list[str]) -> None:
        text = parts[0] if len(parts) == 1 and len(parts[0]) <= self.bounds.cell else self._text(parts)
        is_filled = text and not text.isspace()
        if is_filled:
            self.rows.append(self.row.number)
            self.columns.append(self.column)
            self.values.append(text)
        self.parts = None
        if self.outer_cells:
            self.parts, self.column, self.nested = self.outer_cells.pop()
            if is_filled:
                self.nested.append(len(self.parts))
                self.parts.append(text)

    def _text(self, parts: list[str]) -> str:
        """The text of the open cell. Raises RejectedFile when its own text alone is beyond the bound."""
        if sum(map(len, parts)) > self.bounds.cell:
            for place in self.nested:
                parts[place] = ""
            self.nested = []
        text = "".join(parts)
        if len(text) > self.bounds.cell:
            raise too_large(
                f"a cell of row {self.row.number + 1} holds more than {size_text(self.bounds.cell)}", "shorten it"
            )
        return text
