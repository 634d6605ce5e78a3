"""Small frames that pass every suite; tests spoil one cell at a time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.catalogue import kpi_codes
from orchestration.quality.frames import build_frames
from orchestration.quality.measures import Measure, to_frame
from orchestration.quality.reviewed import load_suites
from orchestration.quality.suites import CheckResult
from orchestration.settings import PROJECT_DIR

CHECK = CheckResult(
    check_code="s.a",
    suite="s",
    frame="f",
    expectation="expect_x",
    status="passed",
    severity="error",
    blocking=True,
    observed="0 of 3 rows",
    unexpected_count=0,
    element_count=3,
    reason="2026-11-22, test",
)
IDENTITIES = (
    "flows_close",
    "resolved_split",
    "in_process_split",
    "channel_split",
    "service_level_split",
    "scopes_sum_to_province",
    "stock_continuity",
)


def landed(**cells: object) -> dict[str, object]:
    """One landed file, all rows accepted, with the given cells instead."""
    row = {
        "source": "dossiers",
        "source_file": "dossiers/ho-so 20231116.csv",
        "status": "accepted",
        "reason_code": None,
        "rows_read": 400,
        "rows_accepted": 400,
        "rows_rejected": 0,
        "decision": "none",
    }
    return row | cells


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """A warehouse of one month and one year, a province and one agency, with true figures."""
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.register("codes", pd.DataFrame({"kpi_code": kpi_codes()}))
    connection.execute(
        "create table marts.kpi_catalogue as from read_csv(?)", [str(PROJECT_DIR / "seeds/kpi_catalogue.csv")]
    )
    connection.register("identities", pd.DataFrame({"identity": IDENTITIES}))
    connection.execute(
        """
        create table marts.kpi_values as
        select kpi_code, scope_type, scope_code, period_type, period_start, date '2023-11-16' as period_end,
               date '2023-11-16' as as_of,
               case when kpi_code like '%_rate' then 3 else 12 end::bigint as numerator,
               case when kpi_code like '%_rate' or kpi_code like 'average%' then 4 end::bigint as denominator,
               case when kpi_code like '%_rate' then 0.75 when kpi_code like 'average%' then 3
                    else 12 end::double as value
        from codes,
             (values ('province', 'all'), ('agency', 'H33.12')) scopes(scope_type, scope_code),
             (values ('month', date '2023-11-01'), ('year', date '2023-01-01'))
                 periods(period_type, period_start)
        """
    )
    connection.execute(
        """
        create table marts.dq_reconciliation as
        select identity, 'province' as scope_type, 'all' as scope_code, 'month' as period_type,
               date '2023-11-01' as period_start, 12 as left_value, 12 as right_value, 0 as difference
        from identities
        """
    )
    connection.execute(
        "create table marts.dq_source_freshness as select * from (values "
        "('dossiers', timestamp '2023-11-15 20:00', 'in_time'), ('payments', null, 'missing')) "
        "of_sources(source, newest_export_at, freshness)"
    )
    return connection


@pytest.fixture
def frames(warehouse: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    return build_frames(warehouse, pd.DataFrame([landed()]), []) | {
        "double_entry": double_entry(),
        "source_nights": source_nights(),
        "facts": facts(),
        "kpi_movements": kpi_movements(),
    }


def source_nights(**cells: object) -> pd.DataFrame:
    """A night of 400 rows as it is usual, or one measure of it with the given cells."""
    day = date(2023, 11, 16)
    usual = [
        Measure("dossiers", day, "rows", "", 400, 400, 380),
        Measure("dossiers", day, "rejected_share", "", 400, 0.01, 0.01),
        Measure("dossiers", day, "rejected_as", "unreadable due_at", 400, 0.01, 0),
        Measure("dossiers", day, "missing_share", "due_at", 396, 0.3, 0.1),
        Measure("dossiers", day, "share", "channel=online", 396, 0.9, 0.6),
        Measure("dossiers", day, "share", "status=9", 396, 0.1, 0.5),
        Measure("dossiers", day, "repeated_key_share", "", 396, 0, 0),
        Measure("dossiers", day, "flagged_share", "no_due_date", 396, 0.3),
    ]
    return to_frame(usual if not cells else [Measure("dossiers", day, **({"rows": 400, "item": "x"} | cells))])


def facts(**cells: object) -> pd.DataFrame:
    columns = ["fact", "measure", "item", "rows", "value", "usual"]
    usual = [
        ("fct_dossiers", "rows", "", 400, 400.0, 380.0),
        ("fct_payments", "distant_share", "paid_date", 9, 1.0, None),
    ]
    row = {"fact": "fct_dossiers", "measure": "rows", "item": "", "rows": 400, "value": 0.0, "usual": None} | cells
    return (pd.DataFrame([row]) if cells else pd.DataFrame(usual, columns=columns)).astype({"usual": "float64"})


def kpi_movements(**cells: object) -> pd.DataFrame:
    row = {
        "kpi_code": "dossiers_received",
        "kind": "count",
        "scope_type": "province",
        "scope_code": "all",
        "period_start": pd.Timestamp("2023-10-01"),
        "value": 120.0,
        "denominator": float("nan"),
        "former": 90.0,
        "former_denominator": float("nan"),
        "usual": 100.0,
        "months": 12,
    }
    return pd.DataFrame([row | cells])


def double_entry() -> pd.DataFrame:
    """Two entries that agree about every figure the suite wants compared."""
    figures = next(
        rule.arguments["value_set"]
        for suite in load_suites()
        for rule in suite.expectations
        if rule.name == "every_dossier_figure_compared"
    )
    return pd.DataFrame({"figure": figures}).assign(
        comparison="totals",
        subject="dossiers",
        scope_type="agency",
        period="month 2023-11-01",
        slice="7",
        compared=12,
        agreeing=12,
        disagreeing=0,
        example=None,
    )


@pytest.fixture
def docs_dir(tmp_path: Path) -> Path:
    return tmp_path / "quality"
