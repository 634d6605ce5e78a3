"""The warehouse over a random landing full of traps against an independent second reading of the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.quality.double_entry import double_entry_frame
from tests.property.differences import differences
from tests.support.landing import write_trap_landing
from tests.support.oracle import read_landing
from tests.support.warehouse import build_warehouse

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("seed", "dossiers"), [(11, 400), (2024, 300)])
def test_warehouse_agrees_with_the_second_reading(seed: int, dossiers: int, tmp_path: Path) -> None:
    write_trap_landing(tmp_path / "landing", seed, dossiers, exports=6)
    landing = read_landing(tmp_path / "landing")
    as_of = max(row.stamp for row in landing.observations).date()
    with build_warehouse(tmp_path / "landing", tmp_path / "home", as_of) as warehouse:
        found = differences(landing, warehouse, as_of)
        second = double_entry_frame(warehouse, whole=True)
    assert not found, "\n".join([f"{len(found)} differences", *found[:40]])
    assert not second["disagreeing"].any(), second[second["disagreeing"] > 0].to_string()
