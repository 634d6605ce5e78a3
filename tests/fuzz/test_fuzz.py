"""The short form of `python -m tests.fuzz`, and the files that it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.fuzz.campaign import case_of, run_all
from tests.fuzz.reading import Reader
from tests.fuzz.seeds import SEEDS


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


def test_generated_files() -> None:
    chunks = list(run_all(23_000, 200, jobs=2, shrink=False, chunk=50))
    assert [(f.seed, f.what) for chunk in chunks for f in chunk.failures] == []
    assert [sum(chunk.files for chunk in chunks), sum(chunk.judged for chunk in chunks) > 40] == [200, True]
    outcomes: Counter[str] = Counter()
    for chunk in chunks:
        for (_, outcome), count in chunk.outcomes.items():
            outcomes[outcome] += count
    assert outcomes["accepted"] > 60 and len(outcomes) > 6, "the files are neither all sound nor all broken"


def test_a_seed_is_a_file() -> None:
    assert case_of(23_001) == case_of(23_001) != case_of(23_002)


@pytest.mark.parametrize("name", SEEDS)
def test_what_was_found(name: str, reader: Reader) -> None:
    source_file, data, expected = SEEDS[name]
    outcome = reader.read(source_file, data)
    assert not outcome.fault, outcome.fault
    says = outcome.made[0].says
    assert (says["reason_code"] or says["rows_read"]) == expected, says["detail"]
