"""What stands in the warehouse from one build to the next: what each model was made of, what the last build said
(docs/decisions/0034-what-stands.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.files import clear, sha256_of, write_text
from orchestration.home import Home
from orchestration.lake.files import LakeFile
from orchestration.sources import all_sources
from orchestration.sql import quoted
from orchestration.warehouse.dbt import Built, DbtTest, models_of, target_of
from orchestration.warehouse.registration import OF_CODE, Released


@dataclass(frozen=True)
class Inputs:
    """All that a warehouse follows from: the code, and a sum of each table of schema `lake` that holds data."""

    code: str
    tables: Mapping[str, str]

    @classmethod
    def of(cls, files: Sequence[LakeFile], as_of: date, reports: Sequence[Released], code: str) -> Inputs:
        """A lake file counts as it lies there: a purge writes it again."""
        lying = {f.path: (s.st_size, s.st_mtime_ns) for f in files if f.path for s in [Path(f.path).stat()]}

        def sum_of(some: Collection[LakeFile]) -> str:
            return _sum([[f.values(), lying.get(f.path)] for f in some])

        of_all = sum_of(files)
        tables = {s.table: sum_of([f for f in files if f.source == s.source]) for s in all_sources().values()}
        tables |= {"files": of_all, "rejected_rows": of_all, "run": _sum(as_of), "releases": _sum(reports)}
        return cls(code, tables)

    @property
    def sum(self) -> str:
        """The sum of all of them."""
        return _sum([self.code, sorted(self.tables.items())])

    def recipes(self, manifest: Any) -> dict[str, str]:
        """What each model and seed of dbt's manifest is made of, by unique id: all that its rows follow from, or the
        code alone of a view, which holds none, and of what its `meta` says so."""
        nodes, rows = models_of(manifest), {}

        def rows_of(node: str) -> str:
            if node not in rows:
                if node in manifest.sources:
                    table = manifest.sources[node].name
                    rows[node] = self.code if table in OF_CODE else self.tables[table]
                else:
                    parents = nodes[node].depends_on.nodes if hasattr(nodes[node].depends_on, "nodes") else []
                    rows[node] = _sum([self.code, node, *(rows_of(parent) for parent in sorted(parents))])
            return rows[node]

        return {i: self.code if _is_of_code(node.config) else rows_of(i) for i, node in nodes.items()}


def _is_of_code(config: Any) -> bool:
    return config.materialized == "view" or config.meta.get("follows_from") == "code"


def _sum(said: Any) -> str:
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()


# ---------------------------------------------------------------- model by model


def forget(home: Home) -> None:
    """Nothing is known of the warehouse that lies there."""
    for place in (_said(home), _made(home)):
        clear(place)


def note(home: Home, node: str, recipe: str) -> None:
    """A model or seed, by its unique id, stands in the warehouse: called after the engine has it on disk."""
    with suppress(OSError), _made(home).open("a", encoding="utf-8") as made:
        made.write(f"{node} {recipe}\n")


def is_begun(home: Home) -> bool:
    """Whether anything is known of the warehouse that lies there."""
    return _made(home).exists() and home.warehouse.exists()


def is_finished(home: Home) -> bool:
    """Whether the last build of the warehouse that lies there came to its end."""
    return _said(home).exists()


def is_as_left(home: Home) -> bool:
    """Whether the warehouse is the one that the last build left, byte by byte; of one that was ended nobody knows, and
    the engine's own sums are believed."""
    try:
        return not is_finished(home) or _read(home)["sha256"] == _sums(home)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def standing_models(home: Home, recipes: Mapping[str, str]) -> tuple[str, ...]:
    """The models and seeds, by unique id, that stand in the warehouse as they would be made tonight. The last line of a
    run that was killed may be half of one."""
    try:
        made = dict(line.split(" ") for line in _made(home).read_text("utf-8").split("\n")[:-1])
    except (OSError, ValueError):
        return ()
    return tuple(node for node, recipe in recipes.items() if made.get(node) == recipe)


def clear_besides(
    home: Home, con: duckdb.DuckDBPyConnection, standing: Mapping[str, Any], recipes: Mapping[str, str]
) -> None:
    """Leave nothing in the warehouse, which `con` has open, but the lake and the models and seeds that are standing,
    by unique id. Raises duckdb.Error for one that is not there, or of a build that was ended cannot be read."""
    is_read = not is_finished(home)
    # Written down before it is done: what a kill leaves besides is dropped by the next run.
    _said(home).unlink(missing_ok=True)
    write_text(_made(home), "".join(f"{node} {recipes[node]}\n" for node in standing), mode=0o600)
    kept = {(node.schema, node.alias) for node in standing.values()}
    found = con.execute(
        "select table_schema, table_name, table_type from information_schema.tables where table_schema <> 'lake'"
    ).fetchall()
    if missing := kept - {(schema, name) for schema, name, _ in found}:
        raise duckdb.CatalogException(f"{'.'.join(min(missing))} is not in the warehouse")
    for schema, name, kind in found:
        relation = f"{quoted(schema)}.{quoted(name)}"
        if (schema, name) not in kept:
            con.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {relation}")
        elif is_read and kind != "VIEW":
            con.execute(f"select max(hash(held)) from {relation} as held").fetchall()  # every block, by its sum
    con.execute("checkpoint")  # what they took is free for what is made


# ---------------------------------------------------------------- the whole


def keep(home: Home, inputs: Inputs, built: Built) -> None:
    """Keep what was said of the warehouse that lies there; where it cannot be, the next run builds."""
    with suppress(OSError):
        said = {"made_of": inputs.sum, "sha256": _sums(home), **asdict(built)}
        write_text(_said(home), json.dumps(said, ensure_ascii=False) + "\n", mode=0o600)


def standing(home: Home, inputs: Inputs) -> Built | None:
    """What was said of the warehouse that lies there, if it is whole and made of the same."""
    try:
        said = _read(home)
        if said["made_of"] != inputs.sum or said["sha256"] != _sums(home):
            return None
        tests = {name: DbtTest(**test) for name, test in said["tests"].items()}
        return Built(said["models"], tests, said["rows"], tuple(said["carried"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _sums(home: Home) -> str:
    """Its SHA-256 and that of what was noted of it; of one that was not closed another, for what its log holds is not
    in it."""
    log = home.warehouse.with_name(f"{home.warehouse.name}.wal")
    return f"{sha256_of(home.warehouse)} {sha256_of(_made(home))}{' and a log' if log.exists() else ''}"


def _read(home: Home) -> dict[str, Any]:
    return json.loads(_said(home).read_text("utf-8"))


def _said(home: Home) -> Path:
    return target_of(home.root) / "built.json"


def _made(home: Home) -> Path:
    return target_of(home.root) / "made.txt"
