"""The project may be installed where the night may not write: everything that is written goes into the home."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from tests.conftest import AS_OF, GOLDEN

PARTS = ("orchestration", "macros", "models", "seeds", "expectations", "tests/dbt", "dbt_project.yml", "profiles.yml")
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2


def bound_by_file_modes() -> None:
    """Also root, as whom containers run, is from the next exec on."""
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def test_a_night_from_a_read_only_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for part in PARTS:
        if (PROJECT_DIR / part).is_dir():
            shutil.copytree(PROJECT_DIR / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(PROJECT_DIR / part, project / part)
    (tmp_path / "elsewhere").mkdir()
    places = [project, *project.rglob("*")]
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=tmp_path / "elsewhere", capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(project)}, preexec_fn=bound_by_file_modes, timeout=300, check=False,
        )  # fmt: skip

    assert run("-c", f"open({str(project / 'target')!r}, 'w')").returncode == 1, "this test cannot lock the folder"
    night = ["-m", "orchestration.cli", "nightly", "--landing", GOLDEN, "--home", tmp_path / "home", "--as-of", AS_OF]
    ended = run(*night)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    graph = run("-c", "from orchestration.definitions import defs; from dagster import AssetKey; "
                      "print(len(defs().resolve_asset_graph().get_all_asset_keys()))")  # fmt: skip
    assert graph.returncode == 0 and int(graph.stdout) > 80, graph.stderr
    assert sorted([project, *project.rglob("*")]) == sorted(places)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_dbt_parses_only_what_changed(tmp_path: Path) -> None:
    """A second home of one checkout has a target of its own, and a second parse of one home takes what is there."""
    program = """
import sys
from pathlib import Path
from dbt.cli.main import dbtRunner
from orchestration.home import Home
from orchestration.settings import Settings
from orchestration.warehouse import dbt
home = Home.for_writing(Settings.load(None, sys.argv[1])).root
said = []
dbt.parse(home)
runner = dbtRunner(callbacks=[lambda event: said.append(event.info.name)])
runner.invoke(dbt.parse_arguments(dbt.target_of(home)))
assert "PartialParsingSkipParsing" in said, said
assert (home / "dbt" / "partial_parse.msgpack").stat().st_mode & 0o77 == 0
assert (home / "dbt").stat().st_mode & 0o77 == 0
"""
    for home in ("one", "two"):
        ended = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / home)], env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)},
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
