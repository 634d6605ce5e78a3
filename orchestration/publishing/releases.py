"""The releases of a home: which there are, whether they are whole, what they hold, which is current."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from orchestration.audit import Audit
from orchestration.errors import ReleaseDamaged, UsageError
from orchestration.files import sha256_of, sync
from orchestration.home import Home
from orchestration.sql import literal
from orchestration.sql.engine import CLOSED

Answer = TypeVar("Answer")

MANIFEST = "manifest.json"
DATABASE = "cchc.duckdb"
REVIEW = "review"
DASHBOARD = "dashboard"
DOCS = "docs"
_ID = re.compile(r"(\d{6,})_(\d{4}-\d\d-\d\d)")
_MANIFEST_SHAPE = {
    "release_id": str, "as_of": str, "code_version": str, "sources": list, "tables": dict, "verdict": dict
}  # fmt: skip


@dataclass(frozen=True)
class Release:
    """A published release: its folder, its manifest, and within which limits an engine answers questions to it."""

    path: Path
    manifest: dict[str, Any]
    limits: Mapping[str, str] = field(default_factory=dict)

    @property
    def release_id(self) -> str:
        return self.manifest["release_id"]

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.manifest["as_of"])

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    @property
    def review_page(self) -> Path:
        return self.path / REVIEW / "index.html"

    @property
    def dashboard_page(self) -> Path:
        return self.path / DASHBOARD / "index.html"

    @property
    def docs_page(self) -> Path:
        return self.path / DOCS / "index.html"

    @property
    def quality_page(self) -> Path:
        return self.path / "quality" / "index.html"

    def holds(self, source: str | None, source_file: str, sha256: str) -> bool:
        """Whether these bytes under this name were part of the release."""
        return any(
            s["source_file"] == source_file and s["sha256"] == sha256 and s["source"] == source
            for s in self.manifest["sources"]
        )


def read(path: Path) -> Release:
    """The release in a folder. Raises ReleaseDamaged when its manifest cannot be read."""
    try:
        manifest = json.loads((path / MANIFEST).read_text("utf-8"))
        if not all(isinstance(manifest[key], kind) for key, kind in _MANIFEST_SHAPE.items()):
            raise ValueError(MANIFEST)
        date.fromisoformat(manifest["as_of"])
    except FileNotFoundError:
        raise _damaged(path, f"{MANIFEST} is missing") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise _damaged(path, f"{MANIFEST} cannot be read") from None
    return Release(path, manifest)


def current(home: Home) -> Release | None:
    """The release that readers see, if any. Raises ReleaseDamaged when it cannot be read or is gone."""
    if not home.current.is_symlink() and not home.current.exists():
        return None
    path = home.current.resolve()
    try:
        if not path.is_dir():
            raise _damaged(home.current, f"it leads to {path}, which is gone")
        return read(path)
    except ReleaseDamaged:
        if home.current.resolve() != path:  # another took its place meanwhile
            return current(home)
        raise


def current_day(home: Home) -> date | None:
    """The as-of day of the current release by its name, so also when it is damaged."""
    found = _ID.fullmatch(home.current.resolve().name) if home.current.is_symlink() else None
    return date.fromisoformat(found[2]) if found else None


def baseline(home: Home) -> Release | None:
    """What was published last, as far as it can be read: the current release, else the newest readable one."""
    try:
        return current(home)
    except ReleaseDamaged:
        return next(reversed(published(home)), None)


def require_current(home: Home) -> Release:
    """The current release. Raises UsageError when nothing was published yet, ReleaseDamaged when it is damaged."""
    release = current(home)
    if release is None:
        raise UsageError(f"{home.root} has no release yet: run `cchc nightly` first")
    return release


def asked(home: Home, question: Callable[[Release], Answer]) -> Answer:
    """What the current release answers; should it be replaced and removed meanwhile, what the new one does.

    Raises as `require_current` does, and what the question raises.
    """
    while True:
        release = require_current(home)
        try:
            return question(release)
        except ReleaseDamaged:
            if home.current.resolve() == release.path:
                raise


def published(home: Home) -> list[Release]:
    """Every release kept that can be read, oldest first."""
    return list(newest_first(home))[::-1]


def newest_first(home: Home) -> Iterator[Release]:
    """Every release kept that can be read, each read as it is asked for."""
    return (found for found in _each(reversed(_folders(home))) if isinstance(found, Release))


def unreadable(home: Home) -> list[str]:
    """What is wrong with each release that cannot be read, and with the link `current`."""
    found = [str(found) for found in _each(_folders(home)) if isinstance(found, ReleaseDamaged)]
    try:
        current(home)
    except ReleaseDamaged as damaged:
        found += [str(damaged)] if str(damaged) not in found else []
    return found


def _each(folders: Iterable[Path]) -> Iterator[Release | ReleaseDamaged]:
    for path in folders:
        try:
            yield read(path)
        except ReleaseDamaged as damaged:
            if path.exists():  # not retired meanwhile
                yield damaged


def _folders(home: Home) -> list[Path]:
    """The folders of the releases, oldest first."""
    found = [(int(named[1]), p) for p in home.releases.glob("*") if (named := _ID.fullmatch(p.name))]
    return [path for _, path in sorted(found)]


# ---------------------------------------------------------------- whole or damaged


def sums(folder: Path, without: str = MANIFEST, of: Sequence[Path] | None = None) -> dict[str, dict[str, Any]]:
    """{path below the folder: {sha256, bytes}} of some files, or of all but `without`, read in parallel."""
    paths = of or sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / without)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = threads.map(lambda p: {"sha256": sha256_of(p), "bytes": p.stat().st_size}, paths)
        return {p.relative_to(folder).as_posix(): one for p, one in zip(paths, found, strict=True)}


def damage(release: Release) -> str | None:
    """What in the release is not as its manifest says, if anything; every file of it is read."""
    expected = release.manifest.get("files")
    if not isinstance(expected, dict) or DATABASE not in expected:
        return f"{MANIFEST} has no sums"
    try:
        found = sums(release.path)
    except OSError as error:
        return f"{error.filename} cannot be read"
    wrong = sorted(name for name, one in expected.items() if found.get(name) != one)
    if not wrong:
        return None
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"{wrong[0]} {'differs from its sum' if wrong[0] in found else 'is missing'}{more}"


def foreign(home: Home) -> list[Path]:
    """What lies among the releases and is none, or in one and not in its manifest."""
    found = [p for p in home.releases.glob("*") if not p.name.startswith(".") and not _ID.fullmatch(p.name)]
    for release in published(home):
        named = {MANIFEST, *release.manifest.get("files", ())}
        lying = (p for p in release.path.rglob("*") if not p.is_dir())
        found += [p for p in lying if p.relative_to(release.path).as_posix() not in named]
    return sorted(found)


def _damaged(path: Path, reason: str) -> ReleaseDamaged:
    return ReleaseDamaged(f"the release {path} is damaged: {reason}; run `cchc nightly` to publish it anew")


@contextmanager
def open_release(
    release: Release, *, may_write: Sequence[Path] = (), search: Sequence[str] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release's database, read-only and without access to anything else but the files that it may write.

    Names without a schema are looked for in those of `search`. Raises ReleaseDamaged.
    """
    stated = release.manifest.get("files", {}).get(DATABASE, {}).get("bytes")
    try:
        size = release.database.stat().st_size
    except OSError as error:
        raise _damaged(release.path, f"{DATABASE}: {error.strerror}") from None
    if stated is not None and stated != size:
        raise _damaged(release.path, f"{DATABASE} has {size} bytes, not {stated}")
    try:
        with duckdb.connect(config=CLOSED | dict(release.limits) | {"temp_directory": _spill()}) as con:
            con.execute(f"attach {literal(str(release.database))} as release (read_only)")
            con.execute("use release")
            con.execute(f"set search_path = {literal(','.join(_places(con, search)))}")
            con.execute("set allowed_paths = ?", [[str(path) for path in may_write]])
            con.execute("set python_enable_replacements = false")
            con.execute("set enable_external_access = false")
            con.execute("set lock_configuration = true")
            yield con
    except duckdb.Error as error:
        if reason := damage(release):
            raise _damaged(release.path, reason) from error
        raise


def _places(con: duckdb.DuckDBPyConnection, schemas: Sequence[str]) -> list[str]:
    """The schemas of the release that a name is looked for in; an older release may lack some."""
    held = con.execute("select schema_name from duckdb_schemas() where database_name = 'release'").fetchall()
    return [f"release.{schema}" for schema in (*schemas, "main") if (schema,) in held]


@cache
def _spill_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="cchc-")


def _spill() -> str:
    """Where this process's questions spill what does not fit in memory: one folder, gone when the process ends."""
    return _spill_folder().name


# ---------------------------------------------------------------- publishing


def next_id(home: Home, as_of: date) -> str:
    """Ids sort by the order of publication and tell the day they speak of; one that was current is not given again."""
    names = [home.current.resolve().name, *(p.name for p in home.releases.iterdir())]
    newest = max((int(named[1]) for name in names if (named := _ID.fullmatch(name))), default=0)
    return f"{newest + 1:06d}_{as_of.isoformat()}"


def seal(folder: Path) -> None:
    """Make a finished folder read-only, readable by its group, and safe on the disk, folders last."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(place, name)
            path.chmod(0o440)
            sync(path)
        Path(place).chmod(0o750)
        sync(Path(place))


def switch(home: Home, release: Path) -> None:
    """Make a complete release the current one, atomically."""
    pointer = home.root / f".current.{os.getpid()}"
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(Path("releases") / release.name)
    os.replace(pointer, home.current)
    sync(home.root)


def retire(home: Home, keep: int) -> list[str]:
    """Write down that all but the last releases go, never the current one, and remove them. Whoever has one open keeps
    its files.

    Those of an earlier day than a release before them are counted apart, so that days asked for again push no night's
    release out, nor nights theirs; they go with the last of those nights. The last published says which are counted.
    """
    held = home.current.resolve().name
    in_turn: list[str] = []
    beside: list[str] = []
    newest, counted = "", in_turn
    for path in _folders(home):
        day = path.name.partition("_")[2]
        counted = beside if day < newest else in_turn
        counted.append(path.name)
        newest = max(newest, day)
    gone = [name for name in counted[:-keep] if name != held]
    if gone:
        Audit(home).record("removed", what=f"releases {', '.join(gone)}")
    for name in gone:
        os.rename(home.releases / name, home.releases / f".retired-{name}")
    sweep(home)
    return gone


def sweep(home: Home) -> None:
    """Remove what an interrupted run left half-made."""
    for pointer in home.root.glob(".current.*"):
        pointer.unlink()
    for path in [*home.releases.glob(".*"), *home.submissions.glob(".*")]:
        for folder, _, _ in os.walk(path):
            os.chmod(folder, stat.S_IRWXU)
        shutil.rmtree(path, ignore_errors=True)
