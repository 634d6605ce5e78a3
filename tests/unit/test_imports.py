"""Modules that are read when something of them is used, and no sooner."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.imports import put_off


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with a package below it, none of which is imported yet."""
    for folder in ("outer_of_test", "outer_of_test/inner"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("answer = 42\n")
    (tmp_path / "outer_of_test/plain.py").write_text("answer = 42\n")
    (tmp_path / "outer_of_test/inner/below.py").write_text("from outer_of_test.inner import answer\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "outer_of_test"
    for name in [n for n in sys.modules if n.startswith("outer_of_test")]:
        del sys.modules[name]


@pytest.mark.parametrize("below", ["", ".inner", ".plain"])
def test_a_module_is_read_when_it_is_used(package: str, below: str) -> None:
    name = package + below
    put_off(name)
    module = importlib.import_module(name)
    inspect.stack()  # looks at the file of every module there is
    assert "answer" not in vars(module)
    assert module.answer == 42
    assert not hasattr(module, "another")
    assert hasattr(module, "__path__") is (below != ".plain")
    assert importlib.import_module(name) is module


def test_who_imports_a_name_of_it_or_a_module_below_it_has_it_read(package: str) -> None:
    put_off(f"{package}.inner")
    assert importlib.import_module(f"{package}.inner.below").answer == 42
    assert "answer" in vars(sys.modules[f"{package}.inner"])


def test_what_is_imported_or_is_not_there_stays_as_it_is(package: str) -> None:
    read = importlib.import_module(package)
    put_off(package)
    put_off(f"{package}.nowhere")
    assert sys.modules[package] is read
    assert f"{package}.nowhere" not in sys.modules
