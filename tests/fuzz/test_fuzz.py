"""The short form of `python -m tests.fuzz`, the files that it found, and whether it would find one."""

from __future__ import annotations

import copy
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.fuzz import campaign, reading
from tests.fuzz.campaign import case_of, run_all
from tests.fuzz.cases import Case
from tests.fuzz.checks import wrong
from tests.fuzz.reading import Made, Outcome, Reader
from tests.fuzz.seeds import SEEDS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


def test_generated_files(whole: bool) -> None:
    files = 20_000 if whole else 100
    chunks = list(run_all(23_000, files, jobs=2, shrink=False, chunk=50))
    assert [(f.seed, f.what) for chunk in chunks for f in chunk.failures] == []
    assert [sum(chunk.files for chunk in chunks), sum(chunk.judged for chunk in chunks) > 20] == [files, True]
    outcomes: Counter[str] = Counter()
    for chunk in chunks:
        for (_, outcome), count in chunk.outcomes.items():
            outcomes[outcome] += count
    assert outcomes["accepted"] > 30 and len(outcomes) > 6, "the files are neither all sound nor all broken"


def test_a_seed_is_a_file() -> None:
    assert case_of(23_001) == case_of(23_001) != case_of(23_002)


def _sound() -> Case:
    return next(c for c in map(case_of, range(23_000, 24_000)) if c.judged and c.rows and c.decoder.startswith("csv"))


def test_a_broken_promise_is_seen(reader: Reader) -> None:
    case = _sound()
    outcome = reader.read(case.source_file, case.data)
    assert wrong(case, outcome) == []

    def broken(change: Callable[[Made], None]) -> str:
        altered = copy.deepcopy(outcome)
        change(altered.made[0])
        return wrong(case, altered)[0].split(":", 1)[0]

    assert broken(lambda made: made.rows.pop()) == "counts"
    assert broken(lambda made: made.says.update(rows_read=made.says["rows_read"] - 1)) == "lost"
    assert broken(lambda made: made.says.update(unknown_columns=["097 731.864 205"])) == "leak"
    number = outcome.made[0].columns.index("row_number")
    moved = [(*row[:number], row[number] + 100, *row[number + 1 :]) for row in outcome.made[0].rows]
    assert case.judged and broken(lambda made: setattr(made, "rows", moved)) == "judged"


def test_a_reader_that_dies_or_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(settings: Settings, root: Path, source_file: str, data: bytes) -> Outcome:
        if data == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60 if data == b"hang" else 0)
        return Outcome()

    monkeypatch.setattr(reading, "_outcome", fails)
    monkeypatch.setattr(reading, "BOUNDS", replace(reading.BOUNDS, seconds=1))
    with Reader() as reader:
        faults = [reader.read("dossiers/a_20230722.csv", data).fault for data in (b"a", b"die", b"b", b"hang", b"c")]
    assert [f.split(",")[0] for f in faults] == ["", "crash: signal 9", "", "hang: more than 1 s", ""]


def test_a_file_that_fails_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    case = _sound()
    monkeypatch.setattr(campaign, "wrong", lambda c, _: ["lost: a letter"] if "K" in c.data.decode("latin-1") else [])
    monkeypatch.setattr(Reader, "read", lambda *_: Outcome())
    seed = next(n for n in range(23_000, 24_000) if case_of(n) == case)
    smallest = campaign._smallest(campaign.Failure(seed, "lost: a letter", case))
    assert smallest and len(smallest.data) < len(case.data) and b"K" in smallest.data.replace(b"\0", b"")


@pytest.mark.parametrize("name", SEEDS)
def test_what_was_found(name: str, reader: Reader) -> None:
    source_file, data, expected = SEEDS[name]
    outcome = reader.read(source_file, data)
    assert not outcome.fault, outcome.fault
    says = outcome.made[0].says
    assert (says["reason_code"] or says["rows_read"]) == expected, says["detail"]
