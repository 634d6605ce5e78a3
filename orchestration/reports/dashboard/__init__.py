"""The dashboard of a release: one Vietnamese page that opens from anywhere, offline, with all its figures in it.

`dashboard.yml` says what stands on it and how charts are drawn, `content` reads the figures of the release, `page.j2`,
`page.css` and `page.js` show them, `grammar` gives the script of the charts; nothing here counts a figure of its own.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from orchestration.files import write_text

PAGE = "index.html"


def write_dashboard(con: duckdb.DuckDBPyConnection, target: Path, release_id: str, as_of: date) -> Path:
    """Write `index.html` into a new folder, and give its path.

    `con` has the release as its default database, read-only or not; temporary tables are made in it. The same release
    gives the same bytes.
    """
    from orchestration.reports.dashboard.content import content
    from orchestration.reports.dashboard.rendered import rendered

    target.mkdir(parents=True)
    write_text(target / PAGE, rendered(content(con, release_id, as_of)))
    return target / PAGE


__all__ = ["PAGE", "write_dashboard"]
