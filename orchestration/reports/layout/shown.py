"""Figures and texts as a Vietnamese reader sees them; nothing in a text can leave its cell or turn the line."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from orchestration.plain import visible

MISSING = "–"
_LONGEST, _LEAST = 160, 0.01


class English(str):
    """Text of the code's own language, as reviewed files and tests of models have it; marked as such on the page."""


def shown(value: Any) -> str:
    """A value as text: dots between thousands, a comma for decimals, days as dd/MM/yyyy; a long text is cut."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, int):
        return f"{value:,}".replace(",", ".")
    if isinstance(value, (float, Decimal)):
        if 0 < value < _LEAST:
            return "< 0,01"
        return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    text = str(value)
    return visible(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
