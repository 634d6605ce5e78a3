"""The portal's copy of the dossiers and what offices declare for indexes: kept, and counted in no figure."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.support import nights
from tests.support.writers import put

pytestmark = pytest.mark.slow

PORTAL = [
    {
        "MaHoSo": f"H33.01-230301-9{number:03}", "MaTTHC": "1.000001", "TrangThai": "10",
        "NgayTiepNhan": "31/02/2023" if number == 0 else "01/03/2023 08:00",
        "ChuHoSo": "Nguyễn Văn Giả", "SoGiayToChuHoSo": "097000000001",
        "DanhSachHoSoBoSung": [{"NgayBoSung": "02/03/2023", "NgayTiepNhanBoSung": "03/03/2023"}],
    }
    for number in range(50)
]  # fmt: skip
INPUTS = """Mã chỉ số;Từ ngày;Đến ngày;Mã đơn vị;Mã tiêu chí;Tử số;Mẫu số;Điểm tự chấm;Tài liệu kiểm chứng
PAR;01/01/2023;31/12/2023;;1.1;64,5;100;1,5;Báo cáo 12/BC-UBND
PAR;01/01/2023;31/12/2023;H33.01;1.1;;;0,5;
"""
COUNTED = ("kpi_values", "form_06a", "fct_dossiers", "fct_dossier_versions", "fct_supplements", "dq_reconciliation")


def test_they_are_kept_and_change_no_figure(home: Path, landing_and_home: tuple[Path, Path]) -> None:
    landing, copy = landing_and_home
    put(landing / "portal_dossiers" / "dvcqg_20230720_2300.json", json.dumps({"data": PORTAL}).encode())
    put(landing / "registers" / "index_inputs" / "dau_vao_20230720.csv", INPUTS.encode())
    nights.whole(nights.asked(landing, copy))
    with (
        duckdb.connect(str(copy / "current" / "cchc.duckdb"), read_only=True) as now,
        duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as before,
    ):
        assert now.execute(
            "select count(*), min(dossier_code), any_value(agency_code), any_value(status_code), count(applicant_key) "
            "from history.portal_dossiers"
        ).fetchall() == [(49, "H33.01-230301-9001", "H33.01", 10, 49)]
        assert now.execute(
            "select source, column_name from marts.dq_rejected_rows where source = 'portal_dossiers'"
        ).fetchall() == [("portal_dossiers", "received_at")]
        assert now.execute(
            "select agency_code, period_to::varchar, criterion_code, numerator, denominator, declared_points "
            "from history.index_inputs order by all"
        ).fetchall() == [
            ("H33.01", "2023-12-31", "1.1", None, None, 0.5), (None, "2023-12-31", "1.1", 64.5, 100.0, 1.5),
        ]  # fmt: skip
        for table in COUNTED:
            rows = [con.execute(f"select * from marts.{table} order by all").fetchall() for con in (now, before)]
            assert rows[0] == rows[1], table
