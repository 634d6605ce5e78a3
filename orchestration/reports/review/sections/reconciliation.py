"""Identities of the figures, with both sides."""

from __future__ import annotations

from datetime import date

from orchestration.reports.layout.shown import shown
from orchestration.reports.review.declared import texts
from orchestration.reports.review.parts import Section
from orchestration.reports.review.release import ReviewedRelease, by_group, counted_table, period_told, scope_told


def reconciliation(release: ReviewedRelease) -> Section:
    told = texts().identities
    found = release.rows("""
        select
            identity, count(*), count(*) filter (difference <> 0),
            max_by({'period': [period_type, cast(period_start as varchar)], 'scope': scope_type, 'left': left_value,
                    'right': right_value},
                [cast(scope_type = 'province' as int), epoch(period_start), cast(period_type = 'year' as int)])
        from marts.dq_reconciliation group by identity order by identity
    """)
    of_identity = by_group(
        release,
        "select identity, scope_type, scope_code, period_type, period_start, left_value, right_value, difference "
        "from marts.dq_reconciliation",
        1, len(found),
        "difference = 0, scope_type <> 'province', period_start desc, period_type desc, scope_type, scope_code",
    )  # fmt: skip
    of_identity = {
        key: [
            (scope_told(release, st, sc), period_told(pt, ps), left, right, off)
            for st, sc, pt, ps, left, right, off in rows
        ]
        for key, rows in of_identity.items()
    }
    groups = []
    for identity, count, off, newest in found:
        one = told.get(identity)
        period_type, start = newest["period"]
        cells = (
            one.title if one else identity, one.left if one else "", newest["left"], one.right if one else "",
            newest["right"], period_told(period_type, date.fromisoformat(start)), off, count,
        )  # fmt: skip
        groups.append(((identity,), cells, count))
    table = counted_table(
        "Đẳng thức, hai vế của kỳ mới nhất toàn tỉnh, và số lần so sánh",
        ("Đẳng thức", "Vế trái", "Giá trị", "Vế phải", "Giá trị", "Kỳ", "Số lần lệch", "Số lần so sánh"),
        groups, of_identity, ("Phạm vi", "Kỳ", "Vế trái", "Vế phải", "Chênh lệch"), "marts.dq_reconciliation",
        ("identity",),
    )  # fmt: skip
    off = sum(one[2] for one in found)
    lead = ("Mọi đẳng thức đều khớp." if off == 0 else f"{shown(off)} lần hai vế không bằng nhau.",)
    return Section("reconciliation", "Đối chiếu số liệu", lead, (table,), is_bad=off > 0)
