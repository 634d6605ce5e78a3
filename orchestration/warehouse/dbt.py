"""dbt in this process: the argument lists, the runner, and what it says of models and tests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.errors import CchcError
from orchestration.home import Home
from orchestration.settings import PROJECT_DIR, Settings, quiet_telemetry

PARSED_MANIFEST = PROJECT_DIR / "target" / "manifest.json"


def manifest_path(home: Home) -> Path:
    """The manifest of the home's last build."""
    return home.work / "dbt" / "manifest.json"


@dataclass
class DbtOutcome:
    """What one invocation did, by the unique id of each node."""

    models: dict[str, str] = field(default_factory=dict)
    tests: dict[str, DbtTest] = field(default_factory=dict)


@dataclass(frozen=True)
class DbtTest:
    """One data test: its status as dbt names it, its severity, and how many rows fail."""

    name: str
    status: str
    severity: str
    failures: int
    model: str | None
    description: str


_QUIETLY = ("--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-version-check")
_PROJECT = ("--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR))


def build_arguments(target_path: Path) -> list[str]:
    """Arguments of the nightly build: everything but unit tests, which run on fixed rows in the test suite."""
    return ["build", "--exclude", "resource_type:unit_test", *_QUIETLY, *_PROJECT, "--target-path", str(target_path)]


def parse_arguments() -> list[str]:
    return ["parse", *_QUIETLY, *_PROJECT]


def parsed_manifest() -> dict[str, Any]:
    """The project's manifest as data, parsed anew when a file of the project is newer. Raises CchcError."""
    files = [PROJECT_DIR / "dbt_project.yml", PROJECT_DIR / "profiles.yml"]
    for folder in ("models", "macros", "seeds", "tests/dbt"):
        files += (PROJECT_DIR / folder).rglob("*")
    newest = max(path.stat().st_mtime for path in files)
    if not PARSED_MANIFEST.exists() or PARSED_MANIFEST.stat().st_mtime < newest:
        parse()
    return json.loads(PARSED_MANIFEST.read_text("utf-8"))


def parse() -> Any:
    """The project's manifest, parsed anew only where files changed. Raises CchcError."""
    quiet_telemetry()
    # The warehouse's path is no part of the project: left in, every home would be parsed anew.
    os.environ.pop("CCHC_WAREHOUSE", None)
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(parse_arguments())
    if not result.success:
        raise CchcError(f"the dbt project cannot be parsed: {result.exception}")
    return result.result


def build(home: Home, settings: Settings, progress: Callable[[str, int, int], None] | None = None) -> DbtOutcome:
    """Build and test every model in the home's warehouse. Raises CchcError when a model fails."""
    quiet_telemetry()
    manifest = parse()
    os.environ["CCHC_WAREHOUSE"] = str(home.warehouse)
    if settings.memory_limit:
        os.environ["CCHC_MEMORY_LIMIT"] = settings.memory_limit
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    result = dbtRunner(manifest=manifest, callbacks=[_counter(manifest, progress)] if progress else []).invoke(
        build_arguments(home.work / "dbt")
    )
    # dbt keeps the file open in this process; nobody else could open it otherwise.
    DuckDBConnectionManager.close_all_connections()
    if result.result is None:
        raise CchcError(f"dbt did not run: {result.exception}")
    outcome = DbtOutcome()
    broken = []
    for run in result.result:
        node = run.node
        if node.resource_type == "test":
            outcome.tests[node.unique_id] = DbtTest(
                node.name,
                str(run.status),
                node.config.severity.lower(),
                run.failures or 0,
                getattr(node, "attached_node", None),
                node.description,
            )
        else:
            outcome.models[node.unique_id] = str(run.status)
            if str(run.status) == "error":
                broken.append(f"{node.name}: {_first_line(run.message)}")
    if broken:
        raise CchcError("dbt could not build " + "; ".join(broken))
    return outcome


def _counter(manifest: Any, progress: Callable[[str, int, int], None]) -> Callable[[Any], None]:
    total = sum(node.resource_type != "unit_test" for node in manifest.nodes.values())
    done = 0

    def count(event: Any) -> None:
        nonlocal done
        if event.info.name == "NodeFinished":
            done += 1
            progress(event.data.node_info.node_name, done, total)

    return count


def _first_line(message: str | None) -> str:
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    return " ".join(lines[:4])
