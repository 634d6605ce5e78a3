"""Erasing persons from the lake: the pseudonyms of those listed become NULL in every lake file, the rows stay.

The list (`lake/_erased.jsonl`) is written first and holds for good: whoever is on it is named by no file that is read
later either. A run that dies in between leaves each lake file as it was or as it will be; the next one finishes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.errors import CchcError, writing
from orchestration.files import sha256_of, sync
from orchestration.lake.erased import Erased
from orchestration.lake.store import Lake
from orchestration.settings import Settings
from orchestration.sql import exactly, literal, quoted, to_parquet
from orchestration.sql.engine import connect

_TOGETHER = 64
_KIND = "_identity_kind"


def text_columns(con: duckdb.DuckDBPyConnection, paths: list[Path]) -> dict[tuple[str, ...], list[Path]]:
    """Parquet files by the names of their text columns. Raises CchcError naming one that cannot be read."""
    groups: dict[tuple[str, ...], list[Path]] = {}
    if not paths:
        return groups
    asked = (
        "select file_name, list(name order by name) from parquet_schema(?) where type = 'BYTE_ARRAY' group by file_name"
    )
    try:
        rows = con.execute(asked, [[exactly(p) for p in paths]]).fetchall()
    except duckdb.Error:
        rows = []
        for path in paths:
            try:
                rows += con.execute(asked, [[exactly(path)]]).fetchall()
            except duckdb.Error:
                raise CchcError(
                    f"{path} cannot be read, so nobody knows whom it names: restore it from a backup or remove it, "
                    "then run again"
                ) from None
    for name, columns in sorted(rows):
        groups.setdefault(tuple(columns), []).append(Path(name))
    return groups


def erase(settings: Settings, lake: Lake, work: Path) -> int:
    """Erase from the lake files all who are listed and not yet erased; gives the number of rows changed.

    Raises CchcError for a lake file that cannot be read, a damaged list, or a full disk.
    """
    erased = lake.erased
    if lake.names_only_whom_it_may:
        return 0
    changed, made = 0, []
    with writing(f"the lake {lake.root}"), connect(settings, work / "spill") as con:
        for number, (path, columns, rows) in enumerate(list(_naming(con, lake, erased))):
            changed += rows
            said = {"in_place_of_sha256": sha256_of(path), "rows": rows, "at": datetime.now(UTC).isoformat()}
            made.append((path, _without(con, lake, erased, path, columns, work / f"erased-{number}.parquet"), said))
            if len(made) == _TOGETHER:
                lake.exchange(made)
                made = []
        lake.exchange(made)
    lake.confirm_erased()
    return changed


def still_named(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[Path]:
    """The lake files that name someone who is listed."""
    return [path for path, _, _ in _naming(con, lake, lake.erased)]


def _naming(
    con: duckdb.DuckDBPyConnection, lake: Lake, erased: Erased
) -> Iterator[tuple[Path, list[str], int]]:  # fmt: skip
    """(lake file, its columns of pseudonyms, rows that name someone listed), set-wise over all lake files."""
    by_source: dict[str, list[Path]] = {}
    for path in sorted(lake.root.rglob("*.parquet")):
        by_source.setdefault(_source_of(lake, path), []).append(path)
    for source, paths in by_source.items():
        for texts, alike in text_columns(con, paths).items():
            keys = [t.removesuffix(_KIND) + "_key" for t in texts if t.endswith(_KIND)]
            tests = [test for key in keys if (test := erased.test(source, quoted(key), "export_stamp"))]
            if not tests:
                continue
            for name, rows in con.execute(
                f"select filename, count(*) from read_parquet(?, filename = true) where {' or '.join(tests)} "
                "group by filename order by filename",
                [[exactly(p) for p in alike]],
            ).fetchall():
                yield Path(name), keys, rows


def _source_of(lake: Lake, path: Path) -> str:
    parts = path.relative_to(lake.root).parts[:-1]
    return "/".join(parts[1:] if parts[:1] == ("_replaced",) else parts)


def _without(
    con: duckdb.DuckDBPyConnection, lake: Lake, erased: Erased, path: Path, keys: list[str], made: Path
) -> Path:
    """The same rows in the same order without the pseudonyms of who is listed, safely on disk."""
    source = _source_of(lake, path)
    metadata = con.execute(
        "select decode(key), decode(value) from parquet_kv_metadata(?) where decode(key) like 'cchc.%'",
        [exactly(path)],
    ).fetchall()
    kept = ", ".join(
        f"case when not {erased.test(source, quoted(key), 'export_stamp')} then {quoted(name)} end as {quoted(name)}"
        for key in keys
        for name in (key, key.removesuffix("_key") + _KIND)
    )
    without = f"select * replace ({kept}) from read_parquet({literal(exactly(path))})"
    con.execute(to_parquet(without, made, dict(metadata)))
    sync(made)
    return made


def places_of(con: duckdb.DuckDBPyConnection, root: Path, names: list[str]) -> list[Path]:
    """Every file below a folder in which one of the names stands: in a text column of a Parquet file or of a table in
    a DuckDB file, or among the bytes of any other.

    Raises CchcError for one that cannot be read.
    """
    listed = ", ".join(map(literal, names))
    files = sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    found: set[Path] = set()
    for texts, paths in text_columns(con, [p for p in files if p.suffix == ".parquet"]).items():
        if texts:
            test = " or ".join(f"{quoted(t)} in ({listed})" for t in texts)
            found.update(
                Path(name)
                for (name,) in con.execute(
                    f"select distinct filename from read_parquet(?, filename = true) where {test}",
                    [[exactly(p) for p in paths]],
                ).fetchall()
            )
    found.update(p for p in files if p.suffix == ".duckdb" and _is_in_database(con, p, listed))
    found.update(p for p in files if _is_in_bytes(p, [n.encode() for n in names]))
    return sorted(found)


def _is_in_database(con: duckdb.DuckDBPyConnection, path: Path, listed: str) -> bool:
    try:
        con.execute(f"attach {literal(str(path))} as looked_at (read_only)")
    except duckdb.Error:
        raise CchcError(f"{path} cannot be read, so nobody knows whom it names: remove it, then run again") from None
    try:
        tables: dict[tuple[str, str], list[str]] = {}
        for schema, table, column in con.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "join duckdb_tables() using (database_name, schema_name, table_name) "
            "where database_name = 'looked_at' and data_type = 'VARCHAR'"
        ).fetchall():
            tables.setdefault((schema, table), []).append(column)
        return any(
            con.execute(
                f"select exists (select 1 from looked_at.{quoted(schema)}.{quoted(table)} where "
                + " or ".join(f"{quoted(c)} in ({listed})" for c in columns)
                + ")"
            ).fetchall()
            == [(True,)]
            for (schema, table), columns in tables.items()
        )
    finally:
        con.execute("detach looked_at")


def _is_in_bytes(path: Path, names: list[bytes]) -> bool:
    longest = max(map(len, names))
    with open(path, "rb") as file:
        seen = b""
        while chunk := file.read(1 << 20):
            window = seen + chunk
            if any(name in window for name in names):
                return True
            seen = window[-longest + 1 :]
    return False
