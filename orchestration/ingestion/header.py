"""Where a table's header is, and which canonical column each of its cells names (docs/landing-contract.md 1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orchestration.ingestion.cells import fold, header_as_listed, is_filled
from orchestration.ingestion.decode import RejectedFile, Sheet
from orchestration.sources import Column, Source

_MOST_UNKNOWN_LISTED = 50
_NUMBERING = re.compile(r"(\( ?\d+ ?\)|\d+)?( ?= ?[\d ()+*/:x×.,…%–-]+)?")


_Accepted = tuple[dict[str, list[str]], dict[str, list[tuple[str, str]]]]


@dataclass(frozen=True)
class Header:
    """Where each accepted name stands.

    `row` is 1-based, 0 for JSON. `found[column]` lists (accepted name, position), best name first; JSON records
    may spell one name in several ways. `unknown` is what may be shown of the other headers.
    """

    row: int
    width: int
    found: dict[str, list[tuple[str, int]]]
    unknown: list[str] = field(default_factory=list)
    has_numbering: bool = False

    def missing(self, source: Source) -> list[str]:
        return [c.name for c in source.columns if self.requires(c) and not self._has(c)]

    def requires(self, column: Column) -> bool:
        """Whether a row of this layout must fill the column."""
        return column.required and column.not_required_with not in self.texts

    def _has(self, column: Column) -> bool:
        names = {name for name, _ in self.found.get(column.name, [])}
        return bool(names - set(column.joined)) or (bool(column.joined) and names >= set(column.joined))

    @property
    def texts(self) -> set[str]:
        """Every accepted name that the header bears."""
        return {name for places in self.found.values() for name, _ in places}


def accepted_names(column: Column, *, is_json: bool = False) -> list[str]:
    """Every name of a column, best first; the keys of nested lists count in JSON alone."""
    rule = [column.json_rule.key] if column.json_rule and is_json else []
    return [column.name, *column.names, *column.sum_of, *column.joined, *column.implied_by, *rule]


def match(
    cells: list[str], source: Source, *, is_json: bool = False
) -> tuple[dict[str, list[tuple[str, int]]], list[str], list[str]]:
    """(found, unknown header texts, accepted names that stand twice). A name may serve several columns."""
    return _match(cells, *_accepted(source, is_json=is_json))


def _accepted(source: Source, *, is_json: bool = False) -> _Accepted:
    """The names of each column, best first, and the (column, name) that each folded name means."""
    order = {c.name: accepted_names(c, is_json=is_json) for c in source.columns}
    accepted: dict[str, list[tuple[str, str]]] = {}
    for column, names in order.items():
        for name in names:
            accepted.setdefault(fold(name), []).append((column, name))
    return order, accepted


def _match(
    cells: list[str], order: dict[str, list[str]], accepted: dict[str, list[tuple[str, str]]]
) -> tuple[dict[str, list[tuple[str, int]]], list[str], list[str]]:
    found: dict[str, list[tuple[str, int]]] = {}
    unknown, twice, seen = [], [], set()
    for position, cell in enumerate(cells):
        text = fold(str(cell))
        if not is_filled(str(cell)):
            continue
        if text not in accepted:
            unknown.append(" ".join(str(cell).split()))
            continue
        if text in seen:
            twice.append(accepted[text][0][1])
        seen.add(text)
        for column, name in accepted[text]:
            found.setdefault(column, []).append((name, position))
    for column, places in found.items():
        places.sort(key=lambda place: (order[column].index(place[0]), place[1]))
    return found, unknown, twice


def find(sheets: Iterable[Sheet], source: Source) -> tuple[Sheet, Header]:
    """The first row of the first sheet that bears every required column. Raises RejectedFile naming what lacks."""
    most, lacking = 0, []
    for sheet, header, twice in _candidates(sheets, source):
        missing = header.missing(source)
        if not missing:
            _check(sheet, twice)
            return sheet, header
        if len(header.found) > most:
            most, lacking = len(header.found), missing
    if most < 2:
        _refuse_cut(sheets)
        raise RejectedFile("no_header", "no header row with known column names: see the source's list of names")
    raise RejectedFile(
        "missing_column", f"the required column {', '.join(lacking)} is lacking: add it under one of its accepted names"
    )


def _candidates(sheets: Iterable[Sheet], source: Source) -> Iterator[tuple[Sheet, Header, list[str]]]:
    """Every row that names a column of the source, as a header, and which names it bears twice."""
    names = _accepted(source)
    for sheet in sheets:
        for index, cells in enumerate(sheet.head):
            found, unknown, twice = _match(cells, *names)
            if found:
                has_numbering = _numbered(sheet.head[index + 1 : index + 2])
                yield sheet, Header(index + 1, len(cells), found, _listed(unknown), has_numbering), twice


def _check(sheet: Sheet, twice: list[str]) -> None:
    if twice:
        raise RejectedFile("duplicate_header", f"the header {twice[0]!r} stands twice: keep one of the two columns")
    if sheet.broken:
        raise sheet.broken


def _refuse_cut(sheets: Iterable[Sheet]) -> None:
    """A file cut in its first lines has no header that could be found."""
    for sheet in sheets:
        if sheet.broken:
            raise sheet.broken


def find_keys(keys: list[str], source: Source, *, has_records: bool) -> Header:
    """The header of JSON records: positions in `keys`. Raises RejectedFile when no record has a required column."""
    found, unknown, _ = match(keys, source, is_json=True)
    nested = {fold(n.key) for n in source.nested}
    header = Header(0, len(keys), found, _listed([u for u in unknown if fold(u) not in nested]))
    if has_records and (lacking := header.missing(source)):
        raise RejectedFile(
            "missing_column", f"no record has the required column {', '.join(lacking)}: add it under an accepted name"
        )
    return header


def _listed(unknown: list[str]) -> list[str]:
    """Unknown headers for the report: what stands there may be a misplaced row, so little of it is shown."""
    shown = [header_as_listed(text) for text in unknown[:_MOST_UNKNOWN_LISTED]]
    more = len(unknown) - len(shown)
    return [*shown, f"… and {more} more"] if more else shown


def _numbered(rows: list[list[str]]) -> bool:
    filled = [" ".join(str(cell).split()) for row in rows for cell in row if is_filled(str(cell))]
    return bool(filled) and all(_NUMBERING.fullmatch(t) for t in filled)
