"""The tables of a release, by what the dbt project says of them: columns, keys, and what its tests hold them to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

SCHEMAS = ("marts", "history")


@dataclass(frozen=True)
class Column:
    """One column, as its contract and the blocking tests have it; `personal` is its class of personal data."""

    name: str
    data_type: str
    description: str
    personal: str
    is_required: bool
    values: tuple[str | int, ...]


@dataclass(frozen=True)
class Reference:
    """A column whose every value stands in a column of another table."""

    column: str
    table: str
    to: str


@dataclass(frozen=True)
class PublishedTable:
    """One table of the release; `name` is unique over schemas, `key` the fewest columns that a test proves unique."""

    name: str
    schema: str
    table: str
    description: str
    grain: tuple[str, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...]
    columns: tuple[Column, ...]

    @property
    def pseudonyms(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.personal == "pseudonym")


@dataclass
class _Rules:
    """What the blocking tests of a table hold it to."""

    keys: list[tuple[str, ...]]
    references: list[Reference]
    required: set[str]
    values: dict[str, list[str | int]]


def published_tables(manifest: dict[str, Any]) -> list[PublishedTable]:
    """Every model and seed of the published schemas, ordered by name."""
    rules = _rules(manifest)
    found = []
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] in ("model", "seed") and node["schema"] in SCHEMAS:
            of_it = rules[unique_id]
            found.append(
                PublishedTable(
                    node["name"],
                    node["schema"],
                    node["alias"],
                    node["description"].strip(),
                    tuple(node["config"]["meta"].get("grain", ())),
                    min(of_it.keys, key=lambda key: (len(key), key), default=()),
                    tuple(sorted(of_it.references, key=lambda r: (r.column, r.table))),
                    tuple(
                        Column(
                            name,
                            column["data_type"],
                            column["description"].strip(),
                            column["config"]["meta"].get("personal", "none"),
                            name in of_it.required,
                            tuple(of_it.values.get(name, ())),
                        )
                        for name, column in node["columns"].items()
                    ),
                )
            )
    return sorted(found, key=lambda t: t.name)


def _rules(manifest: dict[str, Any]) -> dict[str, _Rules]:
    """By table; a test that only warns, or looks at some of the rows, proves nothing."""
    found: dict[str, _Rules] = defaultdict(lambda: _Rules([], [], set(), {}))
    for test in manifest["nodes"].values():
        held = test["config"]
        if not test.get("test_metadata") or held["severity"].lower() != "error" or held["where"]:
            continue
        said = test["test_metadata"]["kwargs"]
        said = said | said.get("arguments", {})
        rules = found[test["attached_node"]]
        match test["test_metadata"]["name"]:
            case "unique_grain":
                rules.keys.append(tuple(said["columns"]))
            case "half_open":
                rules.keys.append((*said["key"], said["begins"]))
            case "relationships":
                parents = [i for i in test["depends_on"]["nodes"] if i != test["attached_node"]]
                table = manifest["nodes"][(parents or [test["attached_node"]])[0]]["name"]
                rules.references.append(Reference(said["column_name"], table, said["field"]))
            case "never_missing":
                rules.required |= set(said["columns"])
            case "closed_lists":
                rules.values |= said["lists"]
    return found
