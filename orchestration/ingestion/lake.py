"""The lake: one immutable, self-describing Parquet file per landed file, and people's decisions beside them.

There is no ledger: what was read, accepted, rejected and decided is in the files themselves. A file appears
by rename. A landed file that comes again with other bytes replaces its lake file; the former one is kept
below `lake/_replaced`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from orchestration.engine import exactly
from orchestration.errors import UsageError
from orchestration.home import write_text
from orchestration.ingestion.cells import literal
from orchestration.ingestion.rows import quoted
from orchestration.sources import Source, all_sources

_PREFIX = "cchc."


@dataclass(frozen=True)
class LakeFile:
    """What one lake file says of the landed file it holds. `stamp` is naive, Asia/Ho_Chi_Minh."""

    source: str | None
    source_file: str
    sha256: str
    stamp: datetime | None
    status: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    reason_code: str | None = None
    detail: str | None = None
    unknown_columns: tuple[str, ...] = ()
    declaration: str = ""
    is_nested: bool = False
    path: str = field(default="", compare=False)

    def metadata(self) -> dict[str, str]:
        values = asdict(self)
        values.pop("path")
        values["stamp"] = self.stamp.isoformat() if self.stamp else None
        return {_PREFIX + k: json.dumps(v, ensure_ascii=False) for k, v in values.items()}

    @classmethod
    def from_metadata(cls, values: dict[str, str], path: str) -> LakeFile:
        known = {f.name for f in fields(cls)}
        read = {k.removeprefix(_PREFIX): json.loads(v) for k, v in values.items() if k.startswith(_PREFIX)}
        read = {k: v for k, v in read.items() if k in known}
        read["stamp"] = datetime.fromisoformat(read["stamp"]) if read["stamp"] else None
        read["unknown_columns"] = tuple(read["unknown_columns"])
        return cls(**read, path=path)

    def is_known(self, as_of: date) -> bool:
        """Whether the export had been written by the end of `as_of`; files without a stamp always are."""
        return self.stamp is None or self.stamp.date() <= as_of

    @property
    def content(self) -> tuple[str | None, str, datetime | None]:
        """What a decision speaks of: the folder it landed in, the bytes, the stamp; so also of what was nested."""
        landed_in = self.source
        if self.is_nested:
            landed_in = next((s for s in all_sources() if self.source_file.startswith(s + "/")), None)
        return landed_in, self.sha256, self.stamp


@dataclass(frozen=True)
class Decision:
    """Someone's word on the content of one landed file: `accepted` as it is, or `withdrawn`."""

    decision: str
    source: str | None
    source_file: str
    sha256: str
    stamp: datetime | None
    reason: str
    decided_by: str
    decided_at: str

    @property
    def content(self) -> tuple[str | None, str, datetime | None]:
        return self.source, self.sha256, self.stamp


class Lake:
    """The folder `lake/` of a home."""

    def __init__(self, root: Path):
        self.root = root

    def path_of(self, source: str | None, source_file: str) -> Path:
        """Where the landed file's rows of a source lie: readable, and one to one with the landed name."""
        slug = re.sub(r"[^A-Za-z0-9._-]+", "_", source_file.rsplit("/", 1)[-1])[:60]
        digest = hashlib.sha256(source_file.encode()).hexdigest()[:16]
        return self.root / (source or "_unknown") / f"{slug}.{digest}.parquet"

    def files(self) -> list[LakeFile]:
        """Every lake file, ordered by source and landed name."""
        if not any(self.root.rglob("*.parquet")):
            return []
        found: dict[str, dict[str, str]] = {}
        with duckdb.connect() as con:
            rows = con.execute(
                "select file_name, decode(key), decode(value) from parquet_kv_metadata(?)",
                [f"{exactly(self.root)}/**/*.parquet"],
            ).fetchall()
        for path, key, value in rows:
            if "/_replaced/" not in path.removeprefix(str(self.root)):
                found.setdefault(path, {})[key] = value
        files = [LakeFile.from_metadata(values, path) for path, values in found.items()]
        return sorted(files, key=lambda f: (f.source or "", f.source_file.encode()))

    def write(self, con: duckdb.DuckDBPyConnection, relation: str, file: LakeFile) -> None:
        """Write a relation as the landed file's lake file, replacing a former one wholly."""
        target = self.path_of(file.source, file.source_file)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        metadata = ", ".join(f"{quoted(k)}: {literal(v)}" for k, v in file.metadata().items())
        try:
            con.execute(
                f"copy ({relation}) to {literal(str(temporary))} "
                f"(format parquet, compression zstd, compression_level 1, kv_metadata {{{metadata}}})"
            )
            self.set_aside(target)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed run left half-written."""
        for path in self.root.rglob(".*.tmp"):
            path.unlink()

    def set_aside(self, path: Path) -> None:
        """Keep a lake file that is about to be replaced, below `_replaced`."""
        if not path.exists():
            return
        content = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        kept = self.root / "_replaced" / path.parent.relative_to(self.root) / f"{path.stem}.{content}.parquet"
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            os.link(path, kept)

    def remove(self, path: Path) -> None:
        """Take a lake file out of the lake, keeping it below `_replaced`."""
        self.set_aside(path)
        path.unlink(missing_ok=True)

    # ------------------------------------------------------------ decisions

    def decisions(self) -> list[Decision]:
        """Every decision ever made, oldest first."""
        found = []
        for path in sorted((self.root / "_decisions").glob("*.json")):
            values = json.loads(path.read_text("utf-8"))
            values["stamp"] = datetime.fromisoformat(values["stamp"]) if values["stamp"] else None
            found.append(Decision(**values))
        return found

    def standing_decisions(self) -> dict[tuple, Decision]:
        """The last decision on each content."""
        return {d.content: d for d in self.decisions()}

    def decide(self, decision: str, source_file: str, reason: str, by: str) -> Decision:
        """Record a decision. Raises UsageError when no such file was ever landed."""
        file = next((f for f in self.files() if f.source_file == source_file and not f.is_nested), None)
        if file is None:
            raise UsageError(
                f"no landed file {source_file!r} is known: give its path below landing, as `cchc status` shows it"
            )
        made = Decision(
            decision,
            file.source,
            file.source_file,
            file.sha256,
            file.stamp,
            reason,
            by,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        folder = self.root / "_decisions"
        folder.mkdir(exist_ok=True)
        values = asdict(made) | {"stamp": made.stamp.isoformat() if made.stamp else None}
        number = len(list(folder.glob("*.json"))) + 1
        write_text(folder / f"{number:06d}-{decision}.json", json.dumps(values, ensure_ascii=False, indent=1) + "\n")
        return made


def counted(files: list[LakeFile], decisions: dict[tuple, Decision], as_of: date) -> list[LakeFile]:
    """The files whose rows and findings count as of a day (landing contract, section 1).

    Left out: what is stamped later, what was withdrawn, and all but the first name of the same bytes with the
    same stamp in one source.
    """
    seen: set[tuple] = set()
    kept = []
    for file in files:
        withdrawn = (d := decisions.get(file.content)) is not None and d.decision == "withdrawn"
        repeated = (*file.content, file.source, file.status)
        if withdrawn or not file.is_known(as_of) or (repeated in seen and file.stamp and file.source):
            continue
        seen.add(repeated)
        kept.append(file)
    return kept


def empty_relation(source: Source | None) -> str:
    """A relation of no rows in the shape of a source's lake files."""
    columns = lake_columns(source) if source else [("source_file", "VARCHAR")]
    return "select " + ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns) + " where false"


def lake_columns(source: Source) -> list[tuple[str, str]]:
    """(name, DuckDB type) of a source's lake files."""
    return [
        ("source_file", "VARCHAR"),
        ("export_stamp", "TIMESTAMP"),
        ("row_number", "BIGINT"),
        *source.stored_columns(),
        ("reject_reason", "VARCHAR"),
        ("reject_column", "VARCHAR"),
        ("reject_detail", "VARCHAR"),
        ("raw_row", "VARCHAR"),
    ]
