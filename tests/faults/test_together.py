"""Several at once: one writes, the others are told; readers see one whole release or another, never a mixture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.publishing.publish import publish
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import dbt
from tests.conftest import AS_OF
from tests.faults.test_disk import PASSED
from tests.faults.test_killed import more
from tests.support import nights

pytestmark = pytest.mark.slow

THREADS = 10


def started(*arguments: object, program: str = "") -> subprocess.Popen[str]:
    start = [sys.executable, "-c", program] if program else [sys.executable, "-m", "orchestration.cli"]
    return subprocess.Popen(
        [*start, *map(str, arguments)], env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_nights_and_what_else_would_write(
    cchc: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path
) -> None:
    """One night wins; another night, a rebuild and decisions beside it end with 4 and change nothing."""
    landing, home = landing_and_home
    more(landing)
    told = Home(home)
    rivals = [started("nightly", "--landing", landing, "--home", home, "--as-of", AS_OF) for _ in range(2)]
    while not told.is_held():
        assert any(night.poll() is None for night in rivals)
    file = "dossiers/hoso_20230310_2300.csv"
    beside = [
        started("rebuild", "--home", home),
        *(started(name, "--home", home, file, "--reason", "r", "--by", "b") for name in ("accept", "withdraw")),
    ]
    lost = [other.communicate(timeout=300) for other in beside]
    assert told.is_held(), "the night went on all the while"
    assert "running" in cchc("status", "--home", home).stdout
    outcomes = {night.returncode: ended for night in rivals if (ended := night.communicate(timeout=300))}
    assert sorted(outcomes) == [0, 4], outcomes
    assert [other.returncode for other in beside] == [4, 4, 4], lost
    for _, error in [outcomes[4], *lost]:
        assert error == f"cchc: another run holds {home}: wait for it to end, then run again\n"
    assert outcomes[0][1] == "" and not list((home / "lake").glob("_decisions/*"))
    assert len(list((home / "releases").iterdir())) == 2
    assert releases.damage(releases.current(told)) is None
    assert not nights.ingested(landing, home).report.written and not nights.news(landing, home)


# Opens the current release in each way that people do, until its stdin is closed; prints how often, and what was wrong.
READS = f"""
import json, sys, threading, time, traceback
from datetime import date
from pathlib import Path
import duckdb
from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.reports.figures import Question, figures

home, opened, wrong, days, over = Path(sys.argv[1]), [0] * 4, [], set(), threading.Event()

def told_by(con):
    [(as_of, publication)] = con.execute(
        "select distinct as_of, days_since_newest_export from marts.kpi_values, marts.dq_source_freshness").fetchall()
    days.add(as_of)
    assert (as_of - date(2023, 7, 1)).days == publication, "a mixture"
    return as_of

def resolved():
    path = (home / "current").resolve()
    manifest = json.loads((path / "manifest.json").read_text("utf-8"))
    with duckdb.connect(str(path / "cchc.duckdb"), read_only=True) as con:
        assert told_by(con) == date.fromisoformat(manifest["as_of"]), "not the manifest's"

def current():
    with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as con:
        told_by(con)

def question():
    def asked(release):
        return release, figures(release, Question.of(release, None, None, None), ["province"], ["dossiers_received"])
    release, table = releases.asked(Home(home), asked)
    assert table.num_rows == 1 and table["as_of"][0].as_py() == release.as_of

def parquet():
    path = (home / "current").resolve()
    [(as_of,)] = duckdb.connect().execute(f"select distinct as_of from '{{path}}/parquet/kpi_values.parquet'").fetchall()
    assert as_of == releases.read(path).as_of

def read(number):
    ways = [resolved, current, question, parquet]
    while not over.is_set():
        try:
            ways[number % 4]()
            opened[number % 4] += 1
            time.sleep(0.05)
        except BaseException:
            wrong.append(traceback.format_exc())
            return

threads = [threading.Thread(target=read, args=(n,)) for n in range({THREADS})]
for thread in threads:
    thread.start()
sys.stdin.read()
over.set()
for thread in threads:
    thread.join()
print(json.dumps([opened, len(days), wrong]))
"""


def test_readers_during_publications(landing_and_home: tuple[Path, Path], whole: bool) -> None:
    """Fifty readers in full; each publication speaks of another day, in two tables. Who has a retired release open keeps it."""
    landing, home = landing_and_home
    processes, publications = (5, 20) if whole else (1, 5)
    night = nights.known(home)
    settings = Settings.load(landing, home, {"CCHC_KEEP_RELEASES": "4"})
    manifest = json.loads(dbt.manifest_path(night.home).read_text("utf-8"))
    start = AS_OF - timedelta(days=30)

    def published(number: int) -> releases.Release:
        day = start + timedelta(days=number)
        with duckdb.connect(str(night.home.warehouse)) as con:
            con.execute("update marts.kpi_values set as_of = ?", [day])
            con.execute("update marts.dq_source_freshness set days_since_newest_export = ?", [number])
        quality = night.home.work / "quality"
        quality.mkdir(exist_ok=True)
        PASSED.write(quality)
        return publish(night.home, settings, day, night.files, PASSED, manifest, quality)

    with night.home.lock():
        first = published(1)
        with releases.open_release(first) as held, duckdb.connect(str(first.database), read_only=True) as other:
            readers = [started(home, program=READS) for _ in range(processes)]
            for number in range(2, publications + 2):
                last = published(number)
            ended = [json.loads(reader.communicate(timeout=120)[0]) for reader in readers]
            assert not first.path.exists(), "retired"
            for con in (held, other):
                tables = con.execute(
                    "select schema_name || '.\"' || table_name || '\"' from duckdb_tables() where not internal"
                ).fetchall()
                assert sum(con.sql(f"from {table}").shape[0] for (table,) in tables) > 1_000
                assert con.execute("select distinct as_of from marts.kpi_values").fetchall() == [(first.as_of,)]
    assert [wrong for _, _, wrong in ended if wrong] == []
    opened = [sum(ways) for ways in zip(*(ways for ways, _, _ in ended), strict=True)]
    assert min(opened) > processes, opened
    assert max(days for _, days, _ in ended) > 3, "readers saw releases come"
    assert (home / "current").resolve() == last.path
    # The days are earlier than the night's own release, which they do not push out.
    assert len(list((home / "releases").iterdir())) == 1 + 4
