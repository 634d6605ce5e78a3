"""Three nights of the simulated month, which carry all its troubles; the whole month is `python -m tests.month`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from orchestration.ingestion.landing import scan
from orchestration.sources import all_sources
from sample_province import write_province
from tests.month.lived import Month, told
from tests.month.story import faults
from tests.month.troubles import MONTH, THREE_NIGHTS, Deliveries

pytestmark = pytest.mark.slow


def test_the_three_nights_have_every_trouble_of_the_month() -> None:
    assert {trouble.kind for trouble in THREE_NIGHTS} == {trouble.kind for trouble in MONTH}


def test_three_nights_with_every_trouble_end_as_one_night(cchc: Callable, tmp_path: Path) -> None:
    write_province(tmp_path / "sample", 0.005, nights=3)
    for file in scan(tmp_path / "sample" / "2023-11-14", set(all_sources())):
        if file.stamp and file.stamp < datetime(2023, 11, 1) and not file.source_file.startswith("registers/"):
            file.path.unlink()  # reading the whole year takes as long as two nights
    month = Month(tmp_path, Deliveries(tmp_path / "sample", THREE_NIGHTS), cchc)
    print(*told(month.live()), sep="\n")
    assert not faults(month, rebuilds=False)
