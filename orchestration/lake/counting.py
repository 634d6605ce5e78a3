"""Which files count as of a day, and what a night would lose unseen (landing contract, section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from orchestration.lake.decisions import Decision
from orchestration.lake.files import Content, LakeFile, source_of
from orchestration.lake.store import Lake


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


def losses(lake: Lake, decisions: dict[Content, Decision], as_of: date, published: list[dict[str, Any]]) -> list[Loss]:
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
