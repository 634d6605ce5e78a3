"""What a build needs of the disk (orchestration/publishing/room.py)."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestration.errors import DiskFull
from orchestration.home import Home
from orchestration.publishing.room import require_room, room
from orchestration.settings import Settings


def test_a_first_build_needs_more_the_more_rows_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000_000))
    home, settings = Home(tmp_path), Settings.load(home=tmp_path, env={})
    none, some, many = (room(home, settings, rows).needed for rows in (0, 1_000, 1_000_000))
    assert 10e6 < none < some < many < 2e9
    (tmp_path / "warehouse.duckdb").write_bytes(b"0" * 5_000_000)
    found = room(home, settings, 0)
    assert (found.needed, found.free) == (none, 25_000_000), "it is made anew, so its room is free"
    assert not found.is_enough and none > 25_000_000


def test_the_settings_say_how_much_where_the_estimate_is_wrong(tmp_path: Path) -> None:
    home = Home(tmp_path)
    require_room(home, Settings.load(home=tmp_path, env={"CCHC_BUILD_DISK": "1"}), 10**12)
    with pytest.raises(DiskFull, match=r"^a build needs about 1,000,000\.0 GB and finds .*CCHC_BUILD_DISK") as refused:
        require_room(home, Settings.load(home=tmp_path, env={"CCHC_BUILD_DISK": str(10**15)}), 1)
    assert refused.value.exit_code == 1 and refused.value.passes, "tried again where nobody watches"
