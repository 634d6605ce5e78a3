"""Print the article's table beside what the warehouse computed from the sample's raw rows.

`python -m sample_province.compare HOME` exits 1 when a figure differs (of volumes, at scale 1.0 alone).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.reports.figures import Question, catalogue, figures, rounded
from orchestration.settings import Settings
from sample_province.article import CARD_DAY, END_OF_OCTOBER, FIGURES, FIRST_DAY, LAST_DAY, MORE_THAN, PERCENT


@dataclass(frozen=True)
class Line:
    """One line of the article's table: its Vietnamese name, and the KPI, or sum of KPIs, that gives it.

    `to` is the day up to which the article counts it; `scales` says that it shrinks with the sample.
    """

    label: str
    kpi: str
    to: date = LAST_DAY
    scales: bool = False

    @property
    def kpis(self) -> list[str]:
        return self.kpi.split(" + ")

    @property
    def more_than(self) -> bool:
        return self.kpi in MORE_THAN

    @property
    def stated(self) -> float:
        return (FIGURES | PERCENT | MORE_THAN)[self.kpi]


TABLE = [
    Line("Hồ sơ tiếp nhận", "dossiers_received", scales=True),
    Line("  toàn trình", "dossiers_received_full_process", scales=True),
    Line("  một phần", "dossiers_received_partial_process", scales=True),
    Line("  còn lại", "dossiers_received_other_service", scales=True),
    Line("  trực tuyến", "dossiers_received_online", scales=True),
    Line("  trực tiếp, dịch vụ bưu chính", "dossiers_received_direct + dossiers_received_postal", scales=True),
    Line("Đã giải quyết", "dossiers_resolved", scales=True),
    Line("  trước hạn", "dossiers_resolved_early", scales=True),
    Line("  đúng hạn", "dossiers_resolved_on_due_date", scales=True),
    Line("  trễ hạn", "dossiers_resolved_late", scales=True),
    Line("Đang giải quyết", "dossiers_in_process", scales=True),
    Line("  trong hạn", "dossiers_in_process_within_due", scales=True),
    Line("  trễ hạn", "dossiers_in_process_overdue", scales=True),
    Line("Xin rút/dừng/hủy", "dossiers_withdrawn", scales=True),
    Line("PAR INDEX 2022, xếp hạng", "par_index_rank"),
    Line("  tăng bậc so với 2021", "par_index_rank_change"),
    Line("SIPAS 2022, xếp hạng", "sipas_rank"),
    Line("  tăng bậc so với 2021", "sipas_rank_change"),
    Line("Đơn vị xếp loại xuất sắc", "units_rated_excellent"),
    Line("  tốt", "units_rated_good"),
    Line("  trung bình", "units_rated_average"),
    Line("Văn bản chỉ đạo, điều hành", "directives_issued", END_OF_OCTOBER),
    Line("Nhiệm vụ được giao", "plan_tasks_assigned", END_OF_OCTOBER),
    Line("  đã hoàn thành", "plan_tasks_completed", END_OF_OCTOBER),
    Line("  đang triển khai", "plan_tasks_in_progress", END_OF_OCTOBER),
    Line("  tỷ lệ hoàn thành (%)", "plan_task_completion_rate", END_OF_OCTOBER),
    Line("TTHC được rút ngắn thời gian", "procedures_shortened"),
    Line("Quy trình nội bộ (%)", "internal_process_rate"),
    Line("Quy trình điện tử (%)", "electronic_process_rate"),
    Line("Dịch vụ công trực tuyến cung cấp", "online_services_offered"),
    Line("Ngân hàng kết nối thanh toán", "payment_banks_connected"),
    Line("Ví điện tử, cổng thanh toán", "payment_wallets_connected"),
    Line("Văn phòng điện tử (%)", "e_office_rate"),
    Line("Cơ sở khám chữa bệnh", "health_facilities", CARD_DAY),
    Line("  tra cứu bằng CCCD gắn chíp", "health_facilities_using_cccd", CARD_DAY),
    Line("Khai sinh cấp trực tuyến", "births_registered_online", scales=True),
    Line("Khai tử cấp trực tuyến", "deaths_registered_online", scales=True),
]


def compare(home: Home) -> list[tuple[Line, Decimal | None]]:
    """Each line of the article with the warehouse's figure, missing where no source gave it."""
    release = releases.require_current(home)
    described = catalogue(release)
    found: dict[date, dict[str, Decimal | None]] = {}
    for to in {line.to for line in TABLE}:
        rows = figures(release, Question.of(release, FIRST_DAY, to, None), ["province"], []).to_pylist()
        found[to] = {row["kpi_code"]: rounded(row, described[row["kpi_code"]].kind) for row in rows}
    out = []
    for line in TABLE:
        values = [value for code in line.kpis if (value := found[line.to].get(code)) is not None]
        out.append((line, sum(values, Decimal()) if len(values) == len(line.kpis) else None))
    return out


def agrees(line: Line, value: Decimal | None) -> bool:
    """Whether the figure is the article's, to the decimals it prints."""
    if value is None:
        return False
    return value > line.stated if line.more_than else value == Decimal(str(line.stated))


def main() -> int:
    home = Home.for_reading(Settings.load(home=sys.argv[1]))
    compared = compare(home)
    is_full = compared[0][1] == compared[0][0].stated
    print(f"\n{'Báo cáo CCHC Kiên Giang, tháng 11/2023':<40}{'bài báo':>12}{'kho dữ liệu':>14}")
    wrong = 0
    for line, value in compared:
        judged = is_full or not line.scales
        mark = ("" if agrees(line, value) else "  khác") if judged else ""
        wrong += bool(mark)
        print(f"{line.label:<40}{_shown(line.stated, '>' if line.more_than else ''):>12}{_shown(value):>14}{mark}")
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
