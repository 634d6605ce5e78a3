"""`cchc doctor`: one line a subject, what ails with its remedy, exit code 1 when anything does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.lake.store import Lake
from tests.conftest import KEY

WELL = ["landing", "rights", "key", "register", "audit", "lake", "releases", "reported", "space", "clock", "versions"]


@pytest.fixture
def examined(landing_and_home: tuple[Path, Path]) -> Callable[..., dict[str, str]]:
    """What ails, by subject; and that everything else is well."""
    from click.testing import CliRunner

    from orchestration.cli import cli

    landing, home = landing_and_home
    home.chmod(0o750)

    def run(*, key: str = KEY) -> dict[str, str]:
        result = CliRunner().invoke(
            cli, ["doctor", "--landing", str(landing), "--home", str(home)], env={"CCHC_PSEUDONYM_KEY": key}
        )
        lines = result.output.splitlines()
        found = {line[6:16].strip(): line for line in lines if not line.startswith(" ")}
        assert list(found) == WELL, result.output
        ailing = {name: line for name, line in found.items() if line.startswith("ails")}
        assert len(lines) == len(WELL) + len(ailing), "each ailment has a remedy"
        assert result.exit_code == (1 if ailing else 0)
        return ailing

    return run


def test_a_sound_home(examined: Callable[..., dict[str, str]]) -> None:
    assert examined() == {}


def test_what_ails(examined: Callable[..., dict[str, str]], landing_and_home: tuple[Path, Path]) -> None:
    """A bit flipped in the lake and in a release with size and time kept, open rights, another key, a clock set back."""
    home = landing_and_home[1]
    lake_file = Path(next(f.path for f in Lake(home / "lake").files() if f.rows_accepted))
    table = (home / "current").resolve() / "parquet" / "kpi_values.parquet"
    for path in (lake_file, table):
        before = path.stat()
        path.chmod(0o600)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (home / "warehouse.duckdb").chmod(0o644)
    last = json.loads((home / "last_run.json").read_text())
    (home / "last_run.json").write_text(json.dumps(last | {"ended_at": "2999-01-01T00:00:00+00:00"}))
    ailing = examined(key=KEY[::-1])
    assert set(ailing) == {"rights", "key", "lake", "releases", "clock"}
    assert str(lake_file) in ailing["lake"] and "kpi_values.parquet" in ailing["releases"]


def test_a_register_that_lost_its_end(
    examined: Callable[..., dict[str, str]], landing_and_home: tuple[Path, Path]
) -> None:
    """The chain alone cannot tell that its last entries were taken away; the release remembers them."""
    register = landing_and_home[1] / "lake" / "_register.jsonl"
    lines = register.read_text().splitlines(keepends=True)
    register.write_text("".join(lines[:-1]))
    assert set(examined()) == {"register"}
