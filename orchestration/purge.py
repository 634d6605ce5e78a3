"""Taking persons out of all that the warehouse keeps: on a person's request, or by the retention policy.

Rows stay and no figure changes but the flag `duplicate_registration`, which compares persons. The steps, each of
which a run that dies leaves to the next one: list who is erased, rewrite the lake files that name them, publish
anew, remove every older release, look for them in every file of the home, certify.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.audit import Audit
from orchestration.errors import CchcError, PublicationBlocked, UsageError
from orchestration.files import write_text
from orchestration.home import PURGE_UNFINISHED, Home
from orchestration.ingestion.cells import header_as_listed
from orchestration.ingestion.ingest import IngestionReport
from orchestration.ingestion.pseudonyms import Pseudonyms, pseudonyms_of
from orchestration.ingestion.reader import reading_engine
from orchestration.lake.erasure import erase, places_of, still_named
from orchestration.lake.store import Lake
from orchestration.night import steps
from orchestration.night.holding import Night, held
from orchestration.night.request import SILENT, Listener, Request
from orchestration.publishing import releases
from orchestration.publishing.publish import code_version
from orchestration.publishing.releases import Release
from orchestration.quality.reviewed import load_retention
from orchestration.settings import Settings, today
from orchestration.sql.engine import connect
from orchestration.warehouse import dbt

_NO_NUMBER = "no identity number given: type it when asked, or give it on one line of stdin"


@dataclass
class Purge:
    """One purge of one home: of whom `number` names, or without it of whoever the policy says.

    `reason` and `by` are kept. Raises UsageError for a missing home, number or key, PublicationBlocked when what the
    lake holds now cannot be published, CchcError when somebody is found after all.
    """

    settings: Settings
    reason: str
    by: str
    number: str | None = field(default=None, repr=False)
    listener: Listener = SILENT

    def __post_init__(self) -> None:
        for option, text in (("--reason", self.reason), ("--by", self.by)):
            if not text.strip() or header_as_listed(text[:80]) != " ".join(text[:80].split()):
                raise UsageError(
                    f"{option} is empty or bears a number of nine digits or more: it is kept, so leave the person's out"
                )

    @cached_property
    def home(self) -> Home:
        Home.for_reading(self.settings)
        return Home.for_writing(self.settings)

    def run(self) -> Path:
        """Purge; gives the certificate."""
        day = releases.current_day(self.home)
        request = Request(self.settings, day or today(), must_build=True, reads_landing=False, tells=False)
        with held(request, self.listener) as night:
            return self._run(night, publishes=day is not None)

    def _run(self, night: Night, *, publishes: bool) -> Path:
        steps.ingest(night)
        lake = Lake(self.home.lake)
        if damaged := lake.damaged():
            raise CchcError(
                f"the lake file {damaged[0].path} is missing or not what was written: run `cchc nightly` over the "
                "landed file, or restore it from a backup, then purge again"
            )
        if lake.is_empty():
            raise UsageError(f"{self.home.root} holds nothing yet: there is nobody to erase")
        names = self._names(lake)
        was_unfinished = self.home.marks.get(PURGE_UNFINISHED, False)
        self.home.remember(**{PURGE_UNFINISHED: True})
        number = self._list(lake, names)
        erase(self.settings, lake, self.home.work)
        changed = [e for e in lake.register.entries if e["event"] == "purged" and e["erasures"] == number]
        rows = sum(e["rows"] for e in changed)
        self.listener.announce("purge", f"{rows:,} rows in {len(changed)} lake files name nobody now")

        release, gone, differing = None, [], []
        is_to_publish = publishes and bool(changed or was_unfinished or self._places(names))
        dbt.discard(self.home.warehouse)  # what was dropped in it may name whom no table names
        if is_to_publish:
            before, release = releases.baseline(self.home), self._publish(night)
            gone = self._retire()
            differing = _differing(before, release)
        self._verify(lake, names)
        self.home.remember(**{PURGE_UNFINISHED: False})
        certificate = self._certify(names, number, lake, changed, gone, differing)
        asked = "person" if names else "policy"
        Audit(self.home).record("purged", by=self.by, reason=self.reason, what=asked, certificate=certificate.name)
        self.listener.announce("certify", str(certificate))
        night.ends("purged", release=release)
        return certificate

    def _names(self, lake: Lake) -> list[str]:
        """Every pseudonym of the person in question; none when the policy is."""
        if self.number is None:
            return []
        if len(self.number) > 200 or not self.number.strip():
            raise UsageError(_NO_NUMBER)
        pseudonyms = Pseudonyms.of(self.home, self.settings, lake.erased, lake_is_empty=False)
        with reading_engine(self.settings, self.home.work) as con:
            names = pseudonyms_of(con, pseudonyms, self.number)
        if not names:
            raise UsageError(_NO_NUMBER)
        return names

    def _list(self, lake: Lake, names: list[str]) -> int:
        """Put who is asked for on the list of those erased, once; gives the number of the entry that names them."""
        asked = {
            "digests": sorted(_digest(name) for name in names),
            "before": {} if names else {s: limit.isoformat() for s, limit in limits(today()).items()},
        }
        for entry in reversed(lake.erasures.entries):
            if {key: entry[key] for key in asked} == asked:
                return entry["sequence"]
        lake.erasures.append([asked | {"reason": self.reason, "by": self.by, "at": _now()}])
        return lake.erasures.head["entries"]

    def _places(self, names: list[str]) -> list[Path]:
        if not names:
            return []
        with connect(self.settings, self.home.work / "spill") as con:
            return places_of(con, self.home.root, names)

    def _publish(self, night: Night) -> Release:
        ingested = steps.known(night, IngestionReport())
        built = steps.build(night, ingested)
        judged = steps.judge(night, ingested, built)
        try:
            return steps.publish(night, ingested, judged)
        except PublicationBlocked as blocked:
            holding = ", ".join(sorted(p.name for p in self.home.releases.iterdir() if not p.name.startswith(".")))
            raise PublicationBlocked(
                f"the lake and the warehouse name them no more, but these releases still may: {holding}. {blocked}; "
                "then run the same purge again"
            ) from None

    def _retire(self) -> list[str]:
        """Remove every release but the new one: they name who was erased."""
        gone = releases.retire(self.home, 1)
        if gone:
            told = f"older releases are removed, for they name who was erased: {', '.join(gone)}"
            self.listener.announce("publish", told)
        return gone

    def _verify(self, lake: Lake, names: list[str]) -> None:
        with connect(self.settings, self.home.work / "spill") as con:
            found = still_named(con, lake)
        found += self._places(names)
        if found:
            raise CchcError(
                f"the purge is not complete: {found[0]} still names who was to be erased ({len(found)} files in all): "
                "remove it if it is no part of the warehouse, then run the same purge again"
            )

    def _certify(
        self,
        names: list[str],
        number: int,
        lake: Lake,
        changed: list[dict[str, Any]],
        gone: list[str],
        differing: list[str],
    ) -> Path:
        entry = lake.erasures.entries[number - 1]
        at = _now()
        content = {
            "asked": "person" if names else "retention policy",
            "person_digests": entry["digests"],
            "exports_before": entry["before"],
            "reason": self.reason,
            "by": self.by,
            "at": at,
            "first_asked_at": entry["at"],
            "erasure": {"entry": number, "digest": entry["digest"]},
            "rows_changed": sum(e["rows"] for e in changed),
            "lake_files": [_exchanged(e) for e in changed],
            "releases_removed": gone,
            "release": self.home.current.resolve().name if self.home.current.is_symlink() else None,
            "tables_changed": differing,
            "verified": {
                "lake_files_that_name_anyone_erased": 0,
                "files_of_the_home_that_name_the_person": 0 if names else None,
            },
            "code_version": code_version(),
        }
        folder = self.home.certificates
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"purge-{re.sub('[-:.]', '', at.partition('+')[0])}Z.json"
        write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n", mode=0o600)
        return path


def _exchanged(entry: dict[str, Any]) -> dict[str, Any]:
    """What the certificate says of one lake file, from the register's entry."""
    return {
        "before": {"path": entry["in_place_of"], "sha256": entry["in_place_of_sha256"]},
        "after": {"path": entry["path"], "sha256": entry["sha256"]},
        "rows_changed": entry["rows"],
        "at": entry["at"],
    }


def limits(day: date) -> dict[str, datetime]:
    """The moment for each source with persons before which exports are to name nobody, as of a day (Việt Nam)."""
    return {
        source: datetime.combine(_years_before(day, period.years), time())
        for source, period in load_retention().sources.items()
    }


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _differing(before: Release | None, after: Release) -> list[str]:
    """The tables that the purge changed, as far as the former release can be compared."""
    if before is None:
        return []
    old, new = before.manifest["tables"], after.manifest["tables"]
    return sorted(t for t in new if old.get(t, {}).get("sha256") != new[t]["sha256"])


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
