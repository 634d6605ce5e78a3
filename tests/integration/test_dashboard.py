"""The dashboard of a release: its figures are those of `cchc kpi`, in a real browser, with nothing from the network."""

from __future__ import annotations

import json
import re
import shutil
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import altair
import duckdb
import lxml.html
import pytest

from orchestration.publishing import releases
from orchestration.reports.dashboard import write_dashboard
from orchestration.reports.dashboard.content import STRETCH, WITHHELD, _communes, _json, content, declared
from orchestration.reports.dashboard.rendered import rendered
from tests.support.browser import browser, in_browser, open_all, opened

HOSTILE = '</script><script>document.title="ran"</script><img src=x onerror=\'document.title="ran"\'>'


@pytest.fixture(scope="module")
def page(home: Path) -> Path:
    return home / "current" / "dashboard" / "index.html"


@pytest.fixture(scope="module")
def data(page: Path) -> dict[str, Any]:
    """What the page holds."""
    packed = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)[1]
    return json.loads(zlib.decompress(b64decode(packed)))


@pytest.fixture(scope="module")
def seen(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """`seen(view)`: the document as a browser shows it for a view in the address, every table opened."""
    with browser() as started:

        def look(view: str = "", text: str | None = None) -> Any:
            path = page
            if text:
                path = tmp_path_factory.mktemp("seen") / "dashboard" / "index.html"
                path.parent.mkdir()
                path.write_text(text, "utf-8")
            with opened(started, path, f"#{view}", height=2000) as shown:
                open_all(shown)
                tree = lxml.html.fromstring(shown.content())
            charts = tree.xpath("//div[starts-with(@id, 'chart-')]")
            assert charts and all(chart.xpath(".//*[local-name()='svg']") for chart in charts)
            return tree

        yield look


def figures_of(tree: Any) -> list[tuple[str, str, str, str, str | None]]:
    names = ("data-kpi", "data-scope", "data-from", "data-to", "data-value")
    return [tuple(found.get(name) for name in names) for found in tree.xpath("//*[@data-kpi][not(@data-behind)]")]


def split_of(tree: Any) -> dict[tuple[str, str], int]:
    """The numbers of rows behind KPIs in the period of the view, by KPI and what they are split by."""
    return {
        (found.get("data-kpi"), found.get("data-scope")): int(found.get("data-value"))
        for found in tree.xpath("//*[@data-behind][@data-value]")
    }


def known(release: duckdb.DuckDBPyConnection, scope: str, kpi: str, first: str, last: str) -> float | None:
    scope_type, _, scope_code = scope.partition("=")
    found = release.execute(
        "select value from marts.kpi_values where scope_type = ? and scope_code = ? and kpi_code = ? "
        "and period_start = ?::date and period_end = ?::date",
        [scope_type, scope_code, kpi, first, last],
    ).fetchall()
    return found[0][0] if found else None


@in_browser
def test_every_figure_shown_is_the_release_s(
    seen: Callable[..., Any], data: dict[str, Any], release: duckdb.DuckDBPyConnection
) -> None:
    values = {
        (kpi, f"{scope_type}={scope_code}", str(first), str(last)): value
        for kpi, scope_type, scope_code, first, last, value in release.execute(
            "select kpi_code, scope_type, scope_code, period_start, period_end, value from marts.kpi_values"
        ).fetchall()
    }
    stretches = {(p["from"], p["to"]) for p in data["periods"] if p["type"] == STRETCH}
    for first, last in stretches:
        values |= {
            (kpi, f"{scope_type}={scope_code}", first, last): value
            for kpi, scope_type, scope_code, value in release.execute(
                "select kpi_code, scope_type, scope_code, value from marts.kpis(?::date, ?::date, ?::date)",
                [first, last, data["as_of"]],
            ).fetchall()
        }
    month = next(p for p in data["periods"] if p["type"] == "month" and p["from"] < data["as_of"])
    agency, field = next(iter(data["agencies"])), next(iter(data["fields"]))
    running = f"quarter.{data['as_of'][:4]}-07-01"
    views = ("", f"period=month.{month['from']}", f"period={running}", f"agency={agency}", f"field={field}",
             "level=province")  # fmt: skip
    for view in views:
        tree = seen(view)
        figures = figures_of(tree)
        assert len(figures) > 50, view
        for *key, shown in figures:
            value = values.get(tuple(key))
            if shown is None:
                assert data["kpis"][key[0]]["of_persons"], key
            else:
                assert (None if shown == "" else float(shown)) == value, key
        if view == f"period={running}":
            compared = figures_of(tree.get_element_by_id("cards"))
            assert sum((first, last) in stretches for _, _, first, last, _ in compared) > 5


@in_browser
def test_every_number_says_what_it_is(seen: Callable[..., Any], data: dict[str, Any]) -> None:
    code = next(code for code, lists in data["dossiers"]["of"].items() if lists)
    for view in ("", f"agency={code}"):
        numbers = seen(view).xpath("//td[@class='n'] | //dd[@class='value']/*[1]")
        assert len(numbers) > 100
        for number in numbers:
            says = set(number.attrib)
            assert says & {"data-value", "data-withheld"}, number.text
            assert says & {"data-kpi", "data-criterion", "data-quality"}, number.text
            assert "data-quality" in says or {"data-scope", "data-from", "data-to"} <= says, number.text


# What a number of rows is split by, as columns of the rows behind it.
SPLIT = {"agency": "scope_agency", "level": "scope_level", "field": "scope_field", "procedure": "scope_procedure",
         "commune": "scope_commune", "provider": "provider_code", "facility": "facility_code"}  # fmt: skip


def counts_behind(con: duckdb.DuckDBPyConnection, tree: Any, as_of: str) -> set[str]:
    """Compare every number of rows with `rows_behind` of its own period, every point with `scores`; the KPIs compared."""
    [(first, last)] = {(n.get("data-from"), n.get("data-to")) for n in tree.xpath("//*[@data-behind]")}
    con.execute(
        "create or replace temp table behind as "
        "select rows.*, processing_working_days, provider_code, facility_code "
        "from marts.rows_behind(?::date, ?::date, ?::date) as rows "
        "left join marts.fct_dossiers on dossier_code = entity_code and scope_channel is not null "
        "left join marts.fct_payments on transaction_code = entity_code and kpi_code like 'payments_%' "
        "left join marts.fct_health_lookups on lookup_code = entity_code and kpi_code = 'health_lookups'",
        [first, last, as_of],
    )
    split = split_of(tree)
    for (kpi, scope), value in split.items():
        conditions, given = ["kpi_code = ?"], [kpi]
        for name, _, part in (one.partition("=") for one in scope.split(";")):
            if name == "processing_working_days":
                conditions.append(f"processing_working_days {'>=' if part.endswith('+') else '='} {part.rstrip('+')}")
            elif name != "province":
                conditions.append(f"coalesce({SPLIT[name]}, '') = ?")
                given.append(part)
        number = "coalesce(sum(amount), 0)" if kpi == "payments_paid_amount" else "count(*)"
        found = con.execute(f"select {number} from behind where {' and '.join(conditions)}", given).fetchall()
        assert found == [(value,)], (first, last, kpi, scope)
    points = {
        (f"{index} {version} {criterion}", which): value
        for index, version, criterion, *values in con.execute(
            "select index_code, version, criterion_code, max_points, points, points_lost "
            "from marts.scores(?::date, ?::date, ?::date) where scope_type = 'province'",
            [first, last, as_of],
        ).fetchall()
        for which, value in zip(("max_points", "points", "points_lost"), values, strict=True)
    }
    shown = {
        (n.get("data-criterion"), n.get("data-points")): float(value) if (value := n.get("data-value")) else None
        for n in tree.xpath("//*[@data-criterion]")
        if (n.get("data-from"), n.get("data-to")) == (first, last)
    }
    assert shown == points and any(shown.values())
    return {kpi for kpi, _ in split}


@in_browser
def test_numbers_of_rows_are_those_behind_the_kpi_in_any_period(
    home: Path, seen: Callable[..., Any], tmp_path: Path
) -> None:
    """An agency's fields and procedures, processing times, providers, facilities, communes and scorecards, over periods."""
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "more.duckdb")
    release_id, as_of = _of(home)
    with duckdb.connect(str(tmp_path / "more.duckdb")) as con:
        for month in range(1, as_of.month + 1):
            for code, times in (("A", 20), ("B", 9 + month), ("C", 6)):
                look_up(con, code, times, f"2023-{month:02}-01")
            pay(con, "A" if month % 3 else "B", month, f"2023-{month:02}-01")
        made = content(con, release_id, as_of)
        periods = {f"{period['type']}.{period['from']}": place for place, period in enumerate(made["periods"])}
        code = max(made["opened"]["by"], key=lambda agency: len(made["opened"]["by"][agency]["counts"]))
        year, text = as_of.year, rendered(made)
        asked = [f"year.{year}-01-01", f"year.{year - 1}-01-01", f"quarter.{year}-04-01", f"month.{year}-03-01",
                 f"month.{as_of:%Y-%m}-01"]  # fmt: skip
        assert set(asked) <= periods.keys()
        for period in asked:
            tree = seen(f"period={period}&agency={code}", text)
            place = periods[period]
            assert {n.get("data-to") for n in tree.xpath("//*[@data-behind]")} == {made["periods"][place]["to"]}
            kpis = counts_behind(con, tree, as_of.isoformat())
            assert {"dossiers_received", "dossiers_in_process"} <= kpis, period
            if period.startswith(("month", "quarter")) or period == asked[0]:
                assert {"payments_paid", "payments_paid_amount", "health_lookups"} <= kpis, period
        counts_behind(con, seen(f"period={asked[3]}", text), as_of.isoformat())


def test_the_same_days_of_a_former_period_are_what_the_command_answers(trap: Path) -> None:
    """Over a landing full of traps, in the midst of a month."""
    with duckdb.connect(str(trap / "home" / "warehouse.duckdb"), read_only=True) as con:
        stretches = con.execute(
            "select period_type, compared_with, period_start, period_end, as_of from marts.kpi_same_days group by all"
        ).fetchall()
        assert {stretch[:2] for stretch in stretches} == {
            ("month", "period_before"), ("month", "year_before"), ("quarter", "period_before"),
            ("quarter", "year_before"), ("year", "year_before"),
        }  # fmt: skip
        for period_type, compared_with, first, last, as_of in stretches:
            figures = "kpi_code, scope_type, scope_code, numerator, denominator, value"
            answered = (
                f"select {figures} from marts.kpis($first::date, $last::date, $as_of::date) "
                "where kpi_code in (select kpi_code from marts.kpi_same_days)"
            )
            kept = (
                f"select {figures} from marts.kpi_same_days "
                "where (period_type, compared_with) = ($period_type, $compared_with)"
            )
            asked = {"first": first, "last": last, "as_of": as_of}
            asked |= {"period_type": period_type, "compared_with": compared_with}
            different = con.execute(
                f"({answered} except {kept}) union all ({kept} except {answered}) order by all", asked
            ).fetchall()
            assert different == [], (period_type, compared_with, first, last)


def test_changes_add_up_to_the_rows_behind_a_kpi(release: duckdb.DuckDBPyConnection, home: Path) -> None:
    as_of = _of(home)[1]
    release.execute("create temp table changes as from marts.changes_behind(?::date)", [as_of])
    compared: set[str] = set()
    for first, last in (("2023-01-01", as_of), ("2022-03-05", "2023-02-17"), ("2023-03-31", "2023-03-31")):
        scopes = "kpi_code, in_numerator, amount, " + ", ".join(
            f"scope_{scope}"
            for scope in ("agency", "level", "commune", "field", "procedure", "channel", "service_level")
        )
        of_days = "kpi_code in (select kpi_code from changes)"
        [different] = release.execute(
            f"""
            with summed as (
                select {scopes}, sum(change) as number from changes
                where changed_on <= $last and (is_stock or changed_on >= $first) group by all having number <> 0
            ),
            behind as (
                select {scopes}, count(*) as number from marts.rows_behind($first::date, $last::date, $as_of::date)
                where {of_days} group by all
            )
            select list(different) from ((from summed except from behind) union all (from behind except from summed))
                as different
            """,
            {"first": first, "last": last, "as_of": as_of},
        ).fetchall()[0]
        assert not different, (first, last)
        compared |= {kpi for (kpi,) in release.execute("select distinct kpi_code from changes").fetchall()}
    assert compared >= {
        "dossiers_received", "dossiers_resolved_late", "dossiers_in_process_overdue", "on_time_rate",
        "average_processing_working_days",
    }  # fmt: skip


@in_browser
def test_the_year_s_figures_are_those_of_the_command(seen: Callable[..., Any], ask: Any, home: Path) -> None:
    told = {
        (row["kpi_code"], f"{row['scope_type']}={row['scope_code']}"): row["value"]
        for row in json.loads(ask("kpi", "--home", home, "--by", "province,agency", "--format", "json"))
    }
    as_of = releases.read((home / "current").resolve()).as_of
    figures = [
        f for f in figures_of(seen()) if f[2:4] == (f"{as_of.year}-01-01", as_of.isoformat()) and f[4] is not None
    ]
    assert len({kpi for kpi, *_, value in figures if value}) >= 20
    assert {(kpi, scope): float(value) if value else None for kpi, scope, _, _, value in figures} == {
        (kpi, scope): told[kpi, scope] for kpi, scope, *_ in figures
    }


@in_browser
def test_the_address_keeps_the_view(seen: Callable[..., Any], data: dict[str, Any]) -> None:
    (code, agency), *others = data["agencies"].items()
    level = agency["level"]
    assert any(other["level"] != level for _, other in others)
    tree = seen(f"level={level}&agency={code}")
    assert tree.xpath("string(//*[@id='view'])").startswith(agency["name"])
    assert {f[1] for f in figures_of(tree.get_element_by_id("cards"))} == {f"agency={code}"}
    rows = {f[1].removeprefix("agency=") for f in figures_of(tree.get_element_by_id("league"))}
    assert rows and {data["agencies"][row]["level"] for row in rows} == {level}
    assert code in tree.xpath("string(//*[@id='agency-title'])")


@in_browser
def test_a_view_that_leads_nowhere_shows_the_province(seen: Callable[..., Any]) -> None:
    tree = seen("agency=__proto__&field=constructor&period=nothing&sort=toString")
    assert tree.xpath("string(//*[@id='view'])").startswith("Toàn tỉnh")


@in_browser
def test_what_a_release_says_is_text(home: Path, seen: Callable[..., Any]) -> None:
    with duckdb.connect() as con:
        made = _content(con, home)
    code = next(code for code, lists in made["dossiers"]["of"].items() if lists)
    made["agencies"][code]["name"] = HOSTILE
    made["procedures"] = dict.fromkeys(made["procedures"], HOSTILE)
    made["fields"] = dict.fromkeys(made["fields"], HOSTILE)
    for rows in made["dossiers"]["of"][code].values():
        rows["first"][0][0] = HOSTILE
    tree = seen(f"agency={code}", rendered(made))
    assert tree.findtext(".//title").startswith("Bảng điều hành")
    assert not tree.xpath("//img")
    assert HOSTILE in tree.xpath("string(//*[@id='agency-title'])")
    assert HOSTILE in tree.xpath("string(//*[@id='opened'])")


def test_small_numbers_of_persons_are_not_in_the_file(home: Path, data: dict[str, Any], tmp_path: Path) -> None:
    of_persons = {kpi for kpi, said in data["kpis"].items() if said["of_persons"]}
    assert {"deaths_registered", "births_registered", "health_lookups"} < of_persons < data["kpis"].keys()
    assert not [s for s, kpis in data["figures"].items() if s != "province=all" and kpis.keys() & of_persons]
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "small.duckdb")
    cases = {("deaths_registered", 1, None): True, ("deaths_registered", 4, None): True,
             ("deaths_registered", 5, None): False, ("deaths_registered", 0, None): False,
             ("death_on_time_rate", 4, 90): True, ("death_on_time_rate", 86, 90): True,
             ("death_on_time_rate", 90, 90): False, ("death_on_time_rate", 0, 4): True,
             ("dossiers_withdrawn", 1, None): False}  # fmt: skip
    with duckdb.connect(str(tmp_path / "small.duckdb")) as con:
        for (kpi, top, base), is_withheld in cases.items():
            con.execute(
                "update marts.kpi_values set numerator = $top, denominator = $base, value = 0.5 "
                "where kpi_code = $kpi and scope_type = 'province'",
                {"kpi": kpi, "top": top, "base": base},
            )
            made = content(con, *_of(home))
            of_values = [place for place, period in enumerate(made["periods"]) if period["type"] != STRETCH]
            tops, *bases = ([of[place] for place in of_values] for of in made["figures"]["province=all"][kpi])
            shown = {WITHHELD} if is_withheld else {top}
            assert set(tops) == shown, (kpi, top, base)
            assert [set(b) for b in bases] == ([{base}] if base and not is_withheld else []), (kpi, top, base)


def test_a_month_left_out_cannot_be_told_from_the_others(home: Path, tmp_path: Path) -> None:
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "small.duckdb")
    kpi, of_months = "deaths_registered", "kpi_code = 'deaths_registered' and scope_type = 'province' and period_type"
    with duckdb.connect(str(tmp_path / "small.duckdb")) as con:
        con.execute(f"update marts.kpi_values set numerator = 50, value = 50 where {of_months} in ('month', 'quarter')")
        con.execute(
            f"update marts.kpi_values set numerator = if(month(period_start) = 5, 3, 40 + month(period_start)), value = 3 "
            f"where {of_months} = 'month' and month(period_start) between 4 and 6"
        )
        made = content(con, *_of(home))
    tops = made["figures"]["province=all"][kpi][0]
    shown = {(p["type"], p["from"]): tops[place] for place, p in enumerate(made["periods"])}
    assert [shown["month", f"2023-{month:02}-01"] for month in (1, 4, 5, 6)] == [50, *[WITHHELD] * 3]
    assert shown["quarter", "2023-04-01"] == 50


def look_up(con: duckdb.DuckDBPyConnection, facility: str, times: int, on: str) -> None:
    """So many look-ups by one facility on a day."""
    for table, end in (("history.health_lookups", ", known_to"), ("marts.fct_health_lookups", "")):
        own = ", facility_key" if not end else ""
        con.execute(
            f"insert into {table} (lookup_code, facility_code, looked_up_at, document_type, result, known_from, "
            f"last_shown_at{end}{own}) select $code || $on || i, $code, $on::timestamp, 'CCCD', 'success', "
            f"$on::timestamp, $on::timestamp{', timestamp ' + repr('9999-12-31') if end else ', $code'} "
            "from range($times) as t(i)",
            {"code": facility, "times": times, "on": on},
        )


def pay(con: duckdb.DuckDBPyConnection, provider: str, times: int, on: str) -> None:
    """So many payments of 1,000 dong and more through one provider on a day."""
    for table, end in (("history.payments", ", known_to"), ("marts.fct_payments", "")):
        con.execute(
            f"insert into {table} (transaction_code, provider_code, amount, status, paid_at, known_from, last_shown_at"
            f"{end}) select $code || $on || i, $code, 1000 + i, 'paid', $on::timestamp, $on::timestamp, $on::timestamp"
            f"{', timestamp ' + repr('9999-12-31') if end else ''} from range($times) as t(i)",
            {"code": provider, "times": times, "on": on},
        )


def told(made: dict[str, Any], period_type: str, first: str) -> tuple[dict[str, int], int]:
    """Of a period the look-ups by facility that the page holds, and how many facilities it does not tell of."""
    [place] = [at for at, p in enumerate(made["periods"]) if (p["type"], p["from"]) == (period_type, first)]
    facilities = made["facilities"]
    found = facilities["used"][str(place)]
    return {facilities["names"][str(facility)][0]: n for facility, n in found["listed"]}, found["untold"]


def test_facilities_with_few_look_ups_are_not_told(home: Path, tmp_path: Path) -> None:
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "looked.duckdb")
    with duckdb.connect(str(tmp_path / "looked.duckdb")) as con:
        for facility, times in (("A", 20), ("B", 9), ("C", 7), ("D", 4)):
            look_up(con, facility, times, "2023-03-01")
        made = content(con, *_of(home))
        for period in (("year", "2023-01-01"), ("quarter", "2023-01-01"), ("month", "2023-03-01")):
            assert told(made, *period) == ({"A": 20, "B": 9}, 2)
        assert {name for name, *_ in made["facilities"]["names"].values()} == {"A", "B"}
        look_up(con, "E", 2, "2023-03-01")
        made = content(con, *_of(home))
        assert told(made, "year", "2023-01-01") == ({"A": 20, "B": 9, "C": 7}, 2)


def test_a_facility_s_month_cannot_be_told_from_its_quarter(home: Path, tmp_path: Path) -> None:
    """Of small months all siblings are left out; of a small quarter all quarters of the year, and their months."""
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "looked.duckdb")
    with duckdb.connect(str(tmp_path / "looked.duckdb")) as con:
        for month in (1, 2, 3, 4, 5, 6):
            look_up(con, "A", 20, f"2023-{month:02}-01")
            look_up(con, "B", 50, f"2023-{month:02}-01")
            look_up(con, "C", 3 if month == 2 else 10, f"2023-{month:02}-01")  # a small month
        look_up(con, "D", 4, "2023-01-01")  # a small quarter
        look_up(con, "D", 30, "2023-05-01")
        look_up(con, "E", 2, "2023-05-01")  # a small year
        made = content(con, *_of(home))
    assert told(made, "year", "2023-01-01") == ({"B": 300, "A": 120, "C": 53}, 2)
    assert told(made, "quarter", "2023-01-01") == ({"B": 150, "A": 60, "C": 23}, 2)
    assert told(made, "quarter", "2023-04-01") == ({"B": 150, "A": 60, "C": 30}, 2)
    assert told(made, "month", "2023-01-01") == ({"B": 50, "A": 20}, 2)
    assert told(made, "month", "2023-05-01") == ({"B": 50, "A": 20, "C": 10}, 2)


@in_browser
def test_the_map_of_communes_tells_of_listed_facilities_alone(home: Path, seen: Callable[..., Any]) -> None:
    with duckdb.connect() as con:
        made = _content(con, home)
    names = [["1", "Bệnh viện", "30730"], ["2", "Trạm y tế", "30730"], ["3", "Trạm y tế", "30733"]]
    used = {"listed": [[0, 20], [1, 9], [2, 7]], "untold": 1, "partly": ["30733"]}
    made["facilities"] |= {"names": names, "used": [used] * len(made["periods"])}
    made["communes"] = {code: {"name": f"Xã {code}", "district": "Rạch Giá"} for code in ("30730", "30733", "30736")}
    tree = seen("", rendered(made))
    shown = {scope: value for (kpi, scope), value in split_of(tree).items() if kpi == "health_lookups"}
    assert shown == {"commune=30730": 29, "facility=1": 20, "facility=2": 9, "facility=3": 7}
    assert tree.xpath("//*[@data-kpi='health_lookups'][@data-withheld]/@data-scope")[-1] == "commune=30733"
    assert "commune=30736" not in tree.xpath("//@data-scope")


def test_communes_are_those_of_the_look_ups(home: Path, tmp_path: Path) -> None:
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "communes.duckdb")
    with duckdb.connect(str(tmp_path / "communes.duckdb")) as con:
        assert content(con, *_of(home))["communes"] == {}
        con.execute("insert into dashboard_used (kpi_code, commune) values ('health_lookups', '30730')")
        communes = _json(con, _communes(_of(home)[1]))
    assert communes["30730"]["district"] == "Thành phố Rạch Giá" and len(communes) > 5
    assert {one["district"] for one in communes.values()} == {"Thành phố Rạch Giá"}


def test_what_an_agency_opens_are_the_rows_behind_its_figures(
    data: dict[str, Any], release: duckdb.DuckDBPyConnection
) -> None:
    for code, split in data["opened"]["by"].items():
        for place, period in enumerate(data["periods"]):
            if period["type"] == STRETCH:
                continue
            rows = split["counts"].get(str(place), [])
            for column, kpi in enumerate(data["opened"]["kpis"], start=1):
                assert sum(row[column] for row in rows) == (
                    known(release, f"agency={code}", kpi, period["from"], period["to"]) or 0
                ), (code, kpi, period)
    first = f"{data['as_of'][:4]}-01-01"
    for code, lists in data["dossiers"]["of"].items():
        overdue = known(release, f"agency={code}", "dossiers_in_process_overdue", first, data["as_of"])
        assert lists.get("overdue", {"known": 0})["known"] == overdue
    assert any(data["dossiers"]["of"].values())


def test_processing_times_are_those_of_the_mean(data: dict[str, Any]) -> None:
    for scope, kpis in data["figures"].items():
        tops, bases = [*kpis["average_processing_working_days"], [0] * len(data["periods"])][:2]
        for place, period in enumerate(data["periods"]):
            if period["type"] == STRETCH:
                continue
            days = data["days"]["of"].get(scope, {}).get(str(place), [])
            assert sum(number for _, number in days) == (bases[place] or 0), (scope, period)
            if all(day <= data["days"]["most"] for day, _ in days):
                assert sum(day * number for day, number in days) == (tops[place] or 0), (scope, period)
    assert len(data["days"]["of"]["province=all"]) > 3


def test_providers_and_ranks_are_the_figures_of_their_kpis(home: Path, tmp_path: Path) -> None:
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "more.duckdb")
    release_id, as_of = _of(home)
    known = "known_from, last_shown_at"
    with duckdb.connect(str(tmp_path / "more.duckdb")) as con:
        for table, to in (("history.payments", ", known_to"), ("marts.fct_payments", "")):
            end = ", timestamp '9999-12-31'" if to else ""
            con.execute(
                f"insert into {table} (transaction_code, provider_code, amount, status, paid_at, {known}{to}) "
                f"select 't' || i, if(i = 5, 'B', 'A'), i * 1000, if(i = 4, 'cancelled', 'paid'), "
                f"timestamp '2023-03-01', timestamp '2023-03-02', timestamp '2023-03-02'{end} from range(1, 6) as t(i)"
            )
        for table, to in (("history.index_results", ", known_to"), ("marts.fct_index_results", "")):
            end = ", timestamp '9999-12-31'" if to else ""
            con.execute(
                f"insert into {table} (index_code, year, rank, ranked_units, {known}{to}) "
                f"select code, year, year - 2000, 63, timestamp '2023-03-02', timestamp '2023-03-02'{end} "
                "from (values ('PAR'), ('PAPI')) as c(code), (values (2021), (2022)) as y(year)"
            )
        made = content(con, release_id, as_of)
        told = {
            (year, kpi): value
            for year in (2021, 2022, as_of.year)
            for kpi, value in con.execute(
                "select kpi_code, value from marts.kpis(?::date, least(?::date, ?::date), ?::date) "
                "where scope_type = 'province'",
                [f"{year}-01-01", f"{year}-12-31", as_of, as_of],
            ).fetchall()
        }
    [place] = [at for at, p in enumerate(made["periods"]) if p["type"] == "year" and p["to"] == as_of.isoformat()]
    used = made["providers"]["used"][str(place)]
    assert [code for code, *_ in used] == ["A", "B"]
    assert sum(number for _, number, _ in used) == told[as_of.year, "payments_paid"] == 4
    assert sum(amount for *_, amount in used) == told[as_of.year, "payments_paid_amount"] == 11_000
    assert {(year, kpi): rank for kpi, years in made["ranks"].items() for year, rank, _ in years} == {
        (year, kpi): told[year, kpi] for year in (2021, 2022) for kpi in ("par_index_rank", "papi_rank")
    }


def test_charts_are_what_the_grammar_allows() -> None:
    for name, spec in declared()["charts"].items():
        altair.Chart.from_dict({**spec, "data": {"values": []}}, validate=True), name


def test_what_stands_on_the_page_is_in_the_catalogue(data: dict[str, Any]) -> None:
    named = [kpi for group in data["cards"] for kpi in group["kpis"]]
    named += data["indexes"].values()
    named += [kpi for chart in data["over_time"] for kpi in chart["kpis"]]
    assert set(named) <= data["kpis"].keys()
    assert {chart["chart"] for chart in data["over_time"]} <= data["charts"].keys()


def test_the_page_is_small_reaches_nowhere_and_is_made_again_alike(home: Path, page: Path, tmp_path: Path) -> None:
    assert page.stat().st_size < 2_000_000
    tree = lxml.html.parse(str(page)).getroot()
    assert tree.get("lang") == "vi" and not tree.xpath("//*[@src] | //link")
    assert "default-src 'none'" in tree.xpath("string(//meta[@http-equiv]/@content)")
    with duckdb.connect() as con:
        again = write_dashboard(_attached(con, home), tmp_path / "again", *_of(home))
    assert again.read_bytes() == page.read_bytes()


def _of(home: Path) -> tuple[str, date]:
    found = releases.read((home / "current").resolve())
    return found.release_id, found.as_of


def _attached(con: duckdb.DuckDBPyConnection, home: Path) -> duckdb.DuckDBPyConnection:
    con.execute(f"attach '{(home / 'current').resolve() / 'cchc.duckdb'}' as release (read_only)")
    con.execute("use release")
    return con


def _content(con: duckdb.DuckDBPyConnection, home: Path) -> dict[str, Any]:
    return content(_attached(con, home), *_of(home))
