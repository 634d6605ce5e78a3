"""The history of one dossier, told in order: what showed it, what changed, as what it counted, what was found of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import UsageError
from orchestration.home import Home
from orchestration.ingestion.cells import tidied
from orchestration.lake.store import Lake
from orchestration.publishing.releases import Release, open_release
from orchestration.sql.engine import CLOSED

COLUMNS = ("at", "entry", "what", "before", "after", "source_file", "row_number")
SOURCE = "dossiers"
# What happened at one time is told in this order.
ENTRIES = ("exported", "changed", "counted", "flagged", "rejected", "restated", "portal")

_OF_VERSIONS = """
    select
        known_from as at, 'changed' as entry, column_name as what,
        case when personal_data_class = 'none' or before is null then before else '(not shown)' end as before,
        case when personal_data_class = 'none' or after is null then after else '(not shown)' end as after,
        source_file, row_number
    from marts.dossier_changes($dossier, $as_of)
    left join (
        select column_name, personal_data_class
        from marts.data_dictionary
        where table_schema = 'marts' and table_name = 'fct_dossier_versions'
    ) as described using (column_name)
    union all
    select greatest(known_from, counted_on), 'counted', null, former, counts, source_file, row_number
    from (
        select *, lag(counts) over (order by known_from, counted_on) as former
        from (
            select *, bucket || coalesce(', ' || timeliness, '') as counts
            from marts.dossier_counted($dossier, $as_of)
        )
    )
    where counts is distinct from former
"""
_FOUND = """
    select null::timestamp as at, 'flagged' as entry, rule_code || ': ' || detail as what,
        null as before, null as after, source_file, null::bigint as row_number
    from marts.dq_flags
    where entity_code = $dossier
    union all
    select
        null, 'rejected', concat_ws(' ', source, column_name) || ': ' || reason_code,
        null, null, source_file, row_number
    from marts.dq_rejected_rows
    where raw_row ->> 'dossier_code' = $dossier
    union all
    select
        known_from, 'restated',
        concat_ws(' ', period_type, period_start, 'as reported by', first_release_id) || ': ' || reason_code,
        concat_ws(', ', bucket_before, timeliness_before), concat_ws(', ', bucket_after, timeliness_after),
        source_file, null
    from marts.restatements
    where dossier_code = $dossier
    union all
    select null, 'portal', difference, here, portal, null, null
    from marts.dq_portal_differences
    where dossier_code = $dossier
"""


def history(release: Release, home: Home, dossier: str) -> list[dict[str, Any]]:
    """Everything that a release knows of one dossier, oldest first; each entry has COLUMNS.

    `at` is the stamp of the export that told it; of a count the day on which it began, where that was later. What has
    no stamp stands last: where the office's value (`before`) and the portal's (`after`) differ as of the release.
    `exported` is left out where this account may not read the lake. What is personal is said to have changed, and not
    shown. Raises UsageError for a dossier that no row names.
    """
    with open_release(release) as con:
        # As a cell is read, however it was pasted.
        [(dossier,)] = con.execute(f"select {tidied('$pasted')}", {"pasted": dossier}).fetchall()
        asked = {"dossier": dossier}
        entries = _rows(con.execute(_OF_VERSIONS, asked | {"as_of": release.as_of})) + _rows(con.execute(_FOUND, asked))
    if not entries:
        raise UsageError(
            f"no row of {release.release_id} names the dossier {dossier!r}: write its code as the exports do"
        )
    stamps = {s["source_file"]: s["export_stamp"] for s in release.manifest["sources"] if s["export_stamp"]}
    for entry in entries:
        if entry["at"] is None and entry["source_file"] in stamps:
            entry["at"] = datetime.fromisoformat(stamps[entry["source_file"]])
    entries += _exports(release, home, dossier)
    return sorted(entries, key=_place)


def _exports(release: Release, home: Home, dossier: str) -> list[dict[str, Any]]:
    """The rows of the lake that showed it, of the files that the release counts."""
    counted = {s["source_file"]: s["sha256"] for s in release.manifest["sources"] if s["source"] == SOURCE}
    try:
        files = Lake(home.lake).files()
    except PermissionError:
        return []
    paths = [f.path for f in files if f.source == SOURCE and counted.get(f.source_file) == f.sha256]
    readable = [path for path in paths if path and Path(path).exists()]
    if not readable:
        return []
    with duckdb.connect(config=CLOSED | dict(release.limits)) as con:
        return _rows(
            con.execute(
                "select export_stamp as at, 'exported' as entry, null as what, null as before, null as after, "
                "source_file, row_number from read_parquet($paths) "
                "where dossier_code = $dossier and reject_reason is null",
                {"paths": readable, "dossier": dossier},
            )
        )


def _rows(answered: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in answered.fetchall()]


def _place(entry: dict[str, Any]) -> tuple[Any, ...]:
    known_at, file, row = entry["at"] or datetime.max, entry["source_file"] or "", entry["row_number"] or 0
    return known_at, ENTRIES.index(entry["entry"]), file, row, entry["what"] or ""
