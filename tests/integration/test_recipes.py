"""The README's recipes, carried out in a copy of the project up to a published release: no step is missing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.conftest import AS_OF, GOLDEN
from tests.support.disks import obeying_permissions
from tests.support.writers import csv_bytes, put

pytestmark = pytest.mark.slow
README = (PROJECT_DIR / "README.md").read_text("utf-8")
RECIPE = dict(re.findall(r"^\*\*(Add a \w+)\.\*\* (.*?)\n\n", README, re.M | re.S))
PARTS = ("dbt_project.yml", "profiles.yml", "expectations", "macros", "models", "orchestration", "seeds", "tests/dbt")
ADDED = ("dossiers_received_with_fee", "hotline_calls_answered", "hotline_answer_rate")

DECLARATION = """\
source: registers/hotline_calls
title_vi: Cuộc gọi tổng đài
description: Calls to the province's hotline on administrative procedures.
key: [call_code]
columns:
  - {name: call_code, kind: code, required: true, names: [Mã cuộc gọi]}
  - {name: called_on, kind: date, required: true, names: [Ngày gọi]}
  - {name: title, kind: text, required: true, names: [Nội dung]}
  - {name: rings, kind: integer, names: [Số hồi chuông]}
"""
SUBJECT = """\
{# Calls to the hotline by day; one that rang ten times was not answered. -#}
{% macro figures_of_hotline_calls(tables, as_of) %}
    {{ return({
        'name': 'hotline_calls', 'source': tables.hotline_calls, 'entity': 'call_code',
        'rows': 'select call_code, called_on, rings from ' ~ known(tables.hotline_calls, as_of) ~ ' as calls',
        'measures': {'made': {'on': 'called_on'}, 'answered': {'on': 'called_on', 'when': 'rings < 10'}},
        'kpis': [
            {'code': 'hotline_calls_answered', 'numerator': 'answered'},
            {'code': 'hotline_answer_rate', 'numerator': 'answered', 'denominator': 'made'},
        ],
    }) }}
{% endmacro %}
"""
CATALOGUE = """\
dossiers_received_with_fee,Hồ sơ có phí tiếp nhận,Received with a fee,received with a fee,có phí,count,hồ sơ,higher,Thử,Thử,fct_dossiers,true
hotline_calls_answered,Cuộc gọi được trả lời,Calls answered,calls answered,được trả lời,count,cuộc,higher,Thử,Thử,fct_hotline_calls,false
hotline_answer_rate,Tỷ lệ trả lời,Answer rate,answered / made,được trả lời / thực hiện,rate,tỷ lệ,higher,Thử,Thử,fct_hotline_calls,false
"""


def add_a_source(project: Path) -> None:
    (project / "orchestration/sources/registers/hotline_calls.yml").write_text(DECLARATION, "utf-8")
    add(
        project / "models/staging/_lake.yml",
        "    tables:\n",
        "      - name: hotline_calls\n        config: {meta: {key: [call_code]}}\n        description: Calls (cuộc gọi).\n",
    )
    rhythms = project / "expectations/rhythms.yml"
    said = rhythms.read_text("utf-8")
    [rhythm] = re.findall(r"^  registers/trainings:\n(?:    .*\n)+", said, re.M)
    rhythms.write_text(said + renamed(rhythm), "utf-8")
    for name in ("stg_trainings", "history_trainings", "fct_trainings"):
        assert f"`{name}`" in RECIPE["Add a source"]
        like = sorted((project / "models").rglob(f"{name}.*"))
        assert {path.suffix for path in like} >= {".sql", ".yml"}
        for path in like:
            path.with_name(path.name.replace("trainings", "hotline_calls")).write_text(
                renamed(path.read_text("utf-8")), "utf-8"
            )
    sentences = project / "models/columns.md"
    text = sentences.read_text("utf-8")
    blocks = re.findall(r"\{% docs \w+ %\}.*?\{% enddocs %\}\n", text, re.S)
    new = [renamed(block) for block in blocks if renamed(block.splitlines()[0]) != block.splitlines()[0]]
    sentences.write_text(text + "\n" + "\n".join(new), "utf-8")


def renamed(text: str) -> str:
    """What is said of trainings, said of calls."""
    for old, new in [("trainings", "hotline_calls"), ("training_code", "call_code"), ("held_on", "called_on"),
                     ("participants", "rings")]:  # fmt: skip
        text = text.replace(old, new)
    return text


def add_kpis(project: Path) -> None:
    figures = project / "macros/figures"
    dossiers = "'{}': {{'on': 'received_on', 'when': 'fee_amount > 0'}},\n"
    add(figures / "dossiers.sql", "{% set measures = {\n", dossiers.format("received_with_fee"))
    add(figures / "dossiers.sql", "{% set kpis = [\n", f"{{'code': '{ADDED[0]}', 'numerator': 'received_with_fee'}},\n")
    (figures / "hotline_calls.sql").write_text(SUBJECT, "utf-8")
    add(figures / "subjects.sql", "{{ return({\n", "'hotline_calls': ref('history_hotline_calls'),\n")
    add(figures / "subjects.sql", "{{ return([\n", "figures_of_hotline_calls(tables, as_of),\n")
    with (project / "seeds/kpi_catalogue.csv").open("a", encoding="utf-8") as file:
        file.write(CATALOGUE)


def add(path: Path, after: str, line: str) -> None:
    """A line in its place."""
    text = path.read_text("utf-8")
    assert text.count(after) == 1
    path.write_text(text.replace(after, after + line), "utf-8")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A copy of the project after both recipes, and the home that its night published. The project may only be read, as
    where it is installed: everything that is written goes into the home."""
    folder = tmp_path_factory.mktemp("recipes")
    project = folder / "project"
    for part in PARTS:
        place = project / part
        place.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (PROJECT_DIR / part).is_dir() else shutil.copy
        copy(PROJECT_DIR / part, place)
    add_a_source(project)
    add_kpis(project)
    shutil.copytree(GOLDEN, folder / "landing")
    calls = [["Mã cuộc gọi", "Ngày gọi", "Nội dung", "Số hồi chuông"], ["G1", "03/07/2023", "hỏi giờ", "2"],
             ["G2", "04/07/2023", "hỏi lệ phí", "10"], ["G3", "04/07/2023", "hỏi hồ sơ", "1"], ["G4", "32/07/2023", "x", "1"]]  # fmt: skip
    put(folder / "landing/registers/hotline_calls/tong_dai_20230720.csv", csv_bytes(calls, ";", "utf-8"))
    (folder / "elsewhere").mkdir()
    for place in contents(project):
        place.chmod(0o555 if place.is_dir() else 0o444)
    there = contents(project)
    ended = run(project, "nightly", "--landing", folder / "landing", "--home", folder / "home", "--as-of", AS_OF)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    assert (contents(project), contents(folder / "elsewhere")) == (there, [folder / "elsewhere"])
    return project, folder / "home"


def contents(folder: Path) -> list[Path]:
    return sorted([folder, *folder.rglob("*")])


def run(project: Path, *arguments: object, program: str = "") -> subprocess.CompletedProcess[str]:
    """The command, or a program, over that project, in a folder beside it."""
    start = ["-c", program] if program else ["-m", "orchestration.cli"]
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)], cwd=project.parent / "elsewhere", capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(project)}, preexec_fn=obeying_permissions, timeout=900, check=False,
    )  # fmt: skip


def test_the_new_source_is_published(changed: tuple[Path, Path]) -> None:
    with duckdb.connect(str(changed[1] / "current/cchc.duckdb"), read_only=True) as release:
        rows = release.execute("select call_code, rings from marts.fct_hotline_calls order by 1").fetchall()
        assert rows == [("G1", 2), ("G2", 10), ("G3", 1)]
        assert release.execute("select count(*) from history.hotline_calls").fetchone() == (3,)
        rejected = release.execute(
            "select row_number, column_name from marts.dq_rejected_rows where source like '%hotline%'"
        )
        assert rejected.fetchall() == [(5, "called_on")]


def test_the_new_kpis_are_published_asked_and_explained(changed: tuple[Path, Path]) -> None:
    project, home = changed
    with duckdb.connect(str(home / "current/cchc.duckdb"), read_only=True) as release:
        figures = release.execute(
            "select kpi_code, numerator, denominator from marts.kpi_values "
            "where scope_type = 'province' and period_type = 'year' and kpi_code = any(?) and period_start = date '2023-01-01'",
            [list(ADDED)],
        ).fetchall()
        [(with_fee,)] = release.execute(
            "select count(*) from marts.fct_dossiers where fee_amount > 0 and bucket <> 'not_counted' "
            "and year(received_at) = 2023"
        ).fetchall()
    assert with_fee > 0
    assert {code: rest for code, *rest in figures} == dict(
        zip(ADDED, ([with_fee, None], [2, None], [2, 3]), strict=True)
    )
    table = run(project, "kpi", "--home", home, "--from", "2023-07-04", "--kpi", "hotline_answer_rate").stdout
    assert table.splitlines()[1].split()[-2:] == ["50.00", "%"]
    explained = run(project, "explain", "--home", home, "hotline_answer_rate", "--format", "json").stdout
    assert {row["entity_code"]: row["in_numerator"] for row in json.loads(explained)} == {
        "G1": True,
        "G2": False,
        "G3": True,
    }


def test_the_project_could_only_be_read(changed: tuple[Path, Path]) -> None:
    """A look at the graph writes nothing into it either."""
    project, _ = changed
    assert run(project, program=f"open({str(project / 'more')!r}, 'w')").returncode == 1, "the folder is not locked"
    there = contents(project)
    graph = run(project, program="from orchestration.definitions import defs\n"
                                 "print(len(defs().resolve_asset_graph().get_all_asset_keys()))")  # fmt: skip
    assert graph.returncode == 0 and int(graph.stdout) > 80, graph.stderr
    assert (contents(project), len(contents(project.parent / "elsewhere"))) == (there, 1)


def test_the_recipes_name_every_place() -> None:
    for place in ("orchestration/sources/", "models/staging/_lake.yml"):
        assert f"`{place}`" in RECIPE["Add a source"]
    for place in ("macros/figures/", "macros/figures/subjects.sql", "seeds/kpi_catalogue.csv"):
        assert f"`{place}`" in RECIPE["Add a KPI"]
