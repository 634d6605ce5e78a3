"""`cchc doctor`: one line a subject, what ails with its remedy, exit code 1 when anything does."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from importlib.metadata import version
from pathlib import Path

import pytest

from orchestration.audit import Audit
from orchestration.home import Home
from orchestration.lake.store import Lake
from orchestration.reports import doctor
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.submissions import pack
from tests.conftest import KEY

WELL = [
    "settings", "landing", "rights", "key", "register", "audit", "lake", "releases", "reported", "packs", "foreign", "space",
    "clock", "versions",
]  # fmt: skip


@pytest.fixture
def examined(landing_and_home: tuple[Path, Path]) -> Callable[..., dict[str, str]]:
    """What ails, by subject; and that everything else is well."""
    from click.testing import CliRunner

    from orchestration.cli import cli

    landing, home = landing_and_home
    home.chmod(0o750)

    def run(*, key: str = KEY) -> dict[str, str]:
        result = CliRunner().invoke(
            cli, ["doctor", "--landing", str(landing), "--home", str(home)], env={"CCHC_PSEUDONYM_KEY": key}
        )
        lines = result.output.splitlines()
        found = {line[6:16].strip(): line for line in lines if not line.startswith(" ")}
        assert list(found) == WELL, result.output
        ailing = {name: line for name, line in found.items() if line.startswith("ails")}
        assert len(lines) == len(WELL) + len(ailing), "each ailment has a remedy"
        assert result.exit_code == (1 if ailing else 0)
        return ailing

    return run


def test_a_sound_home(examined: Callable[..., dict[str, str]]) -> None:
    assert examined() == {}


def test_what_ails(examined: Callable[..., dict[str, str]], landing_and_home: tuple[Path, Path]) -> None:
    """A bit flipped in the lake and in a release with size and time kept, open rights, another key, a clock set back."""
    home = landing_and_home[1]
    lake_file = Path(next(f.path for f in Lake(home / "lake").files() if f.rows_accepted))
    table = (home / "current").resolve() / "parquet" / "kpi_values.parquet"
    for path in (lake_file, table):
        before = path.stat()
        path.chmod(0o600)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (home / "warehouse.duckdb").chmod(0o644)
    last = json.loads((home / "last_run.json").read_text())
    (home / "last_run.json").write_text(json.dumps(last | {"ended_at": "2999-01-01T00:00:00+00:00"}))
    ailing = examined(key=KEY[::-1])
    assert set(ailing) == {"rights", "key", "lake", "releases", "clock"}
    assert str(lake_file) in ailing["lake"] and "kpi_values.parquet" in ailing["releases"]


def test_a_register_that_lost_its_end(
    examined: Callable[..., dict[str, str]], landing_and_home: tuple[Path, Path]
) -> None:
    """The chain alone cannot tell that its last entries were taken away; the release remembers them."""
    register = landing_and_home[1] / "lake" / "_register.jsonl"
    lines = register.read_text().splitlines(keepends=True)
    register.write_text("".join(lines[:-1]))
    assert set(examined()) == {"register"}


def test_a_pack_that_is_not_what_was_frozen(
    examined: Callable[..., dict[str, str]], landing_and_home: tuple[Path, Path]
) -> None:
    home = Home(landing_and_home[1])
    for name in ("PAR-2023", "PAR-2022"):
        (home.submissions / name).mkdir(parents=True)
        told = {
            "pack": name,
            "index": "PAR",
            "year": 2023,
            "from": "2023-01-01",
            "to": "2023-07-31",
            "as_of": "2023-07-31",
        }
        (home.submissions / name / "manifest.json").write_text(json.dumps(told))
        Audit(home).record("froze", what=name, sums=pack.write_sums(home.submissions / name))
    assert examined() == {}
    (home.submissions / "PAR-2023" / "manifest.json").write_text("{}")
    (home.submissions / "PAR-2022").rename(home.root / "work" / "away")
    ailing = examined()
    assert set(ailing) == {"packs"}
    assert "manifest.json differs from its sum" in ailing["packs"] and "PAR-2022 is gone" in ailing["packs"]


def test_what_somebody_did_to_a_home(
    examined: Callable[..., dict[str, str]], landing_and_home: tuple[Path, Path]
) -> None:
    """Whatever it is, it is named, and what comes after it is examined, too."""
    home = landing_and_home[1]
    release = (home / "current").resolve()
    release.chmod(0o750)
    for path in (home / "lake/dossiers/mine.parquet", home / "lake/notes.txt", release / "added.txt"):
        path.write_text("x")
    (home / "releases/my copy").mkdir()
    (home / "lake").chmod(0o750)
    (home / "current").unlink()
    last = json.loads((home / "last_run.json").read_text())
    (home / "last_run.json").write_text(json.dumps(last | {"ended_at": "2023-01-01T00:00:00"}))  # no zone
    Audit(Home(home)).record("ran", outcome="published", release_id="000000_2023-01-01")
    ailing = examined()
    assert set(ailing) == {"rights", "releases", "reported", "foreign", "clock"}
    assert f"{home / 'lake'} is open to others" in ailing["rights"]
    assert "readers find no release" in ailing["releases"] and "lacks 000000_2023-01-01" in ailing["reported"]
    assert "mine.parquet" in ailing["foreign"] and "1 more" in ailing["foreign"]
    assert "cannot be examined: TypeError" in ailing["clock"]


def test_what_is_gone(examined: Callable[..., dict[str, str]], landing_and_home: tuple[Path, Path]) -> None:
    """Chains that begin anew would look sound."""
    home = landing_and_home[1]
    (home / "audit.jsonl").unlink()
    shutil.rmtree(home / "checks")
    (home / "lake/_erased.jsonl").write_text('{"pseudonym": "x"}\n')
    ailing = examined()
    assert set(ailing) == {"register", "audit", "releases"}
    assert "the list of those erased" in ailing["register"] and "is missing" in ailing["audit"]
    assert "checks is missing" in ailing["releases"]
    (home / "lake/_erased.jsonl").unlink()
    (home / "lake/_decisions").mkdir()
    (home / "lake/_decisions/000001-accepted.json").write_text("{")
    assert "000001-accepted.json cannot be read" in examined()["register"]


def test_what_ails_around_a_home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelled setting, a library that nobody locked, one that is missing, a clock behind the audit trail."""
    settings, place = Settings.load(home.parent / "landing", home), Home(home)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("CCHC_KEEP_RELASES=3\n")
    lock = (PROJECT_DIR / "requirements.lock").read_text()
    (tmp_path / "requirements.lock").write_text(lock.replace(f"duckdb=={version('duckdb')}", "duckdb==1.9.9"))
    monkeypatch.setattr(doctor, "PROJECT_DIR", tmp_path)
    monkeypatch.setattr(doctor, "requires", lambda _: ["no.such_library>=2", "xlwt; extra == 'sample'"])
    trail = [{"at": "2999-01-01T00:00:00.000+00:00"}]
    monkeypatch.setattr(Audit, "entries", property(lambda _: trail))
    ailing = {found.subject: found for found in doctor.examine(settings, place) if found.remedy}
    assert set(ailing) == {"settings", "clock", "versions"}
    assert ailing["settings"].said == "CCHC_KEEP_RELASES is no setting, so it does nothing"
    assert "duckdb is 2.0.0, not 1.9.9, no-such-library is missing" in ailing["versions"].said
    assert "the audit trail ends at 2999-01-01" in ailing["clock"].said


def test_an_export_stamped_after_today(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock, or the office's, is wrong: the golden export of 20 July, on the day before."""

    class TheDayBefore(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(2023, 7, 19, 12, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr(doctor, "datetime", TheDayBefore)
    monkeypatch.setattr(Home, "last_run", None)
    monkeypatch.setattr(Audit, "entries", property(lambda _: []))
    [clock] = [f for f in doctor.examine(Settings.load(home=home), Home(home)) if f.subject == "clock"]
    assert (
        clock.said == ("1 exports are stamped after today, dossiers/goi_tin_20230720T0830.json the first")
        and "set the clock" in clock.remedy
    )
