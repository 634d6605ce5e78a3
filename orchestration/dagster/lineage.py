"""Asset specs of dbt's models and check specs of its tests, read from the manifest.

dagster-dbt would run dbt in a second process; the night runs it in this one (docs/stack.md 1), and needs
of it only these specs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from typing import Any

from dagster import AssetCheckSpec, AssetKey, AssetSpec, TableColumn, TableSchema

from orchestration.sources import Source, all_sources

TESTS = "dbt_tests"

# Tables of schema `lake` that tell of all sources; the others beside the sources' own tell of the run and the calendar.
_OF_EVERY_SOURCE = ("files", "rejected_rows")


def landing_key(source: str) -> AssetKey:
    return AssetKey(["landing", *source.split("/")])


def lake_key(source: str) -> AssetKey:
    return AssetKey(["lake", *source.split("/")])


def model_key(node: dict[str, Any]) -> AssetKey:
    return AssetKey([node["schema"], node["alias"]])


def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Models and seeds that stand in the warehouse, by unique id."""
    return {i: n for i, n in manifest["nodes"].items() if n["resource_type"] in ("model", "seed")}


def parents(node: dict[str, Any]) -> list[str]:
    """What a model reads, by unique id."""
    return node.get("depends_on", {}).get("nodes", [])


def in_order(nodes: Mapping[str, dict[str, Any]]) -> list[str]:
    """Models and seeds, each after those that it reads."""
    return list(TopologicalSorter({i: [p for p in parents(n) if p in nodes] for i, n in nodes.items()}).static_order())


def model_specs(manifest: dict[str, Any]) -> list[AssetSpec]:
    """One asset per model and seed, downstream of the lake."""
    nodes = models(manifest)
    tables = {source.table: lake_key(source.source) for source in all_sources().values()}
    specs = []
    for node in nodes.values():
        upstream = []
        for parent in parents(node):
            if parent in nodes:
                upstream.append(model_key(nodes[parent]))
            elif parent.startswith("source."):
                table = parent.rsplit(".", 1)[-1]
                if table in tables:
                    upstream.append(tables[table])
                elif table in _OF_EVERY_SOURCE:
                    upstream += tables.values()
        specs.append(
            AssetSpec(
                model_key(node),
                deps=list(dict.fromkeys(upstream)),
                description=node["description"] or None,
                group_name=node["schema"],
                kinds={"dbt", "duckdb"},
                owners=[_owner(node["config"]["meta"]["owner"])],
                metadata=_columns_of(node),
                skippable=True,
            )
        )
    return specs


def exposure_specs(manifest: dict[str, Any], release: AssetKey) -> list[AssetSpec]:
    """Who uses what a release holds, as dbt's exposures say it."""
    nodes = models(manifest)
    return [
        AssetSpec(
            AssetKey(["uses", exposure["name"]]),
            deps=[release, *(model_key(nodes[n]) for n in parents(exposure) if n in nodes)],
            description=f"{exposure['label']}. {exposure['description']}",
            group_name="uses",
            owners=[_owner(exposure["owner"]["name"])],
        )
        for exposure in manifest["exposures"].values()
    ]


def lake_schema(source: Source) -> Mapping[str, Any]:
    """What the lake keeps of a row: names and types; what is dropped at the door is not among them."""
    return _schema((name, kind, "") for name, kind in source.stored_columns())


def _columns_of(node: dict[str, Any]) -> Mapping[str, Any]:
    """The columns of a model, or of a seed, whose types stand apart."""
    of_seed = node["config"].get("column_types") or {}
    return _schema(
        (name, c["data_type"] or of_seed.get(name, ""), c["description"]) for name, c in node["columns"].items()
    )


def _schema(columns: Iterable[tuple[str, str, str]]) -> Mapping[str, Any]:
    found = [TableColumn(name, type=kind, description=said or None) for name, kind, said in columns]
    return {"dagster/column_schema": TableSchema(columns=found)}


def _owner(name: str) -> str:
    """A Vietnamese name as Dagster takes it of a team: letters of ASCII."""
    plain = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    return "team:" + re.sub(r"\W+", "-", plain.encode("ascii", "ignore").decode().strip().lower())


def tests_of(manifest: dict[str, Any]) -> dict[AssetKey, list[str]]:
    """The unique ids of the data tests that stand on each model."""
    nodes = models(manifest)
    found: dict[AssetKey, list[str]] = {}
    for test_id, node in manifest["nodes"].items():
        if node["resource_type"] == "test" and node.get("attached_node") in nodes:
            found.setdefault(model_key(nodes[node["attached_node"]]), []).append(test_id)
    return found


def check_specs(manifest: dict[str, Any]) -> list[AssetCheckSpec]:
    """One check a tested table: people ask whether a table is sound, then for what failed."""
    return [
        AssetCheckSpec(TESTS, asset=key, description=", ".join(manifest["nodes"][i]["name"] for i in tests))
        for key, tests in tests_of(manifest).items()
    ]
