"""What each source looks like: one declarative file per source, validated on load.

A declaration says columns, accepted header names, kinds, what is required, what is personal, and the key
(docs/landing-contract.md 3). Ingestion is driven by it; nothing here knows a file format, nothing in
ingestion knows a source.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

Kind = Literal[
    "code", "text", "time", "date", "partial_date", "integer", "money", "decimal", "flag", "list", "identity", "dropped"
]

# What becomes of a cell that tells of a person, or may: it is `dropped` at the door, kept as a `pseudonym`, kept as
# `free_text` with its long numbers masked. `none` keeps what is read.
PersonalClass = Literal["dropped", "pseudonym", "free_text", "none"]

_CLASS_OF_KIND: dict[str, PersonalClass] = {"dropped": "dropped", "identity": "pseudonym", "text": "free_text"}

DUCKDB_TYPE: dict[str, str] = {
    "code": "VARCHAR",
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "date": "DATE",
    "partial_date": "VARCHAR",
    "integer": "BIGINT",
    "money": "BIGINT",
    "decimal": "DOUBLE",
    "flag": "BOOLEAN",
    "list": "VARCHAR",
    "identity": "VARCHAR",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JsonRule(_Strict):
    """How a JSON payload gives a column that no single key holds."""

    key: str
    rule: Literal["sum", "not_empty", "equals_one"]
    member: str | None = None


class NumberedCodes(_Strict):
    """A code list in which every number of a fixed length means something."""

    digits: int
    padded_under: tuple[str, ...] = ()
    values: dict[str, tuple[str, ...]]
    otherwise: str


class Column(_Strict):
    """One canonical column. `names` are accepted besides the canonical one, best first.

    `sum_of` and `joined` name headers whose cells together make the value; `implied_by` headers whose very
    presence does. `name_values` are spellings that hold under one header alone. `personal` follows from the kind
    unless it is stated; a code list that keeps unknown values as they are written (`otherwise: "*"`) has to.
    """

    name: str
    kind: Kind
    names: tuple[str, ...] = ()
    personal: PersonalClass = "none"
    required: bool = False
    required_unless: dict[str, tuple[str, ...]] = {}
    required_if: dict[str, tuple[str, ...]] = {}
    not_required_with: str | None = None
    values: dict[str, tuple[str, ...]] = {}
    default: str | None = None
    otherwise: str | None = None
    name_values: dict[str, dict[str, tuple[str, ...]]] = {}
    numbered: NumberedCodes | None = None
    sum_of: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    implied_by: dict[str, str] = {}
    partial_under: tuple[str, ...] = ()
    json_rule: JsonRule | None = None
    description: str = ""

    @field_validator("values", mode="before")
    @classmethod
    def _listed(cls, value: dict) -> dict:
        return {str(k): tuple(str(v) for v in vs) for k, vs in value.items()}

    @model_validator(mode="before")
    @classmethod
    def _classed(cls, values: dict) -> dict:
        return {"personal": _CLASS_OF_KIND.get(values.get("kind", ""), "none"), **values}

    @model_validator(mode="after")
    def _protected(self) -> Column:
        """Raises ValueError where the class says less than the kind does, or cannot be kept for it."""
        expected = "free_text" if self.otherwise == "*" else _CLASS_OF_KIND.get(self.kind, "none")
        if self.personal != expected:
            raise ValueError(f"{self.name}: of kind {self.kind}, so its personal-data class is {expected}: say so")
        return self

    @property
    def is_personal(self) -> bool:
        return self.personal in ("dropped", "pseudonym")

    @property
    def may_hold_text(self) -> bool:
        """Whether a readable cell may say anything at all, also where only its meaning is kept."""
        return self.personal == "free_text" or self.otherwise is not None

    @property
    def stored_name(self) -> str:
        """Identity numbers are stored as a pseudonym, under a name that says so."""
        return (
            self.name.removesuffix("_id").removesuffix("_number").removesuffix("_name") + "_key"
            if self.kind == "identity"
            else self.name
        )

    @property
    def kind_name(self) -> str:
        """Beside the pseudonym of an identity number stands what kind of number it was."""
        return self.stored_name.removesuffix("_key") + "_identity_kind"


class Nested(_Strict):
    """A list inside each JSON record whose members are rows of another source."""

    key: str
    source: str
    parent_column: str


class Source(_Strict):
    """One source of docs/landing-contract.md 3.

    `context` names the group of sources in which one person bears one pseudonym; sources of different groups give
    the same person pseudonyms that cannot be brought together (docs/decisions/0007-pseudonym-contexts.md).
    """

    source: str
    title_vi: str
    description: str
    context: str | None = None
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    nested: tuple[Nested, ...] = ()
    version: str = ""

    @model_validator(mode="after")
    def _in_a_context(self) -> Source:
        """Raises ValueError for persons without a context, and for a context without persons."""
        if bool(self.identities) != bool(self.context):
            raise ValueError(f"{self.source}: context: names the group of sources that share pseudonyms, needed with "
                             "columns of kind identity and with no other")  # fmt: skip
        return self

    @property
    def identities(self) -> tuple[Column, ...]:
        """The columns that become pseudonyms."""
        return tuple(c for c in self.columns if c.kind == "identity")

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def table(self) -> str:
        """The name of this source's table in the warehouse's schema `lake`."""
        return self.source.removeprefix("registers/")

    def stored_columns(self) -> list[tuple[str, str]]:
        """(name, DuckDB type) of what the lake keeps of a row, in order."""
        out: list[tuple[str, str]] = []
        for column in self.columns:
            if column.kind == "dropped":
                continue
            out.append((column.stored_name, DUCKDB_TYPE[column.kind]))
            if column.kind == "identity":
                out.append((column.kind_name, "VARCHAR"))
        return out


def load_source(path: Path) -> Source:
    """One declaration; `like` names another beside it, whose key and columns it has. Raises ValueError naming the file
    and the key at fault."""
    text = path.read_text("utf-8")
    try:
        declared = yaml.safe_load(text)
        if isinstance(declared, dict) and "like" in declared:
            other = (path.parent / f"{declared.pop('like')}.yml").read_text("utf-8")
            text += other
            declared = {name: yaml.safe_load(other)[name] for name in ("key", "columns")} | declared
        source = Source.model_validate(declared)
    except (ValidationError, yaml.YAMLError, FileNotFoundError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    return source.model_copy(update={"version": hashlib.sha256(text.encode()).hexdigest()[:12]})


@cache
def all_sources() -> dict[str, Source]:
    """Every declared source by its landing folder."""
    loaded = [load_source(path) for path in sorted(Path(__file__).parent.rglob("*.yml"))]
    return {source.source: source for source in loaded}
