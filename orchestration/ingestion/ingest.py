"""One pass over the landing folder: what is new goes into the lake, file by file, none stopping another."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.home import Home
from orchestration.ingestion import decode
from orchestration.ingestion.lake import Lake, LakeFile
from orchestration.ingestion.landing import LandedFile, scan
from orchestration.ingestion.reader import reading_engine, take_in
from orchestration.settings import Settings
from orchestration.sources import Source, all_sources

Progress = Callable[[str, int, int], None]


@dataclass
class IngestionReport:
    """What one pass found: files seen, and the lake files it wrote."""

    seen: int = 0
    written: list[LakeFile] = field(default_factory=list)

    @property
    def rows_read(self) -> int:
        return sum(f.rows_read for f in self.written)

    @property
    def rows_rejected(self) -> int:
        return sum(f.rows_rejected for f in self.written)


def ingest(settings: Settings, home: Home, progress: Progress | None = None) -> IngestionReport:
    """Read every landed file that the lake does not hold yet. Raises UsageError for a missing landing folder."""
    sources = all_sources()
    landed = scan(settings.landing, set(sources))
    lake = Lake(home.lake)
    lake.sweep()
    held = {f.source_file: f for f in lake.files() if not f.is_nested}
    report = IngestionReport(seen=len(landed))
    key = home.pseudonym_key(settings)
    work = Path(tempfile.mkdtemp(prefix="ingest-", dir=home.work))
    try:
        for number, file in enumerate(landed):
            if progress:
                progress(file.source_file, number, len(landed))
            try:
                sha = decode.sha256_of(file.path)
            except FileNotFoundError:  # a link to nowhere, or gone since the folder was listed
                continue
            except OSError:
                sha = ""
            if _is_held(held.get(file.source_file), file, sha, sources):
                continue
            with reading_engine(settings, work, key) as con:
                report.written += take_in(con, lake, file, sha, sources, work, settings.bounds)
        if progress:
            progress("", len(landed), len(landed))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return report


def _is_held(held: LakeFile | None, file: LandedFile, sha: str, sources: dict[str, Source]) -> bool:
    if held is None or held.sha256 != sha:
        return False
    declaration = sources[file.source].version if file.source else ""
    return held.status == "accepted" or (held.source == file.source and held.declaration == declaration)
