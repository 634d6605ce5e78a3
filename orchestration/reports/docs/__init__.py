"""What a release holds and means, for a newcomer: home page, KPI catalogue, data dictionary, lineage.

`content` reads the release, the templates show it, `lineage` is dbt's own documentation as one file; nothing here
counts a figure of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.files import write_text
from orchestration.publishing.tables import PublishedTable

HOME, KPIS, DICTIONARY, LINEAGE = "index.html", "kpis.html", "dictionary.html", "lineage.html"


def write_docs(
    con: duckdb.DuckDBPyConnection,
    target: Path,
    release_id: str,
    as_of: date,
    tables: Sequence[PublishedTable],
    manifest: Mapping[str, Any],
) -> Path:
    """Write the pages into a new folder, and give the home page's path.

    `con` has the release as its default database, `manifest` is dbt's. The same release gives the same bytes.
    """
    from orchestration.reports.docs.content import content
    from orchestration.reports.docs.lineage import lineage
    from orchestration.reports.layout import environment
    from orchestration.reports.layout.shown import shown

    target.mkdir(parents=True)
    templates = environment(Path(__file__).parent)
    templates.filters["shown"] = shown
    said = content(con, release_id, as_of, tables)
    for name in (HOME, KPIS, DICTIONARY):
        write_text(target / name, templates.get_template(name.replace(".html", ".j2")).render(said))
    write_text(target / LINEAGE, lineage(con, manifest))
    return target / HOME


__all__ = ["HOME", "write_docs"]
