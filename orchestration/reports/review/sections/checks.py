"""The verdict, and the checks that did not pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from orchestration.quality.reviewed import load_suites
from orchestration.quality.verdict import Waiver
from orchestration.reports.layout.shown import MISSING, English, shown
from orchestration.reports.review.declared import observed, texts, words_of_test
from orchestration.reports.review.parts import Row, Section, Table
from orchestration.reports.review.release import ReviewedRelease


def verdict(release: ReviewedRelease, blocking: Sequence[Mapping[str, Any]], waivers: Sequence[Waiver]) -> Section:
    counts = release.summary["checks"]
    told = (
        f"{shown(counts['passed'])} phép kiểm tra đạt, {shown(counts['failed'])} không đạt, "
        f"{shown(counts['errored'])} không kiểm tra được; {shown(len(blocking))} trong số đó chặn công bố."
    )
    if not blocking:
        return Section("verdict", "Kết luận", ("Không có lỗi nào chặn công bố.", told))
    waived = {waiver.check_code for waiver in waivers}
    lead = f"{shown(len(blocking))} phép kiểm tra chặn công bố không đạt."
    return Section(
        "verdict", "Kết luận", (lead, told), (checks_table("Lỗi chặn công bố", blocking, waived),), is_bad=True
    )


def warnings(release: ReviewedRelease) -> Section:
    failed = [check for check in release.checks if not check["is_blocking"] and check["status"] != "passed"]
    lead = (f"{shown(len(failed))} phép kiểm tra không chặn công bố không đạt: cần xem xét trước khi báo cáo.",)
    return Section(
        "warnings", "Cảnh báo của các phép kiểm tra", lead, (checks_table("Phép kiểm tra không đạt", failed),)
    )


def checks_table(caption: str, checks: Sequence[Mapping[str, Any]], waived: Collection[str] = ()) -> Table:
    """Checks that did not pass: what, observed, why it exists, what to do."""
    told = texts()
    reviewed = reviewed_checks()
    rows = []
    for check in checks:
        suite, code = check["suite"], check["check_code"]
        if check["kind"] == "dbt":
            of, remedy, basis = f"Bảng {suite}", told.remedies["dbt"], f"Phép kiểm tra {code} của mô hình"
            title: str = words_of_test(suite, code) or English(check["reason"])
        else:
            of, title, basis = reviewed.get(code, (suite, English(code), English(check["reason"])))
            remedy = told.remedies.get(suite, MISSING)
        status = told.statuses.get(check["status"], check["status"]) + (", được miễn trừ" if code in waived else "")
        rows.append(Row((of, title, status, observed(check["observed"]), basis, remedy), marks={"check": code}))
    headers = ("Nhóm", "Phép kiểm tra", "Kết quả", "Quan sát được", "Căn cứ", "Việc cần làm")
    return Table(caption, headers, tuple(rows))


@cache
def reviewed_checks() -> dict[str, tuple[str, str, str]]:
    """Of each reviewed check by its code, in Vietnamese: its suite, its title, what it stands on."""
    return {f"{s.name}.{e.name}": (s.title, e.title, e.basis) for s in load_suites() for e in s.expectations}
