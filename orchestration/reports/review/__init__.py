"""The review of a release: one Vietnamese page, a workbook for each office to correct, figures for the pages to come.

`texts.yml` says what codes are called, `findings` whose a finding is, `content` which `sections` the page has,
`page.j2` how it looks, `workbooks` what offices get; nothing here counts a figure of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.files import write_text
from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.quality.verdict import Waiver
from orchestration.reports.review.parts import Former, Subject
from orchestration.reports.review.release import FORMER_SHOWN

PAGE, SUMMARY, OFFICES = "index.html", "summary.json", "offices"


def write_review(
    con: duckdb.DuckDBPyConnection,
    target: Path,
    subject: Subject,
    former: Sequence[Former] = (),
    waivers: Sequence[Waiver] = (),
) -> Path:
    """Write `index.html`, `summary.json` and `offices/<agency code>.xlsx` into a new folder, and give the page's path.

    `con` has the release as its default database, read-only or not; temporary tables are made in it. `former` are the
    releases before, oldest first. The same release, former ones and waivers give the same bytes.
    """
    from orchestration.reports.review.content import page
    from orchestration.reports.review.findings import prepare
    from orchestration.reports.review.rendered import rendered
    from orchestration.reports.review.summary import summarised
    from orchestration.reports.review.workbooks import write_workbooks

    target.mkdir(parents=True)
    prepare(con)
    summary = summarised(con, subject)
    offices = write_workbooks(con, target / OFFICES, subject, waivers)
    write_text(target / SUMMARY, json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    write_text(target / PAGE, rendered(page(con, subject, summary, former, waivers), offices))
    return target / PAGE


def former_releases(home: Home, subject: Subject) -> list[Former]:
    """The last releases that stand in a home and were published before, of no later day, oldest first; one without a
    summary is left out."""
    found: list[Former] = []
    for release in releases.newest_first(home):
        if release.release_id != subject.release_id and release.as_of <= subject.as_of:
            summary = _summary(release.path / releases.REVIEW / SUMMARY)
            if summary is not None:
                files = frozenset((f["source_file"], f["sha256"]) for f in release.manifest["sources"])
                found.insert(0, Former(summary, files))
        if len(found) == FORMER_SHOWN:
            break
    return found


def _summary(path: Path) -> dict[str, Any] | None:
    from orchestration.reports.review.summary import FORMAT

    try:
        summary = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return summary if isinstance(summary, dict) and summary.get("format") == FORMAT else None


__all__ = ["Former", "Subject", "former_releases", "write_review"]
