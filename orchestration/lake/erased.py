"""Who is to be named no more, and the test for their pseudonyms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestration.sql import literal


@dataclass(frozen=True)
class Erased:
    """Who is to be named no more: persons by the SHA-256 of their pseudonyms, and whoever is named by the exports of
    a source that were stamped before a moment."""

    digests: frozenset[str] = frozenset()
    before: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[dict[str, Any]]) -> Erased:
        digests: set[str] = set()
        before: dict[str, datetime] = {}
        for entry in entries:
            digests.update(entry["digests"])
            for source, moment in entry["before"].items():
                limit = datetime.fromisoformat(moment)
                before[source] = max(limit, before.get(source, limit))
        return cls(frozenset(digests), before)

    def test(self, source: str, key: str, stamp: str) -> str:
        """The test, as SQL, for a pseudonym that is to be kept no more; empty when nobody of the source is erased."""
        tests = []
        if self.digests:
            tests.append(f"sha256({key}) in ({', '.join(map(literal, sorted(self.digests)))})")
        if source in self.before:
            tests.append(f"{stamp} < timestamp {literal(self.before[source].isoformat(' '))}")
        return f"coalesce({key} is not null and ({' or '.join(tests)}), false)" if tests else ""
