"""SIGTERM and SIGINT: one line, exit 1 and 130, no traceback, no abort; the next run comes out clean."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.settings import PROJECT_DIR
from tests.conftest import AS_OF
from tests.support.nights import AS_IT_STANDS

# The command itself; when a step begins, the signal comes after `wait` seconds, from a process beside it. A step too
# short to be met waits for it.
SENT_AT = """
import importlib, os, subprocess, sys, time
from orchestration import cli

module, name = sys.argv[1].rsplit(".", 1)
number, wait = sys.argv[2:4]
owner = importlib.import_module(module)
whole = getattr(owner, name)

def begun(*arguments, **options):
    subprocess.Popen(["/bin/sh", "-c", f"sleep {wait}; kill -{number} {os.getpid()}"])
    if wait == "0":
        time.sleep(5)
    return whole(*arguments, **options)

setattr(owner, name, begun)
sys.argv = ["cchc", *sys.argv[4:]]
cli.main()
"""
STAGES = {
    "ingest": ("orchestration.night.steps.ingest", 0),
    "registering": ("orchestration.warehouse.registration.register", 0),
    "building": ("orchestration.warehouse.dbt.build", 2),
    "checking": ("orchestration.quality.suites.run_suites", 1),
}
PUBLISHING = ("orchestration.publishing.publish.write_tables", 0.3)


@pytest.mark.parametrize(
    ("stage", "sent"),
    [
        (stage, (signal.SIGTERM, signal.SIGINT)[number % 2]) for number, stage in enumerate(STAGES)
    ],
)  # fmt: skip
def test_a_night_is_stopped(
    stage: str, sent: signal.Signals, cchc: Callable, landing_and_home: tuple[Path, Path]
) -> None:
    landing, home = landing_and_home
    current = (home / "current").resolve()
    more = landing / "dossiers" / "moi_20230721.csv"
    more.write_bytes((landing / "dossiers" / "hoso_20230310_2300.csv").read_bytes())
    where, wait = STAGES[stage]
    ended = cchc(
        where, sent.value, wait, "nightly", "--landing", landing, "--home", home, "--as-of", AS_OF,
        program=(AS_IT_STANDS if stage == "checking" else "") + SENT_AT,
    )  # fmt: skip
    assert ended.returncode == (130 if sent == signal.SIGINT else 1), ended.stderr
    assert ended.stderr == f"cchc: stopped by {sent.name}: the last release stands; run the command again\n"
    assert (home / "current").resolve() == current
    assert json.loads((home / "last_run.json").read_text("utf-8"))["outcome"] == "interrupted"


def test_a_signal_that_another_thread_takes_is_heard_at_once(cchc: Callable) -> None:
    """The system may give it to any thread; the one that waits for the night is not woken by that."""
    program = """
import signal, threading, time
from orchestration import interrupts

def night():
    time.sleep(0.5)  # until the other thread waits
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(20)
    print("published")

interrupts.heed()
interrupts.apart(night)
"""
    ended = cchc(program=program)
    assert (ended.returncode, ended.stdout) == (1, "") and ended.stderr.startswith("cchc: stopped by SIGTERM")


@pytest.mark.parametrize(("shown", "stands"), [(True, "the new release stands"), (False, "the last release stands")])
def test_a_night_is_stopped_as_it_shows_its_release(
    shown: bool, stands: str, cchc: Callable, landing_and_home: tuple[Path, Path]
) -> None:
    """What the command says, what readers see and what `status` tells are one, whenever the signal is heard."""
    landing, home = landing_and_home
    (landing / "dossiers" / "moi_20230721.csv").write_bytes(
        (landing / "dossiers" / "hoso_20230310_2300.csv").read_bytes()
    )
    where = "orchestration.publishing.releases." + ("switch" if shown else "seal")
    ended = cchc(
        where, signal.SIGINT.value, 0, "nightly", "--landing", landing, "--home", home, "--as-of", AS_OF,
        program=AS_IT_STANDS + SENT_AT.replace("time.sleep(5)", "time.sleep(1)"),
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (130, f"cchc: stopped by SIGINT: {stands}; run the command again\n")
    assert (home / "current").resolve().name.startswith("000002" if shown else "000001")
    assert json.loads((home / "last_run.json").read_text("utf-8"))["outcome"] == (
        "published" if shown else "interrupted"
    )


def test_nothing_decisive_begins_after_a_signal(cchc: Callable) -> None:
    program = """
import os, signal, threading, time
from orchestration import interrupts

def night():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)
    with interrupts.decisive("the new release stands"):
        print("published", flush=True)

interrupts.heed()
interrupts.before_ending(lambda name: time.sleep(3))  # a slow disk
interrupts.apart(night)
"""
    ended = cchc(program=program)
    assert (ended.returncode, ended.stdout) == (1, "") and "the last release stands" in ended.stderr


def test_the_next_run_is_whole(cchc: Callable, landing_and_home: tuple[Path, Path]) -> None:
    """After a run was stopped while it published, whose release is not shown; Dagster no longer takes it for a run that goes on."""
    landing, home = landing_and_home
    (landing / "dossiers" / "hoso_20230310_2300.csv").unlink()
    where, wait = PUBLISHING
    stopped = cchc(where, signal.SIGTERM.value, wait, "rebuild", "--home", home, program=AS_IT_STANDS + SENT_AT)
    assert (stopped.returncode, stopped.stderr) == (
        1, "cchc: stopped by SIGTERM: the last release stands; run the command again\n",
    )  # fmt: skip
    assert (home / "current").resolve().name.startswith("000001")
    assert json.loads((home / "last_run.json").read_text("utf-8"))["outcome"] == "interrupted"
    ended = cchc("rebuild", "--home", home, program=AS_IT_STANDS + "from orchestration import cli; cli.main()")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert releases.damage(releases.require_current(Home(home))) is None
    assert "every table the same" in ended.stdout or "dq_check_results differ" in ended.stdout
    assert not [p.name for p in (home / "releases").glob(".*")]
    said = (
        "import os, sys; os.environ['DAGSTER_HOME'] = sys.argv[1]; from dagster import DagsterInstance; "
        "print(*[r.status.value for r in DagsterInstance.from_config(sys.argv[1]).get_runs()])"
    )
    statuses = cchc(home / "dagster", program=said).stdout.split()
    assert sorted(statuses) == ["FAILURE", "SUCCESS", "SUCCESS"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
def test_a_signal_while_the_command_is_still_imported(sent: signal.Signals, code: int, cchc: Callable) -> None:
    program = f"""
import os, sys, time
from orchestration import command

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), {sent.value})
            time.sleep(60)

sys.meta_path.insert(0, Slow())
command.main()
"""
    ended = cchc(program=program, is_cold=True)
    line = f"cchc: stopped by {sent.name}: the last release stands; run the command again\n"
    assert (ended.returncode, ended.stderr) == (code, line)


def test_two_signals_end_it_at_once(home: Path, tmp_path: Path) -> None:
    """The second comes while the first is still writing down how the run ended."""
    program = """
import os, signal, time
from orchestration import interrupts
interrupts.heed()
interrupts.before_ending(lambda name: (os.kill(os.getpid(), signal.SIGINT), time.sleep(60)))
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)}, capture_output=True, text=True,
        timeout=20, check=False,
    )  # fmt: skip
    assert ended.returncode == 130 and ended.stderr.count("\n") == 1
