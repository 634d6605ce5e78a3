"""What a review page says, as tables: each count with the first of its rows, the same release always in the same order.

A section asks the release in sets and takes as many rows as it may list; the rest is told by number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

import duckdb

from orchestration.catalogue import kpi_codes
from orchestration.lake.decisions import Decision
from orchestration.plain import visible
from orchestration.quality.reviewed import load_suites
from orchestration.quality.verdict import Waiver
from orchestration.reports.figures import rounded
from orchestration.reports.review.declared import observed, texts, title_of
from orchestration.reports.review.findings import UNKNOWN
from orchestration.reports.review.shown import MISSING, English, shown
from orchestration.sources import all_sources

# A section lists no more than so many rows, a count of it no more than so many, a table no more groups than so many.
_OF_SECTION, _OF_COUNT, _GROUPS = 2_000, 200, 400
FORMER_SHOWN = 5
_REJECTED, _FLAGGED = "dòng bị loại", "cảnh báo"
_OVERDUE = "source_nights.export_not_overdue"
_HEADLINES = (
    "dossiers_received", "dossiers_resolved", "dossiers_in_process", "dossiers_in_process_overdue", "on_time_rate",
    "online_rate",
)  # fmt: skip

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """The release that a page speaks of: id, day, code, and as its manifest says the files that count (`sources`), with
    the decisions in force on landed files."""

    release_id: str
    as_of: date
    code_version: str
    files: Sequence[Mapping[str, Any]]
    decisions: Sequence[Decision] = ()


@dataclass(frozen=True)
class Former:
    """A release published before: its summary, and name and sum of each file that it counts."""

    summary: Summary
    files: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """A table; `hidden` rows more are not listed, and stand in `where`. A folded one opens by its caption, and has a
    `key` where something leads to it."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    hidden: int = 0
    where: str = ""
    is_folded: bool = False
    key: str = ""


@dataclass(frozen=True)
class Row:
    """A row's cells; what it counts opens as a table, or in another section. `marks` are data attributes."""

    cells: tuple[Any, ...]
    opens: Table | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    opens_in: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page: what it says in words, and its tables."""

    key: str
    title: str
    lead: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    is_bad: bool = False


@dataclass(frozen=True)
class Page:
    """Everything on the page."""

    subject: Subject
    passed: bool
    headlines: tuple[tuple[str, str, str], ...]
    waivers: tuple[Waiver, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class _Release:
    """What every section needs: the release, its summary, those before it (oldest first), names of offices."""

    con: duckdb.DuckDBPyConnection
    subject: Subject
    summary: Summary
    former: Sequence[Former]
    offices: Mapping[str, str]
    checks: Sequence[Mapping[str, Any]]

    @property
    def last(self) -> Former | None:
        return self.former[-1] if self.former else None

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(query, list(parameters)).fetchall()

    def office(self, code: str) -> str:
        name = self.offices.get(code)
        return visible(code) if name is None or name == code else f"{name} ({code})"


def page(
    con: duckdb.DuckDBPyConnection,
    subject: Subject,
    summary: Summary,
    former: Sequence[Former],
    waivers: Sequence[Waiver],
) -> Page:
    """The page over a release whose findings are prepared (`findings.prepare`)."""
    offices = dict(con.execute("select agency_code, agency_name from offices").fetchall())
    result = con.execute("select * from marts.dq_check_results order by kind, suite, check_code")
    names = [column[0] for column in result.description or ()]
    checks = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    release = _Release(con, subject, summary, former[-FORMER_SHOWN:], offices, checks)
    blocking = [check for check in checks if check["is_blocking"] and check["status"] != "passed"]
    sections: tuple[Callable[[_Release], Section], ...] = (
        _news, _rejected, _flags, _freshness, _reconciliation, _restatements, _portal, _scores,
    )  # fmt: skip
    return Page(
        subject,
        bool(checks) and not blocking,
        _headlines(release),
        tuple(waivers),
        (
            _verdict(release, blocking, waivers),
            *(section(release) for section in sections),
            _waived(waivers),
            _decided(release),
            _warnings(release),
        ),
    )


# ---------------------------------------------------------------- verdict and checks


def _verdict(release: _Release, blocking: Sequence[Mapping[str, Any]], waivers: Sequence[Waiver]) -> Section:
    counts = release.summary["checks"]
    told = (
        f"{shown(counts['passed'])} phép kiểm tra đạt, {shown(counts['failed'])} không đạt, "
        f"{shown(counts['errored'])} không kiểm tra được; {shown(len(blocking))} trong số đó chặn công bố."
    )
    if not blocking:
        return Section("verdict", "Kết luận", ("Không có lỗi nào chặn công bố.", told))
    waived = {waiver.check_code for waiver in waivers}
    lead = f"{shown(len(blocking))} phép kiểm tra chặn công bố không đạt."
    return Section("verdict", "Kết luận", (lead, told), (_checks("Lỗi chặn công bố", blocking, waived),), is_bad=True)


def _warnings(release: _Release) -> Section:
    failed = [check for check in release.checks if not check["is_blocking"] and check["status"] != "passed"]
    lead = (f"{shown(len(failed))} phép kiểm tra không chặn công bố không đạt: cần xem xét trước khi báo cáo.",)
    return Section("warnings", "Cảnh báo của các phép kiểm tra", lead, (_checks("Phép kiểm tra không đạt", failed),))


def _checks(caption: str, checks: Sequence[Mapping[str, Any]], waived: Collection[str] = ()) -> Table:
    """Checks that did not pass: what, observed, why it exists, what to do."""
    told = texts()
    suites, titles = _titles_of_checks()
    rows = []
    for check in checks:
        suite, code = check["suite"], check["check_code"]
        of = suites.get(suite) or f"Bảng {suite}"
        remedy = told.remedies.get(suite if check["kind"] != "dbt" else "dbt", told.remedies["dbt"])
        status = told.statuses.get(check["status"], check["status"]) + (", được miễn trừ" if code in waived else "")
        title: str = titles.get(code) or English(code)
        cells = (of, title, status, observed(check["observed"]), English(check["reason"]), remedy)
        rows.append(Row(cells, marks={"check": code}))
    headers = ("Nhóm", "Phép kiểm tra", "Kết quả", "Quan sát được", "Căn cứ", "Việc cần làm")
    return Table(caption, headers, tuple(rows))


@cache
def _titles_of_checks() -> tuple[dict[str, str], dict[str, str]]:
    """The Vietnamese title of each suite, and of each of its checks by code."""
    suites = load_suites()
    checks = {f"{suite.name}.{e.name}": e.title for suite in suites for e in suite.expectations}
    return {suite.name: suite.title for suite in suites}, checks


# ---------------------------------------------------------------- what is new


def _headlines(release: _Release) -> tuple[tuple[str, str, str], ...]:
    kpis = {code: (name, value) for code, name, value in _kpis(release)}
    return tuple((code, kpis[code][0], kpis[code][1]) for code in _HEADLINES if code in kpis)


def _kpis(release: _Release) -> list[tuple[str, str, str]]:
    """(code, Vietnamese name, value as shown) of the province's running year."""
    values = release.summary["kpis"]["values"]
    found = _catalogue(release)
    return [(code, name, _kpi(values[code], kind, unit)) for code, name, kind, unit in found if code in values]


def _catalogue(release: _Release) -> list[tuple[str, str, str, str]]:
    """(code, Vietnamese name, kind, unit) of every KPI, in the catalogue's order."""
    places = {code: place for place, code in enumerate(kpi_codes())}
    found: list[Any] = release.rows("select kpi_code, name_vi, kind, unit from marts.kpi_catalogue order by kpi_code")
    return sorted(found, key=lambda kpi: places.get(kpi[0], len(places)))


def _kpi(figure: Mapping[str, Any], kind: str, unit: str) -> str:
    value = rounded(dict(figure), kind)
    if value is None:
        return MISSING
    whole = kind not in ("rate", "mean") and value == int(value)
    return shown(int(value) if whole else value) + (" %" if kind == "rate" else f" {unit}" if kind == "amount" else "")


def _news(release: _Release) -> Section:
    last, now = release.last, release.summary
    title = "Có gì mới so với bản công bố trước"
    files = replace(_new_files(release), is_folded=True, key="new-files")
    kpis = tuple(Row((name, value), marks={"kpi": code}) for code, name, value in _kpis(release))
    every = Table("Mọi chỉ tiêu toàn tỉnh của năm đang chạy", ("Chỉ tiêu", "Giá trị"), kpis, is_folded=True)
    if last is None:
        lead = "Đây là bản công bố đầu tiên trong số các bản còn giữ: chưa có bản trước để so sánh."
        return Section("news", title, (lead,), (files, every))
    was = last.summary
    counted = [
        ("Tệp dữ liệu", "files", "new-files"), ("Dòng đã đọc", "rows_read", "new-files"),
        ("Dòng bị loại", "rows_rejected", "rejected"),
        ("Hồ sơ", "dossiers", ""), ("Cảnh báo", "flags", "flags"),
        ("Hồ sơ làm thay đổi số đã báo cáo", "restatements", "restatements"),
    ]  # fmt: skip
    opened = {"dossiers": _new_dossiers(release)}
    totals = Table(
        "Tổng số",
        ("Nội dung", "Bản trước", "Bản này", "Thay đổi"),
        tuple(
            Row((name, was["totals"][key], now["totals"][key], _change(was["totals"][key], now["totals"][key])),
                opens=opened.get(key), marks={"total": key}, opens_in=section)
            for name, key, section in counted
        ),
    )  # fmt: skip
    lead = f"So với bản {was['release_id']} (số liệu đến ngày {shown(date.fromisoformat(was['as_of']))})."
    return Section("news", title, (lead,), (totals, _moved_kpis(release, was), files, every))


def _new_files(release: _Release) -> Table:
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
        for key, rows in _by_group(release, found, 2, len(counts)).items()
    }
    groups = []
    for f in new:
        count = counts.get((f["source"], f["source_file"]), 0)
        read = (f["rows_read"], f["rows_accepted"], f["rows_rejected"])
        groups.append(((f["source"], f["source_file"]), (f["source_file"], _source(f["source"]), *read, count), count))
    return _table(
        f"Tệp mới ({shown(len(new))})",
        ("Tệp", "Nguồn", "Dòng đã đọc", "Dòng nhận", "Dòng bị loại", "Dòng bị loại và cảnh báo"),
        groups, opened, ("Loại", "Mã hoặc dòng số", "Lý do", "Chi tiết"),
        "marts.dq_rejected_rows, marts.dq_flags; tệp trong manifest.json, mục sources", ("source", "file"), _OF_COUNT,
    )  # fmt: skip


def _new_dossiers(release: _Release) -> Table:
    """Dossiers of which the last release counted no file."""
    new = """
        select dossier_code, min(known_from) as known_from, arg_max(source_file, known_from) as source_file
        from marts.fct_dossier_versions group by dossier_code
        having bool_and(source_file in (select n.source_file from new_files as n))
    """
    [(count,)] = release.rows(f"select count(*) from ({new})")
    listed = release.rows(f"select dossier_code, known_from, source_file from ({new}) order by all limit {_OF_COUNT}")
    return Table(
        "Hồ sơ chỉ có trong tệp mới", ("Mã hồ sơ", "Biết từ", "Tệp"), tuple(Row(row) for row in listed),
        count - len(listed), "marts.fct_dossier_versions",
    )  # fmt: skip


def _reason(what: str, code: str) -> str:
    return title_of(texts().reasons_of_rows if what == _REJECTED else texts().rules, code)


def _moved_kpis(release: _Release, was: Summary) -> Table:
    """Of the same running period alone: another year's figures say nothing of a change."""
    now = release.summary["kpis"]
    since = f", kỳ từ {shown(date.fromisoformat(now['period_start']))}" if now["period_start"] else ""
    caption = f"Chỉ tiêu toàn tỉnh thay đổi{since}"
    headers = ("Chỉ tiêu", "Bản trước", "Bản này", "Thay đổi")
    if was["kpis"]["period_start"] != now["period_start"]:
        return Table(f"{caption}: bản trước tính cho kỳ khác, không so sánh", headers, ())
    rows = []
    for code, name, kind, unit in _catalogue(release):
        figures = [of["values"].get(code) for of in (was["kpis"], now)]
        if None not in figures:
            before, after = (rounded(dict(figure), kind) for figure in figures)
            if before != after:
                told = (_kpi(figure, kind, unit) for figure in figures)
                rows.append(Row((name, *told, _moved(before, after)), marks={"kpi": code}))
    return Table(caption, headers, tuple(rows))


def _moved(before: Any, after: Any) -> str:
    if before is None or after is None:
        return MISSING
    moved = after - before
    return ("+" if moved > 0 else "") + shown(int(moved) if moved == int(moved) else moved)


def _change(before: int, after: int) -> str:
    return f"+{shown(after - before)}" if after > before else shown(after - before)


# ---------------------------------------------------------------- rejected


def _rejected(release: _Release) -> Section:
    told = texts()
    listed = "source, reason_code, source_file, detail"
    files = release.rows("select source, reason_code, count(*) from told_files group by all order by all nulls first")
    of_files = _by_group(release, f"select {listed} from told_files", 2, len(files))
    by_files = _table(
        "Tệp bị loại toàn bộ, theo nguồn và lý do",
        ("Nguồn", "Lý do", "Số tệp", "Việc cần làm"),
        [
            ((source, r), (_source(source), title_of(told.reasons_of_files, r), count, _remedy(r)), count)
            for source, r, count in files
        ],
        of_files, ("Tệp", "Chi tiết"), "marts.dq_rejected_files", ("source", "reason"),
    )  # fmt: skip
    by_reason = release.rows("""
        select source, reason_code, column_vi, count(*) as n from told_rows
        group by source, reason_code, column_vi order by n desc, source, reason_code, column_vi
    """)
    of_reason = _by_group(
        release, "select source, reason_code, column_vi, office, source_file, row_number, correct_vi from told_rows", 3,
        len(by_reason),
    )  # fmt: skip
    where = "marts.dq_rejected_rows và sổ của từng đơn vị"
    rows_by_reason = _table(
        "Dòng bị loại, theo nguồn, lý do và cột",
        ("Nguồn", "Lý do", "Cột", "Số dòng"),
        [
            ((s, r, c), (_source(s), title_of(told.reasons_of_rows, r), c, count), count)
            for s, r, c, count in by_reason
        ],
        of_reason, ("Đơn vị", "Tệp", "Dòng số", "Cần sửa"), where, ("source", "reason", "column"),
    )  # fmt: skip
    by_office = release.rows("select office, count(*) as n from told_rows group by office order by n desc, office")
    of_office = _by_group(
        release, "select office, source, source_file, row_number, column_vi, reason_code from told_rows", 1,
        len(by_office),
    )  # fmt: skip
    of_office = {
        key: [(_source(s), f, n, c, title_of(told.reasons_of_rows, r)) for s, f, n, c, r in rows]
        for key, rows in of_office.items()
    }
    former, gone = _trend(release, "rejected_rows", lambda one: one["office"], by_office)
    rows_by_office = _table(
        "Dòng bị loại, theo đơn vị",
        ("Đơn vị", *_former_days(release), "Bản này"),
        [((o,), (release.office(o), *former(o), count), count) for o, count in [*by_office, *gone]],
        of_office, ("Nguồn", "Tệp", "Dòng số", "Cột", "Lý do"), where, ("office",),
    )  # fmt: skip
    totals = release.summary["totals"]
    lead = (
        f"{shown(totals['files_rejected'])} tệp bị loại toàn bộ và {shown(totals['rows_rejected'])} dòng bị loại: "
        "không được tính trong bất kỳ số liệu nào.",
        "Mỗi đơn vị có sổ riêng để gửi lại trong thư mục offices/.",
    )
    return Section("rejected", "Tệp và dòng bị loại", lead, (by_files, rows_by_reason, rows_by_office))


def _remedy(reason: str) -> str:
    found = texts().reasons_of_files.get(reason)
    return found.correct if found else ""


# ---------------------------------------------------------------- flags


def _flags(release: _Release) -> Section:
    told = texts()
    where = "marts.dq_flags và sổ của từng đơn vị"
    rules = release.rows(
        "select rule_code, count(*) as n from told_flags group by rule_code order by n desc, rule_code"
    )
    of_rule = _by_group(
        release, "select rule_code, office, entity_code, detail, source_file from told_flags", 1, len(rules)
    )
    offices_of_rule = _most_by(release, "rule_code", "office")
    former, gone = _trend(release, "flags", lambda one: one["rule"], rules)
    by_rule = _table(
        "Theo quy tắc",
        ("Quy tắc", *_former_days(release), "Bản này", "Thay đổi", "Nhiều nhất tại"),
        [
            ((rule,), (title_of(told.rules, rule), *former(rule), count, _since_last(release, former(rule), count),
                       _named(offices_of_rule.get(rule, ()), release.office)), count)
            for rule, count in [*rules, *gone]
        ],
        of_rule, ("Đơn vị", "Mã", "Chi tiết", "Tệp"), where, ("rule",),
    )  # fmt: skip
    offices = release.rows("select office, count(*) as n from told_flags group by office order by n desc, office")
    of_office = _by_group(
        release, "select office, rule_code, entity_code, detail, source_file from told_flags", 1, len(offices)
    )
    of_office = {key: [(title_of(told.rules, rule), *rest) for rule, *rest in rows] for key, rows in of_office.items()}
    rules_of_office = _most_by(release, "office", "rule_code")
    former_of_office, gone = _trend(release, "flags", lambda one: one["office"], offices)
    by_office = _table(
        "Theo đơn vị",
        ("Đơn vị", *_former_days(release), "Bản này", "Thay đổi", "Nhiều nhất là"),
        [
            ((o,), (release.office(o), *former_of_office(o), count, _since_last(release, former_of_office(o), count),
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


def _most_by(release: _Release, group: str, within: str) -> dict[str, list[tuple[str, int]]]:
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


def _trend(
    release: _Release, what: str, key: Callable[[Mapping[str, Any]], str], found: Sequence[tuple[str, int]]
) -> tuple[Callable[[str], tuple[int, ...]], list[tuple[str, int]]]:
    """What each former release counted of a key of its summary, oldest first; and with the count 0 the keys that the
    last one had and that are not `found` any more."""
    counted = []
    for former in release.former:
        of: dict[str, int] = {}
        for one in former.summary[what]:
            of[key(one)] = of.get(key(one), 0) + one["count"]
        counted.append(of)
    gone = sorted((counted[-1] if counted else {}).keys() - {code for code, _ in found})
    return lambda code: tuple(of.get(code, 0) for of in counted), [(code, 0) for code in gone]


def _former_days(release: _Release) -> tuple[str, ...]:
    """How the columns of former releases are headed."""
    return tuple(
        f"Bản {former.summary['release_id'].split('_')[0].lstrip('0')}, "
        f"{shown(date.fromisoformat(former.summary['as_of']))}"
        for former in release.former
    )


def _since_last(release: _Release, former: tuple[int, ...], count: int) -> str:
    return _change(former[-1], count) if release.former else MISSING


# ---------------------------------------------------------------- freshness, reconciliation


def _freshness(release: _Release) -> Section:
    found = release.rows(
        "select title_vi, source, newest_export_at, days_since_newest_export, files_known, rows_accepted, is_missing "
        "from marts.dq_source_freshness order by is_missing desc, days_since_newest_export desc, source"
    )
    rows = tuple(
        Row((title, source, "chưa có dữ liệu" if missing else newest, days, files, accepted), marks={"source": source})
        for title, source, newest, days, files, accepted, missing in found
    )
    headers = ("Nguồn", "Thư mục", "Lần kết xuất mới nhất", "Số ngày trước", "Số tệp", "Số dòng nhận")
    missing = sum(is_missing for *_, is_missing in found)
    lead = (
        f"{shown(missing)} nguồn chưa có dữ liệu: chỉ tiêu của nguồn đó để trống, không phải bằng 0. Nguồn cũ nhất "
        "đứng trước.",
    )
    nights = [c for c in release.checks if c["suite"] == _OVERDUE.split(".")[0]]
    late = [c for c in nights if c["check_code"] == _OVERDUE]
    odd = [c for c in nights if c["check_code"] != _OVERDUE and c["status"] != "passed"]
    tables = (
        Table("Các nguồn dữ liệu", headers, rows),
        _checks("Có nguồn nào trễ so với nhịp thường lệ của mình", late),
        _checks("Bất thường khác trong đêm mới nhất của từng nguồn", odd),
    )
    return Section("freshness", "Độ mới của từng nguồn", lead, tables)


def _reconciliation(release: _Release) -> Section:
    told = texts().identities
    found = release.rows("""
        select
            identity, count(*), count(*) filter (difference <> 0),
            max_by({'period': [period_type, cast(period_start as varchar)], 'scope': scope_type, 'left': left_value,
                    'right': right_value},
                [cast(scope_type = 'province' as int), epoch(period_start), cast(period_type = 'year' as int)])
        from marts.dq_reconciliation group by identity order by identity
    """)
    of_identity = _by_group(
        release,
        "select identity, scope_type, scope_code, period_type, period_start, left_value, right_value, difference "
        "from marts.dq_reconciliation",
        1, len(found),
        "difference = 0, scope_type <> 'province', period_start desc, period_type desc, scope_type, scope_code",
    )  # fmt: skip
    of_identity = {
        key: [(_scope(release, st, sc), _period(pt, ps), left, right, off) for st, sc, pt, ps, left, right, off in rows]
        for key, rows in of_identity.items()
    }
    groups = []
    for identity, count, off, newest in found:
        one = told.get(identity)
        period_type, start = newest["period"]
        cells = (
            one.title if one else identity, one.left if one else "", newest["left"], one.right if one else "",
            newest["right"], _period(period_type, date.fromisoformat(start)), off, count,
        )  # fmt: skip
        groups.append(((identity,), cells, count))
    table = _table(
        "Đẳng thức, hai vế của kỳ mới nhất toàn tỉnh, và số lần so sánh",
        ("Đẳng thức", "Vế trái", "Giá trị", "Vế phải", "Giá trị", "Kỳ", "Số lần lệch", "Số lần so sánh"),
        groups, of_identity, ("Phạm vi", "Kỳ", "Vế trái", "Vế phải", "Chênh lệch"), "marts.dq_reconciliation",
        ("identity",),
    )  # fmt: skip
    off = sum(one[2] for one in found)
    lead = ("Mọi đẳng thức đều khớp." if off == 0 else f"{shown(off)} lần hai vế không bằng nhau.",)
    return Section("reconciliation", "Đối chiếu số liệu", lead, (table,), is_bad=off > 0)


def _scope(release: _Release, scope_type: str, code: str) -> str:
    name = texts().scopes.get(scope_type, scope_type)
    if code == "all":
        return name if scope_type == "province" else f"{name}: tất cả"
    return f"{name}: {release.office(code) if scope_type == 'agency' else visible(code)}"


def _period(period_type: str, start: date) -> str:
    name = texts().periods.get(period_type, period_type)
    if period_type == "month":
        return f"{name} {start:%m/%Y}"
    if period_type == "quarter":
        return f"{name} {(start.month + 2) // 3}/{start.year}"
    return f"{name} {start.year}"


# ---------------------------------------------------------------- restatements, the portal's copy


def _restatements(release: _Release) -> Section:
    told = texts()
    found = release.rows("""
        select period_type, period_start, reason_code, min(first_release_id), min(first_as_of), count(*) as n
        from marts.restatements group by period_type, period_start, reason_code
        order by period_start desc, period_type, n desc, reason_code
    """)
    listed = _by_group(
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
    table = _table(
        "Theo kỳ và lý do",
        ("Kỳ", "Lý do", "Báo cáo lần đầu trong bản", "Số liệu đến ngày", "Số hồ sơ"),
        [
            ((pt, ps, reason), (_period(pt, ps), told.restatements.get(reason, reason), first, day, count), count)
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


def _restated_kpis(release: _Release) -> Table:
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
        told = _moved(rounded(before, kind), rounded(after, kind))
        return _kpi(before, kind, unit), _kpi(after, kind, unit), told

    groups = []
    for period_type, start, code, name, count, has_province, *values in found:
        told = moved(code, values) if has_province else (MISSING, MISSING, "không đổi")
        groups.append(((period_type, start, code), (_period(period_type, start), name, *told, count), count))
    opened = {
        of: [(release.office(office), *moved(of[2], values)) for office, *values in rows]
        for of, rows in _by_group(release, offices, 3, len(groups), "scope_code").items()
    }
    return _table(
        "Chỉ tiêu đã báo cáo nay khác, toàn tỉnh và số đơn vị có thay đổi",
        ("Kỳ", "Chỉ tiêu", "Đã báo cáo", "Nay biết", "Thay đổi", "Số đơn vị"),
        groups, opened, ("Đơn vị", "Đã báo cáo", "Nay biết", "Thay đổi"), "marts.restated_kpis",
        ("period_type", "period_start", "kpi"),
    )  # fmt: skip


def _portal(release: _Release) -> Section:
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
    listed = _by_group(
        release, "select office, difference, dossier_code, here, portal from portal_differences_told", 2, len(found)
    )
    table = _table(
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


# ---------------------------------------------------------------- scorecards


def _scores(release: _Release) -> Section:
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
    found = release.rows(
        """
        with recursive placed as (
            select index_code, version, criterion_code, name_vi, [criterion_code] as place, 0 as depth
            from marts.scorecard_criteria where parent_code is null
            union all
            select below.index_code, below.version, below.criterion_code, below.name_vi,
                list_append(placed.place, below.criterion_code), depth + 1
            from placed inner join marts.scorecard_criteria as below
                on placed.index_code = below.index_code and placed.version = below.version
                and placed.criterion_code = below.parent_code
        )
        select scored.index_code, scored.version, criterion_code, name_vi, depth, max_points, points, points_lost,
            numerator, denominator, status
        from marts.scorecard_values as scored inner join placed using (index_code, version, criterion_code)
        where scope_type = 'province' and period_type = 'year' and period_start = ?
        order by scored.index_code, scored.version, place
        """,
        start,
    )
    losing = release.rows("select count(distinct (index_code, version, criterion_code)) from points_lost_told")[0][0]
    listed = _by_group(
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
        tables.append(_table(
            f"{index}, phiên bản {version}, {_period('year', start)} (đến {shown(end)})",
            ("Tiêu chí", "Điểm tối đa", "Điểm đạt", "Điểm bị mất", "Tử số", "Mẫu số", "Nguồn điểm"),
            groups, opened, ("Qua", "Tên", "Tử số", "Mẫu số", "Còn thiếu", "Điểm bị mất"),
            "bản công bố, macro marts.points_lost_through", ("index", "version", "criterion"),
        ))  # fmt: skip
    lead = ("Điểm toàn tỉnh của năm đang chạy. Mở từng tiêu chí để thấy đơn vị, thủ tục làm mất điểm, xếp theo điểm.",)
    return Section("scores", title, lead, tuple(tables))


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value


# ---------------------------------------------------------------- who decided


def _waived(waivers: Sequence[Waiver]) -> Section:
    headers = ("Phép kiểm tra", "Lý do", "Người quyết định", "Thời điểm")
    rows = tuple(
        Row((w.check_code, w.reason, w.waived_by, w.waived_at), marks={"waiver": w.check_code}) for w in waivers
    )
    lead = (f"{shown(len(rows))} phép kiểm tra chặn công bố được miễn trừ.",) if rows else ("Không có miễn trừ.",)
    return Section("waivers", "Miễn trừ", lead, (Table("Miễn trừ", headers, rows),))


def _decided(release: _Release) -> Section:
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
        for d in made[:_OF_COUNT]
    )
    headers = ("Tệp", "Quyết định", "Lý do", "Người quyết định", "Thời điểm")
    lead = (f"{shown(len(made))} quyết định đang có hiệu lực đối với tệp đã tiếp nhận.",)
    table = Table("Chấp nhận, rút tệp", headers, rows, len(made) - len(rows), "cchc status")
    return Section("decisions", "Quyết định chấp nhận, rút tệp", lead, (table,))


# ---------------------------------------------------------------- counts and their rows


def _by_group(
    release: _Release, query: str, keys: int, groups: int, order: str = "all", within: str = "", most: int = _OF_COUNT
) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """The first rows of each group: `query` gives `keys` columns that name it, then what is shown of a row."""
    share = min(most, max(3, _OF_SECTION // max(groups, 1)))
    result = release.con.execute(f"select * from ({query}) limit 0")
    columns = [column[0] for column in result.description or ()]
    names = columns[:keys]
    ordered = ", ".join(columns[keys:]) if order == "all" else order
    partition = ", ".join([*names, *([within] if within else [])])
    grouped: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in release.rows(
        f"select {', '.join(columns)} from (select *, row_number() over (partition by {partition} order by {ordered}) "
        f"as place from ({query})) where place <= {share} order by {partition}, place"
    ):
        grouped.setdefault(row[:keys], []).append(row[keys:])
    return grouped


def _table(
    caption: str,
    headers: tuple[str, ...],
    groups: Sequence[tuple[tuple[Any, ...], tuple[Any, ...], int]],
    opened: Mapping[tuple[Any, ...], Sequence[tuple[Any, ...]]],
    opened_headers: tuple[str, ...],
    where: str,
    marks: tuple[str, ...],
    most: int = _GROUPS,
) -> Table:
    """A table of counts, each with its first rows: of a group its key, its cells, its count."""
    rows = []
    for key, cells, count in groups[:most]:
        listed = opened.get(key, ())
        opens = None
        if count and listed:
            inner = tuple(Row(tuple(row)) for row in listed)
            opens = Table(f"{shown(count)} dòng", opened_headers, inner, count - len(inner), where)
        named = {name: visible("" if value is None else str(value)) for name, value in zip(marks, key, strict=True)}
        rows.append(Row(cells, opens, named | {"count": str(count)}))
    return Table(caption, headers, tuple(rows), len(groups) - len(rows), where)


def _source(source: str | None) -> str:
    declared = all_sources().get(source or "")
    return declared.title_vi if declared else source or MISSING
