"""dbt parses a project once, whoever asks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.warehouse import dbt

PROGRAM = """
import sys
from dbt.cli.main import dbtRunner
from orchestration.home import Home
from orchestration.settings import Settings
from orchestration.warehouse import dbt

for folder in sys.argv[1:]:
    home = Home.for_writing(Settings.load(None, folder)).root
    said = []
    dbt.parse(home)
    runner = dbtRunner(callbacks=[lambda event: said.append(event.info.name)])
    runner.invoke(dbt.parse_arguments(dbt.target_of(home)))
    assert "PartialParsingSkipParsing" in said, said
    assert (home / "dbt" / "partial_parse.msgpack").stat().st_mode & 0o77 == 0
    assert (home / "dbt").stat().st_mode & 0o77 == 0
"""


def test_only_what_changed_is_parsed(cchc: Callable, tmp_path: Path) -> None:
    """A second home of one checkout has a target of its own, and a second parse of one home takes what is there."""
    ended = cchc(tmp_path / "one", tmp_path / "two", program=PROGRAM)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("changed", ["models/marts/core.md", "macros/engine/engine.sql", "tests/dbt/rule.sql"])
def test_what_would_lose_a_description_has_all_parsed(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt, "PROJECT_DIR", tmp_path)
    kept, source = tmp_path / "partial_parse.msgpack", tmp_path / changed
    source.parent.mkdir(parents=True)
    for path, moment in ((source, 1_000), (kept, 2_000)):
        path.touch()
        os.utime(path, (moment, moment))
    dbt._forget_what_misleads(kept)
    assert kept.exists()
    os.utime(source, (3_000, 3_000))
    dbt._forget_what_misleads(kept)
    assert not kept.exists()
