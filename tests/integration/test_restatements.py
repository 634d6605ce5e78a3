"""A month reported on its last day, and what arrives about it afterwards (docs/published-interface.md 3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.catalogue import scope_types
from orchestration.home import Home
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.publishing import reported
from tests.support import nights
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
    "untouched": ("H33.01;1;16/06/2023;22/06/2023;21/06/2023;9;", "H33.01;1;16/06/2023;22/06/2023;21/06/2023;9;"),
    "of_no_period": ("H33.02;1;;;;1;", "H33.02;2;;;;1;"),
    # The only dossier of its month, and one that the export of 5 July closes and that of 20 July moves, from an agency that
    # has no other.
    "alone": ("H33.02;1;20/04/2023;28/04/2023;27/04/2023;9;", "H33.02;1;20/04/2023;28/04/2023;27/04/2023;9;x"),
    "twice": ("H33.03;1;15/06/2023;10/07/2023;;4;", "H33.02;1;15/06/2023;10/07/2023;29/06/2023;9;"),
}  # fmt: skip
TWICE_BETWEEN = "H33.03;1;15/06/2023;10/07/2023;29/06/2023;9;"
REASONS = list(DOSSIERS)[:9]
JUNE, BETWEEN, JULY = date(2023, 6, 30), date(2023, 7, 10), date(2023, 7, 20)
GONE = {"release_id": "000002_2023-07-10", "as_of": "2023-07-10", "reported_from": "2023-04-01"}
TABLES = ("restatements", "restated_kpis", "kpi_vintages", "dq_reconciliation", "kpi_values")
# What else moves figures: by folder, a header and what each export shows.
OTHERS = {
    "registers/agencies": ("Mã đơn vị;Tên đơn vị;Cấp;Mã xã;Hiệu lực từ", {
        "20230630": ["H33.01;Sở Thử;xã;30730;01/01/2020", "H33.02;Ban Thử;tỉnh;;01/01/2020"],
        "20230720": ["H33.01;Sở Thử;huyện;;01/01/2020"],
    }),
    "supplements": ("Mã hồ sơ;Ngày bổ sung;Ngày tiếp nhận bổ sung", {
        "20230630": ["H33-of_may;03/05/2023;05/05/2023"],
        "20230705": ["H33-same_again;15/06/2023;19/06/2023"],
        "20230720": ["H33-of_may;03/05/2023;08/05/2023"],
    }),
    "portal_dossiers": (HEADER, {
        "20230630": [f"H33-{code};1.000001;Sở Thử;H33.01;1;08/06/2023;22/06/2023;;4;" for code in ("other", "deleted")],
        "20230720": [
            "H33-other;1.000001;Sở Thử;H33.01;1;08/06/2023;22/06/2023;;4;x",
            "H33-same_again;1.000001;Sở Thử;H33.01;1;08/06/2023;22/06/2023;;4;",
        ],
    }),
    "registers/plan_tasks": ("Mã nhiệm vụ;Tên nhiệm vụ;Mã đơn vị chủ trì;Ngày giao;Hạn hoàn thành;Ngày hoàn thành;Trạng thái", {
        "20230630": ["NV1;Thử;H33.01;01/03/2023;15/06/2023;;Đang triển khai"],
        "20230720": [
            "NV1;Thử;H33.01;01/03/2023;15/06/2023;10/06/2023;Hoàn thành",
            "NV2;Thử;H33.02;20/05/2023;15/08/2023;;Đang triển khai",
        ],
    }),
    # Known before the report: only the register's new level moves it.
    "registers/satisfaction": ("Mã đơn vị;Ngày khảo sát;Số người trả lời;Số người hài lòng", {"20230630": ["H33.01;12/06/2023;10;9"]}),
    "registers/petitions": ("Mã phản ánh kiến nghị;Ngày tiếp nhận;Hạn trả lời;Ngày trả lời;Mã đơn vị", {
        "20230630": ["PA1;10/06/2023;20/06/2023;;H33.01", "PA2;10/05/2023;20/05/2023;;H33.02"],
        "20230705": ["PA1;10/06/2023;20/06/2023;15/06/2023;H33.01", "PA3;12/06/2023;;;H33.03"],
    }),
}  # fmt: skip


def export(shown: dict[str, str]) -> bytes:
    rows = [f"H33-{code};1.000001;Sở Thử;{cells}" for code, cells in shown.items()]
    return "\n".join([HEADER, *rows]).encode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, nightly: Callable) -> Path:
    """Two nights: as of 30 June, and of 20 July with what became known since."""
    root = tmp_path_factory.mktemp("restated")
    landing = root / "landing"
    put(landing / "dossiers" / "hoso_20230630_2300.csv", export({c: a for c, (a, _) in DOSSIERS.items() if a}))
    for folder, (header, shown) in OTHERS.items():
        for stamp, lines in shown.items():
            put(landing / folder / f"xuat_{stamp}_0600.csv", "\n".join([header, *lines]).encode())
    nightly(landing, root / "home", JUNE)
    reported.record_of(Home(root / "home")).append([GONE])  # a release that is kept no longer
    put(landing / "dossiers" / "hoso_20230705_0700.csv", export({"twice": TWICE_BETWEEN}))
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
    expected += [(*period, "H33-twice", "completion_backdated") for period in (june, second_quarter)]
    expected += [(*period, "H33-of_may", "due_date_moved") for period in (("month", "2023-05-01"), second_quarter)]
    expected += [(*period, "H33-alone", "deleted") for period in (("month", "2023-04-01"), second_quarter)]
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
        "twice": ("H33.02", "in_process", "within_due", "resolved", "early"),
    }


def test_stock_as_reported_and_what_is_restated_make_the_stock_now(home: Path) -> None:
    found = rows(
        home,
        "select scope_code, left_value, right_value from marts.dq_reconciliation "
        "where identity = 'restated_stock' and period_type = 'month' and period_start = '2023-06-01' order by 1",
    )
    # Reported: 6 (4 of H33.01, 1 of H33.03); the late one and the reopened came in, the moved and the closed went out.
    assert found == [("H33.01", 2, 2), ("H33.02", 3, 3), ("H33.03", 0, 0), ("all", 5, 5)]


KEY = ["kpi_code", "scope_type", "scope_code", "period_type", "period_start"]
FIGURES = ["numerator", "denominator", "value"]
PERIODS = [("month", "2023-04-01", "2023-04-30"), ("month", "2023-05-01", "2023-05-31"), ("month", "2023-06-01", "2023-06-30"),
           ("quarter", "2023-04-01", "2023-06-30")]  # fmt: skip


@pytest.fixture(scope="module")
def release(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The last release, with table `answers`: what `cchc kpi` says of every period reported on each day of a report."""
    periods = ", ".join(f"('{kind}', date '{start}', date '{end}')" for kind, start, end in PERIODS)
    days = ", ".join(f"(date '{day}')" for day in (JUNE, BETWEEN, JULY))
    with duckdb.connect() as con:
        con.execute(f"attach '{home / 'current' / 'cchc.duckdb'}' as release (read_only)")
        con.execute("use release")
        con.execute(f"""
            create temp table answers as
            select period_type, period_start, as_of, figures.*
            from (values {periods}) as periods (period_type, period_start, period_end), (values {days}) as days (as_of),
                lateral (from marts.kpis(periods.period_start, periods.period_end, days.as_of)) as figures
        """)
        yield con


def as_compared(figure: str) -> str:
    """`cchc kpi` has no row for a scope of which another source counts nothing in the period; kpi_values holds 0 where
    it counted something in a period before."""
    of_dossiers = "kpi_code in (select kpi_code from marts.kpi_catalogue where mart = 'fct_dossiers')"
    return (
        f"case when scope_type = 'province' or {of_dossiers} then {figure} else coalesce({figure}, 0) end as {figure}"
    )


def test_every_figure_that_moved_is_listed_as_reported_and_as_now(release: duckdb.DuckDBPyConnection) -> None:
    sides = [f"{figure}_{side}" for side in ("before", "after") for figure in FIGURES]
    key = ", ".join(KEY)
    both = ", ".join(f"{side}.{figure} as {figure}_{side}" for side in ("before", "after") for figure in FIGURES)
    moved = "value_before is distinct from value_after"

    def listed(relation: str) -> set[tuple]:
        query = f"select * from (select {key}, {', '.join(map(as_compared, sides))} from {relation}) where {moved}"
        return set(release.execute(query).fetchall())

    expected = listed(f"""(
        select {key}, {both}
        from (from answers where as_of = '{JUNE}') as before
        full outer join (
            from marts.kpi_values where (period_type, period_start) in (select (period_type, period_start) from answers)
        ) as after using ({key})
    )""")
    found = listed("marts.restated_kpis")
    assert found ^ expected == set()
    # KPIs of dossiers, moved by each of what moves them, and of the other sources, in every kind of scope.
    assert {row[0] for row in found} >= {"dossiers_received", "average_processing_working_days", "portal_sync_rate",
                                         "plan_tasks_overdue", "petitions_received", "satisfaction_rate", "internal_process_rate"}  # fmt: skip
    assert {row[1] for row in found} == set(scope_types())
    assert release.execute(f"select count(*) from marts.restated_kpis where not ({moved})").fetchone() == (0,)


def test_each_report_of_a_closed_period_is_as_known_on_its_day(release: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join([*KEY, "as_of", *FIGURES])
    found = set(release.execute(f"select {columns} from marts.kpi_vintages").fetchall())
    expected = release.execute(f"""
        select {columns}
        from answers inner join marts.kpi_catalogue using (kpi_code)
        -- The last release no longer reports April, whose only dossier is deleted.
        where is_headline and scope_type in ('province', 'agency') and not (period_start = '2023-04-01' and
            period_type = 'month' and as_of = '{JULY}')
    """).fetchall()
    assert found ^ set(expected) == set()
    resolved = release.execute("""
        select as_of::varchar, scope_code, release_id, numerator from marts.kpi_vintages
        where kpi_code = 'dossiers_resolved' and period_type = 'month' and period_start = '2023-06-01'
        and scope_code in ('all', 'H33.03') order by all
    """).fetchall()
    # H33.03 has one dossier: open, then closed in June, then moved to another agency.
    assert resolved == [
        ("2023-06-30", "H33.03", "000001_2023-06-30", 0), ("2023-06-30", "all", "000001_2023-06-30", 6),
        ("2023-07-10", "H33.03", "000002_2023-07-10", 1), ("2023-07-10", "all", "000002_2023-07-10", 7),
        ("2023-07-20", "all", None, 6),
    ]  # fmt: skip


def test_the_record_outlives_its_releases_and_a_rebuild_says_the_same(home: Path) -> None:
    tables = [(table, rows(home, f"select * from marts.{table} order by all")) for table in TABLES]
    record = reported.reports(Home(home))
    assert [(r.release_id, r.as_of, r.reported_from) for r in record] == [
        ("000001_2023-06-30", JUNE, date(2023, 4, 1)), ("000002_2023-07-10", BETWEEN, date(2023, 4, 1)),
        ("000002_2023-07-20", JULY, date(2023, 5, 1)),
    ]  # fmt: skip
    # A run that died between publication and record, and somebody who moved the record aside.
    whole = Home(home).reported.read_bytes()
    Home(home).reported.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    assert reported.complete(Home(home)) == record
    Home(home).reported.unlink()
    kept = [(report.release_id, report.as_of, report.reported_from) for report in reported.complete(Home(home))]
    assert kept == [(r.release_id, r.as_of, r.reported_from) for r in record if r.release_id != GONE["release_id"]]
    Home(home).reported.write_bytes(whole)

    with held(nights.asked(None, home, JULY, must_build=True, reads_landing=False)) as night:
        steps.build(night, steps.ingest(night))
    with duckdb.connect(str(night.home.warehouse), read_only=True) as con:
        for table, before in tables:
            assert con.execute(f"select * from marts.{table} order by all").fetchall() == before, table


def test_the_history_of_a_dossier_tells_what_it_moved(home: Path, ask: Callable[..., str]) -> None:
    told = json.loads(ask("history", "H33-other", "--home", home, "--format", "json"))
    same = "in_process, within_due"
    assert [(row["entry"], row["what"], row["before"], row["after"]) for row in told][-6:] == [
        ("exported", None, None, None),
        ("changed", "channel", "direct", "online"),
        ("flagged", "information_service_online: online channel for an information service", None, None),
        ("restated", "month 2023-06-01 as reported by 000001_2023-06-30: other", same, same),
        ("restated", "quarter 2023-04-01 as reported by 000001_2023-06-30: other", same, same),
        ("portal", "missing_on_portal", "4", None),
    ]
    assert {row["at"] for row in told[-6:]} == {"2023-07-20 07:00:00", None}
