"""The warehouse against `tests.support.oracle`: every difference in one line each, none when they agree.

Compared are findings, dossier versions, dossiers, figures of odd periods on past days, and the published
calendar periods. A line begins with what was compared, then says what the oracle and what the warehouse hold.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb

from tests.support import oracle
from tests.support.oracle import Figure, Landing
from tests.support.oracle_other import other_kpis

SCOPE_TYPES = ("province", "level", "agency", "commune", "field", "procedure", "channel", "service_level")
VERSION_COLUMNS = (
    "dossier_code", "known_from", "known_to", "last_shown_at", "procedure_code", "procedure_name", "field_code",
    "field_name", "agency_code", "agency_name", "service_level", "channel", "submitted_at", "received_at", "due_at",
    "supplement_requested_at", "completed_at", "returned_at", "status_code", "fee_amount", "paid_online",
    "has_digitised_components", "has_electronic_result", "from_national_portal", "result_kind", "other_code",
    "is_deleted", "source_file",
)  # fmt: skip
OTHER_CODES = set(other_kpis(Landing(), dt.date(2023, 1, 1), dt.date(2023, 1, 1), dt.date(2023, 1, 1)))
FORM_06A = {
    "c04": "dossiers_received_online", "c06": "dossiers_carried_over", "c07": "dossiers_resolved",
    "c08": "dossiers_resolved_early", "c09": "dossiers_resolved_on_due_date", "c10": "dossiers_resolved_late",
    "c11": "dossiers_in_process", "c12": "dossiers_in_process_within_due", "c13": "dossiers_in_process_overdue",
}  # fmt: skip


def differences(landing: Landing, con: duckdb.DuckDBPyConnection, as_of: dt.date, sample: int = 60) -> list[str]:
    """All differences as of a day; `sample` bounds how many scopes and calendar periods are looked at."""
    rng = random.Random(as_of.toordinal())
    _spell_alike(landing)
    found: list[str] = []
    for part in (_findings, _versions, _dossiers):
        found += part(landing, con, as_of)
    found += _figures(landing, con, as_of, rng, sample)
    found += _calendar(landing, con, as_of, rng, sample)
    return found


def _spell_alike(landing: Landing) -> None:
    """The one value of result_kind that means something, however spelled, is one state of a dossier."""
    meant = "Trả lại/Xin rút"
    for row in landing.of("dossiers"):
        kind = row.values["result_kind"]
        if kind is not None and oracle.list_key(kind) == oracle.list_key(meant):
            row.values["result_kind"] = meant


def _unlike(name: str, expected: Iterable[Any], got: Iterable[Any]) -> Iterator[str]:
    oracle_has, warehouse_has = Counter(expected), Counter(got)
    for row in sorted((oracle_has - warehouse_has).elements(), key=str):
        yield f"{name}: only the oracle has {row}"
    for row in sorted((warehouse_has - oracle_has).elements(), key=str):
        yield f"{name}: only the warehouse has {row}"


def _findings(landing: Landing, con: duckdb.DuckDBPyConnection, as_of: dt.date) -> Iterator[str]:
    known = oracle.as_of(landing, as_of)
    yield from _unlike(
        "rejected files",
        [f.source_file for f in known.rejected_files],
        [f for (f,) in con.execute("select source_file from marts.dq_rejected_files").fetchall()],
    )
    yield from _unlike(
        "rejected rows",
        [(r.source, r.source_file, r.row_number, r.column or None) for r in known.rejected_rows],
        con.execute("select source, source_file, row_number, column_name from marts.dq_rejected_rows").fetchall(),
    )
    yield from _unlike(
        "flags",
        oracle.flags(landing, as_of),
        con.execute("select entity_code, rule_code from marts.dq_flags").fetchall(),
    )


def _versions(landing: Landing, con: duckdb.DuckDBPyConnection, as_of: dt.date) -> Iterator[str]:
    expected = []
    for version in oracle.versions(oracle.as_of(landing, as_of)):
        version["status_code"] = version["status"]
        expected.append(tuple(version[c] for c in VERSION_COLUMNS))
    got = con.execute(f"select {', '.join(VERSION_COLUMNS)} from marts.fct_dossier_versions").fetchall()
    yield from _unlike("dossier versions", expected, got)


def _dossiers(landing: Landing, con: duckdb.DuckDBPyConnection, as_of: dt.date) -> Iterator[str]:
    known = oracle.as_of(landing, as_of)
    pauses: dict[str, list[tuple[dt.date, dt.date | None]]] = {}
    for row in oracle.newest(known, "supplements"):
        span = (row.values["requested_at"].date(), oracle.day_of(row.values["resumed_at"]))
        pauses.setdefault(row.values["dossier_code"], []).append(span)
    expected = dict.fromkeys(oracle.histories(known), ("not_counted", None))
    working_days = {}
    for dossier in oracle.counted(known, as_of):
        code = dossier.values["dossier_code"]
        expected[code] = _bucket(dossier, as_of)
        if expected[code][0] == "resolved":
            working_days[code] = oracle.processing_days(dossier, pauses.get(code, []))
    got = con.execute(
        "select dossier_code, bucket, timeliness, processing_working_days from marts.fct_dossiers"
    ).fetchall()
    yield from _unlike("buckets", [(c, *e) for c, e in expected.items()], [row[:3] for row in got])
    yield from _unlike(
        "working days", working_days.items(), [(c, days) for c, bucket, _, days in got if bucket == "resolved"]
    )


def _bucket(dossier: oracle.Dossier, day: dt.date) -> tuple[str, str | None]:
    if dossier.closed is None or dossier.closed > day:
        late = dossier.due is not None and dossier.due < day and not dossier.paused
        return "in_process", "overdue" if late else "within_due"
    if dossier.withdrawn:
        return "withdrawn", None
    if dossier.due is None or dossier.closed == dossier.due:
        return "resolved", "on_due_date"
    return "resolved", "early" if dossier.closed < dossier.due else "late"


def _expected(
    landing: Landing, frm: dt.date, to: dt.date, day: dt.date, kind: str, scope: str, convention: str = "separate"
) -> dict[str, Figure]:
    """Every KPI that the scope has."""
    figures = oracle.kpis(landing, frm, to, day, kind, scope, convention)
    return figures | other_kpis(landing, frm, to, day, kind, scope)


def _agrees(kind: str, code: str, expected: Figure, got: Figure | tuple[()]) -> bool:
    """A family of KPIs need not speak of a scope in which it has no row; dossiers bear every scope compared."""
    if not got:
        return kind != "province" and code in OTHER_CODES and not expected[0] and not expected[1]
    if expected[:2] != got[:2] or (expected[2] is None) != (got[2] is None):
        return False
    return expected[2] is None or abs(expected[2] - got[2]) < 1e-12


def _scopes(landing: Landing, day: dt.date, as_of: dt.date) -> set[tuple[str, str]]:
    """Every scope that has a dossier counted as of a day and received by another."""
    known = oracle.as_of(landing, as_of)
    mine = [d for d in oracle.counted(known, as_of) if d.received <= day]
    return {(kind, oracle.scope_of(known, d, kind)) for d in mine for kind in SCOPE_TYPES}


def _figures(
    landing: Landing, con: duckdb.DuckDBPyConnection, as_of: dt.date, rng: random.Random, sample: int
) -> Iterator[str]:
    """Odd periods, as known on days of the past, in both conventions."""
    exports = sorted({row.stamp.date() for row in oracle.as_of(landing, as_of).of("dossiers")})
    past = exports[:: max(1, len(exports) // 4)]
    questions = [(as_of.replace(month=1, day=1), as_of, as_of)]
    for day in [*past, exports[-1] - dt.timedelta(days=1)]:
        questions.append((day - dt.timedelta(days=rng.randrange(60)), day, day))
        questions.append((day - dt.timedelta(days=400), day - dt.timedelta(days=rng.randrange(30)), day))
        questions.append((day, day, day))
    for frm, to, day in questions:
        for convention in ("separate", "form_06a"):
            got = {
                (code, kind, scope): figure
                for code, kind, scope, *figure in con.execute(
                    "select kpi_code, scope_type, scope_code, numerator, denominator, value "
                    "from marts.kpis(?::date, ?::date, ?::date, convention := ?)",
                    [frm, to, day, convention],
                ).fetchall()
            }
            scopes = sorted(_scopes(landing, to, day))
            for kind, scope in {("province", "all"), *rng.sample(scopes, min(len(scopes), sample // 4))}:
                for code, figure in _expected(landing, frm, to, day, kind, scope, convention).items():
                    mine = tuple(got.get((code, kind, scope), ()))
                    if not _agrees(kind, code, figure, mine):
                        yield f"kpis({frm}, {to}, {day}, {convention}) {kind}={scope} {code}: {figure}, warehouse {mine}"


def _calendar(
    landing: Landing, con: duckdb.DuckDBPyConnection, as_of: dt.date, rng: random.Random, sample: int
) -> Iterator[str]:
    """kpi_values and form_06a: sampled periods of sampled scopes, whole; which scopes stand in a period."""
    periods = con.execute("select distinct period_type, period_start, period_end from marts.kpi_values").fetchall()
    received = [d.received for d in oracle.counted(oracle.as_of(landing, as_of), as_of)]
    yield from _unlike("calendar periods", _periods(max(min(received), dt.date(2010, 1, 1)), as_of), periods)
    for kind, start, end in rng.sample(sorted(periods), min(len(periods), max(sample // 4, 4))):
        where = [kind, start]
        got = {
            (code, *scope): figure
            for code, *scope, numerator, denominator, value in con.execute(
                "select kpi_code, scope_type, scope_code, numerator, denominator, value from marts.kpi_values "
                "where period_type = ? and period_start = ?",
                where,
            ).fetchall()
            for scope, figure in [(tuple(scope), (numerator, denominator, value))]
        }
        expected = _scopes(landing, end, as_of)
        dossier_scopes = {scope for code, *scope_ in got if code == "dossiers_received" for scope in [tuple(scope_)]}
        yield from _unlike(f"scopes of {kind} {start}", expected, dossier_scopes)
        form = {
            row[0]: dict(zip(("c03", "c04", "c05", *list(FORM_06A)[1:]), row[1:], strict=True))
            for row in con.execute(
                "select agency_code, c03, c04, c05, c06, c07, c08, c09, c10, c11, c12, c13 from marts.form_06a "
                "where period_type = ? and period_start = ?",
                where,
            ).fetchall()
        }
        yield from _unlike(
            f"form_06a units of {kind} {start}", {c for t, c in expected if t in ("agency", "province")}, set(form)
        )
        for scope in rng.sample(sorted(expected), min(len(expected), 6)):
            for code, figure in _expected(landing, start, end, as_of, *scope).items():
                mine = got.get((code, *scope), ())
                if not _agrees(scope[0], code, figure, mine):
                    yield f"kpi_values {kind} {start} {scope} {code}: {figure}, warehouse {mine}"
        for agency, cells in form.items():
            scope = ("province", "all") if agency == "all" else ("agency", agency)
            figures = oracle.kpis(landing, start, end, as_of, *scope, "form_06a")
            counts = {column: figures[code][0] for column, code in FORM_06A.items()}
            counts["c05"] = figures["dossiers_received_direct"][0] + figures["dossiers_received_postal"][0]
            counts["c03"] = counts["c04"] + counts["c05"] + counts["c06"]
            if counts != cells:
                yield f"form_06a {kind} {start} {agency}: {counts}, warehouse {cells}"


def _periods(first: dt.date, as_of: dt.date) -> Iterator[tuple[str, dt.date, dt.date]]:
    for kind, months in (("month", 1), ("quarter", 3), ("year", 12)):
        start = first.replace(month=(first.month - 1) // months * months + 1, day=1)
        while start <= as_of:
            after = (start.replace(day=28) + dt.timedelta(days=31 * months - 27)).replace(day=1)
            yield kind, start, min(after - dt.timedelta(days=1), as_of)
            start = after
