"""What figures there are: KPIs by `seeds/kpi_catalogue.csv`, scope types by `dbt_project.yml`, said there alone."""

from __future__ import annotations

import csv
from functools import cache

import yaml

from orchestration.settings import PROJECT_DIR


@cache
def kpi_codes() -> tuple[str, ...]:
    """The code of every KPI, in the catalogue's order."""
    with (PROJECT_DIR / "seeds" / "kpi_catalogue.csv").open(encoding="utf-8", newline="") as file:
        return tuple(row["kpi_code"] for row in csv.DictReader(file))


@cache
def scope_types() -> tuple[str, ...]:
    """What a figure can be of, the province first (docs/published-interface.md, kpi_values)."""
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text("utf-8"))
    return tuple(project["vars"]["scope_types"])
