"""A built warehouse rebuilt with one macro changed: what a wrong rule would have published."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from orchestration.warehouse import dbt

DOSSIER_MODELS = (
    "fct_dossier_versions", "int_dossiers_counted", "fct_dossiers", "int_kpi_first_month", "int_kpi_dossier_changes",
    "int_kpi_dossier_months", "int_kpi_dossier_periods", "kpi_values", "int_published_macros",
)  # fmt: skip


def rebuild_with(warehouse: Path, macro: str, text: str, models: tuple[str, ...] = DOSSIER_MODELS) -> list[str]:
    """Builds `models` anew with `text` as the project's macro `macro`; gives what failed, by model."""
    manifest = copy.copy(dbt.parse())
    manifest.macros = manifest.macros | {
        f"macro.cchc.{macro}": replace(manifest.macros[f"macro.cchc.{macro}"], macro_sql=text)
    }
    os.environ["CCHC_WAREHOUSE"] = str(warehouse)
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    result = dbtRunner(manifest=manifest).invoke(
        [
            "run", "--select", *models, "--quiet", "--log-level-file", "none", "--no-use-colors", "--no-partial-parse",
            "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR),
            "--target-path", str(warehouse.parent / "dbt"),
        ]
    )  # fmt: skip
    DuckDBConnectionManager.close_all_connections()
    if result.result is None:
        return [f"dbt did not run: {result.exception}"]
    return [f"{run.node.name}: {run.message}" for run in result.result if run.status != "success"]
