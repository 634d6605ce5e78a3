"""Nights in this process, without Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.home import Home
from orchestration.ingestion.ingest import IngestionReport
from orchestration.lake.counting import Loss
from orchestration.lake.decisions import Decision
from orchestration.lake.files import Content, LakeFile
from orchestration.lake.store import Lake
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import SILENT, Listener, Request
from orchestration.night.steps import Ingested, Published
from orchestration.publishing.releases import Release
from orchestration.settings import Settings

AS_OF = date(2023, 7, 31)
KEY = "a key for tests, which no province uses"
# The beginning of a program that tries what comes after the build: the warehouse stays as the home's last night left it.
AS_IT_STANDS = """
from orchestration.night import steps
from orchestration.warehouse.dbt import Built

steps.build = lambda night, ingested, manifest=None: Built({}, {}, {})
"""


@dataclass(frozen=True)
class Ran:
    """What a night's steps handed on, and the home that they worked on."""

    request: Request
    ingested: Ingested
    published: Published | None = None

    @property
    def home(self) -> Home:
        return Home(self.request.settings.home)

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake)

    @property
    def files(self) -> list[LakeFile]:
        return list(self.ingested.files)

    @property
    def decisions(self) -> dict[Content, Decision]:
        return self.ingested.decisions

    @property
    def losses(self) -> tuple[Loss, ...]:
        return self.ingested.losses

    @property
    def report(self) -> IngestionReport:
        return self.ingested.report

    @property
    def release(self) -> Release:
        return self.published.release

    @property
    def is_new(self) -> bool:
        return self.published.is_new


def asked(
    landing: Path | None, home: Path, as_of: date = AS_OF, env: dict[str, str] | None = None, **how: bool
) -> Request:
    return Request(Settings.load(landing, home, env), as_of, **how)


def whole(request: Request, listener: Listener = SILENT) -> Ran:
    """All of a night. Raises what ended it."""
    with held(request, listener) as night:
        first, *_, last = steps.steps(night)
    return Ran(request, first, last)


def ingested(landing: Path | None, home: Path, as_of: date = AS_OF, **how: Any) -> Ran:
    """A night as far as its first step."""
    return taken(asked(landing, home, as_of, **how))


def taken(request: Request) -> Ran:
    with held(request) as night:
        return Ran(request, steps.ingest(night))


def known(home: Path, as_of: date = AS_OF) -> Ran:
    """What the lake of a home holds as of a day; landing is not looked at."""
    request = asked(None, home, as_of)
    with held(request) as night:
        return Ran(request, steps.known(night, IngestionReport()))


def news(landing: Path, home: Path, as_of: date = AS_OF) -> bool:
    """Whether a night would publish a new release."""
    with held(asked(landing, home, as_of)) as night:
        return steps.standing_release(night, steps.ingest(night)) is None
