"""The review page of a release and the offices' workbooks: a reviewer's questions answered from the page alone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import lxml.html
import openpyxl
import pytest

from orchestration.home import Home
from orchestration.lake.decisions import Decision
from orchestration.publishing import releases
from orchestration.quality.verdict import Waiver
from orchestration.reports.review import Former, Subject, former_releases, write_review
from orchestration.reports.review import workbooks as books
from orchestration.reports.review.findings import UNKNOWN

HOSTILE = "H99.01-<script>alert(1)</script>"
FORMULA = '=cmd|"/C calc"!A0'
ODD = "\x1b[31m\u202eodd\ufffe" + "x" * 40_000
MANY = 3_000


class Review:
    """A written review, its page as a tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = (folder / "index.html").read_text("utf-8")
        self.tree = lxml.html.fromstring(self.text)
        self.summary = json.loads((folder / "summary.json").read_text("utf-8"))

    def section(self, key: str) -> Any:
        [found] = self.tree.xpath("//section[@id=$key]", key=key)
        return found

    def counts(self, section: str, caption: str) -> dict[tuple[str, ...], int]:
        """The counts of a table by the marks that name them."""
        return {
            tuple(v for k, v in sorted(body.items()) if k.startswith("data-") and k != "data-count"): int(
                body.get("data-count")
            )
            for body in self.bodies(section, caption)
        }

    def bodies(self, section: str, caption: str) -> list[Any]:
        [found] = [t for t in self.section(section).xpath(".//table[not(ancestor::table)]")
                   if t.findtext("caption").startswith(caption)]  # fmt: skip
        return found.xpath("./tbody[@*]")

    def cells(self, section: str, caption: str, **marks: str) -> list[str]:
        """The cells of the one row of a table that bears these marks."""
        [body] = [b for b in self.bodies(section, caption) if all(b.get(f"data-{k}") == v for k, v in marks.items())]
        return [" ".join(cell.text_content().split()) for cell in body.xpath("./tr[1]/*")]

    def opened(self, section: str, caption: str, **marks: str) -> list[list[str]]:
        """The rows that a count opens."""
        [body] = [b for b in self.bodies(section, caption) if all(b.get(f"data-{k}") == v for k, v in marks.items())]
        rows = body.xpath("./tr[@class='more']//details//tbody/tr")
        return [[cell.text_content() for cell in row.xpath("./td")] for row in rows]

    def book(self, office: str) -> dict[str, list[tuple[Any, ...]]]:
        book = openpyxl.load_workbook(self.folder / "offices" / f"{office}.xlsx")
        return {sheet.title: [tuple(row) for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book}


def subject_of(home: Path, **changes: Any) -> Subject:
    release = releases.read((home / "current").resolve())
    manifest = release.manifest
    given = Subject(release.release_id, release.as_of, manifest["code_version"], manifest["sources"])
    return replace(given, **changes)


@pytest.fixture(scope="module")
def published(home: Path) -> Review:
    return Review(home / "current" / "review")


@pytest.fixture(scope="module")
def troubled(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The golden release with everything in it that a reviewer asks about, and what nobody would write."""
    copy = tmp_path_factory.mktemp("troubled") / "cchc.duckdb"
    shutil.copyfile(home / "current" / "cchc.duckdb", copy)
    with duckdb.connect() as con:
        con.execute(f"attach '{copy}' as release")
        con.execute("use release")
        con.execute("""
            insert into marts.dq_check_results by name
            select 'reconciliation.difference_is_zero' as check_code, 'great_expectations' as kind,
                'reconciliation' as suite, 'failed' as status, 'error' as severity, true as is_blocking,
                '1 of 9 rows: flows_close' as observed, '2026-11-22, figures that do not close' as reason
        """)
        con.execute("""
            insert into marts.dq_check_results by name
            select 'fct_dossiers_grain' as check_code, 'dbt' as kind, 'fct_dossiers' as suite, 'failed' as status,
                'error' as severity, true as is_blocking, '2 rows' as observed, 'No two rows share the grain.' as reason
        """)
        con.execute("""
            insert into marts.dq_rejected_files values
            ('dossiers', 'dossiers/H99.02/hoso_20230801.csv.gz', 'unreadable', 'the gz archive is damaged: copy the file again'),
            ('dossiers', 'dossiers/hoso_H99.01_20230801.xlsx', 'too_large', 'a cell of row 7 holds more than 1 MiB: shorten it'),
            ('dossiers', 'dossiers/H99.01/H99.02_20230801.csv', 'empty', 'the file holds no bytes: export it again'),
            ('dossiers', 'dossiers/one_office_20230801.csv', 'empty', 'the file holds no bytes: export it again')
        """)
        con.execute("""
            insert into marts.fct_dossier_versions by name
            select * replace ('dossiers/one_office_20230801.csv' as source_file) from marts.fct_dossier_versions
            where agency_code = 'H99.02' limit 1
        """)
        con.execute("""
            update marts.dq_reconciliation set left_value = 7, right_value = 5, difference = 2
            where identity = 'flows_close' and scope_type = 'agency' and scope_code = 'H99.02'
                and period_type = 'month' and period_start = date '2023-02-01'
        """)
        con.execute("""
            insert into marts.restatements values
            ('month', date '2023-05-01', date '2023-05-31', '000001_2023-06-30', date '2023-06-30',
             'H99.02-230201-0004', 'H99.02', 'absent', null, 'resolved', 'late', 'late_arrival', 'dossiers/late.csv',
             timestamp '2023-07-02 08:00:00')
        """)
        con.execute("""
            insert into marts.restated_kpis by name
            select 'on_time_rate' as kpi_code, scope_type, scope_code, 'month' as period_type,
                date '2023-05-01' as period_start, date '2023-05-31' as period_end,
                '000001_2023-06-30' as first_release_id, date '2023-06-30' as first_as_of,
                2 as numerator_before, 3 as denominator_before, 2 / 3 as value_before,
                3 as numerator_after, 4 as denominator_after, 0.75 as value_after
            from (values ('province', 'all'), ('agency', 'H99.01'), ('agency', 'H99.02'), ('field', 'x')) as s(scope_type, scope_code)
            union all by name
            select 'dossiers_resolved' as kpi_code, 'agency' as scope_type, 'H99.02' as scope_code, 'year' as period_type,
                date '2022-01-01' as period_start, date '2022-12-31' as period_end,
                '000001_2023-06-30' as first_release_id, date '2023-06-30' as first_as_of,
                2 as numerator_before, 2 as value_before, 1 as numerator_after, 1 as value_after
        """)
        con.execute("""
            insert into marts.dq_portal_differences values
            ('H99.02-230201-0004', 'due_on_differs', '2023-03-01', '2023-03-31'),
            ('H98-1', 'missing_here', null, '4')
        """)
        con.execute(
            "insert into marts.dq_flags values ('dossiers', ?, 'reopened', 'open again in the export of 2023-05-01', ?)",
            [HOSTILE, FORMULA],
        )
        con.execute(
            "insert into marts.dq_flags values ('dossiers', ?, 'unknown_agency', 'agency ../../x', ?)", [ODD, ODD]
        )
        con.execute(f"""
            insert into marts.dq_flags
            select 'dossiers', 'H99.02-many-' || n, 'no_due_date', 'resolved, counted as on the due date', 'd.csv'
            from range({MANY}) as numbers(n)
        """)
        con.execute(
            "insert into marts.dq_flags values ('dossiers', 'H99.01-230101-0001', 'reopened', "
            "'open again in the export of 2023-05-01', 'dossiers/new.csv')"
        )
        for number, (row, column) in enumerate([
            ({"agency_code": "H99.02", "dossier_code": "H99.01-1"}, "due_at"),
            ({"dossier_code": "H99.02-1"}, "procedure_code"),
            ({"agency_code": "../../etc/passwd"}, "status"),
            ({"lead_agency_code": "H99.01"}, FORMULA),
            ({"agency_code": "no-office-has-this-code"}, "status"),
        ]):  # fmt: skip
            con.execute(
                "insert into marts.dq_rejected_rows values ('dossiers', ?, ?, ?, 'missing', '', ?)",
                [f"dossiers/{HOSTILE}.csv", number, column, json.dumps(row)],
            )
        con.execute(
            "insert into marts.dim_agency by name select '../../etc/passwd' as agency_code, 'Sở <b>' as agency_name"
        )
        yield con


WAIVER = Waiver("reconciliation.difference_is_zero", "đã giải trình", "Chánh Văn phòng", "2023-08-01T08:00:00")
DECISION = Decision(
    "accepted", "dossiers", "dossiers/hoso_20230630_2300.csv", "0" * 64, None, "đã kiểm tra", "Sở Nội vụ",
    "2023-07-31T09:30:00",
)  # fmt: skip


@pytest.fixture(scope="module")
def review(
    home: Path, published: Review, troubled: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory
) -> Review:
    """The troubled release after the golden one, with a waiver and a decision."""
    folder = tmp_path_factory.mktemp("review") / "review"
    write(troubled, folder, home, published)
    return Review(folder)


def write(con: duckdb.DuckDBPyConnection, folder: Path, home: Path, published: Review) -> None:
    new = {"source": "dossiers", "source_file": "dossiers/new.csv", "sha256": "1" * 64, "rows_read": 7,
           "rows_accepted": 7, "rows_rejected": 0}  # fmt: skip
    golden = subject_of(home)
    subject = replace(golden, release_id="000002_2023-07-31", files=[*golden.files, new], decisions=(DECISION,))
    before = json.loads(json.dumps(published.summary))
    before["kpis"]["values"]["dossiers_received"]["numerator"] -= 1
    before["flags"].append({"rule": "due_before_received", "office": "H99.09", "count": 5})
    known = frozenset((f["source_file"], f["sha256"]) for f in golden.files)
    write_review(con, folder, subject, [Former(before, known)], [WAIVER])
    for table in ("offices", "offices_of_communes", "told_rows", "told_files", "told_flags"):
        con.execute(f"drop table temp.{table}")


# ---------------------------------------------------------------- ten questions of a reviewer


def what_blocks(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    cells = review.cells("verdict", "Lỗi chặn công bố", check="reconciliation.difference_is_zero")
    assert cells[0] == "Đối chiếu số liệu hồ sơ" and cells[2] == "Không đạt, được miễn trừ"
    assert cells[3] == "1 trong 9 dòng: flows_close" and "đẳng thức không khớp" in cells[5]
    assert cells[4] == "Quy ước tiếp nhận, mục 4: số liệu không khép kín thì không công bố."
    of_model = review.cells("verdict", "Lỗi chặn công bố", check="fct_dossiers_grain")
    assert of_model[:4] == ["Bảng fct_dossiers", "Mỗi đối tượng của bảng chỉ có một dòng.", "Không đạt", "2 dòng"]
    assert review.tree.xpath("//p[@data-passed='false']")


def what_is_new(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    assert review.cells("news", "Tổng số", total="flags") == ["Cảnh báo", "4", "3.007", "+3.003"]
    assert review.cells("news", "Chỉ tiêu", kpi="dossiers_received") == ["Hồ sơ tiếp nhận", "10", "11", "+1"]
    [body] = review.bodies("news", "Tệp mới")
    assert body.get("data-file") == "dossiers/new.csv" and body.get("data-count") == "1"
    [row] = review.opened("news", "Tệp mới", file="dossiers/new.csv")
    assert row == ["cảnh báo", "H99.01-230101-0001", "Đã kết thúc rồi mở lại", "mở lại trong bản kết xuất 01/05/2023"]


def which_files_were_rejected_and_why(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    marks = {"source": "dossiers", "reason": "no_export_stamp"}
    cells = review.cells("rejected", "Tệp bị loại toàn bộ, theo nguồn", **marks)
    assert cells[1:3] == ["Tên tệp không có thời điểm kết xuất", "1"] and "20231116_2330" in cells[3]
    [row] = review.opened("rejected", "Tệp bị loại toàn bộ, theo nguồn", **marks)
    assert row == ["Không rõ cơ quan (khong-ro)", "dossiers/khong ngay.csv", "tên tệp không có ngày"]


def which_files_of_an_office(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    by_office = "Tệp bị loại toàn bộ, theo đơn vị"
    assert review.counts("rejected", by_office) == {("H99.01",): 1, ("H99.02",): 2, (UNKNOWN,): 2}
    assert review.opened("rejected", by_office, office="H99.01") == [
        ["Hồ sơ thủ tục hành chính", "dossiers/hoso_H99.01_20230801.xlsx", "Tệp vượt giới hạn",
         "một ô của dòng 7 lớn hơn 1 MiB"]
    ]  # fmt: skip
    assert [row[1] for row in review.opened("rejected", by_office, office="H99.02")] == [
        "dossiers/H99.02/hoso_20230801.csv.gz", "dossiers/one_office_20230801.csv",
    ]  # fmt: skip


def which_rows_of_an_office(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    opened = review.opened("rejected", "Dòng bị loại, theo đơn vị", office="H99.02")
    assert {(row[2], row[3]) for row in opened} == {("0", "Ngày hẹn trả"), ("1", "Mã TTHC")}
    assert review.counts("rejected", "Dòng bị loại, theo đơn vị") == {
        ("../../etc/passwd",): 1, ("H99.01",): 2, ("H99.02",): 2, (UNKNOWN,): 1,
    }  # fmt: skip


def which_rule_by_whom_and_is_it_growing(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    first = review.bodies("flags", "Theo quy tắc")[0]
    assert first.get("data-rule") == "no_due_date"
    cells = review.cells("flags", "Theo quy tắc", rule="no_due_date")
    assert cells[1:4] == ["1", "3.001", "+3.000"] and cells[4] == "UBND xã Thử (H99.02): 3.001"
    gone = review.cells("flags", "Theo quy tắc", rule="due_before_received")
    assert gone == ["Ngày hẹn trả trước ngày tiếp nhận", "5", "0", "-5", "–"]
    assert review.cells("flags", "Theo đơn vị", office="H99.09") == ["H99.09", "5", "0", "-5", "–"]


def which_source_is_late(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    bodies = review.bodies("freshness", "Các nguồn")
    assert bodies[0].xpath("./tr/td")[1].text_content() == "chưa có dữ liệu"
    [(days,)] = release.execute(
        "select days_since_newest_export from marts.dq_source_freshness where source = 'registers/agencies'"
    ).fetchall()
    assert review.cells("freshness", "Các nguồn", source="registers/agencies")[3] == str(days)
    dossiers = review.cells("freshness", "Các nguồn", source="dossiers")
    assert dossiers[6] == "1 ngày làm việc" and dossiers[8].startswith("Mọi chỉ tiêu về hồ sơ")
    assert dossiers[7] == "trễ: 6 ngày làm việc"
    late = review.cells("freshness", "Có nguồn nào trễ", check="source_rhythms.no_source_late")
    assert late[1:4] == [
        "Không nguồn nào gửi dữ liệu trễ",
        "Không đạt",
        "4 trong 21 dòng: dossiers 2023-07-20; registers/agencies 2023-01-02; registers/procedures 2023-01-02",
    ]


def do_the_identities_hold(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    [(left, right)] = release.execute(
        "select left_value, right_value from marts.dq_reconciliation where identity = 'flows_close' "
        "and scope_type = 'province' and period_type = 'month' and period_start = date '2023-07-01'"
    ).fetchall()
    cells = review.cells("reconciliation", "Đẳng thức", identity="flows_close")
    assert (cells[2], cells[4], cells[5], cells[6]) == (str(left), str(right), "tháng 07/2023", "1")
    off = review.opened("reconciliation", "Đẳng thức", identity="flows_close")[0]
    assert off == ["Đơn vị: UBND xã Thử (H99.02)", "tháng 02/2023", "7", "5", "2"]


def which_reported_figures_moved(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    moved = {"period_start": "2023-05-01", "kpi": "on_time_rate"}
    cells = review.cells("restatements", "Chỉ tiêu đã báo cáo", **moved)
    assert cells == ["tháng 05/2023", "Tỷ lệ giải quyết trước và đúng hạn", "66,67 %", "75,00 %", "+8,33", "2"]
    opened = review.opened("restatements", "Chỉ tiêu đã báo cáo", **moved)
    assert opened == [
        [f"{office}", "66,67 %", "75,00 %", "+8,33"] for office in ("Sở Thử (H99.01)", "UBND xã Thử (H99.02)")
    ]
    only_offices = review.cells("restatements", "Chỉ tiêu đã báo cáo", kpi="dossiers_resolved")
    assert only_offices == ["năm 2022", "Hồ sơ đã giải quyết", "–", "–", "không đổi", "1"]
    marks = {"period_start": "2023-05-01", "reason": "late_arrival"}
    cells = review.cells("restatements", "Theo kỳ", **marks)
    assert cells == ["tháng 05/2023", "Hồ sơ đến sau khi đã báo cáo", "000001_2023-06-30", "30/06/2023", "1"]
    [row] = review.opened("restatements", "Theo kỳ", **marks)
    assert row[:4] == ["H99.02-230201-0004", "UBND xã Thử (H99.02)", "chưa có", "đã giải quyết, trễ hạn"]


def who_accepted_which_exception(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    waived = review.section("waivers").text_content()
    assert all(word in waived for word in (WAIVER.check_code, WAIVER.reason, WAIVER.waived_by, WAIVER.waived_at))
    [banner] = review.tree.xpath("//header//li[@data-waived]")
    assert WAIVER.waived_by in banner.text_content()
    decided = review.section("decisions").text_content()
    assert all(
        word in decided for word in (DECISION.source_file, "Chấp nhận nguyên trạng", DECISION.reason, "Sở Nội vụ")
    )


def which_points_are_lost_and_through_whom(review: Review, release: duckdb.DuckDBPyConnection) -> None:
    place = {"index": "QD766", "criterion": "TDGQ"}
    [(lost,)] = release.execute(
        "select points_lost from marts.scorecard_values where criterion_code = 'TDGQ' and scope_type = 'province' "
        "and period_type = 'year' and period_end = date '2023-07-31'"
    ).fetchall()
    assert lost > 0 and review.cells("scores", "QD766", **place)[3] == f"{lost:.2f}".replace(".", ",")
    through = release.execute(
        "select scope_code, shortfall from marts.points_lost_through(date '2023-01-01', date '2023-07-31', "
        "date '2023-07-31') where criterion_code = 'TDGQ' and scope_type = 'agency' order by place, scope_code"
    ).fetchall()
    opened = [row for row in review.opened("scores", "QD766", **place) if row[0] == "Đơn vị"]
    assert [(row[1].split("(")[1][:-1], int(row[4])) for row in opened] == through
    assert review.bodies("scores", "PAR")


@pytest.mark.parametrize(
    "question",
    [
        what_blocks, what_is_new, which_files_were_rejected_and_why, which_files_of_an_office, which_rows_of_an_office,
        which_rule_by_whom_and_is_it_growing, which_source_is_late, do_the_identities_hold,
        which_reported_figures_moved, who_accepted_which_exception, which_points_are_lost_and_through_whom,
    ],
)  # fmt: skip
def test_questions_of_a_reviewer(
    question: Callable[..., None], review: Review, release: duckdb.DuckDBPyConnection
) -> None:
    question(review, release)


# ---------------------------------------------------------------- the page and the release say the same


def test_counts_are_the_releases(review: Review, troubled: duckdb.DuckDBPyConnection) -> None:
    def counted(query: str) -> dict[tuple[str, ...], int]:
        return {tuple(key): count for *key, count in troubled.execute(query).fetchall()}

    rules = review.counts("flags", "Theo quy tắc")
    assert rules.pop(("due_before_received",)) == 0, "the last release had it"
    assert rules == counted("select rule_code, count(*) from marts.dq_flags group by 1")
    assert sum(review.counts("flags", "Theo đơn vị").values()) == MANY + 7
    assert review.counts("rejected", "Tệp bị loại toàn bộ, theo nguồn") == counted(
        "select reason_code, source, count(*) from marts.dq_rejected_files group by all"
    )
    assert sum(review.counts("rejected", "Dòng bị loại, theo nguồn").values()) == 6
    assert review.counts("portal", "Theo đơn vị") == {("due_on_differs", "H99.02"): 1, ("missing_here", UNKNOWN): 1}
    checks = dict(troubled.execute("select status, count(*) from marts.dq_check_results group by 1").fetchall())
    assert review.summary["checks"] == {"errored": 0} | checks
    [(value,)] = troubled.execute(
        "select numerator from marts.kpi_values where kpi_code = 'dossiers_resolved' and scope_type = 'province' "
        "and period_type = 'year' and period_end = date '2023-07-31'"
    ).fetchall()
    [shown] = review.tree.xpath("//div[@data-kpi='dossiers_resolved']/dd/text()")
    assert shown == str(value) == review.cells("news", "Mọi chỉ tiêu", kpi="dossiers_resolved")[1]
    codes = {code for (code,) in troubled.execute("select kpi_code from marts.kpi_catalogue").fetchall()}
    assert {body.get("data-kpi") for body in review.bodies("news", "Mọi chỉ tiêu")} == codes


def test_every_count_opens_its_rows_and_tells_of_the_rest(review: Review) -> None:
    for body in review.tree.xpath("//tbody[@data-count]"):
        if int(body.get("data-count")):
            listed = len(body.xpath(".//details//tbody/tr"))
            [summary] = body.xpath(".//summary/text()")
            assert 0 < listed <= 200 and summary == f"Xem {listed} / {int(body.get('data-count')):,} dòng".replace(
                ",", "."
            )
            hidden = int(body.get("data-count")) - listed
            assert bool(hidden) == bool(body.xpath(".//p[@class='rest']")), summary
    [rest] = [b for b in review.bodies("flags", "Theo quy tắc") if b.get("data-rule") == "no_due_date"]
    assert "Còn 2.801 dòng" in rest.text_content() and "marts.dq_flags" in rest.text_content()


def test_the_first_release_says_so(published: Review) -> None:
    assert "bản công bố đầu tiên" in published.section("news").text_content()
    assert published.tree.xpath("//p[@data-passed='true']") and not published.tree.xpath("//*[@data-waived]")
    assert "Không có lỗi nào chặn công bố" in published.section("verdict").text_content()
    check = published.cells("warnings", "Phép kiểm tra", check="landing_batch.no_file_rejected_whole")
    assert check[3] == "1 trong 7 dòng: dossiers dossiers/khong ngay.csv" and "cchc accept" in check[5]


def test_former_releases_are_read_where_they_stand(home: Path, published: Review) -> None:
    now = subject_of(home)
    assert former_releases(Home(home), now) == []
    [found] = former_releases(Home(home), replace(now, release_id="000002_2023-08-01", as_of=date(2023, 8, 1)))
    assert found.summary == published.summary and len(found.files) == 6
    assert former_releases(Home(home), replace(now, release_id="000002_2023-07-30", as_of=date(2023, 7, 30))) == []


def test_command_and_status_say_where_it_is(home: Path, first_night: Any, ask: Callable[..., str]) -> None:
    page = str((home / "current").resolve() / "review" / "index.html")
    assert [line for line in first_night[1].stdout.splitlines() if line.split() == ["review", page]]
    assert f"review    {page}\n" in ask("status", "--home", home)


# ---------------------------------------------------------------- one page, readable by anyone, and nobody's secret


def test_the_page_stands_alone(review: Review) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(", review.text.replace("<!DOCTYPE html>", ""))
    assert not review.tree.xpath("//script | //link | //img | //iframe | //object | //*[@onclick or @style]")
    assert review.tree.get("lang") == "vi"
    for table in review.tree.xpath("//table"):
        assert table.findtext("caption").strip() and table.xpath("./thead/tr/th[@scope='col']")
    for link in review.tree.xpath("//a/@href"):
        found = review.tree.xpath("//*[@id=$id]", id=link[1:]) if link[0] == "#" else (review.folder / link).exists()
        assert found, link
    ids = review.tree.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_no_person_is_on_it(review: Review, published: Review, troubled: duckdb.DuckDBPyConnection) -> None:
    keys = {
        value
        for schema, table, column in troubled.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where schema_name in ('marts', 'history') and column_name like '%\\_key' escape '\\'"
        ).fetchall()
        for (value,) in troubled.execute(f'select distinct "{column}" from {schema}."{table}"').fetchall()
        if value
    }
    assert len(keys) > 15
    for page in (review, published):
        sheets = [str(page.book(p.stem)) for p in (page.folder / "offices").iterdir()]
        text = page.text + json.dumps(page.summary) + "".join(sheets)
        assert not [key for key in keys if key in text]
        assert "raw_row" not in text and "no-office-has-this-code" not in text


def test_hostile_text_stays_text(review: Review) -> None:
    assert "<script" not in review.text and "&lt;script&gt;alert(1)&lt;/script&gt;" in review.text
    assert "\x1b" not in review.text and "\u202e" not in review.text and "x" * 1_000 not in review.text
    assert "␛[31m\\u202eodd\\ufffe" in review.text
    [summed] = {p.name for p in (review.folder / "offices").iterdir()} - {
        "H99.01.xlsx", "H99.02.xlsx", f"{UNKNOWN}.xlsx",
    }  # fmt: skip
    assert (
        re.fullmatch(r"ma-[0-9a-f]{12}\.xlsx", summed)
        and ("Mã đơn vị", "../../etc/passwd") in review.book(summed[:-5])["Tổng hợp"]
    )
    texts = [c for o in ("H99.01", UNKNOWN) for rows in review.book(o).values() for row in rows for c in row if c]
    assert f"'{FORMULA}" in texts and FORMULA not in texts and HOSTILE in texts
    assert any(str(text).startswith("␛[31m\\u202eodd") for text in texts)


# ---------------------------------------------------------------- workbooks


def test_workbooks_hold_what_offices_correct(
    review: Review, published: Review, release: duckdb.DuckDBPyConnection
) -> None:
    flags = release.execute("""
        select split_part(entity_code, '-', 1), entity_code, source_file from marts.dq_flags order by rule_code
    """).fetchall()
    held = {(p.stem, row[1], row[5]) for p in (published.folder / "offices").iterdir()
            for row in published.book(p.stem)[books.FLAGS_SHEET]}  # fmt: skip
    assert held == set(flags)
    assert published.book("H99.01")[books.FLAGS_SHEET][0] == (
        "Hồ sơ thủ tục hành chính", "H99.01-230615-0013", "Đã kết thúc nhưng không có ngày kết thúc",
        "không có ngày kết thúc xử lý và ngày trả kết quả",
        "Bổ sung ngày kết thúc xử lý hoặc ngày trả kết quả, hoặc sửa lại trạng thái.",
        "dossiers/hoso_20230630_2300.csv",
    )  # fmt: skip
    sheet = openpyxl.load_workbook(review.folder / "offices" / "H99.02.xlsx")[books.ROWS_SHEET]
    assert sheet.freeze_panes == "A2" and sheet.row_dimensions[2].height == 30, (
        "what is to be corrected needs two lines"
    )
    book = review.book("H99.02")
    assert book["Tổng hợp"][:2] == [("Đơn vị", "UBND xã Thử"), ("Mã đơn vị", "H99.02")]
    assert dict(book["Tổng hợp"])[books.ROWS_SHEET] == 2 == len(book[books.ROWS_SHEET])
    assert dict(book["Tổng hợp"])[books.FLAGS_SHEET] == MANY + 2 == len(book[books.FLAGS_SHEET])
    assert book[books.ROWS_SHEET][0][3:] == (
        "Ngày hẹn trả", "Thiếu giá trị bắt buộc",
        "Điền giá trị vào cột này: ngày giờ có thật, dạng dd/MM/yyyy HH:mm",
    )  # fmt: skip
    assert review.book(UNKNOWN)["Tổng hợp"][0] == ("Đơn vị", "Không rõ cơ quan")


def test_the_same_release_gives_the_same_bytes(
    review: Review, home: Path, published: Review, troubled: duckdb.DuckDBPyConnection, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """And a workbook of more rows than a sheet is to hold says how many there are."""
    write(troubled, tmp_path / "again", home, published)
    files = sorted(p.relative_to(review.folder) for p in review.folder.rglob("*") if p.is_file())
    assert len(files) == 6
    assert [f for f in files if (review.folder / f).read_bytes() != (tmp_path / "again" / f).read_bytes()] == []
    monkeypatch.setattr(books, "MOST_ROWS", 100)
    write(troubled, tmp_path / "bounded", home, published)
    book = Review(tmp_path / "bounded").book("H99.02")
    assert len(book[books.FLAGS_SHEET]) == 100
    assert (f"Lưu ý, trang {books.FLAGS_SHEET}", f"Chỉ liệt kê 100 trong {MANY + 2} dòng.") in book["Tổng hợp"]


def test_a_release_of_nothing_has_its_page(home: Path, tmp_path: Path) -> None:
    """No file, no figure, no check: everything is said to be missing, and nothing passed."""
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "cchc.duckdb")
    with duckdb.connect() as con:
        con.execute(f"attach '{tmp_path / 'cchc.duckdb'}' as release")
        con.execute("use release")
        for (table,) in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall():
            con.execute(f"delete from marts.{table}")
        subject = subject_of(home, files=[])
        write_review(con, tmp_path / "review", subject, [Former(nothing(subject), frozenset())])
    review = Review(tmp_path / "review")
    assert review.tree.xpath("//p[@data-passed='false']") and not list((tmp_path / "review" / "offices").iterdir())
    assert len(review.tree.xpath("//section")) == 12
    assert review.cells("news", "Tổng số", total="dossiers") == ["Hồ sơ", "3", "0", "-3"]


def test_each_total_opens_its_rows(home: Path, tmp_path: Path) -> None:
    """Below it, or where it leads to; dossiers that only files tell of which the release before did not count."""
    subject = subject_of(home)
    [new] = [f["source_file"] for f in subject.files if f["source_file"] == "dossiers/hoso_20230310_2300.csv"]
    known = frozenset((f["source_file"], f["sha256"]) for f in subject.files if f["source_file"] != new)
    with duckdb.connect() as con:
        con.execute(f"attach '{home / 'current' / 'cchc.duckdb'}' as release (read_only)")
        con.execute("use release")
        write_review(con, tmp_path / "review", subject, [Former(nothing(subject), known)])
        files_of: dict[str, set[str]] = {}
        for code, file in con.execute("select dossier_code, source_file from marts.fct_dossier_versions").fetchall():
            files_of.setdefault(code, set()).add(file)
    review = Review(tmp_path / "review")
    expected = sorted(code for code, files in files_of.items() if files == {new})
    assert 0 < len(expected) < len(files_of)
    assert [row[0] for row in review.opened("news", "Tổng số", total="dossiers")] == expected
    totals = {body.get("data-total"): body for body in review.bodies("news", "Tổng số")}
    assert len(totals) == 6
    for key, body in totals.items():
        places = [link.removeprefix("#") for link in body.xpath(".//th/a/@href")]
        assert [len(review.tree.xpath(f"//*[@id='{p}']")) for p in places] == ([] if key == "dossiers" else [1]), key


def nothing(subject: Subject) -> dict[str, Any]:
    """The summary of a release before, of which only totals are asked."""
    totals = dict.fromkeys(
        ("files", "files_rejected", "rows_read", "rows_rejected", "dossiers", "flags", "restatements"), 3
    )
    return {"release_id": "000000_2023-07-30", "as_of": "2023-07-30", "totals": totals, "flags": [], "rejected_rows": [],
            "rejected_files": [], "kpis": {"period_start": "2023-01-01", "period_end": None, "values": {}}}  # fmt: skip
