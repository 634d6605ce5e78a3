"""dbt's documentation as one file that opens offline: the project's lineage, the release's catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publishing.releases import DATABASE
from orchestration.publishing.tables import SCHEMAS
from orchestration.reports.layout import in_script

# What the page shows of a node. The rest tells of the machine and the moment of the parse, or repeats itself.
_SHOWN = (
    "unique_id", "resource_type", "name", "label", "alias", "identifier", "database", "schema", "package_name",
    "source_name", "path", "original_file_path", "fqn", "description", "tags", "meta", "docs", "owner", "url", "type",
    "maturity", "raw_code", "macro_sql", "arguments", "language", "refs", "depends_on", "test_metadata", "column_name",
    "attached_node", "access", "group", "version", "metrics", "type_params", "filter", "model", "node_relation",
    "entities", "dimensions", "measures", "defaults", "time_granularity", "source_description",
)  # fmt: skip
_KINDS = ("nodes", "sources", "macros", "exposures", "metrics", "semantic_models", "saved_queries", "functions")
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; font-src data:\">"
)
# Who looks at dbt's pages would be counted here.
_TRACKER = "//d1fc8wv8zag5ca.cloudfront.net/2.9.0/sp.js"


def lineage(con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> str:
    """The page; `con` has the release as its default database, `manifest` is dbt's."""
    import dbt.task.docs

    page = Path(dbt.task.docs.DOCS_INDEX_FILE_PATH).read_text("utf-8").replace("<head>", f"<head>{_POLICY}", 1)
    page = page.replace(_TRACKER, "")
    for placeholder, data in (("MANIFEST", _shown(manifest)), ("CATALOG", _catalogue(con, manifest))):
        page = page.replace(f'"{placeholder}.JSON INLINE DATA"', in_script(data), 1)
    return page


def _shown(manifest: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {kind: _project_s(manifest[kind].values()) for kind in _KINDS}
    for node in shown["nodes"].values():
        if node.get("schema") in SCHEMAS:
            node["database"] = _NAME
    standing = {unique_id for kind in _KINDS for unique_id in shown[kind]}
    said = manifest["metadata"]
    return shown | {
        "metadata": {key: said[key] for key in ("dbt_schema_version", "dbt_version", "project_name", "adapter_type")},
        "docs": {i: doc for i, doc in manifest["docs"].items() if doc["name"] == "__overview__"},
        "disabled": {},
        "unit_tests": {},
        **{
            way: {i: [j for j in others if j in standing] for i, others in manifest[way].items() if i in standing}
            for way in ("parent_map", "child_map")
        },
    }


def _project_s(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The project's own, by unique id, with what is shown of each."""
    found = {}
    for node in nodes:
        if node["package_name"] == "cchc" and node["resource_type"] != "operation":
            shown = found[node["unique_id"]] = {key: node[key] for key in _SHOWN if key in node}
            if columns := node.get("columns"):
                shown["columns"] = {
                    name: {key: column[key] for key in ("name", "description", "data_type", "meta", "tags")}
                    for name, column in columns.items()
                }
            if config := node.get("config"):
                shown["config"] = {key: config[key] for key in ("materialized", "severity", "meta") if key in config}
    return found


def _catalogue(con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the release, as dbt's catalogue has it: types and rows of each table."""
    columns: dict[tuple[str, str], dict[str, Any]] = {}
    for schema, table, name, kind, index in con.execute(
        "select schema_name, table_name, column_name, data_type, column_index from duckdb_columns() order by all"
    ).fetchall():
        columns.setdefault((schema, table), {})[name] = {"name": name, "type": kind, "index": index, "comment": None}
    sizes = con.execute("select schema_name, table_name, estimated_size from duckdb_tables()").fetchall()
    rows = {(schema, table): size for schema, table, size in sizes}
    nodes = {
        unique_id: {
            "unique_id": unique_id,
            "metadata": {
                "type": "BASE TABLE", "database": _NAME, "schema": place[0], "name": place[1], "owner": None,
                "comment": None,
            },
            "columns": columns[place],
            "stats": {
                "num_rows": {
                    "id": "num_rows", "label": "Rows in this release", "value": rows[place], "include": True,
                    "description": "Số dòng trong bản công bố này",
                },
                "has_stats": {
                    "id": "has_stats", "label": "Has Stats?", "value": True, "include": False, "description": "",
                },
            },
        }
        for unique_id, node in manifest["nodes"].items()
        if (place := (node["schema"], node.get("alias"))) in rows
    }  # fmt: skip
    return {"metadata": {}, "nodes": nodes, "sources": {}, "errors": None}


# What the release's database is called by whoever opens the file.
_NAME = DATABASE.partition(".")[0]
