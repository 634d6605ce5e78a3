"""Which way data flows: the lake and the SQL helpers know nothing of the floors above them (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from orchestration.publishing.publish import CODE
from orchestration.settings import PROJECT_DIR


def imported(file: Path) -> set[str]:
    """The rooms of the product that a module imports from."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in modules if name.startswith("orchestration.")}


@pytest.mark.parametrize(
    ("room", "below"),
    [
        ("sql", {"sql", "settings"}),
        ("lake", {"lake", "sources", "sql", "chained", "files", "settings", "errors", "plain"}),
        ("ingestion", {"ingestion", "lake", "sources", "sql", "files", "home", "settings", "errors", "plain"}),
    ],
)
def test_imports_run_down_only(room: str, below: set[str]) -> None:
    modules = sorted((PROJECT_DIR / "orchestration" / room).rglob("*.py"))
    assert modules and any(imported(module) for module in modules)
    assert {str(module): above for module in modules if (above := imported(module) - below)} == {}


def test_publication_knows_no_page() -> None:
    """What reads releases is handed to it by the night."""
    modules = sorted((PROJECT_DIR / "orchestration" / "publishing").glob("*.py"))
    assert {m.name for m in modules} > {"publish.py"}
    assert {str(m): above for m in modules if (above := imported(m) & {"reports", "night", "dagster", "cli"})} == {}


def test_alerts_know_the_record_of_a_run_alone() -> None:
    """The night calls them; how a night runs, and who started it, is nothing to them."""
    modules = sorted((PROJECT_DIR / "orchestration" / "alerts").glob("*.py"))
    assert {m.name for m in modules} >= {"messages.py", "channels.py"}
    above = {"night", "dagster", "cli", "definitions", "runner", "purge", "submissions"}
    assert {str(m): found for m in modules if (found := imported(m) & above)} == {}


def test_a_change_of_any_file_is_another_code_version() -> None:
    """A release made by other code is not taken for tonight's: no kind of file is left out of its fingerprint."""
    kinds = {
        path.suffix
        for folder in ("macros", "models", "seeds", "expectations", "orchestration")
        for path in (PROJECT_DIR / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert kinds == set(CODE)
