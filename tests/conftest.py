"""One small home for all: the golden landing, published once through the command itself, then only read.

`first_night`, `province` and `trap` are made once a run whichever worker asks first (`shared`). Tests of a file with a fixture of
its module go to one worker together; all others are handed out one by one, slow ones first, so that no worker ends long
before the other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from orchestration import imports
from orchestration.home import Home
from orchestration.ingestion import readers
from orchestration.night.request import SILENT, Listener
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse import dbt
from tests.support import warm
from tests.support.landing import write_trap_landing
from tests.support.nights import AS_OF as AS_OF
from tests.support.nights import KEY as KEY
from tests.support.nights import Ran, asked
from tests.support.nights import whole as whole_night
from tests.support.oracle import read_landing
from tests.support.warehouse import build_warehouse

GOLDEN = Path(__file__).parent / "golden" / "landing"
Ended = subprocess.CompletedProcess[str]
STARTED = readers.started


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="campaigns in full, which take hours, not in short form")
    parser.addoption("--renew-baselines", action="store_true", help="take the pictures of pages anew, to be looked at")


def pytest_configure() -> None:
    imports.collect_seldom()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, not _shares(item.path)))


@cache
def _shares(file: Path) -> bool:
    """Whether a file has a fixture that its tests share."""
    return 'scope="module"' in file.read_text("utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: every third second of a test is waiting, for a server, a lock, a browser."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _Scheduling(config, log)


class _Scheduling(LoadScopeScheduling):
    """xdist's own groups need ids that this version of pytest no longer lets it change: each test came alone."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if _shares(self.config.rootpath / file) else nodeid


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Callable[[Path], None]], Path]:
    """`shared(name, make)`: a folder that `make` fills once for all workers; read it, never write it."""
    root = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        root = root.parent

    def of(name: str, make: Callable[[Path], None]) -> Path:
        folder = root / f"shared-{name}"
        with FileLock(f"{folder}.lock"):
            if not (folder / "made").exists():
                folder.mkdir(mode=0o700)
                make(folder)
                (folder / "made").touch()
        return folder

    return of


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether a campaign is to run in full."""
    return request.config.getoption("--whole")


@pytest.fixture(autouse=True, scope="session")
def _only_our_settings() -> None:
    """No test sees the settings of the person who runs it."""
    for name in [n for n in os.environ if n.startswith("CCHC_")]:
        del os.environ[name]
    os.environ["CCHC_PSEUDONYM_KEY"] = KEY
    if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        # Workers share the machine: engines with a thread for each core would work against each other.
        os.environ["CCHC_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))


@pytest.fixture(autouse=True, scope="session")
def _readers_are_forked() -> Iterator[None]:
    """Each night of a test has reading processes of its own, which need not import all anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "started", warm.Reading)
        yield


@pytest.fixture
def cold_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading processes as a night starts them."""
    monkeypatch.setattr(readers, "started", STARTED)


@pytest.fixture(scope="session")
def cchc(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ended]:
    """The command in a process of its own, run in a folder without `.env`; `is_cold` where its imports matter."""
    folder = tmp_path_factory.mktemp("elsewhere")

    def run(*arguments: object, program: str = "", is_cold: bool = False, **options: Any) -> Ended:
        words = [str(a) for a in arguments]
        environment = os.environ | {"PYTHONPATH": str(PROJECT_DIR)}
        if not is_cold and options.keys() <= {"input"}:
            return warm.ended(words, folder, environment, program, **options)
        start = [sys.executable, "-c", program] if program else [sys.executable, "-m", "orchestration.cli"]
        return subprocess.run(
            [*start, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False,
            **options,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def ask() -> Callable[..., str]:
    """The command in this process, for questions to a release; gives what it prints."""
    from click.testing import CliRunner

    from orchestration.cli import cli

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


@pytest.fixture(scope="session")
def nightly(first_night) -> Callable[..., Ran]:
    """A night's steps in this process, without Dagster; gives what they handed on, or raises what ended them."""

    def run(landing: Path | None, home: Path, as_of: date = AS_OF, listener: Listener = SILENT, **how: bool) -> Ran:
        request = asked(landing, home, as_of, **how)
        target = dbt.target_of(Home.for_writing(request.settings).root)
        if not target.exists():  # what dbt has parsed once it need not parse for each home
            shutil.copytree(dbt.target_of(first_night[0]), target)
        return whole_night(request, listener)

    return run


@pytest.fixture(scope="session")
def first_night(cchc, shared) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of the golden landing, and how the command that made it ended."""

    def make(folder: Path) -> None:
        shutil.copytree(GOLDEN, folder / "landing")
        ended = cchc("nightly", "--landing", folder / "landing", "--home", folder / "home", "--as-of", AS_OF)
        (folder / "ended.json").write_text(json.dumps([ended.args, ended.returncode, ended.stdout, ended.stderr]))

    folder = shared("golden", make)
    ended = subprocess.CompletedProcess(*json.loads((folder / "ended.json").read_text()))
    assert ended.returncode == 0, ended.stderr
    return folder / "home", ended


@pytest.fixture(scope="session")
def province(shared) -> Path:
    """The landing folder of the sample province at a hundredth."""
    from sample_province import write_province

    return shared("province", lambda folder: write_province(folder / "landing", 0.01)) / "landing"


@pytest.fixture(scope="session")
def trap(shared) -> Path:
    """A folder with a landing full of traps, and the home whose warehouse was built from it as of its last export."""

    def make(folder: Path) -> None:
        write_trap_landing(folder / "landing", seed=11, dossiers=400, exports=6)
        last = max(row.stamp for row in read_landing(folder / "landing").observations).date()
        build_warehouse(folder / "landing", folder / "home", last).close()

    return shared("trap", make)


@pytest.fixture(scope="session")
def home(first_night) -> Path:
    """The published golden home: read it, never write it."""
    return first_night[0]


@pytest.fixture
def landing_and_home(home: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Copies of the golden landing and its published home, to do with as a test likes."""
    shutil.copytree(home.parent / "landing", tmp_path / "landing")
    shutil.copytree(home, tmp_path / "home", symlinks=True)
    return tmp_path / "landing", tmp_path / "home"


@pytest.fixture
def release(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published release, as an analyst opens it."""
    with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as connection:
        yield connection
