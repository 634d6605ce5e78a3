"""A month reported on its last day, and what arrives about it afterwards (docs/published-interface.md 3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.home import Home
from orchestration.publishing import reported
from tests.support.writers import put

pytestmark = pytest.mark.slow

HEADER = "Mã hồ sơ;Mã TTHC;Đơn vị;Mã đơn vị;Kênh;Ngày tiếp nhận;Ngày hẹn trả;Ngày hoàn thành;Trạng thái;Đã xóa"
# Code, agency, channel, received, due, completed, status, deleted: as the export of 30 June shows it, and that of July.
DOSSIERS = {
    "late_arrival": (None, "H33.01;1;28/06/2023;10/07/2023;;4;"),
    "deleted": ("H33.01;1;05/06/2023;20/06/2023;19/06/2023;9;", "H33.01;1;05/06/2023;20/06/2023;19/06/2023;9;x"),
    "received_date_moved": ("H33.01;1;29/06/2023;20/07/2023;;4;", "H33.01;1;02/07/2023;20/07/2023;;4;"),
    "due_date_moved": ("H33.02;1;06/06/2023;15/06/2023;16/06/2023;9;", "H33.02;1;06/06/2023;16/06/2023;16/06/2023;9;"),
    "reopened": ("H33.02;2;07/06/2023;15/06/2023;14/06/2023;9;", "H33.02;2;07/06/2023;15/06/2023;;4;"),
    "completion_backdated": ("H33.01;1;08/06/2023;22/06/2023;;4;", "H33.01;1;08/06/2023;22/06/2023;20/06/2023;9;"),
    "completion_changed": ("H33.01;1;01/06/2023;11/06/2023;10/06/2023;9;", "H33.01;1;01/06/2023;11/06/2023;12/06/2023;9;"),
    "agency_moved": ("H33.01;1;09/06/2023;30/07/2023;;4;", "H33.02;1;09/06/2023;30/07/2023;;4;"),
    "other": ("H33.02;1;12/06/2023;30/07/2023;;4;", "H33.02;2;12/06/2023;30/07/2023;;4;"),
    # May alone moves, and the quarter: it was closed before June began.
    "of_may": ("H33.02;1;02/05/2023;10/05/2023;09/05/2023;9;", "H33.02;1;02/05/2023;08/05/2023;09/05/2023;9;"),
    # What these show came after the reports, or moves none of their figures.
    "closed_since": ("H33.01;1;13/06/2023;12/07/2023;;4;", "H33.01;1;13/06/2023;12/07/2023;05/07/2023;9;"),
    "received_since": (None, "H33.01;1;03/07/2023;20/07/2023;;4;"),
    "same_again": ("H33.02;1;14/06/2023;20/06/2023;20/06/2023;9;", "H33.02;1;14/06/2023;20/06/2023;20/06/2023;9;"),
    "of_no_period": ("H33.02;1;;;;1;", "H33.02;2;;;;1;"),
}  # fmt: skip
REASONS = list(DOSSIERS)[:9]
JUNE, JULY = date(2023, 6, 30), date(2023, 7, 20)
TABLES = ("restatements", "dq_reconciliation", "kpi_values")


def export(shown: dict[str, str]) -> bytes:
    rows = [f"H33-{code};1.000001;Sở Thử;{cells}" for code, cells in shown.items()]
    return "\n".join([HEADER, *rows]).encode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, nightly: Callable) -> Path:
    """Two nights: as of 30 June, and of 20 July with what became known since."""
    root = tmp_path_factory.mktemp("restated")
    landing = root / "landing"
    put(landing / "dossiers" / "hoso_20230630_2300.csv", export({c: a for c, (a, _) in DOSSIERS.items() if a}))
    nightly(landing, root / "home", JUNE)
    put(landing / "dossiers" / "hoso_20230720_0700.csv", export({c: b for c, (_, b) in DOSSIERS.items()}))
    nightly(landing, root / "home", JULY)
    return root / "home"


def rows(home: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def test_each_dossier_is_found_with_its_reason_and_none_beside(home: Path) -> None:
    found = rows(home, "select period_type, period_start::varchar, dossier_code, reason_code from marts.restatements")
    june, second_quarter = ("month", "2023-06-01"), ("quarter", "2023-04-01")
    expected = [(*period, f"H33-{reason}", reason) for period in (june, second_quarter) for reason in REASONS]
    expected += [(*period, "H33-of_may", "due_date_moved") for period in (("month", "2023-05-01"), second_quarter)]
    assert sorted(found) == sorted(expected)


def test_both_states_and_the_file_that_brought_the_second(home: Path) -> None:
    found = rows(
        home,
        "select dossier_code, agency_code, bucket_before, timeliness_before, bucket_after, timeliness_after, source_file, "
        "known_from::varchar, first_release_id, first_as_of::varchar from marts.restatements "
        "where period_type = 'month' and period_start = '2023-06-01'",
    )
    assert {row[6:] for row in found} == {
        ("dossiers/hoso_20230720_0700.csv", "2023-07-20 07:00:00", "000001_2023-06-30", "2023-06-30")
    }
    assert {row[0].removeprefix("H33-"): row[1:6] for row in found} == {
        "late_arrival": ("H33.01", "absent", None, "in_process", "within_due"),
        "deleted": ("H33.01", "resolved", "early", "not_counted", None),
        "received_date_moved": ("H33.01", "in_process", "within_due", "not_counted", None),
        "due_date_moved": ("H33.02", "resolved", "late", "resolved", "on_due_date"),
        "reopened": ("H33.02", "resolved", "early", "in_process", "overdue"),
        "completion_backdated": ("H33.01", "in_process", "overdue", "resolved", "early"),
        "completion_changed": ("H33.01", "resolved", "early", "resolved", "late"),
        "agency_moved": ("H33.02", "in_process", "within_due", "in_process", "within_due"),
        "other": ("H33.02", "in_process", "within_due", "in_process", "within_due"),
    }


def test_stock_as_reported_and_what_is_restated_make_the_stock_now(home: Path) -> None:
    found = rows(
        home,
        "select scope_code, left_value, right_value from marts.dq_reconciliation "
        "where identity = 'restated_stock' and period_type = 'month' and period_start = '2023-06-01' order by 1",
    )
    # Reported: 5 (4 of H33.01); the late one and the reopened came in, the moved and the closed went out.
    assert found == [("H33.01", 2, 2), ("H33.02", 3, 3), ("all", 5, 5)]


def test_the_record_outlives_its_releases_and_a_rebuild_says_the_same(home: Path, nightly: Callable) -> None:
    tables = [(table, rows(home, f"select * from marts.{table} order by all")) for table in TABLES]
    record = reported.reports(Home(home))
    assert [(r.release_id, r.as_of, r.reported_from) for r in record] == [
        ("000001_2023-06-30", JUNE, date(2023, 5, 1)), ("000002_2023-07-20", JULY, date(2023, 5, 1)),
    ]  # fmt: skip
    # A run that died between publication and record, and somebody who moved the record aside.
    lines = Home(home).reported.read_bytes().splitlines(keepends=True)
    Home(home).reported.write_bytes(lines[0])
    assert reported.complete(Home(home)) == record
    Home(home).reported.unlink()
    assert reported.complete(Home(home)) == record

    nightly(None, home, JULY, must_build=True, reads_landing=False)
    assert (home / "current").resolve().name == "000003_2023-07-20"
    for table, before in tables:
        assert rows(home, f"select * from marts.{table} order by all") == before, table
