"""Which files count as of a day, and what a night would lose unseen (docs/landing-contract.md 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from orchestration.lake.decisions import Decision
from orchestration.lake.files import Content, LakeFile, source_of
from orchestration.lake.store import Lake


def counted(files: list[LakeFile], decisions: dict[Content, Decision], as_of: date) -> list[LakeFile]:
    """The files whose rows and findings count as of a day (docs/landing-contract.md 1).

    Left out: what is stamped later, what was withdrawn, and all but the first name of the same bytes with the
    same stamp in one source. Withdrawn content that would have replaced twice as many rows gives way to those.
    """
    seen: set[tuple] = set()
    kept = []
    for file in files:
        if _is_withdrawn(file.content, decisions) and file.former:
            file = file.former
        repeated = (*file.content, file.source, file.status)
        is_repeated = repeated in seen and file.stamp and file.source
        if is_repeated or _is_withdrawn(file.content, decisions) or not file.is_known(as_of):
            continue
        seen.add(repeated)
        kept.append(file)
    return kept


_LAND_AGAIN = (
    "the current release counts it, the lake no longer does: land the same file again, or restore the lake "
    "from a backup"
)


@dataclass(frozen=True)
class Loss:
    """Content that would be lost unseen: `kind` is damaged, shrunk or vanished; `remedy` says what to do."""

    kind: str
    source: str | None
    source_file: str
    remedy: str


def losses(lake: Lake, decisions: dict[Content, Decision], as_of: date, published: list[dict[str, Any]]) -> list[Loss]:
    """What a night as of a day would lose of the lake and of what a release counts.

    `published` are the `sources` of the release's manifest (docs/landing-contract.md 1, *Nothing vanishes*).
    """
    damaged = {f.path for f in lake.damaged()}
    files = counted(lake.files(), decisions, as_of)
    found = {f.key: loss for f in files if (loss := _loss_of(f, damaged, decisions))}
    held = {(f.source, f.sha256) for f in files}
    for known in published:
        key = known["source"], known["source_file"]
        is_counted = key in found or (known["source"], known["sha256"]) in held
        if not is_counted and not _may_go(known, lake, decisions, as_of):
            found[key] = Loss("vanished", *key, _LAND_AGAIN)
    return sorted(found.values(), key=lambda loss: (loss.kind, loss.source_file, loss.source or ""))


def _loss_of(file: LakeFile, damaged: set[str], decisions: dict[Content, Decision]) -> Loss | None:
    if file.path in damaged:
        remedy = (
            f"the lake file {file.path} is missing or not what was written: restore it from a backup, or land "
            "the same file again"
        )
        return Loss("damaged", *file.key, remedy)
    if file.former and file.content not in decisions:
        remedy = f"{file.rows_accepted} accepted rows would replace {file.former.rows_accepted}: accept or withdraw it"
        return Loss("shrunk", *file.key, remedy)
    return None


def _may_go(known: dict[str, Any], lake: Lake, decisions: dict[Content, Decision], as_of: date) -> bool:
    """Whether what a release counts may count no more: it was replaced, withdrawn, or is stamped later than the day."""
    source, name, sha256 = known["source"], known["source_file"], known["sha256"]
    stamp = datetime.fromisoformat(known["export_stamp"]) if known["export_stamp"] else None
    landed_in, accepted = source_of(name), lake.state.accepted
    is_replaced = any((f := accepted.get((s, name))) and f.sha256 != sha256 for s in (source, landed_in))
    is_later = stamp is not None and stamp.date() > as_of
    return (
        known["status"] != "accepted" or is_replaced or is_later or _is_withdrawn((landed_in, sha256, stamp), decisions)
    )


def _is_withdrawn(content: Content, decisions: dict[Content, Decision]) -> bool:
    return (made := decisions.get(content)) is not None and made.decision == "withdrawn"
