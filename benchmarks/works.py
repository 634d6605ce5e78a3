"""What is measured, against which peer, and its goal (docs/performance.md)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import export

PROVINCE = 386_797
_CCHC = [sys.executable, "-m", "orchestration.cli"]
_PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Work:
    """A command, what is done before each run of it (untimed), and what it is held against.

    `peer` names another work of the same bench; `goal` is a ratio to it, or seconds where there is no peer. `until`
    is the stage at whose end the clock is read, for works that are a part of a night.
    """

    name: str
    command: list[str]
    before: Callable[[], object] = lambda: None
    peer: str | None = None
    goal: float | None = None
    until: str | None = None


@dataclass(frozen=True)
class Inputs:
    """Where the inputs of one size lie; what is missing is written once."""

    folder: Path
    dossiers: int

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def next_landing(self) -> Path:
        return self.folder / "next"

    @property
    def again_landing(self) -> Path:
        return self.folder / "again"

    def written(self) -> Inputs:
        export.write_exports(self.landing / "dossiers", self.dossiers)
        export.write_delta(self.next_landing / "dossiers", self.dossiers)
        export.write_again(self.again_landing / "dossiers", self.dossiers)
        return self


def works(inputs: Inputs, scratch: Path) -> list[Work]:
    """Everything measured at one size, in the order in which it runs: later ones start from what earlier ones left."""
    exports = sorted(map(str, (inputs.landing / "dossiers").glob("*.csv")))
    again = sorted(map(str, (inputs.again_landing / "dossiers").glob("*.csv")))
    full, kept = scratch / "full", scratch / "kept"
    province = inputs.dossiers <= PROVINCE
    return [
        Work("raw DuckDB", _peer("raw_duckdb.py", scratch, exports)),
        *([] if inputs.dossiers > 10 * PROVINCE else [
            Work("Polars", _peer("polars_script.py", scratch, exports)),
            Work("pandas", _peer("pandas_script.py", scratch, exports)),
        ]),
        Work("raw DuckDB over the year again", _peer("raw_duckdb.py", scratch, again)),
        Work(
            "full night", _nightly(inputs.landing, full), lambda: _fresh(full),
            *(("pandas", 2.4) if province else ("raw DuckDB", 2.0 if inputs.dossiers <= 10 * PROVINCE else 1.5)),
        ),
        Work("nothing new", _nightly(inputs.landing, full), goal=8),
        Work("cchc kpi, odd period", [
            *_CCHC, "kpi", "--home", str(full), "--from", "2023-02-11", "--to", "2023-09-07", "--as-of", export.AS_OF,
            "--format", "json",
        ], goal=1.5),
        Work(
            "next night, a delta of 0.35 %", _nightly(inputs.next_landing, kept, export.NEXT_DAY),
            lambda: _copied(full, kept), goal=15,
        ),
        Work(
            "next night, the year again", _nightly(inputs.again_landing, kept, export.NEXT_DAY),
            lambda: _copied(full, kept), "raw DuckDB over the year again", 0.6,
        ),
        *(_small_works(inputs, scratch) if province else []),
    ]  # fmt: skip


def _small_works(inputs: Inputs, scratch: Path) -> list[Work]:
    """What does not depend on the size of the province: fixed cost, many files, a workbook."""
    small, files, one = (inputs.folder / name for name in ("small", "files", "one"))
    export.write_small_files(small / "dossiers", 3_000, 3)
    export.write_small_files(files / "dossiers", 40_000, 400)
    export.write_small_files(one / "dossiers", 40_000, 1)
    book = export.write_workbook(inputs.folder / "book/dossiers/hoso_20231116_2330.xlsx", 400_000)
    home = scratch / "small"
    return [
        Work("a night of 3,000 dossiers", _nightly(small, home), lambda: _fresh(home), goal=15),
        Work("40,000 dossiers in one file, read", _nightly(one, home), lambda: _fresh(home), until="ingest"),
        Work(
            "the same in 400 files, read", _nightly(files, home), lambda: _fresh(home),
            "40,000 dossiers in one file, read", 1.3, "ingest",
        ),
        Work("calamine", [sys.executable, str(_PEERS / "calamine_script.py"), str(book)]),
        Work(
            "workbook of 400,000 x 25, read", _nightly(book.parent.parent, home), lambda: _fresh(home),
            "calamine", 1.3, "ingest",
        ),
    ]  # fmt: skip


def _peer(script: str, scratch: Path, exports: list[str]) -> list[str]:
    return [sys.executable, str(_PEERS / script), str(scratch / "peer.parquet"), *exports]


def _nightly(landing: Path, home: Path, as_of: str = export.AS_OF) -> list[str]:
    return [*_CCHC, "nightly", "--landing", str(landing), "--home", str(home), "--as-of", as_of]


def _fresh(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)


def _copied(home: Path, to: Path) -> None:
    _fresh(to)
    shutil.copytree(home, to, symlinks=True)
