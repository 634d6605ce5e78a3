"""Small landed files and the whole of what becomes of each row, worked out by hand from docs/landing-contract.md 1, 2.

Of an accepted row every stored value stands here, of a rejected one the reason, the column and all that is kept of its
cells: a rule that reads, loses or shows anything more is noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from orchestration.ingestion.decode import Grid
from orchestration.ingestion.header import Header
from orchestration.ingestion.landing import LandedFile
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.reader import reading_engine, take_in
from orchestration.ingestion.rows import sort_out
from orchestration.lake.files import LakeFile
from orchestration.settings import Settings
from orchestration.sources import Column, Source
from tests.support import writers

KEY = b"k" * 32
ABOUT_A_ROW = {
    "source_file",
    "export_stamp",
    "row_number",
    "reject_reason",
    "reject_column",
    "reject_detail",
    "raw_row",
}
Cells = dict[str, Any]


class Rejected(NamedTuple):
    """Why, the first bad column, and what is kept of the known cells that tell of nobody."""

    reason: str
    column: str | None
    kept: Cells


@dataclass(frozen=True)
class Taken:
    """What the lake says of a landed file, and its rows by their number: stored values, or the rejection."""

    file: LakeFile
    rows: dict[int, Cells | Rejected]

    @property
    def outcome(self) -> tuple[int, int] | str:
        """(rows accepted, rows rejected), or why the file is rejected."""
        return self.file.reason_code or (self.file.rows_accepted, self.file.rows_rejected)


Take = Callable[..., list[Taken]]


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Take]:
    """Lands one file after another: `take(data, kind, source)` gives its own rows, then those nested in it."""
    folder = tmp_path_factory.mktemp("rows")
    settings = Settings.load()
    with reading_engine(settings, folder) as con:

        def take(data: bytes, kind: str = "csv", source: str = "dossiers") -> list[Taken]:
            landed = folder / f"a_20230801.{kind}"
            landed.write_bytes(data)
            file = LandedFile(landed, f"{source}/{landed.name}", source)
            made = str(folder / "made")
            written = take_in(con, file, "00", settings.bounds, folder, made, Pseudonyms(KEY))
            return [Taken(w.file, _rows(con, w.made) if w.made else {}) for w in written]

        yield take


def _rows(con: duckdb.DuckDBPyConnection, path: Path) -> dict[int, Cells | Rejected]:
    found = con.execute("from read_parquet(?)", [str(path)])
    names = [name for name, *_ in found.description]
    out: dict[int, Cells | Rejected] = {}
    for row in (dict(zip(names, values, strict=True)) for values in found.fetchall()):
        stored = {name: value for name, value in row.items() if name not in ABOUT_A_ROW and value is not None}
        if row["reject_reason"]:
            assert not stored, "nothing of a rejected row counts"
            out[row["row_number"]] = Rejected(row["reject_reason"], row["reject_column"], json.loads(row["raw_row"]))
        else:
            assert row["raw_row"] is None and row["reject_column"] is None
            out[row["row_number"]] = stored
    return out


def table(rows: list[Cells]) -> writers.Cells:
    """Rows by their headers as a grid, header first."""
    head = list(dict.fromkeys(name for row in rows for name in row))
    return [[*head], *([row.get(name, "") for name in head] for row in rows)]


def csv(grid: writers.Cells) -> bytes:
    return writers.csv_bytes(grid, ",", "utf-8")


def pseudonym(number: str, context: str = "dossiers") -> str:
    key = hmac.digest(KEY, b"pseudonyms in " + context.encode(), "sha256")
    return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()[:32]


# What stands in a plain row of each source, and what is stored of it: a missing level is `other`, a missing channel
# `direct`, an empty flag *no* (docs/landing-contract.md 2, 3).
DOSSIER = {"Mã hồ sơ": "H1", "Mã TTHC": "1.1", "Trạng thái": "1"}
DOSSIER_KEPT = {"dossier_code": "H1", "procedure_code": "1.1", "status": "1"}
DOSSIER_STORED = DOSSIER_KEPT | {"service_level": "other", "channel": "direct"} | dict.fromkeys(
    ("paid_online", "has_digitised_components", "has_electronic_result", "from_national_portal", "is_deleted"), False
)  # fmt: skip
BIRTH = {
    "Mã đăng ký": "K1",
    "Loại việc": "KS",
    "Ngày sự kiện": "01/07/2023",
    "Ngày đăng ký": "02/07/2023",
    "Mã xã": "00001",
}
BIRTH_KEPT = {
    "registration_code": "K1", "event_type": "KS", "event_date": "01/07/2023", "registered_at": "02/07/2023", "commune_code": "00001",
}  # fmt: skip
BIRTH_STORED = {
    "registration_code": "K1", "event_type": "birth", "event_date": "2023-07-01", "registered_at": datetime(2023, 7, 2),
    "commune_code": "00001", "channel": "direct", "is_interlinked": False,
}  # fmt: skip
REGISTRY = {"noiDangKy": "UBND xã A", "quyenSo": "01/2023", "so": "5", "ngayDangKy": "02.07.2023"}
REGISTRY_KEPT = {
    "registration_code": "UBND xã A|01/2023|5",
    "registered_at": "02.07.2023",
    "registry_office": "UBND xã A",
}
REGISTRY_STORED = {
    "registration_code": "UBND xã A|01/2023|5", "registered_at": datetime(2023, 7, 2), "registry_office": "UBND xã A",
    "channel": "direct", "is_interlinked": False,
}  # fmt: skip
PAYMENT = {
    "Mã giao dịch": "G1",
    "Mã hồ sơ": "H1",
    "Ngân hàng": "VCB",
    "Số tiền": "5.000",
    "Trạng thái": "Chờ thanh toán",
}
PAYMENT_KEPT = {
    "transaction_code": "G1", "dossier_code": "H1", "provider_code": "VCB", "amount": "5.000", "status": "Chờ thanh toán",
}  # fmt: skip
PAYMENT_STORED = PAYMENT_KEPT | {"amount": 5000, "status": "pending"}
LOOKUP = {"Mã tra cứu": "T1", "Mã CSKCB": "F", "Thời gian tra cứu": "01/07/2023", "Loại giấy tờ": "CCCD"}
LOOKUP_KEPT = {"lookup_code": "T1", "facility_code": "F", "looked_up_at": "01/07/2023", "document_type": "CCCD"}
LOOKUP_STORED = LOOKUP_KEPT | {"looked_up_at": datetime(2023, 7, 1)}
PROCEDURE = {
    "procedure_code": "P1",
    "procedure_name": "Một",
    "service_level": "4",
    "is_online": "x",
    "valid_from": "01/01/2023",
}
PROCEDURE_STORED = PROCEDURE | {"service_level": "full", "is_online": True, "valid_from": date(2023, 1, 1)}
TRAINING = {"training_code": "L1", "held_on": "01/07/2023", "title": "Một"}
SURVEY = {"agency_code": "A", "surveyed_on": "01/07/2023", "respondents": "9", "satisfied_count": "8"}
FACILITY = {"facility_code": "F1", "facility_name": "Trạm"}


# --- layout


def test_layout_rows_are_neither_data_nor_rejected(take: Take) -> None:
    head = [*DOSSIER, "Ngày tiếp nhận", "Tên TTHC"]
    grid: writers.Cells = [
        ["BÁO CÁO THÁNG 6"], [], head, ["(1)", "2", "(3)=(1)+(2)", "", "4"],
        ["H1", "1.1", "1"], [], ["", "", "", "05/07/2023", "ghi chú"],
        ["Tổng số: 2", "1.1", "1"], ["TỔNG CỘNG 9", "1.1", "1"], ["", "Cộng", "1"], ["cong 5", "1.1", "1"],
        ["tong so", "1.1", "1"], ["Tong cong", "1.1", "1"], [unicodedata.normalize("NFD", "Cộng dồn"), "1.1", "1"],
        ["Công dân 9", "1.1", "1"], ["CÔNG TY 9", "1.1", "1"], ["Tổng kết", "1.1", "1"],
        ["Tổng công ty Một", "1.1", "1"], ["TỔNG CÔNG AN", "1.1", "1"],
        ["H2"], ["", "1.1", "1"], ["H1", "1.1", "1"],
        ["H4"], ["Người lập biểu", "", "", "05/07/2023", "x"],
    ]  # fmt: skip
    [taken] = take(csv(grid))
    assert taken.rows == {
        5: DOSSIER_STORED,
        15: DOSSIER_STORED | {"dossier_code": "Công dân 9"},
        16: DOSSIER_STORED | {"dossier_code": "CÔNG TY 9"},
        17: DOSSIER_STORED | {"dossier_code": "Tổng kết"},
        18: DOSSIER_STORED | {"dossier_code": "Tổng công ty Một"},
        19: DOSSIER_STORED | {"dossier_code": "TỔNG CÔNG AN"},
        20: Rejected("missing", "procedure_code", {"dossier_code": "H2"}),
        21: Rejected("missing", "dossier_code", {"procedure_code": "1.1", "status": "1"}),
        22: DOSSIER_STORED,
    }
    assert (taken.file.rows_read, taken.outcome) == (9, (7, 2))


def test_the_only_row_stands_right_under_the_header(take: Take) -> None:
    head = [*DOSSIER]
    assert take(csv([head, ["H1", "1.1", "1"]]))[0].rows == {2: DOSSIER_STORED}
    assert take(csv([head, ["(1)", "(2)", "(3)"], ["H1", "1.1", "1"]]))[0].rows == {3: DOSSIER_STORED}
    # A row of which not every cell is a number of a column is data.
    assert take(csv([head, ["(1)", "1.1", "1"]]))[0].rows == {2: DOSSIER_STORED | {"dossier_code": "(1)"}}
    for rows in ([], [["H1", "", ""]], [["(1)", "(2)", "(3)"]]):
        assert (lambda taken: (taken.rows, taken.outcome))(take(csv([head, *rows]))[0]) == ({}, (0, 0))


def test_a_required_flag_decides_no_layout(take: Take) -> None:
    empty = dict.fromkeys(PROCEDURE, "")
    rows = [PROCEDURE, empty | {"is_online": "x"}, empty | {"procedure_code": "P2"}, PROCEDURE | {"is_online": ""},
            empty | {"procedure_code": "P3", "is_online": "x"}]  # fmt: skip
    [taken] = take(csv(table(rows)), source="registers/procedures")
    assert taken.rows == {
        2: PROCEDURE_STORED,
        4: Rejected("missing", "procedure_name", {"procedure_code": "P2"}),
        5: PROCEDURE_STORED | {"is_online": False},
    }


def test_what_a_header_implies_decides_no_layout(take: Take) -> None:
    birth = REGISTRY | {"nksNgaySinh": "01.07.2023"}
    rows = [birth, dict.fromkeys(birth, "") | {"Kênh": "2"}, birth, dict.fromkeys(birth, "") | {"nksNgaySinh": "2023"}]
    [taken] = take(csv(table(rows)), source="civil_registrations")
    stored = REGISTRY_STORED | {"event_type": "birth", "event_date": "2023-07-01"}
    assert taken.rows == {2: stored, 4: stored}


# --- cells shifted against the header

BAD, DAY = "hôm qua", "05/07/2023"
SHIFTS: list[tuple[str, Cells, str, list[object], tuple[int, int] | str]] = [
    # From five data rows on, more than half of the filled cells of a date or code list.
    ("dossiers", DOSSIER, "Ngày hẹn trả", [BAD] * 4, (0, 4)),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [BAD] * 5, "more than half of the filled cells of due_at cannot be read (5 of 5)"),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [BAD] * 3 + [DAY] * 3, (3, 3)),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [BAD] * 4 + [DAY] * 3, "of due_at cannot be read (4 of 7)"),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [BAD] * 4 + [DAY] * 4, (4, 4)),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [BAD, DAY, "", "", ""], (4, 1)),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [BAD, "", "", "", "-"], "of due_at cannot be read (1 of 1)"),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [BAD, BAD, DAY, "", ""], "of due_at cannot be read (2 of 3)"),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [DAY, "", "", "", ""], (5, 0)),
    ("dossiers", DOSSIER, "Ngày hẹn trả", [""] * 5, (5, 0)),
    ("dossiers", DOSSIER, "Mức độ", ["lạ"] * 3 + ["4"] * 2, "of service_level cannot be read (3 of 5)"),
    ("dossiers", DOSSIER, "Mức độ", ["lạ"] * 3 + ["4"] * 3, (3, 3)),
    ("dossiers", DOSSIER, "Trạng thái", ["99"] * 5, "of status cannot be read (5 of 5)"),
    ("registers/trainings", TRAINING, "held_on", [BAD] * 3 + [DAY] * 2, "of held_on cannot be read (3 of 5)"),
    ("civil_registrations", BIRTH, "Ngày sự kiện", [BAD] * 3 + [DAY] * 2, "of event_date cannot be read (3 of 5)"),
    # No other kind is watched for what cannot be read, nor are flags.
    ("dossiers", DOSSIER, "Phí lệ phí", ["lạ"] * 5, (0, 5)),
    ("dossiers", DOSSIER, "Đã xóa", ["lạ"] * 5, (0, 5)),
    ("dossiers", DOSSIER, "Số giấy tờ", ["?"] * 5, (5, 0)),
    ("payments", PAYMENT, "Số tiền", ["lạ"] * 5, (0, 5)),
    ("registers/satisfaction", SURVEY, "respondents", ["lạ"] * 3 + ["9"] * 3, (3, 3)),
    ("registers/procedures", PROCEDURE, "is_online", ["lạ"] * 5, (0, 5)),
    ("registers/procedures", PROCEDURE, "statutory_days", ["lạ"] * 5, (0, 5)),
    # A required column with no filled cell, of any kind but flags.
    ("dossiers", DOSSIER, "Mã TTHC", [""] * 4, (0, 4)),
    ("dossiers", DOSSIER, "Mã TTHC", [""] * 5, "the required column procedure_code has no filled cell"),
    ("dossiers", DOSSIER, "Mã TTHC", ["", "", "1.1", "", ""], (1, 4)),
    ("dossiers", DOSSIER, "Trạng thái", ["", "NULL", "-", "n/a", ""], "the required column status has no filled cell"),
    ("payments", PAYMENT, "Số tiền", [""] * 5, "the required column amount has no filled cell"),
    ("registers/trainings", TRAINING, "title", [""] * 5, "the required column title has no filled cell"),
    ("registers/trainings", TRAINING, "participants", [""] * 5, (5, 0)),
    ("registers/procedures", PROCEDURE, "is_online", [""] * 5, (5, 0)),
    ("civil_registrations", REGISTRY | {"nksNgaySinh": "2023"}, "Mã xã", [""] * 5, (5, 0)),
    ("civil_registrations", BIRTH, "Mã xã", [""] * 5, "the required column commune_code has no filled cell"),
    ("registers/health_facilities", FACILITY, "facility_name", ["Trạm"] * 5, (5, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("source", "usual", "name", "filled", "expected"), SHIFTS)
def test_cells_shifted_against_the_header(
    take: Take, source: str, usual: Cells, name: str, filled: list[object], expected: tuple[int, int] | str
) -> None:
    [taken] = take(csv(table([usual | {name: cell} for cell in filled])), source=source)
    if isinstance(expected, tuple):
        assert taken.outcome == expected, taken.file.detail
    else:
        assert taken.outcome == "shifted" and taken.rows == {}
        assert expected in taken.file.detail


def test_only_data_rows_count_for_the_shift(take: Take) -> None:
    bad = DOSSIER | {"Ngày hẹn trả": BAD}
    layout = [{"Mã hồ sơ": "Tổng số"} | {k: v for k, v in bad.items() if k != "Mã hồ sơ"}, dict.fromkeys(bad, ""),
              {"Ngày hẹn trả": BAD}]  # fmt: skip
    assert take(csv(table([*layout, *[bad] * 4, *layout])))[0].outcome == (0, 4)


def test_a_row_rejected_for_another_cell_counts_for_the_shift(take: Take) -> None:
    """Cells are counted, not findings: of each row the first bad column alone is one."""
    without = DOSSIER | {"Mã TTHC": ""}
    unread = [without | {"Ngày hẹn trả": BAD}] * 3 + [DOSSIER | {"Ngày hẹn trả": DAY}] * 2
    assert "due_at cannot be read (3 of 5)" in take(csv(table(unread)))[0].file.detail
    read = [DOSSIER | {"Ngày hẹn trả": BAD}] * 2 + [without | {"Ngày hẹn trả": DAY}] * 3
    assert take(csv(table(read)))[0].outcome == (0, 5)


def test_the_shift_in_json(take: Take) -> None:
    """Records are held to it as rows are; rows nested in them are accepted or rejected each by itself."""
    record = {"MaHoSo": "H1", "MaTTHC": "1.1", "TrangThaiHoSo": 1}
    late = record | {"NgayHenTra": "x"}
    assert take(writers.json_bytes([late] * 4), "json")[0].outcome == (0, 4)
    assert take(writers.json_bytes([late] * 5), "json")[0].outcome == "shifted"
    assert take(writers.json_bytes([record | {"MaTTHC": None}] * 5), "json")[0].outcome == "shifted"
    asked = [{"NgayBoSung": "x"}] * 9
    own, nested = take(writers.json_bytes([record | {"DanhSachHoSoBoSung": asked}]), "json")
    assert (own.outcome, nested.file.source, nested.outcome) == ((1, 0), "supplements", (0, 9))
    assert nested.rows == {1: Rejected("unreadable", "requested_at", {"dossier_code": "H1", "requested_at": "a"})}


# --- one row: its cells, and what becomes of them

NATIONAL = {"applicant_key": pseudonym("001099000001"), "applicant_identity_kind": "national_id"}
DOSSIERS: list[tuple[Cells, Cells | Rejected]] = [
    ({}, {}),
    # The first filled one of several accepted names, in the order listed, wherever they stand.
    ({"Mã thủ tục": "2.2"}, {}),
    ({"Mã TTHC": "", "MaTTHC": "3.3", "Mã thủ tục": "2.2"}, {"procedure_code": "2.2"}),
    ({"Mã TTHC": "NULL", "Mã thủ tục": " "}, Rejected("missing", "procedure_code", {"procedure_code": None})),
    ({"Ghi chú": "lạ 097111222333"}, {}),
    # Text: blanks, zero-width characters, what says that a cell is missing.
    ({"Mã hồ sơ": "\u00a0h\u200b 1\t\n2 "}, {"dossier_code": "h 1 2"}),
    ({"Tên TTHC": "N/a"}, {}), ({"Tên TTHC": "-"}, {}), ({"Tên TTHC": "Null"}, {}), ({"Tên TTHC": "{…}"}, {"procedure_name": "{…}"}),
    ({"Mã hồ sơ": "null"}, Rejected("missing", "dossier_code", {"dossier_code": None})),
    # Fees: one cell, else the parts added.
    ({"Phí lệ phí": "386.797 đ"}, {"fee_amount": 386797}),
    ({"Phí": "5.000", "Lệ phí": "200 VNĐ"}, {"fee_amount": 5200}),
    ({"Phí": "5.000", "Lệ phí": ""}, {"fee_amount": 5000}), ({"Phí": "-", "Lệ phí": "7"}, {"fee_amount": 7}),
    ({"Phí": "", "Lệ phí": ""}, {}), ({"Phí": "5"}, {"fee_amount": 5}), ({"Lệ phí": "6"}, {"fee_amount": 6}),
    ({"Phí": "5", "Lệ phí": "6", "Phí lệ phí": "9"}, {"fee_amount": 9}),
    ({"Phí": "5", "Lệ phí": "6", "Phí lệ phí": ""}, {"fee_amount": 11}),
    ({"Phí": "5.000", "Lệ phí": "năm"}, Rejected("unreadable", "fee_amount", {"fee_amount": "9.999 + aaa"})),
    ({"Phí": "5", "Phí lệ phí": "năm"}, Rejected("unreadable", "fee_amount", {"fee_amount": "aaa"})),
    ({"Phí": "1000000000000000", "Lệ phí": "-1"}, {"fee_amount": 10**15 - 1}),
    ({"Phí": "1000000000000000", "Lệ phí": "1"}, Rejected("unreadable", "fee_amount", {"fee_amount": "*********"})),
    # Flags; under one header 1 and 2 mean yes, 0 and 3 no.
    ({"Thanh toán trực tuyến": "x", "Đã xóa": "Không"}, {"paid_online": True}),
    ({"Thanh toán trực tuyến": "2"}, Rejected("unknown_value", "paid_online", {"paid_online": "2"})),
    ({"DuocThanhToanTrucTuyen": "2"}, {"paid_online": True}), ({"DuocThanhToanTrucTuyen": "có"}, {"paid_online": True}),
    ({"DuocThanhToanTrucTuyen": "3"}, {}), ({"DuocThanhToanTrucTuyen": "1"}, {"paid_online": True}), ({"DuocThanhToanTrucTuyen": ""}, {}),
    ({"DuocThanhToanTrucTuyen": "4"}, Rejected("unknown_value", "paid_online", {"paid_online": "4"})),
    # Code lists.
    ({"Mức độ": "toan trinh", "Kênh": "2.0"}, {"service_level": "full", "channel": "online"}),
    ({"Mức độ": "", "Kênh": "-"}, {}),
    ({"Đối tượng": "Cá nhân"}, {"applicant_type": "individual"}), ({"Đối tượng": "lạ"}, {"applicant_type": "other"}), ({"Đối tượng": ""}, {}),
    ({"Loại kết quả": "tra lai / XIN RÚT"}, {"result_kind": "Trả lại/Xin rút"}), ({"Loại kết quả": "Cấp mới"}, {"result_kind": "Cấp mới"}),
    # Received unless the status is 1 or 3, so also while it is unknown.
    ({"Trạng thái": "3"}, {"status": "3"}),
    ({"Trạng thái": "4"}, Rejected("missing", "received_at", {"status": "4"})),
    ({"Trạng thái": "Đang xử lý", "Ngày tiếp nhận": ""}, Rejected("missing", "received_at", {"status": "Đang xử lý"})),
    ({"Trạng thái": "4", "Ngày tiếp nhận": "05/07/2023 08:00"}, {"status": "4", "received_at": datetime(2023, 7, 5, 8)}),
    ({"Ngày tiếp nhận": "05/07/2023"}, {"received_at": datetime(2023, 7, 5)}),
    ({"Trạng thái": "99"}, Rejected("missing", "received_at", {"status": "99"})),
    ({"Trạng thái": "99", "Ngày tiếp nhận": DAY}, Rejected("unknown_value", "status", {"status": "99", "received_at": DAY})),
    ({"Trạng thái": "", "Ngày tiếp nhận": DAY}, Rejected("missing", "status", {"status": None, "received_at": DAY})),
    # The first bad column in the order of the contract, whichever stands first in the file.
    ({"Ngày hẹn trả": "x", "Mức độ": "lạ", "Mã TTHC": ""},
     Rejected("missing", "procedure_code", {"procedure_code": None, "due_at": "a", "service_level": "aa"})),
    ({"Ngày hẹn trả": "x", "Mức độ": "lạ"}, Rejected("unknown_value", "service_level", {"due_at": "a", "service_level": "aa"})),
    ({"Ngày nộp": "x", "Trạng thái": "4"}, Rejected("unreadable", "submitted_at", {"submitted_at": "a", "status": "4"})),
    ({"Ngày tiếp nhận": "x", "Trạng thái": "4"}, Rejected("unreadable", "received_at", {"received_at": "a", "status": "4"})),
    # Who applies is a pseudonym and a kind, or dropped, in a rejected row neither.
    ({"Số giấy tờ": "001099000001"}, NATIONAL), ({"Số giấy tờ": "1099000001"}, NATIONAL), ({"Số giấy tờ": ""}, {}),
    ({"Số giấy tờ": "123456789"}, {"applicant_key": pseudonym("123456789"), "applicant_identity_kind": "old_identity_card"}),
    ({"Số giấy tờ": "c 1"}, {"applicant_key": pseudonym("c 1"), "applicant_identity_kind": "other"}),
    ({"Chủ hồ sơ": "Lò Văn Thử", "Email": "a@b", "Địa chỉ": "x", "Số điện thoại": "0900000000"}, {}),
    ({"Chủ hồ sơ": "Lò Văn Thử", "Số giấy tờ": "001099000001", "Email": "a@b", "Ngày hẹn trả": "x"},
     Rejected("unreadable", "due_at", {"due_at": "a"})),
    # Long numbers and control characters in free text, but no other text.
    ({"Tên TTHC": "Cấp 097 111 222 333 lại"}, {"procedure_name": "Cấp ********* lại"}),
    ({"Tên TTHC": "097\u00a0111\u200b222.333"}, {"procedure_name": "*********"}),
    ({"Tên TTHC": "Số 12345678"}, {"procedure_name": "Số 12345678"}), ({"Tên TTHC": "a\x07 b"}, {"procedure_name": "a b"}), ({"Tên TTHC": "\x07"}, {}),
    ({"Loại kết quả": "Thẻ 097111222333"}, {"result_kind": "Thẻ *********"}), ({"Lĩnh vực": "097111222333 "}, {"field_name": "*********"}),
    ({"Mã hồ sơ khác": "097 111 222 333"}, {"other_code": "097 111 222 333"}),
    # What is kept of a rejected row's cells: the unreadable one as it is without letters, else its shape.
    ({"Ngày hẹn trả": "31/02/2023"}, Rejected("unreadable", "due_at", {"due_at": "31/02/2023"})),
    ({"Ngày hẹn trả": "hôm 9"}, Rejected("unreadable", "due_at", {"due_at": "aaa 9"})),
    ({"Ngày hẹn trả": "097 111 111 122"}, Rejected("unreadable", "due_at", {"due_at": "*********"})),
    ({"Mức độ": "097.111.1111.23"}, Rejected("unknown_value", "service_level", {"service_level": "*********"})),
    ({"Ngày hẹn trả": "x", "Tên TTHC": "Số 097111222333 ", "Loại kết quả": "Thẻ 097111222333", "Đối tượng": "097111222333 lạ"},
     Rejected("unreadable", "due_at", {"due_at": "a", "procedure_name": "Số *********", "result_kind": "Thẻ *********",
                                       "applicant_type": "********* lạ"})),
    ({"Ngày hẹn trả": "x", "Đối tượng": "0971\x071122\x072333 lạ\x07"},
     Rejected("unreadable", "due_at", {"due_at": "a", "applicant_type": "********* lạ"})),
    ({"Ngày hẹn trả": "x", "Mã hồ sơ khác": "097111222333", "Phí lệ phí": "123456789", "Kênh": "Online", "Tên TTHC": ""},
     Rejected("unreadable", "due_at", {"due_at": "a", "other_code": "097111222333", "fee_amount": "123456789", "channel": "Online"})),
]  # fmt: skip
JSON: list[tuple[Cells, Cells | Rejected]] = [
    ({"NoiNopHoSo": 1}, {"from_national_portal": True}), ({"NoiNopHoSo": "1.0"}, {"from_national_portal": True}),
    ({"NoiNopHoSo": 2}, {}), ({"NoiNopHoSo": 0}, {}), ({"NoiNopHoSo": None}, {}),
    ({"NoiNopHoSo": 0, "Nộp từ Cổng DVCQG": "có"}, {"from_national_portal": True}),
    ({"DanhSachGiayToKetQua": [{"Ten": "x"}]}, {"has_electronic_result": True}),
    ({"DanhSachGiayToKetQua": []}, {}), ({"DanhSachGiayToKetQua": None}, {}),
    ({"DanhSachGiayToKetQua": [], "Kết quả điện tử": "x"}, {"has_electronic_result": True}),
    ({"DanhSachLePhi": [{"Gia": 5000}, {"Gia": "2.000"}]}, {"fee_amount": 7000}), ({"DanhSachLePhi": [{"Gia": 5}]}, {"fee_amount": 5}),
    ({"DanhSachLePhi": [{"Gia": 5}, {"Gia": None}]}, {"fee_amount": 5}), ({"DanhSachLePhi": [{"Gia": None}]}, {"fee_amount": 0}),
    ({"DanhSachLePhi": []}, {}), ({"DanhSachLePhi": None}, {}), ({"DanhSachLePhi": [{"Gia": 5}], "Phí lệ phí": 9}, {"fee_amount": 9}),
    ({"DanhSachLePhi": [{"Gia": "năm"}, {"Gia": 5}]}, Rejected("unreadable", "fee_amount", {"fee_amount": "aaa + 9"})),
    ({"DanhSachLePhi": [{"Gia": 5.5}]}, Rejected("unreadable", "fee_amount", {"fee_amount": "5.5"})),
    ({"DanhSachLePhi": [{"Gia": {"a": 1}}]}, Rejected("unreadable", "fee_amount", {"fee_amount": "{…}"})),
    ({"DanhSachLePhi": [{"Gia": 10**15}, {"Gia": 1}]}, Rejected("unreadable", "fee_amount", {"fee_amount": "*********"})),
    ({"DanhSachLePhi": {"Gia": 5}}, Rejected("unreadable", "fee_amount", {"fee_amount": "{…}"})),
    ({"DanhSachLePhi": 5}, Rejected("unreadable", "fee_amount", {"fee_amount": "5"})),
    # An object or a list where one value belongs, but nowhere that is not looked at.
    ({"MaTTHC": {"Ma": 1}}, Rejected("unreadable", "procedure_code", {"procedure_code": "{…}"})),
    ({"TenTTHC": []}, Rejected("unreadable", "procedure_name", {"procedure_name": "[…]"})),
    ({"MucDo": {}}, Rejected("unreadable", "service_level", {"service_level": "{…}"})),
    ({"DuocThanhToanTrucTuyen": ["1"]}, Rejected("unreadable", "paid_online", {"paid_online": "[…]"})),
    ({"NoiNopHoSo": [1]}, Rejected("unreadable", "from_national_portal", {"from_national_portal": "[…]"})),
    ({"SoGiayToChuHoSo": ["001099000001"]}, Rejected("unreadable", "applicant_id", {})),
    ({"Phí": {}, "Lệ phí": 5}, Rejected("unreadable", "fee_amount", {"fee_amount": "{…} + 5"})),
    ({"ChuHoSo": {"Ten": "x"}, "GhiChu": [1]}, {}),
    # A number in a code is its plain digits; an identity number in a number has lost its zeros.
    ({"MaHoSo": 123.0}, {"dossier_code": "123"}), ({"MaHoSo": 1.5}, {"dossier_code": "1.5"}), ({"MaHoSo": "123.0"}, {"dossier_code": "123.0"}),
    ({"SoGiayToChuHoSo": 1099000001}, NATIONAL),
    ({"TrangThaiHoSo": 4.0, "NgayTiepNhan": 20230705}, {"status": "4", "received_at": datetime(2023, 7, 5)}),
]  # fmt: skip
REGISTRATIONS: list[tuple[Cells, Cells | Rejected]] = [
    ({}, {}), ({"Loại việc": "Khai tử"}, {"event_type": "death"}),
    ({"Ngày sự kiện": "2023"}, Rejected("unreadable", "event_date", {"event_date": "2023"})),
    ({"Mã xã": ""}, Rejected("missing", "commune_code", {"commune_code": None})),
    ({"Ngày sự kiện": "", "Ngày sinh/chết": "03.07.2023"}, {"event_date": "2023-07-03"}),
    ({"loaiDangKy": "1"}, {"registration_kind": "new"}), ({"loaiDangKy": "2.0"}, {"registration_kind": "again"}),
    ({"loaiDangKy": "3"}, {"registration_kind": "abroad"}), ({"loaiDangKy": "4"}, {"registration_kind": "late"}),
    ({"loaiDangKy": "0"}, {"registration_kind": "unknown"}), ({"loaiDangKy": "qua han"}, {"registration_kind": "late"}), ({"loaiDangKy": ""}, {}),
    ({"registration_kind": "1"}, Rejected("unknown_value", "registration_kind", {"registration_kind": "1"})),
    # Two parts of a registration code are none.
    ({"quyenSo": "01/2023", "so": "5"}, {}),
    ({"quyenSo": "01/2023", "so": "5", "Mã đăng ký": ""}, Rejected("missing", "registration_code", {"registration_code": None})),
    ({"Số định danh": "001099000001"}, {"person_key": pseudonym("001099000001", "civil_status"), "person_identity_kind": "national_id"}),
]  # fmt: skip
LAYOUT: list[tuple[Cells, Cells | Rejected]] = [
    ({"nksNgaySinh": "01.07.2023"}, {"event_type": "birth", "event_date": "2023-07-01"}),
    ({"nksNgaySinh": "2023"}, {"event_type": "birth", "event_date": "2023"}),
    ({"nktNgayChet": "7.2023"}, {"event_type": "death", "event_date": "2023-07"}),
    ({"nksNgaySinh": "", "nktNgayChet": "2023-07"}, {"event_type": "death", "event_date": "2023-07"}),
    ({"nksNgaySinh": "2023", "nktNgayChet": ""}, {"event_type": "birth", "event_date": "2023"}),
    ({"nksNgaySinh": "2023", "Loại việc": "KT"}, {"event_type": "death", "event_date": "2023"}),
    ({"nksNgaySinh": "2023", "Mã xã": ""}, {"event_type": "birth", "event_date": "2023"}),
    ({"nksNgaySinh": "2023", "Mã đăng ký": "K9"}, {"event_type": "birth", "event_date": "2023", "registration_code": "K9"}),
    ({"nksNgaySinh": ""}, Rejected("missing", "event_date", {"event_type": "birth"})),
    ({"nksNgaySinh": "", "nktNgayChet": ""}, Rejected("missing", "event_type", {})),
    ({"nksNgaySinh": "năm 2023"}, Rejected("unreadable", "event_date", {"event_type": "birth", "event_date": "aaa 9999"})),
    ({"nksNgaySinh": "2023", "so": ""},
     Rejected("missing", "registration_code", {"registration_code": None, "event_type": "birth", "event_date": "2023"})),
    # The office is a part of the code, whole, and a text of its own, masked.
    ({"nksNgaySinh": "2023", "noiDangKy": "UBND 097.000.222.333"},
     {"event_type": "birth", "event_date": "2023", "registration_code": "UBND 097.000.222.333|01/2023|5", "registry_office": "UBND *********"}),
]  # fmt: skip
PAYMENTS: list[tuple[Cells, Cells | Rejected]] = [
    ({}, {}), ({"Trạng thái": "Hủy thanh toán", "Ngày thanh toán": ""}, {"status": "cancelled"}),
    ({"Trạng thái": "da thanh toan"}, Rejected("missing", "paid_at", {"status": "da thanh toan"})),
    ({"Trạng thái": "Đã hoàn phí", "Ngày thanh toán": ""}, Rejected("missing", "paid_at", {"status": "Đã hoàn phí"})),
    ({"Trạng thái": "Đã thanh toán", "Ngày thanh toán": DAY}, {"status": "paid", "paid_at": datetime(2023, 7, 5)}),
    ({"Trạng thái": "Đã"}, Rejected("unknown_value", "status", {"status": "aa"})),
    ({"method": "tien-mat"}, {"method": "cash"}), ({"Số tiền": "năm"}, Rejected("unreadable", "amount", {"amount": "aaa"})),
    ({"Số tiền": ""}, Rejected("missing", "amount", {"amount": None})),
]  # fmt: skip
LOOKUPS: list[tuple[Cells, Cells | Rejected]] = [
    *(({"Kết quả": text}, {"result": meaning}) for text, meaning in [
        ("1", "successful"), ("0", "no_entitlement"), ("000", "successful"), ("100", "technical_failure"), ("999", "no_entitlement"),
        ("Thành công", "successful"), ("KHONG CO THONG TIN", "no_entitlement")]),
    *(({"maKetQua": text}, {"result": meaning}) for text, meaning in [
        ("1", "successful"), ("0", "successful"), ("5", "no_entitlement"), ("205", "technical_failure"), ("Có thông tin", "successful")]),
    *(({name: text}, Rejected("unknown_value", "result", {"result": shown})) for name, text, shown in [
        ("Kết quả", "01", "01"), ("Kết quả", "2", "2"), ("maKetQua", "0000", "0000"), ("maKetQua", "tốt", "aaa")]),
    ({"Kết quả": "1", "Số giấy tờ": "1099000001"},
     {"result": "successful", "identity_key": pseudonym("001099000001", "health"), "identity_identity_kind": "national_id"}),
]  # fmt: skip
TABLES: dict[str, tuple[str, Cells, Cells, Cells, list[tuple[Cells, Cells | Rejected]]]] = {
    "dossiers": ("dossiers", DOSSIER, DOSSIER_STORED, DOSSIER_KEPT, DOSSIERS),
    "registrations": ("civil_registrations", BIRTH, BIRTH_STORED, BIRTH_KEPT, REGISTRATIONS),
    "registry layout": ("civil_registrations", REGISTRY, REGISTRY_STORED, REGISTRY_KEPT, LAYOUT),
    "payments": ("payments", PAYMENT, PAYMENT_STORED, PAYMENT_KEPT, PAYMENTS),
    "look-ups": ("health_lookups", LOOKUP, LOOKUP_STORED, LOOKUP_KEPT, LOOKUPS),
}


def expected(row: Cells | Rejected, stored: Cells, kept: Cells) -> Cells | Rejected:
    """A row's outcome from what it changes of a plain one; what is None there is not kept."""
    if isinstance(row, Rejected):
        return row._replace(kept={name: text for name, text in (kept | row.kept).items() if text is not None})
    return stored | row


@pytest.mark.parametrize(
    ("of", "cells", "row"),
    [pytest.param(of, *case, id=f"{of} {case[0]}") for of, (*_, cases) in TABLES.items() for case in cases],
)
def test_a_row(take: Take, of: str, cells: Cells, row: Cells | Rejected) -> None:
    source, usual, stored, kept, _ = TABLES[of]
    assert take(csv(table([usual | cells])), source=source)[0].rows == {2: expected(row, stored, kept)}


@pytest.mark.parametrize(("cells", "row"), JSON, ids=str)
def test_a_record(take: Take, cells: Cells, row: Cells | Rejected) -> None:
    record = {"MaHoSo": "H1", "MaTTHC": "1.1", "TrangThaiHoSo": 1}
    [taken] = take(writers.json_bytes([record | cells]), "json")
    assert taken.rows == {1: expected(row, DOSSIER_STORED, DOSSIER_KEPT)}


def test_records_side_by_side(take: Take) -> None:
    """What one record bears changes nothing of how another's cells are read."""
    record = {"MaHoSo": "H1", "MaTTHC": "1.1", "TrangThaiHoSo": 1}
    records: list[object] = [record, record | {"MucDo": {}}, record | {"MucDo": "lạ"}, record | {"MucDo": 4, "TenTTHC": "x"}, "H1", [record],
                             record | {"DanhSachLePhi": [{"Gia": 5}], "MucDo": "4"}]  # fmt: skip
    rows = {
        1: DOSSIER_STORED,
        2: Rejected("unreadable", "service_level", DOSSIER_KEPT | {"service_level": "{…}"}),
        3: Rejected("unknown_value", "service_level", DOSSIER_KEPT | {"service_level": "aa"}),
        4: DOSSIER_STORED | {"service_level": "full", "procedure_name": "x"},
        5: Rejected("not_an_object", None, {}),
        6: Rejected("not_an_object", None, {}),
        7: DOSSIER_STORED | {"fee_amount": 5, "service_level": "full"},
    }
    [taken] = take(writers.jsonl_bytes(records), "jsonl")
    assert (taken.rows, taken.outcome) == (rows, (3, 4))
    for empty in (b"[]", b'{"data": []}'):
        [taken] = take(empty, "json")
        assert (taken.rows, taken.outcome) == ({}, (0, 0))


def test_numbers_of_a_workbook(take: Take) -> None:
    """A numeric cell must be whole where a whole number belongs; in a code it is its plain digits."""
    dossier = DOSSIER | {"Mã hồ sơ": 123, "Trạng thái": 1.0, "Phí": 5000.0, "Lệ phí": "1.000", "Số giấy tờ": 1099000001}
    rows = [dossier, dossier | {"Phí": 0.5}, dossier | {"Ngày hẹn trả": datetime(2023, 7, 5, 8)}]
    [taken] = take(writers.xlsx_bytes(table(rows)), "xlsx")
    stored = DOSSIER_STORED | NATIONAL | {"dossier_code": "123", "fee_amount": 6000}
    kept = DOSSIER_KEPT | {"dossier_code": "123", "fee_amount": "0.5 + 1.000"}
    assert taken.rows == {
        2: stored,
        3: Rejected("unreadable", "fee_amount", kept),
        4: stored | {"due_at": datetime(2023, 7, 5, 8)},
    }
    births = REGISTRY | {"so": 5, "nksNgaySinh": 2023}
    [taken] = take(writers.xlsx_bytes(table([births])), "xlsx", "civil_registrations")
    assert taken.rows == {2: REGISTRY_STORED | {"event_type": "birth", "event_date": "2023"}}


def test_a_filled_cell_beyond_the_header(take: Take) -> None:
    """It comes before any bad column. Its row's cells may stand under another's header, a name under a code: what is
    not plainly a code, number or date is shown as its shape, and long numbers are masked."""
    head = [*DOSSIER, "Ngày tiếp nhận", "Tên TTHC"]
    grid: writers.Cells = [
        head,
        ["H1", "1.1", "1", "05/07/2023", "x", "thừa"],
        ["H1", "1.1", "1", "", "", ""],
        ["H1", "1.1", "1", "", "", "-"],
        ["H1", "1.1", "1", "", "", "\u00a0"],
        ["H1", "1.1", "1", "", "", "", "", "y"],
        ["Lò Văn Thử", "H-9", "99", "hôm qua", "H-0", "y"],
        ["097111222333", "A-097111222333", "Online 9", "05/07/2023", "", "y"],
        ["0-9", "Thử", "4", "097111222333", "Số 097111222333", "y"],
        ["thu1990@example.com", "H-9", "4", "", "thu.lo.1990@example.com", "y"],
    ]
    assert take(csv(grid))[0].rows == {
        2: Rejected("extra_cell", None, DOSSIER_KEPT | {"received_at": "05/07/2023", "procedure_name": "a"}),
        3: DOSSIER_STORED,
        4: DOSSIER_STORED,
        5: DOSSIER_STORED,
        6: Rejected("extra_cell", None, DOSSIER_KEPT),
        7: Rejected("extra_cell", None, {
            "dossier_code": "aa aaa aaa", "procedure_code": "H-9", "status": "99", "received_at": "aaa aaa", "procedure_name": "H-0"}),
        8: Rejected("extra_cell", None, {
            "dossier_code": "*********", "procedure_code": "A-*********", "status": "aaaaaa 9", "received_at": "05/07/2023"}),
        9: Rejected("extra_cell", None, {
            "dossier_code": "0-9", "procedure_code": "aaa", "status": "4", "received_at": "*********", "procedure_name": "aa *********"}),
        10: Rejected("extra_cell", None, {
            "dossier_code": "aaa9999@aaaaaaa.aaa", "procedure_code": "H-9", "status": "4", "procedure_name": "aaa.aa.9999@aaaaaaa.aaa"}),
    }  # fmt: skip


def test_one_cell_that_serves_a_code_and_a_text() -> None:
    """A code is whole, a free text masked, also where both stand in one cell."""
    columns = (Column(name="a", kind="code", required=True), Column(name="b", kind="text", names=("a",)))
    source = Source(source="two", title_vi="Hai", description="Two columns of one cell.", key=("a",), columns=columns)
    with duckdb.connect() as con:
        con.execute("create table given as select 2 as row_number, 'Số 097111222333' as c0")
        rows = sort_out(con, source, Grid("given", 1), Header(1, 1, {"a": [("a", 0)], "b": [("a", 0)]}))
        assert (rows.read, rows.rejected, rows.accepted) == (0, 0, 0), "one required cell is below the last row"
        con.execute("create or replace table given as select 2 as row_number, 'Số 097111222333' as c0, 'x' as c1")
        columns += (Column(name="c", kind="code", required=True),)
        found = {"a": [("a", 0)], "b": [("a", 0)], "c": [("c", 1)]}
        rows = sort_out(con, source.model_copy(update={"columns": columns}), Grid("given", 2), Header(1, 2, found))
        assert (rows.read, rows.rejected, rows.accepted) == (1, 0, 1)
        stored = con.execute(f"select row_number, a, b, c from {rows.relation}").fetchall()
        assert stored == [(2, "Số 097111222333", "Số *********", "x")]
