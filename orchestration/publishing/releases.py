"""The releases of a home: which there are, what they hold, which is current."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.errors import UsageError
from orchestration.home import Home


@dataclass(frozen=True)
class Release:
    """A published release: its folder and its manifest."""

    path: Path
    manifest: dict[str, Any]

    @property
    def release_id(self) -> str:
        return self.manifest["release_id"]

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.manifest["as_of"])

    @property
    def database(self) -> Path:
        return self.path / "cchc.duckdb"

    def holds(self, source: str | None, source_file: str, sha256: str) -> bool:
        """Whether these bytes under this name were part of the release."""
        return any(
            s["source_file"] == source_file and s["sha256"] == sha256 and s["source"] == source
            for s in self.manifest["sources"]
        )


def current(home: Home) -> Release | None:
    """The release that readers see, if any."""
    if not home.current.exists():
        return None
    path = home.current.resolve()
    return Release(path, json.loads((path / "manifest.json").read_text("utf-8")))


def require_current(home: Home) -> Release:
    """The current release. Raises UsageError when nothing was published yet."""
    release = current(home)
    if release is None:
        raise UsageError(f"{home.root} has no release yet: run `cchc nightly` first")
    return release


def published(home: Home) -> list[Release]:
    """Every release kept, oldest first."""
    paths = sorted(p for p in home.releases.iterdir() if not p.name.startswith("."))
    return [Release(p, json.loads((p / "manifest.json").read_text("utf-8"))) for p in paths]


def next_id(home: Home, as_of: date) -> str:
    """Ids sort by the order of publication and tell the day they speak of."""
    newest = max((int(p.name.split("_")[0]) for p in home.releases.iterdir() if p.name[0].isdigit()), default=0)
    return f"{newest + 1:06d}_{as_of.isoformat()}"


def switch(home: Home, release: Path) -> None:
    """Make a complete release the current one, atomically."""
    pointer = home.root / f".current.{os.getpid()}"
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(Path("releases") / release.name)
    os.replace(pointer, home.current)


def retire(home: Home, keep: int) -> list[str]:
    """Remove all but the last releases. Whoever has one open keeps its files until they close them."""
    held = home.current.resolve().name if home.current.exists() else None
    paths = sorted(p for p in home.releases.iterdir() if p.name[0].isdigit())
    gone = []
    for path in paths[:-keep]:
        if path.name == held:
            continue
        trash = home.releases / f".retired-{path.name}"
        os.rename(path, trash)
        gone.append(path.name)
    sweep(home)
    return gone


def sweep(home: Home) -> None:
    """Remove what an interrupted run left half-made."""
    for path in home.releases.glob(".*"):
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o755)
        shutil.rmtree(path, ignore_errors=True)
