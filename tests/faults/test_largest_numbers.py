"""The largest numbers that a cell may hold, through every model: nothing overflows, the figures are exact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from tests.support.writers import csv_bytes, put

MOST, MONEY = 2**31 - 1, 10**15


def test_figures_of_the_largest_numbers(tmp_path: Path, nightly: Callable) -> None:
    """In 2022 more than 2^63 VND are paid, a sum that no column holds: the value stands, and the night publishes."""
    tables = {
        "registers/procedure_cuts": [
            ["procedure_code", "decision_number", "decided_on", "days_before", "days_after"],
            *[[f"P{n}", "1", "01/07/2023", MOST, -MOST] for n in range(3)],
        ],
        "registers/index_results": [
            ["index_code", "year", "domain_code", "score", "rank", "ranked_units"],
            ["PAR", 2022, "", "9" * 100, MOST, MOST], ["PAR", 2021, "", "-1", -MOST, MOST], ["PCI", MOST, "", "", 1, 1],
        ],
        "registers/satisfaction": [
            ["agency_code", "surveyed_on", "respondents", "satisfied_count"], *[[f"A{n}", "02/07/2023", MOST, MOST] for n in range(3)],
        ],
        "registers/trainings": [["training_code", "held_on", "title", "participants"], ["T1", "03/07/2023", "Tập huấn", MOST]],
        "registers/inspections": [
            ["inspection_code", "agency_code", "inspected_on", "kind", "findings_count", "resolved_count"],
            ["K1", "A1", "04/07/2023", "Định kỳ", MOST, -MOST],
        ],
        "registers/procedures": [
            ["procedure_code", "procedure_name", "service_level", "is_online", "statutory_days", "valid_from"],
            ["P1", "Thủ tục", "4", "1", MOST, "01/01/2023"],
        ],
        "registers/unit_ratings": [["agency_code", "year", "score", "grade"], ["A1", -MOST, "-" + "9" * 100, "Tốt"]],
        "payments": [
            ["transaction_code", "dossier_code", "provider_code", "amount", "status", "paid_at"],
            *[[f"G{n}", "H1", "B1", MONEY, "Đã thanh toán", "05/07/2023"] for n in range(9)],
            *[[f"F{n}", "H1", "B1", MONEY, "Đã thanh toán", "05/07/2022"] for n in range(10_000)],
        ],
        "dossiers": [
            ["dossier_code", "procedure_code", "status", "received_at", "completed_at", "fee_amount", "paid_online"],
            *[[f"H{n}", "P1", "9", "01/07/2023", "05/07/2023", MONEY, "1"] for n in range(3)],
            ["H3", "P1", "9", "01/07/2022", "05/07/2022", MONEY, "1"],
        ],
    }  # fmt: skip
    for source, table in tables.items():
        put(tmp_path / f"landing/{source}/a_20230710.csv", csv_bytes(table, ";", "utf-8"))
    night = nightly(tmp_path / "landing", tmp_path / "home")
    with duckdb.connect(str(night.release.database), read_only=True) as con:
        assert con.execute("select * from marts.dq_rejected_files").fetchall() == []
        assert con.execute("select * from marts.dq_rejected_rows").fetchall() == []
        whole_year = "scope_type = 'province' and period_type = 'year' and period_start = date '2023-01-01'"
        questions = [
            f"select kpi_code, numerator from marts.kpi_values where {whole_year}",
            "select kpi_code, numerator from marts.kpis(date '2023-01-01', date '2023-07-31', date '2023-07-31') "
            "where scope_type = 'province'",
        ]
        expected = {
            "procedure_days_saved": 6 * MOST, "par_index_rank": MOST, "par_index_rank_change": -2 * MOST,
            "satisfaction_rate": 3 * MOST, "payments_paid_amount": 9 * MONEY, "online_payment_rate": 3, "units_rated_good": 1,
        }  # fmt: skip
        for question in questions:
            got = dict(con.execute(question).fetchall())
            assert {code: got[code] for code in expected} == expected
        explained = con.execute(
            "select sum(amount) from marts.rows_behind(date '2023-01-01', date '2023-07-31', date '2023-07-31') "
            "where kpi_code = 'payments_paid_amount'"
        )
        assert explained.fetchall() == [(9 * MONEY,)]
        paid = con.execute(
            "select distinct numerator, value from marts.kpi_values where kpi_code = 'payments_paid_amount' "
            "and period_type = 'year' and period_start = date '2022-01-01' and scope_type = 'province'"
        ).fetchall()
        assert paid == [(None, 1e19)]
