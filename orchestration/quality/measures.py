"""What is measured of each source's nights: one value a row, from bounded aggregates over the lake.

A night of a source is a day on which its exports were stamped; what is measured of it stands in the lake alone, so
that any night can be measured at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

import duckdb
import pandas as pd
import pyarrow as pa

from orchestration.lake.files import LakeFile
from orchestration.sources import Column, Source, all_sources
from orchestration.sql import exactly, literal, quoted

# How many nights before it a night's volume is compared with, and how many of them there must be.
USUAL_NIGHTS, LEAST_NIGHTS = 30, 5
# Of how many rows a night must be for its shares to say what is usual.
LEAST_ROWS = 100


class Measure(NamedTuple):
    """A value of one source's night. `measure`:

    - `rows`: rows read;
    - `rejected_share` of the rows read; `rejected_as`: by `item`, reason and column, as a share of the rows read;
    - of the `rows` accepted: `missing_share` by column, `share` by code (`channel=online`) and flag,
      `repeated_key_share` (rows beyond the first of their key in one export), `flagged_share` by rule.

    `usual` is the median of the nights before for `rows`, the former night's value for shares; missing where too little
    is known, and for `flagged_share`: a row shown again since bears its flag no more. A share is from 0 to 1.
    """

    source: str
    night: date
    measure: str
    item: str
    rows: int
    value: float
    usual: float | None = None


COLUMNS = Measure._fields
Nights = dict[str, dict[date, list[LakeFile]]]


def nights_of(files: Iterable[LakeFile]) -> Nights:
    """The accepted files of each source by the day they were exported, oldest first."""
    found: dict[str, dict[date, list[LakeFile]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted((f for f in files if f.status == "accepted" and f.stamp), key=lambda f: str(f.stamp)):
        if file.source and file.stamp:
            found[file.source][file.stamp.date()].append(file)
    return found


def newest_nights(con: duckdb.DuckDBPyConnection, files: Iterable[LakeFile]) -> pd.DataFrame:
    """The frame `source_nights`: every measure of each source's newest night, beside what is usual for it.

    Two nights are read of each source, whatever the lake holds. `con` sees the warehouse's `marts.dq_flags`.
    """
    nights = nights_of(files)
    newest = {s: max(of) for s, of in nights.items()}
    volumes = [m for s, of in nights.items() for m in _volumes(s, of)]
    measured = _beside_former(measured_nights(con, {s: dict(list(of.items())[-2:]) for s, of in nights.items()}))
    return to_frame([m for m in [*volumes, *measured] if m.night == newest[m.source]])


def every_night(con: duckdb.DuckDBPyConnection, files: Iterable[LakeFile]) -> pd.DataFrame:
    """The frame `source_nights` of every night of every source; the whole lake is read."""
    nights = nights_of(files)
    volumes = [m for s, of in nights.items() for m in _volumes(s, of)]
    return to_frame([*volumes, *_beside_former(measured_nights(con, nights))])


def _beside_former(measured: list[Measure]) -> list[Measure]:
    """What was measured of nights, each beside the night before it of the same source."""
    known = {(m.source, m.night, m.measure, m.item): m for m in measured}
    days = {s: sorted({m.night for m in measured if m.source == s}) for s in {m.source for m in measured}}
    former = {(s, night): before for s, of in days.items() for before, night in pairwise(of)}

    def beside(m: Measure) -> Measure:
        night = former.get((m.source, m.night))
        before = night and known.get((m.source, night, "rejected_share", ""))
        if not before or before.rows < LEAST_ROWS or m.measure == "flagged_share":
            return m
        same = known.get((m.source, before.night, m.measure, m.item))
        return m._replace(usual=same.value if same else 0.0)  # nothing was rejected so

    return [beside(m) for m in measured]


def to_frame(measures: list[Measure]) -> pd.DataFrame:
    """Measures as a frame in the order of their names; `night` a time stamp, values as float64."""
    frame = pd.DataFrame(measures, columns=list(COLUMNS)).sort_values(list(COLUMNS[:4]), ignore_index=True)
    frame["night"] = pd.to_datetime(frame["night"])
    return frame.astype({"rows": "int64", "value": "float64", "usual": "float64"})


def _volumes(source: str, nights: dict[date, list[LakeFile]]) -> Iterator[Measure]:
    """How much came in each night."""
    rows = [sum(f.rows_read for f in files) for files in nights.values()]
    for at, day in enumerate(nights):
        usual = median(rows[max(0, at - USUAL_NIGHTS) : at]) if at >= LEAST_NIGHTS else None
        yield Measure(source, day, "rows", "", rows[at], rows[at], usual)


def measured_nights(con: duckdb.DuckDBPyConnection, nights: Nights) -> list[Measure]:
    """What is measured of the content of nights: one statement a source, one for the flags of all."""
    found: list[Measure] = []
    accepted: dict[tuple[str, date], int] = {}
    for name, of in sorted(nights.items()):
        source = all_sources().get(name)
        paths = [f.path for files in of.values() for f in files if f.rows_read]
        if source is None or not paths:
            continue
        items = list(_items(source))
        listed = ", ".join(literal(exactly(Path(p))) for p in paths)
        for night, read, rows, refused, *counts in con.execute(
            "select cast(export_stamp as date) as night, count(*), count(*) filter (reject_reason is null), "
            "histogram(reject_reason || coalesce(' ' || reject_column, '')) filter (reject_reason is not null)"
            + "".join(f", {sql}" for _, _, sql in items)
            + f" from read_parquet([{listed}]) group by night"
        ).fetchall():
            accepted[name, night] = rows
            found.append(Measure(name, night, "rejected_share", "", read, (read - rows) / read))
            found += [Measure(name, night, "rejected_as", why, read, n / read) for why, n in (refused or {}).items()]
            if rows:
                found += [
                    Measure(name, night, measure, item, rows, count / rows)
                    for (measure, item, _), count in zip(items, counts, strict=True)
                ]
    return [*found, *_flagged(con, nights, accepted)]


def _items(source: Source) -> Iterator[tuple[str, str, str]]:
    """(measure, item, count of accepted rows) of a source's rows, in SQL."""
    key = ", ".join(quoted(source.column(k).stored_name) for k in source.key)
    yield (
        "repeated_key_share",
        "",
        f"count(*) filter ({_ACCEPTED}) - count(distinct hash(export_stamp, {key})) filter ({_ACCEPTED})",
    )
    for column in source.columns:
        if column.kind == "dropped" or column.name in source.key:
            continue
        name = quoted(column.stored_name)
        if not column.required:
            yield "missing_share", column.stored_name, f"count(*) filter ({_ACCEPTED} and {name} is null)"
        if column.kind == "flag":
            yield "share", column.name, f"count(*) filter ({_ACCEPTED} and {name})"
        for code in _codes(column):
            yield "share", f"{column.name}={code}", f"count(*) filter ({_ACCEPTED} and {name} = {literal(code)})"


_ACCEPTED = "reject_reason is null"


def _codes(column: Column) -> list[str]:
    """The meanings that a code list can have; none where it keeps what it does not know."""
    if column.kind != "list" or column.otherwise == "*":
        return []
    numbered = [*column.numbered.values, column.numbered.otherwise] if column.numbered else []
    meant = [*column.values, column.otherwise, *numbered]
    return list(dict.fromkeys(code for code in meant if code))


def _flagged(
    con: duckdb.DuckDBPyConnection, nights: Nights, accepted: dict[tuple[str, date], int]
) -> Iterator[Measure]:
    """Of the rows that each night brought, those whose entity a rule flags as it stands now."""
    files = [(s, f.source_file, night) for s, of in nights.items() for night, fs in of.items() for f in fs]
    if not files:
        return
    con.register(
        "measured_files", pa.table(dict(zip(("source", "source_file", "night"), zip(*files, strict=True), strict=True)))
    )
    for source, night, rule, count in con.execute(
        "select flags.source, night, rule_code, count(*) from marts.dq_flags as flags "
        "join measured_files as files on flags.source = files.source and flags.source_file = files.source_file "
        "group by all"
    ).fetchall():
        if rows := accepted.get((source, night)):
            yield Measure(source, night, "flagged_share", rule, rows, count / rows)
    con.unregister("measured_files")
