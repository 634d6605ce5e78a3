"""The synthetic province: a landing folder of Kiên Giang in 2023, as its offices would fill it.

`write_province` is what `cchc sample DIR` calls. At scale 1.0 the raw rows add up, by
docs/landing-contract.md 4, to every figure of the seed article (`article`) for the period to 2023-11-16 as of that
day: every dossier is received from 2023-01-01 on, and nothing is carried over. At any other scale the shares of
dossiers, registrations and look-ups are the same, rounded by largest remainder; what offices list by hand (tasks,
directives, procedures, ratings, ranks, facilities) is the same at every scale. Some of it the article dates earlier
(tasks: end of October; facilities and registrations online: 16/10): their last lists are of those days, so that the
figures hold on both.

The generator plans days and states (received, due, completed, status, channel, ...), never outcomes: no
landed row says that it is early or late. What only the article's totals leave open (which procedures, how
long, how many paused, ...) is invented but believable. Units are the real 22 departments, 15 districts and
144 communes; procedures are a selection of common ones, whose names, days and fees illustrate and are no
legal reference. Everyone in it is invented: see `people`.

    article          the article's figures
    calendar         working days, office hours, seasons
    province         units and procedures, shared by all sources
    shares           how they scale
    dossiers         plans days and states of every dossier
    irregularities   a few of each flag of docs/landing-contract.md 5
    people           invented applicants
    dossier_exports  which export shows which dossiers, in what state
    dresses          how each system words its exports
    case_logs        progress, supplements and payments of the same dossiers
    health           health facilities and their look-ups
    civil            births and deaths
    procedure_register, registers    what offices keep by hand; the same at every scale and seed
    extracts         one file of a source other than dossiers
    exports          writers, one per format
    compare          the article's table beside a release made from the sample

The same scale and seed give the same bytes. A further source is a module that puts its tables into the
sample's connection and lists its extracts. A few rows of nearly every source are unreadable; each of them
stands beside its readable twin, so that rejecting them loses nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from sample_province.article import FIRST_DAY, LAST_DAY
from sample_province.calendar import Calendar
from sample_province.case_logs import event_extracts, payment_extracts, supplement_extracts
from sample_province.civil import registration_extracts
from sample_province.dossier_exports import (
    OFFICES,
    load_dossiers,
    province_wide,
    stamps_of,
    write_dossiers,
)
from sample_province.dossiers import plan_dossiers
from sample_province.extracts import write_extract
from sample_province.health import facility_extracts, lookup_extracts
from sample_province.irregularities import make_irregular
from sample_province.procedure_register import procedure_extracts
from sample_province.province import load_province
from sample_province.registers import register_extracts
from sample_province.shares import Shares

# Every night from the year's first day to the article's last.
MOST_NIGHTS = (LAST_DAY - FIRST_DAY).days + 1


def write_province(
    landing: Path,
    scale: float = 1.0,
    seed: int = 2023,
    progress: Callable[[str, int, int], None] | None = None,
    nights: int | None = None,
) -> None:
    """Writes the sample's landing folder, made if need be; files of the same names are replaced.

    `scale` is the share of the real number of dossiers (above 0, else ValueError). `progress` is told what is
    being written, how many files are done, and how many there will be. With `nights` (1 to `MOST_NIGHTS`, else
    ValueError) the same province is delivered night by night until the last day: `landing` holds a folder
    `<YYYY-MM-DD>` a night with what lands then, the first all that is stamped until then, and dossiers that changed
    are exported every night.
    """
    if nights is not None and not 1 <= nights <= MOST_NIGHTS:
        raise ValueError(f"the province has 1 to {MOST_NIGHTS} nights, not {nights}")
    first_night = LAST_DAY - timedelta(nights - 1) if nights else None
    chain = province_wide(first_night)
    shares = Shares.at(scale)
    province = load_province()
    calendar = Calendar.between(FIRST_DAY, LAST_DAY)

    def chance(source: int) -> np.random.Generator:
        """One stream of chance per source: adding a source leaves the others as they were."""
        return np.random.default_rng([seed, source])

    def folder_of(stamp: datetime) -> Path:
        """Where a file of that stamp lands."""
        return landing / max(first_night, stamp.date()).isoformat() if first_night else landing

    of_dossiers = chance(1)
    plan = plan_dossiers(province, calendar, shares, of_dossiers)
    make_irregular(plan, province, calendar, stamps_of(chain), scale, of_dossiers)
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        load_dossiers(con, plan, province, of_dossiers)
        extracts = [
            *event_extracts(con, scale, chance(2)),
            *supplement_extracts(con),
            *payment_extracts(con, scale, chance(3)),
            *facility_extracts(con, province),
            *lookup_extracts(con, calendar, scale, chance(4)),
            *registration_extracts(con, province, calendar, scale, chance(5)),
            *procedure_extracts(con, province),
            *register_extracts(con, province, np.random.default_rng(FIRST_DAY.year)),
        ]
        total = len(chain) + len(OFFICES) + len(extracts)
        done = itertools.count()

        def started(name: str) -> None:
            if progress:
                progress(name, next(done), total)

        write_dossiers(con, chain, folder_of, of_dossiers, started)
        for extract in extracts:
            started(extract.path)
            write_extract(con, extract, folder_of(extract.stamp))
        started("")
