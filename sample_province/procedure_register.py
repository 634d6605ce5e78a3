"""The register of procedures: 1.558 online services, and the cuts of their processing time in 2023.

The first of them are those that the dossiers use; the rest are filled up with believable ones, numbered from
x.090000 where no real procedure stands. Offered online are all whose register row says full or partial
process; "100 % of those eligible for full process" of the seed article is read so: no row is eligible for the
full process and offered below it, so `service_level` *full* is both the eligible and the offered. The other
rows are on paper only, were abolished in mid-2023, or begin in December.

Over 119 procedures were cut by 3 to 5 days: 123 here, none of them one that dossiers use. A cut procedure has
two rows, the second valid from the decision.
"""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from sample_province.article import FIGURES, MORE_THAN
from sample_province.exports import CsvStyle
from sample_province.extracts import Extract, at
from sample_province.province import MISSING, Province, read_data

ONLINE, FULL = FIGURES["online_services_offered"], 862
CUT = MORE_THAN["procedures_shortened"] + 4
_ON_PAPER, _ABOLISHED, _TO_COME = 186, 31, 12

_ACTIONS = (
    "Cấp {}", "Cấp lại {} do bị mất hoặc hư hỏng", "Điều chỉnh {}", "Gia hạn {}",
    "Thu hồi {} theo đề nghị của tổ chức, cá nhân", "Cấp đổi {}",
)  # fmt: skip
_DECISIONS = (
    ("487/QĐ-UBND", "2023-03-02"), ("1121/QĐ-UBND", "2023-05-10"), ("1593/QĐ-UBND", "2023-07-04"),
    ("2206/QĐ-UBND", "2023-09-08"), ("2561/QĐ-UBND", "2023-10-19"),
)  # fmt: skip
_SINCE = "2021-07-01"


def procedure_extracts(con: duckdb.DuckDBPyConnection, province: Province) -> list[Extract]:
    """`registers/procedures` and `registers/procedure_cuts`: at the turn of the year, and in autumn."""
    con.register("procedure_rows", _rows(province))
    con.execute("""
        create table procedure_versions as
        select * exclude (cut, decided_on), coalesce(decided_on, valid_to) as ends_on,
            statutory_days + coalesce(cut, 0) as days, valid_from as begins_on
        from procedure_rows
        union all
        select * exclude (cut, decided_on), valid_to, statutory_days, decided_on
        from procedure_rows where cut is not null
    """)
    levels = "case service_level when 'full' then '{}' when 'partial' then '{}' else '{}' end"
    query = """
        select procedure_code, procedure_name, field_code, field_name, level, {levels} as service_level,
            case when service_level = 'other' then '{no}' else '{yes}' end as is_online,
            days::varchar as statutory_days,
            strftime(begins_on, '{times}') as valid_from,
            case when ends_on <= date '{known}' then strftime(ends_on, '{times}') end as valid_to
        from procedure_versions where begins_on <= date '{known}' order by procedure_code, begins_on
    """
    cuts = """
        select procedure_code, decision_number, {day} as decided_on,
            (statutory_days + cut)::varchar as days_before, statutory_days::varchar as days_after
        from procedure_rows where decided_on <= date '{known}' {also} order by decision_number, procedure_code
    """
    # Decisions of the year before, and one that keeps the days: none of them a cut of 2023.
    kept = """
        union all select procedure_code, '2987/QĐ-UBND', '2022-12-08', '20', '15' from procedure_rows
        where decided_on = date '2023-03-02' union all
        select procedure_code, '2561/QĐ-UBND', '2023-10-19', statutory_days::varchar, statutory_days::varchar
        from procedure_rows where cut is null and level = 'xã' and procedure_code like '3.09%'
    """
    return [
        Extract("registers/procedures/danh-muc-tthc_{:%Y%m%d}.csv", at(12, 30, 17, 0, 2022),
                query.format(levels=levels.format("4", "3", "2"), no="0", yes="1", times="%Y-%m-%d",
                             known="2022-12-30"),
                CsvStyle("\t", "utf-16"), spoiled={"statutory_days": "theo vụ việc"}),
        Extract("registers/procedures/danh muc TTHC {:%Y-%m-%d}.xls", at(11, 10, 17, 0),
                query.format(levels=levels.format("Toàn trình", "Một phần", "Cung cấp thông tin"), no="không",
                             yes="x", times="%d/%m/%Y", known="2023-12-31"),
                titles=("VĂN PHÒNG UBND TỈNH KIÊN GIANG", "DANH MỤC THỦ TỤC HÀNH CHÍNH")),
        Extract("registers/procedure_cuts/rut-ngan_{:%Y_%m_%d}.csv", at(7, 10),
                cuts.format(day="strftime(decided_on, '%d/%m/%Y')", known="2023-07-10", also=""),
                CsvStyle(";", "utf-8-sig"), spoiled={"days_after": "còn 3-5"}),
        Extract("registers/procedure_cuts/rut-ngan_{:%Y_%m_%d}.json", at(10, 31),
                cuts.format(day="strftime(decided_on, '%Y-%m-%d')", known="2023-10-31", also=kept)),
    ]  # fmt: skip


def _rows(province: Province) -> pa.Table:
    """One row per procedure: its register columns, statutory_days as of today, cut in days and decided_on."""
    used = province.procedures
    listed = used["is_listed"]
    online_used = int((used["service_level"][listed] != "other").sum())
    full_used = int((used["service_level"][listed] == "full").sum())
    online, full = ONLINE - online_used, FULL - full_used
    subjects = read_data("procedure_subjects.csv")
    size = online + _ON_PAPER + _ABOLISHED + _TO_COME
    chosen = [(action, subject) for action in _ACTIONS for subject in subjects][:size]
    # Kinds are dealt out evenly over fields and actions: a prime has no factor in common with size.
    turn = np.argsort((np.arange(size) * 7919) % size, kind="stable")
    kind = np.repeat(["full", "partial", "other", "abolished", "to_come"],
                     [full, online - full, _ON_PAPER, _ABOLISHED, _TO_COME])[turn]  # fmt: skip
    level = np.array([subject["level"] for _, subject in chosen])
    days = np.array([1, 3, 5, 7, 10, 12, 15, 20])[(np.arange(size) * 13) % 8]
    may_be_cut = np.flatnonzero((days >= 3) & (level != "xã") & np.isin(kind, ("full", "partial")))
    cut_rows = may_be_cut[:: len(may_be_cut) // CUT][:CUT]
    cut = np.full(size, None, object)
    decided_on = np.full(size, None, object)
    cut[cut_rows] = 3 + np.arange(CUT) % 3
    decided_on[cut_rows] = np.array([day for _, day in _DECISIONS], object)[np.arange(CUT) % len(_DECISIONS)]
    number = np.arange(size)
    decision = {day: document for document, day in _DECISIONS}
    fill: dict[str, Any] = {
        "procedure_code": [f"{1 + n % 3}.{90_000 + 3 * n:06d}" for n in number],
        "procedure_name": [action.format(subject["subject"]) for action, subject in chosen],
        "field_code": [subject["field_code"] for _, subject in chosen],
        "field_name": [subject["field_name"] for _, subject in chosen],
        "level": level,
        "service_level": np.where(np.isin(kind, ("abolished", "to_come")), "partial", kind),
        "statutory_days": days,
        "valid_from": np.where(kind == "to_come", "2023-12-01", _SINCE),
        "valid_to": np.where(kind == "abolished", "2023-06-30", MISSING),
        "cut": cut, "decided_on": decided_on,
        "decision_number": [decision.get(day) for day in decided_on],
    }  # fmt: skip
    count = int(listed.sum())
    columns = {}
    for name, cells in fill.items():
        constant = {"valid_from": _SINCE}.get(name)
        head = used[name][listed] if name in used else np.full(count, constant, object)
        columns[name] = pa.array([*head, *cells])
    for name in ("valid_from", "valid_to", "decided_on"):
        columns[name] = columns[name].cast(pa.date32())
    return pa.table(columns)
