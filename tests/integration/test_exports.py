"""`cchc export`: the release's rows as files, whole or not at all, in which no cell computes and no person stands."""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import click
import duckdb
import numpy as np
import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from orchestration.cli import cli
from orchestration.errors import CchcError, UsageError
from orchestration.home import Home
from orchestration.plain import cell
from orchestration.publishing import releases
from orchestration.publishing.releases import Release, open_release
from orchestration.publishing.views import declared
from orchestration.reports.exports import Filters, export, sheet, written
from orchestration.reports.exports.asked import relation
from orchestration.reports.small_cells import withheld
from orchestration.sources import all_sources
from tests.unit.test_plain import CONTROLS

Written = Callable[..., list[tuple]]
HOSTILE = ["=1+1", "+84", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "\u00a0=1", "\u200b=1", "\u3000＝1", "＋1", "﹣1",
           "=cmd|' /C calc'!A0", "<b>&amp;</b>", '"quoted", and more', "Sở Nội vụ", "1-2", "x=1", *CONTROLS]  # fmt: skip


@pytest.fixture(scope="module")
def current(home: Path) -> Release:
    return releases.require_current(Home(home))


@pytest.fixture
def exported(current: Release, tmp_path: Path) -> Written:
    """`exported(*names, **filters)`: the rows of the Parquet file."""

    def run(*names: str, **filters: object) -> list[tuple]:
        out = tmp_path / "out.parquet"
        done = export(current, names, Filters(**filters), out, replace=True)
        rows = duckdb.sql(f"from '{out}'").fetchall()
        assert done.rows == len(rows)
        return rows

    return run


# --- formats


def test_each_format_holds_the_table_without_pseudonyms(
    current: Release, release: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    expected = release.execute("select * exclude (applicant_key) from marts.fct_dossiers").fetchall()
    names = [column[0] for column in release.description]
    for ending in (".csv", ".xlsx", ".parquet"):
        assert export(current, ("fct_dossiers",), Filters(), tmp_path / f"hồ sơ{ending}").rows == len(expected)
    parquet = duckdb.sql(f"from '{tmp_path}/hồ sơ.parquet'")
    assert (parquet.columns, parquet.fetchall()) == (names, expected)
    [header, *rows] = csv.reader((tmp_path / "hồ sơ.csv").read_text("utf-8-sig").splitlines())
    texts = [["" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in row] for row in expected]
    assert (header, rows) == (names, texts)
    assert (tmp_path / "hồ sơ.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    [header, *rows] = load_workbook(tmp_path / "hồ sơ.xlsx").active.iter_rows(values_only=True)
    assert list(header) == names
    as_in_sheets = [tuple(datetime(v.year, v.month, v.day) if type(v) is date else v for v in row) for row in expected]
    assert rows == as_in_sheets
    assert len(CalamineWorkbook.from_path(tmp_path / "hồ sơ.xlsx").get_sheet_by_index(0).to_python()) == 1 + len(rows)


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_no_cell_computes_and_numbers_stay_numbers(ending: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{ending}"
    with duckdb.connect() as con:
        con.execute("create table t (text varchar, whole bigint, part double, price decimal(9, 2), many varchar[])")
        con.executemany("insert into t values (?, -1, -0.5, -3.25, ['=1'])", [[text] for text in HOSTILE])
        assert written.write(con, "from t", {"text": "=Chữ"}, out) == len(HOSTILE)
    if ending == ".csv":
        with out.open(encoding="utf-8-sig", newline="") as file:
            [header, *rows] = csv.reader(file)
        numbers = ["-1", "-0.5", "-3.25"]
    else:
        [header, *rows] = (list(row) for row in load_workbook(out).active.iter_rows(values_only=True))
        numbers = [-1, -0.5, -3.25]
    assert header == ["'=Chữ", "whole", "part", "price", "many"]
    assert rows == [[cell(text), *numbers, "['=1']"] for text in HOSTILE]


def test_what_no_sheet_holds_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        with pytest.raises(UsageError, match=r"1,048,576 rows, and a sheet holds 1,048,575"):
            written.write(con, f"select range as n from range({sheet.MOST_ROWS + 1})", {}, tmp_path / "out.xlsx")
        long = "đ" * 40_000
        written.write(con, f"select '{long}' as text", {}, tmp_path / "out.xlsx")
    assert load_workbook(tmp_path / "out.xlsx").active["A2"].value == long[:32_000]
    assert [path.name for path in tmp_path.iterdir()] == ["out.xlsx"]


def test_views_bear_their_terms(current: Release, tmp_path: Path) -> None:
    with open_release(current) as con:
        for name, view in declared().views.items():
            asked = relation(con, current, (name,), Filters())
            headings = [asked.headings[column] for column in con.sql(asked.sql).columns]
            assert len(set(headings)) == len(headings) >= len(view.columns)
            assert all(text[0].isupper() and "_" not in text for text in headings)
    export(current, ("van_ban_chi_dao",), Filters(), tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.reader(file)) == ["Số, ký hiệu văn bản", "Ngày ban hành", "Tên, trích yếu", "Cơ quan ban hành"]


# --- whole or not at all


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(current: Release, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        export(current, ("don_vi",), Filters(), out)
    assert out.read_text() == "mine"
    export(current, ("don_vi",), Filters(), out, replace=True)
    assert out.read_text("utf-8-sig").startswith("Mã đơn vị,")


@pytest.mark.parametrize("ending", written.SUFFIXES)
def test_a_full_disk_leaves_the_former_file_alone(
    ending: str, current: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / f"out{ending}"
    out.write_text("former")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(written, "sync", full)
    with pytest.raises(CchcError, match="the disk is full"):
        export(current, ("don_vi",), Filters(), out, replace=True)
    assert out.read_text() == "former" and [path.name for path in tmp_path.iterdir()] == [out.name]


# --- filters


def test_tables_are_narrowed_down(exported: Written, release: duckdb.DuckDBPyConnection) -> None:
    def counted(where: str) -> int:
        [(number,)] = release.execute(f"select count(*) from marts.{where}").fetchall()
        return number

    agency = "fct_dossiers where agency_code = 'H99.01'"
    june = "received_at::date between date '2023-06-01' and date '2023-06-30'"
    assert len(exported("fct_dossiers", scope="agency=H99.01")) == counted(agency) > 0
    assert len(exported("ho_so", scope="agency=H99.01")) == counted(agency)
    days = {"from_on": date(2023, 6, 1), "to_on": date(2023, 6, 30)}
    assert len(exported("bao_cao.ho_so", scope="agency=H99.01", **days)) == counted(f"{agency} and {june}") > 0
    within = "kpi_values where period_start >= date '2023-06-01' and period_end <= date '2023-06-30'"
    assert len(exported("marts.kpi_values", **days)) == counted(within) > 0
    assert len(exported("chi_tieu", scope="channel=online")) == counted("kpi_values where scope_code = 'online'") > 0


def test_past_days_are_answered_as_they_were_known(exported: Written, release: duckdb.DuckDBPyConnection) -> None:
    counted = release.execute("select * exclude (applicant_key) from marts.fct_dossiers where bucket <> 'not_counted'")
    now = exported("fct_dossiers", as_of=date(2023, 7, 31))
    assert sorted(map(repr, now)) == sorted(map(repr, counted.fetchall()))
    june = exported("ho_so", as_of=date(2023, 6, 30))
    [(known,)] = release.execute("select count(*) from marts.dossiers_as_of(date '2023-06-30')").fetchall()
    assert 0 < len(june) == known and june != exported("ho_so")
    versions = exported("lich_su_ho_so", as_of=date(2023, 6, 30))
    assert len(versions) == len({row[0] for row in versions}) > known, "what is not counted, too"
    [(agencies,)] = release.execute(
        "select count(*) from history.agencies where known_from < '2023-07-01' and known_to >= '2023-07-01'"
    ).fetchall()
    assert len(exported("history.agencies", as_of=date(2023, 6, 30))) == agencies > 0
    assert exported("history_agencies", as_of=date(2023, 6, 30)) == exported(
        "history.agencies", as_of=date(2023, 6, 30)
    )


def test_figures_are_those_of_the_command(exported: Written, ask: Callable[..., str], home: Path) -> None:
    asked = ["--by", "province,agency", "--from", "2023-01-01", "--to", "2023-06-30", "--as-of", "2023-06-30"]
    told = json.loads(ask("kpi", "--home", home, "on_time_rate,dossiers_received", *asked, "--format", "json"))
    rows = exported(
        "on_time_rate", "dossiers_received", by=("province", "agency"),
        from_on=date(2023, 1, 1), to_on=date(2023, 6, 30), as_of=date(2023, 6, 30),
    )  # fmt: skip
    assert [row[:3] + row[7:10] for row in rows] == [
        tuple(row[name] for name in ("kpi_code", "scope_type", "scope_code", "numerator", "denominator", "value"))
        for row in told
    ]
    assert {row[10:] for row in rows} == {
        ("Tỷ lệ giải quyết trước và đúng hạn", "tỷ lệ", False),
        ("Hồ sơ tiếp nhận", "hồ sơ", False),
    }


# --- persons


def test_pseudonyms_are_in_no_export(current: Release, release: duckdb.DuckDBPyConnection) -> None:
    keys = {c.stored_name for s in all_sources().values() for c in s.identities}
    tables = release.execute(
        f"select distinct schema_name || '.' || table_name from duckdb_columns() where column_name in {tuple(keys)} "
        "and schema_name in ('marts', 'history')"
    ).fetchall()
    assert len(tables) >= 5
    with open_release(current) as con:
        for (table,) in tables:
            columns = con.sql(relation(con, current, (table,), Filters()).sql).columns
            assert columns and not keys & set(columns), table


@pytest.fixture
def of_births(home: Path, tmp_path: Path) -> Release:
    """The golden release with births, of which it has none: month by month in three communes."""
    folder = tmp_path / "000001_2023-07-31"
    folder.mkdir()
    shutil.copyfile(home / "current" / "cchc.duckdb", folder / "cchc.duckdb")
    with duckdb.connect(str(folder / "cchc.duckdb")) as con:
        con.execute("delete from marts.kpi_values where scope_type = 'commune'")
        con.execute(
            """
            insert into marts.kpi_values
            select kpi, 'commune', code, 'month', make_date(2023, month, 1), last_day(make_date(2023, month, 1)),
                date '2023-07-31', n, whole, n / coalesce(whole, 1)
            from (values
                ('births_registered', 'A', 1, 3, null), ('births_registered', 'B', 1, 4, null),
                ('births_registered', 'A', 4, 5, null), ('births_registered', 'B', 4, 0, null),
                ('birth_on_time_rate', 'A', 1, 20, 23), ('birth_on_time_rate', 'B', 1, 20, 20),
                ('birth_on_time_rate', 'C', 1, 30, 35), ('directives_issued', 'A', 1, 2, null)
            ) as of (kpi, code, month, n, whole)
            """
        )
    return Release(folder, {"release_id": folder.name, "as_of": "2023-07-31"})


def test_figures_of_few_persons_are_withheld(of_births: Release, tmp_path: Path) -> None:
    shown = {}
    for name in ("kpi_values", "chi_tieu"):
        done = export(of_births, (name,), Filters(), tmp_path / f"{name}.parquet")
        rows = duckdb.sql(f"from '{tmp_path}/{name}.parquet'").fetchall()
        assert done.rows == len(rows) and done.withheld == 4
        shown[name] = rows
    of_communes = sorted((r[0], r[2], r[4].month, *r[7:11]) for r in shown["kpi_values"] if r[1] == "commune")
    assert of_communes == [
        ("birth_on_time_rate", "A", 1, None, None, None, True),  # three were late
        ("birth_on_time_rate", "B", 1, None, None, None, True),  # the least beside it
        ("birth_on_time_rate", "C", 1, 30, 35, 30 / 35, False),
        ("births_registered", "A", 1, None, None, None, True),
        ("births_registered", "A", 4, 5, None, 5.0, False),
        ("births_registered", "B", 1, None, None, None, True),
        ("births_registered", "B", 4, 0, None, 0.0, False),
        ("directives_issued", "A", 1, 2, None, 2.0, False),
    ]
    in_vietnamese = sorted((r[0], r[3], r[5].month, *r[8:11], r[12]) for r in shown["chi_tieu"] if r[2] == "Địa bàn xã")
    assert in_vietnamese == of_communes


def test_what_would_tell_a_withheld_figure_is_withheld_with_it() -> None:
    """The only small commune of a quarter takes the least beside it along, in all months of the quarter."""
    with duckdb.connect() as con:
        con.execute("create schema marts")
        con.execute(
            "create table marts.kpi_catalogue as select 'births_registered' as kpi_code, 'fct_civil_registrations' as mart"
        )
        con.execute(
            """
            create table given as
            select 'births_registered' as kpi_code, scope_type, scope_code, 'month' as period_type,
                make_date(2023, month, 1) as period_start, n as numerator, null::bigint as denominator, n::double as value
            from (values
                ('province', 'all', 1, 40), ('province', 'all', 2, 30), ('province', 'all', 3, 30),
                ('commune', 'A', 1, 3), ('commune', 'B', 1, 7), ('commune', 'C', 1, 30), ('commune', 'D', 1, 0),
                ('commune', 'A', 2, 9), ('commune', 'B', 2, 8), ('commune', 'C', 2, 13),
                ('commune', 'A', 4, 2), ('commune', 'B', 4, 1), ('commune', 'C', 4, 20)
            ) as of (scope_type, scope_code, month, n)
            """
        )
        hidden = con.execute(
            f"select scope_code, month(period_start) from ({withheld('given')}) where is_withheld order by all"
        ).fetchall()
    # A alone is small in January: its quarter's other month goes, too, and B's months with them. In April two are small.
    assert hidden == [("A", 1), ("A", 2), ("A", 4), ("B", 1), ("B", 2), ("B", 4)]


@pytest.mark.parametrize("seed", range(40))
def test_no_sum_tells_a_small_figure(seed: int) -> None:
    """Communes add up to the province, months to quarters, quarters to the year: what follows from what is shown."""
    rng = random.Random(seed)
    communes, months = [f"C{n}" for n in range(rng.randint(1, 6))], range(1, rng.choice([2, 5, 7, 12]) + 1)
    count = {(c, m): rng.choice([0, 0, rng.randint(1, 6), rng.randint(5, 60)]) for c in communes for m in months}
    periods = {
        **{("month", f"2023-{m:02d}-01"): [m] for m in months},
        **{("quarter", f"2023-{q:02d}-01"): [m for m in months if q <= m < q + 3] for q in (1, 4, 7, 10) if q in months},
        ("year", "2023-01-01"): list(months),
    }  # fmt: skip
    scopes = {("commune", c): [c] for c in communes} | {("province", "all"): communes}
    cells = {(s, p): [(c, m) for c in of for m in span] for s, of in scopes.items() for p, span in periods.items()}
    with duckdb.connect() as con:
        con.execute("create schema marts")
        con.execute(
            "create table marts.kpi_catalogue as select 'births_registered' as kpi_code, 'fct_civil_registrations' as mart"
        )
        con.execute(
            "create table given (kpi_code text, scope_type text, scope_code text, period_type text, period_start date, "
            "numerator bigint, denominator bigint, value double)"
        )
        con.executemany(
            "insert into given values ('births_registered', ?, ?, ?, ?, ?, null, 0)",
            [[*s, *p, sum(count[at] for at in of)] for (s, p), of in cells.items()],
        )
        shown = con.execute(
            "select scope_type, scope_code, period_type, period_start::text, numerator, is_withheld "
            f"from ({withheld('given')})"
        ).fetchall()
    assert len(shown) == len(cells)
    places = {at: n for n, at in enumerate(count)}
    told = [cells[(a, b), (c, d)] for a, b, c, d, _, is_withheld in shown if not is_withheld]
    kept = [((a, b), (c, d)) for a, b, c, d, _, is_withheld in shown if is_withheld]
    assert {cell for cell, of in cells.items() if 1 <= sum(count[at] for at in of) <= 4} <= set(kept)

    def rows(of: list[list[tuple[str, int]]]) -> np.ndarray:
        made = np.zeros((len(of), len(places)))
        for row, ats in enumerate(of):
            made[row, [places[at] for at in ats]] = 1
        return made

    rank = np.linalg.matrix_rank(rows(told)) if told else 0
    following = [
        cell for cell in kept
        if 1 <= sum(count[at] for at in cells[cell]) <= 4 and np.linalg.matrix_rank(rows([*told, cells[cell]])) == rank
    ]  # fmt: skip
    assert following == []


# --- the command


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["hoso"], "did you mean ho_so"),
        (["marts.ho_so"], "'marts.ho_so' is neither"), (["bao_cao.fct_dossiers"], "is neither"),
        (["don_vi", "--scope", "channel=online"], "no column for the scope type channel"),
        (["don_vi", "--from", "2023-01-01"], "has no day"),
        (["fct_payments", "--as-of", "2023-06-30"], "is not known"),
        (["fct_payments", "--as-of", "2023-08-01"], "after the release's day"),
        (["fct_payments", "on_time_rate"], "give it alone"),
        (["fct_payments", "--by", "agency"], "give it alone"),
        (["on_time_rate", "--by", "village"], "village"),
        (["don_vi", "--to", "other.csv"], "one file"),
        (["don_vi", "--to", "June"], "neither a day"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_what_cannot_be_exported_is_wrong_usage(arguments: list[str], named: str, home: Path, tmp_path: Path) -> None:
    with pytest.raises((UsageError, click.UsageError), match=named):
        cli.main(["export", "--home", str(home), *arguments, "--to", str(tmp_path / "out.csv")], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_an_export_stands_in_the_audit_trail(landing_and_home: tuple[Path, Path], ask: Callable[..., str]) -> None:
    landing, home = landing_and_home
    out = landing / "out.xlsx"
    said = ask("export", "on_time_rate", "--by", "agency", "--home", home, "--to", "2023-06-30", "--to", out)
    assert said == f"export    2 rows, in {out}\n"
    last = json.loads((home / "audit.jsonl").read_text("utf-8").splitlines()[-1])
    assert (last["event"], last["as_of"], last["what"]) == ("exported", "2023-07-31", "on_time_rate, 2 rows, to .xlsx")
