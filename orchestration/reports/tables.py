"""Tables: for a person as wide as the terminal, numbers as Vietnamese readers write them; for a machine as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from orchestration.plain import visible
from orchestration.reports.figures import Kpi, rounded

_MISSING = "-"
_GAP = "  "
_NARROWEST = 12  # so much is left of a text that is cut

_NUMBERS = (int, float, Decimal)

Row = Sequence[Any]


def plain(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Every value as it is, in one line a row."""
    lines = [list(columns), *([_text(value) for value in row] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        yield _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def shown(columns: Sequence[str], rows: Sequence[Row], wide: int, dots_from: int = 1_000) -> Iterator[str]:
    """The same for a person: numbers at the right, dots between thousands of those that large; long texts cut."""
    kinds = [{type(value) for value in values if value is not None} for values in zip(*rows, strict=True)]
    numbers = [all(issubclass(kind, _NUMBERS) and kind is not bool for kind in found) for found in kinds]
    texts = [str in found for found in kinds]
    lines = [[number(value, dots_from) if _is_number(value) else _text(value) for value in row] for row in rows]
    return fitted(columns, lines, numbers, texts, wide)


def of_figures(found: Sequence[dict[str, Any]], described: Mapping[str, Kpi], wide: int) -> Iterator[str]:
    """KPIs for a person, rows of `figures`: each with its name, its value as people read it, and its unit."""
    if not found:
        return iter(["nothing counted"])
    has_scopes = any(row["scope_type"] != "province" for row in found)
    columns = [*(["scope"] if has_scopes else []), "KPI", "name", "value", "unit"]
    lines = []
    for row in found:
        kpi = described[row["kpi_code"]]
        value = rounded(row, kpi.kind)
        scope = [f"{row['scope_type']}={row['scope_code']}"] if has_scopes else []
        told = _MISSING if value is None else number(value)
        lines.append([*map(visible, scope), row["kpi_code"], visible(kpi.name_vi), told, kpi.shown_in])
    at_right = [name == "value" for name in columns]
    return fitted(columns, lines, at_right, [name == "name" for name in columns], wide)


def fitted(
    columns: Sequence[str],
    lines: Sequence[Sequence[str]],
    at_right: Sequence[bool],
    may_be_cut: Sequence[bool],
    wide: int,
) -> Iterator[str]:
    """Texts as a table that wide; where not even the beginnings fit side by side, a block a row."""
    widths = [max(map(len, cells)) for cells in zip(columns, *lines, strict=True)]
    room = wide - len(_GAP) * (len(columns) - 1)
    while sum(widths) > room:
        longest = max(range(len(widths)), key=lambda n: (may_be_cut[n], widths[n]))
        if not may_be_cut[longest] or widths[longest] <= _NARROWEST:
            return _blocks(columns, lines, wide)
        widths[longest] -= 1
    return (
        _GAP.join(
            _cut(text, width).rjust(width) if is_right else _cut(text, width).ljust(width)
            for text, width, is_right in zip(line, widths, at_right, strict=True)
        ).rstrip()
        for line in (columns, *lines)
    )


def number(value: int | float | Decimal, dots_from: int = 1_000) -> str:
    """Dots between thousands, a comma for decimals: `386.797`, `97,44`."""
    text = f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    text = text.translate(str.maketrans(",.", ".,"))
    return text if abs(float(value)) >= dots_from else text.replace(".", "")


def _blocks(columns: Sequence[str], lines: Sequence[Sequence[str]], wide: int) -> Iterator[str]:
    names = max(map(len, columns))
    for place, line in enumerate(lines, start=1):
        yield f"-- {place}"
        for name, text in zip(columns, line, strict=True):
            yield f"{name.ljust(names)}{_GAP}{_cut(text, max(wide - names - len(_GAP), _NARROWEST))}"


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return _MISSING if value is None else visible(value)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
