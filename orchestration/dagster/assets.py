"""The assets from landing to release. What is new flows on; where nothing is, what follows is skipped."""

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetsDefinition,
    AssetSpec,
    MaterializeResult,
    multi_asset,
)

from orchestration.dagster import lineage
from orchestration.errors import plainly
from orchestration.nightly import Night
from orchestration.quality.reviewed import load_suites
from orchestration.sources import all_sources

VERDICT, RELEASE = AssetSpec(["quality", "verdict"]).key, AssetSpec(["release"]).key


def landing_assets() -> list[AssetSpec]:
    """What the offices export: outside of our hands, shown for the lineage."""
    return [
        AssetSpec(lineage.landing_key(s.source), description=f"{s.title_vi}. {s.description}", group_name="landing")
        for s in all_sources().values()
    ]


def lake_assets() -> AssetsDefinition:
    sources = all_sources()
    specs = [
        AssetSpec(
            lineage.lake_key(s), deps=[lineage.landing_key(s)], group_name="lake", kinds={"parquet"}, skippable=True
        )
        for s in sources
    ]

    @multi_asset(specs=specs, name="ingest", required_resource_keys={"night"})
    def ingest(context: AssetExecutionContext) -> Iterator[MaterializeResult]:
        night: Night = context.resources.night
        with plainly("ingest"):
            report = night.ingest()
            has_news = night.has_news()
        if not has_news:
            context.log.info("nothing new")
            return
        for name in sources:
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

    return ingest


def warehouse_assets(manifest: dict[str, Any]) -> AssetsDefinition:
    tests = lineage.tests_of(manifest)
    keys = {i: lineage.model_key(node) for i, node in lineage.models(manifest).items()}

    @multi_asset(
        specs=lineage.model_specs(manifest),
        check_specs=lineage.check_specs(manifest),
        name="build",
        required_resource_keys={"night"},
    )
    def build(context: AssetExecutionContext) -> Iterator[MaterializeResult | AssetCheckResult]:
        with plainly("build"):
            outcome = context.resources.night.build()
        for node in outcome.models:
            if node in keys:
                yield MaterializeResult(keys[node])
        for test_id, test in outcome.tests.items():
            if test_id in tests:
                name, key = tests[test_id]
                severity = AssetCheckSeverity.ERROR if test.severity == "error" else AssetCheckSeverity.WARN
                yield AssetCheckResult(
                    passed=test.status == "pass",
                    asset_key=key,
                    check_name=name,
                    severity=severity,
                    metadata={"failures": test.failures},
                )

    return build


def verdict_assets(manifest: dict[str, Any]) -> AssetsDefinition:
    marts = [lineage.model_key(n) for n in lineage.models(manifest).values() if n["schema"] in ("marts", "history")]
    suites = [s.name for s in load_suites()]
    checks = [AssetCheckSpec(name, asset=VERDICT) for name in suites]
    passes = AssetCheckSpec("passes", asset=VERDICT, blocking=True, description="No blocking check failed or errored")

    @multi_asset(
        specs=[AssetSpec(VERDICT, deps=marts, group_name="quality", kinds={"great_expectations"}, skippable=True)],
        check_specs=[*checks, passes],
        name="judge",
        required_resource_keys={"night"},
    )
    def judge(context: AssetExecutionContext) -> Iterator[MaterializeResult | AssetCheckResult]:
        with plainly("check"):
            verdict = context.resources.night.check()
        yield MaterializeResult(VERDICT, metadata=verdict.counts())
        for name in suites:
            bad = [c for c in verdict.checks if c.suite == name and c.status != "passed"]
            grave = any(c.severity == "error" for c in bad)
            yield AssetCheckResult(
                passed=not bad,
                asset_key=VERDICT,
                check_name=name,
                severity=AssetCheckSeverity.ERROR if grave else AssetCheckSeverity.WARN,
                metadata={c.check_code: f"{c.status}: {c.observed}" for c in bad},
            )
        yield AssetCheckResult(
            passed=verdict.passed,
            asset_key=VERDICT,
            check_name="passes",
            metadata={c.check_code: c.observed for c in verdict.blocking_failures},
        )

    return judge


def release_assets() -> AssetsDefinition:
    @multi_asset(
        specs=[AssetSpec(RELEASE, deps=[VERDICT], group_name="release", kinds={"duckdb", "parquet"}, skippable=True)],
        name="publish",
        required_resource_keys={"night"},
    )
    def publish(context: AssetExecutionContext) -> Iterator[MaterializeResult]:
        with plainly("publish"):
            release = context.resources.night.publish()
        yield MaterializeResult(
            RELEASE,
            metadata={
                "release_id": release.release_id,
                "rows": sum(t["rows"] for t in release.manifest["tables"].values()),
            },
        )

    return publish
