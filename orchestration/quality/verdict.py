"""The one place where blocking is decided: check results of Great Expectations and of dbt, one verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from orchestration.quality.suites import CheckResult

SCHEMA = pa.schema(
    [
        ("check_code", pa.string()),
        ("kind", pa.string()),
        ("suite", pa.string()),
        ("status", pa.string()),
        ("severity", pa.string()),
        ("is_blocking", pa.bool_()),
        ("unexpected_count", pa.int64()),
        ("element_count", pa.int64()),
        ("observed", pa.string()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Waiver:
    """Someone's word that a blocking check need not pass for one submission, and why."""

    check_code: str
    reason: str
    waived_by: str
    waived_at: str

    @property
    def told_vi(self) -> str:
        """The waiver as every page of the pack bears it."""
        return (
            f"Miễn trừ kiểm tra {self.check_code}: {self.reason} "
            f"({self.waived_by}, {datetime.fromisoformat(self.waived_at):%d/%m/%Y %H:%M})"
        )


@dataclass(frozen=True)
class Verdict:
    """What the night's checks say together. Checks are in order of kind, suite and code."""

    checks: tuple[CheckResult, ...]

    @classmethod
    def of(cls, *results: Iterable[CheckResult]) -> Verdict:
        """One verdict over any number of lists of results."""
        checks = [check for part in results for check in part]
        return cls(tuple(sorted(checks, key=lambda check: (check.kind, check.suite, check.check_code))))

    @property
    def blocking_failures(self) -> tuple[CheckResult, ...]:
        """Blocking checks that failed, or that errored: what could not be judged has not passed."""
        return tuple(check for check in self.checks if check.blocking and check.status != "passed")

    def unwaived(self, waivers: Iterable[Waiver]) -> tuple[CheckResult, ...]:
        """Blocking failures that nobody took upon himself."""
        waived = {waiver.check_code for waiver in waivers}
        return tuple(check for check in self.blocking_failures if check.check_code not in waived)

    @property
    def passed(self) -> bool:
        """Whether the release may be published. No check at all is no pass."""
        return bool(self.checks) and not self.blocking_failures

    def counts(self) -> dict[str, int]:
        """Checks by status."""
        statuses: list[str] = [check.status for check in self.checks]
        return {status: statuses.count(status) for status in ("passed", "failed", "errored")}

    def to_table(self) -> pa.Table:
        """The rows of `dq_check_results`."""
        return pa.Table.from_pylist([_row(check) for check in self.checks], schema=SCHEMA)

    def to_frame(self) -> pd.DataFrame:
        """The rows of `dq_check_results`; counts as nullable integers."""
        frame = self.to_table().to_pandas()
        counts = ["unexpected_count", "element_count"]
        return frame.astype(dict.fromkeys(counts, "Int64"))

    def to_json(self) -> str:
        """The text of `quality/verdict.json`: the same checks give the same bytes."""
        content = {
            "passed": self.passed,
            "counts": self.counts(),
            "blocking_failures": [check.check_code for check in self.blocking_failures],
            "checks": [_row(check) for check in self.checks],
        }
        return json.dumps(content, ensure_ascii=False, indent=2) + "\n"

    def write(self, quality_dir: Path) -> Path:
        """Writes `verdict.json` into the release's `quality/` folder, and returns its path."""
        quality_dir.mkdir(parents=True, exist_ok=True)
        path = quality_dir / "verdict.json"
        path.write_text(self.to_json(), encoding="utf-8")
        return path


def _row(check: CheckResult) -> dict[str, Any]:
    row = {name: getattr(check, name) for name in SCHEMA.names if name != "is_blocking"}
    row["is_blocking"] = check.blocking
    return {name: row[name] for name in SCHEMA.names}
