"""Odd files that offices really write, read to the letter of docs/landing-contract.md 1, 2."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.landing import LandedFile
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.reader import reading_engine, take_in
from orchestration.lake.files import LakeFile
from orchestration.settings import Settings
from tests.support import nights, writers
from tests.support.writers import put

COMMA = "Mã hồ sơ,Mã TTHC,Trạng thái,Tên TTHC\n"
HEAD = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Hẹn trả", "Ngày hẹn trả", "Phí, lệ phí"]


def record(code: str, **more: object) -> dict[str, object]:
    return {"MaHoSo": code, "MaTTHC": "1.000001", "TrangThaiHoSo": 1, **more}


def html(rows: str) -> bytes:
    head = "<tr><th><div>Mã</div><div>hồ sơ</div></th><th>Mã TTHC</th><th>Trạng thái</th><th>Tên TTHC</th></tr>"
    title = '<tr><td colspan="100%">Danh sách</td></tr>'
    return f"<html><body><table>{title}{head}{rows}</table></body></html>".encode()


def civil(commune: str) -> bytes:
    grid = [["so", "quyenSo", "ngayDangKy", "loaiDangKy", "noiDangKy", "nksNgaySinh", "Mã xã"]]
    grid += [[str(n), "01/2023", "02.03.2023", "1", "UBND xã Không Có", "01.03.2023", commune] for n in range(6)]
    return writers.csv_bytes(grid, ";", "utf-8")


CATALOGUE = [["procedure_code", "procedure_name", "level", "service_level", "is_online", "valid_from"]]
CATALOGUE += [
    [f"1.{n}", "Thủ tục", level, "4", "x", "01/01/2023"] for n, level in enumerate(["Cấp tỉnh", "Bộ", "xã"] * 2)
]

# file: (its bytes, (status, reason, rows accepted, rows rejected))
FILES: dict[str, tuple[bytes, tuple[str, str | None, int, int]]] = {
    # A separator that is not the file's own may well end inside quotes.
    "dossiers/semicolon-in-quotes_20230701.csv": (
        (COMMA + 'A1,1,1,"Cấp giấy phép; gia hạn;"\n').encode(), ("accepted", None, 1, 0)),
    "dossiers/comma-in-quotes_20230701.csv": (
        (COMMA.replace(",", ";") + 'A2;1;1;"Cấp mới,"\n').encode(), ("accepted", None, 1, 0)),
    "dossiers/title-with-quote_20230701.csv": (
        ('Báo cáo;"tháng 6\n' + COMMA + "A3,1,1,x\n").encode(), ("accepted", None, 1, 0)),
    "dossiers/cut-in-quotes_20230701.csv": ((COMMA + 'A4,1,1,"Cấp').encode(), ("rejected", "truncated", 0, 0)),
    "dossiers/cut-in-header_20230701.csv": (b'"M\xc3\xa3 h\xe1\xbb\x93 s', ("rejected", "truncated", 0, 0)),
    "dossiers/bare-returns_20230701.csv": (
        ('"Báo\ncáo"\n' + COMMA.strip() + "\rA5,1,1,x\rA6,1,1,y\r").encode(), ("accepted", None, 2, 0)),
    "dossiers/two-cells-beyond_20230701.csv": ((COMMA + "A7,1,1,x,-,y\n").encode(), ("accepted", None, 0, 1)),
    "dossiers/numbering_20230701.csv": (
        (COMMA + '( 1 ),(2),"(3)=((1)+(2))/(1)*100%",-\nA8,1,1,x\n').encode(), ("accepted", None, 1, 0)),
    # A name is a name, never a pattern.
    "dossiers/b[1]_20230702.csv": ((COMMA + "B1,1,1,x\n").encode(), ("accepted", None, 1, 0)),
    "dossiers/b1_20230702.csv": ((COMMA + "B2,1,1,x\nB3,1,1,x\n").encode(), ("accepted", None, 2, 0)),
    "dossiers/b[1]_20230703.json": (writers.json_bytes([record("B4")]), ("accepted", None, 1, 0)),
    "dossiers/b1_20230703.json": (writers.json_bytes([record("B5"), record("B6")]), ("accepted", None, 2, 0)),
    "dossiers/b*_20230703.jsonl": (writers.jsonl_bytes([record("B7")]), ("accepted", None, 1, 0)),
    "dossiers/odd-keys_20230704.json": (
        writers.json_bytes([record("C1") | {"": 2, "*": 3, 'a"b': 4, "$.c": 5}]), ("accepted", None, 1, 0)),
    "dossiers/no-objects_20230704.jsonl": (b"abc\ndef\n", ("rejected", "missing_column", 0, 0)),
    "dossiers/odd-fees_20230704.json": (
        writers.json_bytes([
            record("C2", DanhSachLePhi=[{"Gia": 10**18}, {"Gia": 9 * 10**18}]), record("C3", DanhSachLePhi=" "),
            record("C4", DanhSachLePhi=[{"Gia": "5.000"}, {"Gia": None}]), record("C5", TrangThaiHoSo=10**29),
        ]), ("accepted", None, 2, 2)),
    "dossiers/whole-number-codes_20230704.xlsx": (
        writers.xlsx_bytes([HEAD, [123456789012345678901234567890, 1, 1, "", "", 1e-10]]), ("accepted", None, 0, 1)),
    "dossiers/spans_20230705.xls": (
        html('<tr><td>D1</td><td>1</td><td rowspan="1.5">1</td><td>x</td></tr>'
             '<tr><td>D2</td><td>1</td><td>1</td><td><p>một</p><p>hai</p></td></tr>'
             '<tr><td colspan="5000">D3</td></tr>'), ("accepted", None, 2, 0)),
    "registers/procedures/levels_20230701.csv": (writers.csv_bytes(CATALOGUE, ";", "utf-8"), ("accepted", None, 6, 0)),
    "civil_registrations/without-commune_20230701.csv": (civil(""), ("accepted", None, 6, 0)),
    "health_lookups/results_20230701.csv": (
        b"lookup_code,facility_code,looked_up_at,document_type,maKetQua\n"
        b"T1,F,01/07/2023,CCCD,1.0\nT2,F,01/07/2023,CCCD,003.0\nT3,F,01/07/2023,CCCD,0.5\n", ("accepted", None, 2, 1)),
    # Serials are bounded by 80000, written years by 2100.
    "registers/trainings/serials_20230701.csv": (
        "training_code,held_on,title\nT1,80000,a\nT2,80001,b\nT3,01/01/2101,c\nT4,2023-07-01T00:00:00+15:00,d\n"
        "T5,20000,e\nT6,45000,\u202af\u202c\n".encode(), ("accepted", None, 3, 3)),
}  # fmt: skip


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> nights.Ran:
    folder = tmp_path_factory.mktemp("odd [1] files")
    for name, (data, _) in FILES.items():
        put(folder / "landing" / name, data)
    (folder / "landing/dossiers/round").symlink_to(folder / "landing")
    put(folder / "landing/dossiers/errors_20230705.xlsx", error_cells())
    put(folder / "landing/dossiers/nested_20230705.json", nested())
    night = nights.ingested(folder / "landing", folder / "home")
    return night


@pytest.fixture(scope="module")
def taken(night: nights.Ran) -> dict[str, LakeFile]:
    return {f.source_file: f for f in night.files if not f.is_nested}


def rows(file: LakeFile, columns: str) -> list[tuple]:
    with duckdb.connect() as con:
        con.execute("set variable path = ?", [file.path.replace("[", "[[]")])
        return con.execute(f"select {columns} from read_parquet(getvariable('path')) order by row_number").fetchall()


@pytest.mark.parametrize("name", FILES)
def test_outcome(name: str, taken: dict[str, LakeFile]) -> None:
    file = taken[name]
    assert (file.status, file.reason_code, file.rows_accepted, file.rows_rejected) == FILES[name][1], file.detail


def test_no_file_more_or_less(taken: dict[str, LakeFile]) -> None:
    """A link to a folder above is not followed round and round, but named."""
    assert set(taken) == {*FILES, "dossiers/errors_20230705.xlsx", "dossiers/nested_20230705.json", "dossiers/round"}
    assert taken["dossiers/round"].reason_code == "not_a_file"


def test_each_file_gave_its_own_rows(taken: dict[str, LakeFile]) -> None:
    codes = {name: [c for (c,) in rows(taken[name], "dossier_code")] for name in FILES if name.startswith("dossiers/b")}
    assert sorted(codes.values()) == [["A5", "A6"], ["B1"], ["B2", "B3"], ["B4"], ["B5", "B6"], ["B7"]]


def test_values(taken: dict[str, LakeFile]) -> None:
    fees = rows(taken["dossiers/odd-fees_20230704.json"], "dossier_code, fee_amount, reject_column")
    assert fees == [(None, None, "fee_amount"), ("C3", None, None), ("C4", 5000, None), (None, None, "received_at")]
    assert rows(taken["health_lookups/results_20230701.csv"], "result")[:2] == [("successful",)] * 2
    held = [str(day) for (day,) in rows(taken["registers/trainings/serials_20230701.csv"], "held_on") if day]
    assert held == ["2119-01-11", "1954-10-03", "2023-03-15"]
    assert rows(taken["registers/trainings/serials_20230701.csv"], "title")[-1] == ("f",)
    assert [level for (level,) in rows(taken["registers/procedures/levels_20230701.csv"], "level")][:3] == [
        "Cấp tỉnh",
        "Bộ",
        "commune",
    ]
    assert rows(taken["dossiers/spans_20230705.xls"], "dossier_code, procedure_name") == [
        ("D1", "x"),
        ("D2", "một hai"),
    ]


def error_cells() -> bytes:
    """A workbook whose formulas failed: `#N/A` in a due date, in a text, in a code."""
    return writers.xlsx_bytes(
        [[*HEAD[:3], "Ngày hẹn trả"], ["E1", "1", 1, "#N/A"], ["E2", "1", 1, "01/08/2023"], ["#N/A", "1", 1, ""]]
    )


def test_an_error_cell_is_no_missing_cell(taken: dict[str, LakeFile]) -> None:
    found = rows(taken["dossiers/errors_20230705.xlsx"], "row_number, dossier_code, reject_column, reject_reason")
    assert found == [(2, None, "due_at", "unreadable"), (3, "E2", None, None), (4, "#N/A", None, None)]


SECRET = "Nguyễn Thị Không Thật"


def nested() -> bytes:
    one = [{"NgayBoSung": "20230701", "GhiChuLa": "x", "": 1}]
    return writers.json_bytes([
        {"Mã hồ sơ": "NULL", **record("N1"), "danhSachHoSoBoSung": one},
        {**record("N2"), "MaHoSo": 123.0, "DanhSachHoSoBoSung": one},
        record("N3", TrangThaiHoSo=77, DanhSachLePhi=[{"Gia": "5.000", "Ten": SECRET}], DanhSachGiayToKetQua=[{"Ten": SECRET}],
               DanhSachHoSoBoSung=one),
    ])  # fmt: skip


def test_nested_rows_bear_their_parents_code(night: nights.Ran) -> None:
    [inner] = [f for f in night.files if f.is_nested and f.source_file == "dossiers/nested_20230705.json"]
    assert rows(inner, "row_number, dossier_code") == [(1, "N1"), (2, "123"), (3, "N3")]
    assert inner.unknown_columns == ("GhiChuLa",)


def test_a_rejected_record_keeps_nothing_of_its_lists_but_what_was_read(taken: dict[str, LakeFile]) -> None:
    file = taken["dossiers/nested_20230705.json"]
    assert SECRET.encode() not in Path(file.path).read_bytes()
    [kept] = [json.loads(raw) for (raw,) in rows(file, "raw_row") if raw]
    assert (kept["fee_amount"], kept["has_electronic_result"], kept["status"]) == ("5.000", "true", "77")


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "dossiers"
    folder.mkdir(parents=True)
    for name, data in (
        (b"\xff\\ho_20230701.json", writers.json_bytes([record("F1")])),
        (b"\xfe_20230701.csv", (COMMA + "F2,1,1,x").encode()),
    ):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(data)
    night = nights.ingested(tmp_path / "landing", tmp_path / "home")
    assert [(f.status, f.rows_accepted) for f in night.files] == [("accepted", 1)] * 2


def test_what_no_reader_foresaw_is_one_rejected_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration.ingestion.formats import workbook

    def fails(*_: object) -> None:
        raise ValueError(f"a cell: {SECRET}")

    path = tmp_path / "a_20230701.xlsx"
    put(path, writers.xlsx_bytes([HEAD, ["G1", 1, 1]]))
    monkeypatch.setattr(workbook, "workbook_sheets", fails)
    settings = Settings.load()
    file = LandedFile(path, "dossiers/a_20230701.xlsx", "dossiers")
    with reading_engine(settings, tmp_path) as con:
        [written] = take_in(con, file, "00", settings.bounds, tmp_path, str(tmp_path / "made"), Pseudonyms(b"k" * 32))
    assert (written.made, written.file.reason_code) == (None, "unreadable")
    assert SECRET not in (written.file.detail or "") and "ValueError" in (written.file.detail or "")
