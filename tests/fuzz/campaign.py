"""Many files: each generated from a seed of its own, read twice, what fails shrunk."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase

from tests.fuzz.cases import Case, cases
from tests.fuzz.checks import wrong
from tests.fuzz.reading import Outcome, Reader

_BYTES = 16 << 10
_NIGHT = 25  # files read again together, in another order


@dataclass
class Failure:
    """A file that broke a promise, as it was generated and as small as it could be made."""

    seed: int
    what: str
    case: Case
    smallest: Case | None = None

    @property
    def promise(self) -> str:
        return self.what.split(":", 1)[0]


@dataclass
class Chunk:
    """What became of some files: how many by (decoder, outcome), and how they were made."""

    files: int = 0
    read: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    judged: int = 0
    slowest: list[tuple[float, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def _over(body: Callable[[Case], None], phases: tuple[Phase, ...] = (), database: ExampleDatabase | None = None) -> Any:
    """`body` as a test of hypothesis."""

    @hypothesis.settings(
        deadline=None, database=database, phases=phases, print_blob=False, suppress_health_check=list(HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )  # fmt: skip
    @hypothesis.given(cases())
    def test(case: Case) -> None:
        body(case)

    return test


def _bytes_of(seed: int) -> Iterator[bytes]:
    """What hypothesis makes the file of a seed from: the first that suffices for one."""
    source = random.Random(seed)
    while True:
        yield source.randbytes(_BYTES)


def case_of(seed: int) -> Case:
    """The file of a seed, always the same. No mutation of former files, as hypothesis does by itself, makes it less new."""
    made: list[Case] = []
    make = _over(made.append).hypothesis.fuzz_one_input
    for content in _bytes_of(seed):
        make(content)
        if made:
            return made[0]
    raise AssertionError


def run(seed: int, count: int, *, shrink: bool = True, again: float = 1.0) -> Chunk:
    """Read the files of `count` seeds from one on, and that share of them once more among others."""
    chunk, night = Chunk(), []
    order = random.Random(seed)
    with Reader() as reader, Reader() as other:
        for number in range(seed, seed + count):
            case = case_of(number)
            outcome = reader.read(case.source_file, case.data)
            _note(chunk, number, case, outcome)
            if order.random() < again:
                night.append((number, case, outcome))
            if len(night) == _NIGHT:
                _again(chunk, other, order, night)
        _again(chunk, other, order, night)
    if shrink:
        seen = set()
        for failure in chunk.failures:
            if failure.promise != "unsteady" and failure.promise not in seen:
                seen.add(failure.promise)
                failure.smallest = _smallest(failure)
    return chunk


def run_all(
    seed: int, files: int, jobs: int, *, shrink: bool = True, again: float = 1.0, chunk: int = 100
) -> Iterator[Chunk]:
    """`run` over all files in so many processes, each part as it is done."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        starts = range(seed, seed + files, chunk)
        parts = [
            pool.submit(run, start, min(chunk, seed + files - start), shrink=shrink, again=again) for start in starts
        ]
        for part in as_completed(parts):
            yield part.result()


def _note(chunk: Chunk, seed: int, case: Case, outcome: Outcome) -> None:
    chunk.files += 1
    chunk.read += 1
    chunk.outcomes[case.decoder, outcome.kind] += 1
    chunk.ways[case.how] += 1
    chunk.judged += case.judged is not None
    chunk.slowest = sorted([*chunk.slowest, (outcome.seconds, f"{case.decoder}, {case.how}")], reverse=True)[:5]
    if outcome.made:
        says = outcome.made[0].says
        chunk.rows["accepted"] += says["rows_accepted"]
        chunk.rows["rejected"] += says["rows_rejected"]
    chunk.failures += [Failure(seed, what, case) for what in wrong(case, outcome)[:1]]


def _again(chunk: Chunk, reader: Reader, order: random.Random, night: list[tuple[int, Case, Outcome]]) -> None:
    """The same files in another order and another process: the same outcomes and rows."""
    order.shuffle(night)
    for seed, case, before in night:
        if before.fault:
            continue
        after = reader.read(case.source_file, case.data)
        chunk.read += 1
        if after.fault or after.made != before.made:
            chunk.failures.append(Failure(seed, f"unsteady: read again it is {after.kind}, not {before.kind}", case))
    night.clear()


def _smallest(failure: Failure) -> Case | None:
    """The least file that breaks the same promise, as hypothesis shrinks the one found."""
    found: list[Case] = []
    with Reader() as reader:

        def body(case: Case) -> None:
            broken = wrong(case, reader.read(case.source_file, case.data))
            if any(what.split(":", 1)[0] == failure.promise for what in broken):
                found.append(case)
                raise AssertionError(failure.promise)

        test = _over(body, (Phase.reuse, Phase.shrink), InMemoryExampleDatabase())
        with contextlib.suppress(AssertionError):
            for content in _bytes_of(failure.seed):
                if test.hypothesis.fuzz_one_input(content) is not None:
                    return None
        with contextlib.suppress(AssertionError):
            test()
    return min(found, key=lambda c: len(c.data), default=None)
