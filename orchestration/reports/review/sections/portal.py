"""Differences from the portal's copy of the dossiers."""

from __future__ import annotations

from orchestration.reports.layout.shown import shown
from orchestration.reports.review.declared import texts
from orchestration.reports.review.findings import UNKNOWN
from orchestration.reports.review.parts import Section
from orchestration.reports.review.release import ReviewedRelease, by_group, counted_table


def portal(release: ReviewedRelease) -> Section:
    told = texts().differences
    release.con.execute(f"""
        create or replace temp table portal_differences_told as
        select found.*, coalesce(handling.agency_code, naming.agency_code, '{UNKNOWN}') as office
        from marts.dq_portal_differences as found
        left join marts.fct_dossiers as dossiers on found.dossier_code = dossiers.dossier_code
        left join offices as handling on dossiers.agency_code = handling.agency_code
        left join offices as naming on split_part(found.dossier_code, '-', 1) = naming.agency_code
    """)
    found = release.rows("""
        select office, difference, count(*) as n from portal_differences_told
        group by office, difference order by n desc, office, difference
    """)
    listed = by_group(
        release, "select office, difference, dossier_code, here, portal from portal_differences_told", 2, len(found)
    )
    table = counted_table(
        "Theo đơn vị và loại chênh lệch",
        ("Đơn vị", "Chênh lệch", "Số hồ sơ"),
        [((o, kind), (release.office(o), told.get(kind, kind), count), count) for o, kind, count in found],
        listed, ("Mã hồ sơ", "Tại đơn vị", "Trên Cổng"), "marts.dq_portal_differences", ("office", "difference"),
    )  # fmt: skip
    total = sum(count for *_, count in found)
    lead = (
        f"{shown(total)} chênh lệch giữa hồ sơ tại đơn vị và bản sao trên Cổng Dịch vụ công quốc gia."
        if total else "Không có chênh lệch, hoặc Cổng chưa cung cấp bản sao.",
    )  # fmt: skip
    return Section("portal", "Chênh lệch với Cổng Dịch vụ công quốc gia", lead, (table,))
