"""The portal's copy of the dossiers and what offices declare for indexes: kept, compared, counted in no figure of dossiers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.catalogue import scope_types
from tests.support import nights
from tests.support.oracle import kpis, read_landing
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
# Of the golden dossiers those that the portal holds too: 0008 was given back here and is done there; 0014 was received a day
# later there; 0009, never accepted here, is processed there; 0001 was deleted there.
COPIES = [
    {"MaHoSo": "H99.01-230306-0008", "MaTTHC": "1.000001", "TrangThai": "10", "NgayTiepNhan": "06/03/2023 10:00",
     "NgayHenTra": "16/03/2023", "NgayKetThucXuLy": "16/03/2023 11:00"},
    {"MaHoSo": "H99.01-230620-0014", "MaTTHC": "1.000001", "TrangThai": "9", "NgayTiepNhan": "21/06/2023 08:30",
     "NgayHenTra": "21/06/2023 17:00", "NgayKetThucXuLy": "15/06/2023 09:00"},
    {"MaHoSo": "H99.01-230308-0009", "MaTTHC": "1.000001", "TrangThai": "4", "NgayTiepNhan": "08/03/2023 08:30"},
    {"MaHoSo": "H99.01-221220-0001", "MaTTHC": "1.000001", "TrangThai": "10", "NgayTiepNhan": "20/12/2022 08:00",
     "DaXoa": "1"},
]  # fmt: skip
DIFFERENCES = [
    *((f"H99.{code}", "missing_on_portal", status, None) for code, status in (
        ("01-221220-0001", "10"), ("01-221228-0002", "9"), ("01-230103-0003", "10"), ("02-230201-0004", "9"),
        ("02-230301-0005", "9"), ("02-230302-0006", "9"), ("01-230305-0007", "7"), ("02-230502-0011", "10"),
        ("02-230601-0012", "4"), ("01-230615-0013", "9"), ("01-230703-0015", "4"),
    )),
    ("H99.01-230306-0008", "status_differs", "9", "10"),
    ("H99.01-230308-0009", "received_on_differs", None, "2023-03-08"),
    ("H99.01-230308-0009", "status_differs", "3", "4"),
    ("H99.01-230620-0014", "closed_on_differs", "2023-06-20", "2023-06-21"),
    ("H99.01-230620-0014", "received_on_differs", "2023-06-20", "2023-06-21"),
]  # fmt: skip
INPUTS = """Mã chỉ số;Từ ngày;Đến ngày;Mã đơn vị;Mã tiêu chí;Tử số;Mẫu số;Điểm tự chấm;Tài liệu kiểm chứng
PAR;01/01/2023;31/12/2023;;1.1;64,5;100;1,5;Báo cáo 12/BC-UBND
PAR;01/01/2023;31/12/2023;H33.01;1.1;;;0,5;
"""
COUNTED = ("kpi_values", "form_06a", "fct_dossiers", "fct_dossier_versions", "fct_supplements", "dq_reconciliation")


def test_they_are_kept_and_change_no_figure(
    home: Path, landing_and_home: tuple[Path, Path], ask: Callable[..., str]
) -> None:
    landing, copy = landing_and_home
    put(landing / "portal_dossiers" / "dvcqg_20230720_2300.json", json.dumps({"data": PORTAL + COPIES}).encode())
    put(landing / "registers" / "index_inputs" / "dau_vao_20230720.csv", INPUTS.encode())
    nights.whole(nights.asked(landing, copy))
    with (
        duckdb.connect(str(copy / "current" / "cchc.duckdb"), read_only=True) as now,
        duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as before,
    ):
        assert now.execute(
            "select count(*), min(dossier_code), any_value(agency_code), any_value(status_code), count(applicant_key) "
            "from history.portal_dossiers where dossier_code like 'H33.%'"
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
            others = "where kpi_code <> 'portal_sync_rate'" if table == "kpi_values" else ""
            rows = [con.execute(f"from marts.{table} {others} order by all").fetchall() for con in (now, before)]
            assert rows[0] == rows[1], table
        assert before.execute("select count(*) from marts.dq_portal_differences").fetchone() == (0,)
        found = now.execute("select * from marts.dq_portal_differences order by all").fetchall()
    assert found == sorted(DIFFERENCES + [(row["MaHoSo"], "missing_here", None, "10") for row in PORTAL[1:]])
    _rate_everywhere(landing, copy, ask)


def _rate_everywhere(landing: Path, home: Path, ask: Callable[..., str]) -> None:
    """`cchc kpi`, `cchc explain`, `kpi_values` and the second reading give one rate, whatever the scope and the day."""
    asked = ["--home", home, "--from", "2023-01-01", "--to", "2023-06-30", "--format", "json"]
    read, scopes = read_landing(landing), ",".join(scope_types())
    for as_of in (date(2023, 7, 19), nights.AS_OF):
        answered = json.loads(ask("kpi", *asked, "--as-of", as_of, "--by", scopes, "--kpi", "portal_sync_rate"))
        assert {row["scope_type"] for row in answered} == set(scope_types())
        for row in answered:
            scope = row["scope_type"], row["scope_code"]
            second = kpis(read, date(2023, 1, 1), date(2023, 6, 30), as_of, *scope)["portal_sync_rate"]
            assert (row["numerator"], row["denominator"], row["value"]) == second, scope
    behind = json.loads(ask("explain", *asked[:2], "portal_sync_rate", *asked[2:]))
    assert [r["entity_code"] for r in behind if r["in_numerator"]] == ["H99.01-230306-0008", "H99.01-230620-0014"]
    assert len(behind) == 10
    assert not json.loads(ask("explain", *asked[:2], "portal_sync_rate", *asked[2:], "--as-of", "2023-07-19"))
    ever = [*asked[:2], "--from", "2022-01-01", "--format", "json", "--kpi", "portal_sync_rate"]
    [rate] = json.loads(ask("kpi", *ever))
    missed = [code for code, difference, *_ in DIFFERENCES if difference == "missing_on_portal"]
    assert rate["denominator"] - rate["numerator"] == len(missed)
    with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as con:
        kept = con.execute(
            "select scope_type, scope_code, period_start, period_end, numerator, denominator, value "
            "from marts.kpi_values where kpi_code = 'portal_sync_rate'"
        ).fetchall()
    assert kept
    for scope_type, scope_code, start, end, *figure in kept:
        second = kpis(read, start, end, nights.AS_OF, scope_type, scope_code)["portal_sync_rate"]
        assert tuple(figure) == second, (scope_type, scope_code, start, end)
