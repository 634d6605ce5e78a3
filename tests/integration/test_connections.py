"""docs/connections.md: its Python is run, and what the dashboard of deploy/superset asks is asked of a release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.settings import PROJECT_DIR

PAGE = (PROJECT_DIR / "docs/connections.md").read_text("utf-8")
SUPERSET = PROJECT_DIR / "deploy/superset"


def those(folder: str) -> dict[str, dict[str, Any]]:
    """The declarations below a folder of the dashboard, by file."""
    return {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted((SUPERSET / folder).rglob("*.yaml"))}


DATABASE, SETS, CHARTS = those("databases")["CCHC"], those("datasets"), those("charts")


@pytest.mark.parametrize("code", re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S))
def test_python_reads_the_rate_that_is_published(code: str, home: Path, release: duckdb.DuckDBPyConnection) -> None:
    known: dict[str, Any] = {}
    exec(code.replace("home/current", str(home / "current")), known)
    *_, published = release.execute("""
        select numerator, denominator, value from marts.kpi_values
        where kpi_code = 'on_time_rate' and scope_type = 'province' and period_type = 'year' order by period_start
    """).fetchall()
    rate = known["rate"]
    if not isinstance(rate, tuple):  # a frame of pandas or of Polars
        [rate] = rate[["numerator", "denominator", "value"]].to_numpy().tolist()
    assert tuple(rate) == pytest.approx(published) and published[1] > 0
    if "release" in known:
        known["release"].close()
        assert len(known["behind"]) > 100


@pytest.mark.parametrize("name", SETS)
def test_a_data_set_is_the_view_that_is_published(name: str, release: duckdb.DuckDBPyConnection) -> None:
    declared = SETS[name]
    assert (declared["table_name"], declared["database_uuid"]) == (name, DATABASE["uuid"])
    published = {c: t for c, t, *_ in release.execute(f"describe {declared['schema']}.{name}").fetchall()}
    assert {c["column_name"]: c["type"] for c in declared["columns"]} == published
    for column in declared["columns"]:
        assert column["is_dttm"] == (column["type"] in ("DATE", "TIMESTAMP")) and column["verbose_name"]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_asks_what_a_release_answers(name: str, release: duckdb.DuckDBPyConnection) -> None:
    [declared] = [s for s in SETS.values() if s["uuid"] == CHARTS[name]["dataset_uuid"]]
    asked = CHARTS[name]["params"]
    metrics = {m["metric_name"]: m["expression"] for m in declared["metrics"]}
    shown = [*asked.get("groupby", []), *([asked["x_axis"]] if "x_axis" in asked else [])]
    counted = [metrics[m] for m in asked.get("metrics", [asked.get("metric")])]
    tests, values = ["true"], []
    for test in asked["adhoc_filters"]:
        tests.append(f"{test['subject']} {'in' if test['operator'] == 'IN' else '='} ?")
        values.append(test["comparator"])
    answer = release.execute(
        f"select {', '.join([*shown, *counted])} from {declared['schema']}.{declared['table_name']} "
        f"where {' and '.join(tests)} group by all order by all",
        values,
    ).fetchall()
    assert answer and all(row[-1] is not None for row in answer)
    for test in asked["adhoc_filters"]:
        if test["subject"] == "ma_chi_tieu":
            [(known,)] = release.execute(
                "select count(*) from marts.kpi_catalogue where list_contains(?, kpi_code)", [test["comparator"]]
            ).fetchall()
            assert known == len(test["comparator"])


def test_the_page_shows_every_chart() -> None:
    [page] = those("dashboards").values()
    placed = [part["meta"]["uuid"] for name, part in page["position"].items() if name.startswith("CHART-")]
    assert sorted(placed) == sorted(chart["uuid"] for chart in CHARTS.values())
    assert DATABASE["extra"]["engine_params"] == {"connect_args": {"read_only": True}} and not DATABASE["allow_dml"]


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE)
    assert pictures and all((PROJECT_DIR / "docs" / p).read_bytes()[:4] == b"\x89PNG" for p in pictures)
