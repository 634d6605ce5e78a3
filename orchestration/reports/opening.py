"""The pages of a release in the browser, where there is one."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

from orchestration.errors import UsageError
from orchestration.publishing.releases import Release

PAGES = ("dashboard", "review", "docs", "quality")


def page(release: Release, name: str) -> Path:
    """The page of that name. Raises UsageError where the release has none, naming those that it has."""
    found = {one: release.path / one / "index.html" for one in PAGES}
    if not found[name].is_file():
        there = [one for one, path in found.items() if path.is_file()]
        said = f"it has {', '.join(there)}" if there else "it has no page"
        raise UsageError(f"the release {release.release_id} has no page {name}: {said}; `cchc rebuild` makes them anew")
    return found[name]


def opened(path: Path) -> bool:
    """Whether a browser of this machine took the page. A browser of text would take the terminal away."""
    has_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    if not has_screen:
        return False
    try:
        return webbrowser.open(path.as_uri())
    except webbrowser.Error:
        return False
