"""How fresh each source is, and whether it keeps its rhythm."""

from __future__ import annotations

from orchestration.quality.reviewed import load_rhythms
from orchestration.reports.layout.shown import shown
from orchestration.reports.review.declared import texts
from orchestration.reports.review.parts import Row, Section, Table
from orchestration.reports.review.release import ReviewedRelease
from orchestration.reports.review.sections.checks import checks_table

_NIGHTS, _RHYTHMS = "source_nights", "source_rhythms"
_HEADERS = (
    "Nguồn", "Thư mục", "Lần kết xuất mới nhất", "Số ngày trước", "Số tệp", "Số dòng nhận", "Nhịp gửi", "Tình trạng",
    "Chỉ tiêu, nguồn phụ thuộc",
)  # fmt: skip


def freshness(release: ReviewedRelease) -> Section:
    told, rhythms = texts(), load_rhythms().sources
    found = release.rows(
        "select freshness, title_vi, source, newest_export_at, days_since_newest_export, files_known, rows_accepted, "
        "rhythm_days, rhythm_unit, late_by_days from marts.dq_source_freshness "
        "order by list_position(['missing', 'overdue', 'late', 'in_time'], freshness), late_by_days desc, "
        "days_since_newest_export desc, source"
    )
    rows = []
    for state, title, source, newest, days, files, accepted, every, unit, late_by in found:
        counted = told.rhythm_units[unit]
        late = f": {shown(late_by)} {counted}" if state in ("late", "overdue") else ""
        cells = (
            title, source, told.freshness[state] if state == "missing" else newest, days, files, accepted,
            f"{shown(every)} {counted}", told.freshness[state] + late, rhythms[source].feeds,
        )  # fmt: skip
        rows.append(Row(cells, marks={"source": source, "freshness": state}))
    missing = sum(state == "missing" for state, *_ in found)
    behind = sum(state in ("late", "overdue") for state, *_ in found)
    lead = (
        f"{shown(missing)} nguồn chưa có dữ liệu: chỉ tiêu của nguồn đó để trống, không phải bằng 0. {shown(behind)} "
        "nguồn trễ so với nhịp gửi: số liệu phụ thuộc vào đó là số cũ. Nguồn trễ nhất đứng trước.",
    )
    rhythm = [c for c in release.checks if c["suite"] == _RHYTHMS]
    odd = [c for c in release.checks if c["suite"] == _NIGHTS and c["status"] != "passed"]
    tables = (
        Table("Các nguồn dữ liệu", _HEADERS, tuple(rows)),
        checks_table("Có nguồn nào trễ so với nhịp gửi đã định", rhythm),
        checks_table("Bất thường khác trong đêm mới nhất của từng nguồn", odd),
    )
    return Section("freshness", "Độ mới của từng nguồn", lead, tables)
