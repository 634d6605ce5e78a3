"""What people decided on landed content: accepted as it is, or withdrawn; the last word counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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

    @property
    def content(self) -> Content:
        return self.source, self.sha256, self.stamp
