"""SIGTERM and SIGINT end a command at once, with one line: whatever is half done, the next run sweeps.

The work of a night goes on in a thread of its own (`apart`), so that the main thread can hear a signal whatever
DuckDB is doing, and Dagster, which handles signals in the main thread only, leaves them alone. In a run of its own
Dagster's handlers give way to these (`heeded`). The process ends without unwinding: threads of dbt and DuckDB that are
still at work would abort it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn, TypeVar

Result = TypeVar("Result")

KEYBOARD = 130
_HEARS_WITHIN = 0.2  # seconds
# The process that watches Python's semaphores cleans up after us, and would complain on our stderr.
_UNCOMPLAINING = "ignore::UserWarning:multiprocessing.resource_tracker"
_last_words: list[Callable[[str], object]] = []
_ending: list[int] = []
_deciding = threading.RLock()
_stands = ["the last release stands"]


def heed() -> None:
    """From now on, both signals end this process: exit code 1, or 130 from the keyboard. A second one at once."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    given = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = f"{given},{_UNCOMPLAINING}" if given else _UNCOMPLAINING


@contextmanager
def heeded() -> Iterator[None]:
    """Meanwhile both signals end this process, whoever else hears them; in a thread they do already."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def before_ending(last_words: Callable[[str], object]) -> None:
    """Call this with the signal's name before the process ends by it."""
    _last_words.append(last_words)


@contextmanager
def decisive(then: str) -> Iterator[None]:
    """What is done in here is done whole or not begun: a signal waits for its end, or keeps it from beginning.

    `then` is what stands once it is done, as the one line of an interrupted command says it.
    """
    with _deciding:
        yield
        _stands.append(then)


def apart(work: Callable[[], Result]) -> Result:
    """Do the work in another thread; gives what it gives, raises what it raises."""
    from concurrent.futures import ThreadPoolExecutor, wait

    with ThreadPoolExecutor(1, "night") as thread:
        done = thread.submit(work)
        # A signal that comes just before the wait begins, or to another thread, does not end the wait: it would be
        # heard when the night is over.
        while not done.done():
            wait([done], timeout=_HEARS_WITHIN)
        return done.result()


def _end(number: int, _: FrameType | None) -> NoReturn:
    code = KEYBOARD if number == signal.SIGINT else 1
    if not _ending:
        _ending.append(number)
        _deciding.acquire()  # and never released: what has not begun by now does not begin
        name = signal.Signals(number).name
        fresh_line = "\n" if sys.stderr is not None and sys.stderr.isatty() else ""
        line = f"{fresh_line}cchc: stopped by {name}: {_stands[-1]}; run the command again\n"
        with suppress(OSError):
            os.write(2, line.encode())
        for last_words in _last_words:
            with suppress(Exception):
                last_words(name)
    os._exit(code)
