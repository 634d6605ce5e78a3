"""Pseudonyms: under which key the persons of a source are named, and who is to be named no more."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from orchestration.errors import UsageError
from orchestration.home import Home
from orchestration.ingestion.cells import literal
from orchestration.settings import Settings
from orchestration.sources import Source

# How a home makes pseudonyms, kept among its marks and never changed once its lake holds a file: 1 is one context
# for all sources, 2 a context for each group of them.
CONTEXTS = 2
_MARK = "pseudonym_contexts"


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


@dataclass(frozen=True)
class Pseudonyms:
    """How a reader names persons: the home's key, the version of its contexts, who is erased."""

    key: bytes = field(repr=False)
    contexts: int = CONTEXTS
    erased: Erased = Erased()

    @classmethod
    def of(cls, home: Home, settings: Settings, erased: Erased, *, lake_is_empty: bool) -> Pseudonyms:
        """Those of a home; one that was filled before there were contexts goes on without.

        Raises UsageError for a wrong key, or a home of a later version.
        """
        key = home.pseudonym_key(settings, lake_is_empty=lake_is_empty)
        contexts = home.marks.get(_MARK, CONTEXTS if lake_is_empty else 1)
        if contexts not in (1, CONTEXTS):
            raise UsageError(
                f"the pseudonyms of {home.root} are of version {contexts}, this version knows {CONTEXTS}: "
                "use the version that made them"
            )
        home.remember(**{_MARK: contexts})
        return cls(key, contexts, erased)

    def key_in(self, context: str) -> bytes:
        """The key under which the persons of a context are named."""
        return self.key if self.contexts == 1 else hmac.digest(self.key, b"pseudonyms in " + context.encode(), "sha256")

    def ready(self, con: duckdb.DuckDBPyConnection, source: Source) -> None:
        """Let a connection make the pseudonyms of a source's persons."""
        if source.context:
            name_under(con, self.key_in(source.context))


def name_under(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Let a connection make pseudonyms under a key: its pads (HMAC, RFC 2104) and no more are known to it."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    con.execute("set variable pad_in = ?::blob", [bytes(b ^ 0x36 for b in block)])
    con.execute("set variable pad_out = ?::blob", [bytes(b ^ 0x5C for b in block)])
