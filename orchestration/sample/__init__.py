"""The synthetic province: a landing folder of Kiên Giang in 2023, as its offices would fill it.

`write_province` is what `cchc sample DIR` calls. At scale 1.0 the raw rows add up, by section 4 of the
landing contract, to the dossier figures of the seed article: received 386.797, resolved 363.325 (early
348.505, on the due date 5.508, late 9.312), in process 9.126 (within due 8.312, overdue 814), withdrawn
14.346, with its splits by service level and channel, for the period to 2023-11-16 as of that day. **The
article prints the start of the period as 01/01/2013; it is read as 01/01/2023**, the year under report:
every dossier is received from 2023-01-01 on, and nothing is carried over. At any other scale the shares
are the same, rounded by largest remainder.

The generator plans days and states (received, due, completed, status, channel, ...), never outcomes: no
landed row says that it is early or late. What only the article's totals leave open (which procedures, how
long, how many paused, ...) is invented but believable. Units are the real 22 departments, 15 districts and
144 communes; procedures are a selection of common ones, whose names, days and fees illustrate and are no
legal reference. Everyone in it is invented: see `people`.

    calendar         working days, office hours, seasons
    province         units and procedures, shared by all sources
    shares           the article's figures, and how they scale
    dossiers         plans days and states of every dossier
    irregularities   a few of each flag of contract section 5
    people           invented applicants
    dossier_exports  which export shows which dossiers, in what state
    dresses          how each system words its exports
    exports          writers, one per format

The same scale and seed give the same bytes. A further source is a module that takes the province, the
calendar and the plan of dossiers, and writes into its own folder.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

FIRST_DAY = date(2023, 1, 1)
LAST_DAY = date(2023, 11, 16)


def write_province(
    landing: Path,
    scale: float = 1.0,
    seed: int = 2023,
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Writes the sample's landing folder, made if need be; files of the same names are replaced.

    `scale` is the share of the real number of dossiers (above 0, else ValueError). `progress` is told what is
    being written, how many files of its source are done, and how many there will be.
    """
    from orchestration.sample.calendar import Calendar
    from orchestration.sample.dossier_exports import province_wide_stamps, write_dossiers
    from orchestration.sample.dossiers import plan_dossiers
    from orchestration.sample.irregularities import make_irregular
    from orchestration.sample.province import load_province
    from orchestration.sample.shares import Shares

    shares = Shares.at(scale)
    province = load_province()
    calendar = Calendar.between(FIRST_DAY, LAST_DAY)
    # One stream of chance per source: adding a source leaves the others as they were.
    of_dossiers = np.random.default_rng([seed, 1])
    plan = plan_dossiers(province, calendar, shares, of_dossiers)
    make_irregular(plan, province, calendar, province_wide_stamps(), scale, of_dossiers)
    write_dossiers(Path(landing) / "dossiers", plan, province, of_dossiers, progress)
