"""Write a release from the warehouse: database, Parquet, manifest; nothing is seen of it before the switch."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration import interrupts
from orchestration.audit import Audit
from orchestration.errors import CchcError, writing
from orchestration.files import sync, write_text
from orchestration.home import Home
from orchestration.lake.files import LakeFile
from orchestration.lake.store import Lake
from orchestration.publishing import datapackage, releases, views
from orchestration.publishing.releases import Release
from orchestration.publishing.tables import SCHEMAS, PublishedTable, published_tables
from orchestration.quality.history import CheckHistory
from orchestration.quality.verdict import Verdict
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.sql import literal, quoted
from orchestration.sql.engine import connect

# DuckDB 1.2 and newer open files of this version; BI tools carry older clients than we build with.
STORAGE_VERSION = "v1.2.0"
Progress = Callable[[str, int, int], object]


# Kinds of files that a figure or a page is made of; descriptions travel into the release, too.
CODE = (".py", ".sql", ".yml", ".csv", ".md", ".j2", ".css", ".js")


def code_version() -> str:
    """A fingerprint of all code and reference data that a figure or a page depends on."""
    digest = hashlib.sha256()
    paths = [PROJECT_DIR / name for name in ("dbt_project.yml", "requirements.lock")]
    for folder in ("macros", "models", "seeds", "expectations", "orchestration"):
        paths += [path for path in sorted((PROJECT_DIR / folder).rglob("*")) if path.suffix in CODE]
    for path in filter(Path.is_file, paths):
        digest.update(path.relative_to(PROJECT_DIR).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def inputs_of(files: list[LakeFile]) -> list[dict[str, Any]]:
    """What the manifest says of each landed file that counts."""
    return [
        {
            "source": f.source,
            "source_file": f.source_file,
            "sha256": f.sha256,
            "export_stamp": f.stamp.isoformat() if f.stamp else None,
            "status": f.status,
            "rows_read": f.rows_read,
            "rows_accepted": f.rows_accepted,
            "rows_rejected": f.rows_rejected,
            "reason_code": f.reason_code,
            "unknown_columns": list(f.unknown_columns),
        }
        for f in files
    ]


def publish(
    home: Home,
    settings: Settings,
    as_of: date,
    files: list[LakeFile],
    verdict: Verdict,
    manifest: dict[str, Any],
    quality_dir: Path,
    progress: Progress | None = None,
    make_current: bool = True,
    shown: Callable[[Release], object] = lambda _: None,
    pages: Callable[[str, Path], object] = lambda _id, _folder: None,
) -> Release:
    """Write a new release, then switch to it, or leave it beside the current one; `shown` is told as it is done.

    `quality_dir` (verdict and Data Docs) is moved into it; `pages`, given its id and the folder with all its tables,
    writes what else it holds before it is summed up and sealed. Raises CchcError when the disk is full.
    """
    releases.sweep(home)
    release_id = releases.next_id(home, as_of)
    building = home.releases / f".building-{release_id}"
    try:
        with writing(f"the release {home.releases / release_id}"):
            (building / "parquet").mkdir(parents=True)
            tables = published_tables(manifest)
            rows = write_tables(home, settings, building, tables, verdict, progress)
            shutil.move(quality_dir, building / "quality")
            pages(release_id, building)
            sums = releases.sums(building)
            datapackage.write(building / "parquet", release_id, as_of, tables, sums)
            sums |= releases.sums(building, of=[building / "parquet" / datapackage.NAME])
            content = _manifest(release_id, home, as_of, files, verdict, rows, sums)
            write_text(building / releases.MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
            releases.seal(building)
        release = Release(home.releases / release_id, content)
        with interrupts.decisive("the new release stands"):
            with writing(release.path):
                os.rename(building, release.path)
                sync(home.releases)
            if make_current:
                releases.switch(home, release.path)
            shown(release)
    except BaseException:
        releases.sweep(home)
        raise
    with suppress(OSError, CchcError):  # what cannot be removed tonight is by the next
        releases.retire(home, settings.keep_releases)
    return release


def _manifest(
    release_id: str,
    home: Home,
    as_of: date,
    files: list[LakeFile],
    verdict: Verdict,
    rows: dict[str, int],
    sums: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """What a release says of itself: inputs, tables with rows and sums, every file's sum, the verdict."""
    return {
        "release_id": release_id,
        "as_of": as_of.isoformat(),
        "code_version": code_version(),
        "sources": inputs_of(files),
        "lake_register": Lake(home.lake).register.head,
        "audit": Audit(home).head,
        "tables": {
            name: {"rows": count, "sha256": sums[f"parquet/{name}.parquet"]["sha256"]} for name, count in rows.items()
        },
        "files": sums,
        "verdict": {"passed": verdict.passed, "checks": verdict.counts()},
    }


def write_tables(
    home: Home,
    settings: Settings,
    building: Path,
    tables: list[PublishedTable],
    verdict: Verdict,
    progress: Progress | None = None,
    *,
    with_pseudonyms: bool = True,
) -> dict[str, int]:
    """Write the warehouse's tables below `parquet/` and, with the views, into `cchc.duckdb`; gives the rows of each.

    `with_pseudonyms` says whether the Parquet files keep what persons are called by.
    """
    database = building / "cchc.duckdb"
    rows: dict[str, int] = {}
    with connect(settings, home.work / "spill") as con:
        con.execute(f"attach {literal(str(home.warehouse))} as warehouse (read_only)")
        shown = views.views(con.table("warehouse.marts.data_dictionary"))
        # What is known only after everything is built.
        added = {
            "data_dictionary": views.described(shown),
            "dq_check_history": CheckHistory(home.checks).to_table(),
            "dq_check_results": verdict.to_table(),
        }
        con.execute(f"attach {literal(str(database))} as release (storage_version {literal(STORAGE_VERSION)})")
        con.execute("use release")
        for schema in SCHEMAS:
            con.execute(f"create schema if not exists {schema}")
        for number, table in enumerate(tables):
            if progress:
                progress(table.name, number, len(tables))
            name = f"{table.schema}.{quoted(table.table)}"
            # The same rows in the same order give the same bytes: a rebuild can be compared file by file.
            order = f" order by {', '.join(map(quoted, table.grain))}" if table.grain else ""
            con.execute(f"create table {name} as select * from warehouse.{name}{order}")
            if table.name in added:
                con.register("added", added[table.name])
                con.execute(f"insert into {name} by name select * from added{order}")
            _comment(con, name, table)
            [(rows[table.name],)] = con.execute(f"select count(*) from {name}").fetchall()
            target = building / "parquet" / f"{table.name}.parquet"
            left_out = () if with_pseudonyms else table.pseudonyms
            kept = f"select * exclude ({', '.join(map(quoted, left_out))}) from {name}" if left_out else f"from {name}"
            con.execute(
                f"copy ({kept}) to {literal(str(target))} (format parquet, compression zstd, compression_level 1)"
            )
        _publish_macros(con)
        views.create(con, shown)
        con.execute("use memory")
        con.execute("detach release")
        con.execute("detach warehouse")
    if progress:
        progress("", len(tables), len(tables))
    return rows


def _publish_macros(con: duckdb.DuckDBPyConnection) -> None:
    """The table macros that dbt compiled into the warehouse, again inside the release."""
    for (statement,) in con.execute(
        "select statement from warehouse.intermediate.int_published_macros order by macro_name"
    ).fetchall():
        con.execute(statement)


def _comment(con: duckdb.DuckDBPyConnection, name: str, table: PublishedTable) -> None:
    con.begin()  # a transaction for each comment takes twice as long
    con.execute(f"comment on table {name} is {literal(table.description)}")
    for column in table.columns:
        con.execute(f"comment on column {name}.{quoted(column.name)} is {literal(column.description)}")
    con.commit()
