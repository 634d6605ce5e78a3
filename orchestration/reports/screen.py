"""What `cchc status` prints: a home on one screen, each detail where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from orchestration.audit import told_of

# So many of what can be many are named on the screen.
_NAMED = 3

Line = tuple[str, str]


def screen(state: dict[str, Any]) -> Iterator[Line]:
    """(subject, what is said of it) of a state as `status` gives it: a line each."""
    for release in state["releases"]:
        marked = "  <- current" if release["current"] else ""
        yield "release", f"{release['release_id']} as of {release['as_of']}{marked}"
    if not state["releases"] and not state["damaged"]:
        yield "release", "none yet"
    if verdict := state["verdict"]:
        checks = verdict["checks"]
        said = "allows publication" if verdict["passed"] else "forbids publication"
        yield "verdict", f"{said}: {checks['passed']} checks passed, {len(state['warned'])} warned"
    if state["review"]:
        yield "review", state["review"]
    for damage in state["damaged"]:
        yield "damaged", damage
    if state["purge_unfinished"]:
        yield "purge", "not finished: releases may still name who was to be erased; run the same `cchc purge` again"
    if run := state["last_run"]:
        when = run["ended_at"] or f"started {run['started_at']}"
        yield "last run", f"{when} as of {run['as_of']}: {run['outcome']} {run['message']}".rstrip()
        for amiss in run.get("alerts", ()):
            yield "alerts", amiss
    yield from _some("blocks", state["blocking"], lambda file: f"{file['source_file']}: {file['remedy']}", "--files")
    yield from _some(
        "warns", state["warned"], lambda check: f"{check['check']}: {check['observed']}", "the review page"
    )
    if state["freshness"]:
        yield "sources", _sources(state["freshness"])
    if state["rejected_files"] or state["rejected_rows"]:
        rows = sum(file["rows_rejected"] for file in state["rejected_rows"])
        files = len(state["rejected_files"])
        yield (
            "rejected",
            f"{files} files whole (--files), {rows:,} rows of {len(state['rejected_rows'])} files (--rows)",
        )
    if state["decisions"]:
        yield "decided", f"{len(state['decisions'])} files accepted as they are or withdrawn (--files)"
    if state["audit"]:
        yield "audit", f"{told_of(state['audit'][-1])} (--audit)"
    for step in state["next"] or ["nothing: the next night goes on by itself"]:
        yield "next", step


def of_sources(state: dict[str, Any]) -> Iterator[Line]:
    """How fresh each source is."""
    for source, newest, days, files, accepted, freshness, late_by, unit in state["freshness"]:
        seen = f"newest export {newest}, {days} days before as-of, {files} files, {accepted} rows"
        late = f", {freshness} by {late_by} {unit.replace('_', ' ')}" if freshness in ("late", "overdue") else ""
        yield "source", f"{source}: {seen + late if newest else 'nothing known'}"


def of_files(state: dict[str, Any]) -> Iterator[Line]:
    """Every file that blocks or was rejected whole, and what was decided on files."""
    for file in state["blocking"]:
        yield "blocks", f"{file['source_file']}: {file['remedy']}"
    for file in state["rejected_files"]:
        yield "rejected", f"{file['source_file']}: {file['reason']}: {file['detail']}"
    for made in state["decisions"]:
        yield "decided", f"{made['source_file']}: {made['decision']} by {made['by']}: {made['reason']}"


def of_rows(state: dict[str, Any]) -> Iterator[Line]:
    """How many rows of each file were rejected."""
    for file in state["rejected_rows"]:
        counts = f"{file['rows_rejected']} of {file['rows_read']} rejected"
        yield "rows", f"{file['source_file']} ({file['source']}): {counts}"


def of_audit(state: dict[str, Any]) -> Iterator[Line]:
    """The tail of the audit trail."""
    return (("audit", told_of(entry)) for entry in state["audit"])


DETAILS: dict[str, Callable[[dict[str, Any]], Iterator[Line]]] = {
    "source": of_sources, "files": of_files, "rows": of_rows, "audit": of_audit
}  # fmt: skip


def _some(subject: str, found: list[Any], told: Callable[[Any], str], where: str) -> Iterator[Line]:
    for one in found[:_NAMED]:
        yield subject, told(one)
    if len(found) > _NAMED:
        yield subject, f"and {len(found) - _NAMED} more: {where}"


def _sources(freshness: list[tuple[Any, ...]]) -> str:
    """How many sources have delivered, and which of them longest ago."""
    known = [row for row in freshness if row[1]]
    if not known:
        return f"none of {len(freshness)} has delivered (--source)"
    late = sum(row[5] in ("late", "overdue") for row in known)
    newest, oldest = min(known, key=lambda row: row[2]), max(known, key=lambda row: row[2])
    return (
        f"{len(known)} of {len(freshness)} have delivered, {late} late; newest {newest[0]}, {newest[2]} days before "
        f"as-of, oldest {oldest[0]}, {oldest[2]} days (--source)"
    )
