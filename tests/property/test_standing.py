"""A warehouse that went on from night to night is the one of a build that began with nothing, whatever befell it."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestration.home import Home
from orchestration.lake.store import Lake
from orchestration.night import steps
from orchestration.night.holding import held
from tests.faults.test_killed import KILLED_IN_BUILD
from tests.support import nights
from tests.support.landing import write_trap_landing
from tests.support.oracle import read_landing
from tests.support.warehouse import differing

pytestmark = pytest.mark.slow


class History:
    """Exports of every source and format, which come night by night in any order, late, again or replaced; some are
    withdrawn or accepted, the as-of day goes back and forth, the code changes."""

    def __init__(self, folder: Path, seed: int, count: int, cchc: Callable):
        self.rng, self.cchc, self.folder = random.Random(seed), cchc, folder
        write_trap_landing(folder / "all", seed, dossiers=60, exports=5)
        files = sorted(path for path in (folder / "all").rglob("*") if path.is_file())
        self.rng.shuffle(files)
        self.nights = [files[number::count] for number in range(count)]
        self.last = max(row.stamp for row in read_landing(folder / "all").observations).date()
        self.landing, self.home, self.code = folder / "landing", folder / "home", "code 0"
        self.told: list[str] = []

    def _landed(self) -> list[Path]:
        return sorted(path for path in self.landing.rglob("*") if path.is_file())

    def _deliver(self, files: list[Path]) -> None:
        for path in files:
            to = self.landing / path.relative_to(self.folder / "all")
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
        for path in self.rng.sample(self._landed(), 2):
            alike = [p for p in self._landed() if (p.parent, p.suffix) == (path.parent, path.suffix) and p != path]
            if alike:
                shutil.copyfile(self.rng.choice(alike), path)
                self.told.append(f"{path.name} is replaced")

    def _decide(self) -> None:
        lake = Lake(Home(self.home).lake)
        names = sorted({f.source_file for f in lake.files() if not f.is_nested})
        for name in self.rng.sample(names, min(2, len(names))):
            decision = self.rng.choice(["withdrawn", "accepted"])
            lake.decide(decision, name, "a test", "a test")
            self.told.append(f"{name} is {decision}")

    def live(self, night: list[Path], *, is_compared: bool) -> None:
        """A night, killed in its build before it comes to its end, or not; then once more from nothing."""
        day = self.last + timedelta(days=self.rng.choice([0, 0, 1, 30, -40, -90]))
        if self.rng.random() < 0.3:
            self.code += "+"
        self._deliver(night)
        if self.home.exists():
            self._decide()
        self.told.append(f"night of {day}, {self.code}")
        if self.rng.random() < 0.5:
            models = self.rng.randint(1, 40)
            ended = self.cchc(models, self.landing, self.home, day, self.code, program=KILLED_IN_BUILD)
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            self.told.append(f"killed after {models} models")
        self._build(day, must_build=False)
        if not is_compared:
            return
        gone_on_with = shutil.copy(self.home / "warehouse.duckdb", self.folder / "gone_on_with.duckdb")
        self._build(day, must_build=True)
        assert not (found := differing(Path(gone_on_with), self.home / "warehouse.duckdb")), [*self.told, *found]

    def _build(self, day: date, *, must_build: bool) -> None:
        with held(nights.asked(self.landing, self.home, day, must_build=must_build)) as night:
            built = steps.build(night, steps.ingest(night))
        self.told.append(f"{len(built.carried)} stood")


def test_a_night_goes_on_as_if_it_began_with_nothing(
    whole: bool, cchc: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(8 if whole else 1):
        history = History(tmp_path / str(seed), seed, 5 if whole else 2, cchc)
        monkeypatch.setattr(steps, "code_version", lambda told=history: told.code)
        for number, night in enumerate(history.nights, 1):
            history.live(night, is_compared=whole or number == len(history.nights))
