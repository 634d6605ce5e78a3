"""What a release says of itself in a few figures: `review/summary.json`, from which later pages draw what is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from orchestration.reports.review.parts import Subject

FORMAT = 1


def summarised(con: duckdb.DuckDBPyConnection, subject: Subject) -> dict[str, Any]:
    """Totals, flags by rule and office, rejected rows and files, the province's KPIs of the subject's period, checks.

    The release's findings are prepared (`findings.prepare`).
    """

    def listed(query: str, names: Sequence[str]) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=True)) for row in con.execute(query).fetchall()]

    counts = dict(con.execute("select status, count(*) from marts.dq_check_results group by status").fetchall())
    [(dossiers, flags, rows_rejected, files_rejected, restated)] = con.execute(
        "select (select count(*) from marts.fct_dossiers), (select count(*) from marts.dq_flags), "
        "(select count(*) from marts.dq_rejected_rows), (select count(*) from marts.dq_rejected_files), "
        "(select count(*) from marts.restatements)"
    ).fetchall()
    return {
        "format": FORMAT,
        "release_id": subject.release_id,
        "as_of": subject.as_of.isoformat(),
        "checks": {status: counts.get(status, 0) for status in ("passed", "failed", "errored")},
        "totals": {
            "files": len({f["source_file"] for f in subject.files}),
            "files_rejected": files_rejected,
            "rows_read": sum(f["rows_read"] for f in subject.files),
            "rows_rejected": rows_rejected,
            "dossiers": dossiers,
            "flags": flags,
            "restatements": restated,
        },
        "flags": listed(
            "select rule_code, office, count(*) from told_flags group by all order by all", ("rule", "office", "count")
        ),
        "rejected_rows": listed(
            "select source, reason_code, office, count(*) from told_rows group by all order by all",
            ("source", "reason", "office", "count"),
        ),
        "rejected_files": listed(
            "select source, reason_code, count(*) from told_files group by all order by all nulls first",
            ("source", "reason", "count"),
        ),
        "kpis": _kpis(con, subject),
    }


def _kpis(con: duckdb.DuckDBPyConnection, subject: Subject) -> dict[str, Any]:
    """The province's KPIs of the subject's period, or of the year that runs."""
    if subject.period:
        period, figures, asked = (
            [subject.period],
            "marts.kpis(?::date, ?::date, ?::date)",
            [*subject.period, subject.as_of],
        )
    else:
        period = con.execute(
            "select period_start, max(period_end) from marts.kpi_values where period_type = 'year' "
            "group by period_start order by period_start desc limit 1"
        ).fetchall()
        figures, asked = "marts.kpi_values where period_type = 'year' and period_start = ?", [p[0] for p in period]
    values = con.execute(
        f"select kpi_code, numerator, denominator, value from (from {figures}) where scope_type = 'province' "
        "order by kpi_code",
        asked,
    ).fetchall() if period else []  # fmt: skip
    return {
        "period_start": period[0][0].isoformat() if period else None,
        "period_end": period[0][1].isoformat() if period else None,
        "values": {code: {"numerator": n, "denominator": d, "value": v} for code, n, d, v in values},
    }
