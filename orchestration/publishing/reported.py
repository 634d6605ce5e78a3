"""What was published when, kept for ever beside the releases: each period's first report outlives the release.

One entry a release, in order of publication, in an append-only chained list. A run that died after publication left
no entry: the next one makes it from the release itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.chained import Chain
from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.publishing.releases import Release

_REMEDY = "restore it from a backup, or move it aside: the next night begins it anew with the releases that are kept"

_SAID = ("release_id", "as_of", "reported_from")


@dataclass(frozen=True)
class Report:
    """A published release: it reported every month, quarter and year that holds a day from `reported_from` on and was
    over on `as_of`. `number` counts publications."""

    number: int
    release_id: str
    as_of: date
    reported_from: date


def record_of(home: Home) -> Chain:
    return Chain(home.reported, "the record of what was reported", _REMEDY)


def reports(home: Home) -> list[Report]:
    """Every report ever made from the home, oldest first, as recorded. Raises CchcError for a damaged record."""
    return [
        Report(
            entry["sequence"],
            entry["release_id"],
            date.fromisoformat(entry["as_of"]),
            date.fromisoformat(entry["reported_from"]),
        )
        for entry in record_of(home).entries
    ]


def entries(home: Home) -> list[dict[str, str]]:
    """Every report in the words in which it is recorded, for a home in which they are repeated."""
    return [{key: entry[key] for key in _SAID} for entry in record_of(home).entries]


def repeat(home: Home, said: list[dict[str, str]]) -> None:
    """Record in a new home what another one reported."""
    record_of(home).append(said)


def complete(home: Home) -> list[Report]:
    """Record every release that stands in the home and is not recorded yet; gives all reports.

    Raises CchcError for a damaged record.
    """
    record = record_of(home)
    known = {entry["release_id"] for entry in record.entries}
    new = [
        (found, first)
        for found in releases.published(home)
        if found.release_id not in known and (first := _first(found))
    ]
    record.append(
        {"release_id": found.release_id, "as_of": found.as_of.isoformat(), "reported_from": first.isoformat()}
        for found, first in new
    )
    return reports(home)


def _first(release: Release) -> date | None:
    """The first month that a release reports; None where its figures cannot be read."""
    try:
        with duckdb.connect() as con:
            [(first,)] = con.execute(
                "select min(period_start) from read_parquet($path) where period_type = 'month'",
                {"path": str(release.path / "parquet" / "kpi_values.parquet")},
            ).fetchall()
    except duckdb.Error:
        return None
    return first
