"""What moved figures that were reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestration.reports.figures import rounded
from orchestration.reports.layout.shown import MISSING, shown
from orchestration.reports.review.declared import texts
from orchestration.reports.review.findings import UNKNOWN
from orchestration.reports.review.parts import Section, Table
from orchestration.reports.review.release import (
    ReviewedRelease,
    by_group,
    counted_table,
    kpi_told,
    movement,
    period_told,
)


def restatements(release: ReviewedRelease) -> Section:
    told = texts()
    found = release.rows("""
        select period_type, period_start, reason_code, min(first_release_id), min(first_as_of), count(*) as n
        from marts.restatements group by period_type, period_start, reason_code
        order by period_start desc, period_type, n desc, reason_code
    """)
    listed = by_group(
        release,
        "select period_type, period_start, reason_code, dossier_code, agency_code, bucket_before, timeliness_before, "
        "bucket_after, timeliness_after, source_file, known_from from marts.restatements",
        3, len(found), "dossier_code",
    )  # fmt: skip

    def state(bucket: str, timeliness: str | None) -> str:
        name = told.buckets.get(bucket, bucket)
        return f"{name}, {told.timeliness.get(timeliness, timeliness)}" if timeliness else name

    opened = {
        key: [(code, release.office(agency or UNKNOWN), state(b, t), state(b2, t2), file, known)
              for code, agency, b, t, b2, t2, file, known in rows]
        for key, rows in listed.items()
    }  # fmt: skip
    table = counted_table(
        "Theo kỳ và lý do",
        ("Kỳ", "Lý do", "Báo cáo lần đầu trong bản", "Số liệu đến ngày", "Số hồ sơ"),
        [
            ((pt, ps, reason), (period_told(pt, ps), told.restatements.get(reason, reason), first, day, count), count)
            for pt, ps, reason, first, day, count in found
        ],
        opened, ("Mã hồ sơ", "Đơn vị", "Khi báo cáo", "Nay biết", "Tệp làm thay đổi", "Biết từ"), "marts.restatements",
        ("period_type", "period_start", "reason"),
    )  # fmt: skip
    total = release.summary["totals"]["restatements"]
    lead = (
        "Chưa có hồ sơ nào làm thay đổi số liệu đã báo cáo." if not total
        else f"{shown(total)} lượt hồ sơ làm thay đổi số liệu của kỳ đã báo cáo.",
    )  # fmt: skip
    return Section("restatements", "Điều chỉnh số liệu đã báo cáo", lead, (_restated_kpis(release), table))


def _restated_kpis(release: ReviewedRelease) -> Table:
    """Figures that are not what was reported: the province's, and behind it the offices'. A move between offices alone
    leaves the province's as it was."""
    key, sides = "period_type, period_start, kpi_code", ("before", "after")
    figures = ", ".join(f"{part}_{side}" for side in sides for part in ("numerator", "denominator", "value"))
    kinds = {code: tuple(rest) for code, *rest in release.rows("select kpi_code, kind, unit from marts.kpi_catalogue")}
    found = release.rows(f"""
        with moved as (
            select {key}, count(*) filter (scope_type = 'agency') as offices
            from marts.restated_kpis where scope_type in ('province', 'agency') group by {key}
        )
        select {key}, name_vi, offices, province.scope_code is not null, {figures}
        from moved
        inner join marts.kpi_catalogue using (kpi_code)
        left join (select * from marts.restated_kpis where scope_type = 'province') as province using ({key})
        order by period_start desc, period_type, kpi_code
    """)
    offices = f"select {key}, scope_code, {figures} from marts.restated_kpis where scope_type = 'agency'"

    def moved(code: str, values: Sequence[Any]) -> tuple[str, str, str]:
        kind, unit = kinds[code]
        before, after = (
            dict(zip(("numerator", "denominator", "value"), side, strict=True)) for side in (values[:3], values[3:])
        )
        told = movement(rounded(before, kind), rounded(after, kind))
        return kpi_told(before, kind, unit), kpi_told(after, kind, unit), told

    groups = []
    for period_type, start, code, name, count, has_province, *values in found:
        told = moved(code, values) if has_province else (MISSING, MISSING, "không đổi")
        groups.append(((period_type, start, code), (period_told(period_type, start), name, *told, count), count))
    opened = {
        of: [(release.office(office), *moved(of[2], values)) for office, *values in rows]
        for of, rows in by_group(release, offices, 3, len(groups), "scope_code").items()
    }
    return counted_table(
        "Chỉ tiêu đã báo cáo nay khác, toàn tỉnh và số đơn vị có thay đổi",
        ("Kỳ", "Chỉ tiêu", "Đã báo cáo", "Nay biết", "Thay đổi", "Số đơn vị"),
        groups, opened, ("Đơn vị", "Đã báo cáo", "Nay biết", "Thay đổi"), "marts.restated_kpis",
        ("period_type", "period_start", "kpi"),
    )  # fmt: skip
