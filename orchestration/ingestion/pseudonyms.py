"""Pseudonyms: under which key the persons of a source are named."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

import duckdb

from orchestration.errors import UsageError
from orchestration.home import Home
from orchestration.ingestion import cells
from orchestration.lake.erased import Erased
from orchestration.settings import Settings
from orchestration.sources import Source, all_sources

# How a home makes pseudonyms, kept among its marks and never changed once its lake holds a file: 1 is one context
# for all sources, 2 a context for each group of them.
CONTEXTS = 2
_MARK = "pseudonym_contexts"


@dataclass(frozen=True)
class Pseudonyms:
    """How a reader names persons: the home's key, the version of its contexts, who is erased."""

    key: bytes = field(repr=False)
    contexts: int = CONTEXTS
    erased: Erased = field(default_factory=Erased)

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


def pseudonyms_of(con: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms, number: str) -> list[str]:
    """Every pseudonym that a home may have given to who bears an identity number (or an officer a name), in any source.

    Beside the number as it is written, as ingestion reads it: without the blanks, dots and dashes that group its
    digits, and an old card's nine digits without the zeros that a spreadsheet took.
    """
    plain = "case when regexp_full_match(x, '[0-9][0-9 .-]*[0-9]') then regexp_replace(x, '[^0-9]', '', 'g') end"
    shortened = f"case when regexp_full_match({plain}, '0[0-9]{{8}}') then ltrim({plain}, '0') end"
    found: set[str] = set()
    for context in sorted({s.context for s in all_sources().values() if s.context}):
        name_under(con, pseudonyms.key_in(context))
        found.update(
            name
            for (name,) in con.execute(
                f"select {cells.pseudonym(cells.identity_text('written'))} "
                f"from (select unnest([x, {plain}, {shortened}]) as written "
                f"from (select {cells.clean('given')} as x from (select ?::varchar as given))) "
                "where written is not null",
                [number],
            ).fetchall()
        )
    return sorted(found)
