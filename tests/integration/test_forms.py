"""Official forms as the command writes them, read back: layout, figures, identities (docs/domain.md 1.2)."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from orchestration.catalogue import kpi_codes
from orchestration.cli import cli
from orchestration.errors import UsageError
from orchestration.reports.figures import Question
from orchestration.reports.forms.declared import form_codes, form_named
from orchestration.reports.forms.rows import Body, Entry
from orchestration.reports.forms.workbook import THOUSANDS, laid_out

HALF_YEAR = ("--from", "2023-01-01", "--to", "2023-06-30")
OWN_VALUES = {
    "number", "name", "dossier_code", "agency_name", "field_name", "procedure_name", "state", "received_on", "due_on",
    "closed_on", "days_overdue", "registered", "handled", "not_known",
    *(f"{of}_{level}" for of in ("registered", "handled") for level in ("province", "district", "commune")),
}  # fmt: skip


@pytest.fixture
def written(ask, home: Path, tmp_path: Path):
    """`written(form, *options)`: the sheet that the command writes."""

    def run(form: str, *options: str) -> Worksheet:
        out = tmp_path / "form.xlsx"
        assert ask("report", "--home", home, form, *options, "--out", out).startswith(f"report    {form}, ")
        assert [p.name for p in tmp_path.iterdir()] == ["form.xlsx"]
        [sheet] = load_workbook(out).worksheets
        return sheet

    return run


def table(sheet: Worksheet) -> tuple[list[list], list | None]:
    """The rows below the numbering row that bear a number, and the total."""
    [numbering] = [r for r in range(1, 20) if sheet.cell(r, 1).value == "(1)"]
    width = sheet.max_column
    assert [sheet.cell(numbering, c).value for c in range(1, width + 1)] == [f"({c})" for c in range(1, width + 1)]
    found = [[sheet.cell(r, c).value for c in range(1, width + 1)] for r in range(numbering + 1, sheet.max_row + 1)]
    totals = [row for row in found if row[1] == "Tổng số"]
    rows = [row for row in found if isinstance(row[0], int)]
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    return rows, totals[0] if totals else None


def closes(row: list, withdrawn: int = 0) -> bool:
    """The four identities of the form; `c[3]` is column (3)."""
    c = [None, *row]
    return (
        c[3] == c[4] + c[5] + c[6]
        and c[7] == c[8] + c[9] + c[10]
        and c[11] == c[12] + c[13]
        and c[3] == c[7] + c[11] + withdrawn
    )


def headings(sheet: Worksheet) -> list[str]:
    return [sheet.cell(r, 2).value for r in range(1, sheet.max_row) if sheet.cell(r, 1).value in ("A", "B", "C", "D")]


def words(sheet: Worksheet) -> str:
    return " ".join(str(c.value) for row in sheet.iter_rows() for c in row if isinstance(c.value, str))


# --- layout


def test_the_layout_is_the_circulars(written) -> None:
    sheet = written("II.06a", *HALF_YEAR)
    assert sheet["A3"].value == "TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT TTHC TẠI CƠ QUAN, ĐƠN VỊ TRỰC TIẾP GIẢI QUYẾT TTHC"
    assert sheet["A4"].value == "Từ ngày 01/01/2023 đến ngày 30/06/2023"
    assert sheet["A5"].value == "Đơn vị tính: Số hồ sơ TTHC"
    merged = {str(area) for area in sheet.merged_cells.ranges}
    assert {"A6:A8", "B6:B8", "C6:F6", "C7:C8", "D7:E7", "F7:F8", "G6:J6", "K6:M6", "M7:M8"} <= merged
    assert [sheet[c].value for c in ("C6", "G6", "K6", "D7", "D8", "E8", "F7")] == [
        "Số hồ sơ nhận giải quyết", "Số hồ sơ đã giải quyết", "Số hồ sơ đang giải quyết", "Trong kỳ", "Trực tuyến",
        "Trực tiếp, dịch vụ bưu chính", "Từ kỳ trước",
    ]  # fmt: skip
    assert sheet["M9"].value == "(13)" and headings(sheet) == ["Cấp tỉnh", "Cấp xã"]
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToWidth) == (
        "landscape", 9, 1,
    )  # fmt: skip
    assert sheet.print_title_rows == "$6:$9" and sheet.sheet_properties.pageSetUpPr.fitToPage
    assert {"NGƯỜI LẬP BIỂU", "THỦ TRƯỞNG ĐƠN VỊ"} <= {c.value for row in sheet.iter_rows() for c in row}
    assert not [c.coordinate for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    assert sheet["C11"].number_format == THOUSANDS


@pytest.mark.parametrize("code", form_codes())
def test_what_a_form_shows_exists(code: str) -> None:
    form = form_named(code)
    assert not {name for column in form.columns for name in column.shows} - set(kpi_codes()) - OWN_VALUES
    assert form.convention in form.conventions and set(form.conventions) == {"separate", "form_06a"}
    assert form.form == code


def test_nothing_in_a_form_computes() -> None:
    evil = ["=1+1", "+84", "-1", "@SUM(A1)", "\t=1", "a\nb\x07", "＝1"]
    form = form_named("II.06a")
    values = dict.fromkeys((name for column in form.columns[2:] for name in column.shows), 1_234_567)
    body = Body([Entry(values | {"name": name}, "=heading") for name in evil], values, None)
    question = Question(date(2023, 1, 1), date(2023, 6, 30), date(2023, 6, 30))
    [sheet] = load_workbook(BytesIO(laid_out(form, body, question, "000001_2023-06-30"))).worksheets
    texts = [c.value for row in sheet.iter_rows() for c in row if isinstance(c.value, str)]
    assert not [t for t in texts if t[0] in "=+-@＝\t"] and {"'=1+1", "'@SUM(A1)", "'=heading", "a␊b␇"} <= set(texts)
    assert "không rõ số" in words(sheet)


# --- figures


@pytest.mark.parametrize(("start", "end"), [("2023-03-01", "2023-03-31"), ("2023-04-01", "2023-06-30")])
def test_form_06a_is_the_published_table(written, release: duckdb.DuckDBPyConnection, start: str, end: str) -> None:
    rows, total = table(written("II.06a", "--from", start, "--to", end))
    published = {
        name: figures
        for name, *figures in release.execute(
            "select agency_name, form_06a.* exclude (agency_code, period_type, period_start, period_end) "
            "from marts.form_06a left join (select agency_code, agency_name from marts.dim_agency where is_current) "
            "using (agency_code) where period_start = ? and period_end = ?",
            [start, end],
        ).fetchall()
    }
    assert published.pop(None) == total[2:]
    assert {row[1]: row[2:] for row in rows} == published and len(published) == 2
    assert all(closes(row) for row in [*rows, total])


@pytest.mark.parametrize("form", ["II.06a", "II.06b"])
def test_each_convention_closes_and_is_named(written, form: str) -> None:
    """The golden half year: 12 to resolve, 2 withdrawn."""
    for convention, withdrawn, resolved in (("form_06a", 0, 9), ("separate", 2, 7)):
        sheet = written(form, *HALF_YEAR, "--as-of", "2023-06-30", "--convention", convention)
        rows, total = table(sheet)
        assert total[2:] == [12, 5, 5, 2, resolved, 3, resolved - 4, 1, 3, 2, 1]
        assert closes(total, withdrawn)
        assert [sum(column) for column in zip(*(row[2:] for row in rows), strict=True)] == total[2:]
        assert f"Quy ước {convention}" in words(sheet) and ("+ 2;" in words(sheet)) == (convention == "separate")
        assert headings(sheet) == ["Cấp tỉnh", "Cấp xã"]
        assert convention == "separate" or all(closes(row) for row in rows)


def test_form_07a_has_the_withdrawn_apart(written) -> None:
    rows, total = table(written("II.07a", *HALF_YEAR, "--as-of", "2023-06-30"))
    assert total[2:] == [12, 2, 10, 7, 6, 1, 3, 2, 1, 2, 1]
    assert all(r[2] == r[5] + r[8] + r[11] for r in [*rows, total])
    assert [sum(column) for column in zip(*(row[2:] for row in rows), strict=True)] == total[2:]


def test_form_07b_counts_procedures_and_leaves_the_unknown_empty(written) -> None:
    rows, total = table(written("II.07b", *HALF_YEAR))
    assert total[2:] == [2, 0, 0, 0, 2, 0, 0, 0, None, None, None, None]  # the register gives neither a level
    assert {row[1]: row[6] for row in rows} == {"Sở Thử": 1, "UBND xã Thử": 1}
    assert all(row[2:6] == [None] * 4 for row in rows)


def test_overdue_agencies_and_dossiers_are_those_counted(written) -> None:
    rows, total = table(written("overdue-agencies", *HALF_YEAR, "--as-of", "2023-06-30"))
    assert total[2:] == [12, 2, 1, 1]
    assert [row[1:] for row in rows] == [["Sở Thử", 7, 1, 1, 0], ["UBND xã Thử", 5, 1, 0, 1]]
    listed, none = table(written("overdue-dossiers", *HALF_YEAR, "--as-of", "2023-06-30"))
    assert none is None
    found = {row[1]: (row[2], row[5], row[7].date().isoformat(), row[8] and row[8].date().isoformat(), row[9]) for row in listed}  # fmt: skip
    assert found == {
        "H99.02-230601-0012": ("UBND xã Thử", "Đang giải quyết, quá hạn", "2023-06-29", None, 1),
        "H99.01-230103-0003": ("Sở Thử", "Giải quyết quá hạn", "2023-01-13", "2023-01-16", 3),
    }


def test_without_a_dossier_a_form_has_its_total_alone(written) -> None:
    """A day before the first export: nothing is known, so nothing is zero."""
    rows, total = table(written("II.06a", "--from", "2023-01-01", "--to", "2023-01-31", "--as-of", "2023-01-31"))
    assert (rows, total[2:]) == ([], [None] * 11)


# --- wrong usage


@pytest.mark.parametrize(
    ("form", "options", "out", "said"),
    [
        ("II.09", HALF_YEAR, "a.xlsx", "'II.09' is unknown"),
        ("II.06a", ("--from", "2023-01-01", "--to", "2023-09-30"), "a.xlsx", "is after --as-of"),
        ("II.06a", (*HALF_YEAR, "--as-of", "2024-01-01"), "a.xlsx", "after the release's day"),
        ("II.06a", (*HALF_YEAR, "--convention", "own"), "a.xlsx", "'own' is unknown"),
        ("II.06a", HALF_YEAR, "a.csv", "FILE.xlsx"),
        ("II.06a", HALF_YEAR, "none/a.xlsx", "does not exist"),
        ("II.06a", HALF_YEAR, "folder.xlsx", "is a folder"),
        ("II.06a", ("--to", "2023-06-30"), "a.xlsx", "from_on"),
    ],
)
def test_wrong_usage_writes_nothing(form, options, out, said, home: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises((UsageError, click.UsageError), match=said):
        CliRunner().invoke(
            cli, ["report", "--home", str(home), form, *options, "--out", str(tmp_path / out)],
            catch_exceptions=False, standalone_mode=False,
        )  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["folder.xlsx"]
