"""Small trap exports of every source besides dossiers, supplements, agencies and procedures.

Each source has three exports that overlap: rows vanish, come back changed, and a few cannot be read.
"""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

from tests.support import writers
from tests.support.writers import put

Row = dict[str, Any]
AGENCY_CODES = ["H33.11", "H33.12", "H33.31", "H33.31.01", "H33.31.02", "H33.99"]
COMMUNES = ["30730", "30901", "30742", ""]


class OtherSources:
    """Writes one landing's payments, look-ups, registrations, events and hand-kept registers."""

    def __init__(self, root: Path, rng: random.Random, stamps: list[dt.datetime], dossiers: list[str]) -> None:
        self.root, self.rng, self.dossiers = root, rng, dossiers or ["H33.11-230101-0"]
        self.stamps = [stamps[0], stamps[len(stamps) // 2], stamps[-1]]

    def write(self) -> None:
        tables = {
            "payments": self._payments(),
            "dossier_events": self._events(),
            "health_lookups": self._lookups(),
            "civil_registrations": self._registrations(),
            "registers/plan_tasks": self._plan_tasks(),
            "registers/directives": self._directives(),
            "registers/unit_ratings": self._ratings(),
            "registers/payment_providers": self._providers(),
            "registers/index_results": self._indexes(),
            "registers/inspections": self._inspections(),
            "registers/trainings": self._trainings(),
            "registers/petitions": self._petitions(),
            "registers/satisfaction": self._satisfaction(),
            "registers/health_facilities": self._facilities(),
            "registers/procedure_cuts": self._cuts(),
        }
        self._registry()
        for source, (changing, rows) in tables.items():
            self._exports(source, changing, rows)

    def _exports(self, source: str, changing: str, rows: list[Row]) -> None:
        """Three exports; in later ones the column `changing` takes the value of some other row."""
        head = list(dict.fromkeys(column for row in rows for column in row))
        for number, stamp in enumerate(self.stamps):
            grid: writers.Cells = [["DANH SÁCH"], [], list(head)]
            for row in rows:
                if self.rng.random() < 0.25:
                    continue
                cells = dict(row)
                if number and self.rng.random() < 0.3:
                    cells[changing] = self.rng.choice(rows).get(changing, "")
                grid.append([cells.get(column, "") for column in head])
            grid += [["Tổng số", str(len(rows))], ["", "", "Người lập"]]
            name = f"{source.rsplit('/', 1)[-1]}_{stamp:%Y-%m-%d_%H%M%S}"
            form = self.rng.choice(["csv", "xlsx", "html"])
            if form == "csv":
                put(self.root / source / f"{name}.csv", writers.csv_bytes(grid, ";", "utf-8-sig"))
            elif form == "html":
                put(self.root / source / f"{name}.xls", writers.html_bytes(grid))
            else:
                data = writers.stable_zip(writers.xlsx_bytes(grid))
                put(self.root / source / f"{name}.xlsx", data)

    def _day(self, start: str = "2022-11-01", span: int = 400, missing: float = 0.0) -> str:
        if self.rng.random() < missing:
            return ""
        day = dt.date.fromisoformat(start) + dt.timedelta(days=self.rng.randrange(span))
        return day.strftime(self.rng.choice(["%d/%m/%Y", "%Y-%m-%d", "%Y%m%d", "%d.%m.%Y 08:30"]))

    def _payments(self) -> tuple[str, list[Row]]:
        rng = self.rng
        names = ["Đã thanh toán", "ĐÃ THANH TOÁN", "Chờ thanh toán", "Chưa thanh toán", "Hủy thanh toán"]
        return "Trạng thái", [
            {
                "Mã giao dịch": f"GD{n}",
                "Mã hồ sơ": rng.choice([*self.dossiers[:40], f"H33.00-230101-{n}"]),
                "Ngân hàng": rng.choice(["VCB", "MOMO"]),
                "Số tiền": rng.choice(["50.000 đ", "8000", "1.500.000 VNĐ"] * 6 + ["12,5"]),
                "Trạng thái": rng.choice([*names, "Đã hoàn phí"]),
                "Ngày thanh toán": self._day(missing=0.1),
                "method": rng.choice(["truc-tuyen", "tien-mat", ""]),
            }
            for n in range(80)
        ]

    def _events(self) -> tuple[str, list[Row]]:
        rng = self.rng
        return "NoiDungXuLy", [
            {
                "MaHoSo": rng.choice([*self.dossiers[:40], f"H33.00-230101-{n}"]),
                "ThoiDiemXuLy": self._day(),
                "TrangThai": rng.choice(["2", "4", "Đang xử lý", "9"]),
                "NoiDungXuLy": f"Bước {n % 4}",
                "NguoiXuLy": "Trần Thị Thử",
            }
            for n in range(60)
        ]

    def _lookups(self) -> tuple[str, list[Row]]:
        rng = self.rng
        header = rng.choice(["Kết quả", "maKetQua"])
        flags = [] if header == "maKetQua" else ["1", "0"]
        return "Thời gian tra cứu", [
            {
                "Mã tra cứu": f"TC{n}",
                "Mã CSKCB": rng.choice(["91001", "91002", "91003", "91999"]),
                "Thời gian tra cứu": self._day(),
                "Loại giấy tờ": rng.choice(["CCCD", "cccd", "BHYT", "VNeID"]),
                "Số giấy tờ": f"099{n:09d}",
                header: rng.choice(["Thành công", "không có thông tin", "000", "003", "100", "060", *flags]),
            }
            for n in range(120)
        ]

    def _registrations(self) -> tuple[str, list[Row]]:
        rng = self.rng
        rows = []
        for n in range(100):
            event = dt.date(2022, 12, 1) + dt.timedelta(days=rng.randrange(330))
            registered = event + dt.timedelta(days=rng.choice([-1, 0, 3, 14, 15, 16, 59, 60, 61, 200]))
            rows.append(
                {
                    "Mã đăng ký": f"DK{n}",
                    "Loại việc": rng.choice(["KS", "Khai sinh", "KT", "khai tử"]),
                    "Ngày sự kiện": f"{event:%d/%m/%Y}",
                    "Ngày đăng ký": f"{registered:%d/%m/%Y}",
                    "Mã xã": rng.choice(COMMUNES[:3]),
                    "Kênh thực hiện": rng.choice(["", "2", "Trực tuyến", "1"]),
                    "Liên thông": rng.choice(["x", ""]),
                    "Mã hồ sơ liên thông": f"LT{n // 2}",
                    "Số định danh": f"97{n // 2:09d}",
                    "registration_kind": rng.choice(["Đăng ký mới", "Đăng ký lại", "Quá hạn", ""]),
                }
            )
        for first, second in zip(rows[::10], rows[1::10], strict=True):
            second.update({column: first[column] for column in ("Loại việc", "Ngày sự kiện")})
        return "Kênh thực hiện", rows

    def _registry(self) -> None:
        """The registry's own layout: births by `nks…`, deaths by `nkt…`, some with a year or month only."""
        offices = ["UBND xã Thạnh Lộc", "UBND phường Vĩnh Thanh Vân", "Xã không có"]
        for event, stamp in (("nksNgaySinh", self.stamps[0]), ("nktNgayChet", self.stamps[2])):
            grid: writers.Cells = [["so", "quyenSo", "noiDangKy", "ngayDangKy", event, "loaiDangKy", "soDinhDanh"]]
            for n in range(30):
                date = dt.date(2022, 12, 1) + dt.timedelta(days=self.rng.randrange(330))
                registered = date + dt.timedelta(days=self.rng.choice([0, 14, 15, 16, 60, 61]))
                when = self.rng.choice([f"{date:%d.%m.%Y}"] * 4 + [str(date.year), f"{date:%m/%Y}", ""])
                kind = self.rng.choice(["0", "1", "1", "2", "3", "4", ""])
                office, person = self.rng.choice(offices), f"097{n:09d}"
                grid.append([str(n), "01/2023", office, f"{registered:%d.%m.%Y}", when, kind, person])
            name = f"hotich_{event}_{stamp:%Y%m%d%H%M%S}.csv"
            put(self.root / "civil_registrations" / name, writers.csv_bytes(grid, ";", "utf-8"))

    def _plan_tasks(self) -> tuple[str, list[Row]]:
        return "completed_on", [
            {
                "task_code": f"NV{n}",
                "title": f"Nhiệm vụ {n}",
                "lead_agency_code": self.rng.choice(AGENCY_CODES),
                "assigned_on": self._day(),
                "due_on": self._day("2023-03-01", 250),
                "completed_on": self._day("2023-02-01", 300, missing=0.4),
                "status": self.rng.choice(["Hoàn thành", "Đang triển khai", "chưa triển khai"]),
            }
            for n in range(37)
        ]

    def _directives(self) -> tuple[str, list[Row]]:
        return "issued_on", [
            {"document_number": f"{n}/UBND-NC", "issued_on": self._day(), "title": "Đẩy mạnh CCHC"} for n in range(17)
        ]

    def _ratings(self) -> tuple[str, list[Row]]:
        return "grade", [
            {
                "agency_code": code,
                "year": year,
                "score": "86,5",
                "grade": self.rng.choice(["Xuất sắc", "Tốt", "khá", "TRUNG BÌNH", "Yếu"]),
            }
            for code in AGENCY_CODES
            for year in (2021, 2022, 2023)
            if year < 2023 or code == "H33.11"
        ]

    def _providers(self) -> tuple[str, list[Row]]:
        return "disconnected_on", [
            {
                "provider_code": f"P{n}",
                "provider_name": f"Đơn vị {n}",
                "provider_type": self.rng.choice(["Ngân hàng", "Ví điện tử", "Cổng thanh toán"]),
                "connected_on": self._day(),
                "disconnected_on": self._day("2023-01-01", 400, missing=0.6),
            }
            for n in range(14)
        ]

    def _indexes(self) -> tuple[str, list[Row]]:
        return "rank", [
            {
                "index_code": index,
                "year": year,
                "domain_code": domain,
                "score": "75,09" if year != 2021 or domain else "9" * 400,
                "rank": self.rng.choice([str(self.rng.randrange(1, 64))] * 6 + [""]),
                "ranked_units": 63,
            }
            for index in ("PAR", "SIPAS", "PAPI", "PCI")
            for year in (2020, 2021, 2022)
            for domain in ("", "TTHC")
        ]

    def _inspections(self) -> tuple[str, list[Row]]:
        return "inspected_on", [
            {
                "inspection_code": f"KT{n}",
                "agency_code": self.rng.choice(AGENCY_CODES),
                "inspected_on": self._day(),
                "kind": "Định kỳ",
            }
            for n in range(12)
        ]

    def _trainings(self) -> tuple[str, list[Row]]:
        return "held_on", [{"training_code": f"TH{n}", "held_on": self._day(), "title": "Tập huấn"} for n in range(9)]

    def _petitions(self) -> tuple[str, list[Row]]:
        return "answered_on", [
            {
                "petition_code": f"PA{n}",
                "received_on": self._day(),
                "due_on": self._day("2023-02-01", 300, missing=0.2),
                "answered_on": self._day("2023-02-01", 300, missing=0.3),
                "agency_code": self.rng.choice(AGENCY_CODES),
                "satisfied": self.rng.choice(["x", "", "không"]),
            }
            for n in range(50)
        ]

    def _satisfaction(self) -> tuple[str, list[Row]]:
        rows: dict[tuple[str, int], Row] = {}
        for n in range(20):
            asked = self.rng.randrange(20, 1400)
            code = AGENCY_CODES[n % len(AGENCY_CODES)]
            rows[code, n] = {
                "agency_code": code,
                "surveyed_on": f"{1 + n:02d}/0{1 + n % 9}/2023",
                "respondents": f"{asked:,}".replace(",", ".") if n != 11 else "2.147.483.648",
                "satisfied_count": asked // 2,
            }
        return "satisfied_count", list(rows.values())

    def _facilities(self) -> tuple[str, list[Row]]:
        return "uses_cccd_since", [
            {
                "facility_code": f"9100{n}",
                "facility_name": f"Trạm y tế {n}",
                "commune_code": self.rng.choice(COMMUNES),
                "uses_cccd_since": self._day(missing=0.2),
            }
            for n in range(1, 9)
        ]

    def _cuts(self) -> tuple[str, list[Row]]:
        return "days_after", [
            {
                "procedure_code": f"1.00{n // 2:04d}",
                "decision_number": f"{n % 3}/QĐ-UBND",
                "decided_on": self._day(),
                "days_before": self.rng.randrange(5, 30) if n != 23 else 2**63 - 1,
                "days_after": self.rng.randrange(2, 25),
            }
            for n in range(40)
        ]
