"""The warehouse over a random landing full of traps against an independent second reading of the contract."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.quality.double_entry import double_entry_frame
from tests.property.differences import differences
from tests.support.landing import write_trap_landing
from tests.support.oracle import read_landing
from tests.support.warehouse import build_warehouse, publish_macros

pytestmark = pytest.mark.slow


def test_warehouse_agrees_with_the_second_reading(trap: Path, tmp_path: Path) -> None:
    warehouse = Path(shutil.copy(trap / "home/warehouse.duckdb", tmp_path))
    with duckdb.connect(str(warehouse)) as con:
        publish_macros(con)
        agree(trap / "landing", con)


def test_other_landings_agree_too(whole: bool, tmp_path: Path) -> None:
    if not whole:
        pytest.skip("each takes a build: `make soak`")
    for seed in (23, 2024, 2025, 2026):
        landing = tmp_path / f"landing-{seed}"
        write_trap_landing(landing, seed, dossiers=300, exports=6)
        last = max(row.stamp for row in read_landing(landing).observations).date()
        with build_warehouse(landing, tmp_path / f"home-{seed}", last) as con:
            agree(landing, con)


def agree(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    landing = read_landing(folder)
    as_of = max(row.stamp for row in landing.observations).date()
    found = differences(landing, warehouse, as_of)
    assert not found, "\n".join([f"{len(found)} differences", *found[:40]])
    second = double_entry_frame(warehouse, whole=True)
    assert not second["disagreeing"].any(), second[second["disagreeing"] > 0].to_string()
