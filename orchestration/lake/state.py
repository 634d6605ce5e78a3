"""What the entries of the register come to: which lake file holds which landed file, and what it must be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestration.lake.files import LakeFile


@dataclass(frozen=True)
class Stored:
    """What the bytes of a lake file must be."""

    sha256: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Stored:
        return cls(entry["sha256"], entry["size"], entry["mtime_ns"])


@dataclass
class State:
    """What the register's entries come to."""

    accepted: dict[tuple, LakeFile] = field(default_factory=dict)
    rejected: dict[tuple, LakeFile] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    # What is erased everywhere in the lake, as the list of those erased then was.
    erased: dict[str, Any] | None = None

    def apply(self, entry: dict[str, Any], root: Path) -> None:
        if entry["event"] == "erased":
            self.erased = entry["erasures"]
            return
        if entry["file"] is None:
            return
        file = LakeFile.of(entry["file"])
        match entry["event"]:
            case "accepted":
                path = str(root / entry["path"])
                former = None
                if entry["former"]:
                    held = self.accepted[file.key]
                    former = next(f for f in (held, held.former) if f and f.path == str(root / entry["former"]))
                self.stored[path] = Stored.of(entry)
                self.accepted[file.key] = replace(file, path=path, former=former and replace(former, former=None))
                self.rejected.pop(file.key, None)
            case "rejected":
                self.rejected[file.key] = file
            case "purged":
                path = str(root / entry["path"])
                self.stored.pop(str(root / entry["in_place_of"]))
                self.stored[path] = Stored.of(entry)
                held = self.accepted[file.key]
                if held.former and held.former.path == str(root / entry["in_place_of"]):
                    self.accepted[file.key] = replace(held, former=replace(held.former, path=path))
                else:
                    self.accepted[file.key] = replace(held, path=path)
            case "removed":
                (self.accepted if file.status == "accepted" else self.rejected).pop(file.key, None)

    def paths(self) -> set[str]:
        """Where the lake files lie whose rows count, or could again."""
        return {f.path for held in self.accepted.values() for f in (held, held.former) if f}
