"""Print the article's table beside what the warehouse computed from the sample's raw rows.

The article's figures stand here and nowhere else: they are what the result is held against, never an input.
`python -m orchestration.sample.article HOME` exits 1 when a figure differs at scale 1.0.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.reports.figures import Question, figures, rounded
from orchestration.settings import Settings


@dataclass(frozen=True)
class Line:
    """One figure of the article: its Vietnamese name, the KPIs that give it (summed), and what is printed."""

    label: str
    kpis: tuple[str, ...]
    stated: float
    at_least: bool = False
    period: tuple[date, date] = (date(2023, 1, 1), date(2023, 11, 16))
    needs_full_scale: bool = False


TO_OCTOBER = (date(2023, 1, 1), date(2023, 10, 31))

ARTICLE = [
    Line("Hồ sơ tiếp nhận", ("dossiers_received",), 386_797, needs_full_scale=True),
    Line("  toàn trình", ("dossiers_received_full_process",), 171_091, needs_full_scale=True),
    Line("  một phần", ("dossiers_received_partial_process",), 186_404, needs_full_scale=True),
    Line("  còn lại", ("dossiers_received_other_service",), 29_302, needs_full_scale=True),
    Line("  trực tuyến", ("dossiers_received_online",), 196_088, needs_full_scale=True),
    Line(
        "  trực tiếp, dịch vụ bưu chính",
        ("dossiers_received_direct", "dossiers_received_postal"),
        190_709,
        needs_full_scale=True,
    ),
    Line("Đã giải quyết", ("dossiers_resolved",), 363_325, needs_full_scale=True),
    Line("  trước hạn", ("dossiers_resolved_early",), 348_505, needs_full_scale=True),
    Line("  đúng hạn", ("dossiers_resolved_on_due_date",), 5_508, needs_full_scale=True),
    Line("  trễ hạn", ("dossiers_resolved_late",), 9_312, needs_full_scale=True),
    Line("Đang giải quyết", ("dossiers_in_process",), 9_126, needs_full_scale=True),
    Line("  trong hạn", ("dossiers_in_process_within_due",), 8_312, needs_full_scale=True),
    Line("  trễ hạn", ("dossiers_in_process_overdue",), 814, needs_full_scale=True),
    Line("Xin rút/dừng/hủy", ("dossiers_withdrawn",), 14_346, needs_full_scale=True),
    Line("PAR INDEX 2022, xếp hạng", ("par_index_rank",), 41),
    Line("  tăng bậc so với 2021", ("par_index_rank_change",), 22),
    Line("SIPAS 2022, xếp hạng", ("sipas_rank",), 24),
    Line("  tăng bậc so với 2021", ("sipas_rank_change",), 34),
    Line("Đơn vị xếp loại xuất sắc", ("units_rated_excellent",), 3),
    Line("  tốt", ("units_rated_good",), 21),
    Line("  trung bình", ("units_rated_average",), 13),
    Line("Văn bản chỉ đạo, điều hành", ("directives_issued",), 15, at_least=True, period=TO_OCTOBER),
    Line("Nhiệm vụ được giao", ("plan_tasks_assigned",), 37, period=TO_OCTOBER),
    Line("  đã hoàn thành", ("plan_tasks_completed",), 24, period=TO_OCTOBER),
    Line("  đang triển khai", ("plan_tasks_in_progress",), 13, period=TO_OCTOBER),
    Line("  tỷ lệ hoàn thành (%)", ("plan_task_completion_rate",), 64.86, period=TO_OCTOBER),
    Line("TTHC được rút ngắn thời gian", ("procedures_shortened",), 119, at_least=True),
    Line("Quy trình nội bộ (%)", ("internal_process_rate",), 100),
    Line("Quy trình điện tử (%)", ("electronic_process_rate",), 100),
    Line("Dịch vụ công trực tuyến cung cấp", ("online_services_offered",), 1_558),
    Line("Ngân hàng kết nối thanh toán", ("payment_banks_connected",), 6),
    Line("Ví điện tử, cổng thanh toán", ("payment_wallets_connected",), 3),
    Line("Văn phòng điện tử (%)", ("e_office_rate",), 100),
    Line("Cơ sở khám chữa bệnh", ("health_facilities",), 186, period=(date(2023, 1, 1), date(2023, 10, 16))),
    Line(
        "  tra cứu bằng CCCD gắn chíp",
        ("health_facilities_using_cccd",),
        186,
        period=(date(2023, 1, 1), date(2023, 10, 16)),
    ),
    Line("Khai sinh cấp trực tuyến", ("births_registered_online",), 2_000, at_least=True, needs_full_scale=True),
    Line("Khai tử cấp trực tuyến", ("deaths_registered_online",), 209, needs_full_scale=True),
]


def compare(home: Home) -> list[tuple[Line, Decimal | None]]:
    """Each line of the article with the warehouse's figure, missing where no source gave it."""
    release = releases.require_current(home)
    found: dict[tuple[date, date], dict[str, Decimal | None]] = {}
    for period in {line.period for line in ARTICLE}:
        rows = figures(release, Question.of(release, *period, None), ["province"], []).to_pylist()
        found[period] = {row["kpi_code"]: rounded(row) for row in rows}
    out = []
    for line in ARTICLE:
        values = [found[line.period].get(code) for code in line.kpis]
        out.append((line, None if None in values else sum(values)))
    return out


def agrees(line: Line, value: Decimal | None) -> bool:
    """Whether the figure is the article's, to the decimals it prints."""
    if value is None:
        return False
    return value > line.stated if line.at_least else value == Decimal(str(line.stated))


def main() -> int:
    home = Home.for_reading(Settings.load(home=sys.argv[1]))
    compared = compare(home)
    is_full = next(value for line, value in compared if line.kpis == ("dossiers_received",)) == ARTICLE[0].stated
    print(f"\n{'Báo cáo CCHC Kiên Giang, tháng 11/2023':<40}{'bài báo':>12}{'kho dữ liệu':>14}")
    wrong = 0
    for line, value in compared:
        judged = is_full or not line.needs_full_scale
        mark = ("" if agrees(line, value) else "  khác") if judged else ""
        wrong += bool(mark)
        print(f"{line.label:<40}{_shown(line.stated, '>' if line.at_least else ''):>12}{_shown(value):>14}{mark}")
    if not is_full:
        print("(volumes are scaled: only what does not depend on scale is compared)")
    print(f"release: {releases.require_current(home).path}")
    return 1 if wrong else 0


def _shown(value: Decimal | float | None, prefix: str = "") -> str:
    if value is None:
        return "-"
    text = f"{value:,.2f}" if value % 1 else f"{value:,.0f}"
    return prefix + text.replace(",", " ").replace(".", ",").replace(" ", ".")


if __name__ == "__main__":
    sys.exit(main())
