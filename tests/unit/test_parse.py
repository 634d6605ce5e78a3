"""dbt parses a project once, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
