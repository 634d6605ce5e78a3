"""One small home for all: the golden landing, published once through the command itself, then only read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.nightly import Night
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import dbt

GOLDEN = Path(__file__).parent / "golden" / "landing"
AS_OF = date(2023, 7, 31)
KEY = "a key for tests, which no province uses"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="campaigns in full, which take hours, not in short form")


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


@pytest.fixture(scope="session")
def cchc(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command in a process of its own, run in a folder without `.env`."""
    folder = tmp_path_factory.mktemp("elsewhere")

    def run(*arguments: object, program: str = "", **options: object) -> subprocess.CompletedProcess[str]:
        start = [sys.executable, "-c", program] if program else [sys.executable, "-m", "orchestration.cli"]
        return subprocess.run(
            [*start, *map(str, arguments)], cwd=folder, env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)},
            capture_output=True, text=True, timeout=300, check=False, **options,
        )

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
def nightly(first_night) -> Callable[..., Night]:
    """A night's steps in this process, without Dagster; gives the night, or raises what ended it."""

    def run(landing: Path | None, home: Path, as_of: date = AS_OF, **options: object) -> Night:
        night = Night(Settings.load(landing, home), as_of, **options)
        if not dbt.target_of(night.home.root).exists():  # what dbt has parsed once it need not parse for each home
            shutil.copytree(dbt.target_of(first_night[0]), dbt.target_of(home))
        with night.held():
            night.ingest()
            if night.has_news():
                night.build()
                night.check()
                night.publish()
        return night

    return run


@pytest.fixture(scope="session")
def first_night(
    cchc, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of the golden landing, and how the command that made it ended."""
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(GOLDEN, folder / "landing")
    ended = cchc("nightly", "--landing", folder / "landing", "--home", folder / "home", "--as-of", AS_OF)
    assert ended.returncode == 0, ended.stderr
    return folder / "home", ended


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
