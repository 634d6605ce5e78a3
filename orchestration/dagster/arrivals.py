"""The sensor on the landing folder: what arrives by day starts one run, once everything there stands still."""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from orchestration.dagster.resources import Installation
from orchestration.errors import CchcError
from orchestration.ingestion.landing import scan
from orchestration.settings import Settings
from orchestration.sources import all_sources

ARRIVALS = "landing_arrivals"
# How long nothing may have changed, and after how long a file that never stops growing holds up no other.
_STILL_SECONDS, _LONGEST_SECONDS = 120, 60 * 60


@dataclass(frozen=True)
class Watched:
    """What the sensor remembers, as its cursor: the landing folder as last seen and since when it is so, since when
    there is something new in it, and the state with which the last run began."""

    seen: str = ""
    still_since: float = 0
    new_since: float = 0
    ran: str = ""


def look(watched: Watched, seen: str, now: float) -> tuple[Watched, str]:
    """What is remembered after a look at `now` (seconds), and why no run begins; without a reason one does."""
    if seen == watched.ran:
        return Watched(seen, now, 0, seen), "nothing new in landing"
    new_since = watched.new_since or now
    still_since = watched.still_since if seen == watched.seen else now
    after = Watched(seen, still_since, new_since, watched.ran)
    if now - still_since < _STILL_SECONDS and now - new_since < _LONGEST_SECONDS:
        return after, "files arrive in landing: a run begins once they stand still"
    return replace(after, new_since=0, ran=seen), ""


def state_of(settings: Settings) -> str:
    """A digest of names, sizes and times of all that lies in landing; nothing is opened.

    Raises LandingAway when it cannot be read.
    """
    digest = hashlib.sha256()
    for file in scan(settings.landing, set(all_sources())):
        try:
            found = os.stat(file.path)
        except OSError:
            told = "gone"
        else:
            told = f"{found.st_size} {found.st_mtime_ns}"
        digest.update(f"{file.source_file}\0{told}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def arrivals(job_name: str) -> SensorDefinition:
    """The sensor that starts a job; the key of a run is the state of landing with which it begins."""

    @sensor(name=ARRIVALS, job_name=job_name, minimum_interval_seconds=60, default_status=DefaultSensorStatus.RUNNING)
    def watch(context: SensorEvaluationContext, installation: Installation) -> SensorResult:
        """Files that arrive by day are taken in at once, many of them by one run; those that still grow are left."""
        watched = Watched(**json.loads(context.cursor)) if context.cursor else Watched()
        try:
            seen = state_of(installation.settings())
        except CchcError as error:
            return SensorResult(skip_reason=SkipReason(str(error)))
        after, why_not = look(watched, seen, time.time())
        cursor = json.dumps(asdict(after))
        if why_not:
            return SensorResult(skip_reason=SkipReason(why_not), cursor=cursor)
        return SensorResult(run_requests=[RunRequest(run_key=seen)], cursor=cursor)

    return watch
