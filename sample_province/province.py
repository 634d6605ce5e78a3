"""The province itself: its units and its procedures, shared by every source of the sample."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np

Columns = dict[str, np.ndarray]
MISSING: Any = None  # a missing cell among texts; numpy's own types know no such array

PROVINCE_CODE = "H33"

DEPARTMENTS = (
    "Văn phòng UBND tỉnh", "Sở Nội vụ", "Sở Tư pháp", "Sở Kế hoạch và Đầu tư", "Sở Tài chính",
    "Sở Công Thương",
    "Sở Nông nghiệp và Phát triển nông thôn", "Sở Giao thông vận tải", "Sở Xây dựng",
    "Sở Tài nguyên và Môi trường", "Sở Thông tin và Truyền thông", "Sở Lao động - Thương binh và Xã hội",
    "Sở Văn hóa và Thể thao", "Sở Du lịch", "Sở Khoa học và Công nghệ", "Sở Giáo dục và Đào tạo", "Sở Y tế",
    "Sở Ngoại vụ", "Thanh tra tỉnh", "Ban Dân tộc", "Ban Quản lý Khu kinh tế tỉnh",
    "Ban Quản lý Khu kinh tế Phú Quốc",
)  # fmt: skip

# Rough shares of the province's population, by district in the order of their codes.
_DISTRICT_WEIGHT = (23, 5, 8, 15, 13, 15, 21, 13, 12, 11, 8, 18, 2, 6, 3)

# What the dossiers bear and no register knows: a unit code and procedure codes of older lists.
_UNLISTED_UNIT = ("000.00.99.H33", "Chi nhánh Văn phòng đăng ký đất đai (mã cũ)")
_UNLISTED_PROCEDURES = (
    ("2.000999.000.00.00.H33", "Xác nhận tình trạng nhà ở (đã bãi bỏ)", "xã"),
    ("QD-1187.000.00.00.H33", "Cấp giấy xác nhận theo quyết định 1187 (đã bãi bỏ)", "huyện"),
)


@dataclass(frozen=True)
class Province:
    """Kiên Giang in 2023, as columns (arrays of one length per table).

    `agencies`: agency_code, agency_name, level (tỉnh/huyện/xã), parent_code, district_code, commune_code,
    place, weight, is_listed. One row per unit: 22 departments, 15 districts (together the 37 rated units),
    144 communes; the last row is a code that no register lists.
    `procedures`: procedure_code, procedure_name, field_code, field_name, level, department (1-22),
    service_level (full/partial/other), statutory_days (working days), fee_amount (VND, 0 = free by decision,
    NaN = none), weight, is_listed; the last rows are on no list.
    """

    agencies: Columns
    procedures: Columns


def load_province() -> Province:
    """The province from the package's data files (GSO list of communes of 02/2021; common procedures)."""
    return Province(_agencies(read_data("communes_2021.csv")), _procedures(read_data("procedures.csv")))


def agencies_for(province: Province, procedure: np.ndarray, commune: np.ndarray, district: np.ndarray) -> np.ndarray:
    """Row of `agencies` that handles each dossier: the procedure's department, else the drawn district or
    commune. All arguments are arrays of row numbers, `district` and `commune` of rows of `agencies`."""
    level = province.procedures["level"][procedure]
    department = province.procedures["department"][procedure] - 1
    return np.where(level == "tỉnh", department, np.where(level == "huyện", district, commune))


def rows_of(province: Province, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the listed agencies of a level, and their share of its dossiers."""
    rows = np.flatnonzero((province.agencies["level"] == level) & province.agencies["is_listed"])
    weight = province.agencies["weight"][rows]
    return rows, weight / weight.sum()


def read_data(name: str) -> list[dict[str, str]]:
    """The rows of one of the package's data files, all cells text."""
    with (files("sample_province") / "data" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _agencies(communes: list[dict[str, str]]) -> Columns:
    rows = [
        (f"{PROVINCE_CODE}.{n:02d}", name, "tỉnh", PROVINCE_CODE, None, None, "tỉnh Kiên Giang", 1.0, True)
        for n, name in enumerate(DEPARTMENTS, 1)
    ]
    inside = groupby(communes, key=lambda row: (row["district_code"], row["district_name"]))
    districts = [(*district, list(rows)) for district, rows in inside]
    below = []
    numbered = enumerate(zip(districts, _DISTRICT_WEIGHT, strict=True), len(DEPARTMENTS) + 1)
    for number, ((district_code, district, members), weight) in numbered:
        code = f"{PROVINCE_CODE}.{number}"
        rows.append(
            (
                code,
                f"UBND {_inner(district)}",
                "huyện",
                PROVINCE_CODE,
                district_code,
                None,
                district,
                weight,
                True,
            )
        )
        for n, row in enumerate(members, 1):
            name = row["commune_name"]
            share = weight / len(members) * (1.0 if name.startswith("Xã") else 2.0)
            place = f"{name}, {district}"
            below.append(
                (f"{code}.{n:02d}", f"UBND {_inner(name)}", "xã", code, district_code,
                 row["commune_code"], place, share, True)
            )  # fmt: skip
    unlisted = (*_UNLISTED_UNIT, "huyện", PROVINCE_CODE, None, None, "tỉnh Kiên Giang", 0.0, False)
    names = ("agency_code", "agency_name", "level", "parent_code", "district_code", "commune_code", "place",
             "weight", "is_listed")  # fmt: skip
    columns = zip(*rows, *below, unlisted, strict=True)
    kinds = {"weight": float, "is_listed": bool}
    return {name: np.array(cells, kinds.get(name, object)) for name, cells in zip(names, columns, strict=True)}


def _inner(name: str) -> str:
    """`Huyện An Biên` as it stands inside a name: `huyện An Biên`."""
    return name[0].lower() + name[1:]


def _procedures(listed: list[dict[str, str]]) -> Columns:
    columns = {name: np.array([row[name] for row in listed], object) for name in listed[0]}
    count = len(_UNLISTED_PROCEDURES)
    codes, titles, levels = zip(*_UNLISTED_PROCEDURES, strict=True)
    unlisted = {
        "procedure_code": codes, "procedure_name": titles, "level": levels,
        "field_code": ["H33-KHAC"] * count, "field_name": ["Lĩnh vực khác"] * count,
        "department": [""] * count, "service_level": ["partial"] * count,
        "statutory_days": ["5"] * count, "fee_amount": [""] * count, "weight": ["0"] * count,
    }  # fmt: skip
    both = {name: np.append(cells, np.array(unlisted[name], object)) for name, cells in columns.items()}
    both["department"] = np.where(both["department"] == "", "0", both["department"]).astype(int)
    both["fee_amount"] = np.where(both["fee_amount"] == "", "nan", both["fee_amount"]).astype(float)
    both["statutory_days"] = both["statutory_days"].astype(int)
    both["weight"] = both["weight"].astype(float)
    both["is_listed"] = np.arange(len(both["weight"])) < len(listed)
    return both
