"""What a night takes away at its end: replaced content that is old and that nothing kept here was made from."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from orchestration.audit import Audit
from orchestration.errors import CchcError
from orchestration.home import Home
from orchestration.lake.store import Kept, Lake
from orchestration.night.holding import Night
from orchestration.publishing import releases


def tidy(night: Night) -> None:
    """Write down that replaced lake files set aside more than `keep_replaced_days` ago go, then remove them: a run that
    is killed meanwhile leaves the rest to the next, which writes that down again.

    Content that a kept release or pack counts stays, whatever its age. What cannot be removed tonight stays, too: the
    night ends as it did.
    """
    home, days = night.home, night.request.settings.keep_replaced_days
    with suppress(OSError, CchcError, ValueError, KeyError, TypeError):
        old = Lake(home.lake).long_replaced(datetime.now(UTC) - timedelta(days=days), _needed(home))
        if old:
            said = f"{len(old)} lake files of content replaced more than {days} days ago"
            Audit(home).record("removed", what=said)
            for path in old:
                path.unlink()
            night.listener.announce("tidy", f"{said} are removed")


def _needed(home: Home) -> set[Kept]:
    """The content that a release or a pack in the home was made from. Raises what a manifest that cannot be read does:
    then nobody knows."""
    manifests = [path for place in (home.releases, home.submissions) for path in place.glob(f"*/{releases.MANIFEST}")]
    return {
        (said["source"], said["source_file"], said["sha256"])
        for manifest in manifests
        for said in json.loads(manifest.read_text("utf-8"))["sources"]
    }
