"""What is new since the release before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from orchestration.reports.figures import rounded
from orchestration.reports.layout.shown import shown
from orchestration.reports.review.declared import texts, title_of
from orchestration.reports.review.parts import Row, Section, Summary, Table
from orchestration.reports.review.release import (
    OF_COUNT,
    ReviewedRelease,
    by_group,
    catalogue,
    change,
    counted_table,
    kpi_told,
    movement,
    running_kpis,
    running_told,
    source_title,
)

_REJECTED, _FLAGGED = "dòng bị loại", "cảnh báo"
_HEADLINES = (
    "dossiers_received", "dossiers_resolved", "dossiers_in_process", "dossiers_in_process_overdue", "on_time_rate",
    "online_rate",
)  # fmt: skip


def headlines(release: ReviewedRelease) -> tuple[tuple[str, str, str], ...]:
    kpis = {code: (name, value) for code, name, value in running_kpis(release)}
    return tuple((code, kpis[code][0], kpis[code][1]) for code in _HEADLINES if code in kpis)


def news(release: ReviewedRelease) -> Section:
    last, now = release.last, release.summary
    title = "Có gì mới so với bản công bố trước"
    files = replace(_new_files(release), is_folded=True, key="new-files")
    kpis = tuple(Row((name, value), marks={"kpi": code}) for code, name, value in running_kpis(release))
    every = Table(f"Mọi chỉ tiêu toàn tỉnh của {running_told(release)}", ("Chỉ tiêu", "Giá trị"), kpis, is_folded=True)
    if last is None:
        lead = "Đây là bản công bố đầu tiên trong số các bản còn giữ: chưa có bản trước để so sánh."
        return Section("news", title, (lead,), (files, every))
    was = last.summary
    counted = [
        ("Tệp dữ liệu", "files", "new-files"), ("Dòng đã đọc", "rows_read", "new-files"),
        ("Dòng bị loại", "rows_rejected", "rejected"),
        ("Hồ sơ", "dossiers", ""), ("Cảnh báo", "flags", "flags"),
        ("Lượt hồ sơ làm thay đổi số đã báo cáo", "restatements", "restatements"),
    ]  # fmt: skip
    opened = {"dossiers": _new_dossiers(release)}
    totals = Table(
        "Tổng số",
        ("Nội dung", "Bản trước", "Bản này", "Thay đổi"),
        tuple(
            Row((name, was["totals"][key], now["totals"][key], change(was["totals"][key], now["totals"][key])),
                opens=opened.get(key), marks={"total": key}, opens_in=section)
            for name, key, section in counted
        ),
    )  # fmt: skip
    lead = f"So với bản {was['release_id']} (số liệu đến ngày {shown(date.fromisoformat(was['as_of']))})."
    return Section("news", title, (lead,), (totals, _moved_kpis(release, was), files, every))


def _new_files(release: ReviewedRelease) -> Table:
    """Files that the last release did not count, each with what was found in it."""
    known = release.last.files if release.last else frozenset()
    new = sorted(
        (f for f in release.subject.files if (f["source_file"], f["sha256"]) not in known),
        key=lambda f: (f["source_file"], f["source"] or "", f["sha256"]),
    )
    release.con.execute(
        "create or replace temp table new_files as select distinct unnest(?::varchar[]) as source_file",
        [[f["source_file"] for f in new]],
    )
    found = f"""
        select source, source_file, '{_REJECTED}' as what, cast(row_number as varchar) as code, reason_code as reason,
            column_vi as detail from told_rows where source_file in (select n.source_file from new_files as n)
        union all
        select source, source_file, '{_FLAGGED}', entity_code, rule_code, detail
        from told_flags where source_file in (select n.source_file from new_files as n)
    """
    counts = {
        tuple(key): count
        for *key, count in release.rows(f"select source, source_file, count(*) from ({found}) group by all")
    }
    opened = {
        key: [(what, code, _reason(what, reason), detail) for what, code, reason, detail in rows]
        for key, rows in by_group(release, found, 2, len(counts)).items()
    }
    groups = []
    for f in new:
        count = counts.get((f["source"], f["source_file"]), 0)
        read = (f["rows_read"], f["rows_accepted"], f["rows_rejected"])
        groups.append(
            ((f["source"], f["source_file"]), (f["source_file"], source_title(f["source"]), *read, count), count)
        )
    return counted_table(
        f"Tệp mới ({shown(len(new))})",
        ("Tệp", "Nguồn", "Dòng đã đọc", "Dòng nhận", "Dòng bị loại", "Dòng bị loại và cảnh báo"),
        groups, opened, ("Loại", "Mã hoặc dòng số", "Lý do", "Chi tiết"),
        "marts.dq_rejected_rows, marts.dq_flags; tệp trong manifest.json, mục sources", ("source", "file"), OF_COUNT,
    )  # fmt: skip


def _new_dossiers(release: ReviewedRelease) -> Table:
    """Dossiers of which the last release counted no file."""
    new = """
        select dossier_code, min(known_from) as known_from, arg_max(source_file, known_from) as source_file
        from marts.fct_dossier_versions group by dossier_code
        having bool_and(source_file in (select n.source_file from new_files as n))
    """
    [(count,)] = release.rows(f"select count(*) from ({new})")
    listed = release.rows(f"select dossier_code, known_from, source_file from ({new}) order by all limit {OF_COUNT}")
    return Table(
        "Hồ sơ chỉ có trong tệp mới", ("Mã hồ sơ", "Biết từ", "Tệp"), tuple(Row(row) for row in listed),
        count - len(listed), "marts.fct_dossier_versions",
    )  # fmt: skip


def _reason(what: str, code: str) -> str:
    return title_of(texts().reasons_of_rows if what == _REJECTED else texts().rules, code)


def _moved_kpis(release: ReviewedRelease, was: Summary) -> Table:
    """Of the same running period alone: another year's figures say nothing of a change."""
    now = release.summary["kpis"]
    since = f", kỳ từ {shown(date.fromisoformat(now['period_start']))}" if now["period_start"] else ""
    caption = f"Chỉ tiêu toàn tỉnh thay đổi{since}"
    headers = ("Chỉ tiêu", "Bản trước", "Bản này", "Thay đổi")
    if release.subject.period or was["kpis"]["period_start"] != now["period_start"]:
        return Table(f"{caption}: bản trước tính cho kỳ khác, không so sánh", headers, ())
    rows = []
    for code, name, kind, unit in catalogue(release):
        figures = [of["values"].get(code) for of in (was["kpis"], now)]
        if None not in figures:
            before, after = (rounded(dict(figure), kind) for figure in figures)
            if before != after:
                told = (kpi_told(figure, kind, unit) for figure in figures)
                rows.append(Row((name, *told, movement(before, after)), marks={"kpi": code}))
    return Table(caption, headers, tuple(rows))
