"""`datapackage.json` beside the Parquet: what each file holds, in the words of the Frictionless standard."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.files import write_text
from orchestration.publishing.tables import Column, PublishedTable

NAME = "datapackage.json"
_TYPES = {
    "string": "string", "boolean": "boolean", "integer": "integer", "bigint": "integer", "double": "number",
    "decimal": "number", "date": "date", "timestamp": "datetime",
}  # fmt: skip


def write(
    folder: Path, release_id: str, as_of: date, tables: Iterable[PublishedTable], sums: Mapping[str, dict[str, Any]]
) -> None:
    """Describe the Parquet files of `folder`, whose sums stand by their paths below the release."""
    package = {
        "profile": "data-package",
        "name": f"cchc-{release_id.replace('_', '-')}",
        "id": release_id,
        "title": f"Cải cách hành chính, số liệu đến ngày {as_of:%d/%m/%Y}",
        "description": "Facts, dimensions and figures of one release of the CCHC warehouse, a Parquet file a table.",
        "resources": [_resource(table, sums[f"{folder.name}/{table.name}.parquet"]) for table in tables],
    }
    write_text(folder / NAME, json.dumps(package, ensure_ascii=False, indent=1) + "\n")


def _resource(table: PublishedTable, summed: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": [_field(column) for column in table.columns]}
    if table.key:
        schema["primaryKey"] = list(table.key)
    if table.references:
        schema["foreignKeys"] = [
            # A table that refers to itself is named by an empty string.
            {
                "fields": [r.column],
                "reference": {"resource": r.table if r.table != table.name else "", "fields": [r.to]},
            }
            for r in table.references
        ]
    return {
        "name": table.name,
        "path": f"{table.name}.parquet",
        "profile": "tabular-data-resource",
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "title": f"{table.schema}.{table.table}",
        "description": table.description,
        "bytes": summed["bytes"],
        "hash": f"sha256:{summed['sha256']}",
        "schema": schema,
    }


def _field(column: Column) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": True} if column.is_required else {}
    if column.values:
        constraints["enum"] = list(column.values)
    field: dict[str, Any] = {
        "name": column.name,
        "type": _TYPES[column.data_type.partition("(")[0]],
        "description": column.description,
    }
    if column.personal != "none":
        field["personalDataClass"] = column.personal
    return field | ({"constraints": constraints} if constraints else {})
