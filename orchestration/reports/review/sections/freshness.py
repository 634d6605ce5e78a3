"""How fresh each source is."""

from __future__ import annotations

from orchestration.reports.review.parts import Row, Section, Table
from orchestration.reports.review.release import ReviewedRelease
from orchestration.reports.review.sections.checks import checks_table
from orchestration.reports.review.shown import shown

_OVERDUE = "source_nights.export_not_overdue"


def freshness(release: ReviewedRelease) -> Section:
    found = release.rows(
        "select title_vi, source, newest_export_at, days_since_newest_export, files_known, rows_accepted, is_missing "
        "from marts.dq_source_freshness order by is_missing desc, days_since_newest_export desc, source"
    )
    rows = tuple(
        Row((title, source, "chưa có dữ liệu" if missing else newest, days, files, accepted), marks={"source": source})
        for title, source, newest, days, files, accepted, missing in found
    )
    headers = ("Nguồn", "Thư mục", "Lần kết xuất mới nhất", "Số ngày trước", "Số tệp", "Số dòng nhận")
    missing = sum(is_missing for *_, is_missing in found)
    lead = (
        f"{shown(missing)} nguồn chưa có dữ liệu: chỉ tiêu của nguồn đó để trống, không phải bằng 0. Nguồn cũ nhất "
        "đứng trước.",
    )
    nights = [c for c in release.checks if c["suite"] == _OVERDUE.split(".")[0]]
    late = [c for c in nights if c["check_code"] == _OVERDUE]
    odd = [c for c in nights if c["check_code"] != _OVERDUE and c["status"] != "passed"]
    tables = (
        Table("Các nguồn dữ liệu", headers, rows),
        checks_table("Có nguồn nào trễ so với nhịp thường lệ của mình", late),
        checks_table("Bất thường khác trong đêm mới nhất của từng nguồn", odd),
    )
    return Section("freshness", "Độ mới của từng nguồn", lead, tables)
