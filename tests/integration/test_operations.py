"""The recipes of docs/operations.md, carried out on a copy of the golden home; and homes of other formats."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.audit import Audit
from orchestration.home import FORMAT, Home
from orchestration.migrations import _STEPS
from orchestration.settings import PROJECT_DIR
from tests.conftest import KEY
from tests.support import nights

pytestmark = pytest.mark.slow

TEXT = (PROJECT_DIR / "docs/operations.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^## (Backup|Restore|Upgrade)\n.*?^```sh\n(.*?)^```", TEXT, re.M | re.S))


@pytest.fixture
def carried_out(cchc: Callable, tmp_path: Path) -> Callable[[str], list[str]]:
    """Runs a recipe's commands with /srv in the test's folder; gives what they print. The key is the home's own."""

    def run(recipe: str) -> list[str]:
        printed = []
        for line in RECIPES[recipe].replace("/srv/", f"{tmp_path}/srv/").splitlines():
            words = shlex.split(line, comments=True)
            ended = (
                cchc(*words[1:])
                if words[0] == "cchc"
                else subprocess.run(words, capture_output=True, text=True, check=False)
            )
            assert ended.returncode == 0, f"{line}: {ended.stdout}{ended.stderr}"
            printed.append(ended.stdout)
        return printed

    return run


@pytest.fixture
def srv(landing_and_home: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine's folders: the golden landing and home, with a key of the home's own."""
    landing, home = landing_and_home
    for folder in ("cchc", "backup", "safe"):
        (tmp_path / "srv" / folder).mkdir(parents=True)
    landing.rename(tmp_path / "srv/cchc/landing")
    home.rename(tmp_path / "srv/cchc/home")
    key = tmp_path / "srv/cchc/home/pseudonym.key"
    key.write_text(KEY)
    key.chmod(0o600)
    (tmp_path / "srv/cchc/home").chmod(0o750)
    monkeypatch.delenv("CCHC_PSEUDONYM_KEY")
    return tmp_path / "srv"


def test_a_backup_is_restored_and_goes_on(srv: Path, carried_out: Callable[[str], list[str]]) -> None:
    home, landing = srv / "cchc/home", srv / "cchc/landing"
    before = {p.relative_to(home): p.stat().st_mtime_ns for p in (home / "releases").rglob("*")}
    carried_out("Backup")
    names = subprocess.run(
        ["tar", "--list", "--file", srv / "backup/home.tar"], capture_output=True, text=True, check=True
    )
    kept = names.stdout.splitlines()
    assert "./lake/_register.jsonl" in kept and "./current" in kept and "./audit.jsonl" in kept
    assert not [name for name in kept if re.match(r"\./(pseudonym\.key|work|dbt|dagster|warehouse)", name)]
    shutil.rmtree(home / "lake")
    *_, doctor = carried_out("Restore")
    assert not [line for line in doctor.splitlines() if line.startswith("ails")]
    assert {p.relative_to(home): p.stat().st_mtime_ns for p in (home / "releases").rglob("*")} == before
    assert not nights.news(landing, home), "the restored home says what the lost one said"
    assert (home / "current").resolve() == home / "releases/000001_2023-07-31"


def test_a_backup_waits_for_no_run(srv: Path, carried_out: Callable[[str], list[str]]) -> None:
    with Home(srv / "cchc/home").lock(), pytest.raises(AssertionError, match="assert 4 == 0"):
        carried_out("Backup")
    assert not (srv / "backup/home.tar").exists()


def test_an_upgrade_migrates_the_home_and_compares_what_it_builds(
    srv: Path, carried_out: Callable[[str], list[str]], ask: Callable[..., str]
) -> None:
    """A rebuild takes the lake alone: what landed and the warehouse may be gone."""
    home = srv / "cchc/home"
    shutil.rmtree(srv / "cchc/landing")
    (srv / "cchc/landing").mkdir()
    (home / "warehouse.duckdb").unlink()
    was = json.loads((home / "current/manifest.json").read_text())["tables"]
    marks = json.loads((home / "home.json").read_text())
    (home / "home.json").write_text(json.dumps(marks | {"cchc_home_format": 1}))
    aside = home / "lake/_replaced/dossiers/x.parquet"
    aside.parent.mkdir(parents=True)
    shutil.copy(next((home / "lake/dossiers").glob("*.parquet")), aside)
    os.utime(aside, (0, 0))
    assert json.loads(ask("status", "--home", home, "--format", "json"))["releases"], "it can be read as it is"
    assert json.loads((home / "home.json").read_text())["cchc_home_format"] == 1
    doctor, rebuilt = carried_out("Upgrade")
    assert "home of format 1" in doctor
    # The checks of what is new: no file is, the second time.
    assert rebuilt.splitlines()[-1] == "compared  with 000001_2023-07-31: dq_check_results differ"
    now = json.loads((home / "current/manifest.json").read_text())["tables"]
    assert {name for name in was if was[name] != now[name]} == {"dq_check_results"} and now.keys() == was.keys()
    assert len(list((home / "releases").iterdir())) == 2
    assert json.loads((home / "home.json").read_text()) == marks | {"cchc_home_format": FORMAT}
    assert [e["what"] for e in Audit(Home(home)).entries if e["event"] == "migrated"] == ["the home from format 1 to 2"]
    assert time.time() - aside.stat().st_mtime < 600, "it ages from now on"


def test_there_is_a_step_from_each_format_to_the_next() -> None:
    assert sorted(_STEPS) == list(range(1, FORMAT))
    told = (PROJECT_DIR / "docs/decisions/0022-the-format-of-a-home.md").read_text("utf-8")
    assert [int(n) for n in re.findall(r"^\| (\d+) \|", told, re.M)] == list(range(1, FORMAT + 1))
