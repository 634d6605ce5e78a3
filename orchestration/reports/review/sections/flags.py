"""Flags by rule and office, each with its trend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestration.reports.layout.shown import shown
from orchestration.reports.review.declared import texts, title_of
from orchestration.reports.review.parts import Section
from orchestration.reports.review.release import (
    ReviewedRelease,
    by_group,
    counted_table,
    former_days,
    since_last,
    trend,
)


def flags(release: ReviewedRelease) -> Section:
    told = texts()
    where = "marts.dq_flags và sổ của từng đơn vị"
    rules = release.rows(
        "select rule_code, count(*) as n from told_flags group by rule_code order by n desc, rule_code"
    )
    of_rule = by_group(
        release, "select rule_code, office, entity_code, detail, source_file from told_flags", 1, len(rules)
    )
    offices_of_rule = _most_by(release, "rule_code", "office")
    former, gone = trend(release, "flags", lambda one: one["rule"], rules)
    by_rule = counted_table(
        "Theo quy tắc",
        ("Quy tắc", *former_days(release), "Bản này", "Thay đổi", "Nhiều nhất tại"),
        [
            ((rule,), (title_of(told.rules, rule), *former(rule), count, since_last(release, former(rule), count),
                       _named(offices_of_rule.get(rule, ()), release.office)), count)
            for rule, count in [*rules, *gone]
        ],
        of_rule, ("Đơn vị", "Mã", "Chi tiết", "Tệp"), where, ("rule",),
    )  # fmt: skip
    offices = release.rows("select office, count(*) as n from told_flags group by office order by n desc, office")
    of_office = by_group(
        release, "select office, rule_code, entity_code, detail, source_file from told_flags", 1, len(offices)
    )
    of_office = {key: [(title_of(told.rules, rule), *rest) for rule, *rest in rows] for key, rows in of_office.items()}
    rules_of_office = _most_by(release, "office", "rule_code")
    former_of_office, gone = trend(release, "flags", lambda one: one["office"], offices)
    by_office = counted_table(
        "Theo đơn vị",
        ("Đơn vị", *former_days(release), "Bản này", "Thay đổi", "Nhiều nhất là"),
        [
            ((o,), (release.office(o), *former_of_office(o), count, since_last(release, former_of_office(o), count),
                    _named(rules_of_office.get(o, ()), lambda rule: title_of(told.rules, rule))), count)
            for o, count in [*offices, *gone]
        ],
        of_office, ("Quy tắc", "Mã", "Chi tiết", "Tệp"), where, ("office",),
    )  # fmt: skip
    lead = (
        f"{shown(release.summary['totals']['flags'])} cảnh báo: dữ liệu đọc được nhưng không thể đúng, vẫn được tính "
        "trong số liệu, cần đơn vị kiểm tra.",
    )
    return Section("flags", "Cảnh báo theo quy tắc và đơn vị", lead, (by_rule, by_office))


def _most_by(release: ReviewedRelease, group: str, within: str) -> dict[str, list[tuple[str, int]]]:
    """The three most frequent of each group."""
    found = release.rows(f"""
        select {group}, {within}, n from (
            select *, row_number() over (partition by {group} order by n desc, {within}) as place
            from (select {group}, {within}, count(*) as n from told_flags group by all)
        ) where place <= 3 order by {group}, place
    """)
    most: dict[str, list[tuple[str, int]]] = {}
    for key, name, count in found:
        most.setdefault(key, []).append((name, count))
    return most


def _named(most: Sequence[tuple[str, int]], name: Callable[[str], str]) -> str:
    return "; ".join(f"{name(code)}: {shown(count)}" for code, count in most)
