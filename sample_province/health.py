"""Health facilities and their look-ups of insurance entitlement, by chip card (CCCD) more and more.

186 facilities, all of which use the chip card by 16/10/2023 (the seed article): hospitals of the province,
a medical centre per district, regional polyclinics, a station per commune. Their codes begin with 91, the
province's number; facility and look-ups are invented. Look-ups number about 60.000 at scale 1.0.
"""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import numpy as np
import pyarrow as pa

from sample_province.calendar import DAY, Calendar, office_time
from sample_province.exports import CsvStyle
from sample_province.extracts import Extract, at, spans
from sample_province.people import people_table
from sample_province.province import Province

LOOKUPS = 60_000

_HOSPITALS = (
    "Bệnh viện Đa khoa tỉnh", "Bệnh viện Sản - Nhi tỉnh", "Bệnh viện Y học cổ truyền tỉnh",
    "Bệnh viện Ung bướu tỉnh", "Bệnh viện Tâm thần tỉnh", "Bệnh viện Lao và Bệnh phổi tỉnh",
)  # fmt: skip
_POLYCLINICS = 21
_FIRST_CARD, _LAST_CARD = date(2022, 3, 1), date(2023, 10, 16)
_UNKNOWN_FACILITY = "91999"
_LAST = at(11, 16, 22, 0)


def facilities_table(province: Province) -> pa.Table:
    """The 186 facilities: facility_code, facility_name, commune_code, uses_cccd_since, weight.

    The day on which each took up the chip card spreads over its rollout; the last one is 16/10/2023.
    """
    agencies = province.agencies
    communes = np.flatnonzero(agencies["level"] == "xã")
    codes, names = agencies["commune_code"][communes], agencies["agency_name"][communes]
    _, seats = np.unique(agencies["district_code"][communes].astype(str), return_index=True)
    districts = agencies["agency_name"][(agencies["level"] == "huyện") & agencies["is_listed"]]
    every_seventh = np.arange(3, 3 + 6 * _POLYCLINICS, 6)
    rows = [(name, codes[0], 30.0) for name in _HOSPITALS]
    rows += [(f"Trung tâm Y tế {name.removeprefix('UBND ')}", codes[seat], 14.0)
             for name, seat in zip(districts, seats, strict=True)]  # fmt: skip
    rows += [(f"Phòng khám đa khoa khu vực {names[n].removeprefix('UBND ')}", codes[n], 4.0) for n in every_seventh]
    rows += [(f"Trạm Y tế {name.removeprefix('UBND ')}", code, 1.0)
             for name, code in zip(names, codes, strict=True)]  # fmt: skip
    count = len(rows)
    rollout = (np.arange(count) / (count - 1)) ** 0.7
    since = np.datetime64(_FIRST_CARD) + (rollout * (_LAST_CARD - _FIRST_CARD).days).round().astype(int)
    titles, where, weight = zip(*rows, strict=True)
    return pa.table({
        "facility": np.arange(count),
        "facility_code": [f"91{n:03d}" for n in range(1, count + 1)],
        "facility_name": titles, "commune_code": where, "uses_cccd_since": since, "weight": weight,
    })  # fmt: skip


def facility_extracts(con: duckdb.DuckDBPyConnection, province: Province) -> list[Extract]:
    """`registers/health_facilities`, by mid-year and on the day of the last take-up."""
    con.register("facilities", facilities_table(province))
    columns = "facility_code, facility_name, commune_code, case when uses_cccd_since <= date '{}' then {} end"
    query = f"select {columns} as uses_cccd_since from facilities order by facility_code"
    as_text = "strftime(uses_cccd_since, '%d/%m/%Y')"
    return [
        Extract("registers/health_facilities/co-so-kcb_{:%Y%m%d}.csv", at(6, 30),
                query.format(at(6, 30), as_text), CsvStyle(";", "utf-8-sig"),
                spoiled={"uses_cccd_since": "sắp triển khai"}),
        Extract("registers/health_facilities/Co so KCB {:%Y-%m-%d}.xlsx", at(10, 16, 17, 0),
                query.format(at(10, 16), "uses_cccd_since::timestamp"),
                titles=("SỞ Y TẾ", "DANH SÁCH CƠ SỞ KHÁM CHỮA BỆNH TRA CỨU BẰNG CCCD GẮN CHÍP")),
    ]  # fmt: skip


def lookup_extracts(
    con: duckdb.DuckDBPyConnection, calendar: Calendar, scale: float, rng: np.random.Generator
) -> list[Extract]:
    """`health_lookups`: monthly lists of the insurance gateway, each worded by another release of it."""
    size = max(40, round(LOOKUPS * scale))
    con.register("lookup_plan", _lookups(con, calendar, size, rng))
    unknown = max(1, round(15 * scale))
    # Who does not use the chip card yet still shows the paper card.
    con.execute(f"""
        create table lookups as
        select 'TC' || strftime(looked_up_at, '%y%m%d') || lpad((row_number() over (
                order by looked_up_at, plan.lookup))::varchar, 7, '0') as lookup_code,
            case when plan.lookup < {unknown} then '{_UNKNOWN_FACILITY}' else facility_code end
                as facility_code,
            case when plan.lookup < {unknown} then 'Phòng khám chưa cấp mã' else facility_name end
                as facility_name,
            looked_up_at,
            case when chance > 0.985 then 'VNeID' when chance < by_card and looked_up_at >= uses_cccd_since
                then 'CCCD' else 'BHYT' end as document_type,
            applicant_id, gateway_code
        from lookup_plan plan join facilities using (facility) join lookup_people using (person)
        order by lookup_code
    """)
    stamps = [at(month, 1, 3, 30) for month in range(2, 12)] + [at(11, 8, 22, 0), _LAST]
    return [_lookup_list(number, since, stamp) for number, (since, stamp) in enumerate(spans(*stamps))]


def _lookups(con: duckdb.DuckDBPyConnection, calendar: Calendar, size: int, rng: np.random.Generator) -> pa.Table:
    """What chance decides of each look-up; most of the gateway's codes say entitled, a few failed."""
    facilities = con.table("facilities").to_arrow_table()
    weight = facilities["weight"].to_numpy()
    season = calendar.season()
    day = rng.choice(len(season), size, p=season / season.sum())
    people = max(20, int(0.55 * size))
    con.register("lookup_people", people_table(people, rng).select(["person", "applicant_id"]))
    codes = [
        "000",
        "001",
        "002",
        "003",
        "004",
        "010",
        "050",
        "060",
        "070",
        "120",
        "100",
        "101",
        "205",
        "401",
        "500",
    ]
    share = np.array([700, 60, 40, 30, 25, 40, 20, 25, 15, 10, 8, 6, 6, 10, 5])
    looked_up_at = calendar.days[day] + office_time(rng, size)
    weekend = (calendar.next_is_off(day) > 0) & (rng.random(size) < 0.1)
    return pa.table({
        "lookup": np.arange(size),
        "facility": rng.choice(len(weight), size, p=weight / weight.sum()),
        "person": rng.integers(0, people, size),
        "looked_up_at": np.where(weekend, looked_up_at + DAY, looked_up_at),
        "chance": rng.random(size),
        "by_card": 0.25 + 0.6 * day / len(season),
        "gateway_code": pa.array(codes).take(pa.array(rng.choice(len(codes), size, p=share / share.sum()))),
    })  # fmt: skip


_SUCCESS = "gateway_code <= '004'"
_FAILED = "gateway_code in ('100', '101', '205', '401', '500')"
# Header of the result, and how a release words it; technical failures stay codes wherever they are shown.
_RESULTS = (
    ("Kết quả", f"case when {_FAILED} then gateway_code when {_SUCCESS} then 'Thành công'"
                " else 'Không thành công' end"),
    ("maKetQua", "gateway_code"),
    ("KetQua", f"case when {_FAILED} then gateway_code when {_SUCCESS} then '1' else '0' end"),
    ("Kết quả", f"case when {_FAILED} then gateway_code when {_SUCCESS} then 'Có thông tin'"
                " else 'Không có thông tin' end"),
    ("maKetQua", "gateway_code::int::varchar"),
    ("Kết quả", "gateway_code"),
)  # fmt: skip


def _lookup_list(number: int, since: datetime, stamp: datetime) -> Extract:
    header, result = _RESULTS[number % len(_RESULTS)]
    is_json = number == 10
    times = ("%d/%m/%Y %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S")[1 if is_json else number % 3]
    named = (
        ("MaTraCuu", "MaCSKCB", "TenCSKCB", "ThoiGianTraCuu", "document_type", "SoGiayTo")
        if is_json
        else ("Mã tra cứu", "Mã CSKCB", "Tên CSKCB", "Thời gian tra cứu", "Loại giấy tờ", "Số giấy tờ")
    )
    code, facility, name, moment, document, identity = named
    query = f"""
        select lookup_code as "{code}", facility_code as "{facility}", facility_name as "{name}",
            strftime(looked_up_at, '{times}') as "{moment}", document_type as "{document}",
            case when document_type <> 'BHYT' then applicant_id end as "{identity}", {result} as "{header}"
        from lookups where looked_up_at > timestamp '{since}' and looked_up_at <= timestamp '{stamp}'
        order by lookup_code
    """
    if is_json:
        return Extract("health_lookups/cong-giam-dinh_{:%Y%m%d%H%M%S}.jsonl", stamp, query)
    style = (CsvStyle(), CsvStyle(";", "utf-8-sig"), CsvStyle("|"), CsvStyle("\t"))[number % 4]
    ending = "csv.gz" if number % 2 == 0 else "csv"
    if ending == "csv.gz":
        style = CsvStyle(style.delimiter)
    spoiled = {moment: "31/09/2023 09:00:00", document: "Giấy khai sinh"}
    return Extract(f"health_lookups/tra-cuu_{{:%Y-%m-%d}}.{ending}", stamp, query, style, spoiled=spoiled,
                   copies=number % 3)  # fmt: skip
