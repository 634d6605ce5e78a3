"""A built warehouse rebuilt with macros changed: what a wrong rule would have published."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import dbt

FIGURES = (
    "int_dossier_outcomes", "int_dossiers_counted", "fct_dossiers", "int_kpi_first_month", "int_kpi_dossier_changes",
    "int_kpi_dossier_months", "int_kpi_dossier_periods", "kpi_values",
)  # fmt: skip
BEYOND_FIGURES = ("int_dossier_flags", "dq_flags", "form_06a", "int_published_macros")


@cache
def parsed() -> Any:
    """The project's manifest, parsed once."""
    return dbt.parse()


def macros_of(text: str) -> dict[str, str]:
    """The text of each macro of a file, by name."""
    return {found[1]: found[0] for found in re.finditer(r"\{% macro (\w+)\(.*?\{%-? endmacro %\}", text, re.DOTALL)}


def rebuild_with(warehouse: Path, macros: dict[str, str], models: tuple[str, ...] = FIGURES) -> list[str]:
    """Builds models of dossiers anew with other texts for some of the project's macros; gives what failed, by model."""
    return _invoked(warehouse, macros, "run", "--select", *models)


def unit_tests_with(warehouse: Path, macros: dict[str, str]) -> list[str]:
    """Runs the unit tests of the models of dossiers with other texts for some macros; gives what failed, by test."""
    models = (f"{model},test_type:unit" for model in FIGURES + BEYOND_FIGURES)
    return _invoked(warehouse, macros, "test", "--select", *models)


def _invoked(warehouse: Path, macros: dict[str, str], command: str, *arguments: str) -> list[str]:
    manifest = copy.copy(parsed())
    manifest.macros = manifest.macros | {
        f"macro.cchc.{name}": replace(manifest.macros[f"macro.cchc.{name}"], macro_sql=text)
        for name, text in macros.items()
    }
    target = warehouse.parent / "dbt"
    profiles = dbt.write_profile(target, warehouse, Settings.load(), warehouse.parent / "spill")
    result = dbt.invoke(
        manifest,
        [
            command, *arguments, "--quiet", "--log-level", "none", "--log-level-file", "none", "--no-use-colors",
            "--no-partial-parse", "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(profiles),
            "--target-path", str(target),
        ],
    )  # fmt: skip
    if result.result is None:
        return [f"dbt did not run: {result.exception}"]
    return [f"{run.node.name}: {run.message}" for run in result.result if run.status not in ("success", "pass")]
