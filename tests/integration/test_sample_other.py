"""The sample's sources besides dossiers, read back by the independent oracle."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections import Counter
from pathlib import Path

import pytest

from sample_province import write_province
from sample_province.article import CARD_DAY, END_OF_OCTOBER, FIGURES, MORE_THAN, PERCENT
from sample_province.article import FIRST_DAY as FIRST
from sample_province.article import LAST_DAY as LAST
from sample_province.civil import BIRTH_LAYOUT, BIRTHS_ONLINE, DEATH_LAYOUT, DEATHS_ONLINE
from tests.support.declared import SOURCES
from tests.support.oracle import Landing, flags, histories, newest, read_landing, valid_rows
from tests.support.oracle_other import other_kpis

pytestmark = pytest.mark.slow

SCALE = 0.01

# What the article states of them, and what docs/domain.md 7 has on the indexes that it does not name.
STATED = (
    {code: figure for code, figure in FIGURES.items() if not code.startswith(("dossiers_", "deaths_"))}
    | {code: percent / 100 for code, percent in PERCENT.items() if code != "plan_task_completion_rate"}
    | {"units_rated_fair": 0, "units_rated_poor": 0}
    | {"pci_rank": 56, "pci_rank_change": 4, "papi_rank": 53, "papi_rank_change": 4}
)
FLAGS = {
    "payment_without_dossier", "event_without_dossier", "supplement_without_resume", "duplicate_registration",
    "registered_before_event", "lookup_at_unknown_facility", "unknown_agency", "unknown_procedure",
}  # fmt: skip


@pytest.fixture(scope="module")
def landing(province: Path) -> Landing:
    return read_landing(province)


def rows(landing: Landing, source: str) -> list[dict]:
    return [row.values for row in newest(landing, source)]


def test_article_figures(landing: Landing) -> None:
    figures = other_kpis(landing, FIRST, LAST, LAST)
    assert {code: figures[code][2] for code in STATED} == STATED
    assert round(figures["plan_task_completion_rate"][2] * 100, 2) == PERCENT["plan_task_completion_rate"]
    assert figures["directives_issued"][2] > MORE_THAN["directives_issued"]
    assert figures["procedures_shortened"][2] > MORE_THAN["procedures_shortened"]
    assert figures["births_registered_online"][2] == round(BIRTHS_ONLINE * SCALE)
    assert figures["deaths_registered_online"][2] == round(DEATHS_ONLINE * SCALE)
    assert MORE_THAN["births_registered_online"] < BIRTHS_ONLINE


def test_figures_that_the_article_dates_earlier(landing: Landing) -> None:
    october = other_kpis(landing, FIRST, END_OF_OCTOBER, END_OF_OCTOBER)
    assert [october[f"plan_tasks_{c}"][2] for c in ("assigned", "completed", "in_progress")] == [37, 24, 13]
    card_day = other_kpis(landing, FIRST, CARD_DAY, CARD_DAY)
    assert card_day["health_facilities_using_cccd"][2] == 186
    assert card_day["deaths_registered_online"][2] == round(DEATHS_ONLINE * SCALE)
    before = other_kpis(landing, FIRST, dt.date(2023, 7, 31), dt.date(2023, 7, 31))
    assert before["health_facilities_using_cccd"][2] < 186


def test_index_domains_and_earlier_ranks(landing: Landing) -> None:
    rank = {
        (row["index_code"], row["year"], row["domain_code"]): row["rank"]
        for row in rows(landing, "registers/index_results")
    }
    assert rank["PAR", 2022, "to-chuc-bo-may"] == 1
    assert rank["PAR", 2022, "the-che"] == 5
    assert (rank["PAR", 2021, None], rank["PAR", 2020, None]) == (63, 61)
    assert rank["SIPAS", 2021, None] == 58


def test_cuts_are_of_three_to_five_days(landing: Landing) -> None:
    cuts = [
        row for row in rows(landing, "registers/procedure_cuts")
        if row["decided_on"].year == 2023 and row["days_after"] < row["days_before"]
    ]  # fmt: skip
    assert {row["days_before"] - row["days_after"] for row in cuts} == {3, 4, 5}
    for row in cuts:
        before, after = (
            valid_rows(landing, "registers/procedures", row["procedure_code"], day)[0]["statutory_days"]
            for day in (FIRST, LAST)
        )
        assert (before, after) == (row["days_before"], row["days_after"])


def test_providers_and_inspections_named(landing: Landing) -> None:
    providers = {row["provider_name"] for row in rows(landing, "registers/payment_providers")}
    assert providers == {"VIETINBANK", "AGRIBANK", "SHB", "BIDV", "VIETCOMBANK", "VPBANK", "VNPT Pay", "MoMo",
                         "Viettel Pay"}  # fmt: skip
    named = {row["agency_code"]: row["agency_name"] for row in rows(landing, "registers/agencies")}
    inspected = {
        named[row["agency_code"]]: row["inspected_on"].date() for row in rows(landing, "registers/inspections")
    }
    assert FIRST <= inspected["UBND huyện Vĩnh Thuận"] <= dt.date(2023, 6, 30)
    assert "Sở Nội vụ" in inspected
    assert any("Bộ Nội vụ" in row["title"] for row in rows(landing, "registers/trainings"))


# Compared with other sources or declared for indexes: the article counts neither.
NOT_IN_THE_SAMPLE = {"portal_dossiers", "registers/index_inputs"}


def test_every_source_is_there_and_rejects_few(landing: Landing) -> None:
    accepted = Counter(row.source_file for row in landing.observations)
    rejected = Counter(row.source_file for row in landing.rejected_rows)
    sources = set(SOURCES) - NOT_IN_THE_SAMPLE
    assert {row.source for row in landing.observations} == sources
    assert all(bad < 20 or bad <= 0.05 * (accepted[file] + bad) for file, bad in rejected.items())
    spoiled = {row.source for row in landing.rejected_rows}
    assert sources - spoiled <= {"registers/unit_ratings"}
    assert {file.source for file in landing.rejected_files} == {"dossiers"}


def test_no_rejected_row_was_the_only_one(landing: Landing) -> None:
    assert len(rows(landing, "registers/agencies")) == 22 + 15 + 144
    assert len(rows(landing, "registers/health_facilities")) == 186


def test_flags_of_the_other_sources(landing: Landing) -> None:
    assert {rule for _, rule in flags(landing, LAST)} >= FLAGS


def test_dossiers_name_listed_agencies_with_communes(landing: Landing) -> None:
    agencies = {row["agency_code"]: row for row in rows(landing, "registers/agencies")}
    handled = {versions[-1].values["agency_code"] for versions in histories(landing).values()}
    assert handled - agencies.keys() == {"000.00.99.H33"}
    for row in agencies.values():
        if row["level"] == "commune":
            assert re.fullmatch(r"3[01]\d{3}", row["commune_code"])
            assert agencies[row["parent_code"]]["district_code"] == row["district_code"]
    assert Counter(row["level"] for row in agencies.values()) == {
        "commune": 144,
        "province": 22,
        "district": 15,
    }


def test_log_ends_in_the_dossiers_state(landing: Landing) -> None:
    state = {code: versions[-1].values for code, versions in histories(landing).items()}
    log: dict[str, dict] = {}
    for row in sorted(rows(landing, "dossier_events"), key=lambda row: row["occurred_at"]):
        log[row["dossier_code"]] = row
    strangers = log.keys() - state.keys()
    assert len(strangers) == 1
    assert all(int(log[code]["status"]) == state[code]["status"] for code in log.keys() - strangers)


def test_supplements_agree_with_dossiers_and_payload(landing: Landing) -> None:
    listed = {
        (row.values["dossier_code"], row.values["requested_at"]): row.values
        for row in landing.of("supplements") if row.source_file.startswith("supplements/")
    }  # fmt: skip
    nested = [row for row in landing.of("supplements") if row.source_file.startswith("dossiers/")]
    assert all((row.values["dossier_code"], row.values["requested_at"]) in listed for row in nested)
    waiting = {code for code, versions in histories(landing).items() if versions[-1].values["status"] == 5}
    assert waiting == {code for (code, _), row in listed.items() if row["resumed_at"] is None}


def test_payments_agree_with_fees(landing: Landing) -> None:
    fees = {code: versions[-1].values for code, versions in histories(landing).items()}
    known = [row for row in rows(landing, "payments") if row["dossier_code"] in fees]
    assert all(row["amount"] == fees[row["dossier_code"]]["fee_amount"] for row in known)
    settled = {row["dossier_code"] for row in known if row["status"] in ("paid", "refunded")}
    paid = {code for code, values in fees.items() if values["paid_online"]}
    assert settled <= paid
    assert len(paid - settled) <= 0.01 * len(paid) + 1
    assert {row["status"] for row in known} >= {"paid", "pending", "unpaid", "cancelled", "refunded"}


def test_registry_layouts_have_their_columns(province: Path) -> None:
    assert (len(BIRTH_LAYOUT), len(DEATH_LAYOUT)) == (60, 48)
    header = (province / "civil_registrations/ho-tich/KS_20230401.csv").read_text("utf-8").splitlines()[0]
    assert tuple(header.split(",")) == BIRTH_LAYOUT


def test_registry_offices_are_agencies(landing: Landing) -> None:
    names = {row["agency_name"] for row in rows(landing, "registers/agencies")}
    offices = {row["registry_office"] for row in rows(landing, "civil_registrations") if "registry_office" in row}
    assert offices and offices <= names


def test_identity_numbers_are_of_no_province(province: Path) -> None:
    numbers: set[str] = set()
    for source in ("health_lookups", "civil_registrations"):
        for path in sorted((province / source).rglob("*.*")):
            if path.suffix in (".csv", ".gz", ".jsonl"):
                data = path.read_bytes()
                text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "ignore")
                numbers |= set(re.findall(r"(?<![\dA-Z])\d{12}(?!\d)", text.replace("\x00", "")))
    assert len(numbers) > 50
    assert all(re.match("000|09[789]", number) for number in numbers)


def test_registers_are_the_same_at_every_scale_and_seed(province: Path, tmp_path: Path) -> None:
    write_province(tmp_path, 0.001, seed=7)
    for path in sorted((province / "registers").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / path.relative_to(province)).read_bytes(), path.name
