"""The lake: one immutable Parquet file per accepted landed file, the register of what each must be, and people's
decisions beside them.

A file counts from the entry that the register makes of it, and no file is ever written twice: one that is replaced
by accepted content of the same landed name is kept below `lake/_replaced`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.engine import CLOSED, exactly
from orchestration.errors import CchcError, UsageError
from orchestration.home import sync, write_text
from orchestration.ingestion.decode import sha256_of
from orchestration.ingestion.pseudonyms import Erased
from orchestration.ingestion.register import Register
from orchestration.ingestion.rows import quoted
from orchestration.sources import Source, all_sources

_PREFIX = "cchc."
# Accepted content of so many rows must not be replaced by fewer than half as many unseen (landing contract, section 1).
_SHRINKS_FROM = 20

Content = tuple[str | None, str, datetime | None]


def source_of(source_file: str) -> str | None:
    """The source into whose folder a file landed, if it is one's."""
    return next((s for s in all_sources() if source_file == s or source_file.startswith(s + "/")), None)


@dataclass(frozen=True)
class LakeFile:
    """What one lake file says of the landed file it holds. `stamp` is naive, Asia/Ho_Chi_Minh."""

    source: str | None
    source_file: str
    sha256: str
    stamp: datetime | None
    status: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    reason_code: str | None = None
    detail: str | None = None
    unknown_columns: tuple[str, ...] = ()
    declaration: str = ""
    is_nested: bool = False
    path: str = field(default="", compare=False)
    # The accepted content of twice as many rows and more that this one replaces, until someone settles it.
    former: LakeFile | None = field(default=None, compare=False)

    def values(self) -> dict[str, Any]:
        """What the register keeps of it, as JSON values."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.compare}
        return kept | {
            "stamp": self.stamp.isoformat() if self.stamp else None,
            "unknown_columns": list(self.unknown_columns),
        }

    @classmethod
    def of(cls, values: dict[str, Any], path: str = "", former: LakeFile | None = None) -> LakeFile:
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        known["stamp"] = datetime.fromisoformat(known["stamp"]) if known["stamp"] else None
        known["unknown_columns"] = tuple(known["unknown_columns"])
        return cls(**known, path=path, former=former)

    def metadata(self) -> dict[str, str]:
        """What the Parquet file says of itself, key by key."""
        return {_PREFIX + k: json.dumps(v, ensure_ascii=False) for k, v in self.values().items()}

    @classmethod
    def from_metadata(cls, values: dict[str, str], path: str) -> LakeFile:
        return cls.of(
            {k.removeprefix(_PREFIX): json.loads(v) for k, v in values.items() if k.startswith(_PREFIX)}, path
        )

    @property
    def key(self) -> tuple[str | None, str]:
        """What it is called: one landed name can feed several sources."""
        return self.source, self.source_file

    def is_known(self, as_of: date) -> bool:
        """Whether the export had been written by the end of `as_of`; files without a stamp always are."""
        return self.stamp is None or self.stamp.date() <= as_of

    @property
    def content(self) -> Content:
        """What a decision speaks of: the folder it landed in, the bytes, the stamp; so also of what was nested."""
        return source_of(self.source_file), self.sha256, self.stamp


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


@dataclass(frozen=True)
class Written:
    """A lake file made but not yet part of the lake: what it says, and where it lies (None for a rejection)."""

    file: LakeFile
    made: Path | None = None
    sha256: str = ""


@dataclass(frozen=True)
class _Stored:
    sha256: str
    size: int
    mtime_ns: int


@dataclass
class _State:
    """What the register's entries come to."""

    accepted: dict[tuple, LakeFile] = field(default_factory=dict)
    rejected: dict[tuple, LakeFile] = field(default_factory=dict)
    stored: dict[str, _Stored] = field(default_factory=dict)
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
                self.stored[path] = _Stored(entry["sha256"], entry["size"], entry["mtime_ns"])
                self.accepted[file.key] = replace(file, path=path, former=former and replace(former, former=None))
                self.rejected.pop(file.key, None)
            case "rejected":
                self.rejected[file.key] = file
            case "purged":
                path = str(root / entry["path"])
                self.stored.pop(str(root / entry["in_place_of"]))
                self.stored[path] = _Stored(entry["sha256"], entry["size"], entry["mtime_ns"])
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


class Lake:
    """The folder `lake/` of a home."""

    def __init__(self, root: Path):
        self.root = root
        self.register = Register(root / "_register.jsonl")
        self.erasures = Register(
            root / "_erased.jsonl",
            "the list of those erased",
            "restore it from a backup, for without it they would come back",
        )
        self._state: _State | None = None

    # ------------------------------------------------------------ what there is

    @property
    def state(self) -> _State:
        """What the register says is in the lake."""
        if self._state is None:
            self._state = _State()
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
        held = [f for f in self.state.accepted.values() for f in (f, f.former) if f is not None]
        return [f for f in held if not self._is_whole(f, thoroughly)]

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
        decisions = self.standing_decisions()
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
            former = _baseline(held, decisions) if held else None
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
            stat = target.stat()
            entries.append({
                "event": "purged",
                "file": held[str(old)].values() if str(old) in held else None,
                "in_place_of": old.relative_to(self.root).as_posix(),
                "path": target.relative_to(self.root).as_posix(),
                "sha256": sha256,
                "size": stat.st_size,
                "mtime_ns": stat.st_mtime_ns,
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
        found: dict[str, dict[str, str]] = {}
        with duckdb.connect(config=CLOSED) as con:
            for path, key, value in con.execute(
                "select file_name, decode(key), decode(value) from parquet_kv_metadata(?)",
                [f"{exactly(self.root)}/**/*.parquet"],
            ).fetchall():
                found.setdefault(path, {})[key] = value
        entries = []
        for name, values in sorted(found.items()):
            path = Path(name)
            below = path.relative_to(self.root)
            file = LakeFile.from_metadata(values, name)
            if below.parts[0] == "_replaced":
                continue
            if file.status == "rejected":
                entries.append({"event": "rejected", "file": file.values()})
                path.unlink()
                continue
            entries.append(_accepted(file, path, self.root, sha256_of(path), None))
        self._register(entries)

    def _set_aside(self, path: Path) -> None:
        """Keep a lake file that counts no more, below `_replaced`."""
        if not path.exists():
            return
        kept = self.root / "_replaced" / path.relative_to(self.root)
        kept.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, kept)

    # ------------------------------------------------------------ decisions

    def decisions(self) -> list[Decision]:
        """Every decision ever made, oldest first."""
        found = []
        for path in sorted((self.root / "_decisions").glob("*.json")):
            values = json.loads(path.read_text("utf-8"))
            values["stamp"] = datetime.fromisoformat(values["stamp"]) if values["stamp"] else None
            found.append(Decision(**values))
        return found

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
        folder = self.root / "_decisions"
        folder.mkdir(exist_ok=True)
        for file in standing:
            made = Decision(
                decision,
                file.source,
                file.source_file,
                file.sha256,
                file.stamp,
                reason,
                by,
                datetime.now(UTC).isoformat(timespec="seconds"),
            )
            values = asdict(made) | {"stamp": made.stamp.isoformat() if made.stamp else None}
            number = len(list(folder.glob("*.json"))) + 1
            write_text(
                folder / f"{number:06d}-{decision}.json", json.dumps(values, ensure_ascii=False, indent=1) + "\n"
            )
        return made


def _accepted(file: LakeFile, path: Path, root: Path, sha256: str, former: LakeFile | None) -> dict[str, Any]:
    stat = path.stat()
    return {
        "event": "accepted",
        "file": file.values(),
        "path": path.relative_to(root).as_posix(),
        "sha256": sha256,
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "former": Path(former.path).relative_to(root).as_posix() if former else None,
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


def counted(files: list[LakeFile], decisions: dict[Content, Decision], as_of: date) -> list[LakeFile]:
    """The files whose rows and findings count as of a day (landing contract, section 1).

    Left out: what is stamped later, what was withdrawn, and all but the first name of the same bytes with the
    same stamp in one source. Withdrawn content that would have replaced twice as many rows gives way to those.
    """

    def is_withdrawn(file: LakeFile) -> bool:
        return (made := decisions.get(file.content)) is not None and made.decision == "withdrawn"

    seen: set[tuple] = set()
    kept = []
    for file in files:
        if is_withdrawn(file) and file.former:
            file = file.former
        repeated = (*file.content, file.source, file.status)
        if is_withdrawn(file) or not file.is_known(as_of) or (repeated in seen and file.stamp and file.source):
            continue
        seen.add(repeated)
        kept.append(file)
    return kept


@dataclass(frozen=True)
class Loss:
    """Content that would be lost unseen: `kind` is damaged, shrunk or vanished; `remedy` says what to do."""

    kind: str
    source: str | None
    source_file: str
    remedy: str


def losses(
    lake: Lake, decisions: dict[Content, Decision], as_of: date, published: list[dict[str, Any]]
) -> list[Loss]:
    """What a night as of a day would lose of the lake and of what a release counts.

    `published` are the `sources` of the release's manifest (landing contract, section 1, *Nothing vanishes*).
    """
    damaged = {f.path for f in lake.damaged()}
    found = {}
    files = counted(lake.files(), decisions, as_of)
    for file in files:
        if file.path in damaged:
            found[file.key] = Loss(
                "damaged",
                *file.key,
                f"the lake file {file.path} is missing or not what was written: restore it from a backup, or land "
                "the same file again",
            )
        elif file.former and file.content not in decisions:
            found[file.key] = Loss(
                "shrunk",
                *file.key,
                f"{file.rows_accepted} accepted rows would replace {file.former.rows_accepted}: accept or withdraw it",
            )
    held = {(f.source, f.sha256) for f in files}
    accepted = lake.state.accepted
    for known in published:
        source, name, sha256 = known["source"], known["source_file"], known["sha256"]
        stamp = datetime.fromisoformat(known["export_stamp"]) if known["export_stamp"] else None
        if known["status"] != "accepted" or (source, sha256) in held or (source, name) in found:
            continue
        landed_in = source_of(name)
        decision = decisions.get((landed_in, sha256, stamp))
        replaced = any((f := accepted.get((s, name))) and f.sha256 != sha256 for s in (source, landed_in))
        is_later = stamp is not None and stamp.date() > as_of
        if not (replaced or is_later or (decision and decision.decision == "withdrawn")):
            found[source, name] = Loss(
                "vanished",
                source,
                name,
                "the current release counts it, the lake no longer does: land the same file again, or restore the lake "
                "from a backup",
            )
    return sorted(found.values(), key=lambda loss: (loss.kind, loss.source_file, loss.source or ""))


def empty_relation(source: Source | None) -> str:
    """A relation of no rows in the shape of a source's lake files."""
    columns = lake_columns(source) if source else [("source_file", "VARCHAR")]
    return "select " + ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns) + " where false"


def lake_columns(source: Source) -> list[tuple[str, str]]:
    """(name, DuckDB type) of a source's lake files."""
    return [
        ("source_file", "VARCHAR"),
        ("export_stamp", "TIMESTAMP"),
        ("row_number", "BIGINT"),
        *source.stored_columns(),
        ("reject_reason", "VARCHAR"),
        ("reject_column", "VARCHAR"),
        ("reject_detail", "VARCHAR"),
        ("raw_row", "VARCHAR"),
    ]
