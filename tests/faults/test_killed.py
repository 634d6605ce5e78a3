"""Runs that die: killed, or out of disk. The last release stands, and the next night comes out clean."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import astuple
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from orchestration.audit import Audit
from orchestration.files import clear
from orchestration.home import FORMAT, Home
from orchestration.ingestion import readers
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Listener
from orchestration.night.tidying import tidy
from orchestration.publishing import releases, reported
from orchestration.publishing.publish import code_version
from orchestration.reports.status import status
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse import kept
from orchestration.warehouse.dbt import Built
from tests.conftest import AS_OF
from tests.faults.kills import SHARES
from tests.support import nights
from tests.support.warehouse import differing
from tests.support.writers import csv_bytes, put

pytestmark = pytest.mark.slow

# Each program is the night itself, killed from within at the first call of one of its functions.
KILLED_AT = """
import os, pkgutil, signal, sys
import orchestration.publishing.publish, orchestration.publishing.releases, orchestration.lake.store
import orchestration.ingestion.reader
from datetime import date
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Request
from orchestration.settings import Settings

module, name, calls = sys.argv[3].rpartition(".")[0], sys.argv[3].rpartition(".")[2], int(sys.argv[4])
target = pkgutil.resolve_name(module)
whole = getattr(target, name)

def killed(*arguments, **options):
    global calls
    calls -= 1
    if calls < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments, **options)

with held(Request(Settings.load(sys.argv[1], sys.argv[2]), date(2023, 7, 31))) as night:
    setattr(target, name, killed)
    ingested = steps.ingest(night)
    if sys.argv[5] == "publish":
        import json
        from orchestration.quality.suites import CheckResult
        from orchestration.quality.verdict import Verdict
        check = CheckResult(check_code="a", kind="dbt", suite="a", frame="a", expectation="a", status="passed",
                            severity="error", blocking=True, observed="", unexpected_count=0, element_count=None, reason="")
        quality = night.home.work / "quality"
        quality.mkdir()
        manifest = json.loads(open(sys.argv[6]).read())
        orchestration.publishing.publish.publish(
            night.home, night.request.settings, night.request.as_of, list(ingested.files), Verdict((check,)), manifest,
            quality)
"""


def more(landing: Path) -> None:
    """Three more exports."""
    head = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận"]
    for number in range(3):
        rows = [[f"H99.01-230721-K{number}{n}", "1.000001", "4", "21/07/2023"] for n in range(50)]
        put(landing / f"dossiers/them_{number}_20230722.csv", csv_bytes([head, *rows], ";", "utf-8"))


def lake(home: Path) -> dict[str, str]:
    """SHA-256 of every lake file; the register also keeps their times."""
    return {
        p.relative_to(home / "lake").as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in (home / "lake").rglob("*")
        if p.is_file() and p.name != "_register.jsonl"
    }


def ingested(landing: Path, home: Path) -> dict[str, str]:
    nights.ingested(landing, home)
    return lake(home)


@pytest.mark.parametrize(
    ("where", "calls"),
    [("os.replace", 1), ("orchestration.lake.store.sync", 0), ("orchestration.chained.Chain.append", 0)],
)
def test_killed_while_ingesting(
    where: str, calls: int, cchc: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path
) -> None:
    landing, home = landing_and_home
    current = (home / "current").resolve()
    more(landing)
    if "sync" in where:  # a replaced file is kept aside first
        changed = landing / "dossiers/hoso_20230630_2300.csv"
        changed.write_bytes(changed.read_bytes().replace(b"-0014", b"-0016"))
    ended = cchc(landing, home, where, calls, "ingest", program=KILLED_AT)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert (home / "current").resolve() == current
    again = ingested(landing, home)
    assert not [name for name in again if name.endswith(".tmp") or "/." in name]
    clean = ingested(landing, tmp_path / "clean")
    assert {n: d for n, d in again.items() if not n.startswith("_replaced")} == clean


@pytest.mark.parametrize(
    ("where", "calls"),
    [
        ("orchestration.publishing.releases.sha256_of", 3), ("orchestration.publishing.publish.write_text", 0),
        ("os.rename", 0), ("orchestration.publishing.releases.switch", 0), ("orchestration.publishing.releases.retire", 0),
    ],
)  # fmt: skip
def test_killed_while_publishing(
    where: str, calls: int, cchc: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path
) -> None:
    landing, home = landing_and_home
    current = (home / "current").resolve()
    (tmp_path / "manifest.json").write_bytes((home / "dbt" / "manifest.json").read_bytes())
    ended = cchc(landing, home, where, calls, "publish", tmp_path / "manifest.json", program=KILLED_AT)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    switched = where.endswith("retire")
    assert ((home / "current").resolve() == current) is not switched
    assert json.loads((home / "current" / "manifest.json").read_text("utf-8"))["as_of"] == "2023-07-31"
    with held(nights.asked(landing, home)) as night:
        assert not list((home / "releases").glob(".*")), "what was half made is swept"
        assert steps.standing_release(night, steps.ingest(night))


# Killed as the power would be cut: after as many models as the first argument says. The fifth is another version of the
# code, if there is one.
KILLED_IN_BUILD = """
import os, signal, sys
from datetime import date
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Request
from orchestration.settings import Settings
from orchestration.warehouse import kept
from orchestration.warehouse.dbt import Built

left, whole = int(sys.argv[1]), kept.note

def noted(home, node, recipe):
    global left
    whole(home, node, recipe)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

kept.note = noted
if sys.argv[5:]:
    steps.code_version = lambda: sys.argv[5]
with held(Request(Settings.load(sys.argv[2], sys.argv[3]), date.fromisoformat(sys.argv[4]))) as night:
    steps.build(night, steps.ingest(night))
"""


def test_a_build_that_was_killed_is_gone_on_with(
    cchc: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path
) -> None:
    """Twice, over what an earlier night had made; the warehouse is the one of a build that began with nothing."""
    landing, home = landing_and_home
    more(landing)
    day, said = AS_OF + timedelta(days=1), []
    listener = Listener(announce=lambda stage, text: said.append(text))

    def built() -> Built:
        with held(nights.asked(landing, home, day), listener) as night:
            return steps.build(night, steps.ingest(night))

    for models in (5, 20):
        ended = cchc(models, landing, home, day, program=KILLED_IN_BUILD)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
    made = len((home / "dbt/made.txt").read_text().splitlines())
    gone_on_with = built()
    [line] = [text for text in said if "the last build did not come to its end" in text]
    assert int(re.search(r"(\d+) of its models stand", line)[1]) == made > 60
    assert not any("anew" in text for text in said)
    shutil.copyfile(home / "warehouse.duckdb", tmp_path / "gone_on_with.duckdb")
    with (home / "warehouse.duckdb").open("r+b") as warehouse:
        warehouse.write(b"damage" * 4_000)
    assert built() == gone_on_with
    assert any("is not as the last build left it: all is built anew" in text for text in said)
    assert not differing(tmp_path / "gone_on_with.duckdb", home / "warehouse.duckdb")


def test_a_night_that_ended_after_its_build_goes_on_from_there(
    nightly: Callable, landing_and_home: tuple[Path, Path]
) -> None:
    landing, home = landing_and_home
    day, said = AS_OF + timedelta(days=1), []
    with held(nights.asked(landing, home, day)) as night:
        ingested = steps.ingest(night)
        built = steps.build(night, ingested)
    reports = [astuple(report) for report in reported.reports(night.home)]
    of = partial(kept.Inputs.of, ingested.files, as_of=day, reports=reports, code="as it is")
    kept.keep(night.home, of(), built)
    assert kept.standing(night.home, of()) == built
    for other in ({"as_of": AS_OF}, {"reports": reports[1:]}, {"code": "another"}):
        assert kept.standing(night.home, of(**other)) is None, other
    assert kept.standing(night.home, kept.Inputs.of(ingested.files[1:], day, reports, "as it is")) is None
    before, lake_file = of().sum, Path(ingested.files[0].path)
    os.utime(lake_file, ns=(1, 1))
    assert of().sum != before, "a lake file was written again"
    kept.keep(night.home, of(code=code_version()), built)

    listener = Listener(announce=lambda stage, text: said.append((stage, text)))
    night_again = nightly(landing, home, day, listener)
    assert ("build", "the last run built this and got no further: its warehouse stands") in said
    assert night_again.is_new and night_again.release.as_of == day
    assert night_again.release.manifest["verdict"]["passed"]
    with night.home.warehouse.open("r+b") as warehouse:
        warehouse.seek(9_000)
        warehouse.write(b"damage")
    assert kept.standing(night.home, of(code=code_version())) is None


def test_a_full_disk_is_one_line_and_leaves_the_last_release(
    cchc: Callable, landing_and_home: tuple[Path, Path]
) -> None:
    """No file may grow beyond 1 MB: the warehouse cannot be written."""
    landing, home = landing_and_home
    current = (home / "current").resolve()
    (home / "warehouse.duckdb").unlink()
    more(landing)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    ended: subprocess.CompletedProcess[str] = cchc(
        "nightly", "--landing", landing, "--home", home, "--as-of", AS_OF, preexec_fn=limited
    )
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.startswith(f"cchc: the disk is full, or fails, while writing {home}/"), ended.stderr
    assert "nothing was published" in ended.stderr and ended.stderr.count("\n") == 1, ended.stderr
    assert (home / "current").resolve() == current
    assert cchc("kpi", "--home", home, "--kpi", "dossiers_received").returncode == 0


def test_kills_at_random_moments(home: Path, tmp_path: Path, whole: bool) -> None:
    """Two while files are read, where clear text is at hand; later kills take whole nights, and stand at fixed places in
    tests above and in the simulated month."""
    count, stages = (300, [*SHARES]) if whole else (2, ["ingest"])
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults.kills", "--count", str(count), "--stages", *stages, "--published", home,
         "--folder", tmp_path],
        cwd=PROJECT_DIR, capture_output=True, text=True, timeout=None, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(ended.stdout)
    assert found["kills"] >= count and set(found["by_stage"]) >= {*stages} - {"check"}


def test_status_tells_of_a_killed_run(cchc: Callable, landing_and_home: tuple[Path, Path]) -> None:
    """Until the next run has ended, and then beside it."""
    landing, home = landing_and_home
    ended = cchc(
        landing, home, "os.listdir", 0, "ingest", program=KILLED_AT.replace("steps.ingest(night)", "os.listdir('.')")
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    killed = status(Home(home))["last_run"]
    assert killed["outcome"] == "killed" and killed["started_at"] and killed["ended_at"] is None
    assert (
        f"last run  started {killed['started_at']} as of 2023-07-31: killed " in cchc("status", "--home", home).stdout
    )
    with held(nights.asked(landing, home)) as night:
        assert status(Home(home))["last_run"]["outcome"] == "running"
        assert isinstance(list(steps.steps(night))[-1], steps.Published)
    after = status(Home(home))["last_run"]
    assert after["outcome"] == "nothing new"
    assert f"the run before it, started {killed['started_at']}, was killed" in after["message"]
    assert not nights.whole(nights.asked(landing, home)).is_new
    assert status(Home(home))["last_run"]["message"] == ""


def test_a_run_ended_by_an_error_is_not_called_killed(landing_and_home: tuple[Path, Path]) -> None:
    landing, home = landing_and_home
    with pytest.raises(ZeroDivisionError), held(nights.asked(landing, home)):
        raise ZeroDivisionError("a cell")
    run = status(Home(home))["last_run"]
    assert run["outcome"] == "failed" and "ZeroDivisionError" in run["message"] and "a cell" not in run["message"]


def test_what_a_killed_run_began_to_write_is_swept(landing_and_home: tuple[Path, Path]) -> None:
    landing, home = landing_and_home
    for name in (".last_run.json.77.tmp", ".home.json.77.tmp", ".probe-77", ".current.77"):
        (home / name).write_text("half")
    with held(nights.asked(landing, home)):
        assert [p.name for p in home.glob(".*")] == [".lock"]


@pytest.mark.usefixtures("cold_readers")
def test_a_reader_serves_many_files_whatever_the_night_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux counts what a process held before it became a reader as the reader's own."""
    more(tmp_path / "landing")
    started: list[int] = []
    start = readers.Readers._start
    monkeypatch.setattr(readers.Readers, "_start", lambda self: (started.append(1), start(self))[1])
    held = bytearray(os.urandom(1 << 20)) * 400
    ingested(tmp_path / "landing", tmp_path / "home")
    assert len(held) == 400 << 20 and len(started) < 3


# Killed before each call that changes the disk, one after the other, by forks of a process that holds no thread yet.
KILLED_ANYWHERE = """
import os, pathlib, shutil, signal, sys
from datetime import date
from orchestration.night.holding import held
from orchestration.night.request import Request
from orchestration.night.tidying import tidy
from orchestration.publishing import releases
from orchestration.settings import Settings

left = 0

def counted(name):
    whole = getattr(os, name)
    def call(*arguments, **options):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return whole(*arguments, **options)
    setattr(os, name, call)

number, is_killed = 0, True
while is_killed:
    home = pathlib.Path(sys.argv[3], f"{number:03}")
    shutil.copytree(sys.argv[2], home, symlinks=True)
    child = os.fork()
    if child == 0:
        left = number
        for name in ("utime", "replace", "rename", "unlink", "rmdir", "fsync"):
            counted(name)
        with held(Request(Settings.load(sys.argv[1], home), date(2023, 7, 31))) as night:
            tidy(night)
            releases.retire(night.home, 1)
        os._exit(0)
    is_killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    number += 1
"""


@pytest.mark.parametrize("is_older", [True, False])
def test_killed_anywhere_while_a_home_is_migrated_and_tidied(
    is_older: bool, landing_and_home: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run ends what was begun, and nothing was gone that is not written down. What an older format set aside
    ages from the migration on, and stays."""
    landing, home = landing_and_home
    marks = json.loads((home / "home.json").read_text())
    for path in (home / "warehouse.duckdb", home / "dbt", home / "dagster"):
        clear(path)
    (home / "releases/000002_2023-06-30").mkdir()
    (home / "releases/000003_2023-06-30").mkdir()
    head = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận"]
    for rows in (40, 41, 42):  # the first replaces what the release counts, and that stays
        named = [[f"H99.01-230301-R{n:03}", "1.000001", "4", "01/03/2023"] for n in range(rows)]
        put(landing / "dossiers/hoso_20230310_2300.csv", csv_bytes([head, *named], ";", "utf-8"))
        nights.ingested(landing, home)
    for path in (home / "lake/_replaced").rglob("*.parquet"):
        os.utime(path, (0, 0))
    if is_older:
        (home / "home.json").write_text(json.dumps(marks | {"cchc_home_format": FORMAT - 1}))
    rounds = tmp_path / "rounds"
    subprocess.run([sys.executable, "-c", KILLED_ANYWHERE, landing, home, rounds], cwd=PROJECT_DIR, check=True)

    def left(place: Path) -> tuple[int, set[str]]:
        set_aside = len(list((place / "lake/_replaced").rglob("*.parquet")))
        return set_aside, {path.name for path in (place / "releases").iterdir() if path.name[0] != "."}

    *killed, whole = sorted(rounds.iterdir())
    assert len(killed) > 15
    ended = left(whole)
    assert ended == (3 if is_older else 1, {"000001_2023-07-31", "000003_2023-06-30"})
    for place in killed:
        so_far = [entry["what"] for entry in Audit(Home(place)).entries if entry["event"] == "removed"]
        set_aside, shown = left(place)
        assert set_aside == 3 or any("lake files" in what for what in so_far), place
        assert "000002_2023-06-30" in shown or any("000002_2023-06-30" in what for what in so_far), place
        with held(nights.asked(landing, place)) as night:
            tidy(night)
            releases.retire(night.home, 1)
        assert night.home.marks == marks and left(place) == ended, place
        assert not list((place / "releases").glob(".*")) and not list(place.glob(".*.tmp")), place
        migrated = [entry for entry in Audit(night.home).entries if entry["event"] == "migrated"]
        assert bool(migrated) is is_older
