"""The assets from landing to release, all made by one step: a night is whole, and hands nothing on but its release."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from math import ceil
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    multi_asset,
)
from pydantic import Field

from orchestration.dagster import lineage
from orchestration.dagster.liveness import close_dead_runs, show_alive
from orchestration.dagster.patience import tried_again
from orchestration.dagster.resources import Installation
from orchestration.dagster.retention import forget_runs
from orchestration.errors import UsageError, plainly, told
from orchestration.interrupts import heeded
from orchestration.night.holding import held
from orchestration.night.request import Listener, Request
from orchestration.night.steps import Ingested, Judged, Published, steps
from orchestration.quality.reviewed import Rhythm, load_rhythms, load_suites
from orchestration.settings import UMASK, today
from orchestration.sources import all_sources
from orchestration.warehouse.dbt import Built

NIGHT = "night"
VERDICT, RELEASE = AssetKey(["quality", "verdict"]), AssetKey(["release"])
DASHBOARD_PAGE = AssetKey(["pages", "dashboard"])
REVIEW_PAGE, QUALITY_PAGE = AssetKey(["pages", "review"]), AssetKey(["pages", "quality"])
PAGES = {
    DASHBOARD_PAGE: "The province's figures for heads of offices, offline (bảng điều hành)",
    REVIEW_PAGE: "What a reviewer asks before signing off, with a workbook for each office (trang rà soát)",
    QUALITY_PAGE: "Every check of the night with what it found (trang chất lượng dữ liệu)",
}
PASSES = "passes"

Event = MaterializeResult | AssetCheckResult


class NightConfig(Config):
    """What a night is asked for, as the flags of `cchc nightly` and `cchc rebuild`."""

    as_of: str | None = Field(None, description="YYYY-MM-DD; exports stamped later are not yet known. Else today.")
    make_current: bool = Field(False, description="Readers see this release, also when its day is the earlier one.")
    rebuild: bool = Field(False, description="Everything again from the lake; landing is not read.")
    is_watched: bool = Field(
        False, description="A person waits for it: it ends at once where others wait their turn, or try again later."
    )

    @classmethod
    def of(cls, request: Request) -> "NightConfig":
        return cls(
            as_of=request.as_of.isoformat(),
            make_current=request.make_current,
            rebuild=not request.reads_landing,
            is_watched=True,
        )

    def request(self, installation: Installation, tries_again: bool) -> Request:
        """Raises UsageError for what cannot be asked."""
        try:
            day = date.fromisoformat(self.as_of) if self.as_of else today()
        except ValueError:
            raise UsageError(f"as_of is {self.as_of!r}, not a day: write YYYY-MM-DD") from None
        settings = installation.settings() if self.rebuild else installation.landed(tries_again)
        return Request(
            settings,
            day,
            must_build=self.rebuild,
            reads_landing=not self.rebuild,
            make_current=self.make_current,
            tries_again=tries_again,
        )


def outer_assets(manifest: dict[str, Any]) -> list[AssetSpec]:
    """What the offices export and who uses a release: outside of our hands, shown for the lineage."""
    landing = [
        AssetSpec(
            lineage.landing_key(s.source),
            description=f"{s.title_vi}. {s.description}",
            group_name="landing",
            kinds={"file"},
        )
        for s in all_sources().values()
    ]
    return [*landing, *lineage.exposure_specs(manifest, RELEASE)]


def night_assets(manifest: dict[str, Any]) -> AssetsDefinition:
    """Lake, models, verdict and release of a night, with a check a tested table and a check a suite."""
    marts = [lineage.model_key(n) for n in lineage.models(manifest).values() if n["schema"] in ("marts", "history")]
    rhythms = load_rhythms().sources
    lake = [
        AssetSpec(
            lineage.lake_key(s.source),
            deps=[lineage.landing_key(s.source)],
            description=f"{s.title_vi}, typed and pseudonymised, as accepted and rejected",
            group_name="lake",
            kinds={"parquet"},
            metadata=lineage.lake_schema(s),
            skippable=True,
            freshness_policy=_freshness_policy(rhythms[s.source]),
        )
        for s in all_sources().values()
    ]
    verdict = AssetSpec(
        VERDICT,
        deps=marts,
        description="What all checks say together: whether the figures may be published",
        group_name="quality",
        kinds={"great_expectations"},
        skippable=True,
    )
    release = AssetSpec(
        RELEASE,
        deps=[VERDICT],
        description="One complete publication: database, Parquet, pages, sums",
        group_name="release",
        kinds={"duckdb", "parquet"},
        skippable=True,
    )
    pages = [
        AssetSpec(key, deps=[RELEASE], description=description, group_name="release", kinds={"html"}, skippable=True)
        for key, description in PAGES.items()
    ]
    checks = [
        AssetCheckSpec(
            suite.name,
            asset=VERDICT,
            description=f"{suite.title}: {suite.description}",
            blocking=any(rule.blocking for rule in suite.expectations),
        )
        for suite in load_suites()
    ]
    passes = AssetCheckSpec(PASSES, asset=VERDICT, blocking=True, description="No blocking check failed or errored")
    specs = [*lake, *lineage.model_specs(manifest), verdict, release, *pages]

    @multi_asset(
        name=NIGHT,
        specs=specs,
        check_specs=[*lineage.check_specs(manifest), *checks, passes],
        can_subset=True,
    )
    def night(
        context: AssetExecutionContext,
        config: NightConfig,
        installation: Installation,
        listener: ResourceParam[Listener],
    ) -> Iterator[Event]:
        os.umask(UMASK)
        show_alive(context.instance, context.run_id)
        with heeded(), tried_again(context, config.is_watched) as patience, plainly("the night"):
            _require_all(context, specs)
            request = config.request(installation, patience.tries_again)
            with held(request, listener, patience.seconds) as tonight:
                close_dead_runs(context.instance)
                for step in steps(tonight):
                    for event in _events(step, manifest):
                        if _is_wanted(event, context):
                            yield event
                _forget_old_runs(context, installation.settings().keep_runs_days)

    return night


def _freshness_policy(rhythm: Rhythm) -> FreshnessPolicy:
    """A source's rhythm by Dagster's clock, which starts when a file was taken in and knows no working day: a week has
    five. What counts is `dq_source_freshness`."""

    def window(days: int) -> timedelta:
        return timedelta(days=ceil(days * 7 / 5) if rhythm.counted_in == "working_days" else days)

    warns, blocks = rhythm.every + rhythm.warns_after + 1, rhythm.blocks_after
    # Dagster knows no policy that only warns.
    fails = rhythm.every + blocks + 1 if blocks is not None else 2 * warns
    return FreshnessPolicy.time_window(warn_window=window(warns), fail_window=window(fails))


def _forget_old_runs(context: AssetExecutionContext, days: int) -> None:
    """Housekeeping: whatever comes of it, the night ended as it did."""
    try:
        forget_runs(context.instance, days)
    except Exception as error:
        context.log.warning(f"old runs were not deleted: {told(error)}")


def _is_wanted(event: Event, context: AssetExecutionContext) -> bool:
    """A check can be left out of a run."""
    if isinstance(event, MaterializeResult):
        return True
    return any(
        (key.asset_key, key.name) == (event.asset_key, event.check_name) for key in context.selected_asset_check_keys
    )


def _require_all(context: AssetExecutionContext, specs: list[AssetSpec]) -> None:
    """A night can't begin in its middle, nor end there. Raises UsageError when only a part of it was selected."""
    selected = context.selected_asset_keys
    missing = [spec.key for spec in specs if spec.key not in selected]
    if missing:
        first = next(iter(sorted(key.to_user_string() for key in selected)), "a check")
        raise UsageError(
            f"{first} comes out of a whole night, and {len(missing)} of its assets are not selected "
            f"({missing[0].to_user_string()} is the first): launch the job nightly, or materialize all assets"
        )


def _events(step: Ingested | Built | Judged | Published, manifest: dict[str, Any]) -> Iterator[Event]:
    """What is to be seen of a step. Without news nothing is made, and nothing said."""
    match step:
        case Ingested(report=report):
            for name in set(all_sources()) & {f.source for f in report.written}:
                written = [f for f in report.written if f.source == name]
                yield MaterializeResult(
                    lineage.lake_key(name),
                    metadata={
                        "files_new": len(written),
                        "rows_read": sum(f.rows_read for f in written),
                        "rows_rejected": sum(f.rows_rejected for f in written),
                        "files_rejected": sum(f.status == "rejected" for f in written),
                    },
                )
        case Built():
            yield from _built(step, manifest)
        case Judged():
            yield from _judged(step)
        case Published(release=release, is_new=True):
            yield MaterializeResult(
                RELEASE,
                metadata={
                    "release_id": release.release_id,
                    "as_of": release.as_of.isoformat(),
                    "rows": sum(t["rows"] for t in release.manifest["tables"].values()),
                    "folder": MetadataValue.path(str(release.path)),
                    "database": MetadataValue.path(str(release.database)),
                },
            )
            yield MaterializeResult(
                DASHBOARD_PAGE, metadata={"page": MetadataValue.url(release.dashboard_page.as_uri())}
            )
            yield MaterializeResult(REVIEW_PAGE, metadata={"page": MetadataValue.url(release.review_page.as_uri())})
            yield MaterializeResult(QUALITY_PAGE, metadata={"page": MetadataValue.url(release.quality_page.as_uri())})


def _built(built: Built, manifest: dict[str, Any]) -> Iterator[Event]:
    nodes = lineage.models(manifest)
    # Dagster wants them in this order; what a build that was ended had made is not in any.
    for node in [node for node in lineage.in_order(nodes) if node in built.models and node not in set(built.carried)]:
        rows = built.rows.get(node)
        counted = {} if rows is None else {"dagster/row_count": rows}
        yield MaterializeResult(lineage.model_key(nodes[node]), metadata=counted)
    for key, tests in lineage.tests_of(manifest).items():
        failed = [t for i in tests if (t := built.tests.get(i)) and t.status != "pass"]
        yield AssetCheckResult(
            passed=not failed,
            asset_key=key,
            check_name=lineage.TESTS,
            severity=_severity(failed),
            metadata={t.name: f"{t.status}: {t.failures} rows" for t in failed},
        )


def _judged(judged: Judged) -> Iterator[Event]:
    verdict = judged.verdict
    yield MaterializeResult(VERDICT, metadata=verdict.counts())
    for suite in load_suites():
        failed = [c for c in verdict.checks if c.suite == suite.name and c.status != "passed"]
        yield AssetCheckResult(
            passed=not failed,
            asset_key=VERDICT,
            check_name=suite.name,
            severity=_severity(failed),
            metadata={c.check_code: f"{c.status}: {c.observed}" for c in failed},
        )
    yield AssetCheckResult(
        passed=verdict.passed,
        asset_key=VERDICT,
        check_name=PASSES,
        metadata={c.check_code: c.observed for c in verdict.blocking_failures},
    )


def _severity(failed: list[Any]) -> AssetCheckSeverity:
    return AssetCheckSeverity.ERROR if any(c.severity == "error" for c in failed) else AssetCheckSeverity.WARN
