"""An object or a list where one value belongs is unreadable, and nothing of it is kept (docs/landing-contract.md 2)."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.support import nights
from tests.support.writers import json_bytes, put

PERSON = {"Ten": "Lò Văn Tưởng Tượng", "So": "097111222333"}
PLAIN = {"MaHoSo": "H1", "MaTTHC": "1", "TrangThaiHoSo": 4, "NgayTiepNhan": "20230721"}


def lake(records: list[object], folder: Path, source: str = "dossiers") -> list[dict]:
    """The rows of the lake file of records, in their order."""
    put(folder / f"landing/{source}/a_20230722.json", json_bytes(records))
    night = nights.ingested(folder / "landing", folder / "home")
    [file] = [f for f in night.files if not f.is_nested]
    assert file.status == "accepted", file.detail
    found = duckdb.sql(f"from '{file.path}' order by row_number")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert not [v for row in rows for v in row.values() if "Tưởng" in str(v) or "097111" in str(v)]
    return rows


@pytest.mark.parametrize("value", [PERSON, [PERSON], [PERSON["So"]], {}, []], ids=str)
def test_wherever_it_stands(value: object, tmp_path: Path) -> None:
    keys = {
        "MaTTHC": "procedure_code", "TenTTHC": "procedure_name", "MaLinhVuc": "field_code", "MucDo": "service_level",
        "LoaiDoiTuong": "applicant_type", "SoGiayToChuHoSo": "applicant_id", "NgayHenTra": "due_at",
        "TrangThaiHoSo": "status", "Phí": "fee_amount", "DuocThanhToanTrucTuyen": "paid_online",
        "NoiNopHoSo": "from_national_portal", "LoaiKetQua": "result_kind", "MaHoSoKhac": "other_code", "MaHoSo": "dossier_code",
    }  # fmt: skip
    usual = PLAIN | {"MucDo": "4", "NgayHenTra": "20230725", "LoaiDoiTuong": 1, "LoaiKetQua": "Cấp mới"}
    records: list[object] = [usual | {key: value} for key in keys]
    records += [usual | {key: value} for key in ("ChuHoSo", "Email", "GhiChu", "DanhSachGiayToKetQua")]
    *rejected, name, mail, unknown, results = lake(records, tmp_path)
    shown = "{…}" if isinstance(value, dict) else "[…]"
    for row, column in zip(rejected, keys.values(), strict=True):
        assert (row["reject_reason"], row["reject_column"]) == ("unreadable", column)
        assert json.loads(row["raw_row"]).get(column) == (None if column == "applicant_id" else shown)
    # What is dropped or unknown is not looked at; a list of results is what the contract reads there.
    assert {r["reject_reason"] for r in (name, mail, unknown, results)} == {None}
    assert results["has_electronic_result"] == (isinstance(value, list) and value != [])


def test_fees_of_a_list(tmp_path: Path) -> None:
    fees: list[tuple[object, int | None]] = [
        ([{"Gia": 10**15}], 10**15), ([{"Gia": 10**15}, {"Gia": 1}], None), ([{"Gia": 10**15 + 1}, {"Gia": -5}], None),
        ([{"Gia": 2**63}], None), ([{"Gia": PERSON}], None), ([{"Gia": [5]}], None), ([{"Gia": 5, "Nguoi": PERSON}], 5),
        (PERSON, None), ([{"Gia": "097 111 222 333 x"}], None), ([{"Gia": "097 111 222 333"}, {"Gia": 5}], None),
    ]  # fmt: skip
    rows = lake([PLAIN | {"DanhSachLePhi": fee} for fee, _ in fees], tmp_path)
    assert [(r["reject_reason"], r["fee_amount"]) for r in rows] == [
        (None if amount is not None else "unreadable", amount) for _, amount in fees
    ]
    assert [json.loads(r["raw_row"])["fee_amount"] for r in rows[4:6]] == ["{…}", "[…]"]


def test_fees_of_two_columns_and_large_numbers(tmp_path: Path) -> None:
    rows = lake([PLAIN | {"Phí": 10**15, "Lệ phí": fee} for fee in (0, 1, -1, None, 10**30)], tmp_path)
    assert [r["fee_amount"] for r in rows] == [10**15, None, 10**15 - 1, 10**15, None]
    cut = {"procedure_code": "1", "decision_number": "1", "decided_on": "01/07/2023", "days_after": 5}
    rows = lake(
        [cut | {"days_before": n} for n in (2**31 - 1, 2**31, 2**63 - 1, -(2**31))],
        tmp_path / "cuts",
        "registers/procedure_cuts",
    )
    assert [(r["days_before"], r["reject_column"]) for r in rows] == [(2**31 - 1, None), *[(None, "days_before")] * 3]


def test_a_text_that_looks_like_one(tmp_path: Path) -> None:
    """The text by which a list is shown is a text like another; so is JSON written as a text."""
    rows = lake([PLAIN | {"TenTTHC": name} for name in ("{…}", '{"a": 1}', ["x"])], tmp_path)
    assert [(r["procedure_name"], r["reject_reason"]) for r in rows] == [
        ("{…}", None),
        ('{"a": 1}', None),
        (None, "unreadable"),
    ]


def test_the_registry_layout(tmp_path: Path) -> None:
    """The office is a part of the code, where it is kept whole, and a text of its own, where it is masked."""
    births = {
        "so": 5,
        "quyenSo": "01/2023",
        "noiDangKy": "UBND xã Thử",
        "ngayDangKy": "02.07.2023",
        "nksNgaySinh": "2023",
    }
    rows = lake(
        [births, births | {"noiDangKy": PERSON}, births | {"noiDangKy": ["UBND"]}, births | {"so": 6, "noiDangKy": "UBND 097.000.222.333"},
         births | {"so": 7, "nksNgaySinh": {}}], tmp_path, "civil_registrations",
    )  # fmt: skip
    assert [(r["registration_code"], r["registry_office"], r["reject_column"]) for r in rows] == [
        ("UBND xã Thử|01/2023|5", "UBND xã Thử", None), (None, None, "registration_code"), (None, None, "registration_code"),
        ("UBND 097.000.222.333|01/2023|6", "UBND *********", None), (None, None, "event_date"),
    ]  # fmt: skip
    assert {r["reject_reason"] for r in rows} == {None, "unreadable"}
