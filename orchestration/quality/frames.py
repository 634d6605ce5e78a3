"""The bounded frames that suites judge: columns by projection, one SQL statement each."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa

from orchestration.lake.counting import Loss
from orchestration.quality.reviewed import Thresholds, load_thresholds

BATCH_COLUMNS = (
    "source",
    "source_file",
    "status",
    "reason_code",
    "rows_read",
    "rows_accepted",
    "rows_rejected",
    "decision",
)

_KPI = """
select
    kpi_code,
    kpi_catalogue.kind,
    scope_type,
    scope_code,
    period_type,
    period_start::timestamp as period_start,
    period_end::timestamp as period_end,
    as_of::timestamp as as_of,
    numerator::double as numerator,
    denominator::double as denominator,
    value::double as value
from marts.kpi_values
left join marts.kpi_catalogue using (kpi_code)
"""

_RECONCILIATION = """
select
    identity,
    scope_type,
    scope_code,
    period_type,
    period_start::timestamp as period_start,
    left_value::double as left_value,
    right_value::double as right_value,
    difference::double as difference
from marts.dq_reconciliation
"""


def batch_frame(quality_batch: pd.DataFrame, thresholds: Thresholds | None = None) -> pd.DataFrame:
    """One row per landed file in no release yet, with `rejected_share` (0 for an empty file) and the gate.

    `exceeds_threshold` is decided here from the counts, never taken from the caller: at least `min_rows`
    rejected, a share above `max_share`, and nobody has accepted or withdrawn the file.
    """
    rule = (thresholds or load_thresholds()).file_rejection
    batch = quality_batch.loc[:, list(BATCH_COLUMNS)].reset_index(drop=True)
    counts = ["rows_read", "rows_accepted", "rows_rejected"]
    batch[counts] = batch[counts].astype("float64")
    batch["rejected_share"] = (batch["rows_rejected"] / batch["rows_read"]).where(batch["rows_read"] > 0, 0.0)
    is_broken = rule.broken_by(batch["rows_rejected"], batch["rows_read"])
    batch["exceeds_threshold"] = is_broken & (batch["decision"] == "none")
    return batch


def build_frames(
    connection: duckdb.DuckDBPyConnection,
    quality_batch: pd.DataFrame,
    losses: list[Loss],
    thresholds: Thresholds | None = None,
) -> dict[str, pd.DataFrame]:
    """The frames `batch`, `losses`, `kpi` and `reconciliation`, as `run_suites` takes them.

    Reads `marts.kpi_values` and `marts.dq_reconciliation` from a connection to the warehouse.
    """
    return {
        "batch": batch_frame(quality_batch, thresholds),
        "losses": pd.DataFrame(
            [(loss.kind, loss.source, loss.source_file) for loss in losses],
            columns=["kind", "source", "source_file"],
            dtype=object,
        ),
        "kpi": _fetch(connection, _KPI),
        "reconciliation": _fetch(connection, _RECONCILIATION),
    }


def _fetch(connection: duckdb.DuckDBPyConnection, query: str) -> pd.DataFrame:
    """The rows with codes as categories: they repeat over and over, and the frame stands in memory."""
    rows = connection.sql(query).to_arrow_table()
    for at, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            rows = rows.set_column(at, field.name, rows.column(at).dictionary_encode())
    return rows.to_pandas()
