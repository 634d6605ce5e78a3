"""A question of an analyst's own, in SQL, to one release: it reads that, and can do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from orchestration.errors import CchcError, UsageError, told_by_database
from orchestration.publishing.releases import Release, open_release

SEARCHED = ("marts", "bao_cao", "history")
_BATCH = 10_000
# The text is at fault, not what it was asked of.
_OF_THE_TEXT = (duckdb.ParserException, duckdb.SyntaxException, duckdb.CatalogException, duckdb.BinderException)

Answer = tuple[list[str], Iterator[list[tuple[Any, ...]]]]


@contextmanager
def answered(release: Release, sql: str) -> Iterator[Answer]:
    """The columns, each named once, and the rows in batches of the one SELECT that `sql` is.

    Tables need no schema. Raises UsageError for any other statement and for what is not there, CchcError when the
    question ends otherwise.
    """
    with open_release(release, search=SEARCHED) as con:
        with _plainly():
            _require_one_select(sql)
            found = con.execute(sql)
        yield _once([column[0] for column in found.description or ()]), _batches(found)


def _batches(found: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    while True:
        with _plainly():
            batch = found.fetchmany(_BATCH)
        if not batch:
            return
        yield batch


def _require_one_select(sql: str) -> None:
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("`cchc query` answers one SELECT: a release is read, never changed, and nothing beside it")


@contextmanager
def _plainly() -> Iterator[None]:
    """The database's errors in one line of ours, which quotes no cell."""
    try:
        yield
    except _OF_THE_TEXT as error:
        raise UsageError(f"the query cannot be answered: {told_by_database(str(error))}") from None
    except duckdb.PermissionException:
        raise UsageError("the query reaches beyond the release, which is all that it may read") from None
    except duckdb.Error as error:
        raise CchcError(f"the query ended with {told_by_database(str(error))}") from None


def _once(columns: list[str]) -> list[str]:
    """Names that stand twice are numbered, as DuckDB does in a table: `a`, `a_1`."""
    seen: dict[str, int] = {}
    out = []
    for column in columns:
        number = seen.get(column, 0)
        seen[column] = number + 1
        out.append(f"{column}_{number}" if number else column)
    return out
