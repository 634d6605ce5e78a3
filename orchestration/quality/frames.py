"""The bounded frames that suites judge: columns by projection, one SQL statement each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

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

_SOURCE_FRESHNESS = """
select source, newest_export_at, freshness
from marts.dq_source_freshness
order by source
"""

# A month that is over beside the twelve before it, for the province and each agency.
_KPI_MOVEMENTS = """
with months as (
    select kpi_code, scope_type, scope_code, period_start, value, denominator, $month::date as newest
    from marts.kpi_values
    where
        period_type = 'month' and scope_type in ('province', 'agency') and period_end = last_day(period_start)
        and period_start between $month::date - interval 12 month and $month::date
)

select
    kpi_code,
    kpi_catalogue.kind,
    scope_type,
    scope_code,
    any_value(newest)::timestamp as period_start,
    max(value) filter (period_start = newest)::double as value,
    max(denominator) filter (period_start = newest)::double as denominator,
    max(value) filter (period_start = newest - interval 1 month)::double as former,
    max(denominator) filter (period_start = newest - interval 1 month)::double as former_denominator,
    median(value) filter (period_start < newest)::double as usual,
    count(value) filter (period_start < newest) as months
from months
left join marts.kpi_catalogue using (kpi_code)
where kind in ('count', 'rate', 'mean')
group by all
having max(value) filter (period_start = newest) is not null
order by all
"""

# Which member of a dimension is the unknown one (docs/decisions/0010-the-star.md).
_DIMENSIONS = {
    "agency_key": "dim_agency",
    "procedure_key": "dim_procedure",
    "facility_key": "dim_health_facility",
    "provider_key": "dim_payment_provider",
}
_NO_DAY, _FIRST_DAY = "date '9999-12-31'", "date '2010-01-01'"
_LAST_DAY = "(select max(as_of) + interval 1 year from marts.kpi_values)"
_OF_DOSSIERS = {
    **{
        ("share", f"{column}={code}"): f"count(*) filter ({column} = '{code}') / nullif(count({column}), 0)"
        for column, codes in {
            "bucket": ("not_counted", "resolved", "withdrawn", "in_process"),
            "timeliness": ("early", "on_due_date", "late", "within_due", "overdue"),
        }.items()
        for code in codes
    },
    ("working_days", "median"): "median(processing_working_days)",
    ("working_days", "p99"): "quantile_cont(processing_working_days, 0.99)",
}


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
    """The frames `batch`, `losses`, `kpi`, `reconciliation` and `source_freshness`, as `run_suites` takes them.

    Reads `marts.kpi_values`, `marts.dq_reconciliation` and `marts.dq_source_freshness` from a connection to the
    warehouse.
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
        "source_freshness": _fetch(connection, _SOURCE_FRESHNESS),
    }


def kpi_movements_frame(connection: duckdb.DuckDBPyConnection, month: date | None = None) -> pd.DataFrame:
    """The frame `kpi_movements`: each count, rate and mean of a month, the newest that is over unless one is given.

    For the province and each agency. `former` is the month before, `usual` the median of up to twelve before, of which
    `months` are known. Empty until a month is over.
    """
    month = month or max(months_over(connection), default=None)
    return _fetch(connection, _KPI_MOVEMENTS, {"month": month})


def months_over(connection: duckdb.DuckDBPyConnection) -> list[date]:
    """The first day of each month that is over, oldest first."""
    rows = connection.execute(
        "select distinct period_start from marts.kpi_values "
        "where period_type = 'month' and period_end = last_day(period_start) order by all"
    ).fetchall()
    return [month for (month,) in rows]


def facts_frame(connection: duckdb.DuckDBPyConnection, former: Mapping[str, int]) -> pd.DataFrame:
    """The frame `facts`: a measured value of a fact table a row, one statement a table. `measure`:

    - `rows`, beside those of the former release as `usual` (`former` gives them by table);
    - shares of the rows from 0 to 1: `unknown_key_share` by key that only the unknown member has,
      `distant_share` by day that lies before 2010 or more than a year after the as-of day;
    - of dossiers `share` by bucket and timeliness, and `working_days` by quantile.
    """
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' "
        "and starts_with(table_name, 'fct_') and database_name = current_database() order by all"
    ).fetchall():
        columns.setdefault(table, []).append(column)
    rows: list[tuple[str, str, str, int, float, float | None]] = []
    for table, named in columns.items():
        wanted = dict(_measures_of(table, named))
        count, *values = connection.execute(
            f"select {', '.join(['count(*)', *wanted.values()])} from marts.{table}"
        ).fetchall()[0]
        rows.append((table, "rows", "", count, count, former.get(table)))
        rows += [(table, *key, count, v, None) for key, v in zip(wanted, values, strict=True) if v is not None]
    frame = pd.DataFrame(rows, columns=["fact", "measure", "item", "rows", "value", "usual"])
    return frame.astype({"value": "float64", "usual": "float64"})


def _measures_of(table: str, columns: list[str]) -> Iterator[tuple[tuple[str, str], str]]:
    """((measure, item), SQL) of a fact; versions are looked at through their newest."""
    if table == "fct_dossier_versions":
        return
    for column in columns:
        if dimension := _DIMENSIONS.get(column):
            code = f"{dimension.removeprefix('dim_').rpartition('_')[2]}_code"
            unknown = f"{column} in (select {column} from marts.{dimension} where {code} = 'unknown')"
            yield ("unknown_key_share", column), f"avg(({unknown})::integer)"
        elif column.endswith("_date") and column != "event_date":
            day = f"{column} <> {_NO_DAY} and ({column} < {_FIRST_DAY} or {column} > {_LAST_DAY})"
            yield ("distant_share", column), f"avg(({day})::integer)"
    if table == "fct_dossiers":
        yield from _OF_DOSSIERS.items()


def _fetch(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object] | None = None
) -> pd.DataFrame:
    """The rows with codes as categories: they repeat over and over, and the frame stands in memory."""
    rows = connection.sql(query, params=parameters).to_arrow_table()
    for at, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            rows = rows.set_column(at, field.name, rows.column(at).dictionary_encode())
    return rows.to_pandas()
