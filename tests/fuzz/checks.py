"""What must hold of every file, whatever its bytes; what is wrong of one in a line each, nothing when all holds."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from orchestration.sources import Column, all_sources
from tests.fuzz.cases import STAMP, Case
from tests.fuzz.reading import Made, Outcome, pseudonym
from tests.fuzz.tables import NAME, NUMBER
from tests.support import cells, declared
from tests.support.reading import FileRejected, RejectedRow, export_stamp, read_file

_SLOW_SECONDS = 20.0  # of a processor's time, for files that are all small
_GROUPED = re.compile(rf"[\s\u200b{re.escape(''.join(cells.GROUPING))}]")
# What the independent reading calls a rejection, and what the product may call it.
_REASONS = {
    "empty_file": {"empty"},
    "missing_column": {"missing_column", "no_header"},
    "unreadable": {"unreadable"},
    "truncated": {"truncated"},
    "duplicate_header": {"duplicate_header"},
    "shifted": {"shifted"},
    "encrypted": {"encrypted"},
}


def wrong(case: Case, outcome: Outcome) -> list[str]:
    """Every promise that this outcome breaks, with a first word that names the promise."""
    if outcome.fault:
        return [outcome.fault]
    found = [*_counts(case, outcome), *_leaks(case, outcome)]
    if outcome.seconds > _SLOW_SECONDS:
        found.append(f"slow: {outcome.seconds:.0f} s")
    if not found and case.judged and case.source in declared.SOURCES:
        found += _unlike(case, outcome)
    return found


def _counts(case: Case, outcome: Outcome) -> Iterator[str]:
    own = outcome.made[0].says
    if own["status"] == "rejected":
        if not own["reason_code"] or not own["detail"] or outcome.made[0].rows:
            yield "counts: rejected without a reason, or with rows"
        if case.is_sound and own["reason_code"] != "shifted":
            yield f"lost: a sound file is rejected, {own['reason_code']}: {own['detail']}"
        return
    if own["rows_read"] > case.most:
        yield f"counts: {own['rows_read']} rows read of at most {case.most}"
    if case.rows is not None and own["rows_read"] != case.rows:
        yield f"lost: {own['rows_read']} rows read of {case.rows}"
    for made in outcome.made:
        says = made.says
        if says["rows_read"] != says["rows_accepted"] + says["rows_rejected"]:
            yield "counts: read is not accepted and rejected"
        refused = made.columns.index("reject_reason")
        kept = [sum(row[refused] is None for row in made.rows), sum(row[refused] is not None for row in made.rows)]
        if kept != [says["rows_accepted"], says["rows_rejected"]]:
            yield f"counts: the lake file holds {kept}"
        numbers = [row[made.columns.index("row_number")] for row in made.rows]
        if not says["is_nested"] and len(set(numbers)) != len(numbers):
            yield "counts: a row number stands twice"


def _leaks(case: Case, outcome: Outcome) -> Iterator[str]:
    def look(place: str, value: object, *, name: bool = True) -> Iterator[str]:
        text = "" if isinstance(value, dt.date | bool | None) else str(value)
        if NUMBER[1:] in _GROUPED.sub("", text):
            yield f"leak: a number in {place}"
        if name and NAME in text:
            yield f"leak: a name in {place}"

    for made in outcome.made:
        for key, value in made.says.items():
            yield from look(key, value)
        source = all_sources().get(made.says["source"] or "")
        if source is None:
            continue
        stored = {c.stored_name: c for c in source.columns}
        columns = {c.name: c for c in source.columns}
        for row in made.rows:
            for name, value in zip(made.columns, row, strict=True):
                if name == "raw_row":
                    for key, shown in json.loads(value or "{}").items():
                        if columns[key].is_personal:
                            yield f"leak: the raw row keeps {key}"
                        if not _may_bear(columns[key]):
                            yield from look(f"the raw row's {key}", shown, name=_tells(columns[key]))
                elif (column := stored.get(name)) and column.personal == "pseudonym":
                    if value is not None and not re.fullmatch("[0-9a-f]{32}", value):
                        yield f"leak: {name} is no pseudonym"
                elif not column or not _may_bear(column):
                    yield from look(name, value, name=_tells(column))


def _may_bear(column: Column) -> bool:
    """Codes are kept whole, and an amount is a number like another; damage may put any cell there."""
    return column.kind in ("code", "money", "decimal")


def _tells(column: Column | None) -> bool:
    """Whether a name there has got past its own column: a text may speak of a person, its numbers masked."""
    return not (column and column.may_hold_text)


# ------------------------------------------------------------ the independent reading


def _unlike(case: Case, outcome: Outcome) -> Iterator[str]:
    """How the product's outcome differs from what the independent reading makes of the same table."""
    extension, data = case.judged or ("", b"")
    stamp = export_stamp(case.name)
    assert stamp is not None and STAMP
    own = outcome.made[0].says
    try:
        accepted, rejected = read_file(case.source, case.source_file, stamp, extension, data)
    except FileRejected as why:
        if own["status"] != "rejected" or own["reason_code"] not in _REASONS[str(why)]:
            yield f"judged: {own['reason_code'] or own['status']}, {why} by the independent reading"
        return
    if own["status"] == "rejected":
        yield f"judged: {own['reason_code']}, accepted by the independent reading: {own['detail']}"
        return
    for made in outcome.made:
        source = made.says["source"]
        mine = [dict(zip(made.columns, row, strict=True)) for row in made.rows]
        want = sorted((r.row_number, r.column or None) for r in rejected if r.source == source)
        got = sorted((r["row_number"], r["reject_column"]) for r in mine if r["reject_reason"])
        if want != got:
            yield f"judged: {_named(source)}rejected rows {got}, by the independent reading {want}"
            continue
        reasons = {(r["row_number"], r["reject_column"]): r["reject_reason"] for r in mine if r["reject_reason"]}
        yield from _unlike_reasons(source, reasons, [r for r in rejected if r.source == source])
        yield from _unlike_values(made, mine, [o for o in accepted if o.source == source])


def _named(source: str) -> str:
    return f"{source}: "


def _unlike_reasons(source: str, reasons: dict, rejected: list[RejectedRow]) -> Iterator[str]:
    for row in rejected:
        got = reasons[row.row_number, row.column or None]
        kind = next((c.kind for c in all_sources()[source].columns if c.name == row.column), "")
        want = {"unknown_code": "unknown_value"}.get(row.reason, row.reason)
        if got != want and not (kind in ("flag", "list") and {got, want} == {"unknown_value", "unreadable"}):
            yield f"judged: {row.column} {got}, by the independent reading {want}"


def _unlike_values(made: Made, mine: list[dict[str, Any]], accepted: list) -> Iterator[str]:
    rows = sorted((r for r in mine if not r["reject_reason"]), key=lambda r: r["row_number"])
    wanted = sorted(accepted, key=lambda o: (o.row_number, o.place))
    numbers = [r["row_number"] for r in rows], [o.row_number for o in wanted]
    if numbers[0] != numbers[1]:
        yield f"judged: accepted rows {numbers[0]}, by the independent reading {numbers[1]}"
        return
    for row, observed in zip(rows, wanted, strict=True):
        for column in all_sources()[made.says["source"]].columns:
            if column.kind in ("dropped", "list") or column.name not in observed.values:
                continue
            want, got = observed.values[column.name], row[column.stored_name]
            if not _alike(column, want, got, row):
                yield f"judged: {column.name} of row {row['row_number']} is {got!r}, by the independent reading {want!r}"


def _alike(column: Column, want: Any, got: Any, row: dict[str, Any]) -> bool:
    if want is None or got is None:
        # Where the registry knows only a year, or an agency follows from the code: rules that lie behind the lake.
        return want is got or column.kind == "partial_date" or column.name in ("agency_code", "commune_code")
    if column.kind == "identity":
        return got == pseudonym(want)
    if column.kind in ("time", "date", "partial_date"):
        return str(want)[:10] == str(got)[:10] if column.kind != "time" else abs(want - got) < dt.timedelta(seconds=1)
    if column.kind == "decimal":
        return math.isclose(want, got, rel_tol=1e-9)
    return want == got
