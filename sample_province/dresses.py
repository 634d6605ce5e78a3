"""How each system words its exports of dossiers: headers, time formats, code lists, flags.

A dress turns the table `shown` (one row per dossier in the state that an export shows, see `dossier_exports`)
into the cells of a file, by SQL; where `shown.spoiled` names a defect, the cell comes out unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_TIMES = ("submitted_at", "received_at", "due_at", "supplement_requested_at", "completed_at", "returned_at")


@dataclass(frozen=True)
class Dress:
    """How one system words its export: header by canonical column, in order, and the cells under them.

    `names`: codes spelled out, by column; a column without names shows the code itself. `true_dates`: columns
    left as datetimes, `serials`: as Excel serial numbers, where a spreadsheet is written."""

    headers: Mapping[str, str]
    time_format: str = "%d/%m/%Y %H:%M:%S"
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    flags: tuple[str, str] = ("1", "0")
    true_dates: frozenset[str] = frozenset()
    serials: frozenset[str] = frozenset()
    number_ids: bool = False


_STATUS_NAMES = {
    "1": "Mới đăng ký", "2": "Được tiếp nhận", "3": "Không được tiếp nhận", "4": "Đang xử lý",
    "5": "Yêu cầu bổ sung giấy tờ", "6": "Yêu cầu thực hiện nghĩa vụ tài chính",
    "7": "Công dân yêu cầu rút hồ sơ", "8": "Dừng xử lý", "9": "Đã xử lý xong", "10": "Đã trả kết quả",
}  # fmt: skip
_SPELLED_OUT = {
    "status": _STATUS_NAMES,
    "service_level": {"full": "Toàn trình", "partial": "Một phần", "other": "Còn lại"},
    "channel": {"direct": "Trực tiếp", "online": "Trực tuyến", "postal": "Bưu chính công ích"},
    "applicant_type": {"1": "Cá nhân", "2": "Tổ chức", "3": "Khác"},
}
_COLLOQUIAL = {
    "status": _STATUS_NAMES,
    "service_level": {"full": "toàn trình", "partial": "một phần", "other": "Cung cấp thông tin"},
    "channel": {"direct": "Trực tiếp", "online": "Qua mạng", "postal": "BCCI"},
    "applicant_type": {"1": "Công dân", "2": "Doanh nghiệp", "3": "Khác"},
}
_NUMBERS = {
    "service_level": {"full": "4", "partial": "3", "other": "2"},
    "channel": {"direct": "1", "online": "2", "postal": "3"},
}

_HEADERS = {
    "dossier_code": "Mã hồ sơ", "procedure_code": "Mã TTHC", "procedure_name": "Tên TTHC",
    "field_code": "Mã lĩnh vực", "field_name": "Lĩnh vực", "agency_code": "Mã đơn vị",
    "agency_name": "Đơn vị xử lý", "service_level": "Mức độ", "channel": "Kênh thực hiện",
    "applicant_type": "Loại đối tượng", "applicant_name": "Chủ hồ sơ", "applicant_id": "Số CCCD",
    "applicant_phone": "Số điện thoại", "applicant_address": "Địa chỉ", "submitted_at": "Ngày nộp",
    "received_at": "Ngày tiếp nhận", "due_at": "Ngày hẹn trả",
    "supplement_requested_at": "Ngày yêu cầu bổ sung",
    "completed_at": "Ngày kết thúc xử lý", "returned_at": "Ngày trả kết quả", "status": "Trạng thái",
    "fee_amount": "Phí lệ phí", "paid_online": "Thanh toán trực tuyến",
    "has_digitised_components": "Số hóa thành phần", "has_electronic_result": "Kết quả điện tử",
    "from_national_portal": "Nộp từ Cổng DVCQG", "result_kind": "Loại kết quả",
    "other_code": "Mã hồ sơ khác", "is_deleted": "Đã xóa",
}  # fmt: skip
_OTHER_HEADERS = {
    "agency_name": "Cơ quan giải quyết", "dossier_code": "Số hồ sơ",
    "procedure_name": "Tên thủ tục hành chính", "procedure_code": "Mã thủ tục",
    "status": "Trạng thái hồ sơ", "applicant_name": "Người nộp",
    "applicant_id": "Số CCCD/CMND", "applicant_phone": "Số điện thoại", "applicant_email": "Email",
    "channel": "Hình thức tiếp nhận", "service_level": "Mức độ DVC", "applicant_type": "Đối tượng",
    "field_code": "Mã lĩnh vực", "field_name": "Tên lĩnh vực", "submitted_at": "Ngày nộp hồ sơ",
    "received_at": "Ngày nhận", "due_at": "Hạn trả", "supplement_requested_at": "Ngày yêu cầu bổ sung",
    "completed_at": "Ngày hoàn thành", "returned_at": "Ngày trả", "fee": "Phí", "charge": "Lệ phí",
    "paid_online": "Thanh toán trực tuyến",
    "has_digitised_components": "Có thành phần số hóa", "has_electronic_result": "Kết quả điện tử",
    "from_national_portal": "Nộp từ Cổng DVCQG", "result_kind": "Loại kết quả", "other_code": "Mã hồ sơ khác",
    "is_deleted": "Đã xóa", "office": "Ghi chú",
}  # fmt: skip
_UPPER_HEADERS = {
    column: header.upper()
    for column, header in {
        **_HEADERS,
        "dossier_code": "Mã số hồ sơ",
        "agency_code": "Mã định danh",
        "channel": "Kênh tiếp nhận",
        "due_at": "Ngày hẹn",
        "completed_at": "Ngày xử lý xong",
    }.items()
}
_PLAIN_HEADERS = {
    **_HEADERS, "dossier_code": "Ma ho so", "procedure_code": "Ma thu tuc hanh chinh", "status": "Trang thai",
    "received_at": "Ngay tiep nhan", "due_at": "Ngay hen tra ket qua", "submitted_at": "Ngay nop",
    "completed_at": "Ngay ket thuc xu ly", "returned_at": "Ngay tra ket qua", "service_level": "Muc do",
    "channel": "Kenh thuc hien", "field_name": "Linh vuc", "is_deleted": "Da xoa",
}  # fmt: skip
_KEYS = {
    "dossier_code": "MaHoSo", "procedure_code": "MaTTHC", "procedure_name": "TenTTHC",
    "field_code": "MaLinhVuc",
    "field_name": "TenLinhVuc", "agency_code": "MaDonVi", "agency_name": "DonViXuLy",
    "service_level": "MucDo",
    "channel": "KenhThucHien", "applicant_type": "LoaiDoiTuong", "applicant_name": "ChuHoSo",
    "applicant_id": "SoGiayToChuHoSo", "applicant_phone": "SoDienThoai", "applicant_email": "Email",
    "submitted_at": "NgayNopHoSo", "received_at": "NgayTiepNhan", "due_at": "NgayHenTra",
    "supplement_requested_at": "NgayYeuCauBoSung", "completed_at": "NgayKetThucXuLy",
    "returned_at": "NgayTra",
    "status": "TrangThaiHoSo", "paid_online": "DuocThanhToanTrucTuyen",
    "has_digitised_components": "HoSoCoThanhPhanSoHoa", "result_kind": "LoaiKetQua",
    "other_code": "MaHoSoKhac",
    "is_deleted": "DaXoa", "portal": "NoiNopHoSo", "fees": "DanhSachLePhi", "results": "DanhSachGiayToKetQua",
    "supplements": "DanhSachHoSoBoSung",
}  # fmt: skip

PLAIN = Dress(_HEADERS, names=_SPELLED_OUT, flags=("Có", "Không"))
CODED = Dress(_PLAIN_HEADERS, "%Y-%m-%d %H:%M:%S", _NUMBERS)
OTHER = Dress(_OTHER_HEADERS, "%d/%m/%Y %H:%M:%S", _COLLOQUIAL, ("x", ""))
DOTTED = Dress(_UPPER_HEADERS, "%d.%m.%Y %H:%M:%S", _SPELLED_OUT, ("yes", "no"))
DASHED = Dress(_HEADERS, "%d-%m-%Y %H:%M:%S", _COLLOQUIAL, ("true", "false"))
PORTAL = Dress(_KEYS, "%Y%m%d%H%M%S", _NUMBERS)
TRUE_DATES = replace(PLAIN, true_dates=frozenset({"received_at", "due_at", "completed_at"}))
SERIALS = Dress(_UPPER_HEADERS, names=_SPELLED_OUT, flags=("x", ""), serials=frozenset(_TIMES), number_ids=True)
ALL_TRUE_DATES = Dress(_OTHER_HEADERS, names=_COLLOQUIAL, flags=("x", ""), true_dates=frozenset(_TIMES))
NO_STATUS = Dress({c: h for c, h in _HEADERS.items() if c != "status"}, names=_SPELLED_OUT)


def query(dress: Dress) -> str:
    """SQL for the rows of the table `shown` in a dress, cells under its headers."""
    cells = ", ".join(f'{_cell(dress, column)} as "{header}"' for column, header in dress.headers.items())
    return f"select {cells} from shown order by line"


def _cell(dress: Dress, column: str) -> str:
    expression = _clean_cell(dress, column)
    if column == "due_at" and column not in dress.true_dates | dress.serials:
        return f"case spoiled when 'due_at' then '31/02/2023' else {expression} end"
    if column == "received_at" and column not in dress.true_dates | dress.serials:
        bad = "when 'received_at' then null when 'two_digit_year' then '16/11/23'"
        return f"case spoiled {bad} else {expression} end"
    if column == "status":
        return f"case spoiled when 'status' then 'Chờ liên thông thuế' else {expression} end"
    if column == "procedure_code":
        return f"case spoiled when 'procedure_code' then null else {expression} end"
    return expression


def _clean_cell(dress: Dress, column: str) -> str:
    if column in dress.true_dates:
        return f"date_trunc('second', {column})::timestamp"
    if column in dress.serials:
        return f"epoch({column}) / 86400 + 25569"
    if column in _TIMES:
        return f"strftime({column}, '{dress.time_format}')"
    if column in dress.names:
        cases = " ".join(f"when '{code}' then '{name}'" for code, name in dress.names[column].items())
        return f"case {column} {cases} end"
    if column in ("paid_online", "has_digitised_components", "has_electronic_result", "from_national_portal",
                  "is_deleted"):  # fmt: skip
        return f"case when {column} then '{dress.flags[0]}' else '{dress.flags[1]}' end"
    if column == "applicant_id" and dress.number_ids:
        return "applicant_id::bigint"
    if column in _NESTED:
        return _NESTED[column].format(time=dress.time_format)
    if column == "office":
        return "'Bộ phận Một cửa'"
    return f"{column}::varchar" if column in ("fee_amount", "fee", "charge") else column


_NESTED = {
    "portal": "case when from_national_portal then '1' else '2' end",
    "fees": "case when fee_amount is null then [] else [{{'TenPhiLePhi': 'Lệ phí', 'HinhThucThu': '1',"
            " 'Gia': nullif(fee_amount, 0)}}] end",
    "results": "case when has_electronic_result then [{{'TenGiayTo': 'Kết quả ' || procedure_name,"
               " 'GiayToId': 'KQ-' || dossier_code}}] else [] end",
    "supplements": "case when supplement_requested_at is null then [] else [{{"
                   "'NgayBoSung': strftime(supplement_requested_at, '{time}'),"
                   " 'NgayTiepNhanBoSung': strftime(resumed_at, '{time}'),"
                   " 'NgayHenTraTruoc': strftime(coalesce(due_first, due_at), '{time}'),"
                   " 'NgayHenTraMoi': case when resumed_at is not null then strftime(due_at, '{time}') end,"
                   " 'TrangThaiBoSung': 'Bổ sung thành phần hồ sơ'}}] end",
}  # fmt: skip
