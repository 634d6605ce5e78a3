"""The audit trail: who did what in a home and when, chained; told by status, examined by doctor."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.audit import Audit
from orchestration.cli import cli
from orchestration.errors import CchcError
from orchestration.home import Home

BY = ["--by", "Nguyễn Văn Minh"]


def doctored(home: Path) -> str:
    home.chmod(0o750)
    lines = CliRunner().invoke(cli, ["doctor", "--home", str(home)]).output.splitlines()
    [line] = [line for line in lines if line[6:16].strip() == "audit"]
    return line


@pytest.fixture(scope="module")
def decided(nightly: Callable, home: Path, ask: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a landing and the home of a night after two decisions."""
    folder = tmp_path_factory.mktemp("decided")
    landing = Path(shutil.copytree(home.parent / "landing", folder / "landing"))
    home = Path(shutil.copytree(home, folder / "home", symlinks=True))
    trail = home / "audit.jsonl"
    trail.write_text(trail.read_text("utf-8").splitlines(keepends=True)[0], "utf-8")  # others may have asked for forms
    file = "dossiers/khong ngay.csv"
    ask("accept", "--home", home, file, "--reason", "công văn số 091 234 567 890", *BY)
    ask("withdraw", "--home", home, file, "--reason", "gửi nhầm", *BY)
    nightly(landing, home)
    return folder


@pytest.fixture
def audited(decided: Path, tmp_path: Path) -> Path:
    shutil.copytree(decided, tmp_path / "decided", symlinks=True)
    return tmp_path / "decided" / "home"


def test_each_deed_is_written_down(audited: Path, ask: Callable) -> None:
    first, accepted, withdrawn, ran = Audit(Home(audited)).entries
    assert (first["event"], first["outcome"], first["release_id"]) == ("ran", "published", "000001_2023-07-31")
    assert (accepted["event"], accepted["by"], accepted["what"]) == ("accepted", BY[1], "dossiers/khong ngay.csv")
    assert accepted["reason"] == "công văn số *********"
    assert (withdrawn["event"], withdrawn["reason"]) == ("withdrawn", "gửi nhầm")
    assert ran["event"] == "ran" and ran["as_of"] == "2023-07-31" and ran["outcome"] in ("nothing new", "published")
    assert all(entry["account"] and entry["at"] for entry in (first, accepted, withdrawn, ran))
    told = ask("status", "--home", audited, "--audit").splitlines()
    assert len(told) == 4 and f"{BY[1]} withdrawn dossiers/khong ngay.csv, gửi nhầm" in told[2]
    assert doctored(audited).startswith("well")


def test_a_form_that_leaves_the_house_is_written_down(
    ask: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path
) -> None:
    _, home = landing_and_home
    period = ("--from", "2023-01-01", "--to", "2023-06-30")
    ask("report", "--home", home, "II.06a", *period, "--out", tmp_path / "a.xlsx")
    entry = Audit(Home(home)).entries[-1]
    assert (entry["event"], entry["what"]) == ("exported", "II.06a from 2023-01-01 to 2023-06-30")
    assert (entry["as_of"], entry["release_id"]) == ("2023-07-31", "000001_2023-07-31")
    trail = (home / "audit.jsonl").read_bytes()
    with pytest.MonkeyPatch.context() as patch:  # an account that may only read
        patch.setattr("os.access", lambda path, mode: Path(path) != home / "audit.jsonl")
        ask("report", "--home", home, "II.06a", *period, "--out", tmp_path / "b.xlsx")
    assert (home / "audit.jsonl").read_bytes() == trail and (tmp_path / "b.xlsx").exists()


def test_a_changed_entry_is_found(audited: Path, nightly: Callable, ask: Callable) -> None:
    trail = audited / "audit.jsonl"
    trail.write_text(trail.read_text("utf-8").replace("gửi nhầm", "gửi đúng"), "utf-8")
    assert "damaged at line 3" in doctored(audited)
    assert "damaged at line 3" in ask("status", "--home", audited)
    with pytest.raises(CchcError, match="damaged at line 3"):
        nightly(audited.parent / "landing", audited)
    refused = CliRunner().invoke(
        cli, ["accept", "--home", str(audited), "dossiers/khong ngay.csv", "--reason", "x", *BY]
    )
    assert isinstance(refused.exception, CchcError)
    assert not any((audited / "lake/_decisions").glob("000003*")), "nothing is done that could not be written down"


def test_a_trail_cut_short_or_begun_anew_is_found(audited: Path) -> None:
    """Each release remembers the trail that it was published under."""
    path = (audited / "current").resolve() / "manifest.json"
    assert json.loads(path.read_text("utf-8"))["audit"]["entries"] in (0, 3)
    path.chmod(0o600)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"audit": Audit(Home(audited)).head}))
    assert doctored(audited).startswith("well")
    trail = audited / "audit.jsonl"
    trail.write_text("".join(trail.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    assert "is not the one that" in doctored(audited)
    trail.unlink()
    assert "audit.jsonl is missing" in doctored(audited)
