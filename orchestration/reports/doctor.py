"""What `cchc doctor` examines of an installation: every sum is computed, nothing is changed."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from importlib.metadata import distributions, requires, version
from pathlib import Path

from orchestration.audit import Audit
from orchestration.errors import CchcError, told
from orchestration.home import Home
from orchestration.ingestion import landing
from orchestration.lake.store import Lake
from orchestration.publishing import releases
from orchestration.publishing.publish import code_version
from orchestration.publishing.reported import reports
from orchestration.publishing.room import room
from orchestration.quality.history import CheckHistory
from orchestration.settings import HO_CHI_MINH, PROJECT_DIR, Settings, unread
from orchestration.submissions import pack

_CLOCKS_DIFFER = timedelta(minutes=5)
_LOCKED = re.compile(r"^([a-z0-9-]+)==([^\s;]+)", re.M)
_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """One line of the examination. `remedy` is empty where all is well."""

    subject: str
    said: str
    remedy: str = ""


def examine(settings: Settings, home: Home) -> Iterator[Finding]:
    """Every finding, one after the other as it is known: sums of a large lake take a while."""
    lake = Lake(home.lake)
    for subject, look in {
        "settings": lambda: _settings(settings),
        "landing": lambda: _landing(settings),
        "rights": lambda: _rights(home),
        "key": lambda: _key(settings, home, lake),
        "register": lambda: _register(home, lake),
        "audit": lambda: _audit(home),
        "lake": lambda: _lake(lake),
        "releases": lambda: _releases(home),
        "reported": lambda: _reported(home),
        "packs": lambda: _packs(home),
        "foreign": lambda: _foreign(home, lake),
        "space": lambda: _space(settings, home, lake),
        "clock": lambda: _clock(home, lake),
        "versions": lambda: _versions(home),
    }.items():
        yield _found(subject, look)


def _found(subject: str, look: Callable[[], tuple[str, str]]) -> Finding:
    try:
        return Finding(subject, *look())
    except CchcError as error:
        said, _, remedy = str(error).partition(": ")
        return Finding(subject, said, remedy or "see docs/runbook.md")
    except Exception as error:  # whatever somebody did to a home
        return Finding(subject, f"cannot be examined: {told(error)}", "restore what is named from a backup")


def _settings(settings: Settings) -> tuple[str, str]:
    if names := unread():
        return f"{', '.join(names)} is no setting, so it does nothing", "spell it as .env.example does, or take it away"
    own = [f.name for f in fields(Settings) if getattr(settings, f.name) != f.default]
    return f"read, these among them: {', '.join(own)}", ""


def _landing(settings: Settings) -> tuple[str, str]:
    if settings.landing is None:
        return "not given, so not examined: use --landing DIR or set CCHC_LANDING", ""
    return f"{landing.required(settings.landing)} can be read", ""


def _rights(home: Home) -> tuple[str, str]:
    closed = dict.fromkeys((home.lake, home.work, home.dagster, home.warehouse, home.key_file), 0o077)
    ways_in = dict.fromkeys((home.root, home.releases), 0o027)
    open_ = [(p, m) for p, m in (ways_in | closed).items() if p.exists() and stat.S_IMODE(p.stat().st_mode) & m]
    if open_:
        remedy = "; ".join(f"chmod {'go-rwx' if mode == 0o077 else 'g-w,o-rwx'} {path}" for path, mode in open_)
        return f"{', '.join(str(path) for path, _ in open_)} is open to others than the owner", remedy
    return "nothing but the way to the releases is open to others than the owner", ""


def _key(settings: Settings, home: Home, lake: Lake) -> tuple[str, str]:
    if lake.is_empty() and not home.key_file.exists() and not (settings.pseudonym_key or settings.pseudonym_key_file):
        return "none yet: the first night makes one", ""
    home.pseudonym_key(settings, lake_is_empty=False)
    return "the one that the lake was written with", ""


def _register(home: Home, lake: Lake) -> tuple[str, str]:
    head = lake.register.head
    for release in releases.published(home):
        if not lake.register.holds(release.manifest.get("lake_register", {"entries": 0})):
            return (
                f"{lake.register.path} is not the one that {release.release_id} was built from",
                "restore it from a backup",
            )
    _ = lake.erased, lake.decisions()  # each tells if it cannot be read
    return f"{head['entries']} entries, each holding the digest of the one before", ""


def _audit(home: Home) -> tuple[str, str]:
    trail = Audit(home)
    if not trail.entries and (reports(home) or releases.published(home)):
        return f"{home.audit} is missing, and the home has published", "restore it from a backup"
    for release in releases.published(home):
        if not trail.holds(release.manifest.get("audit", {"entries": 0})):
            said = f"{home.audit} is not the one that {release.release_id} was published under"
            return said, "restore it from a backup"
    return f"{len(trail.entries)} entries, each holding the digest of the one before", ""


def _lake(lake: Lake) -> tuple[str, str]:
    damaged = lake.damaged(thoroughly=True)
    if damaged:
        return (
            f"missing or not what was written: {', '.join(f.path for f in damaged)}",
            "restore from a backup, or land the same files again",
        )
    paths = lake.state.paths()
    size = sum(Path(p).stat().st_size for p in paths)
    return f"{len(paths)} files, {size / 1e6:,.1f} MB, every sum as registered", ""


def _releases(home: Home) -> tuple[str, str]:
    found = releases.unreadable(home)
    kept = releases.published(home)
    found += [f"the release {r.path} is damaged: {why}" for r in kept if (why := releases.damage(r))]
    if found:
        return "; ".join(found), "`cchc nightly` publishes the current one anew; remove an older one"
    if kept and not home.current.is_symlink():
        return f"{home.current} is missing: readers find no release", "`cchc nightly` publishes it anew"
    history = CheckHistory(home.checks)
    history.to_table()
    nights = history.register.head["entries"]
    if kept and not nights:
        return f"{home.checks} is missing, and nights were judged", "restore it from a backup; else it begins anew"
    return f"{len(kept)} releases, every file as its manifest says; checks of {nights} nights, as they were kept", ""


def _reported(home: Home) -> tuple[str, str]:
    recorded = {report.release_id for report in reports(home)}
    with suppress(CchcError):  # of a trail that cannot be read, the line before tells
        published = {e["release_id"] for e in Audit(home).entries if e.get("outcome") == "published"}
        # One that is kept and not recorded yet, the next run records.
        lost = published - recorded - {release.release_id for release in releases.published(home)}
        if lost:
            said = f"{home.reported} lacks {min(lost)}, which was published, and {len(lost) - 1} more"
            return said, "restore it from a backup: what was reported first is known from nowhere else"
    return f"{len(recorded)} releases recorded, each holding the digest of the one before", ""


def _packs(home: Home) -> tuple[str, str]:
    kept = sorted(p for p in home.submissions.glob("*") if not p.name.startswith("."))
    found = []
    for path in kept:
        try:
            pack.verify(path)
        except CchcError as error:
            found.append(str(error))
    with suppress(CchcError):  # of a trail that cannot be read, the line before tells
        frozen = {entry["what"] for entry in Audit(home).entries if entry.get("event") == pack.FROZEN}
        found += [f"the pack {home.submissions / name} is gone" for name in sorted(frozen - {p.name for p in kept})]
    if found:
        return "; ".join(found), "restore it from a backup, or from what was handed in"
    return f"{len(kept)} evidence packs, every file as it was frozen", ""


def _foreign(home: Home, lake: Lake) -> tuple[str, str]:
    found = releases.foreign(home)
    if not _found("register", lambda: _register(home, lake)).remedy:  # else nobody knows what the lake holds
        found += lake.foreign()
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        said = f"not put there by the warehouse: {', '.join(map(str, found[:_NAMED]))}{more}"
        return said, "unless a run goes on, move it out of the home: a night may take it for what it left half done"
    return "nothing in lake and releases that the warehouse did not put there", ""


def _space(settings: Settings, home: Home, lake: Lake) -> tuple[str, str]:
    found = room(home, settings, sum(file.rows_read for file in lake.files()))
    return str(found), "" if found.is_enough else "make room, or keep fewer releases (CCHC_KEEP_RELEASES)"


def _clock(home: Home, lake: Lake) -> tuple[str, str]:
    now = datetime.now(UTC)
    last = home.last_run or {}
    past = [("the last run ended", last.get("ended_at")), ("the last run began", last.get("started_at"))]
    with suppress(CchcError):  # of a trail that cannot be read, the line before tells
        past += [("the audit trail ends", entry["at"]) for entry in Audit(home).entries[-1:]]
    for what, at in past:
        if at and datetime.fromisoformat(at) > now + _CLOCKS_DIFFER:
            return f"it is {now:%Y-%m-%d %H:%M} UTC, and {what} at {at}", "set the clock of this machine"
    here = (now + _CLOCKS_DIFFER).astimezone(HO_CHI_MINH).replace(tzinfo=None)
    early = [f for f in lake.files() if f.stamp and f.stamp.date() > here.date() and not f.is_nested]
    if early:
        said = f"{len(early)} exports are stamped after today, {early[0].source_file} the first"
        return said, "set the clock of this machine, or have the office set its own; they count from their day on"
    return f"{now:%Y-%m-%d %H:%M} UTC, after all that was written down", ""


def _versions(home: Home) -> tuple[str, str]:
    code = code_version()
    built = (current := releases.baseline(home)) and current.manifest["code_version"]
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "dagster", "great-expectations"))
    format_ = home.marks.get("cchc_home_format")
    said = f"home of format {format_}, Python {sys.version.split()[0]}, {packages}, code {code}"
    if others := _otherwise_than_locked():
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        return f"{said}; {', '.join(others[:_NAMED])}{more}", "install what requirements.lock says: make setup"
    differs = "" if built in (None, code) else f"; the release was built by code {built}: the next night builds anew"
    return f"{said}, as locked{differs}", ""


def _otherwise_than_locked() -> list[str]:
    """What is installed in another version than requirements.lock says, or needed and not installed."""
    locked: dict[str, set[str]] = {}
    for name, number in _LOCKED.findall((PROJECT_DIR / "requirements.lock").read_text("utf-8")):
        locked.setdefault(name, set()).add(number)
    installed = {_normal(d.metadata["Name"]): d.version for d in distributions()}
    needed = {
        _normal(re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0])
        for one in requires("cchc-warehouse") or ()
        if "extra ==" not in one
    }
    others = [
        f"{name} is {installed[name]}, not {' or '.join(sorted(numbers))}"
        for name, numbers in sorted(locked.items())
        if name in installed and installed[name] not in numbers
    ]
    return others + [f"{name} is missing" for name in sorted(needed - installed.keys())]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
