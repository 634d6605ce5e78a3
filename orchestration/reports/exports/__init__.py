"""Tables and KPIs as files for others: CSV and XLSX in which no cell computes, Parquet. DuckDB writes them, set-wise.

`asked` says which rows, `written` how they become a file, `sheet` how a workbook is made of them. No export names a
person: pseudonyms are left out, figures of few persons withheld (docs/decisions/0027-the-analysts-door.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestration.publishing.releases import Release, open_release
from orchestration.reports.exports.asked import Filters, relation
from orchestration.reports.exports.written import drafts, require_place, write


@dataclass(frozen=True)
class Exported:
    """How many rows were written, and how many of their figures were withheld."""

    rows: int
    withheld: int


def export(release: Release, names: tuple[str, ...], filters: Filters, out: Path, replace: bool = False) -> Exported:
    """Write a table, or KPIs, to a file whose ending says its format.

    Raises UsageError for names that are not there, filters that they do not have, a place that is taken or cannot be
    written, and more rows than a sheet holds.
    """
    require_place(out, replace)
    with open_release(release, may_write=drafts(out)) as con:
        asked = relation(con, release, names, filters)
        withheld = 0
        if asked.withheld:
            con.execute(f"create temp table exported as {asked.sql}")
            [(withheld,)] = con.execute(f"select count(*) filter ({asked.withheld}) from exported").fetchall()
        rows = write(con, "from exported" if asked.withheld else asked.sql, asked.headings, out, replace)
    return Exported(rows, withheld)


__all__ = ["Exported", "Filters", "export"]
