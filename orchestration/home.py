"""The home: where its parts lie, who holds it, and whether it is ours. No part knows another's content."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from orchestration.errors import HomeBusy, UsageError
from orchestration.files import write_text
from orchestration.settings import Settings

# What lies in a home of each format, and how an older one is brought to this: orchestration/migrations.py.
FORMAT = 2
MARKER = "home.json"
LAST_RUN = "last_run.json"
PURGE_UNFINISHED = "purge_unfinished"
SHORTEST_KEY = 32
_ASKING_SECONDS = 0.1


class Home:
    """Paths inside one home directory (docs/published-interface.md 2)."""

    def __init__(self, root: Path):
        self.root = root
        self.lake = root / "lake"
        self.warehouse = root / "warehouse.duckdb"
        self.dagster = root / "dagster"
        self.releases = root / "releases"
        self.current = root / "current"
        self.work = root / "work"
        self.submissions = root / "submissions"
        self.certificates = root / "certificates"
        self.checks = root / "checks"
        self.reported = root / "reported.jsonl"
        self.audit = root / "audit.jsonl"
        self.key_file = root / "pseudonym.key"

    @classmethod
    def for_reading(cls, settings: Settings) -> Home:
        """The home of a command that only reads. Raises UsageError when there is none or it is not ours."""
        home = cls(_root(settings))
        if not home.root.is_dir():
            raise UsageError(f"the home {home.root} does not exist: run `cchc nightly` first, or give --home")
        home._check_marker()
        return home

    @classmethod
    def for_writing(cls, settings: Settings) -> Home:
        """The home of a command that writes, made when missing.

        Raises UsageError when it cannot be written, belongs to something else, to another account or version.
        """
        home = cls(_root(settings))
        try:
            home.root.mkdir(parents=True, exist_ok=True, mode=0o750)
            home._check_marker()
            home._require_its_account()
            # Readers need the releases and the way to them; the rest is the owner's alone.
            for folder, mode in {
                home.root: 0o750,
                home.releases: 0o750,
                home.lake: 0o700,
                home.dagster: 0o700,
                home.work: 0o700,
            }.items():
                folder.mkdir(exist_ok=True, mode=mode)
                _close(folder, mode)
                if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, f"{folder.name or folder}: {os.strerror(errno.EACCES)}")
            probe = home.root / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink(missing_ok=True)  # a run that holds the home sweeps what it finds
            if not (home.root / MARKER).exists():
                home.remember(cchc_home_format=FORMAT)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"the home {home.root} cannot be written: {reason}; give a writable --home") from error
        return home

    @property
    def marks(self) -> dict[str, Any]:
        """What the home remembers of itself."""
        marker = self.root / MARKER
        return json.loads(marker.read_text("utf-8")) if marker.exists() else {}

    def remember(self, **marks: Any) -> None:
        """Keep marks beside those that the home has."""
        known = self.marks
        if known | marks != known:
            write_text(self.root / MARKER, json.dumps(known | marks) + "\n")

    def _check_marker(self) -> None:
        marker = self.root / MARKER
        if not marker.exists():
            foreign = [p.name for p in self.root.iterdir() if not p.name.startswith(".") and p != self.key_file]
            if foreign:
                raise UsageError(
                    f"{self.root} is not a home of this warehouse (it holds {sorted(foreign)[0]!r} and no {MARKER}): "
                    "give an empty or new folder as --home"
                )
            return
        try:
            found = json.loads(marker.read_text("utf-8"))["cchc_home_format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{marker} cannot be read: restore it or give another --home") from error
        if not isinstance(found, int) or found < 1:
            raise UsageError(f"{marker} cannot be read: restore it or give another --home")
        if found > FORMAT:
            raise UsageError(
                f"{self.root} is a home of format {found}, this version knows formats up to {FORMAT}: "
                "use the version that made it, or restore a backup from before, or give a new --home"
            )

    def _require_its_account(self) -> None:
        """Raises UsageError for root in the home of another account, which could not read what root makes there."""
        owner = self.root.stat().st_uid
        if os.geteuid() == 0 != owner:
            raise UsageError(
                f"the home {self.root} belongs to account {owner}, and root would leave files that it cannot read: run "
                "it as that account (docs/operations.md)"
            )

    @contextmanager
    def lock(self, patience: float = 0) -> Iterator[None]:
        """Hold the home for one writing run; the kernel lets go when the process dies.

        Another run that holds it is waited for as many seconds as `patience` says. Raises HomeBusy after that, and
        UsageError when the home cannot be written, or not by this account.
        """
        try:
            self._require_its_account()
            handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise UsageError(f"the home {self.root} cannot be written: {error.strerror}") from error
        try:
            patience_ends = time.monotonic() + max(patience, _ASKING_SECONDS)
            while not _locks(handle, fcntl.LOCK_EX):
                if time.monotonic() >= patience_ends:
                    raise self._busy()
                time.sleep(_ASKING_SECONDS)
            yield
        finally:
            os.close(handle)

    def is_held(self) -> bool:
        """Whether a writing run holds the home now. Asking takes the lock for an instant, which `lock` allows for."""
        try:
            handle = os.open(self.root / ".lock", os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            return not _locks(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)

    def require_free(self) -> None:
        """Raises HomeBusy when a writing run holds the home now."""
        if self.is_held():
            raise self._busy()

    def _busy(self) -> HomeBusy:
        return HomeBusy(f"another run holds {self.root}: wait for it to end, then run again")

    @property
    def last_run(self) -> dict[str, Any] | None:
        """What the last run wrote of itself; outcome `running` until it ends, and for good when it was killed."""
        try:
            run = json.loads((self.root / LAST_RUN).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return run if isinstance(run, dict) and "outcome" in run else None

    def sweep(self) -> None:
        """Remove the small files that a killed run had begun to write."""
        for path in [*self.root.glob(".*.tmp"), *self.root.glob(".probe-*")]:
            path.unlink(missing_ok=True)

    def pseudonym_key(self, settings: Settings, *, lake_is_empty: bool) -> bytes:
        """The key of the pseudonyms: from the settings, else the home's own, made at first use.

        Raises UsageError for a key that is missing, too short, or not the one that the lake was written with: the
        same person would become two.
        """
        key = self._given_key(settings)
        if key is None:
            if not lake_is_empty:
                raise UsageError(
                    f"the pseudonym key {self.key_file} is missing, and the lake was written with it: restore it from "
                    "a backup, or give it as CCHC_PSEUDONYM_KEY_FILE"
                )
            handle = os.open(self.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32) + "\n")
                file.flush()
                os.fsync(file.fileno())
            key = self.key_file.read_bytes().strip()
        fingerprint = hmac.digest(key, b"fingerprint of the pseudonym key", hashlib.sha256).hex()[:16]
        if not lake_is_empty and self.marks.get("key_fingerprint", fingerprint) != fingerprint:
            raise UsageError(
                "the pseudonym key is not the one that the lake was written with (another fingerprint than "
                f"{self.root / MARKER} keeps): give the former key, or follow the recipe for another key"
            )
        self.remember(key_fingerprint=fingerprint)
        return key

    def _given_key(self, settings: Settings) -> bytes | None:
        """The key that the settings or the home hold, if any. Raises UsageError when it cannot be used."""
        if settings.pseudonym_key:
            named, key = "CCHC_PSEUDONYM_KEY", settings.pseudonym_key.encode()
        else:
            source = settings.pseudonym_key_file or self.key_file
            if settings.pseudonym_key_file is None and not source.exists():
                return None
            named = str(source)
            try:
                key = source.read_bytes().strip()
            except OSError as error:
                raise UsageError(f"the pseudonym key {source} cannot be read: {error.strerror}") from error
            if source == self.key_file:
                _close(source, 0o600)
        length = len(key.decode("utf-8", "replace"))
        if length < SHORTEST_KEY:
            raise UsageError(
                f"the pseudonym key in {named} has {length} characters: give a random one of {SHORTEST_KEY} or more"
            )
        return key


def _root(settings: Settings) -> Path:
    if settings.home is None:
        raise UsageError("no home given: use --home DIR or set CCHC_HOME")
    return settings.home


def _locks(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close(path: Path, mode: int) -> None:
    """Take away what `mode` does not grant."""
    held = path.stat().st_mode & 0o777
    if held & ~mode:
        with suppress(PermissionError):  # somebody else's folder: theirs to close
            path.chmod(held & mode)
