"""What a lake file is: what it says of the landed file it holds, and the shape of its rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from orchestration.sources import Source, all_sources
from orchestration.sql import quoted

_PREFIX = "cchc."

Content = tuple[str | None, str, datetime | None]


def source_of(source_file: str) -> str | None:
    """The source into whose folder a file landed, if it is one's."""
    return next((s for s in all_sources() if source_file == s or source_file.startswith(s + "/")), None)


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
    # The accepted content of twice as many rows and more that this one replaces, until someone settles it.
    former: LakeFile | None = field(default=None, compare=False)

    def values(self) -> dict[str, Any]:
        """What the register keeps of it, as JSON values."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.compare}
        return kept | {
            "stamp": self.stamp.isoformat() if self.stamp else None,
            "unknown_columns": list(self.unknown_columns),
        }

    @classmethod
    def of(cls, values: dict[str, Any], path: str = "", former: LakeFile | None = None) -> LakeFile:
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        known["stamp"] = datetime.fromisoformat(known["stamp"]) if known["stamp"] else None
        known["unknown_columns"] = tuple(known["unknown_columns"])
        return cls(**known, path=path, former=former)

    def metadata(self) -> dict[str, str]:
        """What the Parquet file says of itself, key by key."""
        return {_PREFIX + k: json.dumps(v, ensure_ascii=False) for k, v in self.values().items()}

    @classmethod
    def from_metadata(cls, values: dict[str, str], path: str) -> LakeFile:
        return cls.of(
            {k.removeprefix(_PREFIX): json.loads(v) for k, v in values.items() if k.startswith(_PREFIX)}, path
        )

    @property
    def key(self) -> tuple[str | None, str]:
        """What it is called: one landed name can feed several sources."""
        return self.source, self.source_file

    def is_known(self, as_of: date) -> bool:
        """Whether the export had been written by the end of `as_of`; files without a stamp always are."""
        return self.stamp is None or self.stamp.date() <= as_of

    @property
    def content(self) -> Content:
        """What a decision speaks of: the folder it landed in, the bytes, the stamp; so also of what was nested."""
        return source_of(self.source_file), self.sha256, self.stamp


@dataclass(frozen=True)
class Written:
    """A lake file made but not yet part of the lake: what it says, and where it lies (None for a rejection)."""

    file: LakeFile
    made: Path | None = None
    sha256: str = ""


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
