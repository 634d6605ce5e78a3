"""The recipe for another key in docs/personal-data.md, run as it is written: only the keys differ."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.lake.store import Lake
from orchestration.settings import PROJECT_DIR
from tests.conftest import AS_OF
from tests.support import nights
from tests.support.published import tables
from tests.support.writers import csv_bytes, put

pytestmark = pytest.mark.slow

RECIPE = re.findall(r"^```sh\n(.*?)^```", (PROJECT_DIR / "docs/personal-data.md").read_text("utf-8"), re.M | re.S)


def test_a_new_home_under_another_key_says_the_same(nightly, landing_and_home: tuple[Path, Path]) -> None:
    landing, home = landing_and_home
    births = [["registration_code", "event_type", "event_date", "registered_at", "commune_code", "person_id"]]
    births += [[f"K{n}", "KS", "01/07/2023", f"0{n + 2}/07/2023", "99901", "097000111222"] for n in range(2)]
    put(landing / "civil_registrations/a_20230722.csv", csv_bytes(births, ";", "utf-8"))
    put(landing / "civil_registrations/b_20230723.csv", csv_bytes([births[0], ["K9", *births[1][1:]]], ";", "utf-8"))
    nights.ingested(landing, home)
    Lake(home / "lake").decide("withdrawn", "civil_registrations/b_20230723.csv", "twice", "a tester")
    nightly(landing, home)
    before = tables(home / "current/cchc.duckdb")
    assert any(row[2] == "duplicate_registration" for row in before["marts.dq_flags"])
    keys = persons(home)

    def run(commands: str) -> str:
        said = f'set -e\ncchc() {{ "{sys.executable}" -m orchestration.cli "$@"; }}\n{commands}'
        given = {k: v for k, v in os.environ.items() if not k.startswith("CCHC_")}
        ended = subprocess.run(
            ["bash", "-c", said], cwd=home.parent, capture_output=True, text=True, check=False,
            env=given | {"PYTHONPATH": str(PROJECT_DIR), "DAY": str(AS_OF)},
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    build, swap = RECIPE
    run(build)
    assert (home.parent / "new.csv").read_text().count("\n") > 50
    said = run(swap)
    assert "nothing new" in said, "the home swapped in is taken for what it is"
    after = tables(home / "current/cchc.duckdb")
    for table in before:
        if table not in ("marts.dq_check_results",):
            assert after[table] == before[table], table
    assert {stat.S_IMODE(p.stat().st_mode) for p in (home / "lake", home / "pseudonym.key")} == {0o700, 0o600}
    assert len(keys) == len(persons(home)) == 1 and keys.isdisjoint(persons(home))
    shutil.rmtree(home.parent / "home-former")


def persons(home: Path) -> set[str]:
    with duckdb.connect(str(home / "current/cchc.duckdb"), read_only=True) as con:
        return {key for (key,) in con.execute("select person_key from marts.fct_civil_registrations").fetchall()}
