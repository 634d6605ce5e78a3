"""What a pack is: a read-only folder, its manifest, the sum of every file; whether it is still what was frozen."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.audit import Audit
from orchestration.errors import CchcError, UsageError
from orchestration.files import sha256_of, write_text
from orchestration.home import MARKER, Home
from orchestration.publishing import releases

MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
FROZEN = "froze"  # what the audit trail calls it
INDEXES = ("PAR", "QD766", "SIPAS")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True)
class Submission:
    """What is submitted: to which index, for which year, of which period, as known at the end of which day."""

    name: str
    index_code: str
    year: int
    from_on: date
    to_on: date
    as_of: date

    def __post_init__(self) -> None:
        """Raises UsageError for what cannot be asked."""
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"the pack's name {self.name!r} names a folder: give letters, digits, '.', '_' or '-', 80 at most"
            )
        if self.index_code not in INDEXES:
            raise UsageError(f"the index {self.index_code!r} is unknown: one of {', '.join(INDEXES)}")
        if self.from_on > self.to_on:
            raise UsageError(f"--from {self.from_on} is after --to {self.to_on}: swap them")
        if self.to_on > self.as_of:
            raise UsageError(
                f"--to {self.to_on} is after --as-of {self.as_of}: give an earlier --to or a later --as-of"
            )
        if not self.from_on.year <= self.year <= self.to_on.year:
            raise UsageError(f"--year {self.year} is not a year of the period {self.from_on} to {self.to_on}")

    def values(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {
            "pack": self.name,
            "index": self.index_code,
            "year": self.year,
            "from": self.from_on.isoformat(),
            "to": self.to_on.isoformat(),
            "as_of": self.as_of.isoformat(),
        }

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> Submission:
        days = (date.fromisoformat(manifest[key]) for key in ("from", "to", "as_of"))
        return cls(manifest["pack"], manifest["index"], manifest["year"], *days)


def manifest_of(pack: Path) -> dict[str, Any]:
    """What a pack says of itself. Raises UsageError for a folder that is none, CchcError for one that is damaged."""
    if not (pack / SUMS).is_file() and not (pack / MANIFEST).is_file():
        raise UsageError(f"{pack} is no evidence pack: it holds no {SUMS}")
    try:
        manifest = json.loads((pack / MANIFEST).read_text("utf-8"))
        Submission.of(manifest)
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        raise CchcError(f"the pack {pack} is damaged: {MANIFEST} cannot be read; restore it from a backup") from None
    return manifest


def write_sums(folder: Path) -> str:
    """Write the sum of every file of a finished pack, as `sha256sum -c` reads it; gives the sum of these sums."""
    lines = [f"{one['sha256']}  {name}\n" for name, one in releases.sums(folder, SUMS).items()]
    write_text(folder / SUMS, "".join(lines))
    return sha256_of(folder / SUMS)


def verify(pack: Path) -> int:
    """How many files the pack has, each as its sum says and the sums as the audit trail of its home says.

    Raises UsageError for a folder that is no pack, CchcError naming the files that are not what was frozen.
    """
    if not (pack / SUMS).is_file():
        manifest_of(pack)  # a folder that is no pack at all
        raise CchcError(f"the pack {pack} is damaged: {SUMS} is missing; restore it from a backup")
    stated = _stated(pack)
    try:
        found = {name: one["sha256"] for name, one in releases.sums(pack, SUMS).items()}
        odd = _not_frozen(pack, stated)
    except OSError as error:
        raise CchcError(f"the pack {pack} is damaged: {error.filename} cannot be read") from None
    wrong = [f"{name} is no file of its own" for name in sorted(odd)] + [
        f"{name} {'is missing' if name not in found else 'was added' if name not in stated else 'differs from its sum'}"
        for name in sorted(found.keys() | stated.keys())
        if found.get(name) != stated.get(name) and name not in odd
    ]
    if wrong:
        more = f" and {len(wrong) - 3} files more" if len(wrong) > 3 else ""
        raise CchcError(f"the pack {pack} is not what was frozen: {'; '.join(wrong[:3])}{more}")
    _check_audit(pack, manifest_of(pack)["pack"])
    return len(found)


def _not_frozen(pack: Path, stated: Collection[str]) -> set[str]:
    """What lies in a pack and is neither a file nor a folder of stated ones: links, pipes, folders added."""
    folders = {parent.as_posix() for name in stated for parent in Path(name).parents}
    named = {path.relative_to(pack).as_posix(): path for path in pack.rglob("*")}
    return {n for n, path in named.items() if path.is_symlink() or not (path.is_file() or n in folders)}


def _stated(pack: Path) -> dict[str, str]:
    lines = [_LINE.fullmatch(line) for line in (pack / SUMS).read_text("utf-8", "replace").splitlines()]
    if not lines or None in lines:
        raise CchcError(f"the pack {pack} is damaged: {SUMS} cannot be read; restore it from a backup")
    return {line[2]: line[1] for line in lines if line}


def _check_audit(pack: Path, name: str) -> None:
    """A pack that lies in a home: whoever changes its sums as well would have to change the audit trail."""
    root = next((folder for folder in pack.resolve().parents if (folder / MARKER).is_file()), None)
    if root is None:
        return
    home = Home(root)
    if not home.audit.is_file():
        raise CchcError(f"the pack {pack} cannot be proved: {home.audit} is gone; restore it from a backup")
    entries = Audit(home).entries
    frozen = [entry["sums"] for entry in entries if entry["event"] == FROZEN and entry["what"] == name]
    if sha256_of(pack / SUMS) not in frozen:
        raise CchcError(f"the pack {pack} is not what was frozen: {SUMS} is not the one that the audit trail bears")
