"""The sources of docs/landing-contract.md 3, retyped by hand from the contract.

Nothing here is taken from `orchestration/sources`: a mistake made there must not repeat itself here.
One line a column: name (`*` required), kind, accepted names separated by `|` in the order listed.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.cells import fold

STATUS_NAMES = {
    1: "Mới đăng ký", 2: "Được tiếp nhận", 3: "Không được tiếp nhận", 4: "Đang xử lý",
    5: "Yêu cầu bổ sung giấy tờ", 6: "Yêu cầu thực hiện nghĩa vụ tài chính",
    7: "Công dân yêu cầu rút hồ sơ", 8: "Dừng xử lý", 9: "Đã xử lý xong", 10: "Đã trả kết quả",
}  # fmt: skip

_LISTS: dict[str, dict[str, list[str]]] = {
    "status": {str(code): [str(code), name] for code, name in STATUS_NAMES.items()},
    "service_level": {
        "full": ["4", "Toàn trình"],
        "partial": ["3", "Một phần"],
        "other": ["1", "2", "Còn lại", "Cung cấp thông tin", "Dịch vụ cung cấp thông tin trực tuyến"],
    },
    "channel": {
        "direct": ["1", "Trực tiếp"],
        "online": ["2", "Trực tuyến", "Online", "Qua mạng"],
        "postal": ["3", "Bưu chính", "Bưu chính công ích", "BCCI"],
    },
    "applicant_type": {
        "citizen": ["1", "Cá nhân", "Công dân"],
        "organisation": ["2", "Tổ chức", "Doanh nghiệp"],
    },
    "level": {"province": ["tỉnh"], "district": ["huyện"], "commune": ["xã"]},
    "flag": {"yes": ["1", "true", "có", "x", "yes"], "no": ["0", "false", "không", "no"]},
    "portal_payment": {
        "yes": ["1", "2", "true", "có", "x", "yes"],
        "no": ["0", "3", "false", "không", "no"],
    },
    "lookup_result": {
        "successful": ["Thành công", "Có thông tin", "1"],
        "no_entitlement": ["Không thành công", "Không có thông tin", "0"],
    },
    "gateway_result": {
        "successful": ["Thành công", "Có thông tin"],
        "no_entitlement": ["Không thành công", "Không có thông tin"],
    },
    "event_type": {"birth": ["KS", "Khai sinh"], "death": ["KT", "Khai tử"]},
    "registration_kind": {k: [k] for k in ("Đăng ký mới", "Đăng ký lại", "Quá hạn")},
    "registry_kind": {
        "missing": ["0"], "Đăng ký mới": ["1"], "Đăng ký lại": ["2"], "abroad": ["3"], "Quá hạn": ["4"],
    },
    "document_type": {"CCCD": ["CCCD"], "BHYT": ["BHYT"], "VNeID": ["VNeID"]},
    "payment_status": {
        "paid": ["Đã thanh toán"], "pending": ["Chờ thanh toán"], "unpaid": ["Chưa thanh toán"],
        "cancelled": ["Hủy thanh toán"], "refunded": ["Đã hoàn phí"],
    },
    "payment_method": {m: [m] for m in ("truc-tuyen", "tien-mat", "chuyen-khoan")},
    "task_status": {s: [s] for s in ("Hoàn thành", "Đang triển khai", "Chưa triển khai")},
    "grade": {g: [g] for g in ("Xuất sắc", "Tốt", "Khá", "Trung bình", "Yếu")},
    "provider_type": {p: [p] for p in ("Ngân hàng", "Ví điện tử", "Cổng thanh toán")},
    "index_code": {i: [i] for i in ("PAR", "SIPAS", "PAPI", "PCI")},
}  # fmt: skip
CODE_LISTS = {
    name: {fold(spelling): value for value, spellings in values.items() for spelling in spellings}
    for name, values in _LISTS.items()
}

_SOURCES = """
dossiers
dossier_code* code = Mã hồ sơ | Số hồ sơ | Mã số hồ sơ | MaHoSo
procedure_code* code = Mã TTHC | Mã thủ tục | Mã thủ tục hành chính | MaTTHC
procedure_name text = Tên TTHC | Tên thủ tục | Tên thủ tục hành chính | TenTTHC
field_code code = Mã lĩnh vực | MaLinhVuc
field_name text = Lĩnh vực | Tên lĩnh vực | TenLinhVuc
agency_code code = Mã đơn vị | Mã cơ quan | Mã định danh | MaDonVi | MaDinhDanh
agency_name text = Đơn vị xử lý | Cơ quan giải quyết | Đơn vị | DonViXuLy
service_level list:service_level = Mức độ | Mức độ DVC | Mức độ dịch vụ công | MucDo
channel list:channel = Kênh|Kênh thực hiện|Kênh tiếp nhận|Hình thức nộp|Hình thức tiếp nhận|KenhThucHien
applicant_type list:applicant_type = Loại đối tượng | Đối tượng | LoaiDoiTuong
applicant_name dropped = Chủ hồ sơ | ChuHoSo | Người nộp
applicant_id identity = Số giấy tờ | Số CCCD | Số CCCD/CMND | SoGiayToChuHoSo | MaDoiTuong
applicant_phone dropped = Số điện thoại | SoDienThoai
applicant_email dropped = Email
applicant_address dropped = Địa chỉ
submitted_at time = Ngày nộp | Ngày nộp hồ sơ | NgayNopHoSo
received_at time = Ngày tiếp nhận | Ngày nhận | NgayTiepNhan
due_at time = Ngày hẹn trả | Ngày hẹn | Hạn trả | Ngày hẹn trả kết quả | NgayHenTra
supplement_requested_at time = Ngày yêu cầu bổ sung | NgayYeuCauBoSung
completed_at time = Ngày kết thúc xử lý | Ngày hoàn thành | Ngày xử lý xong | NgayKetThucXuLy
returned_at time = Ngày trả | Ngày trả kết quả | NgayTra
status* list:status = Trạng thái | Trạng thái hồ sơ | TrangThaiHoSo | TrangThai
fee_amount money = Phí lệ phí | Phí, lệ phí
paid_online flag = Thanh toán trực tuyến | DuocThanhToanTrucTuyen
has_digitised_components flag = Số hóa thành phần | Có thành phần số hóa | HoSoCoThanhPhanSoHoa
has_electronic_result flag = Kết quả điện tử
from_national_portal flag = Nộp từ Cổng DVCQG
result_kind text = Loại kết quả | LoaiKetQua
other_code code = Mã hồ sơ khác | MaHoSoKhac
is_deleted flag = Đã xóa | DaXoa

supplements
dossier_code* code = Mã hồ sơ | Số hồ sơ | Mã số hồ sơ | MaHoSo
requested_at* time = Ngày bổ sung | NgayBoSung
resumed_at time = Ngày tiếp nhận bổ sung | NgayTiepNhanBoSung
due_before time = Ngày hẹn trả trước | NgayHenTraTruoc
due_after time = Ngày hẹn trả mới | NgayHenTraMoi
reason text = Trạng thái bổ sung | TrangThaiBoSung

dossier_events
dossier_code* code = Mã hồ sơ | Số hồ sơ | Mã số hồ sơ | MaHoSo
occurred_at* time = Thời điểm xử lý | ThoiDiemXuLy
status* list:status = Trạng thái | TrangThai
step_name text = Nội dung xử lý | NoiDungXuLy
unit_name text = Phòng ban xử lý | PhongBanXuLy
officer_name identity = Người xử lý | NguoiXuLy
due_at time = NgayKetThucTheoQuyDinh

payments
transaction_code* code = Mã giao dịch | MaGiaoDich
dossier_code* code = Mã hồ sơ | Số hồ sơ | Mã số hồ sơ | MaHoSo
provider_code* code = Ngân hàng | Đơn vị thanh toán | Kênh thanh toán | MaDonViThanhToan
amount* money = Số tiền | SoTien
status* list:payment_status = Trạng thái
paid_at time = Ngày thanh toán | NgayThanhToan
method list:payment_method =

health_lookups
lookup_code* code = Mã tra cứu | MaTraCuu
facility_code* code = Mã CSKCB | MaCSKCB
facility_name text = Tên CSKCB
looked_up_at* time = Thời gian tra cứu | ThoiGianTraCuu
document_type* list:document_type = Loại giấy tờ
identity_number identity = Số giấy tờ | SoGiayTo
result* list:lookup_result = Kết quả | KetQua | maKetQua

civil_registrations
registration_code* code = Mã đăng ký | MaDangKy
event_type* list:event_type = Loại việc
event_date* time = Ngày sự kiện | Ngày sinh/chết
registered_at* time = Ngày đăng ký | NgayDangKy
commune_code* code = Mã xã | MaXa
channel list:channel = Kênh|Kênh thực hiện|Kênh tiếp nhận|Hình thức nộp|Hình thức tiếp nhận|KenhThucHien
is_interlinked flag = Liên thông
group_dossier_code code = Mã hồ sơ liên thông | MaHoSoLT
person_id identity = Số định danh | SoDinhDanh
registration_kind list:registration_kind =

registers/health_facilities
facility_code* code =
facility_name* text =
commune_code code =
uses_cccd_since time =

registers/agencies
agency_code* code =
agency_name* text =
level* list:level =
parent_code code =
commune_code code =
district_code code =
uses_e_office flag =
has_internal_process flag =
has_electronic_process flag =
valid_from* time =
valid_to time =

registers/procedures
procedure_code* code =
procedure_name* text =
field_code code =
field_name text =
level list:any_level =
service_level* list:service_level =
is_online* flag =
statutory_days int =
valid_from* time =
valid_to time =

registers/procedure_cuts
procedure_code* code =
decision_number* code =
decided_on* time =
days_before* int =
days_after* int =

registers/plan_tasks
task_code* code =
title* text =
lead_agency_code* code =
assigned_on* time =
due_on* time =
completed_on time =
status* list:task_status =
domain text =

registers/directives
document_number* code =
issued_on* time =
title* text =
issuer text =

registers/unit_ratings
agency_code* code =
year* int =
score decimal =
grade* list:grade =

registers/payment_providers
provider_code* code =
provider_name* text =
provider_type* list:provider_type =
connected_on* time =
disconnected_on time =

registers/index_inputs
index_code* code = Mã chỉ số
period_from* time = Từ ngày
period_to* time = Đến ngày
agency_code code = Mã đơn vị
criterion_code* code = Mã tiêu chí
numerator decimal = Tử số
denominator decimal = Mẫu số
declared_points decimal = Điểm tự chấm
evidence text = Tài liệu kiểm chứng

registers/index_results
index_code* list:index_code =
year* int =
domain_code code =
score decimal =
rank int =
ranked_units* int =

registers/inspections
inspection_code* code =
agency_code* code =
inspected_on* time =
kind* text =
findings_count int =
resolved_count int =

registers/trainings
training_code* code =
held_on* time =
title* text =
participants int =

registers/petitions
petition_code* code =
received_on* time =
due_on time =
answered_on time =
agency_code* code =
satisfied flag =

registers/satisfaction
agency_code* code =
surveyed_on* time =
respondents* int =
satisfied_count* int =
"""

KEYS = {
    "supplements": ("dossier_code", "requested_at"),
    "dossier_events": ("dossier_code", "occurred_at", "status"),
    "payments": ("transaction_code",),
    "health_lookups": ("lookup_code",),
    "civil_registrations": ("registration_code",),
    "registers/health_facilities": ("facility_code",),
    "registers/agencies": ("agency_code", "valid_from"),
    "registers/procedures": ("procedure_code", "valid_from"),
    "registers/procedure_cuts": ("procedure_code", "decision_number"),
    "registers/plan_tasks": ("task_code",),
    "registers/directives": ("document_number",),
    "registers/unit_ratings": ("agency_code", "year"),
    "registers/payment_providers": ("provider_code",),
    "registers/index_inputs": ("index_code", "period_from", "period_to", "agency_code", "criterion_code"),
    "registers/index_results": ("index_code", "year", "domain_code"),
    "registers/inspections": ("inspection_code",),
    "registers/trainings": ("training_code",),
    "registers/petitions": ("petition_code",),
    "registers/satisfaction": ("agency_code", "surveyed_on"),
}


@dataclass(frozen=True)
class Column:
    """One canonical column: its kind and its accepted names, the canonical one first."""

    name: str
    kind: str
    required: bool
    names: tuple[str, ...]

    @property
    def folded(self) -> tuple[str, ...]:
        return tuple(fold(name) for name in self.names)


def _declare(text: str) -> dict[str, tuple[Column, ...]]:
    sources = {}
    for block in text.strip().split("\n\n"):
        source, *lines = block.splitlines()
        columns = []
        for line in lines:
            left, _, right = line.partition(" =")
            name, kind = left.split(" ")
            accepted = tuple(n.strip() for n in right.split("|") if n.strip())
            bare = name.rstrip("*")
            columns.append(Column(bare, kind, name.endswith("*"), (bare, *accepted)))
        sources[source] = tuple(columns)
    return sources


SOURCES = _declare(_SOURCES)
SOURCES["portal_dossiers"] = SOURCES["dossiers"]
KEYS["portal_dossiers"] = ("dossier_code",)

# The registry's own spreadsheet layout of civil_registrations, in the order of the columns it feeds.
REGISTRY = _declare("""
registry
noiDangKy* code =
quyenSo* code =
so* code =
nksNgaySinh partial_date =
nktNgayChet partial_date =
ngayDangKy* time =
channel list:channel = Kênh|Kênh thực hiện|Kênh tiếp nhận|Hình thức nộp|Hình thức tiếp nhận|KenhThucHien
is_interlinked flag = Liên thông
group_dossier_code code = Mã hồ sơ liên thông | MaHoSoLT
soDinhDanh identity = Số định danh
loaiDangKy list:registry_kind =
""")["registry"]
REGISTRY_FEEDS = {
    "noiDangKy": "registration_code",
    "quyenSo": "registration_code",
    "so": "registration_code",
    "nksNgaySinh": "event_date",
    "nktNgayChet": "event_date",
    "ngayDangKy": "registered_at",
    "soDinhDanh": "person_id",
    "loaiDangKy": "registration_kind",
}
