"""Running the reviewed suites with Great Expectations over frames in memory, and building Data Docs."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from orchestration import imports
from orchestration.declared import DeclarationError
from orchestration.quality.docs import write_docs
from orchestration.quality.reviewed import Expectation, Suite, load_suites
from orchestration.settings import quiet_telemetry

Status = Literal["passed", "failed", "errored"]

_SHOWN = 3
_MISSING_COLUMN = re.compile(r'The column "(\w+)" in BatchData does not exist')
_log = logging.getLogger(__name__)

# Great Expectations imports them for expectations of distributions and their pictures: a third of its own imports.
for unused in ("scipy.stats", "altair"):
    imports.put_off(unused)


@dataclass(frozen=True)
class CheckResult:
    """One check's outcome, from Great Expectations or from dbt.

    `observed` is a short sentence that names at most codes, files and periods, never another cell of a row.
    Counts are rows, missing where the check counts none.
    """

    check_code: str
    suite: str
    frame: str
    expectation: str
    status: Status
    severity: str
    blocking: bool
    observed: str
    unexpected_count: int | None
    element_count: int | None
    reason: str
    kind: Literal["great_expectations", "dbt"] = "great_expectations"


def run_suites(
    frames: dict[str, pd.DataFrame], docs_dir: Path, suites: list[Suite] | None = None, notices: Sequence[str] = ()
) -> list[CheckResult]:
    """Judges each suite's frame and writes Data Docs, readable offline, at `docs_dir/index.html`.

    Every page bears the notices.

    A frame that was not given leaves every check of its suite errored: what was not judged has not passed.
    Raises DeclarationError when a suite names an expectation that Great Expectations does not know, or gives it
    arguments that it does not take.
    """
    suites = load_suites() if suites is None else suites
    quiet_telemetry()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("frames")
    results: list[CheckResult] = []
    judged = []
    for suite in suites:
        frame = frames.get(suite.frame)
        if frame is None:
            results += [_unjudged(suite, rule) for rule in suite.expectations]
            continue
        applicable = [rule for rule in suite.expectations if rule.applies_when_empty or len(frame)]
        results += [_empty(suite, rule) for rule in suite.expectations if rule not in applicable]
        gx_suite = context.suites.add(_gx_suite(suite, applicable))
        asset = source.add_dataframe_asset(suite.title)
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        outcome = batch.validate(gx_suite, result_format=_result_format(suite, frame))
        rules = {rule.name: rule for rule in applicable}
        results += [
            _result(suite, rules[item.expectation_config.meta["name"]], frame, item)  # type: ignore[union-attr]
            for item in outcome.results
        ]
        judged.append((suite, outcome))
    write_docs(context, judged, docs_dir, notices)
    return results


def _gx_suite(suite: Suite, rules: list[Expectation]) -> Any:
    import great_expectations as gx

    notes = [f"**{suite.title}**", suite.description]
    return gx.ExpectationSuite(
        name=suite.name,
        expectations=[_gx_expectation(suite, rule) for rule in rules],
        meta={"notes": {"format": "markdown", "content": notes}},
    )


def _gx_expectation(suite: Suite, rule: Expectation) -> Any:
    import great_expectations.expectations as gxe

    parts = rule.expectation.split("_")
    class_name = rule.expectation if len(parts) == 1 else "".join(part.capitalize() for part in parts)
    where = f"{suite.name}.yml: {rule.name}"
    kind = getattr(gxe, class_name, None)
    if kind is None:
        raise DeclarationError(f"{where}: expectation: {rule.expectation!r} is not known to Great Expectations")
    try:
        return kind(
            **rule.arguments,
            description=f"{rule.title} ({rule.name}, {_consequence(rule)})",
            notes=rule.basis,
            meta={"name": rule.name},
            severity="critical" if rule.severity == "error" else "warning",
        )
    except (TypeError, ValueError) as error:
        line = " ".join(str(error).split())[:200]
        raise DeclarationError(f"{where}: arguments: {line}") from error


def _consequence(rule: Expectation) -> str:
    if rule.blocking:
        return "chặn công bố"
    return "lỗi, không chặn công bố" if rule.severity == "error" else "cảnh báo"


def _result_format(suite: Suite, frame: pd.DataFrame) -> dict[str, Any]:
    keys = [column for column in suite.identified_by if column in frame.columns]
    wanted: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": _SHOWN}
    return wanted | ({"unexpected_index_column_names": keys} if keys else {})


def _check(suite: Suite, rule: Expectation, status: Status, observed: str, **counts: int | None) -> CheckResult:
    return CheckResult(
        check_code=f"{suite.name}.{rule.name}",
        suite=suite.name,
        frame=suite.frame,
        expectation=rule.expectation,
        status=status,
        severity=rule.severity,
        blocking=rule.blocking,
        observed=observed,
        unexpected_count=counts.get("unexpected"),
        element_count=counts.get("elements"),
        reason=rule.reason,
    )


def _unjudged(suite: Suite, rule: Expectation) -> CheckResult:
    return _check(suite, rule, "errored", f"frame {suite.frame!r} was not given")


def _empty(suite: Suite, rule: Expectation) -> CheckResult:
    return _check(suite, rule, "passed", "empty frame, nothing to judge", unexpected=0, elements=0)


def _raised(info: dict[str, Any]) -> dict[str, Any] | None:
    """The exception behind an item, whether it stands alone or under the id of the metric that raised."""
    candidates = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, dict)]
    return next((found for found in candidates if found.get("raised_exception")), None)


def _result(suite: Suite, rule: Expectation, frame: pd.DataFrame, item: Any) -> CheckResult:
    raised = _raised(item.exception_info or {})
    if raised is not None:
        _log.debug("%s.%s raised: %s", suite.name, rule.name, raised.get("exception_traceback"))
        # The text of an exception may quote a cell; only a column's name is let through.
        missing = _MISSING_COLUMN.search(str(raised.get("exception_message")))
        observed = f"column {missing[1]!r} is missing" if missing else "the check could not be computed"
        return _check(suite, rule, "errored", observed, elements=len(frame))
    found = item.result
    condition = rule.arguments.get("row_condition")
    unexpected = found.get("unexpected_count")
    if unexpected is None and condition and rule.arguments.get("value") == 0:
        unexpected = found["observed_value"]
    status: Status = "passed" if item.success else "failed"
    elements = int(found.get("element_count", len(frame)))
    if unexpected is None:
        return _check(suite, rule, status, _observed(found.get("observed_value")), elements=elements)
    examples = [] if item.success else _examples(suite, frame, found, condition)
    observed = f"{int(unexpected)} of {elements} rows" + (f": {'; '.join(examples)}" if examples else "")
    return _check(suite, rule, status, observed, unexpected=int(unexpected), elements=elements)


def _observed(value: Any) -> str:
    if isinstance(value, (list, tuple, set)):
        return f"{len(value)} distinct values"
    return f"{value}"


def _examples(suite: Suite, frame: pd.DataFrame, found: dict[str, Any], condition: str | None) -> list[str]:
    keys = [column for column in suite.identified_by if column in frame.columns]
    if "unexpected_count" in found:
        rows = pd.DataFrame(found.get("partial_unexpected_index_list") or [], columns=keys)
    else:
        rows = frame.query(condition or "").head(_SHOWN)[keys]
    return [" ".join(_shown(cell) for cell in row) for row in rows.itertuples(index=False)]


def _shown(cell: Any) -> str:
    if pd.isna(cell):
        return "-"
    return f"{cell:%Y-%m-%d}" if isinstance(cell, pd.Timestamp) else str(cell)
