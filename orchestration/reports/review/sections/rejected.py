"""Files and rows that are counted nowhere, by source, reason and office."""

from __future__ import annotations

from orchestration.reports.layout.shown import shown
from orchestration.reports.review.declared import texts, title_of
from orchestration.reports.review.parts import Section
from orchestration.reports.review.release import (
    ReviewedRelease,
    by_group,
    counted_table,
    former_days,
    source_title,
    trend,
)


def rejected(release: ReviewedRelease) -> Section:
    told = texts()
    listed = "source, reason_code, office, source_file, detail"
    files = release.rows("select source, reason_code, count(*) from told_files group by all order by all nulls first")
    of_files = by_group(release, f"select {listed} from told_files", 2, len(files))
    by_files = counted_table(
        "Tệp bị loại toàn bộ, theo nguồn và lý do",
        ("Nguồn", "Lý do", "Số tệp", "Việc cần làm"),
        [
            ((source, r), (source_title(source), title_of(told.reasons_of_files, r), count, _remedy(r)), count)
            for source, r, count in files
        ],
        {key: [(release.office(o), file, detail) for o, file, detail in rows] for key, rows in of_files.items()},
        ("Đơn vị", "Tệp", "Chi tiết"), "marts.dq_rejected_files", ("source", "reason"),
    )  # fmt: skip
    senders = release.rows("select office, count(*) as n from told_files group by office order by n desc, office")
    of_sender = by_group(
        release, "select office, source, source_file, reason_code, detail from told_files", 1, len(senders)
    )
    files_by_office = counted_table(
        "Tệp bị loại toàn bộ, theo đơn vị",
        ("Đơn vị", "Số tệp"),
        [((office,), (release.office(office), count), count) for office, count in senders],
        {
            key: [(source_title(s), file, title_of(told.reasons_of_files, r), detail) for s, file, r, detail in rows]
            for key, rows in of_sender.items()
        },
        ("Nguồn", "Tệp", "Lý do", "Chi tiết"), "marts.dq_rejected_files", ("office",),
    )  # fmt: skip
    by_reason = release.rows("""
        select source, reason_code, column_vi, count(*) as n from told_rows
        group by source, reason_code, column_vi order by n desc, source, reason_code, column_vi
    """)
    of_reason = by_group(
        release, "select source, reason_code, column_vi, office, source_file, row_number, correct_vi from told_rows", 3,
        len(by_reason),
    )  # fmt: skip
    where = "marts.dq_rejected_rows và sổ của từng đơn vị"
    rows_by_reason = counted_table(
        "Dòng bị loại, theo nguồn, lý do và cột",
        ("Nguồn", "Lý do", "Cột", "Số dòng"),
        [
            ((s, r, c), (source_title(s), title_of(told.reasons_of_rows, r), c, count), count)
            for s, r, c, count in by_reason
        ],
        of_reason, ("Đơn vị", "Tệp", "Dòng số", "Cần sửa"), where, ("source", "reason", "column"),
    )  # fmt: skip
    by_office = release.rows("select office, count(*) as n from told_rows group by office order by n desc, office")
    of_office = by_group(
        release, "select office, source, source_file, row_number, column_vi, reason_code from told_rows", 1,
        len(by_office),
    )  # fmt: skip
    of_office = {
        key: [(source_title(s), f, n, c, title_of(told.reasons_of_rows, r)) for s, f, n, c, r in rows]
        for key, rows in of_office.items()
    }
    former, gone = trend(release, "rejected_rows", lambda one: one["office"], by_office)
    rows_by_office = counted_table(
        "Dòng bị loại, theo đơn vị",
        ("Đơn vị", *former_days(release), "Bản này"),
        [((o,), (release.office(o), *former(o), count), count) for o, count in [*by_office, *gone]],
        of_office, ("Nguồn", "Tệp", "Dòng số", "Cột", "Lý do"), where, ("office",),
    )  # fmt: skip
    totals = release.summary["totals"]
    lead = (
        f"{shown(totals['files_rejected'])} tệp bị loại toàn bộ và {shown(totals['rows_rejected'])} dòng bị loại: "
        "không được tính trong bất kỳ số liệu nào.",
        "Mỗi đơn vị có sổ riêng để gửi lại trong thư mục offices/.",
    )
    return Section("rejected", "Tệp và dòng bị loại", lead, (by_files, files_by_office, rows_by_reason, rows_by_office))


def _remedy(reason: str) -> str:
    found = texts().reasons_of_files.get(reason)
    return found.correct if found else ""
