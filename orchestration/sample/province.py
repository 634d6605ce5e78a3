"""The province itself: its units and its procedures, shared by every source of the sample."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd

PROVINCE_CODE = "H33"

DEPARTMENTS = (
    "Văn phòng UBND tỉnh", "Sở Nội vụ", "Sở Tư pháp", "Sở Kế hoạch và Đầu tư", "Sở Tài chính", "Sở Công Thương",
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
    """Kiên Giang in 2023.

    `agencies`: agency_code, agency_name, level (tỉnh/huyện/xã), parent_code, district_code, commune_code,
    place, weight, is_listed. One row per unit: 22 departments, 15 districts (together the 37 rated units),
    144 communes; the last row is a code that no register lists.
    `procedures`: procedure_code, procedure_name, field_code, field_name, level, department (1-22),
    service_level (full/partial/other), statutory_days (working days), fee_amount (VND, 0 = free by decision,
    missing = none), weight, is_listed; the last rows are on no list.
    """

    agencies: pd.DataFrame
    procedures: pd.DataFrame


def load_province() -> Province:
    """The province from the package's data files (GSO list of communes of 02/2021; common procedures)."""
    return Province(_agencies(_read("communes_2021.csv")), _procedures(_read("procedures.csv")))


def agencies_for(
    province: Province, procedure: np.ndarray, commune: np.ndarray, district: np.ndarray
) -> np.ndarray:
    """Row of `agencies` that handles each dossier: the procedure's department, else the drawn district or
    commune. All arguments are arrays of row numbers, `district` and `commune` of rows of `agencies`."""
    level = province.procedures["level"].to_numpy()[procedure]
    department = province.procedures["department"].to_numpy()[procedure] - 1
    return np.where(level == "tỉnh", department, np.where(level == "huyện", district, commune))


def rows_of(province: Province, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the listed agencies of a level, and their share of its dossiers."""
    rows = np.flatnonzero(((province.agencies["level"] == level) & province.agencies["is_listed"]).to_numpy())
    weight = province.agencies["weight"].to_numpy()[rows]
    return rows, weight / weight.sum()


def _read(name: str) -> pd.DataFrame:
    with files(__package__).joinpath("data", name).open("rb") as file:
        return pd.read_csv(file, dtype={"district_code": str, "commune_code": str, "procedure_code": str})


def _agencies(communes: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (f"{PROVINCE_CODE}.{n:02d}", name, "tỉnh", PROVINCE_CODE, None, None, "tỉnh Kiên Giang", 1.0, True)
        for n, name in enumerate(DEPARTMENTS, 1)
    ]
    districts = list(communes.groupby(["district_code", "district_name"], sort=True))
    codes = {code: f"{PROVINCE_CODE}.{n}" for n, ((code, _), _) in enumerate(districts, len(DEPARTMENTS) + 1)}
    for ((code, name), _), weight in zip(districts, _DISTRICT_WEIGHT, strict=True):
        rows.append((codes[code], f"UBND {_inner(name)}", "huyện", PROVINCE_CODE, code, None, name, weight, True))
    for ((code, district), inside), weight in zip(districts, _DISTRICT_WEIGHT, strict=True):
        for n, (commune, name) in enumerate(zip(inside["commune_code"], inside["commune_name"], strict=True), 1):
            urban = 2.0 if not name.startswith("Xã") else 1.0
            rows.append(
                (f"{codes[code]}.{n:02d}", f"UBND {_inner(name)}", "xã", codes[code], code, commune,
                 f"{name}, {district}", weight * urban / len(inside), True)
            )  # fmt: skip
    rows.append((*_UNLISTED_UNIT, "huyện", PROVINCE_CODE, None, None, "tỉnh Kiên Giang", 0.0, False))
    columns = ["agency_code", "agency_name", "level", "parent_code", "district_code", "commune_code", "place",
               "weight", "is_listed"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _inner(name: str) -> str:
    """`Huyện An Biên` as it stands inside a name: `huyện An Biên`."""
    return name[0].lower() + name[1:]


def _procedures(listed: pd.DataFrame) -> pd.DataFrame:
    unlisted = pd.DataFrame(_UNLISTED_PROCEDURES, columns=["procedure_code", "procedure_name", "level"]).assign(
        field_code="H33-KHAC", field_name="Lĩnh vực khác", service_level="partial", statutory_days=5, weight=0
    )
    both = pd.concat([listed.assign(is_listed=True), unlisted.assign(is_listed=False)], ignore_index=True)
    both["department"] = both["department"].fillna(0).astype(int)
    return both
