"""Which rows an export holds: KPIs of a question, or a published table narrowed down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches

import duckdb

from orchestration.errors import UsageError
from orchestration.publishing import views
from orchestration.publishing.releases import Release
from orchestration.publishing.views import View, term
from orchestration.reports.figures import Question, every_kpi, known_scope, narrowed
from orchestration.reports.small_cells import SMALLEST, is_small, withheld
from orchestration.sql import literal, quoted

# By which column a table knows each scope that is not its own `scope_type`.
_SCOPES = {
    "agency": ("agency_code", "lead_agency_code"),
    "commune": ("commune_code",),
    "field": ("field_code",),
    "procedure": ("procedure_code",),
    "channel": ("channel",),
    "service_level": ("service_level",),
    "level": ("level",),
}
_FIGURES = "kpi_values"
# The macro of past days counts them of withdrawn dossiers, too.
_OF_DOSSIERS = {
    "processing_working_days": "if(bucket = 'resolved', processing_working_days, null) as processing_working_days"
}
_WITHHELD_VI = f"Được che (dưới {SMALLEST} người)"
_CHANGES = tuple(f"{part}_{when}" for when in ("before", "after") for part in ("numerator", "denominator", "value"))


@dataclass(frozen=True)
class Filters:
    """What narrows an export down, as the command takes it; days are inclusive."""

    from_on: date | None = None
    to_on: date | None = None
    as_of: date | None = None
    scope: str | None = None
    by: tuple[str, ...] = ()
    convention: str = "separate"

    def question(self, release: Release) -> Question:
        """With the interface's defaults. Raises UsageError for days that cannot be answered."""
        return Question.of(release, self.from_on, self.to_on, self.as_of, self.convention, self.scope)


@dataclass(frozen=True)
class Relation:
    """Rows as SQL; by column its heading for people; the column, if any, that says whose figure is withheld."""

    sql: str
    headings: Mapping[str, str]
    withheld: str | None = None


@dataclass(frozen=True)
class _Table:
    """A published table: its columns but the pseudonyms."""

    schema: str
    name: str
    columns: tuple[str, ...]
    sql: str = field(default="")

    @property
    def rows(self) -> str:
        return f"{self.schema}.{quoted(self.name)}"

    def has(self, *columns: str) -> bool:
        return set(columns) <= set(self.columns)


def relation(con: duckdb.DuckDBPyConnection, release: Release, names: tuple[str, ...], filters: Filters) -> Relation:
    """What is asked for. Raises UsageError for what is not there, or cannot be filtered so."""
    question = filters.question(release)
    codes = {code for (code,) in con.execute("select kpi_code from marts.kpi_catalogue").fetchall()}
    if codes.issuperset(names):
        return _figures(question, filters, names)
    tables, known_views = _tables(con), {view.name: view for view in views.views(con.table("marts.data_dictionary"))}
    known = [*codes, *tables, *known_views]
    if len(names) > 1 or filters.by or filters.convention != "separate":
        other = next(name for name in names if name not in codes)
        if other.rpartition(".")[2] not in known:
            raise _unknown(other, known)
        raise UsageError(f"{other} is a table: give it alone, without --by and --convention, which are for KPIs")
    [name] = names
    schema, _, bare = name.rpartition(".")
    table = tables.get(bare if schema in ("", "marts") else f"{schema}_{bare}")
    if table is not None:
        return _table(table, known_views.values(), filters, question)
    if schema in ("", views.SCHEMA) and bare in known_views:
        view = known_views[bare]
        return _view(view, tables[view.declared.of], tables, filters, question)
    raise _unknown(name, known)


def _unknown(name: str, known: list[str]) -> UsageError:
    near = get_close_matches(name.rpartition(".")[2], known, 3, 0.5)
    return UsageError(
        f"{name!r} is neither a KPI (`cchc kpi --all` has them) nor a table or view (marts.data_dictionary has them)"
        + (f": did you mean {' or '.join(near)}?" if near else "")
    )


def _tables(con: duckdb.DuckDBPyConnection) -> dict[str, _Table]:
    """The published tables by name; those of schema history are named `history_…`, as their Parquet files are."""
    found = con.execute(
        """
        select schema_name, table_name, list(column_name order by column_index)
        from duckdb_columns() as held
        where schema_name in ('marts', 'history')
            and (schema_name, table_name) in (select (schema_name, table_name) from duckdb_tables())
            and not exists (
                from marts.data_dictionary as told
                where told.table_schema = held.schema_name and told.column_name = held.column_name
                    and told.table_name in (held.table_name, 'history_' || held.table_name)
                    and told.personal_data_class = 'pseudonym'
            )
        group by all
        """
    ).fetchall()
    return {
        table if schema == "marts" else f"{schema}_{table}": _Table(schema, table, tuple(columns))
        for schema, table, columns in found
    }


# ---------------------------------------------------------------- figures


def _figures(question: Question, filters: Filters, codes: tuple[str, ...]) -> Relation:
    """The columns of kpi_values, what the KPI is called, its unit, whether the figure is withheld."""
    of = [known_scope(kind) for kind in filters.by or ("province",)]
    sql = f"""
        select figures.* exclude (is_withheld), name_vi, unit, is_withheld
        from ({withheld(f"({every_kpi(question)})")}) as figures
        join marts.kpi_catalogue using (kpi_code)
        where {narrowed(question, of, codes)}
        order by kpi_code, scope_type, scope_code
    """
    return Relation(sql, {}, "is_withheld")


# ---------------------------------------------------------------- tables and views


def _table(table: _Table, known_views: Iterable[View], filters: Filters, question: Question) -> Relation:
    over = [view for view in known_views if view.declared.of == table.name and table.schema == "marts"]
    day = next((view.declared.day for view in over if view.declared.day), None)
    rows, columns, hidden = _rows(table, filters, question), [quoted(column) for column in table.columns], None
    if table.name == _FIGURES:
        rows, hidden = f"({withheld(rows)})", "is_withheld"
        columns.append(hidden)
    elif table.has("kpi_code", *_CHANGES):
        rows, hidden = f"({_changes_withheld(rows)})", "is_withheld"
        columns.append(hidden)
    conditions = _conditions(table.name, {column: quoted(column) for column in table.columns}, day, filters, question)
    return Relation(f"select {', '.join(columns)} from {rows}{_where(conditions)}", {}, hidden)


def _view(view: View, of: _Table, tables: Mapping[str, _Table], filters: Filters, question: Question) -> Relation:
    rows, more, hidden = _rows(of, filters, question), "", None
    headings = {column.name: _heading(column.description) for column in view.columns}
    if of.name == _FIGURES:
        rows, hidden = f"({withheld(rows)})", "duoc_che"
        more, headings[hidden] = f", is_withheld as {hidden}", _WITHHELD_VI
    places = {
        column: f"{quoted(table)}.{quoted(column)}"
        for table in (*reversed(view.declared.beside), of.name)
        if table in tables
        for column in tables[table].columns
    }
    conditions = _conditions(view.name, places, view.declared.day, filters, question)
    return Relation(view.over(rows, more, " and ".join(conditions)), headings, hidden)


def _rows(table: _Table, filters: Filters, question: Question) -> str:
    """The table, or what it held at the end of an earlier day. Raises UsageError where that is not known."""
    if filters.as_of is None:
        return table.rows
    if table.name == "fct_dossiers":
        columns = ", ".join(_OF_DOSSIERS.get(column, quoted(column)) for column in table.columns)
        return f"(select {columns} from marts.dossiers_as_of({_day(question.as_of)}))"
    if table.has("known_from", "known_to"):
        after = _day(question.as_of + timedelta(days=1))
        return f"(select * from {table.rows} where known_from < {after} and known_to >= {after})"
    raise UsageError(
        f"--as-of: what {table.name} held on an earlier day is not known; it is of KPIs, fct_dossiers, "
        "fct_dossier_versions and the tables of schema history"
    )


def _changes_withheld(rows: str) -> str:
    """restated_kpis without figures that are too small, before or after."""
    hidden = (
        f"({is_small('numerator_before', 'denominator_before')} or {is_small('numerator_after', 'denominator_after')})"
    )
    kept = ", ".join(f"if(is_withheld, null, {column}) as {column}" for column in _CHANGES)
    return f"""
        select * replace ({kept}) from (
            select changes.*, {hidden} as is_withheld
            from {rows} as changes left join marts.kpi_catalogue using (kpi_code)
        )
    """


def _conditions(
    name: str, places: Mapping[str, str], day: str | None, filters: Filters, question: Question
) -> list[str]:
    """The filters as conditions on columns. Raises UsageError for one that the table has no column for."""
    found = []
    if filters.from_on or filters.to_on:
        first, last = (places.get(column) if column else None for column in (day, "period_end"))
        if first is None:
            raise UsageError(f"{name} has no day: leave out --from and --to")
        if filters.from_on:
            found.append(f"{first}::date >= {_day(filters.from_on)}")
        if filters.to_on:
            found.append(f"{last or first}::date <= {_day(filters.to_on)}")
    if question.scope:
        kind, code = question.scope
        if {"scope_type", "scope_code"} <= places.keys():
            found.append(f"{places['scope_type']} = {literal(kind)} and {places['scope_code']} = {literal(code)}")
        elif question.scope != ("province", "all"):
            column = next((places[column] for column in _SCOPES.get(kind, ()) if column in places), None)
            if column is None:
                raise UsageError(f"{name} has no column for the scope type {kind}: leave out --scope")
            found.append(f"{column} = {literal(code)}")
    return found


def _where(conditions: list[str]) -> str:
    return f" where {' and '.join(conditions)}" if conditions else ""


def _day(day: date) -> str:
    return f"date {literal(day.isoformat())}"


def _heading(description: str) -> str:
    said = term(description)
    return said[0].upper() + said[1:]
