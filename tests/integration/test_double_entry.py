"""Two entries of every main figure: they agree where nothing is wrong, and any wrong rule, row or total is found."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.errors import PublicationBlocked
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.quality import double_entry
from orchestration.quality.double_entry import double_entry_frame, slice_of
from orchestration.warehouse import dbt
from tests.conftest import AS_OF
from tests.support import nights
from tests.support.mutants import rebuild_with
from tests.support.warehouse import build_warehouse
from tests.support.writers import csv_bytes, put


@pytest.fixture
def copied(trap: Path, tmp_path: Path) -> Path:
    """A copy of the warehouse over a landing full of traps, to spoil."""
    return Path(shutil.copy(trap / "home/warehouse.duckdb", tmp_path))


def compared(warehouse: Path, whole: bool = True) -> pd.DataFrame:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return double_entry_frame(con, whole)


def disagreeing(warehouse: Path, whole: bool = True) -> set[tuple[str, str]]:
    """(comparison, figure) of what differs."""
    frame = compared(warehouse, whole)
    return set(frame.loc[frame["disagreeing"] > 0, ["comparison", "figure"]].itertuples(index=False, name=None))


def spoil(warehouse: Path, statement: str) -> None:
    with duckdb.connect(str(warehouse)) as con:
        [(changed,)] = con.execute(statement).fetchall()
        assert changed


def test_the_golden_home_agrees(home: Path) -> None:
    assert disagreeing(home / "warehouse.duckdb") == set()
    frame = compared(home / "warehouse.duckdb")
    assert set(frame["slice"]) == {"all"}
    rows = frame[(frame["comparison"] == "rows") & (frame["figure"] == "bucket") & (frame["subject"] == "dossiers")]
    assert rows["compared"].tolist() == [15]


def test_sixteen_nights_see_every_dossier_once(trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = trap / "home/warehouse.duckdb"
    digits = [slice_of(AS_OF + timedelta(days=n)) for n in range(16)]
    assert sorted(digits) == sorted("0123456789abcdef")
    assert slice_of(AS_OF) == slice_of(AS_OF + timedelta(days=16))
    with duckdb.connect(str(warehouse), read_only=True) as con:
        [(all_of_them,)] = con.execute("select count(*) from marts.fct_dossiers").fetchall()
    seen = []
    for digit in digits:
        monkeypatch.setattr(double_entry, "slice_of", lambda as_of, digit=digit: digit)
        frame = compared(warehouse, whole=False)
        assert not frame["disagreeing"].any() and set(frame["slice"]) == {digit}
        keys = frame[(frame["subject"] == "dossiers") & (frame["figure"] == "entity_code")]
        seen += keys["compared"].tolist()
    assert sum(seen) == all_of_them and min(seen) > 0


@pytest.mark.parametrize(
    ("macro", "rule", "wrong", "found"),
    [
        ("dossier_outcomes", "when closed_on < due_on", "when closed_on <= due_on", ("rows", "timeliness")),
        ("dossier_outcomes", "not in (1, 3)", "not in (1)", ("rows", "bucket")),
        ("dossier_outcomes", "and not is_deleted", "", ("rows", "bucket")),
        ("dossier_paused_days", "greatest(starts_on, coalesce(reached_on, starts_on))", "starts_on", ("rows", "processing_working_days")),
        ("figures_of_dossiers", "'until': 'coalesce(overdue_from, closed_on)'", "'until': 'closed_on'", ("totals", "dossiers_in_process_within_due")),
        ("figures_of_dossiers", "and fee_amount > 0 and paid_online", "and paid_online", ("totals", "online_payment_rate")),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_found(copied: Path, macro: str, rule: str, wrong: str, found: tuple[str, str]) -> None:
    text = dbt.parse().macros[f"macro.cchc.{macro}"].macro_sql
    assert rule in text
    assert rebuild_with(copied, {macro: text.replace(rule, wrong)}) == []
    assert found in disagreeing(copied)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("update marts.fct_dossiers set closed_on = closed_on + 1 where bucket = 'resolved'", ("rows", "closed_on")),
        ("delete from marts.fct_dossiers where bucket = 'in_process'", ("rows", "entity_code")),
        ("insert into marts.fct_dossiers by name select * replace (dossier_code || 'x' as dossier_code) from marts.fct_dossiers", ("rows", "entity_code")),
        ("update marts.fct_dossiers set agency_code = null where agency_code = 'H33.11'", ("rows", "agency_code")),
        ("update history.payments set amount = amount + 1 where status = 'paid'", ("rows", "amount")),
        ("update marts.fct_civil_registrations set is_on_time = not is_on_time", ("rows", "is_on_time")),
        ("update marts.kpi_values set numerator = numerator + 1, value = value + 1 where kpi_code = 'dossiers_resolved_late' and scope_type = 'agency'", ("totals", "dossiers_resolved_late")),
        ("update marts.kpi_values set denominator = denominator + 1 where kpi_code = 'online_rate' and period_type = 'year'", ("totals", "online_rate")),
        ("update marts.kpi_values set value = 0.5 where kpi_code = 'birth_on_time_rate' and scope_type = 'province'", ("totals", "birth_on_time_rate")),
        ("delete from marts.kpi_values where kpi_code = 'dossiers_withdrawn' and scope_code = 'H33.12'", ("totals", "dossiers_withdrawn")),
        ("delete from marts.kpi_values where kpi_code = 'plan_tasks_overdue'", ("totals", "plan_tasks_overdue")),
        ("update marts.kpi_values set value = null, numerator = null where kpi_code = 'payments_paid'", ("totals", "payments_paid")),
        ("update marts.kpi_values set scope_code = 'H99' where scope_type = 'agency' and kpi_code = 'dossiers_received'", ("totals", "dossiers_received")),
        ("update marts.kpi_values set period_end = period_end - 1", ("totals", "dossiers_received")),
    ],
)  # fmt: skip
def test_a_tampered_row_or_total_is_found(copied: Path, statement: str, found: tuple[str, str]) -> None:
    spoil(copied, statement)
    assert found in disagreeing(copied)
    if found[0] == "totals":
        assert found in disagreeing(copied, whole=False), "the night over a sixteenth looks at all totals"


def test_a_night_looks_at_its_sixteenth_and_a_rebuild_at_all(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(copied)) as con:
        [(code, digit)] = con.execute(
            "select dossier_code, md5(dossier_code)[1] from marts.fct_dossiers where bucket = 'in_process' limit 1"
        ).fetchall()
    spoil(copied, f"update marts.fct_dossiers set is_paused = not is_paused where dossier_code = '{code}'")
    differing = compared(copied).set_index(["comparison", "figure"]).loc[("rows", "is_paused")]
    assert (differing["disagreeing"], differing["example"]) == (1, code)
    for other in (digit, *sorted(set("05f") - {digit})[:2]):
        monkeypatch.setattr(double_entry, "slice_of", lambda as_of, other=other: other)
        assert (("rows", "is_paused") in disagreeing(copied, whole=False)) is (other == digit)


def test_disagreement_blocks_publication(landing_and_home: tuple[Path, Path]) -> None:
    """The lake says one thing, the warehouse's own rows another: nothing is published."""
    _, home = landing_and_home
    before = (home / "current").resolve()
    spoil(home / "warehouse.duckdb", "update marts.fct_dossiers set bucket = 'withdrawn' where bucket = 'resolved'")
    with held(nights.asked(None, home, must_build=True, reads_landing=False)) as night:
        ingested = steps.ingest(night)
        judged = steps.judge(night, ingested, dbt.Built({}, {}, {}))
        with pytest.raises(PublicationBlocked, match=r"double_entry\.both_entries_agree"):
            steps.publish(night, ingested, judged)
    assert (home / "current").resolve() == before and len(list((home / "releases").iterdir())) == 1


def test_a_source_known_without_a_counted_dossier_is_0(tmp_path: Path) -> None:
    header = ["Mã hồ sơ", "Mã TTHC", "Trạng thái"]
    put(
        tmp_path / "landing/dossiers/moi_20230722.csv",
        csv_bytes([header, ["H99.01-230721-1", "1.000001", "1"]], ",", "utf-8"),
    )
    with build_warehouse(tmp_path / "landing", tmp_path / "home", date(2023, 7, 31)) as con:
        assert not double_entry_frame(con, whole=True)["disagreeing"].any()
        figures = con.execute(
            "select distinct kpi_code, value from marts.kpi_values where kpi_code in "
            "('dossiers_received', 'on_time_rate', 'payments_paid') order by 1"
        ).fetchall()
    assert figures == [("dossiers_received", 0), ("on_time_rate", None), ("payments_paid", None)]
