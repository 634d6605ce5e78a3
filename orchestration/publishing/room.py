"""What a build needs of the disk, known before anything is spent on it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from orchestration.errors import DiskFull
from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.settings import Settings

# Warehouse and release without a row, and what a new row takes of both: 320 bytes where there are 290,412 (2026-11-25).
_EMPTY = 20 << 20
_BYTES_PER_ROW = 500
# Besides what stays: what spills and is thrown away again.
_SPARE = 1.5


@dataclass(frozen=True)
class Room:
    """Bytes that a build needs, and that it finds: what is free, and the warehouse that it makes anew."""

    needed: int
    free: int

    @property
    def is_enough(self) -> bool:
        return self.free >= self.needed

    def __str__(self) -> str:
        return f"a build needs about {_said(self.needed)} and finds {_said(self.free)}"


def room(home: Home, settings: Settings, rows: int) -> Room:
    """The room for a build over so many landed rows: what the last took and the new rows, or what the settings say."""
    held = home.warehouse.stat().st_size if home.warehouse.is_file() else 0
    free = shutil.disk_usage(home.root).free + held
    if settings.build_disk:
        return Room(settings.build_disk, free)
    lasting, before = _EMPTY, 0
    if last := releases.baseline(home):
        released = sum(path.stat().st_size for path in last.path.rglob("*") if path.is_file())
        lasting = released + max(held, released)
        before = sum(file["rows_read"] for file in last.manifest["sources"])
    return Room(int(_SPARE * (lasting + max(0, rows - before) * _BYTES_PER_ROW)), free)


def require_room(home: Home, settings: Settings, rows: int) -> None:
    """Raises DiskFull when the disk is too small for a build over so many landed rows."""
    found = room(home, settings, rows)
    if not found.is_enough:
        raise DiskFull(
            f"{found} on the disk of {home.root}: nothing was built, the last release stands; make room, keep fewer "
            "releases (CCHC_KEEP_RELEASES), or say what a build needs (CCHC_BUILD_DISK)"
        )


def _said(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
