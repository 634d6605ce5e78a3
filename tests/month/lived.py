"""A simulated month lived night by night through the command, and what its home tells of it afterwards."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

import duckdb

from orchestration.audit import Audit
from orchestration.home import Home
from orchestration.settings import Settings
from tests.month.troubles import Deliveries, Trouble
from tests.support.published import FILLED_BY_PUBLICATION, tables
from tests.support.warehouse import build_warehouse

Command = Callable[..., CompletedProcess[str]]
FILLED = ("marts.fct_dossiers", "marts.kpi_values", "marts.dq_flags", "marts.dq_rejected_rows", "marts.kpi_vintages")

# The command itself, killed in the middle of its build.
KILLED = """
import os, signal
from orchestration import cli
from orchestration.warehouse import dbt

whole = dbt.build

def killed(home, settings, progress, *how):
    def told(label, done, total):
        if done * 3 > total * 2:
            os.kill(os.getpid(), signal.SIGKILL)
        progress(label, done, total)
    return whole(home, settings, told, *how)

dbt.build = killed
cli.main()
"""
# The command itself, whose build fills the disk.
FULL_DISK = """
import resource
from orchestration import cli
from orchestration.night import steps

whole = steps.build

def filled(night, ingested, manifest=None):
    room = night.home.warehouse.stat().st_size // 4
    night.home.warehouse.unlink()
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    return whole(night, ingested, manifest)

steps.build = filled
cli.main()
"""
PROGRAMS = {"crash": KILLED, "full disk": FULL_DISK}


@dataclass(frozen=True)
class Run:
    """One call of the command on a night. `disturbed` names what befell it, `landed` what came that is not as on other
    nights, `after_kill` says that its record tells of a killed run, `restated` how many rows `marts.restatements` has."""

    night: date
    disturbed: str
    landed: tuple[str, ...]
    ended: CompletedProcess[str]
    seconds: float
    outcome: str
    release: str
    after_kill: bool
    restated: int

    @property
    def new_files(self) -> int:
        """How many files this run took in."""
        said = re.search(r"(\d+) new,", self.ended.stdout)
        return int(said[1]) if said else 0


class Month:
    """A landing folder and a home below `folder`, and the runs over them. `cchc` runs the command, or a `program`."""

    def __init__(self, folder: Path, deliveries: Deliveries, cchc: Command):
        self.deliveries, self.cchc = deliveries, cchc
        self.landing, self.home, self.folder = folder / "landing", folder / "home", folder
        self.runs: list[Run] = []

    def live(self) -> Iterator[Run]:
        """Every night in order, each run as it ends: a crashed or full one is run again the same night."""
        self.landing.mkdir()
        for night in self.deliveries.nights:
            troubles = self.deliveries.on(night)
            landed = tuple(self.deliveries.deliver(night, self.landing))
            for trouble in troubles:
                if trouble.kind == "withdrawn":
                    self._withdraw(trouble)
            kinds = {trouble.kind for trouble in troubles}
            for kind in (*(k for k in PROGRAMS if k in kinds), ""):
                self.runs.append(self._run(night, landed, kind))
                landed = ()
                yield self.runs[-1]

    def _withdraw(self, trouble: Trouble) -> None:
        file = self.deliveries.export(trouble).source_file
        why = ("--reason", "sai kỳ dữ liệu", "--by", "Phòng CCHC")
        ended = self.cchc("withdraw", "--home", self.home, file, *why)
        assert ended.returncode == 0, ended.stderr

    def _run(self, night: date, landed: tuple[str, ...], kind: str) -> Run:
        began = time.monotonic()
        asked = ("nightly", "--landing", self.landing, "--home", self.home, "--as-of", night)
        ended = self.cchc(*asked, program=PROGRAMS.get(kind, ""))
        seconds = time.monotonic() - began
        last = Home(self.home).last_run or {}
        outcome = "killed" if ended.returncode < 0 and last.get("outcome") == "running" else last.get("outcome", "")
        release = last.get("release_id") or ""
        restated = self._restated() if release else 0
        return Run(night, kind, landed, ended, seconds, outcome, release, bool(last.get("killed_before")), restated)

    def _restated(self) -> int:
        with duckdb.connect(str(self.home / "current" / "cchc.duckdb"), read_only=True) as con:
            ((count,),) = con.execute("select count(*) from marts.restatements").fetchall()
        return count

    # ------------------------------------------------------------ what it must equal

    def published(self) -> dict[str, list[tuple]]:
        """Every figure, flag, finding and version of the current release."""
        found = tables(self.home / "current" / "cchc.duckdb")
        return {name: rows for name, rows in found.items() if name not in FILLED_BY_PUBLICATION}

    def rebuilt(self) -> dict[str, list[tuple]]:
        """The same of a release made again from this home's lake."""
        ended = self.cchc("rebuild", "--home", self.home)
        assert ended.returncode == 0, ended.stderr
        return self.published()

    def in_one_night(self) -> dict[str, list[tuple]]:
        """The same of a new home that finds all that landed, but what was withdrawn, on the last night, and knows of the
        nights before it only what they reported when."""
        fresh = Month(self.folder / "fresh", self.deliveries, self.cchc)
        shutil.copytree(self.landing, fresh.landing)
        for trouble in self.deliveries.troubles:
            if trouble.kind == "withdrawn":
                (fresh.landing / self.deliveries.export(trouble).source_file).unlink()
        made = Home.for_writing(Settings.load(fresh.landing, fresh.home))
        shutil.copyfile(Home(self.home).reported, made.reported)
        build_warehouse(fresh.landing, fresh.home, self.deliveries.nights[-1]).close()
        return {
            name: rows
            for name, rows in tables(fresh.home / "warehouse.duckdb").items()
            if name not in FILLED_BY_PUBLICATION
        }

    # ------------------------------------------------------------ what it tells

    def trail(self) -> list[tuple[str, str, str]]:
        """What the audit trail tells in order: event, as-of day of a run or file withdrawn, outcome."""
        entries = Audit(Home(self.home)).entries
        return [(e["event"], e.get("as_of") or e.get("what") or "", e.get("outcome") or "") for e in entries]

    def dagster_runs(self) -> list[tuple[str, str]]:
        """What Dagster tells in order: as-of day and status of each run."""
        from dagster import DagsterInstance

        with patch.dict(os.environ, DAGSTER_HOME=str(self.home / "dagster")), DagsterInstance.get() as instance:
            records = sorted(instance.get_run_records(), key=lambda record: record.storage_id)
        runs = [record.dagster_run for record in records]
        return [(run.run_config["ops"]["night"]["config"]["as_of"], run.status.value) for run in runs]


def differences(one: dict[str, list[tuple]], other: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """Some rows of each table that stand on one side alone."""
    found = {}
    for table in sorted(one.keys() | other.keys()):
        ours, theirs = (set(map(str, side.get(table, []))) for side in (one, other))
        if one.get(table) != other.get(table):
            found[table] = [
                ("only in the first", *sorted(ours - theirs)[:3]),
                ("only in the second", *sorted(theirs - ours)[:3]),
            ]
    return found


def told(runs: Iterable[Run]) -> Iterator[str]:
    """The month as a table, a run a line."""
    yield f"{'night':<12}{'outcome':<14}{'release':<22}{'new':>5}{'restated':>10}{'seconds':>9}  what was not as on other nights"
    for run in runs:
        release, restated = (run.release, run.restated) if run.outcome == "published" else ("", "")
        yield (
            f"{run.night.isoformat():<12}{run.outcome:<14}{release:<22}{run.new_files:>5}{restated:>10}"
            f"{run.seconds:>9.1f}  {', '.join(run.landed)}"
        )  # fmt: skip
