"""A step that fails over a cell does not tell the cell: not on stderr, not in the home, not in Dagster's storage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.support.nights import AS_IT_STANDS

CANARY = "Quỳnh-Giả-0971"
# The command, with a lake that dbt cannot read to the end, or a step that fails with a cell in its text.
PROGRAM = """
import sys
from orchestration import cli
from orchestration.night import steps
from orchestration.warehouse import registration

where, canary = sys.argv[1:3]
if where == "dbt":
    whole = registration.register
    def register(con, **registered):
        whole(con, **registered)
        con.execute("alter view lake.agencies rename to agencies_as_landed")
        con.execute("create view lake.agencies as select * replace ("
                    f"(select content::int::varchar from read_text('{canary}')) as agency_code) from lake.agencies_as_landed")
    registration.register = register
else:
    def fails(*arguments, **options):
        try:
            raise KeyError(canary)
        except KeyError as error:
            raise ValueError(f"cannot use {canary}") from error
    owner, name = {"build": (registration, "register"), "ingest": (steps, "ingest"), "publish": (steps, "publish")}[where]
    setattr(owner, name, fails)
sys.argv = ["cchc", *sys.argv[3:]]
cli.main()
"""


@pytest.mark.parametrize("where", ["dbt", "ingest", "build", "publish"])
def test_no_cell_is_quoted(where: str, cchc: Callable, landing_and_home: tuple[Path, Path], tmp_path: Path) -> None:
    landing, home = landing_and_home
    (home / "current").unlink()
    (home / "dbt/made.txt").unlink()  # so that no model stands
    (tmp_path / "cell.txt").write_text(CANARY, "utf-8")
    canary = tmp_path / "cell.txt" if where == "dbt" else CANARY
    ended = cchc(
        where, canary, "nightly", "--landing", landing, "--home", home, "--as-of", "2023-07-31",
        program=(AS_IT_STANDS if where == "publish" else "") + PROGRAM,
    )  # fmt: skip
    assert ended.returncode == 1 and ended.stderr.startswith("cchc: ") and ended.stderr.count("\n") == 1, ended.stderr
    named = {"dbt": "history_agencies (Conversion Error)"}.get(where, f"{where} ended with ValueError")
    assert named in ended.stderr
    spelled = [CANARY, CANARY.encode("unicode_escape").decode(), CANARY.encode("ascii", "backslashreplace").decode()]
    for form in spelled:
        assert form not in ended.stdout + ended.stderr
    leaks = [
        str(path.relative_to(home)) for path in home.rglob("*")
        if path.is_file() and any(form.encode() in path.read_bytes() for form in spelled)
    ]  # fmt: skip
    assert leaks == []
    assert named in (home / "last_run.json").read_text("utf-8")


def test_the_canary_is_in_the_database_error() -> None:
    with pytest.raises(duckdb.ConversionException, match=CANARY):
        duckdb.sql(f"select '{CANARY}'::int").fetchall()
