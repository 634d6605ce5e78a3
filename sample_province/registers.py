"""The lists that offices keep by hand, each as it stood on the days of its exports.

They are the same at every scale and seed. What the seed article counts is written out in the package's data
files (tasks, directives, inspections, trainings, index results, payment providers); ratings, petitions and
satisfaction surveys are worked out here. Of the indexes, ranks and scores are the published ones of Kiên
Giang; a year or domain without a published figure has no row, so PAR INDEX 2022 has two of its domains.
Ratings are those of 2022, announced in April 2023 (3 excellent, 21 good, 13 average), after those of 2021.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from sample_province.article import FIGURES
from sample_province.exports import CsvStyle
from sample_province.extracts import Extract, at
from sample_province.province import Province, read_data

_RATED_2022 = tuple(FIGURES[f"units_rated_{grade}"] for grade in ("excellent", "good", "average"))
_GRADES = {2021: ((3, 90), (18, 80), (16, 65)), 2022: tuple(zip(_RATED_2022, (90, 80, 65), strict=True))}
_GRADE_NAMES = ("Xuất sắc", "Tốt", "Trung bình")
_PETITIONS = 384
_SLASHED, _DASHED = "%d/%m/%Y", "%Y-%m-%d"
_DATED = ("assigned_on", "due_on", "completed_on", "issued_on", "inspected_on", "held_on", "connected_on")


def register_extracts(con: duckdb.DuckDBPyConnection, province: Province, rng: np.random.Generator) -> list[Extract]:
    """All registers but those of procedures and health facilities."""
    agencies = {column: pa.array(cells, from_pandas=True) for column, cells in province.agencies.items()}
    con.register("register_agencies", pa.table({"row": np.arange(len(province.agencies["level"])), **agencies}))
    for name in (
        "plan_tasks",
        "directives",
        "inspections",
        "trainings",
        "index_results",
        "payment_providers",
    ):
        rows = pa.Table.from_pylist([{k: v or None for k, v in row.items()} for row in read_data(f"{name}.csv")])
        for column in set(rows.column_names) & set(_DATED):
            index = rows.column_names.index(column)
            rows = rows.set_column(index, column, rows[column].cast(pa.date32()))
        con.register(f"data_{name}", rows)
    con.register("data_ratings", _ratings(province, rng))
    con.register("data_petitions", _petitions(province, rng))
    con.register("data_surveys", _surveys(province, rng))
    return [*_agencies(), *_tasks(), *_dated_lists(), *_figures(), *_voices()]


def _day(column: str, form: str = _SLASHED, until: datetime | None = None) -> str:
    text = f"strftime({column}, '{form}')"
    return f"case when {column} <= timestamp '{until}' then {text} end as {column}" if until else f"{text} as {column}"


def _agencies() -> list[Extract]:
    """Before 2023 five districts and departments still lacked the electronic process; by September none."""
    query = """
        select agency_code, agency_name, level, parent_code, commune_code, district_code,
            '{yes}' as uses_e_office, case when {late} then '{no}' else '{yes}' end as has_internal_process,
            case when {late} or level = 'xã' and row % 3 = 0 then '{no}' else '{yes}' end
                as has_electronic_process,
            '{since}' as valid_from, null::varchar as valid_to
        from register_agencies where is_listed order by agency_code
    """
    lacking = "agency_code in ('H33.14', 'H33.20', 'H33.34', 'H33.35', 'H33.37')"
    return [
        Extract("registers/agencies/don-vi_{:%Y%m%d}.csv", at(12, 30, 16, 0, 2022),
                query.format(yes="1", no="0", late=lacking, since="2021-03-01"), CsvStyle(";", "utf-8-sig"),
                spoiled={"level": "khu phố"}),
        Extract("registers/agencies/Danh muc don vi {:%Y-%m-%d}.xlsx", at(9, 15, 16, 30),
                query.format(yes="x", no="", late="false", since="01/03/2021"),
                titles=("SỞ NỘI VỤ TỈNH KIÊN GIANG", "DANH MỤC CƠ QUAN, ĐƠN VỊ")),
    ]  # fmt: skip


def _tasks() -> list[Extract]:
    def query(stamp: datetime, form: str) -> str:
        return f"""
            select task_code, title, agency_code as lead_agency_code, {_day("assigned_on", form)},
                {_day("due_on", form)}, {_day("completed_on", form, stamp)},
                case when completed_on <= timestamp '{stamp}' then 'Hoàn thành'
                    else 'Đang triển khai' end as status, domain
            from data_plan_tasks join register_agencies on lead_agency = agency_name
            where assigned_on <= timestamp '{stamp}' order by task_code
        """

    title = ("SỞ NỘI VỤ TỈNH KIÊN GIANG", "THEO DÕI NHIỆM VỤ CẢI CÁCH HÀNH CHÍNH NĂM 2023")
    return [
        Extract("registers/plan_tasks/nhiem-vu_{:%Y%m%d}.csv", at(4, 3, 8, 0), query(at(4, 3, 8, 0), _DASHED),
                spoiled={"due_on": "quý III/2023"}),
        Extract("registers/plan_tasks/nhiem vu {:%Y-%m-%d}.xls", at(7, 3, 8, 0),
                query(at(7, 3, 8, 0), _SLASHED), titles=title, biff=True),
        Extract("registers/plan_tasks/nhiem vu {:%Y-%m-%d}.xls", at(10, 31, 17, 0),
                query(at(10, 31, 17, 0), _SLASHED), titles=title),
    ]  # fmt: skip


def _dated_lists() -> list[Extract]:
    """Directives, inspections and trainings: what had happened by the day of the export."""
    by_now = "where {} <= timestamp '{}' order by {}"

    def directives(stamp: datetime, form: str) -> str:
        where = by_now.format("issued_on", stamp, "issued_on, document_number")
        return f"select document_number, {_day('issued_on', form)}, title, issuer from data_directives {where}"

    def inspections(stamp: datetime, form: str) -> str:
        where = by_now.format("inspected_on", stamp, "inspection_code")
        resolved = f"case when inspected_on + interval 30 day <= timestamp '{stamp}' then resolved_count end"
        return f"""select inspection_code, agency_code, {_day("inspected_on", form)}, kind, findings_count,
            {resolved} as resolved_count
            from data_inspections join register_agencies on agency = agency_name {where}"""

    def trainings(stamp: datetime, form: str) -> str:
        where = by_now.format("held_on", stamp, "training_code")
        return f"select training_code, {_day('held_on', form)}, title, participants from data_trainings {where}"

    mid_year, autumn = at(7, 4, 9, 0), at(10, 31, 17, 15)
    return [
        Extract("registers/directives/van-ban_{:%Y%m%d}.csv", mid_year, directives(mid_year, _SLASHED),
                CsvStyle("|", "utf-8-sig"), spoiled={"issued_on": "32/05/2023"}),
        Extract("registers/directives/Van ban chi dao {:%Y-%m-%d}.xlsx", autumn, directives(autumn, _SLASHED),
                titles=("VĂN PHÒNG UBND TỈNH KIÊN GIANG", "VĂN BẢN CHỈ ĐẠO, ĐIỀU HÀNH CCHC")),
        Extract("registers/inspections/kiem-tra_{:%Y%m%d}.json", mid_year, inspections(mid_year, _DASHED)),
        Extract("registers/inspections/kiem-tra_{:%Y%m%d}.csv", at(11, 14, 16, 0),
                inspections(at(11, 14, 16, 0), _SLASHED), CsvStyle(";"), spoiled={"findings_count": "nhiều"}),
        Extract("registers/trainings/tap-huan_{:%Y%m%d}.csv", autumn, trainings(autumn, _SLASHED),
                CsvStyle("\t", "utf-16"), spoiled={"participants": "khoảng 100"}),
    ]  # fmt: skip


def _figures() -> list[Extract]:
    """Index results, unit ratings, payment providers."""
    results = """select * from data_index_results where year <= '{}'
        order by index_code, year, domain_code nulls first"""
    ratings = """select agency_code, year::varchar as year,
        replace(format('{{:.2f}}', score), '.', ',') as score, grade
        from data_ratings where year <= {} order by year, agency_code"""
    providers = f"""select provider_code, provider_name, provider_type, {_day("connected_on", "{form}")},
        null::varchar as disconnected_on
        from data_payment_providers where connected_on <= timestamp '{{stamp}}'
        order by connected_on, provider_code"""
    return [
        Extract("registers/index_results/chi-so_{:%Y%m%d}.csv", at(12, 30, 10, 0, 2022), results.format(2021),
                CsvStyle(";"), spoiled={"rank": "nhóm cuối"}),
        Extract("registers/index_results/Chi so cap tinh {:%Y-%m-%d}.xlsx", at(7, 12, 15, 0),
                results.format(2022),
                titles=("SỞ NỘI VỤ TỈNH KIÊN GIANG", "KẾT QUẢ CÁC CHỈ SỐ PAR INDEX, SIPAS, PAPI, PCI")),
        Extract("registers/unit_ratings/xep-loai_{:%Y%m%d}.csv", at(5, 6, 9, 0, 2022), ratings.format(2021)),
        Extract("registers/unit_ratings/Xep loai CCHC {:%Y-%m-%d}.xls", at(4, 28, 9, 0), ratings.format(2022),
                titles=("UBND TỈNH KIÊN GIANG", "KẾT QUẢ XẾP LOẠI CẢI CÁCH HÀNH CHÍNH"), biff=True),
        Extract("registers/payment_providers/ket-noi_{:%Y%m%d}.csv", at(1, 5),
                providers.format(form=_SLASHED, stamp=at(1, 5)), spoiled={"provider_type": "Trung gian"}),
        Extract("registers/payment_providers/ket-noi_{:%Y%m%d}.json", at(6, 1),
                providers.format(form=_DASHED, stamp=at(6, 1))),
    ]  # fmt: skip


def _voices() -> list[Extract]:
    """Petitions and satisfaction surveys, in two exports each."""

    def petitions(stamp: datetime, form: str) -> str:
        answered = f"answered_on <= timestamp '{stamp}'"
        return f"""select petition_code, {_day("received_on", form)}, {_day("due_on", form)},
            {_day("answered_on", form, stamp)}, agency_code,
            case when {answered} and satisfied then 'có' when {answered} then 'không' end as satisfied
            from data_petitions where received_on <= timestamp '{stamp}' order by petition_code"""

    surveys = f"""select agency_code, {_day("surveyed_on", "{form}")},
        replace(format('{{{{:,}}}}', respondents), ',', '.') as respondents,
        replace(format('{{{{:,}}}}', satisfied_count), ',', '.') as satisfied_count
        from data_surveys where surveyed_on <= timestamp '{{stamp}}' order by surveyed_on, agency_code"""
    summer, autumn = at(7, 5, 8, 0), at(11, 15, 17, 0)
    return [
        Extract("registers/petitions/phan-anh_{:%Y%m%d}.csv", summer, petitions(summer, _SLASHED),
                CsvStyle(";", "cp1258"), spoiled={"due_on": "5 ngày làm việc", "satisfied": "chưa rõ"}),
        Extract("registers/petitions/phan-anh_{:%Y%m%d_%H%M}.jsonl", autumn, petitions(autumn, _DASHED)),
        Extract("registers/satisfaction/khao-sat_{:%Y%m%d}.csv", summer,
                surveys.format(form=_SLASHED, stamp=summer), CsvStyle(";"), spoiled={"respondents": "1.2.3"}),
        Extract("registers/satisfaction/Khao sat hai long {:%Y-%m-%d}.xlsx", autumn,
                surveys.format(form=_SLASHED, stamp=autumn),
                titles=("SỞ NỘI VỤ TỈNH KIÊN GIANG", "KHẢO SÁT MỨC ĐỘ HÀI LÒNG")),
    ]  # fmt: skip


def _rated(province: Province) -> np.ndarray:
    """The 37 departments and districts, by row."""
    return np.flatnonzero(np.isin(province.agencies["level"], ("tỉnh", "huyện")) & province.agencies["is_listed"])


def _ratings(province: Province, rng: np.random.Generator) -> pa.Table:
    """agency_code, year, score (of 100), grade: each grade to its count, best score first."""
    units = province.agencies["agency_code"][_rated(province)]
    parts = []
    for year, grades in _GRADES.items():
        grade = np.repeat(np.arange(3), [count for count, _ in grades])
        floor = np.repeat([floor for _, floor in grades], [count for count, _ in grades])
        room = np.array([6.0, 9.9, 14.0])[grade]
        parts.append(pa.table({
            "agency_code": pa.array(rng.permutation(units)), "year": np.full(len(units), year),
            "score": floor + rng.random(len(units)) * room,
            "grade": pa.array(_GRADE_NAMES).take(pa.array(grade)),
        }))  # fmt: skip
    return pa.concat_tables(parts)


def _petitions(province: Province, rng: np.random.Generator) -> pa.Table:
    """Received all year, due in 5 to 15 days, most answered in time; a few have no due date."""
    day = np.sort(rng.integers(0, 319, _PETITIONS))
    received = np.datetime64("2023-01-01") + day
    due = received + rng.choice([7, 14, 21], _PETITIONS)
    answered = received + rng.geometric(0.13, _PETITIONS)
    undated = rng.random(_PETITIONS) < 0.03
    listed = np.flatnonzero(province.agencies["is_listed"])
    return pa.table({
        "petition_code": [f"PAKN-2023-{n:04d}" for n in range(1, _PETITIONS + 1)],
        "received_on": received, "answered_on": answered,
        "due_on": pa.array(due, mask=undated),
        "agency_code": province.agencies["agency_code"][rng.choice(listed, _PETITIONS)],
        "satisfied": rng.random(_PETITIONS) < 0.88,
    })  # fmt: skip


def _surveys(province: Province, rng: np.random.Generator) -> pa.Table:
    """Each rated unit once a quarter, each commune once a year, on days of their own."""
    communes = np.flatnonzero(province.agencies["level"] == "xã")
    rows, days = [], []
    for quarter in range(3):
        units = _rated(province)
        rows.append(units)
        days += [date(2023, 3 + 3 * quarter, 6) + timedelta(days=int(n % 18)) for n in units]
    rows.append(communes)
    days += [date(2023, 10, 2) + timedelta(days=int(n % 24)) for n in communes]
    unit = np.concatenate(rows)
    respondents = rng.integers(40, 1_400, len(unit))
    return pa.table({
        "agency_code": province.agencies["agency_code"][unit], "surveyed_on": days,
        "respondents": respondents,
        "satisfied_count": np.round(respondents * rng.uniform(0.78, 0.97, len(unit))).astype(int),
    })  # fmt: skip
