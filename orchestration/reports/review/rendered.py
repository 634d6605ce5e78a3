"""A page as HTML: one file that opens from anywhere, with no script and nothing from the network."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.reports.review.content import Page
from orchestration.reports.review.shown import English, shown


def rendered(page: Page, workbooks: Collection[str]) -> str:
    """The page's text; offices in `workbooks` are linked to theirs."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["shown"] = shown
    environment.tests["english"] = lambda value: isinstance(value, English)
    return environment.get_template("page.j2").render(page=page, workbooks=frozenset(workbooks))
