"""Tables for people: within the terminal, numbers as they are read in Việt Nam; a machine gets the plain values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from orchestration.reports.figures import Kpi
from orchestration.reports.tables import number, of_figures, plain, shown

ROWS = [["H33.01", "Sở Nội vụ tỉnh", 386_797, Decimal("97.44"), None], ["=1\x1b", "Đ" * 300, -1_234, Decimal("5"), date(2023, 1, 2)]]  # fmt: skip
COLUMNS = ["code", "name", "n", "rate", "day"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (999, "999"), (1_000, "1.000"), (386_797, "386.797"), (-12_345_678, "-12.345.678"),
        (Decimal("97.44"), "97,44"), (Decimal("1234.50"), "1.234,50"), (0.5, "0,5"), (1 / 3, "0,3333"), (2.0, "2"),
    ],
)  # fmt: skip
def test_numbers_have_dots_and_commas(value: float, text: str) -> None:
    assert number(value) == text


def test_a_year_has_no_dots_where_it_may_be_one() -> None:
    assert [number(n, 10_000) for n in (2023, 9_999, 10_000)] == ["2023", "9999", "10.000"]


@pytest.mark.parametrize("wide", [60, 80, 100])
def test_a_table_is_as_wide_as_the_terminal(wide: int) -> None:
    [header, first, second] = shown(COLUMNS, ROWS, wide)
    assert max(map(len, (header, first, second))) <= wide and len(second) == wide
    assert first.split("  ")[0] == "H33.01" and "386.797  97,44  -" in first
    assert "…" in second and "2023-01-02" in second and "\x1b" not in second
    assert header.index("n ") + 1 == first.index("386.797") + len("386.797")


def test_what_cannot_stand_side_by_side_stands_below() -> None:
    lines = list(shown([f"column {n}" for n in range(12)], [["a long text of this row"] * 12], 80))
    assert lines[0] == "-- 1" and len(lines) == 13 and lines[1] == "column 0   a long text of this row"
    assert all(len(line) <= 80 for line in lines)


def test_a_machine_gets_what_is_there() -> None:
    lines = list(plain(COLUMNS, ROWS))
    assert lines[1].split() == ["H33.01", "Sở", "Nội", "vụ", "tỉnh", "386797", "97.44", "-"]
    assert "Đ" * 300 in lines[2] and "=1␛" in lines[2]


def test_figures_bear_their_names_and_units() -> None:
    described = {
        "on_time_rate": Kpi("rate", "tỷ lệ", "Tỷ lệ giải quyết trước và đúng hạn"),
        "payments_paid_amount": Kpi("amount", "VND", "Số tiền thanh toán thành công"),
        "par_index_rank": Kpi("rank", "hạng", "Xếp hạng PAR INDEX"),
    }
    found = [
        {"kpi_code": "on_time_rate", "scope_type": "agency", "scope_code": "H33.01", "numerator": 354_013, "denominator": 363_325, "value": 354_013 / 363_325},
        {"kpi_code": "payments_paid_amount", "scope_type": "province", "scope_code": "all", "numerator": 1_234_567_890, "denominator": None, "value": 1_234_567_890.0},
        {"kpi_code": "par_index_rank", "scope_type": "province", "scope_code": "all", "numerator": None, "denominator": None, "value": None},
    ]  # fmt: skip
    lines = [line.split("  ") for line in of_figures(found, described, 100)]
    assert [[cell.strip() for cell in line if cell] for line in lines] == [
        ["scope", "KPI", "name", "value", "unit"],
        ["agency=H33.01", "on_time_rate", "Tỷ lệ giải quyết trước và đúng hạn", "97,44", "%"],
        ["province=all", "payments_paid_amount", "Số tiền thanh toán thành công", "1.234.567.890", "VND"],
        ["province=all", "par_index_rank", "Xếp hạng PAR INDEX", "-", "hạng"],
    ]
    assert list(of_figures([], described, 100)) == ["nothing counted"]
