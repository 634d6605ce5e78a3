"""The folder `lake/` of a home: immutable Parquet files, the register of what each must be, people's decisions.

A file counts from the entry that the register makes of it, and no file is ever written twice: one that is replaced
by accepted content of the same landed name is kept below `lake/_replaced`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.chained import Chain
from orchestration.errors import CchcError, UsageError
from orchestration.files import sha256_of, sync
from orchestration.lake import decisions
from orchestration.lake.decisions import Decision
from orchestration.lake.erased import Erased
from orchestration.lake.files import Content, LakeFile, Written
from orchestration.lake.state import State
from orchestration.sql import exactly
from orchestration.sql.engine import CLOSED

# Accepted content of so many rows must not be replaced by fewer than half as many unseen (docs/landing-contract.md 1).
_SHRINKS_FROM = 20

# Content as a manifest names it: source, landed name, sum of the bytes.
Kept = tuple[str | None, str, str]


class Lake:
    """The folder `lake/` of a home."""

    def __init__(self, root: Path):
        self.root = root
        self.register = Chain(
            root / "_register.jsonl",
            "the lake's register",
            f"restore it from a backup, or move {root} aside and run again over a landing folder that holds every "
            "export",
        )
        self.erasures = Chain(
            root / "_erased.jsonl",
            "the list of those erased",
            "restore it from a backup, for without it they would come back",
        )
        self._decisions = root / "_decisions"
        self._state: State | None = None

    # ------------------------------------------------------------ what there is

    @property
    def state(self) -> State:
        """What the register says is in the lake."""
        if self._state is None:
            self._state = State()
            for entry in self.register.entries:
                self._state.apply(entry, self.root)
        return self._state

    def files(self) -> list[LakeFile]:
        """Every landed file that the lake knows, ordered by source and landed name.

        A name of which accepted content was followed by rejected content is there twice.
        """
        files = [*self.state.accepted.values(), *self.state.rejected.values()]
        return sorted(files, key=lambda f: (f.source or "", f.source_file.encode(), f.status))

    @property
    def erased(self) -> Erased:
        """Who is to be named no more. Raises CchcError when the list of them is damaged or shorter than it was."""
        known = self.state.erased
        if known and not self.erasures.holds(known):
            raise CchcError(f"{self.erasures.called} {self.erasures.path} is not what it was: {self.erasures.remedy}")
        return Erased.of(self.erasures.entries)

    @property
    def names_only_whom_it_may(self) -> bool:
        """Whether all who are listed as erased are erased from every lake file."""
        listed = self.erasures.head
        return listed["entries"] == 0 or self.state.erased == listed

    def is_empty(self) -> bool:
        return not self.state.accepted

    def path_of(self, file: LakeFile) -> Path:
        """Where the rows of a landed file's content lie: a readable name, and another for other content."""
        slug = re.sub(r"[^A-Za-z0-9._-]+", "_", file.source_file.rsplit("/", 1)[-1])[:60]
        content = "\0".join((file.source_file, file.sha256, file.declaration))
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        return self.root / (file.source or "_unknown") / f"{slug}.{digest}.parquet"

    def damaged(self, *, thoroughly: bool = False) -> list[LakeFile]:
        """The lake files that are missing or not what the register says.

        A file of the size and time that the register knows is taken for whole, unless asked `thoroughly`.
        """
        held = [f for one in self.state.accepted.values() for f in (one, one.former) if f is not None]
        return [f for f in held if not self._is_whole(f, thoroughly)]

    def foreign(self) -> list[Path]:
        """Files that lie in the folder and that nothing of the lake knows."""
        known = {*self.state.paths(), *self.state.stored, str(self.register.path), str(self.erasures.path)}
        of_its_own = {"_replaced", self._decisions.name}
        return sorted(
            path
            for path in self.root.rglob("*")
            if path.is_file() and str(path) not in known and path.relative_to(self.root).parts[0] not in of_its_own
        )

    def _is_whole(self, file: LakeFile, thoroughly: bool) -> bool:
        stored, path = self.state.stored[file.path], Path(file.path)
        try:
            found = path.stat()
            if found.st_size != stored.size:
                return False
            if found.st_mtime_ns == stored.mtime_ns and not thoroughly:
                return True
            return sha256_of(path) == stored.sha256
        except OSError:
            return False

    # ------------------------------------------------------------ what changes

    def take_in(self, written: list[Written], removed: Iterable[LakeFile] = ()) -> None:
        """Make lake files part of the lake and take others out, all or none; nothing is deleted."""
        standing = self.standing_decisions()
        entries, folders, superseded = [], set(), list(removed)
        for one in written:
            if one.made is None:
                entries.append({"event": "rejected", "file": one.file.values()})
                continue
            target = self.path_of(one.file)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(one.made, target)
            folders |= {target.parent, target.parent.parent}
            held = self.state.accepted.get(one.file.key)
            former = _baseline(held, standing) if held else None
            shrinks = former is not None and _is_shrunk(former, one.file)
            entries.append(_accepted(one.file, target, self.root, one.sha256, former if shrinks else None))
            superseded += [f for f in (held, held and held.former) if f]
        entries += [{"event": "removed", "file": file.values()} for file in removed]
        if not entries:
            return
        for folder in folders:
            sync(folder)
        self._register(entries)
        counted = self.state.paths()
        for file in superseded:
            if file.path and file.path not in counted:
                self._set_aside(Path(file.path))

    def exchange(self, made: list[tuple[Path, Path, dict[str, Any]]]) -> None:
        """Put lake files in the place of others that say more of the same rows, and delete those.

        Each is (the lake file, what was made of it, what else the register says of it). A run that dies leaves the
        one or the other whole.
        """
        held = {f.path: f for kept in self.state.accepted.values() for f in (kept, kept.former) if f}
        entries, folders = [], set()
        for old, new, said in made:
            sha256 = sha256_of(new)
            stem = re.sub(r"\.e[0-9a-f]{12}$", "", old.name.removesuffix(".parquet"))
            target = old.with_name(f"{stem}.e{sha256[:12]}.parquet")
            os.replace(new, target)
            folders.add(target.parent)
            entries.append({
                "event": "purged",
                "file": held[str(old)].values() if str(old) in held else None,
                "in_place_of": old.relative_to(self.root).as_posix(),
                **_stored(target, self.root, sha256),
                "erasures": self.erasures.head["entries"],
                **said,
            })  # fmt: skip
        for folder in folders:
            sync(folder)
        self._register(entries)
        for old, _, _ in made:
            old.unlink()
        for folder in folders:
            sync(folder)

    def confirm_erased(self) -> None:
        """Register that all who are listed as erased are erased from every lake file."""
        self._register([{"event": "erased", "erasures": self.erasures.head}])

    def _register(self, entries: list[dict[str, Any]]) -> None:
        before = len(self.register.entries)
        state = self.state
        self.register.append(entries)
        for entry in self.register.entries[before:]:
            state.apply(entry, self.root)

    def sweep(self, *, had_register: bool) -> None:
        """Put aside what a killed run wrote and never registered, or registered over.

        The files of a home from before there was a register are registered as they are. Raises CchcError when the
        register is gone or damaged.
        """
        if not self.register.exists and any(self.root.rglob("*.parquet")):
            if had_register:
                raise CchcError(
                    f"the lake's register {self.register.path} is missing: restore it from a backup, or move "
                    f"{self.root} aside and run again over a landing folder that holds every export"
                )
            self._adopt()
        counted = self.state.paths()
        for path in self.root.rglob("*.parquet"):
            if str(path) not in counted and "_replaced" not in path.relative_to(self.root).parts:
                if str(path) in self.state.stored:
                    self._set_aside(path)
                else:
                    path.unlink()

    def _adopt(self) -> None:
        """Register the lake files of a home that was made before there was a register: they describe themselves."""
        entries = []
        for path, file in self._described(sorted(self.root.rglob("*.parquet"))):
            if path.relative_to(self.root).parts[0] == "_replaced":
                continue
            if file.status == "rejected":
                entries.append({"event": "rejected", "file": file.values()})
                path.unlink()
                continue
            entries.append(_accepted(file, path, self.root, sha256_of(path), None))
        self._register(entries)

    def _described(self, paths: list[Path]) -> list[tuple[Path, LakeFile]]:
        """What lake files say of themselves."""
        if not paths:
            return []
        found: dict[str, dict[str, str]] = {}
        with duckdb.connect(config=CLOSED | {"threads": "1"}) as con:  # no settings reach here, and footers are small
            for path, key, value in con.execute(
                "select file_name, decode(key), decode(value) from parquet_kv_metadata(?)",
                [[exactly(p) for p in paths]],
            ).fetchall():
                found.setdefault(path, {})[key] = value
        return [(Path(name), LakeFile.from_metadata(values, name)) for name, values in sorted(found.items())]

    def _set_aside(self, path: Path) -> None:
        """Keep a lake file that counts no more, below `_replaced`."""
        if not path.exists():
            return
        kept = self.root / "_replaced" / path.relative_to(self.root)
        kept.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, kept)
        os.utime(kept)  # since when it is set aside

    def long_replaced(self, before: datetime, needed: Collection[Kept]) -> list[Path]:
        """What was set aside before a time (UTC), but for the content that is needed."""
        aside = sorted((self.root / "_replaced").rglob("*.parquet"))
        old = [p for p in aside if datetime.fromtimestamp(p.stat().st_mtime, UTC) < before]
        return [path for path, file in self._described(old) if (*file.key, file.sha256) not in needed]

    # ------------------------------------------------------------ decisions

    def decisions(self) -> list[Decision]:
        """Every decision ever made, oldest first."""
        return decisions.recorded(self._decisions)

    def standing_decisions(self) -> dict[Content, Decision]:
        """The last decision on each content."""
        return {d.content: d for d in self.decisions()}

    def decide(self, decision: str, source_file: str, reason: str, by: str) -> Decision:
        """Record a decision on what landed under a name. Raises UsageError when no such file was ever landed."""
        standing = [f for f in self.files() if f.source_file == source_file and not f.is_nested]
        if not standing:
            raise UsageError(
                f"no landed file {source_file!r} is known: give its path below landing, as `cchc status` shows it"
            )
        at = datetime.now(UTC).isoformat(timespec="seconds")
        for file in standing:
            made = Decision(decision, file.source, file.source_file, file.sha256, file.stamp, reason, by, at)
            decisions.record(self._decisions, made)
        return made


def _accepted(file: LakeFile, path: Path, root: Path, sha256: str, former: LakeFile | None) -> dict[str, Any]:
    return {
        "event": "accepted",
        "file": file.values(),
        **_stored(path, root, sha256),
        "former": Path(former.path).relative_to(root).as_posix() if former else None,
    }


def _stored(path: Path, root: Path, sha256: str) -> dict[str, Any]:
    """Where a lake file lies, and what it must be."""
    stat = path.stat()
    return {
        "path": path.relative_to(root).as_posix(),
        "sha256": sha256,
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
    }


def _baseline(held: LakeFile, decisions: dict[Content, Decision]) -> LakeFile:
    """The content that a replacement is measured by: what nobody has settled yet is no measure."""
    is_settled = (d := decisions.get(held.content)) is not None and d.decision == "accepted"
    return held if held.former is None or is_settled else held.former


def _is_shrunk(former: LakeFile, file: LakeFile) -> bool:
    return (
        not file.is_nested
        and former.sha256 != file.sha256
        and former.rows_accepted >= _SHRINKS_FROM
        and file.rows_accepted * 2 < former.rows_accepted
    )
