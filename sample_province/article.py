"""The figures of the seed article (Báo cáo CCHC tỉnh Kiên Giang, 2023), by the KPI that answers each.

They stand here and nowhere else: the generator plans dossiers by them (`shares`), and `compare` holds what the
warehouse counted from the raw rows against them. **The article prints the start of its period as 01/01/2013; it is
read as 01/01/2023**, the year under report.
"""

from __future__ import annotations

from datetime import date

FIRST_DAY = date(2023, 1, 1)
LAST_DAY = date(2023, 11, 16)
# What the article dates earlier than its last day.
END_OF_OCTOBER = date(2023, 10, 31)
CARD_DAY = date(2023, 10, 16)

# Counts, amounts and ranks.
FIGURES: dict[str, int] = {
    "dossiers_received": 386_797,
    "dossiers_received_full_process": 171_091,
    "dossiers_received_partial_process": 186_404,
    "dossiers_received_other_service": 29_302,
    "dossiers_received_online": 196_088,
    "dossiers_received_direct + dossiers_received_postal": 190_709,
    "dossiers_resolved": 363_325,
    "dossiers_resolved_early": 348_505,
    "dossiers_resolved_on_due_date": 5_508,
    "dossiers_resolved_late": 9_312,
    "dossiers_in_process": 9_126,
    "dossiers_in_process_within_due": 8_312,
    "dossiers_in_process_overdue": 814,
    "dossiers_withdrawn": 14_346,
    "par_index_rank": 41,
    "par_index_rank_change": 22,
    "sipas_rank": 24,
    "sipas_rank_change": 34,
    "units_rated_excellent": 3,
    "units_rated_good": 21,
    "units_rated_average": 13,
    "plan_tasks_assigned": 37,
    "plan_tasks_completed": 24,
    "plan_tasks_in_progress": 13,
    "online_services_offered": 1_558,
    "payment_banks_connected": 6,
    "payment_wallets_connected": 3,
    "health_facilities": 186,
    "health_facilities_using_cccd": 186,
    "deaths_registered_online": 209,
}
PERCENT: dict[str, float] = {
    "plan_task_completion_rate": 64.86,
    "internal_process_rate": 100,
    "electronic_process_rate": 100,
    "e_office_rate": 100,
}
# The article says "more than" these.
MORE_THAN: dict[str, int] = {"directives_issued": 15, "procedures_shortened": 119, "births_registered_online": 2_000}
