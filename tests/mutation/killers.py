"""What a mutant has to get past. Each killer gives the name of what noticed it, or nothing: the mutant survives."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import PROJECT_DIR, Settings
from tests.mutation.operators import Mutant

Killer = Callable[[Mutant], str]
_THIRD_PARTIES = (
    "dotenv", "duckdb", "holidays", "hypothesis.strategies", "lxml.html", "numpy", "openpyxl", "pandas", "pyarrow.parquet",
    "pydantic", "pytest", "python_calamine", "xlwt", "yaml", "click", "great_expectations",
)  # fmt: skip


@contextmanager
def module_killer(module: str, tests: tuple[str, ...], seconds: int) -> Iterator[Killer]:
    """Runs pytest over `tests` with `module` replaced, in a forked process that starts with the libraries loaded."""
    for name in _THIRD_PARTIES:
        if importlib.util.find_spec(name.split(".")[0]):
            importlib.import_module(name)

    def kill(mutant: Mutant) -> str:
        text = mutant.text()
        return _in_a_process_of_its_own(lambda: _first_failure(module, text, tests), seconds)

    yield kill


def _in_a_process_of_its_own(work: Callable[[], str], seconds: int) -> str:
    """What work says in a forked process: whatever it breaks or leaves in memory ends with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(reading)
        noticed = "ended"
        try:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            noticed = work()
        except Exception as error:
            noticed = f"it fails: {type(error).__name__}"
        finally:
            os.write(writing, noticed.encode())
            os._exit(0)
    os.close(writing)
    said = b""
    if select.select([reading], [], [], seconds)[0]:
        while part := os.read(reading, 4096):
            said += part
    else:
        said = b"ran out of time"
    os.close(reading)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return said.decode()


def _first_failure(module: str, text: str, tests: tuple[str, ...]) -> str:
    """pytest with the module replaced, up to the first failure: its name, nothing when all pass."""
    import pytest

    for name in [n for n in sys.modules if n == "orchestration" or n.startswith(("orchestration.", "tests."))]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Replaced(module, text))
    _read_here()

    class FirstFailure:
        name = ""

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed and not self.name:
                self.name = report.nodeid.rpartition("/")[2]

        def pytest_collectreport(self, report: pytest.CollectReport) -> None:
            if report.failed and not self.name:
                self.name = f"import of {report.nodeid}"

    first = FirstFailure()
    # File by file: most mutants fall to the first, and need not wait until the others are collected.
    for file in tests:
        code = pytest.main(
            ["-x", "-q", "--hypothesis-seed=0", "-p", "no:cacheprovider", f"--rootdir={PROJECT_DIR}", file], [first]
        )
        if code:
            return first.name or f"pytest ended with {code}"
    return ""


def _read_here() -> None:
    """Landed files are read in this process: one of its own would read them by the module as it lies on the disk."""
    from orchestration.ingestion import ingest, reader

    class Here:
        def __init__(self, settings: Settings, pseudonyms: Any, folder: Path):
            self.settings, self.pseudonyms, self.folder = settings, pseudonyms, folder

        def __enter__(self) -> Here:
            self.folder.mkdir(mode=0o700)
            return self

        def __exit__(self, *_: object) -> None:
            shutil.rmtree(self.folder)

        def read(self, jobs: Iterable[Any]) -> Iterator[tuple[Any, list[Any]]]:
            for number, job in enumerate(jobs):
                work = self.folder / str(number)
                work.mkdir()
                made = str(self.folder / f"made-{number}")
                with reader.reading_engine(self.settings, work) as con:
                    given = (self.settings.bounds, work, made, self.pseudonyms)
                    yield job, reader.take_in(con, job.file, job.sha256, *given)

    ingest.Readers = Here


class _Replaced(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives one module another source."""

    def __init__(self, module: str, text: str):
        self.module, self.text = module, text
        self.path = str(PROJECT_DIR / (module.replace(".", "/") + ".py"))

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self, origin=self.path) if name == self.module else None

    def get_filename(self, name: str) -> str:
        return self.path

    def get_data(self, path: str) -> bytes:
        if path == self.path:
            return self.text.encode()
        raise OSError(path)


@contextmanager
def macro_killer(file: Path) -> Iterator[Killer]:
    """Rebuilds the dossier models of two warehouses with the file's macros replaced, and asks the suite's own judges.

    In order of cost: the double entry over the trap landing of tests/property/test_against_oracle.py, the golden
    figures, dbt's unit tests, the independent reading of the trap landing.
    """
    from orchestration.quality.double_entry import double_entry_frame
    from tests.golden.test_golden import EXPECTED
    from tests.property.differences import differences
    from tests.support.landing import write_trap_landing
    from tests.support.mutants import BEYOND_FIGURES, FIGURES, macros_of, parsed, rebuild_with, unit_tests_with
    from tests.support.oracle import read_landing
    from tests.support.warehouse import build_warehouse, publish_macros

    whole = macros_of(file.read_text("utf-8"))

    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        trap, golden = Path(folder, "trap"), Path(folder, "golden")
        write_trap_landing(trap / "landing", 11, 500, exports=6)
        landing = read_landing(trap / "landing")
        as_of = max(row.stamp for row in landing.observations).date()
        shutil.copytree(PROJECT_DIR / "tests/golden/landing", golden / "landing")
        for at, day in ((trap, as_of), (golden, EXPECTED["as_of"])):
            build_warehouse(at / "landing", at / "home", day).close()

        parsed()

        def noticed(mutant: Mutant) -> str:
            text = mutant.text()
            changed = {name: body for name, body in macros_of(text).items() if body != whole.get(name)}
            warehouse, small = (Path(shutil.copy(at / "home/warehouse.duckdb", at)) for at in (trap, golden))
            if broken := rebuild_with(warehouse, changed, FIGURES):
                return f"build of {broken[0].split(':')[0]}"
            with duckdb.connect(str(warehouse)) as con:
                frame = double_entry_frame(con, whole=True)
            if frame["disagreeing"].any():
                return "double entry: " + frame.loc[frame["disagreeing"] > 0, "figure"].iloc[0]
            if broken := rebuild_with(small, changed, FIGURES + BEYOND_FIGURES):
                return f"build of {broken[0].split(':')[0]}"
            with duckdb.connect(str(small)) as con:
                publish_macros(con)
                for question in EXPECTED["questions"]:
                    if wrong := _golden(con, question):
                        return f"golden: {question['about']}: {wrong}"
            if broken := unit_tests_with(small, changed):
                return f"unit test {broken[0].split(':')[0]}"
            if broken := rebuild_with(warehouse, changed, BEYOND_FIGURES):
                return f"build of {broken[0].split(':')[0]}"
            with duckdb.connect(str(warehouse)) as con:
                publish_macros(con)
                if found := differences(landing, con, as_of):
                    return "second reading: " + found[0].split(":")[0]
            return ""

        yield lambda mutant: _in_a_process_of_its_own(lambda: noticed(mutant), 600)


def _golden(con: duckdb.DuckDBPyConnection, question: dict) -> str:
    """The first figure of a golden question that is not as worked out by hand."""
    kind, _, code = question.get("scope", "province=all").partition("=")
    rows = con.execute(
        "select kpi_code, numerator, denominator from marts.kpis(?, ?, ?, convention := ?) "
        "where scope_type = ? and scope_code = ?",
        [question["from"], question["to"], question["as_of"], question.get("convention", "separate"), kind, code],
    ).fetchall()
    answered = {kpi: (top, base) for kpi, top, base in rows}
    for kpi, figure in question["figures"].items():
        if answered.get(kpi) != (tuple(figure) if isinstance(figure, list) else (figure, None)):
            return kpi
    return ""
