"""The oracle itself, on landing folders so small that every figure can be counted by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.support import oracle, reading
from tests.support.landing import write_trap_landing
from tests.support.oracle_other import other_kpis
from tests.support.writers import csv_bytes, json_bytes, put

HEAD: list[object] = [
    "Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận", "Ngày hẹn trả", "Ngày kết thúc xử lý", "Kênh",
]  # fmt: skip


def day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%d/%m/%Y").date()


def land(root: Path, name: str, *rows: list[object], head: list[object] | None = None) -> None:
    put(root / "dossiers" / name, csv_bytes([head or HEAD, *rows], ";", "utf-8"))


def row(code: str, status: int, received: str, due: str = "", done: str = "", channel: str = "") -> list[object]:
    return [code, "2.000815", status, received, due, done, channel]


def figures(root: Path, frm: str, to: str, as_of: str, **scope: str) -> dict[str, object]:
    found = oracle.kpis(oracle.read_landing(root), day(frm), day(to), day(as_of), **scope)
    return {code.removeprefix("dossiers_"): value for code, (_, _, value) in found.items()}


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("a_20231116.csv", "2023-11-16 23:59:59"),
        ("a 2023-11-16 0830.xlsx", "2023-11-16 08:30:00"),
        ("20230101_20231116T083015x.csv", "2023-11-16 08:30:15"),
        ("2023_11_16_20.30.45.csv", "2023-11-16 20:30:45"),
        ("20231116_103099.csv", "2023-11-16 23:59:59"),
        ("20231116_2461.csv", "2023-11-16 23:59:59"),
        ("20231116__0830.csv", "2023-11-16 23:59:59"),
        ("20231116083015.csv", "2023-11-16 08:30:15"),
        ("20230231.csv", None),
        ("120231116.csv", None),
    ],
)
def test_export_stamp(name: str, stamp: str | None) -> None:
    assert reading.export_stamp(name) == (stamp and dt.datetime.fromisoformat(stamp))


def test_buckets_of_one_period(tmp_path: Path) -> None:
    land(
        tmp_path,
        "hoso_20230630.csv",
        row("H33-230501-1", 9, "01/05/2023", "20/05/2023", "10/05/2023", "Trực tuyến"),  # early
        row("H33-230501-2", 10, "01/05/2023", "20/05/2023", "20/05/2023 16:00", "2"),  # on the due date
        row("H33-230501-3", 9, "01/05/2023", "", "25/05/2023"),  # no due date: on the due date
        row("H33-230501-4", 9, "01/05/2023", "20/05/2023", "21/05/2023", "BCCI"),  # late
        row("H33-230501-5", 7, "01/05/2023", "20/05/2023", "11/05/2023"),  # withdrawn
        row("H33-230501-6", 4, "01/05/2023", "31/05/2023"),  # open, within due on 31 May
        row("H33-230501-7", 4, "01/05/2023", "30/05/2023"),  # overdue
        row("H33-230501-8", 5, "01/05/2023", "02/05/2023"),  # paused
        row("H33-230401-9", 9, "01/04/2023", "20/04/2023", "01/06/2023"),  # carried over, open, overdue
        row("H33-230401-0", 9, "01/04/2023", "20/04/2023", "30/04/2023"),  # closed before the period
        row("H33-230501-x", 3, "01/05/2023"),  # refused
    )
    got = figures(tmp_path, "01/05/2023", "31/05/2023", "30/06/2023")
    expected = {
        "received": 8, "received_online": 2, "received_direct": 5, "received_postal": 1, "carried_over": 1,
        "resolved": 4, "resolved_early": 1, "resolved_on_due_date": 2, "resolved_late": 1,
        "resolved_without_due_date": 1, "withdrawn": 1, "in_process": 4, "in_process_within_due": 2,
        "in_process_overdue": 2, "in_process_paused": 1, "on_time_rate": 0.75, "online_rate": 0.25,
        "online_payment_rate": None,
    }  # fmt: skip
    assert {code: got[code] for code in expected} == expected
    form = figures(tmp_path, "01/05/2023", "31/05/2023", "30/06/2023", convention="form_06a")
    shown = [form[c] for c in ("resolved", "resolved_on_due_date", "withdrawn", "on_time_rate")]
    assert shown == [5, 3, 0, 0.8]


def test_knowledge_grows_with_exports(tmp_path: Path) -> None:
    land(tmp_path, "hoso_20230510_1200.csv", row("A-230501-1", 4, "01/05/2023", "09/05/2023"))
    land(tmp_path, "hoso_20230520.csv", row("A-230501-1", 9, "01/05/2023", "18/05/2023", "08/05/2023"))
    landing = oracle.read_landing(tmp_path)
    assert figures(tmp_path, "01/05/2023", "19/05/2023", "19/05/2023")["in_process_overdue"] == 1
    assert figures(tmp_path, "01/05/2023", "19/05/2023", "20/05/2023")["resolved_early"] == 1
    assert oracle.flags(landing, day("19/05/2023")) == set()
    assert oracle.flags(landing, day("20/05/2023")) == {("A-230501-1", "completion_backdated")}
    first, second = oracle.versions(landing)
    assert first["known_to"] == second["known_from"] == dt.datetime(2023, 5, 20, 23, 59, 59)


def test_deadline_moved_after_breach(tmp_path: Path) -> None:
    land(tmp_path, "hoso_20230510.csv", row("A-230501-1", 4, "01/05/2023", "15/05/2023"))
    land(tmp_path, "hoso_20230520.csv", row("A-230501-1", 4, "01/05/2023", "30/05/2023"))
    found = oracle.flags(oracle.read_landing(tmp_path), day("20/05/2023"))
    assert found == {("A-230501-1", "deadline_moved_after_breach")}


def test_closed_without_dates_closes_when_first_shown_closed(tmp_path: Path) -> None:
    for name, status in (("0501", 4), ("0510", 9), ("0520", 10), ("0601", 10)):
        land(tmp_path, f"hoso_2023{name}.csv", row("A-230501-1", status, "01/05/2023", "12/05/2023"))
    assert figures(tmp_path, "01/05/2023", "31/05/2023", "01/06/2023")["resolved_early"] == 1
    assert ("A-230501-1", "closed_without_end_date") in oracle.flags(oracle.read_landing(tmp_path), day("01/06/2023"))


def test_working_days_less_pauses(tmp_path: Path) -> None:
    """28 April to 9 May 2023: 4, 5, 8, 9 May are worked; the pause takes 5 and 8 May."""
    supplement = {"NgayBoSung": "04/05/2023", "NgayTiepNhanBoSung": "20230508"}
    record = {
        "MaHoSo": "A-230428-1", "MaTTHC": "1", "TrangThaiHoSo": 9, "NgayTiepNhan": "20230428080000",
        "NgayKetThucXuLy": "2023-05-08T20:00:00Z", "DanhSachHoSoBoSung": [supplement],
        "DanhSachLePhi": [{"Gia": 1000}, {"Gia": None}], "DuocThanhToanTrucTuyen": 2,
    }  # fmt: skip
    put(tmp_path / "dossiers" / "x_20230601.json", json_bytes([record], wrapped=True))
    got = figures(tmp_path, "01/04/2023", "31/05/2023", "01/06/2023")
    assert got["average_processing_working_days"] == 2
    assert got["online_payment_rate"] == 1


def test_layout_rows_and_rejected_rows(tmp_path: Path) -> None:
    land(
        tmp_path,
        "hoso_20230601.csv",
        ["(1)", "(2)", "(3)=(1)+(2)", "", "(5)"],
        row("A-230501-1", 9, "31/02/2023"),
        ["", "", "", "01/05/2023"],
        row("A-230501-2", 4, "01/05/2023"),
        row("A-230501-3", 4, ""),
        row("A-230501-4", 1, ""),
        [*row("A-230501-5", 4, "01/05/2023"), "thừa"],
        row("A-230501-6", 11, "01/05/2023"),
        ["Tổng số", "5", "5"],
        ["Người lập biểu"],
    )
    landing = oracle.read_landing(tmp_path)
    assert [(r.row_number, r.column, r.reason) for r in landing.rejected_rows] == [
        (3, "received_at", "unreadable"),
        (6, "received_at", "missing"),
        (8, "", "extra_cell"),
        (9, "status", "unknown_code"),
    ]
    assert [o.values["dossier_code"] for o in landing.observations] == ["A-230501-2", "A-230501-4"]


def test_levels_by_the_register_of_the_day_received(tmp_path: Path) -> None:
    head: list[object] = ["agency_code", "agency_name", "level", "commune_code", "valid_from"]
    register = [head, ["A", "Xã A", "xã", "30901", "01/01/2020"], ["A", "Xã B", "XÃ", "30902", "01/05/2023"]]
    put(tmp_path / "registers/agencies/ds_20230101.csv", csv_bytes(register, ",", "utf-8"))
    land(tmp_path, "x_20230601.csv", row("A-230430-1", 4, "30/04/2023"), row("A-230501-1", 4, "01/05/2023"))
    land(tmp_path, "y_20230601.csv", row("B-230501-1", 4, "01/05/2023"))
    counts = {
        code: figures(tmp_path, "01/01/2023", "31/05/2023", "01/06/2023", scope_type="commune", scope_code=code)[
            "received"
        ]
        for code in ("30901", "30902", "unknown")
    }
    assert counts == {"30901": 1, "30902": 1, "unknown": 1}


def test_other_kpis(tmp_path: Path) -> None:
    def table(source: str, *rows: list[object]) -> None:
        put(tmp_path / source / "x_20230601.csv", csv_bytes(list(rows), ";", "utf-8"))

    table(
        "registers/plan_tasks",
        ["task_code", "title", "lead_agency_code", "assigned_on", "due_on", "completed_on", "status"],
        ["1", "a", "A", "05/01/2023", "31/03/2023", "30/03/2023", "Hoàn thành"],
        ["2", "b", "A", "05/01/2023", "31/03/2023", "", "Đang triển khai"],
        ["3", "c", "B", "05/01/2023", "31/05/2023", "01/06/2023", "Hoàn thành"],
        ["4", "d", "B", "31/12/2022", "31/03/2023", "", "Đang triển khai"],
    )
    table(
        "health_lookups",
        ["Mã tra cứu", "Mã CSKCB", "Thời gian tra cứu", "Loại giấy tờ", "maKetQua"],
        ["1", "91001", "02/01/2023", "CCCD", "4"],
        ["2", "91001", "02/01/2023", "BHYT", "60"],
        ["3", "91001", "02/01/2023", "CCCD", "100"],
    )
    table(
        "registers/index_results",
        ["index_code", "year", "domain_code", "rank", "ranked_units"],
        ["PAR", "2022", "", "41", "63"],
        ["PAR", "2021", "", "63", "63"],
        ["PAR", "2022", "TCBM", "1", "63"],
    )
    table(
        "civil_registrations",
        ["so", "quyenSo", "noiDangKy", "ngayDangKy", "nktNgayChet", "loaiDangKy"],
        ["1", "01", "UBND xã A", "16.01.2023", "01.01.2023", "1"],
        ["2", "01", "UBND xã A", "17.01.2023", "01.01.2023", "4"],
        ["3", "01", "UBND xã A", "17.01.2023", "2022", "1"],
        ["4", "01", "UBND xã A", "17.01.2023", "01.01.2023", "3"],
    )
    got = other_kpis(oracle.read_landing(tmp_path), day("01/01/2023"), day("31/05/2023"), day("01/06/2023"))
    assert [got[f"plan_tasks_{c}"][2] for c in ("assigned", "completed", "in_progress", "overdue")] == [
        3,
        1,
        2,
        1,
    ]
    assert got["plan_task_completion_rate"] == (1, 3, 1 / 3)
    assert (got["health_lookups"][2], got["health_lookups_by_cccd"][2]) == (3, 2)
    assert got["health_lookup_success_rate"] == (1, 2, 0.5)
    assert (got["par_index_rank"][2], got["par_index_rank_change"][2]) == (41, 22)
    assert (got["deaths_registered"][2], got["death_on_time_rate"]) == (4, (1, 2, 0.5))
    assert got["satisfaction_rate"] == (None, None, None)


def test_trap_landing_is_deterministic_and_closes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_trap_landing(tmp_path / name, seed=7, dossiers=120)
    files = [
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("one", "two")
    ]
    assert files[0] == files[1]
    landing = oracle.read_landing(tmp_path / "one")
    assert landing.observations and landing.rejected_rows and landing.rejected_files
    whole = oracle.kpis(landing, day("01/03/2023"), day("30/09/2023"), day("31/12/2023"))
    known = oracle.as_of(landing, day("31/12/2023"))
    for scope in ("level", "agency", "commune", "field", "procedure", "channel", "service_level"):
        codes = {oracle.scope_of(known, d, scope) for d in oracle.counted(known, day("31/12/2023"))}
        parts = [
            oracle.kpis(landing, day("01/03/2023"), day("30/09/2023"), day("31/12/2023"), scope, code) for code in codes
        ]
        assert sum(p["dossiers_resolved"][0] for p in parts) == whole["dossiers_resolved"][0]
