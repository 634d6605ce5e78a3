"""Freeze an evidence pack: build afresh as of the day, judge with the whole double entry, write, seal, show."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from orchestration import interrupts
from orchestration.audit import Audit
from orchestration.errors import PublicationBlocked, UsageError, writing
from orchestration.files import sync, write_text
from orchestration.home import Home
from orchestration.ingestion.cells import without_long_numbers
from orchestration.night import steps
from orchestration.night.holding import Night, held
from orchestration.night.request import SILENT, Listener, Request
from orchestration.publishing import releases, reported
from orchestration.publishing.publish import code_version, inputs_of
from orchestration.quality.verdict import Verdict, Waiver
from orchestration.settings import HO_CHI_MINH, PROJECT_DIR, Settings
from orchestration.submissions.evidence import write_evidence
from orchestration.submissions.pack import FROZEN, MANIFEST, Submission, write_sums

LOCK = "requirements.lock"
_ENDED = ("published", "nothing new", "blocked")


def waivers(checks: Sequence[str], reason: str | None, by: str | None) -> list[Waiver]:
    """One waiver a check, its long numbers masked. Raises UsageError when why or by whom is not said."""
    if not checks:
        if reason or by:
            raise UsageError("--reason and --by speak of a waiver: give --waive CHECK, too")
        return []
    if not (reason or "").strip() or not (by or "").strip():
        raise UsageError("a waiver bears a reason and a name: give --reason TEXT --by NAME")
    now = datetime.now(HO_CHI_MINH).isoformat(timespec="seconds")
    why, who = without_long_numbers(str(reason)), without_long_numbers(str(by))
    return [Waiver(check, why, who, now) for check in dict.fromkeys(checks)]


def freeze(settings: Settings, submission: Submission, waived: Sequence[Waiver], listener: Listener = SILENT) -> Path:
    """Freeze a pack below `submissions/` of the home, from its lake; gives its folder.

    Raises UsageError for a name that is taken, a day that no night has reached, a waiver of what does not block;
    PublicationBlocked when a blocking check fails that nobody waived; HomeBusy, CchcError.
    """
    home = Home.for_reading(settings)
    final = home.submissions / submission.name
    if final.exists():
        raise UsageError(f"the pack {final} is frozen already: give another name")
    _require_reached(home, submission)
    request = Request(settings, submission.as_of, must_build=True, reads_landing=False, tells=False)
    with held(request, listener) as night:
        ingested = steps.ingest(night)
        built = steps.build(night, ingested)
        judged = steps.judge(night, ingested, built, waived)
        _require_effective(judged.verdict, waived)
        if judged.blocked:
            raise PublicationBlocked(
                judged.blocked.replace("publication is", "the submission is", 1)
                + "; or take it upon you: --waive CHECK --reason TEXT --by NAME"
            )
        with writing(home.submissions):
            _write(night, submission, ingested, judged.verdict, waived, final)
        listener.announce("submit", f"{submission.name}: frozen in {final}")
    return final


def _write(
    night: Night,
    submission: Submission,
    ingested: steps.Ingested,
    verdict: Verdict,
    waived: Sequence[Waiver],
    final: Path,
) -> None:
    home, settings = night.home, night.request.settings
    home.submissions.mkdir(mode=0o750, exist_ok=True)
    building = home.submissions / f".building-{submission.name}"
    try:
        rows = write_evidence(
            home, settings, submission, verdict, waived, building, night.progress("submit"),
            pages=lambda folder: steps.review(
                night, ingested, submission.name, folder, waived, (submission.from_on, submission.to_on)
            ),
        )  # fmt: skip
        shutil.move(home.work / "quality", building / "quality")
        shutil.copyfile(PROJECT_DIR / LOCK, building / LOCK)
        content: dict[str, Any] = submission.values() | {
            "frozen_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "code_version": code_version(),
            "sources": inputs_of(list(ingested.files)),
            "decisions": [made.values() for made in ingested.decisions.values()],
            "reports": reported.entries(home),
            "tables": rows,
            "verdict": {
                "passed": verdict.passed,
                "checks": verdict.counts(),
                "blocking_failures": [check.check_code for check in verdict.blocking_failures],
            },
            "waivers": [asdict(waiver) for waiver in waived],
        }
        write_text(building / MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
        sums = write_sums(building)
        releases.seal(building)
        with interrupts.decisive("the pack is frozen"):
            # First the trail: a pack that it does not bear would not be believed.
            trail, said = Audit(home), {"what": submission.name, "as_of": submission.as_of.isoformat()}
            for waiver in waived:
                trail.record("waived", by=waiver.waived_by, reason=waiver.reason, check=waiver.check_code, **said)
            trail.record(FROZEN, sums=sums, **said)
            os.rename(building, final)
            sync(home.submissions)
            night.ends("submitted", submission.name)
    except BaseException:
        releases.sweep(home)
        raise


def _require_reached(home: Home, submission: Submission) -> None:
    """No exports are missing that a night of that day would have read."""
    days = [found.as_of for found in releases.published(home)]
    last = home.last_run
    if last and last["outcome"] in _ENDED:
        days.append(date.fromisoformat(last["as_of"]))
    if not days or max(days) < submission.as_of:
        raise UsageError(
            f"no night has read the exports of {submission.as_of} yet: run "
            f"`cchc nightly --as-of {submission.as_of}` first, or give an earlier --as-of"
        )


def _require_effective(verdict: Verdict, waived: Sequence[Waiver]) -> None:
    blocking = {check.check_code for check in verdict.blocking_failures}
    if idle := [waiver.check_code for waiver in waived if waiver.check_code not in blocking]:
        raise UsageError(f"{idle[0]} does not block: leave out --waive {idle[0]}")
