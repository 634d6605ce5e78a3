"""What must hold of a simulated month: each trouble did what it does, the record tells it, every figure is right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from orchestration.home import Home
from tests.month.lived import FILLED, Month, differences
from tests.month.troubles import UNKNOWN_COLUMN, Trouble


def faults(month: Month, *, rebuilds: bool) -> list[str]:
    """What did not hold, after the last night: first of the nights, then of what the home tells, then of the figures;
    `rebuilds` has them compared with a rebuild in the same home, too."""
    return [*_of_runs(month), *_of_troubles(month), *_of_record(month), *_of_figures(month, rebuilds)]


def _of_runs(month: Month) -> Iterator[str]:
    interrupted = {(trouble.on, trouble.kind) for trouble in month.deliveries.troubles}
    for before, run in zip([None, *month.runs], month.runs, strict=False):
        asked = (run.ended.returncode, run.outcome)
        if run.disturbed:
            expected: tuple[int, str] = {"crash": (-9, "killed"), "full disk": (1, "failed")}[run.disturbed]
            if run.disturbed == "full disk" and not re.match(r"cchc: the disk is full[^\n]*\n$", run.ended.stderr):
                yield f"{run.night}: the full disk is told as {run.ended.stderr!r}"
        else:
            expected = (0, "published")
            if (run.night, "nothing") in interrupted and run.new_files:
                yield f"{run.night}: {run.new_files} files on a night on which nothing lands"
        if asked != expected:
            yield f"{run.night}: exit code and outcome {asked} instead of {expected}: {run.ended.stderr}"
        if before and before.disturbed and run.new_files:
            yield f"{run.night}: {run.new_files} files are read again after the {before.disturbed}"
        if run.after_kill != bool(before and before.disturbed == "crash"):
            yield f"{run.night}: the record does not tell rightly of a run killed before"


def _of_troubles(month: Month) -> Iterator[str]:
    releases = {run.night: run.release for run in month.runs if run.outcome == "published"}

    def counted(night: Any) -> dict[str, Any]:
        manifest = month.home / "releases" / releases[night] / "manifest.json"
        return {s["source_file"]: s for s in json.loads(manifest.read_text("utf-8"))["sources"]}

    for trouble in month.deliveries.troubles:
        if trouble.of and (trouble.on - timedelta(1) in releases or trouble.kind == "bad"):
            name = month.deliveries.export(trouble).source_file
            before = {} if trouble.kind == "bad" else counted(trouble.on - timedelta(1))
            if not _befell(trouble, before.get(name, {}), counted(trouble.on).get(name, {})):
                yield f"{trouble.on}: {trouble.kind} {name} does not show: {before.get(name)}, {counted(trouble.on).get(name)}"


def _befell(trouble: Trouble, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the releases of the night before and of the night count the export as its trouble has it."""
    match trouble.kind:
        case "late":
            return not before and after["rows_accepted"] > 0
        case "bad":
            return (after["status"], after["rows_accepted"]) == ("rejected", 0)
        case "good copy":
            return (before["status"], after["status"]) == ("rejected", "accepted")
        case "again":
            return before == after != {}
        case "other name":  # the first name by its bytes counts
            return bool(before) and not after
        case "schema":
            return after["rows_accepted"] > 0 and UNKNOWN_COLUMN in after["unknown_columns"]
        case "replaced":
            return 0 < after["rows_accepted"] < before["rows_accepted"]
        case "withdrawn":
            return bool(before) and not after
    return True


def _of_record(month: Month) -> Iterator[str]:
    """The audit trail and Dagster's runs tell each night in its order."""
    trail: list[tuple[str, str, str]] = []
    dagster: list[tuple[str, str]] = []
    told_of: set[Any] = set()
    for run in month.runs:
        if run.night not in told_of:
            told_of.add(run.night)
            trail += [
                ("withdrawn", month.deliveries.export(trouble).source_file, "")
                for trouble in month.deliveries.on(run.night)
                if trouble.kind == "withdrawn"
            ]
        if run.disturbed != "crash":  # who was killed wrote nothing: the next run tells of it
            trail.append(("ran", run.night.isoformat(), "failed" if run.disturbed else "published"))
        dagster.append((run.night.isoformat(), "FAILURE" if run.disturbed else "SUCCESS"))
    for what, found, expected in (("audit trail", month.trail(), trail), ("Dagster", month.dagster_runs(), dagster)):
        if found != expected:
            yield f"the {what} tells {found} instead of {expected}"
    if (last := Home(month.home).last_run or {}).get("outcome") != "published":
        yield f"the last run is told as {last}"


def _of_figures(month: Month, rebuilds: bool) -> Iterator[str]:
    lived = month.published()
    if not all(lived[table] for table in FILLED):
        yield "a table that the month must have filled is empty"
    again = {"a home of one night": month.in_one_night}
    for what, made in (again | ({"a rebuild": month.rebuilt} if rebuilds else {})).items():
        for table, rows in differences(lived, made()).items():
            yield f"{table} is not as {what} makes it: {rows}"
