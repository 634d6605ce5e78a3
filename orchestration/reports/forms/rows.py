"""What stands in the rows of a form, by the same macros of the release as `cchc kpi` and `cchc explain`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from orchestration.catalogue import kpi_codes
from orchestration.publishing.releases import Release, open_release
from orchestration.reports.figures import Question, figures
from orchestration.reports.forms.declared import Form

LEVELS_VI = {"province": "Cấp tỉnh", "district": "Cấp huyện", "commune": "Cấp xã", "unknown": "Chưa rõ cấp"}
UNKNOWN_VI = "Chưa rõ"

Values = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A row of a form: its values by name, among the rows under a heading, or under none."""

    values: Values
    heading: str | None = None


@dataclass(frozen=True)
class Body:
    """The rows in order, those of one heading together, the total, and how many dossiers were withdrawn."""

    entries: list[Entry]
    total: Values | None
    withdrawn: int | None


def filled(release: Release, form: Form, question: Question) -> Body:
    """The rows of a form. A form of dossiers lists them and has no total."""
    entries, total = _ROWS[form.rows](release, form, question)
    return Body(entries, total, _withdrawn(release, form, question))


def _withdrawn(release: Release, form: Form, question: Question) -> int | None:
    """How many dossiers were withdrawn, which one convention counts elsewhere; none where the form does not say it."""
    if "{withdrawn}" not in form.conventions[question.convention]:
        return None
    separate = replace(question, convention="separate")
    [row] = figures(release, separate, ["province"], ["dossiers_withdrawn"]).to_pylist()
    return row["numerator"]


def _codes(form: Form) -> list[str]:
    """The KPIs that a form shows."""
    return sorted({name for column in form.columns for name in column.shows} & set(kpi_codes()))


def _counted(release: Release, form: Form, question: Question, scope_type: str) -> tuple[dict[str, Values], Values]:
    """{code of the scope: {KPI: count}} of one scope type, and the province's, of what a form shows."""
    found: dict[str, dict[str, Values]] = {"province": {}, scope_type: {}}
    for row in figures(release, question, list(found), _codes(form)).to_pylist():
        found[row["scope_type"]].setdefault(row["scope_code"], {})[row["kpi_code"]] = row["numerator"]
    return found[scope_type], found["province"]["all"]


# ---------------------------------------------------------------- by agency


def _agencies(release: Release, form: Form, question: Question) -> tuple[list[Entry], Values]:
    """Every agency that `cchc kpi --by agency` has, under the level that the register gives it on the last day."""
    known = _registered_agencies(release, question)
    counted, total = _counted(release, form, question, "agency")
    return _by_level((known[code], values) for code, values in sorted(counted.items())), total


def _overdue_agencies(release: Release, form: Form, question: Question) -> tuple[list[Entry], Values]:
    """Agencies with overdue dossiers, most first."""
    known = _registered_agencies(release, question)

    def overdue(values: Values) -> int:
        return (values["dossiers_resolved_late"] or 0) + (values["dossiers_in_process_overdue"] or 0)

    counted, total = _counted(release, form, question, "agency")
    ranked = sorted(counted.items(), key=lambda item: (-overdue(item[1]), item[0]))
    entries = [Entry(values | {"name": known[code].name}) for code, values in ranked if overdue(values)]
    return entries, total


def _procedures(release: Release, form: Form, question: Question) -> tuple[list[Entry], Values]:
    """Procedures that agencies handled in the period, and those of the register, by the procedure's level."""
    levels = ["province", "district", "commune"]
    handled: dict[str, Values] = {}
    with open_release(release) as con:
        for agency, level, number in con.execute(
            """
            with procedures as (
                select procedure_code, level from marts.procedures_as_of(?::date)
                where ?::date >= valid_from and ?::date < valid_to
            ),
            handled as (
                select distinct scope_agency, scope_procedure
                from marts.rows_behind(?::date, ?::date, ?::date, convention := ?)
                where kpi_code in ('dossiers_received', 'dossiers_carried_over')
            )
            select scope_agency, level, count(distinct scope_procedure)
            from (
                select scope_agency, scope_procedure, coalesce(level, 'unknown') as level
                from handled left join procedures on scope_procedure = procedure_code
                where scope_procedure <> 'unknown'
            ) as leveled
            group by grouping sets ((scope_agency, level), (scope_agency), (level), ())
            """,
            [question.as_of, question.to_on, question.to_on, *question.parameters],
        ).fetchall():
            values = handled.setdefault(agency or "", {f"handled_{one}": 0 for one in levels})
            values[f"handled_{level}" if level else "handled"] = number
        registered = con.execute(
            """
            select level, count(*) from marts.procedures_as_of(?::date)
            where ?::date >= valid_from and ?::date < valid_to group by level
            """,
            [question.as_of, question.to_on, question.to_on],
        ).fetchall()
    by_level = dict(registered)
    total = handled.pop("", {"handled": 0} | {f"handled_{one}": 0 for one in levels})
    if registered:
        total |= {"registered": sum(by_level.values())}
        total |= {f"registered_{one}": by_level.get(one, 0) for one in levels}
    known = _registered_agencies(release, question)
    return _by_level((known[code], values) for code, values in sorted(handled.items())), total


@dataclass(frozen=True)
class _Agency:
    name: str
    level: str


class _Agencies(dict[str, _Agency]):
    """Agencies by code; one of which nothing is known is called by its code."""

    def __missing__(self, code: str) -> _Agency:
        return _Agency(UNKNOWN_VI if code == "unknown" else code, "unknown")


def _registered_agencies(release: Release, question: Question) -> _Agencies:
    """What agencies are called, and their level on the last day; of one not valid then, its name alone."""
    with open_release(release) as con:
        rows = con.execute(
            """
            with register as (
                select *, ?::date >= valid_from and ?::date < valid_to as is_valid
                from marts.agencies_as_of(?::date)
            ),
            named as (
                select agency_code, max_by(agency_name, valid_from) as agency_name, null as level
                from marts.dim_agency where agency_name is not null group by agency_code
            )
            select agency_code, coalesce(valid.agency_name, former.agency_name, named.agency_name), valid.level
            from named
            full join (select * from register where is_valid) as valid using (agency_code)
            left join (
                select agency_code, max_by(agency_name, valid_from) as agency_name from register group by agency_code
            ) as former using (agency_code)
            """,
            [question.to_on, question.to_on, question.as_of],
        ).fetchall()
    return _Agencies(
        {code: _Agency(name or code, level or "unknown") for code, name, level in rows if code != "unknown"}
    )


def _by_level(rows: Iterable[tuple[_Agency, Values]]) -> list[Entry]:
    """Rows under headings, the levels from the province down."""
    order = list(LEVELS_VI)
    entries = [(order.index(a.level), Entry(values | {"name": a.name}, LEVELS_VI[a.level])) for a, values in rows]
    return [entry for _, entry in sorted(entries, key=lambda one: one[0])]


# ---------------------------------------------------------------- by field


def _fields(release: Release, form: Form, question: Question) -> tuple[list[Entry], Values]:
    """Every field that `cchc kpi --by field` has."""
    with open_release(release) as con:
        names = _field_names(con)
    counted, total = _counted(release, form, question, "field")
    entries = [Entry(values | {"name": _field(names, code)}) for code, values in sorted(counted.items())]
    return entries, total


def _fields_by_level(release: Release, form: Form, question: Question) -> tuple[list[Entry], Values]:
    """Fields under the level of the agency on the day received: scopes crossed, so the rows behind are counted."""
    codes = _codes(form)
    with open_release(release) as con:
        names = _field_names(con)
        rows = con.execute(
            f"""
            select scope_level, scope_field, kpi_code, count(*)
            from marts.rows_behind(?::date, ?::date, ?::date, convention := ?)
            where kpi_code in ({", ".join("?" * len(codes))})
            group by all
            """,
            [*question.parameters, *codes],
        ).fetchall()
    counted: dict[tuple[str, str], Values] = {}
    for level, field, code, number in rows:
        counted.setdefault((level, field), dict.fromkeys(codes, 0))[code] = number
    order = list(LEVELS_VI)
    entries = [
        Entry(values | {"name": _field(names, field)}, LEVELS_VI[level])
        for (level, field), values in sorted(counted.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
    ]
    _, total = _counted(release, form, question, "province")
    return entries, total


def _field_names(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(
        con.execute(
            "select field_code, max_by(field_name, valid_from) from marts.dim_procedure "
            "where field_name is not null group by field_code"
        ).fetchall()
    )


def _field(names: dict[str, str], code: str) -> str:
    return names.get(code) or (UNKNOWN_VI if code == "unknown" else code)


# ---------------------------------------------------------------- dossier by dossier


def _overdue_dossiers(release: Release, form: Form, question: Question) -> tuple[list[Entry], None]:
    """Dossiers resolved late in the period or overdue on its last day, by agency and due day."""
    agencies = _registered_agencies(release, question)
    with open_release(release) as con:
        names = _field_names(con)
        rows = con.execute(
            """
            with overdue as (
                select entity_code as dossier_code, kpi_code = 'dossiers_resolved_late' as is_resolved
                from marts.rows_behind(?::date, ?::date, ?::date, convention := ?)
                where kpi_code in ('dossiers_resolved_late', 'dossiers_in_process_overdue')
            )
            select
                overdue.dossier_code, coalesce(agency_code, 'unknown'), coalesce(field_code, 'unknown'),
                coalesce(registered.procedure_name, dossiers.procedure_name, dossiers.procedure_code),
                case when is_resolved then 'Giải quyết quá hạn' else 'Đang giải quyết, quá hạn' end,
                received_on, due_on, case when is_resolved then closed_on end,
                case when is_resolved then closed_on else ?::date end - due_on
            from overdue
            inner join marts.dossiers_as_of(?::date, convention := ?) as dossiers using (dossier_code)
            left join (
                select procedure_code, procedure_name from marts.procedures_as_of(?::date)
                where ?::date >= valid_from and ?::date < valid_to
            ) as registered using (procedure_code)
            order by agency_code, due_on, overdue.dossier_code
            """,
            [
                *question.parameters, question.to_on, question.as_of, question.convention,
                question.as_of, question.to_on, question.to_on,
            ],
        ).fetchall()  # fmt: skip
    columns = ("procedure_name", "state", "received_on", "due_on", "closed_on", "days_overdue")
    return [
        Entry(
            {"dossier_code": dossier, "agency_name": agencies[agency].name, "field_name": _field(names, field)}
            | dict(zip(columns, rest, strict=True))
        )
        for dossier, agency, field, *rest in rows
    ], None


_ROWS: dict[str, Any] = {
    "agencies": _agencies,
    "agencies_overdue": _overdue_agencies,
    "dossiers_overdue": _overdue_dossiers,
    "fields": _fields,
    "fields_by_level": _fields_by_level,
    "procedures_by_agency": _procedures,
}
