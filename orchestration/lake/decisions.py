"""What people decided on landed content: accepted as it is, or withdrawn; the last word counts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.errors import CchcError
from orchestration.files import write_text
from orchestration.lake.files import Content


@dataclass(frozen=True)
class Decision:
    """Someone's word on the content of one landed file: `accepted` as it is, or `withdrawn`."""

    decision: str
    source: str | None
    source_file: str
    sha256: str
    stamp: datetime | None
    reason: str
    decided_by: str
    decided_at: str

    def values(self) -> dict[str, Any]:
        """What is kept of it, as JSON values."""
        return asdict(self) | {"stamp": self.stamp.isoformat() if self.stamp else None}

    @property
    def content(self) -> Content:
        return self.source, self.sha256, self.stamp


def recorded(folder: Path) -> list[Decision]:
    """Every decision ever recorded in a folder, oldest first. Raises CchcError naming one that cannot be read."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            values = json.loads(path.read_text("utf-8"))
            values["stamp"] = datetime.fromisoformat(values["stamp"]) if values["stamp"] else None
            found.append(Decision(**values))
        except (OSError, ValueError, KeyError, TypeError):
            raise CchcError(f"the decision {path} cannot be read: restore it from a backup") from None
    return found


def record(folder: Path, made: Decision) -> None:
    """Add a decision to a folder: one file each, none is ever changed."""
    folder.mkdir(exist_ok=True)
    number = len(list(folder.glob("*.json"))) + 1
    write_text(
        folder / f"{number:06d}-{made.decision}.json", json.dumps(made.values(), ensure_ascii=False, indent=1) + "\n"
    )
