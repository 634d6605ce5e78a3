"""The state of a home as data: releases, verdict, last run, freshness, what blocks, what was rejected, what to do."""

from __future__ import annotations

from typing import Any

from orchestration.audit import Audit
from orchestration.errors import CchcError, ReleaseDamaged, told
from orchestration.home import PURGE_UNFINISHED, Home
from orchestration.lake.counting import counted, losses
from orchestration.lake.decisions import Decision
from orchestration.lake.files import Content, LakeFile
from orchestration.lake.store import Lake
from orchestration.publishing import releases
from orchestration.publishing.releases import Release
from orchestration.quality.reviewed import load_thresholds

_AUDITED = 10
_FRESHNESS = (
    "source", "newest_export_at", "days_since_newest_export", "files_known", "rows_accepted",
    "freshness", "late_by_days", "rhythm_unit",
)  # fmt: skip


def status(home: Home, last: int = 5) -> dict[str, Any]:
    """What `cchc status` shows, as data."""
    current = releases.baseline(home)
    lake = Lake(home.lake)
    decisions = lake.standing_decisions()
    files = lake.files()
    known = counted(files, decisions, current.as_of) if current else files
    freshness, damaged = _freshness(current)
    audited, broken = _audited(home)
    state = {
        "releases": [
            {"release_id": r.release_id, "as_of": r.manifest["as_of"], "current": r.path == home.current.resolve()}
            for r in releases.published(home)[-last:]
        ],
        "review": str(current.review_page) if current and current.review_page.exists() else None,
        "damaged": releases.unreadable(home) + damaged + broken,
        "purge_unfinished": home.marks.get(PURGE_UNFINISHED, False),
        "last_run": _last_run(home),
        "freshness": freshness,
        "blocking": _blocking(lake, files, decisions, current),
        "rejected_files": [
            {"source_file": f.source_file, "reason": f.reason_code, "detail": f.detail}
            for f in known
            if f.status == "rejected"
        ],
        "rejected_rows": [
            {name: getattr(f, name) for name in ("source_file", "source", "rows_rejected", "rows_read")}
            for f in known
            if f.rows_rejected
        ],
        "decisions": [
            {"source_file": d.source_file, "decision": d.decision, "reason": d.reason, "by": d.decided_by}
            for d in decisions.values()
        ],
        "audit": audited,
        "verdict": current.manifest["verdict"] if current else None,
        "warned": _warned(current) if current and not damaged else [],
    }
    return state | {"next": _next(state)}


def _warned(current: Release) -> list[dict[str, str]]:
    """The checks of a release that did not pass and did not block, late sources among them."""
    with releases.open_release(current) as con:
        rows = con.execute(
            "select check_code, observed from marts.dq_check_results "
            "where status <> 'passed' and not is_blocking order by check_code"
        ).fetchall()
    return [{"check": check, "observed": observed} for check, observed in rows]


def _next(state: dict[str, Any]) -> list[str]:
    """What is to be done, most urgent first; empty when the next night is all there is to wait for."""
    run = state["last_run"] or {}
    todo = []
    if run.get("outcome") == "running":
        todo.append("a run holds the home: wait until it has ended")
    if state["purge_unfinished"]:
        todo.append("run the same `cchc purge` again")
    if state["damaged"]:
        todo.append("`cchc doctor` tells what is damaged and how it is mended")
    if state["blocking"]:
        todo.append("have what blocks corrected, or decide with `cchc accept` or `cchc withdraw`; then `cchc nightly`")
    elif run.get("outcome") == "blocked":
        todo.append("see to what the last run names, then `cchc nightly`; the last release stands")
    if run.get("outcome") in ("failed", "killed", "interrupted"):
        todo.append("run the last command again, after what its message asks for")
    if not state["releases"] and not todo:
        todo.append("`cchc nightly` makes the first release")
    if any(row[5] in ("late", "overdue") for row in state["freshness"]):
        todo.append("ask the offices whose sources are late (--source) for their exports")
    if state["rejected_files"] or state["rejected_rows"]:
        todo.append(
            "send the offices their workbooks, beside the review page: what was rejected can be corrected there"
        )
    return todo


def _freshness(current: Release | None) -> tuple[list[tuple[Any, ...]], list[str]]:
    """How fresh each source is in a release, and what keeps it from being read."""
    if current is None:
        return [], []
    try:
        with releases.open_release(current) as con:
            found = con.sql("select * from marts.dq_source_freshness order by source").to_arrow_table().to_pylist()
    except ReleaseDamaged as error:
        return [], [str(error)]
    # A release made before there were rhythms has none of the last three.
    return [tuple(map(row.get, _FRESHNESS)) for row in found], []


def _audited(home: Home) -> tuple[list[dict[str, Any]], list[str]]:
    """The tail of the audit trail, and what keeps it from being read."""
    try:
        return Audit(home).entries[-_AUDITED:], []
    except (CchcError, OSError) as error:
        return [], [told(error)]


def _blocking(
    lake: Lake, files: list[LakeFile], decisions: dict[Content, Decision], current: Release | None
) -> list[dict[str, str]]:
    """What blocks the next night: files with too many rejected rows, and what it would lose unseen."""
    rule = load_thresholds().file_rejection
    blocking = [
        {
            "source_file": f.source_file,
            "reason": "rejected_rows",
            "remedy": f"{f.rows_rejected} of {f.rows_read} rows rejected: accept or withdraw it",
        }
        for f in files
        if rule.broken_by(f.rows_rejected, f.rows_read)
        and f.content not in decisions
        and (current is None or not current.holds(f.source, f.source_file, f.sha256))
    ]
    if current:
        blocking += [
            {"source_file": loss.source_file, "reason": loss.kind, "remedy": loss.remedy}
            for loss in losses(lake, decisions, current.as_of, current.manifest["sources"])
        ]
    return blocking


def _last_run(home: Home) -> dict[str, Any] | None:
    """The last run as it was written down, and what became of it when nothing more was."""
    run = home.last_run
    if run is None:
        return None
    if run["outcome"] == "running" and not home.is_held():
        killed = "it was killed, or could not write down how it ended: the last release stands; run the command again"
        return run | {"outcome": "killed", "message": killed}
    if run.get("killed_before"):
        before = f"the run before it, started {run['killed_before']}, was killed"
        return run | {"message": f"{run['message']}; {before}" if run["message"] else f"({before})"}
    return run
