"""The sensor on the landing folder: many files are one run, what grows is waited for, nothing starts twice."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from dagster import DagsterInstance, SensorResult, build_sensor_context

from orchestration.dagster.arrivals import Watched, look, state_of
from orchestration.dagster.resources import Installation
from orchestration.definitions import NIGHTLY, build_definitions
from orchestration.errors import LandingAway
from orchestration.settings import Settings


def runs(*looks: tuple[float, str], watched: Watched | None = None) -> list[tuple[float, str]]:
    """At which moments runs begin, and with which state, of looks at a landing folder."""
    watched, begun = watched or Watched(), []
    for now, seen in looks:
        watched, why_not = look(watched, seen, now)
        if not why_not:
            begun.append((now, seen))
    return begun


@pytest.mark.parametrize(
    ("looks", "begun"),
    [
        ([(0, "a"), (60, "a"), (120, "a"), (180, "a")], [(120, "a")]),
        ([(0, "a"), (60, "b"), (120, "c"), (180, "c"), (240, "c"), (300, "c")], [(240, "c")]),
        ([(0, "a"), (300, "a"), (360, "b"), (420, "b"), (480, "b")], [(300, "a"), (480, "b")]),
        ([(0, "a"), (300, "a"), (360, "b"), (420, "a"), (900, "a")], [(300, "a")]),
        ([(0, "a")], []),
        ([(60 + minute * 60, str(minute)) for minute in range(125)], [(3660, "60"), (7320, "121")]),
    ],
    ids=["once it stands still", "many files, one run", "again for the next", "what came and went", "not at once",
         "a file that never stops growing"],
)  # fmt: skip
def test_when_a_run_begins(looks: list[tuple[float, str]], begun: list[tuple[float, str]]) -> None:
    assert runs(*looks) == begun


def test_the_state_of_landing(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "landing", tmp_path / "home")
    with pytest.raises(LandingAway):
        state_of(settings)
    (tmp_path / "landing/dossiers").mkdir(parents=True)
    states = [state_of(settings)]
    file = tmp_path / "landing/dossiers/a_20230101.csv"
    file.write_text("one")
    states.append(state_of(settings))
    with file.open("a") as growing:
        growing.write("more")
    states.append(state_of(settings))
    os.utime(file, ns=(1, 1))
    states.append(state_of(settings))
    file.rename(file.with_name("b_20230101.csv"))
    states.append(state_of(settings))
    assert len(set(states)) == len(states) and state_of(settings) == states[-1]


def test_the_sensor_asks_for_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(tmp_path / "landing", tmp_path / "home")
    [sensor] = build_definitions(settings).sensors
    clock = [1_000.0]
    monkeypatch.setattr("orchestration.dagster.arrivals.time.time", lambda: clock[0])
    cursor = None

    def tick(seconds: float) -> SensorResult:
        nonlocal cursor
        clock[0] += seconds
        with DagsterInstance.ephemeral() as instance:
            resources = {"installation": Installation.of(settings)}
            found = sensor(build_sensor_context(instance, cursor=cursor, resources=resources))
        cursor = found.cursor or cursor
        return found

    assert "does not exist" in tick(60).skip_reason.skip_message and cursor is None
    (tmp_path / "landing/dossiers").mkdir(parents=True)
    (tmp_path / "landing/dossiers/a_20230101.csv").write_text("one")
    assert "arrive" in tick(60).skip_reason.skip_message
    [asked] = tick(120).run_requests
    assert asked.run_key == json.loads(cursor)["ran"] == state_of(settings)
    assert "nothing new" in tick(60).skip_reason.skip_message
    assert sensor.job_name == NIGHTLY
