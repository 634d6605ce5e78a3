"""A past day asked for is what that day's night would have published: whatever came later, and in whichever order."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import AS_OF
from tests.support import nights
from tests.support.published import tables
from tests.support.writers import csv_bytes, put

pytestmark = pytest.mark.slow

HEAD = ["Mã hồ sơ", "Mã TTHC", "Đơn vị", "Trạng thái", "Ngày tiếp nhận", "Ngày hẹn trả", "Ngày hoàn thành"]
REGISTER = ["Mã đơn vị", "Tên đơn vị", "Cấp", "Hiệu lực từ"]
# Of the golden home, and of none.
DOSSIERS = [*(f"H99.01-2{day}" for day in ("21220-0001", "21228-0002", "30201-0004")), "H99.01-230801-0001"]
STATES = ["4", "5", "7", "9", "10"]
DAYS = st.dates(AS_OF - timedelta(days=200), AS_OF + timedelta(days=31)).map(lambda day: f"{day:%d/%m/%Y}")
Export = tuple[str, bytes]


@st.composite
def exports(draw: st.DrawFn, first: date, last: date, has_faults: bool) -> Export:
    """An export of a day, of dossiers or of the register of agencies; with faults also rows of states that no list
    knows, and files without a header."""
    stamp = datetime.combine(draw(st.dates(first, last)), draw(st.times())).strftime("%Y%m%d_%H%M%S")
    states = st.sampled_from([*STATES, "không rõ"] if has_faults else STATES)
    place = draw(st.sampled_from(["dossiers", "dossiers", "registers/agencies"]))
    if place == "dossiers":
        rows = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(DOSSIERS), st.just("1.000001"), st.just("Sở Thử"), states, DAYS, DAYS,
                    DAYS | st.just(""),
                ),
                min_size=1, max_size=6,
            )
        )  # fmt: skip
        grid: list[list[object]] = [HEAD, *map(list, rows)]
    else:
        names = draw(st.lists(st.sampled_from(["Sở Thử", "Sở Khác", "UBND xã Thử"]), min_size=1, max_size=3))
        grid = [REGISTER, *([f"H99.0{number}", name, "tỉnh", "01/01/2023"] for number, name in enumerate(names, 1))]
    if has_faults and draw(st.integers(0, 5)) == 0:
        grid = [["bìa"], *grid[1:]]  # no header: rejected whole
    name = f"{draw(st.sampled_from('abc'))}_{stamp}.csv"
    return f"{place}/{name}", csv_bytes(grid, ";", "utf-8")


def few(examples: int) -> Callable[[Callable], Callable]:
    return settings(
        max_examples=examples,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def land(landing: Path, landed: list[Export]) -> None:
    landing.mkdir(exist_ok=True)
    for name, content in landed:
        put(landing / name, content)


def stamped(export: Export) -> date:
    return datetime.strptime(export[0].rpartition("/")[2][2:10], "%Y%m%d").date()


WEEK = (date(2023, 8, 1), date(2023, 8, 7))


def test_what_counts_on_a_day_depends_on_stamps_alone(tmp_path_factory: pytest.TempPathFactory, whole: bool) -> None:
    """Files that come in any order over two nights, against a home that gets those stamped by that day, at once."""
    week = date(2023, 8, 1), date(2023, 8, 7)
    some = st.lists(exports(*week, has_faults=True), min_size=5, max_size=10, unique_by=lambda export: export[0])

    @few(20 if whole else 2)
    @given(some.flatmap(lambda found: st.tuples(st.permutations(found), st.integers(0, len(found)))), st.dates(*week))
    def in_order(landed: tuple[list[Export], int], day: date) -> None:
        order, first = landed
        folder = tmp_path_factory.mktemp("order")
        for part in (order[:first], order[first:]):
            land(folder / "landing", part)
            nights.ingested(folder / "landing", folder / "home", week[1])
        land(folder / "then", [export for export in order if stamped(export) <= day])
        that_night = nights.ingested(folder / "then", folder / "home then", day)
        assert nights.known(folder / "home", day).files == that_night.files

    in_order()


def test_a_past_day_is_published_as_that_night_did(
    nightly: Callable, home: Path, tmp_path_factory: pytest.TempPathFactory, whole: bool
) -> None:
    """The golden night's day once more after a later night's exports: every table but those of the run's own checks."""
    of_the_run = {"marts.dq_check_history", "marts.dq_check_results"}
    then = tables(home / "current" / "cchc.duckdb")
    later = exports(AS_OF + timedelta(days=1), AS_OF + timedelta(days=31), has_faults=False)

    @few(12 if whole else 1)
    @given(st.lists(later, min_size=3, max_size=5, unique_by=lambda export: export[0]))
    def again(landed: list[Export]) -> None:
        folder = tmp_path_factory.mktemp("again")
        shutil.copytree(home.parent / "landing", folder / "landing")
        shutil.copytree(home, folder / "home", symlinks=True)
        land(folder / "landing", landed)
        after = nightly(folder / "landing", folder / "home", AS_OF + timedelta(days=31))
        beside = nightly(folder / "landing", folder / "home", AS_OF, must_build=True)
        assert tables(after.release.database)["marts.fct_dossiers"] != then["marts.fct_dossiers"]
        now = tables(beside.release.database)
        assert {name for name in then if now[name] != then[name]} <= of_the_run

    again()
