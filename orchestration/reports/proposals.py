"""Limits of the reviewed rules as the province's own history would have them: a draft for a person to review.

Nothing is changed: `expectations/` is edited by people (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import yaml

from orchestration.home import Home
from orchestration.lake.counting import counted
from orchestration.lake.store import Lake
from orchestration.publishing import releases
from orchestration.publishing.releases import Release, open_release
from orchestration.quality.frames import facts_frame, kpi_movements_frame, months_over
from orchestration.quality.measures import every_night
from orchestration.quality.reviewed import Expectation, Limit, Suite, load_suites, load_thresholds
from orchestration.settings import Settings, today
from orchestration.sql import literal
from orchestration.sql.engine import connect

# Of so many cases, no fewer, a limit is drafted: beyond it lay one in two hundred, and a tenth is left for what has
# not happened yet.
LEAST_CASES, TAIL, ROOM = 200, 0.005, 0.1


@dataclass(frozen=True)
class Proposal:
    """One side of a limit. `beyond` of the `cases` break it as it is; `drafted` is missing where cases are too few."""

    file: str
    rule: str
    side: str
    limit: float
    cases: int
    beyond: int
    farthest: float | None
    drafted: float | None


def proposals(home: Home, settings: Settings) -> list[Proposal]:
    """Every limit of `expectations/` beside what the home's history would make of it.

    Cases are the nights of each source in the lake, the months of the current release, the releases that are kept.
    Raises UsageError when nothing was published yet, ReleaseDamaged.
    """
    release = releases.require_current(home)
    lake = Lake(home.lake)
    files = counted(lake.files(), lake.standing_decisions(), release.as_of)
    history = {
        "facts": pd.concat(list(_facts(home))),
        "kpi_movements": pd.concat(list(_months(release))),
    }
    with TemporaryDirectory(prefix="cchc-") as spill, connect(settings, Path(spill)) as con:
        con.execute(f"attach {literal(str(release.database))} as release (read_only)")
        con.execute("use release")
        history["source_nights"] = every_night(con, files)
    found = [
        proposal
        for suite in load_suites()
        for rule in suite.expectations
        if rule.limit is not None and suite.frame in history
        for proposal in _of_rule(suite, rule, rule.limit, history[suite.frame])
    ]
    gate = load_thresholds().file_rejection
    shares = pd.Series([f.rows_rejected / f.rows_read for f in files if f.rows_read >= gate.min_rows], dtype="float64")
    return [*found, _drafted("thresholds.yml", "file_rejection", "most", gate.max_share, shares)]


def _facts(home: Home) -> Iterator[pd.DataFrame]:
    former: dict[str, int] = {}
    for release in releases.published(home):
        with open_release(release) as con:
            yield facts_frame(con, former)
        former = {name: table["rows"] for name, table in release.manifest["tables"].items()}


def _months(release: Release) -> Iterator[pd.DataFrame]:
    with open_release(release) as con:
        yield kpi_movements_frame(con)
        for month in months_over(con)[:-1]:
            yield kpi_movements_frame(con, month)


def _of_rule(suite: Suite, rule: Expectation, limit: Limit, frame: pd.DataFrame) -> Iterator[Proposal]:
    cases = frame.query(limit.of) if len(frame) else frame
    values = pd.Series(cases.eval(limit.quantity) if len(cases) else [], dtype="float64").dropna()
    for side, bound in (("least", limit.least), ("most", limit.most)):
        if bound is not None:
            yield _drafted(f"{suite.name}.yml", rule.name, side, bound, values)


def _drafted(file: str, rule: str, side: str, limit: float, values: pd.Series) -> Proposal:
    is_least = side == "least"
    beyond = int(((values < limit) if is_least else (values > limit)).sum())
    farthest = None if values.empty else float(values.min() if is_least else values.max())
    drafted = None
    if len(values) >= LEAST_CASES:
        tail = float(values.quantile(TAIL if is_least else 1 - TAIL))
        drafted = _two_digits(tail * (1 - ROOM if is_least else 1 + ROOM))
    return Proposal(file, rule, side, limit, len(values), beyond, farthest, drafted)


def _two_digits(value: float) -> float:
    return float(f"{Decimal(value):.2g}")


def as_yaml(found: list[Proposal], source: str, on: date | None = None) -> str:
    """The draft as a person reviews it: each limit, what history says of it, and a reason to complete."""
    day = on or today()
    draft: dict[str, dict[str, Any]] = {}
    for one in found:
        said: dict[str, Any] = {"limit": one.limit, "cases": one.cases, "beyond": one.beyond}
        if one.farthest is not None:
            said["farthest"] = _two_digits(one.farthest)
        if one.drafted is None:
            said["draft"] = f"none: fewer than {LEAST_CASES} cases"
        elif one.drafted == one.limit:
            said["draft"] = "as it is"
        else:
            said["draft"] = one.drafted
            said["reason"] = (
                f"{day}, of {one.cases} cases in {source} one in {round(1 / TAIL)} lay beyond "
                f"{_two_digits(one.drafted / (1 - ROOM if one.side == 'least' else 1 + ROOM))}; …"
            )
        draft.setdefault(one.file, {})[f"{one.rule}.{one.side}"] = said
    head = (
        f"# Drafted on {day} from {source}. Nothing is changed by it: what a person finds right is\n"
        "# written into expectations/ by hand, with a reason.\n"
    )
    return head + yaml.safe_dump(draft, allow_unicode=True, sort_keys=False, width=110)
