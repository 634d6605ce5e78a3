"""Disks that are full, read-only, closed or gone: one clear line, the last release stands, then all is well again."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path

import pytest
from dagster._core.instance import types as dagster_logs

from orchestration.errors import CchcError, writing
from orchestration.home import Home
from orchestration.ingestion import reader, readers
from orchestration.ingestion.ingest import IngestionReport
from orchestration.ingestion.landing import scan
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.lake.store import Lake
from orchestration.night import steps
from orchestration.night.holding import Night, held
from orchestration.night.request import Request
from orchestration.publishing import releases
from orchestration.publishing.publish import publish
from orchestration.quality.suites import CheckResult
from orchestration.quality.verdict import Verdict
from orchestration.runner import _WithoutRemarks
from orchestration.settings import Bounds, Settings
from orchestration.sources import all_sources
from orchestration.warehouse import dbt
from tests.conftest import AS_OF
from tests.faults.test_killed import ingested, lake, more
from tests.faults.test_nothing_lost import export
from tests.support import nights
from tests.support.disks import Disk, disk, obeying_permissions
from tests.support.writers import put

pytestmark = pytest.mark.slow

PASSED = Verdict(
    (
        CheckResult(
            check_code="a", kind="dbt", suite="a", frame="a", expectation="a", status="passed", severity="error",
            blocking=True, observed="", unexpected_count=0, element_count=None, reason="",
        ),
    )
)  # fmt: skip


def published_anew(home: Path, night: Night) -> releases.Release:
    """The last step alone, over the warehouse as it stands."""
    quality = home / "work" / "quality"
    with writing(quality):
        quality.mkdir(exist_ok=True)
        PASSED.write(quality)
    manifest = json.loads(dbt.manifest_path(night.home).read_text("utf-8"))
    files = list(steps.known(night, IngestionReport()).files)
    return publish(night.home, night.request.settings, AS_OF, files, PASSED, manifest, quality)


# ---------------------------------------------------------------- full


def fails(small: Disk, leave: int, step: Callable[[], object]) -> None:
    """The step ends with one line on a disk with so little room."""
    small.fill(leave)
    try:
        with pytest.raises(CchcError, match=r"the (home's )?disk is full") as full:
            step()
        assert "\n" not in str(full.value)
    finally:
        small.free()


def test_a_disk_that_is_full_at_each_stage(
    landing_and_home: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing, published = landing_and_home
    more(landing)
    with disk(tmp_path / "small") as small:
        home = Path(shutil.copytree(published, small.path / "home", symlinks=True))
        current = (home / "current").resolve()

        tonight = nights.asked(landing, home)
        monkeypatch.setattr(steps, "require_room", lambda *_: None)  # as where others fill the disk meanwhile
        for leave in (0, 1 << 14):
            with held(tonight) as night:
                fails(small, leave, partial(steps.ingest, night))
        stood = shutil.copy(home / "warehouse.duckdb", tmp_path)
        for leave in (0, 3 << 20):
            with held(tonight) as night:
                taken = steps.ingest(night)
                assert steps.standing_release(night, taken) is None
                (home / "warehouse.duckdb").unlink(missing_ok=True)
                fails(small, leave, partial(steps.build, night, taken))
        with held(tonight) as night:
            dbt.discard(home / "warehouse.duckdb")
            shutil.copy(stood, home / "warehouse.duckdb")
            taken, built = steps.ingest(night), dbt.Built({}, {}, {})
            fails(small, 0, partial(steps.judge, night, taken, built))
        for leave in (0, 2 << 20):
            with held(tonight) as night:
                fails(small, leave, partial(published_anew, home, night))
        assert (home / "current").resolve() == current
        assert releases.damage(releases.current(Home(home))) is None
        with held(tonight) as night:
            taken = steps.ingest(night)
            assert steps.standing_release(night, taken) is None
            made = steps.publish(night, taken, steps.judge(night, taken, built))
        assert releases.damage(made) is None and (home / "current").resolve() == made.path
        assert lake(home) == ingested(landing, tmp_path / "undisturbed")
        assert not list((home / "releases").glob(".*")) and not list(home.glob(".*.tmp"))


def test_a_disk_too_small_for_a_build_is_told_before_it_begins(
    cchc: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What landed is kept; nothing of the last night is touched, and the same command goes on once there is room."""
    landing, published = landing_and_home
    more(landing)
    with disk(tmp_path / "small") as small:
        home = Path(shutil.copytree(published, small.path / "home", symlinks=True))
        before = [path.stat().st_mtime_ns for path in (home / "warehouse.duckdb", (home / "current").resolve())]
        night = ("nightly", "--landing", landing, "--home", home, "--as-of", AS_OF)
        if small.is_mounted:
            small.fill(14 << 20)
        else:
            monkeypatch.setenv("CCHC_BUILD_DISK", str(1 << 50))
        refused = cchc(*night)
        small.free()
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
        assert re.match(r"cchc: a build needs about [\d,.]+ [MG]B and finds [\d,.]+ [MG]B on the disk", refused.stderr)
        assert "nothing was built, the last release stands" in refused.stderr
        assert before == [p.stat().st_mtime_ns for p in (home / "warehouse.duckdb", (home / "current").resolve())]
        assert Home(home).last_run["outcome"] == "failed" and len(list((home / "releases").iterdir())) == 1
        assert lake(home) == ingested(landing, tmp_path / "undisturbed"), "what landed is kept"
        monkeypatch.delenv("CCHC_BUILD_DISK", raising=False)
        with held(nights.asked(landing, home)) as freed:
            taken = steps.ingest(freed)
            assert steps.standing_release(freed, taken) is None
            steps.require_room(freed.home, freed.request.settings, sum(file.rows_read for file in taken.files))


def test_the_command_on_a_full_disk(cchc: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path) -> None:
    landing, published = landing_and_home
    with disk(tmp_path / "small") as small:
        home = shutil.copytree(published, small.path / "home", symlinks=True)
        more(landing)
        small.fill()
        ended = cchc("nightly", "--landing", landing, "--home", home, "--as-of", AS_OF)
        told = cchc("kpi", "--home", home, "--kpi", "dossiers_received")
        small.free()
    assert ended.returncode == 1 and ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stderr.startswith("cchc: the disk is full, or fails, while writing ")
    assert told.returncode == 0, told.stderr


def test_dagster_adds_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """It writes one to stderr where its storage cannot be written, and raises as well."""
    remark = re.search(r'stderr\.write\(f"([^{]+)', inspect.getsource(dagster_logs))
    with redirect_stderr(_WithoutRemarks(sys.stderr)):
        print(f"{remark[1]}disk I/O error", file=sys.stderr)
        print("cchc: the disk is full", file=sys.stderr)
    assert capsys.readouterr().err.strip() == "cchc: the disk is full"


# ---------------------------------------------------------------- read-only and closed


def test_a_read_only_home(cchc: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path) -> None:
    landing, published = landing_and_home
    file = "dossiers/hoso_20230310_2300.csv"
    writing = {
        "nightly": ["--landing", landing, "--as-of", AS_OF], "rebuild": [],
        "accept": [file, "--reason", "r", "--by", "b"], "withdraw": [file, "--reason", "r", "--by", "b"],
    }  # fmt: skip
    with disk(tmp_path / "small") as small:
        home = shutil.copytree(published, small.path / "home", symlinks=True)
        with small.read_only():
            for command, arguments in writing.items():
                ended = cchc(command, "--home", home, *arguments, preexec_fn=obeying_permissions)
                assert (ended.returncode, ended.stdout) == (2, ""), (command, ended.stderr)
                assert ended.stderr.startswith(f"cchc: the home {home} cannot be written: "), ended.stderr
                assert ended.stderr.count("\n") == 1
            for command in ("kpi", "status"):
                asked = cchc(command, "--home", home, preexec_fn=obeying_permissions)
                assert (asked.returncode, asked.stderr) == (0, ""), command


@pytest.mark.parametrize("folder", ["lake", "releases", "dagster", "work", "."])
def test_lost_permissions(folder: str, cchc: Callable, landing_and_home: tuple[Path, Path]) -> None:
    """Told before an hour's work is done, and nothing is touched."""
    landing, home = landing_and_home
    current, before = (home / "current").resolve(), lake(home)
    more(landing)
    mode = (home / folder).stat().st_mode & 0o777
    (home / folder).chmod(0o500)
    ended = cchc("nightly", "--landing", landing, "--home", home, "--as-of", AS_OF, preexec_fn=obeying_permissions)
    (home / folder).chmod(mode)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    named = "" if folder == "." else f"{folder}: "
    assert f"the home {home} cannot be written: {named}" in ended.stderr and ended.stderr.count("\n") == 1
    assert "Permission denied" in ended.stderr
    assert ((home / "current").resolve(), lake(home)) == (current, before)


# ---------------------------------------------------------------- the share


def exports(landing: Path) -> None:
    for number in range(8):
        put(landing / "dossiers" / f"x{number}_20230722.csv", export(50, 100 * number))


def test_the_share_goes_away_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is kept; the night says so in one line, and the next one reads the rest."""
    with disk(tmp_path / "landing") as share:
        exports(share.path)
        given: list[readers.Job] = []
        give = readers._Process.give

        def given_and_gone(self: readers._Process, job: readers.Job) -> None:
            given.append(job)
            if len(given) == 4:
                share.go_away()
            give(self, job)

        with monkeypatch.context() as leaving, held(nights.asked(share.path, tmp_path / "home")) as night:
            leaving.setattr(readers._Process, "give", given_and_gone)
            with pytest.raises(CchcError, match=f"the landing folder {share.path} went away while it was read") as gone:
                steps.ingest(night)
        assert "\n" not in str(gone.value)
        kept = [f for f in Lake(tmp_path / "home/lake").files() if f.status == "accepted"]
        assert 1 <= len(kept) < 8 and {f.rows_accepted for f in kept} == {50}
    shutil.rmtree(tmp_path / "landing")
    exports(tmp_path / "landing")
    assert ingested(tmp_path / "landing", tmp_path / "home") == ingested(tmp_path / "landing", tmp_path / "undisturbed")
    again = nights.known(tmp_path / "home")
    assert {f.rows_accepted for f in again.files} == {50} and len(again.files) == 8, "no rejection stays"


@pytest.mark.parametrize("what", ["removed", "truncated", "closed"])
def test_a_file_that_goes_while_it_is_read(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone is rejected."""
    exports(tmp_path / "landing")
    give = readers._Process.give
    lost = tmp_path / "landing" / "dossiers" / "x3_20230722.csv"

    def given_late(self: readers._Process, job: readers.Job) -> None:
        if job.file.path == lost:
            lost.unlink()
            if what != "removed":
                put(lost, export(50, 300)[:900]) if what == "truncated" else lost.mkdir()
        give(self, job)

    with monkeypatch.context() as changing:
        changing.setattr(readers._Process, "give", given_late)
        night = nights.ingested(tmp_path / "landing", tmp_path / "home")
    found = {Path(f.source_file).name: f.reason_code or f.rows_accepted for f in night.files}
    assert [name for name, why in found.items() if why == "unreadable"] == [lost.name]
    assert list(found.values()).count(50) == 7
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink(missing_ok=True)
    put(lost, export(50, 300))
    assert ingested(tmp_path / "landing", tmp_path / "home") == ingested(tmp_path / "landing", tmp_path / "undisturbed")


# ---------------------------------------------------------------- safely on the disk


def noted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What is written down to the disk and what is renamed, in this order."""
    events: list[tuple[str, ...]] = []
    fsync, replace, rename = os.fsync, os.replace, os.rename

    def synced(handle: int) -> None:
        fsync(handle)
        events.append(("sync", os.readlink(f"/proc/self/fd/{handle}")))

    def renamed(how: Callable) -> Callable:
        def act(source: Path, target: Path, **options: object) -> None:
            how(source, target, **options)
            events.append(("rename", str(source), str(target)))

        return act

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed(replace))
    monkeypatch.setattr(os, "rename", renamed(rename))
    return events


def test_a_release_is_on_the_disk_before_it_is_seen(
    landing_and_home: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing, home = landing_and_home
    with held(nights.asked(landing, home)) as night, monkeypatch.context() as watched:
        quality = home / "work" / "quality"
        quality.mkdir()
        PASSED.write(quality)
        events = noted(watched)
        release = steps.publish(night, steps.known(night, IngestionReport()), steps.Judged(PASSED, None))
    building = home / "releases" / f".building-{release.release_id}"
    named = events.index(("rename", str(building), str(release.path)))
    everything = [building, *(building / p.relative_to(release.path) for p in release.path.rglob("*"))]
    assert len(everything) > 50 and building / "dashboard" in everything and building / "review" in everything
    assert {("sync", str(p)) for p in everything} <= set(events[:named]), "each file and each folder of it"
    switched = next(n for n, e in enumerate(events) if e[0] == "rename" and e[2] == str(home / "current"))
    assert named < events.index(("sync", str(home / "releases")), named) < switched
    assert ("sync", str(home)) in events[switched:]


def test_a_lake_file_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exports(tmp_path / "landing")
    file = scan(tmp_path / "landing", set(all_sources()))[0]
    settings = Settings.load(tmp_path / "landing", tmp_path / "home")
    with monkeypatch.context() as watched, reader.reading_engine(settings, tmp_path) as con:
        events = noted(watched)
        [made] = reader.take_in(con, file, "0" * 64, Bounds(), tmp_path, str(tmp_path / "made"), Pseudonyms(b"k" * 32))
    assert ("sync", str(made.made)) in events
    with held(Request(settings, AS_OF)) as night, monkeypatch.context() as watched:
        events = noted(watched)
        steps.ingest(night)
    registered = events.index(("sync", str(Lake(night.home.lake).register.path)))
    taken = [
        n for n, e in enumerate(events) if e[0] == "rename" and Path(e[-1]).parent == tmp_path / "home/lake/dossiers"
    ]
    assert len(taken) == 8 and max(taken) < registered
    for folder in (tmp_path / "home/lake/dossiers", tmp_path / "home/lake"):
        assert ("sync", str(folder)) in events[max(taken) : registered], "its name too"
