"""dbt's unit tests, which stand in the models' .yml beside what they test: one item here for each.

A unit test needs its inputs' tables to exist, so an empty lake is registered and every model built empty
first. The calendar is then built in full, for its golden cases come from the package `holidays` itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest
import yaml

from orchestration.home import Home
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import dbt, registration

pytestmark = pytest.mark.slow

WITHOUT_TESTS = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]


def declared_unit_tests() -> list[str]:
    """`model.test` of every unit test in the project."""
    return [
        f"{test['model']}.{test['name']}"
        for path in sorted((PROJECT_DIR / "models").rglob("*.yml"))
        for test in yaml.safe_load(path.read_text("utf-8")).get("unit_tests", [])
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose warehouse has an empty lake."""
    settings = Settings.load(None, tmp_path_factory.mktemp("units") / "home", {"CCHC_PSEUDONYM_KEY": "test" * 8})
    home = Home.for_writing(settings)
    home.work.mkdir(exist_ok=True)
    with duckdb.connect(str(home.warehouse)) as con:
        registration.register(con, [], date(2023, 11, 16))
    return home


@pytest.fixture(scope="module")
def outcomes(home: Home) -> dict[str, str]:
    """What dbt says of each unit test: nothing if it passed, else how the rows differ."""
    invoke(home, "build", "--empty", *WITHOUT_TESTS)
    results = invoke(home, "test", "--select", "test_type:unit")
    return {
        run.node.unique_id.split(".", 2)[2]: "" if str(run.status) == "pass" else str(run.message) for run in results
    }


@pytest.fixture(scope="module")
def calendar(home: Home, outcomes: dict[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse with the calendar as built for a release."""
    invoke(home, "build", "--select", "+dim_date", *WITHOUT_TESTS)
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        yield con


def invoke(home: Home, command: str, *arguments: str) -> list:
    """Runs dbt in this process over the home's warehouse; fails the test when dbt itself fails."""
    profiles = dbt.write_profile(home.work / "dbt", home.warehouse, Settings.load(home=home.root), home.work / "spill")
    options = [
        "--quiet", "--log-level-file", "none", "--no-use-colors", "--project-dir", str(PROJECT_DIR),
        "--profiles-dir", str(profiles), "--target-path", str(home.work / "dbt"),
    ]  # fmt: skip
    result = dbt.invoke(dbt.parse(), [command, *arguments, *options])
    assert result.result is not None, result.exception
    runs = list(result.result)
    if command == "build":
        assert not [f"{run.node.name}: {run.message}" for run in runs if run.status == "error"]
    return runs


@pytest.mark.parametrize("name", declared_unit_tests())
def test_dbt_unit(name: str, outcomes: dict[str, str]) -> None:
    assert name in outcomes, "dbt did not run it"
    assert not outcomes[name], outcomes[name]


# Day of receipt, working days, day they end on: the years that package `holidays` covers by decision.
NTH_WORKING_DAY = [
    ("2022-12-30", 1, "2023-01-03"),
    ("2023-01-19", 1, "2023-01-27"),
    ("2023-01-19", 3, "2023-01-31"),
    ("2023-04-28", 1, "2023-05-04"),
    ("2023-04-28", 3, "2023-05-08"),
    ("2023-08-31", 1, "2023-09-05"),
    ("2024-04-26", 1, "2024-05-02"),
    ("2024-04-26", 3, "2024-05-04"),  # a Saturday, worked in exchange
    ("2025-04-25", 1, "2025-04-26"),  # a Saturday, worked in exchange
    ("2025-04-29", 1, "2025-05-05"),
    ("2026-08-21", 1, "2026-08-22"),  # a Saturday, worked in exchange
    ("2026-08-28", 1, "2026-09-03"),
    ("2026-11-23", 1, "2026-11-25"),
]
# First and last day, both counted, and the working days among them.
WORKING_DAYS = [
    ("2023-01-01", "2023-11-16", 218),
    ("2023-04-28", "2023-05-04", 2),
    ("2022-01-01", "2022-12-31", 249),
    ("2023-01-01", "2023-12-31", 249),
    ("2024-01-01", "2024-12-31", 251),
    ("2025-01-01", "2025-12-31", 250),
    ("2026-01-01", "2026-12-31", 249),
]


@pytest.mark.parametrize(("received", "number", "expected"), NTH_WORKING_DAY)
def test_nth_working_day(received: str, number: int, expected: str, calendar: duckdb.DuckDBPyConnection) -> None:
    [(found,)] = calendar.execute(
        "select min(later.date_day) from marts.dim_date as later, marts.dim_date as receipt "
        "where receipt.date_day = ? and later.working_days_so_far = receipt.working_days_so_far + ?",
        [received, number],
    ).fetchall()
    assert found == date.fromisoformat(expected)


@pytest.mark.parametrize(("first", "last", "expected"), WORKING_DAYS)
def test_working_days_between(first: str, last: str, expected: int, calendar: duckdb.DuckDBPyConnection) -> None:
    [(found,)] = calendar.execute(
        "select count(*) from marts.dim_date where is_working_day and date_day between ? and ?", [first, last]
    ).fetchall()
    assert found == expected


def test_calendar_covers_every_readable_day(calendar: duckdb.DuckDBPyConnection) -> None:
    """Dates of 1900 to 2100 can be read (docs/landing-contract.md 2); each needs its working days."""
    [row] = calendar.execute("select min(date_day), max(date_day), count(*) from intermediate.int_calendar").fetchall()
    assert row == (date(1900, 1, 1), date(2100, 12, 31), 73_414)
