"""Append-only, chained lists: what every lake file must be, who was erased from the lake, who did what.

One JSON object a line. Each entry holds the digest of the one before it, so that no entry can be changed, taken out
or put in unseen; a last line without its line break was never written whole and does not count.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.errors import CchcError
from orchestration.files import sync

_GENESIS = "0" * 64


class Chain:
    """Entries of one file, oldest first: mappings with `sequence`, `previous`, `digest` and what was registered."""

    def __init__(self, path: Path, called: str, remedy: str, mode: int = 0o600):
        self.path = path
        self.called = called
        self.remedy = remedy
        self.mode = mode

    @property
    def exists(self) -> bool:
        return self.path.exists()

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """Every whole entry. Raises CchcError naming the line at which the chain is broken."""
        self._length = 0
        if not self.exists:
            return []
        found: list[dict[str, Any]] = []
        previous = _GENESIS
        for number, line in enumerate(self.path.read_bytes().split(b"\n")[:-1], 1):
            try:
                entry = json.loads(line)
                stated = entry["digest"]
                is_sound = entry["sequence"] == number and entry["previous"] == previous and stated == _digest_of(entry)
            except (ValueError, KeyError, TypeError):
                is_sound = False
            if not is_sound:
                raise CchcError(f"{self.called} {self.path} is damaged at line {number}: {self.remedy}")
            found.append(entry)
            previous = stated
            self._length += len(line) + 1
        return found

    def append(self, registered: Iterable[dict[str, Any]]) -> None:
        """Write entries behind the last, safely on disk when this returns. Only the holder of the home may."""
        known = self.entries
        previous = known[-1]["digest"] if known else _GENESIS
        new: list[dict[str, Any]] = []
        for values in registered:
            entry = {**values, "sequence": len(known) + len(new) + 1, "previous": previous}
            previous = entry["digest"] = _digest_of(entry)
            new.append(entry)
        if not new:
            return
        is_first = not self.exists
        lines = b"".join(_spelled(entry) + b"\n" for entry in new)
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, self.mode), "r+b") as file:
            # What a killed run left of a line is no entry.
            file.truncate(self._length)
            file.seek(self._length)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        self._length += len(lines)
        if is_first:
            sync(self.path.parent)
        known.extend(new)

    @property
    def head(self) -> dict[str, Any]:
        """How many entries there are, and the digest of the last: what a release remembers of the list."""
        return {"entries": len(self.entries), "digest": self.entries[-1]["digest"] if self.entries else _GENESIS}

    def holds(self, head: dict[str, Any]) -> bool:
        """Whether the list still begins with what `head` saw of it."""
        count = head["entries"]
        if count == 0:
            return True
        return len(self.entries) >= count and self.entries[count - 1]["digest"] == head["digest"]


def _spelled(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _digest_of(entry: dict[str, Any]) -> str:
    return hashlib.sha256(_spelled({k: v for k, v in entry.items() if k != "digest"})).hexdigest()
