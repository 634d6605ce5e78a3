"""Points lost, and through whom."""

from __future__ import annotations

from datetime import date
from typing import Any

from orchestration.reports.review.declared import texts
from orchestration.reports.review.parts import Row, Section, Table
from orchestration.reports.review.release import OF_COUNT, ReviewedRelease, by_group, counted_table, running_told
from orchestration.reports.scores import PLACED


def scores(release: ReviewedRelease) -> Section:
    told = texts()
    period = release.summary["kpis"]
    title = "Điểm bị mất và qua đơn vị, thủ tục nào"
    if not period["period_start"]:
        return Section("scores", title, ("Chưa có kỳ nào để chấm điểm.",))
    start, end = date.fromisoformat(period["period_start"]), date.fromisoformat(period["period_end"])
    release.con.execute(
        "create or replace temp table points_lost_told as select lost.*, case scope_type "
        "when 'agency' then offices.agency_name else procedures.procedure_name end as name "
        "from marts.points_lost_through(?::date, ?::date, ?::date) as lost "
        "left join offices on scope_type = 'agency' and scope_code = offices.agency_code "
        "left join (select procedure_code, max_by(procedure_name, valid_from) as procedure_name "
        "from marts.dim_procedure group by procedure_code) as procedures "
        "on scope_type = 'procedure' and scope_code = procedures.procedure_code",
        [start, end, release.subject.as_of],
    )
    scored, asked = "marts.scorecard_values where period_type = 'year' and period_start = ?", [start]
    if release.subject.period:
        scored, asked = "marts.scores(?::date, ?::date, ?::date)", [start, end, release.subject.as_of]
    found = release.rows(
        f"""
        {PLACED}
        select scored.index_code, scored.version, criterion_code, name_vi, depth, max_points, points, points_lost,
            numerator, denominator, status
        from (from {scored}) as scored inner join placed using (index_code, version, criterion_code)
        where scope_type = 'province'
        order by scored.index_code, scored.version, place
        """,
        *asked,
    )
    losing = release.rows("select count(distinct (index_code, version, criterion_code)) from points_lost_told")[0][0]
    listed = by_group(
        release,
        "select index_code, version, criterion_code, scope_type, scope_code, name, numerator, denominator, shortfall, "
        "points_lost from points_lost_told",
        3, max(losing, 1), "scope_type, points_lost desc, scope_code", within="scope_type", most=25,
    )  # fmt: skip
    opened = {
        key: [
            (told.scopes[scope], f"{name} ({code})" if name and name != code else code, *map(_whole, figures), points)
            for scope, code, name, *figures, points in rows
        ]
        for key, rows in listed.items()
    }
    counts: dict[tuple[Any, ...], int] = {
        (i, v, c): n
        for i, v, c, n in release.rows(
            "select index_code, version, criterion_code, count(*) from points_lost_told group by all"
        )
    }
    tables = []
    for index, version in dict.fromkeys((row[0], row[1]) for row in found):
        groups = [
            ((index, version, code), ("· " * depth + name, most, points, lost, _whole(n), _whole(d),
                                      told.scores.get(status, status)), counts.get((index, version, code), 0))
            for i, v, code, name, depth, most, points, lost, n, d, status in found if (i, v) == (index, version)
        ]  # fmt: skip
        tables.append(counted_table(
            f"{index}, phiên bản {version}, {running_told(release)}",
            ("Tiêu chí", "Điểm tối đa", "Điểm đạt", "Điểm bị mất", "Tử số", "Mẫu số", "Nguồn điểm"),
            groups, opened, ("Qua", "Tên", "Tử số", "Mẫu số", "Còn thiếu", "Điểm bị mất"),
            "bản công bố, macro marts.points_lost_through", ("index", "version", "criterion"),
        ))  # fmt: skip
    lead = (
        f"Điểm toàn tỉnh của {running_told(release)}. "
        "Mở từng tiêu chí để thấy đơn vị, thủ tục làm mất điểm, xếp theo điểm.",
    )
    return Section("scores", title, lead, (*tables, *_doubts(release)))


def _doubts(release: ReviewedRelease) -> list[Table]:
    """What offices declare and cannot count, or hardly be meant; nothing where there is none."""
    found = release.rows(
        "select index_code, criterion_code, agency_code, period_from, period_to, doubt, source_file "
        "from marts.dq_index_inputs order by all"
    )
    rows = tuple(
        Row(
            (index, code, release.office(agency) if agency else texts().scopes["province"], start, end,
             texts().doubts.get(doubt, doubt), file),
            marks={"doubt": doubt},
        )
        for index, code, agency, start, end, doubt, file in found[:OF_COUNT]
    )  # fmt: skip
    headers = ("Bộ chỉ số", "Tiêu chí", "Đơn vị", "Từ ngày", "Đến ngày", "Điều cần xem lại", "Tệp")
    hidden = len(found) - len(rows)
    return [Table("Số liệu kê khai cần xem lại", headers, rows, hidden, "marts.dq_index_inputs")] if found else []


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value
