"""What is measured of nights, facts and months, by hand on the golden home; and what each rule over it finds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.quality.frames import facts_frame, kpi_movements_frame
from orchestration.quality.measures import COLUMNS, measured_nights, newest_nights, nights_of, to_frame
from orchestration.quality.reviewed import load_suites
from orchestration.quality.suites import run_suites
from tests.support import nights
from tests.support.writers import csv_bytes, put
from tests.unit.quality import conftest as usual

AS_OF = date(2023, 7, 31)


@pytest.fixture(scope="module")
def golden(home: Path, tmp_path_factory: pytest.TempPathFactory):
    """A connection to the golden home's warehouse, and its files."""
    from orchestration.lake.counting import counted
    from orchestration.lake.store import Lake

    lake = Lake(home / "lake")
    files = counted(lake.files(), lake.standing_decisions(), AS_OF)
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        yield con, files


def values(frame: pd.DataFrame, *key: str) -> dict[str, float]:
    """{item: value} of a subject's measure."""
    subject = frame.columns[0]
    found = frame[(frame[subject] == key[0]) & (frame["measure"] == key[1])]
    return dict(zip(found["item"], found["value"], strict=True))


def test_the_newest_night_of_the_golden_dossiers(golden) -> None:
    """The payload of 20 July: three dossiers, by post, online, online; two lack a fee."""
    frame = newest_nights(*golden)
    assert list(frame.columns) == list(COLUMNS)
    assert set(frame["source"]) == {"dossiers", "supplements", "registers/agencies", "registers/procedures"}
    night = frame[frame["source"] == "dossiers"]
    assert set(night["night"]) == {pd.Timestamp("2023-07-20")}
    assert values(frame, "dossiers", "rows") == {"": 3}
    assert values(frame, "dossiers", "rejected_share") == {"": 0}
    assert values(frame, "dossiers", "repeated_key_share") == {"": 0}
    shares = values(frame, "dossiers", "share")
    assert (shares["channel=online"], shares["channel=postal"], shares["channel=direct"]) == (2 / 3, 1 / 3, 0)
    missing = values(frame, "dossiers", "missing_share")
    assert (missing["fee_amount"], missing["returned_at"], missing["received_at"]) == (2 / 3, 2 / 3, 0)
    assert not {"procedure_code", "applicant_name", "status"} & missing.keys(), "required, dropped"
    assert night["usual"].isna().all(), "neither five nights nor a hundred rows before"
    assert not any("_key" in item for item in shares)


def test_flags_are_shares_of_the_night_s_rows(golden) -> None:
    con, files = golden
    frame = to_frame(measured_nights(con, nights_of(files)))
    for night, of in nights_of(files)["dossiers"].items():
        rows = sum(f.rows_accepted for f in of)
        names = [f.source_file for f in of]
        expected = dict(
            con.execute(
                f"select rule_code, count(*) / {rows} from marts.dq_flags where source_file in ({', '.join('?' * len(names))})"
                " and source = 'dossiers' group by rule_code",
                names,
            ).fetchall()
        )
        assert values(frame[frame["night"] == pd.Timestamp(night)], "dossiers", "flagged_share") == expected
    assert values(frame, "dossiers", "flagged_share")


def test_facts_beside_the_former_release(golden) -> None:
    con, _ = golden
    frame = facts_frame(con, {"fct_dossiers": 40})
    [(rows,)] = con.execute("select count(*) from marts.fct_dossiers").fetchall()
    told = frame[(frame["fact"] == "fct_dossiers") & (frame["measure"] == "rows")].iloc[0]
    assert (told["value"], told["usual"]) == (rows, 40)
    shares = values(frame, "fct_dossiers", "share")
    assert sum(share for item, share in shares.items() if item.startswith("bucket=")) == pytest.approx(1)
    [(unknown,)] = con.execute(
        "select avg((dim_agency.agency_code = 'unknown')::integer) "
        "from marts.fct_dossiers join marts.dim_agency using (agency_key)"
    ).fetchall()
    assert values(frame, "fct_dossiers", "unknown_key_share")["agency_key"] == unknown
    assert len(frame) == len(frame[["fact", "measure", "item"]].drop_duplicates())


def test_the_newest_month_beside_those_before(golden) -> None:
    """July is over on its last day."""
    con, _ = golden
    frame = kpi_movements_frame(con)
    assert set(frame["period_start"]) == {pd.Timestamp("2023-07-01")}
    assert set(frame["scope_type"]) == {"province", "agency"}
    found = frame[(frame["kpi_code"] == "dossiers_received") & (frame["scope_type"] == "province")].iloc[0]
    months = [
        value
        for (value,) in con.execute(
            "select value from marts.kpi_values where kpi_code = 'dossiers_received' and scope_type = 'province' "
            "and period_type = 'month' and period_start < date '2023-07-01' order by period_start desc limit 12"
        ).fetchall()
    ]
    assert (found["former"], found["usual"], found["months"]) == (months[0], pd.Series(months).median(), len(months))


def test_a_source_against_its_own_recent_nights(tmp_path: Path) -> None:
    """Six usual nights of 120 rows, then one of 20 in which a column is gone and a code changed."""
    head = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận", "Kênh", "Ngày hẹn trả"]
    for day in range(1, 8):
        rows = [
            [f"H99.01-2307{day:02d}-{n:04d}", "1.000001", "4", f"0{day}/07/2023", "Trực tuyến", "01/09/2023"]
            for n in range(120 if day < 7 else 20)
        ]
        if day == 7:
            rows = [[*row[:4], "Trực tiếp" if n < 19 else "Bồ câu", ""] for n, row in enumerate(rows)]
        put(tmp_path / f"landing/dossiers/hs_202307{day:02d}.csv", csv_bytes([head, *rows], ";", "utf-8"))
    ran = nights.ingested(tmp_path / "landing", tmp_path / "home", date(2023, 7, 9))
    with duckdb.connect() as con:
        con.execute("create schema marts")
        con.execute("create table marts.dq_flags (source varchar, source_file varchar, rule_code varchar)")
        frame = newest_nights(con, ran.files).set_index(["measure", "item"])
    told = {key: tuple(frame.loc[key, ["value", "usual"]]) for key in frame.index}
    assert told["rows", ""] == (20, 120)
    assert told["rejected_share", ""] == (0.05, 0) and told["rejected_as", "unknown_value channel"] == (0.05, 0)
    assert told["missing_share", "due_at"] == (1, 0) and told["share", "channel=direct"] == (1, 0)


@pytest.mark.parametrize(
    ("suite", "rule", "cells", "harmless"),
    [
        ("source_nights", "volume_not_collapsed", {"measure": "rows", "value": 19, "usual": 100}, {"value": 20}),
        ("source_nights", "volume_not_swollen", {"measure": "rows", "value": 501, "usual": 100}, {"usual": 99}),
        ("source_nights", "few_rows_rejected", {"measure": "rejected_share", "value": 0.03}, {"rows": 99}),
        ("source_nights", "no_reason_rejects_many", {"measure": "rejected_as", "value": 0.02}, {"value": 0.01}),
        ("source_nights", "no_column_emptied", {"measure": "missing_share", "value": 0.5, "usual": 0.1}, {"usual": None}),
        ("source_nights", "few_keys_repeated", {"measure": "repeated_key_share", "value": 0.2}, {"value": 0.1}),
        (
            "source_nights",
            "channels_and_levels_steady",
            {"measure": "share", "item": "channel=direct", "value": 1, "usual": 0.5},
            {"value": 0.9},
        ),
        ("source_nights", "codes_and_flags_steady", {"measure": "share", "value": 0.1, "usual": 0.7}, {"value": 0.3}),
        ("source_nights", "no_rule_flags_most", {"measure": "flagged_share", "value": 0.6}, {"value": 0.5}),
        ("source_nights", "shares_are_shares", {"measure": "missing_share", "value": -0.1}, {"value": 0}),
        ("facts", "no_fact_shrinks", {"value": 300.0, "usual": 400.0}, {"value": 360.0}),
        ("facts", "few_rows_without_dimension", {"measure": "unknown_key_share", "value": 0.06}, {"rows": 99}),
        ("facts", "few_days_far_away", {"measure": "distant_share", "value": 0.2}, {"value": 0.1}),
        ("facts", "dossiers_not_mostly_late", {"measure": "share", "item": "timeliness=late", "value": 0.6}, {"value": 0.5}),
        ("facts", "dossiers_mostly_counted", {"measure": "share", "item": "bucket=not_counted", "value": 0.4}, {"value": 0.3}),
        ("facts", "working_days_plausible", {"measure": "working_days", "item": "p99", "value": 400}, {"item": "p50"}),
        ("kpi_movements", "province_counts_steady", {"value": 301.0}, {"months": 5}),
        ("kpi_movements", "agency_counts_steady", {"scope_type": "agency", "value": 9.0}, {"usual": 49.0}),
        (
            "kpi_movements",
            "province_rates_steady",
            {"kind": "rate", "value": 0.6, "former": 0.9, "denominator": 100, "former_denominator": 100},
            {"former_denominator": 99},
        ),
        (
            "kpi_movements",
            "agency_rates_steady",
            {"kind": "rate", "scope_type": "agency", "value": 0.3, "former": 0.9, "denominator": 50, "former_denominator": 50},
            {"value": 0.5},
        ),
        ("kpi_movements", "means_steady", {"kind": "mean", "value": 9.0, "usual": 2.0, "denominator": 50}, {"value": 8.0}),
    ],
)  # fmt: skip
def test_each_rule_finds_what_it_is_for_and_blocks_nothing(
    suite: str, rule: str, cells: dict, harmless: dict, docs_dir: Path
) -> None:
    [judging] = [s for s in load_suites() if s.name == suite]
    found = [
        {
            r.check_code
            for r in run_suites({suite: getattr(usual, suite)(**given)}, docs_dir, [judging])
            if r.status != "passed"
        }
        for given in (cells, cells | harmless)
    ]
    assert found == [{f"{suite}.{rule}"}, set()]
    assert not any(r.blocking for r in judging.expectations)
