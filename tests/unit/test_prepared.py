"""What a night imports on a thread is whole before another thread imports it, too."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Timer
from typing import Any

import pytest

from orchestration.night import steps


def test_checks_wait_for_the_imports_of_the_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing had to be built, and they would begin at once."""
    parsed: Future[Any] = Future()
    imported: Future[Any] = Future()
    were_imported: list[bool] = []
    for name in ("ingest", "standing_release"):
        monkeypatch.setattr(steps, name, lambda *_: None)
    monkeypatch.setattr(steps, "build", lambda night, ingested, manifest: manifest)
    monkeypatch.setattr(steps, "judge", lambda *_: were_imported.append(imported.done()))
    night: Any = None
    done = steps._steps(night, (parsed, imported))
    assert next(done) is None and next(done) is parsed
    parsed.set_result(None)
    Timer(0.2, imported.set_result, [None]).start()
    next(done)
    assert were_imported == [True]
