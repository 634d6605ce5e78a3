"""The only reader of the environment. Flags win over the environment, the environment over `.env`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from dotenv import dotenv_values

from orchestration.errors import UsageError

PROJECT_DIR = Path(__file__).resolve().parent.parent
# Whoever runs a command owns what it makes; the group may read, others nothing.
UMASK = 0o027
HO_CHI_MINH = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


def quiet_telemetry() -> None:
    """dbt, Dagster and Great Expectations must not call out; set before any of them is imported."""
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")


def unread(env: Mapping[str, str] | None = None) -> list[str]:
    """Names in the environment and `.env` that look like settings and are none, such as misspelled ones."""
    known = dotenv_values(PROJECT_DIR / ".env.example").keys()
    given = dotenv_values(".env").keys() | (os.environ if env is None else env).keys()
    return sorted(name for name in given if name.startswith("CCHC_") and name not in known)


def today() -> date:
    """Today in Asia/Ho_Chi_Minh, the province's day."""
    return datetime.now(UTC).astimezone(HO_CHI_MINH).date()


@dataclass(frozen=True)
class Bounds:
    """How large, slow and hungry one landed file may be (docs/landing-contract.md 1, *Bounds*).

    Sizes are in bytes. `ratio` holds for an archive once more than `ratio_from` bytes are unpacked. The reader of
    a file gets `seconds` and one second more for each `bytes_per_second`.
    """

    columns: int = 2_000
    cell: int = 1 << 20
    record: int = 16 << 20
    unpacked: int = 64 << 30
    ratio: int = 200
    ratio_from: int = 256 << 20
    memory: int = 4 << 30
    disk: int = 128 << 30
    seconds: int = 60
    bytes_per_second: int = 4 << 20


@dataclass(frozen=True)
class Alerts:
    """Where people are told how a run ended (docs/alerts.md): by mail, to a webhook, into a file; each where it is set.

    Mail goes out encrypted, or not at all. `ca_file` is whose certificates are believed besides the system's own;
    after `seconds` nothing is waited for any more.
    """

    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_tls: str = "starttls"
    smtp_user: str | None = None
    smtp_password_file: Path | None = None
    mail_from: str | None = None
    mail_to: tuple[str, ...] = ()
    webhook_url: str | None = None
    file: Path | None = None
    ca_file: Path | None = None
    seconds: int = 20

    def __post_init__(self) -> None:
        """Raises UsageError for settings that cannot be meant."""
        if self.smtp_tls not in ("starttls", "tls"):
            raise UsageError(f"CCHC_ALERT_SMTP_TLS is {self.smtp_tls!r}: give starttls or tls")
        mail = {
            "CCHC_ALERT_SMTP_HOST": self.smtp_host, "CCHC_ALERT_FROM": self.mail_from, "CCHC_ALERT_TO": self.mail_to
        }  # fmt: skip
        if any(mail.values()) and not all(mail.values()):
            raise UsageError(f"mail needs {' and '.join(name for name, given in mail.items() if not given)}, too")
        if bool(self.smtp_user) != bool(self.smtp_password_file):
            raise UsageError("give CCHC_ALERT_SMTP_USER and CCHC_ALERT_SMTP_PASSWORD_FILE, or neither")
        for name, given in (("CCHC_ALERT_FROM", (self.mail_from or "@",)), ("CCHC_ALERT_TO", self.mail_to)):
            if not all(re.fullmatch(r"[^\s@<>,]*@[^\s@<>,]*", address) for address in given):
                raise UsageError(f"{name} is no address such as cchc@tinh.gov.vn, or several with commas between")
        if self.webhook_url and not re.match(r"https?://[^/\s]+", self.webhook_url):
            raise UsageError("CCHC_ALERT_WEBHOOK_URL is no address that begins with https:// or http://")


@dataclass(frozen=True)
class Settings:
    """Everything a run is told from outside. Paths are absolute."""

    landing: Path | None
    home: Path | None
    pseudonym_key: str | None = None
    pseudonym_key_file: Path | None = None
    keep_releases: int = 30
    keep_replaced_days: int = 365
    keep_runs_days: int = 90
    build_disk: int | None = None
    threads: int | None = None
    memory_limit: str | None = None
    bounds: Bounds = Bounds()
    alerts: Alerts = Alerts()

    @classmethod
    def load(
        cls,
        landing: str | Path | None = None,
        home: str | Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Settings:
        """Settings from flags, else the environment, else `.env` in the working directory.

        Raises UsageError when a number cannot be read, or where the alerts go.
        """
        known = {k: v for k, v in dotenv_values(".env").items() if v}
        known.update({k: v for k, v in (os.environ if env is None else env).items() if v})

        def path(value: str | Path | None) -> Path | None:
            return Path(value).expanduser().absolute() if value else None

        def number(name: str) -> int | None:
            text = known.get(name)
            if text is None:
                return None
            if not text.isdigit() or int(text) < 1:
                raise UsageError(f"{name} is {text!r}: give a whole number of 1 or more")
            return int(text)

        tls = known.get("CCHC_ALERT_SMTP_TLS", Alerts.smtp_tls)
        alerts = Alerts(
            smtp_host=known.get("CCHC_ALERT_SMTP_HOST"),
            smtp_port=number("CCHC_ALERT_SMTP_PORT") or (465 if tls == "tls" else Alerts.smtp_port),
            smtp_tls=tls,
            smtp_user=known.get("CCHC_ALERT_SMTP_USER"),
            smtp_password_file=path(known.get("CCHC_ALERT_SMTP_PASSWORD_FILE")),
            mail_from=known.get("CCHC_ALERT_FROM"),
            mail_to=tuple(known.get("CCHC_ALERT_TO", "").replace(",", " ").split()),
            webhook_url=known.get("CCHC_ALERT_WEBHOOK_URL"),
            file=path(known.get("CCHC_ALERT_FILE")),
            ca_file=path(known.get("CCHC_ALERT_CA_FILE")),
            seconds=number("CCHC_ALERT_SECONDS") or Alerts.seconds,
        )
        return cls(
            landing=path(landing or known.get("CCHC_LANDING")),
            home=path(home or known.get("CCHC_HOME")),
            pseudonym_key=known.get("CCHC_PSEUDONYM_KEY"),
            pseudonym_key_file=path(known.get("CCHC_PSEUDONYM_KEY_FILE")),
            keep_releases=number("CCHC_KEEP_RELEASES") or 30,
            keep_replaced_days=number("CCHC_KEEP_REPLACED_DAYS") or cls.keep_replaced_days,
            keep_runs_days=number("CCHC_KEEP_RUNS_DAYS") or cls.keep_runs_days,
            build_disk=number("CCHC_BUILD_DISK"),
            threads=number("CCHC_THREADS"),
            memory_limit=known.get("CCHC_MEMORY_LIMIT"),
            alerts=alerts,
            bounds=Bounds(
                **{b.name: given for b in fields(Bounds) if (given := number(f"CCHC_FILE_{b.name.upper()}"))}
            ),
        )
