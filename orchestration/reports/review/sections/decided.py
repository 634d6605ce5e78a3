"""What persons decided: waivers, files accepted and withdrawn."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.quality.verdict import Waiver
from orchestration.reports.layout.shown import shown
from orchestration.reports.review.declared import texts
from orchestration.reports.review.parts import Row, Section, Table
from orchestration.reports.review.release import OF_COUNT, ReviewedRelease


def waived(waivers: Sequence[Waiver]) -> Section:
    headers = ("Phép kiểm tra", "Lý do", "Người quyết định", "Thời điểm")
    rows = tuple(
        Row((w.check_code, w.reason, w.waived_by, w.waived_at), marks={"waiver": w.check_code}) for w in waivers
    )
    lead = (f"{shown(len(rows))} phép kiểm tra chặn công bố được miễn trừ.",) if rows else ("Không có miễn trừ.",)
    return Section("waivers", "Miễn trừ", lead, (Table("Miễn trừ", headers, rows),))


def decided(release: ReviewedRelease) -> Section:
    names = texts().decisions
    made = sorted(release.subject.decisions, key=lambda d: (d.source_file, d.decided_at, d.sha256))
    rows = tuple(
        Row(
            (
                d.source_file,
                names.get(d.decision, d.decision),
                d.reason,
                d.decided_by,
                d.decided_at.replace("T", " ")[:16],
            )
        )
        for d in made[:OF_COUNT]
    )
    headers = ("Tệp", "Quyết định", "Lý do", "Người quyết định", "Thời điểm")
    lead = (f"{shown(len(made))} quyết định đang có hiệu lực đối với tệp đã tiếp nhận.",)
    table = Table("Chấp nhận, rút tệp", headers, rows, len(made) - len(rows), "cchc status")
    return Section("decisions", "Quyết định chấp nhận, rút tệp", lead, (table,))
