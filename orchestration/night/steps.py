"""The night's steps, each a function of what was handed on to it: ingest, build, judge, publish."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration import interrupts
from orchestration.errors import CchcError, DiskFull, PublicationBlocked, ReleaseDamaged, plainly, told, writing
from orchestration.home import PURGE_UNFINISHED, Home
from orchestration.ingestion.ingest import IngestionReport
from orchestration.ingestion.ingest import ingest as take_in
from orchestration.lake.counting import Loss, counted, losses
from orchestration.lake.decisions import Decision
from orchestration.lake.erasure import erase
from orchestration.lake.files import Content, LakeFile
from orchestration.lake.store import Lake
from orchestration.night.holding import Night, held
from orchestration.night.request import SILENT, Listener, Request
from orchestration.night.tidying import tidy
from orchestration.publishing import publish as publishing
from orchestration.publishing import releases, reported
from orchestration.publishing.publish import code_version, inputs_of
from orchestration.publishing.releases import Release
from orchestration.publishing.room import require_room
from orchestration.publishing.tables import published_tables
from orchestration.sql import literal
from orchestration.sql.engine import connect
from orchestration.warehouse import dbt, kept, registration
from orchestration.warehouse.dbt import Built

if TYPE_CHECKING:  # both import pandas, which a night without news does without
    import pandas as pd

    from orchestration.quality.suites import CheckResult
    from orchestration.quality.verdict import Verdict, Waiver


@dataclass(frozen=True)
class Ingested:
    """What the lake holds for tonight: the files that count and can be read, what was decided on their content, what
    of the last release would be lost unseen. `report` tells of landing, and is empty when that was not read."""

    report: IngestionReport
    files: tuple[LakeFile, ...]
    decisions: dict[Content, Decision]
    losses: tuple[Loss, ...]


@dataclass(frozen=True)
class Judged:
    """What the checks say together, and why publication is forbidden, if it is."""

    verdict: Verdict
    blocked: str | None


@dataclass(frozen=True)
class Published:
    """The release that says all that tonight's would; `is_new` when it was made tonight."""

    release: Release
    is_new: bool


OVERDUE = "source_rhythms.no_source_overdue"

Step = Ingested | Built | Judged | Published


def run_night(request: Request, listener: Listener = SILENT, patience: float = 0) -> Published:
    """One night from its first step to its last; another run is waited for as many seconds as `patience` says.

    Raises HomeBusy, PublicationBlocked, UsageError, CchcError.
    """
    with held(request, listener, patience) as night:
        *_, last = steps(night)
    assert isinstance(last, Published)
    return last


def steps(night: Night) -> Iterator[Step]:
    """What each step of a night hands on, as it ends; only Ingested and Published when there is nothing new.

    Raises PublicationBlocked after Judged when the verdict forbids publication.
    """
    done: list[Step] = []
    try:
        with _prepared(night) as prepared:
            for step in _steps(night, prepared):
                done.append(step)
                yield step
        tidy(night)
    finally:
        for stage, text in summary(done):
            night.listener.announce(stage, text)


def _steps(night: Night, prepared: Sequence[Future[Any]]) -> Iterator[Step]:
    with plainly("ingest"):
        ingested = ingest(night)
        standing = standing_release(night, ingested)
    yield ingested
    if standing:
        night.ends("nothing new", release=standing)
        yield Published(standing, is_new=False)
        return
    with plainly("build"):
        built = build(night, ingested, prepared[0] if prepared else None)
    yield built
    with plainly("check"):
        # Two threads that import each other's modules would see halves of them.
        wait(prepared)
        judged = judge(night, ingested, built)
    yield judged
    with plainly("publish"):
        release = publish(night, ingested, judged, shown=lambda made: night.ends("published", release=made))
    yield Published(release, is_new=True)


@contextmanager
def _prepared(night: Night) -> Iterator[Sequence[Future[Any]]]:
    """The parsed project, where it is certain that it will be needed, and what takes seconds to import: parsed and
    imported while the readers read what landed."""
    request = night.request
    last = releases.current_day(night.home)
    if last is not None and last >= request.as_of and not request.must_build:
        yield ()
        return
    thread = ThreadPoolExecutor(1, "prepare")
    imports = ("orchestration.quality.suites", "great_expectations.expectations")
    try:
        yield thread.submit(dbt.parse, night.home.root), *(thread.submit(__import__, name) for name in imports)
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


# ---------------------------------------------------------------- ingest


def ingest(night: Night) -> Ingested:
    """Take what is new in landing into the lake; a rebuild starts from the lake alone."""
    request, home, announce = night.request, night.home, night.listener.announce
    lake, report = Lake(home.lake), IngestionReport()
    with writing(home.lake):
        lake.sweep(had_register=home.marks.get("has_lake_register", False))
        home.remember(has_lake_register=True)
        changed = erase(request.settings, lake, home.work)
        if changed or home.marks.get(PURGE_UNFINISHED):
            dbt.discard(home.warehouse)  # it may name whom the lake names no more
        if changed:
            announce("purge", f"a purge is finished in the lake: {changed:,} rows name nobody now")
        if request.reads_landing:
            report = take_in(request.settings, home, lake, night.progress("ingest"))
    if request.reads_landing:
        announce(
            "ingest",
            f"{report.seen} files in landing, {report.new} new, {report.rows_read:,} rows read, "
            f"{report.rows_rejected:,} rejected"
            + (f", {len(report.mended)} damaged lake files read again" if report.mended else ""),
        )
    return known(night, report)


def known(night: Night, report: IngestionReport) -> Ingested:
    """What the lake holds for tonight as it lies there; a rebuild reads every byte of it."""
    request, lake = night.request, Lake(night.home.lake)
    decisions = lake.standing_decisions()
    damaged = {f.path for f in lake.damaged(thoroughly=not request.reads_landing)} - {""}
    files = [f for f in counted(lake.files(), decisions, request.as_of) if f.path not in damaged]
    if not any(f.status == "accepted" for f in files):
        night.listener.announce("ingest", f"no export is known at the end of {request.as_of}: the release is empty")
    last = releases.baseline(night.home)
    lost = losses(lake, decisions, request.as_of, last.manifest["sources"] if last else [])
    return Ingested(report, tuple(files), decisions, tuple(lost))


# ---------------------------------------------------------------- news


def standing_release(night: Night, ingested: Ingested) -> Release | None:
    """The published release that says all that tonight's would, if one does; it is made current when asked for."""
    if night.request.must_build:
        return None
    standing = _standing(night, ingested)
    if standing:
        home, announce = night.home, night.listener.announce
        is_current = home.current.resolve() == standing.path
        if night.request.make_current and not is_current:
            with interrupts.decisive(f"{standing.release_id} stands"):
                releases.switch(home, standing.path)
                night.ends("nothing new", release=standing)
            announce("publish", f"nothing new: {standing.release_id} is made the current release")
        else:
            where = "the current release" if is_current else f"{standing.release_id}, beside the current release,"
            announce("build", f"nothing new: {where} stands")
    return standing


def _standing(night: Night, ingested: Ingested) -> Release | None:
    """A whole release of the same day, inputs and code.

    Of an earlier day than the current release's, or when one is to be made current, any release will do.
    """
    home, announce, current = night.home, night.listener.announce, None
    try:
        current = releases.current(home)
    except ReleaseDamaged as damaged:
        announce("build", str(damaged).partition("; ")[0] + ": a new one is made")
    candidates = [current] if current else []
    if night.request.make_current or not _becomes_current(night):
        candidates += reversed(releases.published(home))
    for release in candidates:
        if (
            release.as_of == night.request.as_of
            and release.manifest["sources"] == inputs_of(list(ingested.files))
            and release.manifest["code_version"] == code_version()
        ):
            damage = releases.damage(release)
            if damage is None:
                return release
            announce("build", f"the release {release.path} is damaged: {damage}: a new one is made")
    return None


def _becomes_current(night: Night) -> bool:
    """Whether readers are to see tonight's release: not when the current one is of a later day."""
    day = releases.current_day(night.home)
    return night.request.make_current or day is None or night.request.as_of >= day


# ---------------------------------------------------------------- build


def build(night: Night, ingested: Ingested, manifest: Future[Any] | None = None) -> Built:
    """Register the lake in the warehouse and run dbt over it; `manifest` is the project as dbt parses it.

    What a run that ended after its build left is taken as it stands, when it would be made of the same; else of the
    last build, finished or not, the models that would be. Raises DiskFull before anything is touched when the disk is
    too small.
    """
    request, home, announce = night.request, night.home, night.listener.announce
    require_room(home, request.settings, sum(file.rows_read for file in ingested.files))
    with writing(home.reported):
        reports = [astuple(report) for report in reported.complete(home)]
    inputs = kept.Inputs.of(ingested.files, request.as_of, reports, code_version())
    if not request.must_build and (standing := kept.standing(home, inputs)):
        announce("build", "the last run built this and got no further: its warehouse stands")
        return standing
    register = partial(registration.register, files=list(ingested.files), as_of=request.as_of, releases=reports)
    with dbt.private(), writing(home.warehouse):
        if request.must_build:
            kept.forget(home)
        built = _gone_on_with(night, inputs, register, manifest) or _built_anew(night, inputs, register, manifest)
        kept.keep(home, inputs, built)
    announce("build", f"{len(built.models)} models, {len(built.tests)} tests")
    return built


def _gone_on_with(
    night: Night, inputs: kept.Inputs, register: Callable[..., None], manifest: Future[Any] | None
) -> Built | None:
    """The last warehouse with what is to be made of it besides; None where nothing of it stands, or going on fails."""
    home, announce = night.home, night.listener.announce
    if not kept.is_begun(home):
        return None
    if not kept.is_as_left(home):
        announce("build", f"{home.warehouse} is not as the last build left it: all is built anew")
        return None
    parsed = manifest.result() if manifest else dbt.parse(home.root)
    recipes, is_finished = inputs.recipes(parsed), kept.is_finished(home)
    standing = kept.standing_models(home, recipes)
    if not standing:
        return None
    if not is_finished:
        announce("build", f"the last build did not come to its end: {len(standing)} of its models stand")
    try:
        with connect(night.request.settings, home.work / "spill", home.warehouse) as con:
            kept.clear_besides(home, con, {i: parsed.nodes[i] for i in standing}, recipes)
            register(con)
        built = _made(night, parsed, recipes, standing)
    except DiskFull:
        raise
    except (CchcError, duckdb.Error) as error:
        why = told(error).removesuffix(": nothing was published")
        announce("build", f"the last warehouse cannot be gone on with, all is built anew: {why}")
        return None
    return replace(built, carried=standing) if is_finished else built


def _built_anew(
    night: Night, inputs: kept.Inputs, register: Callable[..., None], manifest: Future[Any] | None
) -> Built:
    """A new warehouse."""
    home = night.home
    kept.forget(home)
    if dbt.discard(home.warehouse):
        night.listener.announce("build", f"{home.warehouse} could not be read: it is made anew")
    with connect(night.request.settings, home.work / "spill", home.warehouse) as con:
        register(con)
    parsed = manifest.result() if manifest else dbt.parse(home.root)
    return _made(night, parsed, inputs.recipes(parsed))


def _made(night: Night, manifest: Any, recipes: Mapping[str, str], standing: Sequence[str] = ()) -> Built:
    """dbt over the warehouse, which notes each model that comes to stand."""
    home = night.home

    def note(node: str) -> None:
        kept.note(home, node, recipes[node])

    return dbt.build(home, night.request.settings, night.progress("build"), manifest, standing, note)


# ---------------------------------------------------------------- judge


def judge(night: Night, ingested: Ingested, built: Built, waivers: Sequence[Waiver] | None = None) -> Judged:
    """Great Expectations on bounded frames, dbt's tests, one verdict, written below `work/quality`.

    It is kept in the history of checks, whether it allows publication or not; that of a submission, which may come with
    `waivers`, is kept in its pack alone.
    """
    from orchestration.quality.double_entry import double_entry_frame
    from orchestration.quality.frames import build_frames, facts_frame, kpi_movements_frame
    from orchestration.quality.history import CheckHistory
    from orchestration.quality.measures import newest_nights
    from orchestration.quality.suites import run_suites
    from orchestration.quality.verdict import Verdict

    home, settings = night.home, night.request.settings
    last = releases.baseline(home)
    comes_after = last is not None and last.as_of <= night.request.as_of
    former = {name: table["rows"] for name, table in last.manifest["tables"].items()} if last and comes_after else {}
    with connect(settings, home.work / "spill", home.warehouse, read_only=True) as con:
        frames = build_frames(con, batch(night.home, ingested), list(ingested.losses))
        frames["double_entry"] = double_entry_frame(con, whole=night.request.must_build)
        frames["source_nights"] = newest_nights(con, ingested.files)
        frames["facts"] = facts_frame(con, former)
        frames["kpi_movements"] = kpi_movements_frame(con)
    quality_dir = home.work / "quality"
    with writing(quality_dir):
        results = run_suites(frames, quality_dir, notices=[waiver.told_vi for waiver in waivers or ()])
        verdict = Verdict.of(results, dbt_results(built))
        verdict.write(quality_dir)
    if waivers is None:
        with writing(home.checks):
            history = CheckHistory(home.checks)
            history.record(verdict, night.request.as_of, inputs_of(list(ingested.files)), code_version())
    night.listener.announce("check", _checks(verdict))
    blocking = verdict.unwaived(waivers or ())
    return Judged(verdict, why_blocked(blocking, ingested.losses) if blocking or not verdict.checks else None)


def batch(home: Home, ingested: Ingested) -> pd.DataFrame:
    """The files in no release yet, as the frame that the batch suite judges."""
    import pandas as pd

    from orchestration.quality.frames import BATCH_COLUMNS

    current, decisions = releases.baseline(home), ingested.decisions
    fresh = [f for f in ingested.files if current is None or not current.holds(f.source, f.source_file, f.sha256)]
    decided = {f.content: d.decision if (d := decisions.get(f.content)) else "none" for f in fresh}
    rows = [[*(getattr(f, c) for c in BATCH_COLUMNS[:-1]), decided[f.content]] for f in fresh]
    return pd.DataFrame(rows, columns=list(BATCH_COLUMNS))


def dbt_results(built: Built) -> list[CheckResult]:
    """dbt tests as check results: severity error blocks."""
    from orchestration.quality.suites import CheckResult, Status

    statuses: dict[str, Status] = {"pass": "passed", "fail": "failed", "warn": "failed"}
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
        for test in built.tests.values()
    ]


def why_blocked(blocking: Sequence[CheckResult], lost: tuple[Loss, ...]) -> str:
    """Why checks that did not pass forbid publication, and what to do."""
    # What errored often only follows from what failed.
    failed = sorted(blocking, key=lambda check: check.status != "failed")
    named = "; ".join(f"{c.check_code} ({c.observed})" for c in failed[:3])
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    remedies = [f"{loss.source_file}: {loss.remedy}" for loss in lost[:3]]
    if any(c.check_code == OVERDUE for c in blocking):
        remedies.append("have the overdue sources exported, or review blocks_after in expectations/rhythms.yml")
    remedy = "; ".join(remedies) or "correct the data, or decide with `cchc accept` or `cchc withdraw`"
    return f"publication is blocked by {named}{more}: {remedy}"


# ---------------------------------------------------------------- publish


def publish(
    night: Night, ingested: Ingested, judged: Judged, shown: Callable[[Release], object] = lambda _: None
) -> Release:
    """Publish what was built; `shown` is told as readers see it. Raises PublicationBlocked by the verdict."""
    if judged.blocked:
        raise PublicationBlocked(judged.blocked)
    home, becomes_current = night.home, _becomes_current(night)
    manifest = json.loads(dbt.manifest_path(home).read_text("utf-8"))
    release = publishing.publish(
        home,
        night.request.settings,
        night.request.as_of,
        list(ingested.files),
        judged.verdict,
        manifest,
        home.work / "quality",
        night.progress("publish"),
        make_current=becomes_current,
        shown=shown,
        pages=lambda release_id, folder: pages(night, ingested, manifest, release_id, folder),
    )
    with suppress(OSError):  # the release stands: the next run records it
        reported.complete(home)
    beside = "" if becomes_current else f", beside the current release {home.current.resolve().name}"
    night.listener.announce("publish", f"{len(release.manifest['tables'])} tables in {release.path}{beside}")
    return release


def pages(night: Night, ingested: Ingested, manifest: dict[str, Any], release_id: str, folder: Path) -> None:
    """The pages of a release whose tables stand in `folder`; `manifest` is dbt's."""
    from orchestration.reports.dashboard import write_dashboard
    from orchestration.reports.docs import write_docs

    as_of = night.request.as_of
    review(night, ingested, release_id, folder)
    with _reading(night, folder) as con:
        write_dashboard(con, folder / releases.DASHBOARD, release_id, as_of)
        write_docs(con, folder / releases.DOCS, release_id, as_of, published_tables(manifest), manifest)


def review(
    night: Night,
    ingested: Ingested,
    release_id: str,
    folder: Path,
    waivers: Sequence[Waiver] = (),
    period: tuple[date, date] | None = None,
) -> None:
    """The review page and the offices' workbooks of a release, or of a pack and its period, whose tables stand in
    `folder`."""
    from orchestration.reports.review import Subject, former_releases, write_review

    home, request = night.home, night.request
    subject = Subject(
        release_id,
        request.as_of,
        code_version(),
        inputs_of(list(ingested.files)),
        tuple(ingested.decisions.values()),
        period,
    )
    with _reading(night, folder) as con:
        write_review(con, folder / releases.REVIEW, subject, former_releases(home, subject), waivers)


@contextmanager
def _reading(night: Night, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose default database is the release that stands in `folder`."""
    with connect(night.request.settings, night.home.work / "spill") as con:
        con.execute(f"attach {literal(str(folder / releases.DATABASE))} as release (read_only)")
        con.execute("use release")
        yield con


# ---------------------------------------------------------------- what is told at the end


def summary(done: list[Step]) -> Iterator[tuple[str, str]]:
    """The closing lines of a run, as far as it came: what came in, what was found, what was published."""
    release = next((step.release for step in done if isinstance(step, Published)), None)
    for step in done:
        match step:
            case Ingested(files=counted_files):
                files = [f for f in counted_files if not f.is_nested]
                yield "files", f"{len(files)} known, {sum(f.status == 'rejected' for f in files)} rejected whole"
                read, refused = (sum(getattr(f, n) for f in counted_files) for n in ("rows_read", "rows_rejected"))
                yield "rows", f"{read:,} read, {refused:,} rejected"
                if release:
                    tables = release.manifest["tables"]
                    yield "dossiers", f"{tables['fct_dossiers']['rows']:,}, {tables['dq_flags']['rows']:,} flags"
            case Judged(verdict=verdict):
                yield "checks", _checks(verdict)
            case Published():
                yield "release", f"{step.release.release_id} in {step.release.path}"
                if step.release.dashboard_page.exists():
                    yield "dashboard", f"{step.release.dashboard_page}"
                if step.release.review_page.exists():
                    yield "review", f"{step.release.review_page}"


def _checks(verdict: Verdict) -> str:
    counts = verdict.counts()
    blocking = len(verdict.blocking_failures)
    warned = counts["failed"] + counts["errored"] - blocking
    return f"{counts['passed']} passed, {warned} warned, {blocking} failed and block publication"
