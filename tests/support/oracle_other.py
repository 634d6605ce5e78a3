"""The KPIs of contract section 6 besides those of dossiers, read a second time from the contract alone.

Choices made where the contract leaves room:

1.  A KPI has a scope only where its row, the row's agency or the row's facility bears the code: directives,
    trainings, cuts, payments, providers and indexes have the province alone; procedures have `level`.
2.  The level and commune of an event's agency are those of the event's day, of a state's those of `to`.
    A level stands on a procedure's own row (the same code list), a commune on a registration's own row.
3.  A rating or index year is the newest among known rows; with none not after `to`, counts are 0.
4.  A registry office is found in the register by its folded name, on the day of registration; with several
    agencies of that name valid that day, or none, the commune is missing. Its columns noiDangKy, quyenSo,
    so and ngayDangKy are required; a row without birth or death date lacks event_date.
5.  A registration before its event counts as on time: registered day − event day is below the limit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tests.support.cells import fold
from tests.support.oracle import Figure, as_of, day_of, newest, valid_rows
from tests.support.reading import Landing

Row = dict[str, Any]
GRADES = {"Xuất sắc": "excellent", "Tốt": "good", "Khá": "fair", "Trung bình": "average", "Yếu": "poor"}
MISSING: Figure = (None, None, None)


def other_kpis(
    landing: Landing,
    frm: dt.date,
    to: dt.date,
    as_of_day: dt.date,
    scope_type: str = "province",
    scope_code: str = "all",
) -> dict[str, Figure]:
    """All KPIs that have this scope: (numerator, denominator, value), as `oracle.kpis`."""
    assert frm <= to <= as_of_day
    return _Report(as_of(landing, as_of_day), frm, to, scope_type, scope_code).figures()


class _Report:
    def __init__(self, known: Landing, frm: dt.date, to: dt.date, scope_type: str, scope_code: str) -> None:
        self.known, self.frm, self.to = known, frm, to
        self.scope_type, self.scope_code = scope_type, scope_code
        self.out: dict[str, Figure] = {}

    # --- which rows

    def _rows(self, source: str) -> list[Row]:
        return [row.values for row in newest(self.known, source)]

    def _in_period(self, row: Row, column: str) -> bool:
        day = day_of(row[column])
        return day is not None and self.frm <= day <= self.to

    def _valid(self, source: str) -> list[Row]:
        column = "agency_code" if source == "registers/agencies" else "procedure_code"
        codes = sorted({row[column] for row in self._rows(source)})
        return [row for code in codes for row in valid_rows(self.known, source, code, self.to)]

    def _of_agency(self, code: str | None, day: dt.date) -> str:
        if self.scope_type == "agency":
            return code or "unknown"
        rows = valid_rows(self.known, "registers/agencies", code, day) if code else []
        column = "level" if self.scope_type == "level" else "commune_code"
        return (rows[0][column] if rows else None) or "unknown"

    def _scoped(self, rows: list[Row], code_of: Callable[[Row], str | None], *types: str) -> list[Row] | None:
        """Rows of the scope, None when such rows bear no code of its type."""
        if self.scope_type == "province":
            return rows
        if self.scope_type not in types:
            return None
        return [row for row in rows if (code_of(row) or "unknown") == self.scope_code]

    def _by_agency(self, rows: list[Row], column: str, day_column: str | None) -> list[Row] | None:
        def code(row: Row) -> str:
            day = day_of(row[day_column]) if day_column else self.to
            return self._of_agency(row[column], day or self.to)

        return self._scoped(rows, code, "agency", "level", "commune")

    # --- what is put out

    def _count(self, source: str, code: str, rows: list[Row] | None, amount: int | None = None) -> None:
        if rows is None:
            return
        n = len(rows) if amount is None else amount
        self.out[code] = (n, None, n) if self.known.of(source) else MISSING

    def _rate(self, source: str, code: str, numerator: int, denominator: int) -> None:
        if not self.known.of(source):
            self.out[code] = MISSING
            return
        value = float(Fraction(numerator, denominator)) if denominator else None
        self.out[code] = (numerator, denominator, value)

    def figures(self) -> dict[str, Figure]:
        self._plan()
        self._events()
        self._ratings_and_indexes()
        self._procedures()
        self._payments()
        self._agencies()
        self._health()
        self._registrations()
        return self.out

    # --- KPI by KPI, in the order of section 6

    def _plan(self) -> None:
        source, new_year = "registers/plan_tasks", dt.date(self.to.year, 1, 1)
        rows = [r for r in self._rows(source) if new_year <= r["assigned_on"].date() <= self.to]
        assigned = self._by_agency(rows, "lead_agency_code", None)
        if assigned is None:
            return
        done = [r for r in assigned if r["completed_on"] and r["completed_on"].date() <= self.to]
        rest = [r for r in assigned if r not in done]
        self._count(source, "plan_tasks_assigned", assigned)
        self._count(source, "plan_tasks_completed", done)
        self._count(source, "plan_tasks_in_progress", rest)
        self._count(source, "plan_tasks_overdue", [r for r in rest if r["due_on"].date() < self.to])
        self._rate(source, "plan_task_completion_rate", len(done), len(assigned))

    def _events(self) -> None:
        def none(row: Row) -> None:
            return None

        for code, source, column in (
            ("directives_issued", "registers/directives", "issued_on"),
            ("trainings_held", "registers/trainings", "held_on"),
        ):
            rows = [r for r in self._rows(source) if self._in_period(r, column)]
            self._count(source, code, self._scoped(rows, none))

        source = "registers/inspections"
        rows = [r for r in self._rows(source) if self._in_period(r, "inspected_on")]
        self._count(source, "inspections_held", self._by_agency(rows, "agency_code", "inspected_on"))

        source = "registers/petitions"
        rows = [r for r in self._rows(source) if self._in_period(r, "received_on")]
        petitions = self._by_agency(rows, "agency_code", "received_on")
        self._count(source, "petitions_received", petitions)
        if petitions is not None:
            in_time = [
                r
                for r in petitions
                if r["answered_on"] and r["due_on"] and r["answered_on"].date() <= min(r["due_on"].date(), self.to)
            ]
            self._count(source, "petitions_answered_on_time", in_time)

        source = "registers/satisfaction"
        rows = [r for r in self._rows(source) if self._in_period(r, "surveyed_on")]
        surveys = self._by_agency(rows, "agency_code", "surveyed_on")
        if surveys is not None:
            satisfied, asked = (sum(r[c] for r in surveys) for c in ("satisfied_count", "respondents"))
            self._rate(source, "satisfaction_rate", satisfied, asked)

    def _ratings_and_indexes(self) -> None:
        source = "registers/unit_ratings"
        ratings = [r for r in self._rows(source) if r["year"] <= self.to.year]
        newest_year = max((r["year"] for r in ratings), default=None)
        rows = self._by_agency([r for r in ratings if r["year"] == newest_year], "agency_code", None)
        for grade, name in GRADES.items():
            of_grade = None if rows is None else [r for r in rows if r["grade"] == grade]
            self._count(source, f"units_rated_{name}", of_grade)

        if self.scope_type != "province":
            return
        for index in ("PAR", "SIPAS", "PAPI", "PCI"):
            ranks = {
                r["year"]: r["rank"]
                for r in self._rows("registers/index_results")
                if r["index_code"] == index and r["domain_code"] is None and r["year"] <= self.to.year
            }
            year = max(ranks, default=0)
            now, before = ranks.get(year), ranks.get(year - 1)
            change = None if now is None or before is None else before - now
            self.out[f"{index.lower()}_{'index_' if index == 'PAR' else ''}rank"] = (now, None, now)
            name = f"{index.lower()}_{'index_' if index == 'PAR' else ''}rank_change"
            self.out[name] = (change, None, change)

    def _procedures(self) -> None:
        source = "registers/procedures"
        offered = [r for r in self._valid(source) if r["is_online"]]
        rows = self._scoped(offered, lambda r: r["level"], "level")
        self._count(source, "online_services_offered", rows)
        full = None if rows is None else [r for r in rows if r["service_level"] == "full"]
        self._count(source, "online_services_full_process", full)

        source = "registers/procedure_cuts"
        cuts = [
            r for r in self._rows(source) if self._in_period(r, "decided_on") and r["days_after"] < r["days_before"]
        ]
        if self.scope_type == "province":
            self._count(source, "procedures_shortened", cuts, len({r["procedure_code"] for r in cuts}))
            saved = sum(r["days_before"] - r["days_after"] for r in cuts)
            self._count(source, "procedure_days_saved", cuts, saved)

    def _payments(self) -> None:
        if self.scope_type != "province":
            return
        source = "registers/payment_providers"
        connected = [
            r
            for r in self._rows(source)
            if r["connected_on"].date() <= self.to
            and (r["disconnected_on"] is None or r["disconnected_on"].date() > self.to)
        ]
        banks = [r for r in connected if r["provider_type"] == "Ngân hàng"]
        self._count(source, "payment_banks_connected", banks)
        self._count(source, "payment_wallets_connected", [r for r in connected if r not in banks])
        paid = [r for r in self._rows("payments") if r["status"] == "paid" and self._in_period(r, "paid_at")]
        self._count("payments", "payments_paid", paid)
        self._count("payments", "payments_paid_amount", paid, sum(r["amount"] for r in paid))

    def _agencies(self) -> None:
        source = "registers/agencies"
        valid = self._by_agency(self._valid(source), "agency_code", None)
        if valid is None:
            return
        upper = [r for r in valid if r["level"] in ("province", "district")]
        for code, rows, column in (
            ("internal_process_rate", upper, "has_internal_process"),
            ("electronic_process_rate", upper, "has_electronic_process"),
            ("e_office_rate", valid, "uses_e_office"),
        ):
            self._rate(source, code, sum(r[column] for r in rows), len(rows))

    def _health(self) -> None:
        source = "registers/health_facilities"
        register = self._rows(source)
        communes = {r["facility_code"]: r["commune_code"] for r in register}
        facilities = self._scoped(register, lambda r: r["commune_code"], "commune")
        if facilities is not None:
            using = [r for r in facilities if r["uses_cccd_since"] and r["uses_cccd_since"].date() <= self.to]
            self._count(source, "health_facilities", facilities)
            self._count(source, "health_facilities_using_cccd", using)
            self._rate(source, "cccd_facility_rate", len(using), len(facilities))
        source = "health_lookups"
        rows = [r for r in self._rows(source) if self._in_period(r, "looked_up_at")]
        lookups = self._scoped(rows, lambda r: communes.get(r["facility_code"]), "commune")
        if lookups is not None:
            good, none = (sum(r["result"] == result for r in lookups) for result in ("successful", "no_entitlement"))
            self._count(source, "health_lookups", lookups)
            self._count(source, "health_lookups_by_cccd", [r for r in lookups if r["document_type"] == "CCCD"])
            self._rate(source, "health_lookup_success_rate", good, good + none)

    def _commune_of(self, row: Row) -> str | None:
        if "registry_office" not in row:
            return row["commune_code"]
        office, day = fold(row["registry_office"]), row["registered_at"].date()
        names = {
            r["commune_code"]
            for code in {r["agency_code"] for r in self._rows("registers/agencies")}
            for r in valid_rows(self.known, "registers/agencies", code, day)
            if fold(r["agency_name"]) == office
        }
        return names.pop() if len(names) == 1 else None

    def _registrations(self) -> None:
        source = "civil_registrations"
        rows = [r for r in self._rows(source) if self._in_period(r, "registered_at")]
        scoped = self._scoped(rows, self._commune_of, "commune")
        if scoped is None:
            return
        for event, limit in (("birth", 60), ("death", 15)):
            mine = [r for r in scoped if r["event_type"] == event]
            self._count(source, f"{event}s_registered", mine)
            self._count(source, f"{event}s_registered_online", [r for r in mine if r["channel"] == "online"])
            new = [r for r in mine if r["registration_kind"] in (None, "Đăng ký mới", "Quá hạn")]
            new = [r for r in new if r["event_date"] is not None]
            in_time = [r for r in new if (r["registered_at"].date() - r["event_date"].date()).days <= limit]
            self._rate(source, f"{event}_on_time_rate", len(in_time), len(new))
