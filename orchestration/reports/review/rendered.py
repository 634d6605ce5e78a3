"""A page as HTML: one file that opens from anywhere, with no script and nothing from the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from orchestration.reports.layout import environment
from orchestration.reports.layout.shown import MISSING, English, shown
from orchestration.reports.review.parts import Page, Table

_FIGURE = re.compile(r"[+-]?\d{1,3}(\.\d{3})*(,\d+)?( %| VND)?")


def rendered(page: Page, workbooks: Mapping[str, str]) -> str:
    """The page's text; offices in `workbooks` are linked to theirs, of which it gives the names."""
    templates = environment(Path(__file__).parent)
    templates.filters["shown"] = shown
    templates.filters["figures"] = _figures
    templates.tests["english"] = lambda value: isinstance(value, English)
    return templates.get_template("page.j2").render(page=page, workbooks=workbooks)


def _figures(table: Table) -> list[bool]:
    """Of each column, whether its digits stand one below the other: figures and nothing else, some of them known."""
    columns = [[shown(row.cells[at]) for row in table.rows] for at in range(len(table.headers))]
    known = [[text for text in column if text != MISSING] for column in columns]
    return [bool(texts) and all(map(_FIGURE.fullmatch, texts)) for texts in known]
