"""Schema `bao_cao`: views in Vietnamese over the published tables, for who reads a release in a spreadsheet.

`bao_cao.yml` says what each shows; what a column is called is the Vietnamese term that closes its description in the
data dictionary, without diacritics, so that a name is said once (docs/decisions/0027-the-analysts-door.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
from pydantic import Field

from orchestration.declared import Declared, load
from orchestration.errors import CchcError
from orchestration.ingestion.cells import fold
from orchestration.sql import literal, quoted

SCHEMA = "bao_cao"
_TERM = re.compile(r"\(([^()]+)\)\.?$")


class Declaration(Declared):
    """A view: the table whose rows it shows, which others stand beside it by which key or condition, its columns."""

    title: str
    of: str
    beside: dict[str, str] = Field(default_factory=dict)
    where: str | None = None
    columns: tuple[str, ...]
    day: str | None = None


class Declarations(Declared):
    """Every view by name, and what is shown instead of codes, by `column` or `column@table`."""

    views: dict[str, Declaration]
    words: dict[str, dict[str | int, str]]


@dataclass(frozen=True)
class Column:
    """A column of a view, and the published one that it shows."""

    name: str
    table: str
    shows: str
    data_type: str
    description: str
    personal_data_class: str
    words: dict[str | int, str]

    @property
    def sql(self) -> str:
        place = f"{quoted(self.table)}.{quoted(self.shows)}"
        if not self.words:
            return place
        known = " ".join(f"when {_constant(code)} then {literal(word)}" for code, word in self.words.items())
        return f"case {place} {known} else {place}::varchar end"


@dataclass(frozen=True)
class View:
    """A view of schema bao_cao."""

    name: str
    declared: Declaration
    columns: tuple[Column, ...]

    @property
    def sql(self) -> str:
        """The question that it asks. Tables stand without a catalog, for the file may be opened anywhere."""
        return self.over(f"marts.{quoted(self.declared.of)}")

    def over(self, rows: str, more: str = "", where: str = "") -> str:
        """The same question of other rows of its table, with more columns, and narrowed down."""
        of = self.declared.of
        shown = ", ".join(f"{column.sql} as {quoted(column.name)}" for column in self.columns)
        joined = "".join(
            f" left join marts.{quoted(table)} on "
            + (f"{quoted(of)}.{quoted(met)} = {quoted(table)}.{quoted(met)}" if met.isidentifier() else met)
            for table, met in self.declared.beside.items()
        )
        conditions = " and ".join(f"({condition})" for condition in (self.declared.where, where) if condition)
        return f"select {shown}{more} from {rows} as {quoted(of)}{joined}" + (
            f" where {conditions}" if conditions else ""
        )


@cache
def declared() -> Declarations:
    """What `bao_cao.yml` says."""
    return load(Path(__file__).with_name("bao_cao.yml"), Declarations)


def term(description: str) -> str:
    """The official term that closes a description, before the list of its values: `kênh thực hiện`."""
    found = _TERM.search(description)
    if found is None:
        raise CchcError(f"the description {description!r} does not end with a Vietnamese term in brackets")
    return found[1].partition(":")[0].strip()


def name_of(description: str) -> str:
    """The term as a name that is typed without quotes and diacritics: `kenh_thuc_hien`."""
    return re.sub(r"\W+", "_", fold(term(description))).strip("_")


def views(dictionary: duckdb.DuckDBPyRelation) -> list[View]:
    """Every view, by what the data dictionary says of the tables. Raises CchcError for a column that is not there."""
    rows = dictionary.filter("table_schema = 'marts'").project(
        "table_name, column_name, data_type, description, personal_data_class"
    )
    tables: dict[str, dict[str, tuple[str, str, str]]] = {}
    for table, column, *said in rows.fetchall():
        tables.setdefault(table, {})[column] = (said[0], said[1], said[2])
    return [
        View(name, view, tuple(_column(name, view, column, tables) for column in view.columns))
        for name, view in declared().views.items()
    ]


def _column(
    view_name: str, view: Declaration, column: str, tables: dict[str, dict[str, tuple[str, str, str]]]
) -> Column:
    given, _, shows = column.rpartition(".")
    places = (given,) if given else (view.of, *view.beside)
    table = next((place for place in places if shows in tables.get(place, {})), None)
    if table is None:
        raise CchcError(f"bao_cao.yml: {view_name}: no table has the column {column}")
    data_type, description, personal = tables[table][shows]
    words = declared().words
    said = words.get(f"{shows}@{table}", words.get(shows, {}))
    return Column(name_of(description), table, shows, "string" if said else data_type, description, personal, said)


def create(con: duckdb.DuckDBPyConnection, made: Sequence[View]) -> None:
    """Make the views in the default database, each column with its description."""
    con.begin()
    con.execute(f"create schema if not exists {SCHEMA}")
    for view in made:
        name = f"{SCHEMA}.{quoted(view.name)}"
        con.execute(f"create view {name} as {view.sql}")
        con.execute(f"comment on view {name} is {literal(view.declared.title)}")
        for column in view.columns:
            con.execute(f"comment on column {name}.{quoted(column.name)} is {literal(column.description)}")
    con.commit()


def described(made: Sequence[View]) -> pa.Table:
    """The views' columns as rows of `data_dictionary`."""
    return pa.Table.from_pylist(
        [
            {
                "table_schema": SCHEMA,
                "table_name": view.name,
                "column_name": column.name,
                "data_type": column.data_type,
                "description": column.description,
                "personal_data_class": column.personal_data_class,
            }
            for view in made
            for column in view.columns
        ]
    )


def _constant(code: str | int) -> str:
    return str(code) if isinstance(code, int) else literal(code)
