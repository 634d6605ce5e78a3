"""What is published or built, as far as it tells of no person."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import duckdb

from orchestration.sources import all_sources

# Empty in a built warehouse.
FILLED_BY_PUBLICATION = {"marts.data_dictionary", "marts.dq_check_history", "marts.dq_check_results"}


def tables(database: Path, without: Collection[str] = ()) -> dict[str, list[tuple]]:
    """The rows of every table and view of `marts` and `history`, without pseudonyms, their kinds, and the columns named."""
    persons = {*without, "identity_kind"} | {  # of a look-up, which the lake calls identity_identity_kind
        name for s in all_sources().values() for c in s.identities for name in (c.stored_name, c.kind_name)
    }
    found: dict[str, list[tuple]] = {}
    with duckdb.connect(str(database), read_only=True) as con:
        columns: dict[str, list[str]] = {}
        for schema, table, column in con.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where schema_name in ('marts', 'history') order by column_index"
        ).fetchall():
            columns.setdefault(f"{schema}.{table}", []).append(column)
        for table, named in columns.items():
            kept = ", ".join(f'"{c}"' for c in named if c not in persons)
            found[table] = con.execute(f"select {kept} from {table} order by all").fetchall()
    return found
