"""Births and deaths: the registry's own lists, two cities' plain lists, and the interlinked online service.

Registered online through the interlinked service (liên thông): 2.087 births and 209 deaths at scale 1.0, the
latter the seed article's figure, the former its "over 2.000". The article dates both to 16/10/2023, so the
service's last list is of that day. Registered directly: about ten times as many, in the 60- and 48-column
layouts of the registry for most districts, in plain columns for two cities. In the registry's layouts the
office stands by its name alone; three names belong to two communes each, which share a series of numbers
here so that no two entries have one key.
"""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.sample.calendar import Calendar
from orchestration.sample.exports import CsvStyle
from orchestration.sample.extracts import Extract, at, spans
from orchestration.sample.people import people_table
from orchestration.sample.province import Province

BIRTHS_ONLINE, DEATHS_ONLINE = 2_087, 209
BIRTHS_DIRECT, DEATHS_DIRECT = 23_400, 7_900
_ONLINE_UNTIL = date(2023, 10, 16)
_PLAIN_DISTRICTS = "('899', '911')"  # Rạch Giá, Phú Quốc
_LAST = at(11, 16, 20, 30)

_BOOK = ("so", "quyenSo", "trangSo", "ngayDangKy", "loaiDangKy", "noiDangKy", "nguoiKy", "chucVuNguoiKy",
         "nguoiThucHien", "ghiChu")  # fmt: skip
_DECLARED = ("", "NgayGhiChuTuyenBo", "CanCuTuyenBo", "NgayGhiChuHuyTuyenBo", "CanCuHuyTuyenBo")
_PARENT = ("HoTen", "NgaySinh", "DanToc", "QuocTich", "QuocTichKhac", "LoaiCuTru", "NoiCuTru", "LoaiGiayToTuyThan",
           "SoGiayToTuyThan")  # fmt: skip
_PAPER = ("LoaiGiayToTuyThan", "GiayToKhac", "SoGiayToTuyThan", "NgayCapGiayToTuyThan", "NoiCapGiayToTuyThan")
_REQUESTER = ("nycHoTen", "nycQuanHe", *(f"nyc{part}" for part in _PAPER))
_ABROAD = ("soDangKyNuocNgoai", "ngayDangKyNuocNgoai", "cqNuocNgoaiDaDangKy", "qgNuocNgoaiDaDangKy")
BIRTH_LAYOUT = (
    *_BOOK,
    *(f"nks{part}" for part in ("HoTen", "GioiTinh", "NgaySinh", "NgaySinhBangChu", "NoiSinh", "NoiSinhDVHC",
                                "QueQuan", "DanToc", "QuocTich", "QuocTichKhac", "LoaiKhaiSinh")),
    *(f"nksMatTich{part}" for part in _DECLARED), *(f"nksHanCheNangLucHanhVi{part}" for part in _DECLARED),
    *(f"me{part}" for part in _PARENT), *(f"cha{part}" for part in _PARENT), *_REQUESTER, *_ABROAD[:3],
)  # fmt: skip
DEATH_LAYOUT = (
    *_BOOK,
    *(f"nkt{part}" for part in ("HoTen", "GioiTinh", "NgaySinh", "DanToc", "QuocTich", "QuocTichKhac", "LoaiCuTru",
                                "NoiCuTru", *_PAPER, "NgayChet", "NgayChetGhiBangChu", "GioPhutChet", "NoiChet",
                                "NguyenNhanChet")),
    *(f"nktTinhTrangTuyenBoViecChet{part}" for part in _DECLARED[:4]),
    *(f"gbt{part}" for part in ("Loai", "So", "Ngay", "CoQuanCap")), *_REQUESTER, *_ABROAD,
)  # fmt: skip
