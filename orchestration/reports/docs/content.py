"""What the pages say: tables of the release, its dictionary, each KPI with a figure of the release worked through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb

from orchestration.publishing import views
from orchestration.publishing.tables import PublishedTable
from orchestration.reports.forms.declared import form_codes, form_named
from orchestration.reports.small_cells import SMALLEST, is_small


def content(
    con: duckdb.DuckDBPyConnection, release_id: str, as_of: date, tables: Sequence[PublishedTable]
) -> dict[str, Any]:
    """Everything that a template names."""
    sizes = con.execute("select schema_name, table_name, estimated_size from duckdb_tables()").fetchall()
    rows = {(schema, table): size for schema, table, size in sizes}
    return {
        "release_id": release_id,
        "as_of": as_of,
        "smallest": SMALLEST,
        "tables": [(table, rows[table.schema, table.table]) for table in tables],
        "forms": [form_named(code) for code in form_codes()],
        "kpis": _rows(con, _KPIS),
        "others": _others(con),
        "views": views.declared().views,
    }


def _others(con: duckdb.DuckDBPyConnection) -> list[tuple[tuple[str, str], list[dict[str, Any]]]]:
    """The columns of the views of `bao_cao`, then of each source as offices deliver it, by schema and name."""
    found = _rows(
        con,
        "from marts.data_dictionary where table_schema in ('bao_cao', 'landing') "
        "order by table_schema, table_name, column_name",
    )
    return [(place, list(of)) for place, of in groupby(found, key=itemgetter("table_schema", "table_name"))]


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = con.execute(query)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


# By KPI its newest year of the province with a figure. Of years none is withheld for another's sake, so that what the
# dashboard withholds cannot be told from here.
_KPIS = f"""
    select catalogue.*, period_start, period_end, numerator, denominator, value, {is_small()} as is_small
    from marts.kpi_catalogue as catalogue
    left join (
        from marts.kpi_values
        where scope_type = 'province' and period_type = 'year' and value is not null
        qualify 1 = row_number() over (partition by kpi_code order by period_start desc)
    ) as figure using (kpi_code)
    order by catalogue.mart, catalogue.rowid
"""
