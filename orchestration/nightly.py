"""The night's steps, each callable by itself: ingest, build, check, publish. Dagster and the CLI only call them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import PublicationBlocked, ReleaseDamaged, UsageError, told, writing
from orchestration.files import write_text
from orchestration.home import LAST_RUN, Home
from orchestration.ingestion.ingest import IngestionReport, ingest
from orchestration.lake.counting import Loss, counted, losses
from orchestration.lake.decisions import Decision
from orchestration.lake.erasure import erase
from orchestration.lake.files import Content, LakeFile
from orchestration.lake.store import Lake
from orchestration.publishing import releases
from orchestration.publishing.publish import code_version, inputs_of, publish
from orchestration.publishing.releases import Release
from orchestration.settings import Settings, today
from orchestration.sql.engine import connect
from orchestration.warehouse import dbt, registration

Progress = Callable[[str, str, int, int], None]


@dataclass
class Night:
    """One run over one home as of one day. Holds what the steps pass on, and what the summary tells.

    Raises UsageError for a day after today.
    """

    settings: Settings
    as_of: date
    progress: Progress | None = None
    announce: Callable[[str, str], Any] = lambda stage, text: None
    must_build: bool = False
    reads_landing: bool = True
    make_current: bool = False
    is_held: bool = False
    ingestion: IngestionReport = field(default_factory=IngestionReport)
    dbt: dbt.DbtOutcome | None = None
    verdict: Any = None
    release: Release | None = None
    is_new: bool = True
    started_at: str | None = None
    killed_before: str | None = None

    def __post_init__(self) -> None:
        if self.as_of > today():
            raise UsageError(
                f"--as-of {self.as_of} is after today, {today()} in Việt Nam: give today or an earlier day"
            )

    @cached_property
    def home(self) -> Home:
        return Home.for_writing(self.settings)

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.home.lake)

    @cached_property
    def decisions(self) -> dict[Content, Decision]:
        return self.lake.standing_decisions()

    @cached_property
    def files(self) -> list[LakeFile]:
        """The landed files that count and can be read, once ingestion is done."""
        damaged = {f.path for f in self.lake.damaged(thoroughly=not self.reads_landing)} - {""}
        return [f for f in counted(self.lake.files(), self.decisions, self.as_of) if f.path not in damaged]

    @cached_property
    def losses(self) -> list[Loss]:
        """What this night would lose unseen of what is published."""
        last = releases.baseline(self.home)
        return losses(self.lake, self.decisions, self.as_of, last.manifest["sources"] if last else [])

    def _progress(self, stage: str) -> Callable[[str, int, int], None] | None:
        if self.progress is None:
            return None
        return lambda label, done, total: self.progress(stage, label, done, total)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the home, sweep what an interrupted run left, and record that this run begins and how it ends.

        Whoever holds it already goes on holding it.
        """
        if self.is_held:
            yield
            return
        with self.home.lock():
            self.is_held = True
            try:
                self.home.sweep()
                clear(self.home.work)
                self.home.work.mkdir(mode=0o700)
                releases.sweep(self.home)
                self._begin()
                yield
            except BaseException as error:
                self._end("blocked" if isinstance(error, PublicationBlocked) else "failed", told(error))
                raise
            else:
                self._end(*self._outcome())
            finally:
                self.is_held = False

    def _begin(self) -> None:
        """Write down that the run goes on, and of the one before it whether it was killed."""
        before = self.home.last_run or {}
        self.killed_before = before.get("started_at") if before.get("outcome") == "running" else None
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        with writing(self.home.root / LAST_RUN):
            self.record("running")

    def _outcome(self) -> tuple[str, str]:
        if self.verdict is not None and not self.verdict.passed:
            return "blocked", str(self.blocked())
        if self.release is None:
            return "failed", "the run ended without a release"
        return "published" if self.is_new else "nothing new", ""

    def _end(self, outcome: str, message: str) -> None:
        with suppress(OSError):  # on a full disk, how the run ended must not hide why
            self.record(outcome, message)

    def ingest(self) -> IngestionReport:
        """Take what is new in landing into the lake; a rebuild starts from the lake alone."""
        with writing(self.home.lake):
            self.lake.sweep(had_register=self.home.marks.get("has_lake_register", False))
            self.home.remember(has_lake_register=True)
            if changed := erase(self.settings, self.lake, self.home.work):
                self.announce("purge", f"a purge is finished in the lake: {changed:,} rows name nobody now")
            if not self.reads_landing:
                return self.ingestion
            self.ingestion = ingest(self.settings, self.home, self.lake, self._progress("ingest"))
        report = self.ingestion
        self.announce(
            "ingest",
            f"{report.seen} files in landing, {len(report.written)} new, {report.rows_read:,} rows read, "
            f"{report.rows_rejected:,} rejected"
            + (f", {len(report.mended)} damaged lake files read again" if report.mended else ""),
        )
        return report

    def has_news(self) -> bool:
        """Whether tonight's release would differ from what is published, or what is published is damaged."""
        standing = None if self.must_build else self._standing()
        self.is_new = standing is None
        if standing:
            self.release = standing
            if self.make_current and self.home.current.resolve() != standing.path:
                releases.switch(self.home, standing.path)
                self.announce("publish", f"nothing new: {standing.release_id} is made the current release")
            else:
                self.announce("build", f"nothing new: {self._as_it_stands(standing)} stands")
        return self.is_new

    def _standing(self) -> Release | None:
        """The published release that is whole and says all that tonight's would, if there is one.

        Of an earlier day than the current release's, or when one is to be made current, any release will do.
        """
        current = None
        try:
            current = releases.current(self.home)
        except ReleaseDamaged as damaged:
            self.announce("build", str(damaged).partition("; ")[0] + ": a new one is made")
        candidates = [current] if current else []
        if self.make_current or not self.becomes_current:
            candidates += reversed(releases.published(self.home))
        for release in candidates:
            if (
                release.as_of == self.as_of
                and release.manifest["sources"] == inputs_of(self.files)
                and release.manifest["code_version"] == code_version()
            ):
                damage = releases.damage(release)
                if damage is None:
                    return release
                self.announce("build", f"the release {release.path} is damaged: {damage}: a new one is made")
        return None

    @property
    def becomes_current(self) -> bool:
        """Whether readers are to see tonight's release: not when the current one is of a later day."""
        day = releases.current_day(self.home)
        return self.make_current or day is None or self.as_of >= day

    def _as_it_stands(self, release: Release) -> str:
        if self.home.current.resolve() == release.path:
            return "the current release"
        return f"{release.release_id}, beside the current release,"

    def build(self) -> dbt.DbtOutcome:
        """Register the lake in a new warehouse and run dbt over it."""
        with dbt.private(), writing(self.home.warehouse):
            if dbt.discard(self.home.warehouse):
                self.announce("build", f"{self.home.warehouse} could not be read: it is made anew")
            with connect(self.settings, self.home.work / "spill", self.home.warehouse) as con:
                registration.register(con, self.files, self.as_of)
            self.dbt = dbt.build(self.home, self.settings, self._progress("build"))
        self.announce("build", f"{len(self.dbt.models)} models, {len(self.dbt.tests)} tests")
        return self.dbt

    def check(self) -> Any:
        """Judge the night: Great Expectations on bounded frames, dbt tests, one verdict."""
        from orchestration.quality.double_entry import double_entry_frame
        from orchestration.quality.frames import build_frames
        from orchestration.quality.suites import run_suites
        from orchestration.quality.verdict import Verdict

        with duckdb.connect(str(self.home.warehouse), read_only=True) as con:
            frames = build_frames(con, self.batch(), self.losses)
            frames["double_entry"] = double_entry_frame(con, whole=self.must_build)
        quality_dir = self.home.work / "quality"
        with writing(quality_dir):
            results = run_suites(frames, quality_dir)
            self.verdict = Verdict.of(results, dbt_results(self.dbt))
            self.verdict.write(quality_dir)
        self.announce("check", _checks(self.verdict))
        return self.verdict

    def batch(self) -> Any:
        """The files in no release yet, as the frame that the batch suite judges."""
        import pandas as pd

        from orchestration.quality.frames import BATCH_COLUMNS

        current = releases.baseline(self.home)
        fresh = [f for f in self.files if current is None or not current.holds(f.source, f.source_file, f.sha256)]
        decided = {f.content: d.decision if (d := self.decisions.get(f.content)) else "none" for f in fresh}
        rows = [[*(getattr(f, c) for c in BATCH_COLUMNS[:-1]), decided[f.content]] for f in fresh]
        return pd.DataFrame(rows, columns=list(BATCH_COLUMNS))

    def publish(self) -> Release:
        """Publish what was built. Raises PublicationBlocked when the verdict forbids it."""
        if not self.verdict.passed:
            raise self.blocked()
        manifest = json.loads(dbt.manifest_path(self.home).read_text("utf-8"))
        self.release = publish(
            self.home,
            self.settings,
            self.as_of,
            self.files,
            self.verdict,
            manifest,
            self.home.work / "quality",
            self._progress("publish"),
            make_current=self.becomes_current,
        )
        beside = "" if self.becomes_current else f", beside the current release {self.home.current.resolve().name}"
        self.announce("publish", f"{len(self.release.manifest['tables'])} tables in {self.release.path}{beside}")
        return self.release

    def summary(self) -> list[str]:
        """The closing lines of a run: what came in, what was found, what was published."""
        files = [f for f in self.files if not f.is_nested]
        lines = [
            f"files     {len(files)} known, {sum(f.status == 'rejected' for f in files)} rejected whole",
            f"rows      {sum(f.rows_read for f in self.files):,} read, "
            f"{sum(f.rows_rejected for f in self.files):,} rejected",
        ]
        if self.release:
            tables = self.release.manifest["tables"]
            lines.append(f"dossiers  {tables['fct_dossiers']['rows']:,}, {tables['dq_flags']['rows']:,} flags")
        if self.verdict:
            lines.append(f"checks    {_checks(self.verdict)}")
        if self.release:
            lines.append(f"release   {self.release.release_id} in {self.release.path}")
        return lines

    def blocked(self) -> PublicationBlocked:
        """Why the verdict forbids publication, and what to do."""
        return PublicationBlocked(_why_blocked(self.verdict, self.losses))

    def record(self, outcome: str, message: str = "") -> None:
        """Keep how the run ended, or that it goes on, for `cchc status`."""
        content = {
            "started_at": self.started_at,
            "ended_at": None if outcome == "running" else datetime.now(UTC).isoformat(timespec="seconds"),
            "pid": os.getpid(),
            "killed_before": self.killed_before,
            "as_of": self.as_of.isoformat(),
            "outcome": outcome,
            "message": message,
            "release_id": self.release.release_id if self.release else None,
            "files_new": len(self.ingestion.written),
        }
        write_text(self.home.root / LAST_RUN, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def clear(path: Path) -> None:
    """Remove what may be removed at any time, whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def dbt_results(outcome: dbt.DbtOutcome) -> list[Any]:
    """dbt tests as check results: severity error blocks."""
    from orchestration.quality.suites import CheckResult

    statuses = {"pass": "passed", "fail": "failed", "warn": "failed", "error": "errored", "skipped": "errored"}
    return [
        CheckResult(
            check_code=test.name,
            kind="dbt",
            suite=(test.model or "dbt").rsplit(".", 1)[-1],
            frame="warehouse",
            expectation=test.name,
            status=statuses.get(test.status, "errored"),
            severity=test.severity,
            blocking=test.severity == "error",
            observed=f"{test.failures} rows",
            unexpected_count=test.failures,
            element_count=None,
            reason=test.description,
        )
        for test in outcome.tests.values()
    ]


def _checks(verdict: Any) -> str:
    counts = verdict.counts()
    blocking = len(verdict.blocking_failures)
    warned = counts["failed"] + counts["errored"] - blocking
    return f"{counts['passed']} passed, {warned} warned, {blocking} failed and block publication"


def _why_blocked(verdict: Any, lost: list[Loss]) -> str:
    # What errored often only follows from what failed.
    failed = sorted(verdict.blocking_failures, key=lambda check: check.status != "failed")
    named = "; ".join(f"{c.check_code} ({c.observed})" for c in failed[:3])
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    remedies = [f"{loss.source_file}: {loss.remedy}" for loss in lost[:3]]
    remedy = "; ".join(remedies) or "correct the data, or decide with `cchc accept` or `cchc withdraw`"
    return f"publication is blocked by {named}{more}: {remedy}"
