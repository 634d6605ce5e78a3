"""The rules of all models in one statement a model say what dbt says test by test."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import dbt

pytestmark = pytest.mark.slow

# Breaks a rule of each kind; one statement a line.
BREAK = """
insert into marts.fct_dossiers select * from marts.fct_dossiers limit 2
update marts.fct_dossiers set bucket = 'lost' where dossier_code = (select min(dossier_code) from marts.fct_dossiers)
update marts.fct_dossiers set processing_working_days = -1
update history.procedures set known_to = known_from
update history.agencies set agency_code = null
delete from marts.dim_agency
insert into marts.form_06a select * from marts.form_06a
"""
BROKEN = {
    "fct_dossiers_grain", "fct_dossiers_listed", "fct_dossiers_not_negative", "fct_dossiers_timeliness_fits_bucket",
    "fct_dossiers_working_days_when_resolved", "history_procedures_known_half_open", "history_agencies_filled",
    "form_06a_agency_known", "form_06a_grain",
}  # fmt: skip


# Breaks a contract in each way: a kind, a name, a column too many, one too few, two that changed places.
BREAK_CONTRACTS = """
alter table marts.fct_dossiers alter column fee_amount type integer
alter table marts.dq_flags rename column detail to remark
alter table marts.kpi_values add column remark varchar
alter table marts.form_06a drop column period_type
alter table marts.kpi_vintages rename column numerator to kept
alter table marts.kpi_vintages rename column denominator to numerator
alter table marts.kpi_vintages rename column kept to denominator
"""
BROKEN_COLUMNS = {
    "fct_dossiers.fee_amount", "dq_flags.detail", "dq_flags.remark", "kpi_values.remark", "form_06a.period_type",
    "kpi_vintages.numerator", "kpi_vintages.denominator",
}  # fmt: skip


@pytest.fixture(scope="module")
def found(home: Path, tmp_path_factory: pytest.TempPathFactory, whole: bool) -> tuple[dict[str, int], dict[str, int]]:
    """How many rows break each rule of a warehouse in which many are broken: all at once, and test by test those that are
    broken and some of each kind; all of them by `make soak`."""
    folder = tmp_path_factory.mktemp("rules")
    warehouse = folder / "warehouse.duckdb"
    shutil.copy(home / "warehouse.duckdb", warehouse)
    with duckdb.connect(str(warehouse)) as con:
        for statement in BREAK.strip().splitlines():
            con.execute(statement)
    manifest = dbt.parse()
    names = {i: n.name for i, n in manifest.nodes.items() if getattr(n, "test_metadata", None)}
    models = sorted({n.attached_node for n in manifest.nodes.values() if getattr(n, "test_metadata", None)})

    def invoke(*arguments: str) -> Any:
        result = invoked(folder, warehouse, manifest, *arguments)
        assert result.result is not None, result.exception
        return result.result

    invoke("run-operation", "answer_rules", "--args", f"{{models: {models}}}")
    with duckdb.connect(str(warehouse), read_only=True) as con:
        together = dict(con.execute("select rule_id, failures from quality.rule_results").fetchall())
    kinds: dict[str, list[str]] = {}
    for i, name in sorted(names.items(), key=lambda named: named[1]):
        kinds.setdefault(manifest.nodes[i].test_metadata.name, []).append(name)
    asked = (
        ["test_type:generic"] if whole else [*BROKEN, *(name for of_kind in kinds.values() for name in of_kind[::8])]
    )
    tests = [run for run in invoke("test", "--select", *asked) if run.node.resource_type == "test"]
    one_by_one = {run.node.unique_id: run.failures for run in tests}
    return ({names[i]: n for i, n in together.items()}, {names[i]: n for i, n in one_by_one.items()})


def invoked(folder: Path, warehouse: Path, manifest: Any, *arguments: str, told: list[str] | None = None) -> Any:
    profiles = dbt.write_profile(folder / "dbt", warehouse, Settings.load(), folder / "spill")
    options = ["--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--project-dir", str(PROJECT_DIR),
               "--profiles-dir", str(profiles), "--target-path", str(folder / "dbt")]  # fmt: skip
    callbacks = [lambda event: told.append(event.info.msg)] if told is not None else []
    return dbt.invoke(manifest, [*arguments, *options], callbacks)


def test_every_rule_is_answered_as_dbt_answers_it(found: tuple[dict[str, int], dict[str, int]]) -> None:
    together, one_by_one = found
    assert len(one_by_one) > 35 and one_by_one.keys() >= BROKEN
    assert {name: together[name] for name in one_by_one} == one_by_one


def test_broken_rules_are_found(found: tuple[dict[str, int], dict[str, int]]) -> None:
    together, _ = found
    assert {name for name in BROKEN if not together[name]} == set()


def test_no_test_has_a_setting_that_the_one_statement_leaves_out() -> None:
    tests = [n for n in dbt.parsed_manifest()["nodes"].values() if n.get("test_metadata")]
    assert tests
    settings = {(n["config"][s]) for n in tests for s in ("limit", "fail_calc", "warn_if", "error_if")}
    assert settings == {None, "count(*)", "!= 0"}


def test_contracts_that_are_broken_are_named(home: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copy(home / "warehouse.duckdb", warehouse)
    manifest = dbt.parse()
    models = [i for i, node in manifest.nodes.items() if node.resource_type == "model"]
    asked = ("run-operation", "contracts_kept", "--args", f"{{models: {models}}}")
    assert invoked(tmp_path, warehouse, manifest, *asked).success
    with duckdb.connect(str(warehouse)) as con:
        for statement in BREAK_CONTRACTS.strip().splitlines():
            con.execute(statement)
    told: list[str] = []
    assert not invoked(tmp_path, warehouse, manifest, *asked, told=told).success
    broken = next(words for words in told if "contracts are broken" in words)
    assert {*re.findall(r"marts\.(\w+\.\w+) is declared", broken)} >= BROKEN_COLUMNS
    assert "marts.fct_dossiers.fee_amount is declared BIGINT as column" in broken
