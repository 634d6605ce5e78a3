"""What stands in the warehouse from one build to the next: by what each model follows from."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace as Node

import duckdb
import pytest

from orchestration.home import MARKER, Home
from orchestration.lake.files import LakeFile
from orchestration.warehouse import dbt, kept, registration
from orchestration.warehouse.dbt import Built

DAY = date(2023, 7, 31)


def node(*parents: str, materialized: str = "table", **meta: str) -> Node:
    config = Node(materialized=materialized, meta=meta)
    return Node(resource_type="model", config=config, depends_on=Node(nodes=list(parents)))


MANIFEST = Node(
    sources={f"source.lake.{name}": Node(name=name) for name in ("run", "dossiers", "payments", "sources")},
    nodes={
        "seed.codes": Node(resource_type="seed", config=Node(materialized="seed", meta={}), depends_on=Node(macros=[])),
        "model.stg_dossiers": node("source.lake.dossiers", materialized="view"),
        "model.dossiers": node("model.stg_dossiers", "seed.codes"),
        "model.payments": node("source.lake.payments", "source.lake.sources"),
        "model.macros": node("model.payments", follows_from="code"),
        "model.overdue": node("model.dossiers", "source.lake.run"),
        "test.a": Node(resource_type="test"),
    },
)  # fmt: skip


def lake_file(folder: Path, source: str, sha256: str = "a") -> LakeFile:
    path = folder / f"{source}.parquet"
    path.touch()
    return LakeFile(source, f"{source}/x.csv", sha256, datetime(2023, 7, 1), "accepted", path=str(path))


def changed(before: kept.Inputs, after: kept.Inputs) -> set[str]:
    """The models that are made of something else."""
    recipes = before.recipes(MANIFEST), after.recipes(MANIFEST)
    assert recipes[0].keys() == MANIFEST.nodes.keys() - {"test.a"}
    return {name.partition(".")[2] for name in recipes[0] if recipes[0][name] != recipes[1][name]}


def test_news_reach_what_follows_from_them_and_no_view(tmp_path: Path) -> None:
    files = [lake_file(tmp_path, "dossiers"), lake_file(tmp_path, "payments")]
    inputs = kept.Inputs.of(files, DAY, [], "code")
    assert changed(inputs, kept.Inputs.of(files, DAY, [], "code")) == set()
    assert changed(inputs, kept.Inputs.of(files, date(2023, 8, 1), [], "code")) == {"overdue"}
    assert changed(inputs, kept.Inputs.of(files[1:], DAY, [], "code")) == {"dossiers", "overdue"}
    assert changed(inputs, kept.Inputs.of(files[:1], DAY, [], "code")) == {"payments"}
    other = kept.Inputs.of([files[0], lake_file(tmp_path, "payments", "b")], DAY, [], "code")
    assert changed(inputs, other) == {"payments"}
    assert len(changed(inputs, kept.Inputs.of(files, DAY, [], "other code"))) == 6
    os.utime(tmp_path / "payments.parquet", ns=(1, 1))  # a purge writes lake files again
    assert changed(inputs, kept.Inputs.of(files, DAY, [], "code")) == {"payments"}


def test_every_table_of_the_lake_that_dbt_reads_has_its_sum() -> None:
    named = {source["name"] for source in dbt.parsed_manifest()["sources"].values()}
    summed = kept.Inputs.of([], DAY, [], "code").tables.keys()
    assert named <= summed | set(registration.OF_CODE) and not summed & set(registration.OF_CODE)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a warehouse of two tables and a view, and what its build noted of one table and the view."""
    (tmp_path / MARKER).touch()
    (tmp_path / "dbt").mkdir()
    made = Home(tmp_path)
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute("create schema lake; create table lake.run as select 1 as one; create schema marts")
        con.execute("create table marts.a as select 1 as one; create table marts.b as from marts.a")
        con.execute("create view marts.v as from marts.b")
    kept.note(made, "model.a", "1")
    kept.note(made, "model.v", "2")
    return made


def test_what_was_noted_stands_where_it_would_be_made_of_the_same(home: Home) -> None:
    with (home.root / "dbt/made.txt").open("a") as made:
        made.write("model.b 3")  # as a kill leaves it
    assert kept.is_begun(home) and not kept.is_finished(home)
    recipes = {"model.a": "1", "model.v": "2", "model.b": "3"}
    assert kept.standing_models(home, recipes) == ("model.a", "model.v")
    assert kept.standing_models(home, recipes | {"model.a": "other"}) == ("model.v",)
    kept.forget(home)
    assert not kept.is_begun(home) and kept.standing_models(home, recipes) == ()


def test_nothing_else_is_left_in_the_warehouse(home: Home) -> None:
    recipes = {"model.a": "1", "model.v": "2"}
    standing = {"model.a": Node(schema="marts", alias="a")}
    with duckdb.connect(str(home.warehouse)) as con:
        kept.clear_besides(home, con, standing, recipes)
        left = con.execute("select table_schema, table_name from information_schema.tables order by all").fetchall()
        assert left == [("lake", "run"), ("marts", "a")]
        assert kept.standing_models(home, recipes) == ("model.a",)
        with pytest.raises(duckdb.CatalogException, match=r"marts\.gone is not in the warehouse"):
            kept.clear_besides(home, con, standing | {"model.v": Node(schema="marts", alias="gone")}, recipes)


def test_what_a_build_that_was_ended_left_is_read_before_it_stands(home: Home) -> None:
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create table marts.long as select range as one, md5(range::varchar) as two from range(200000)")
        [(block,)] = con.execute(
            "select max(block_id) from pragma_storage_info('marts.long') where block_id >= 0"
        ).fetchall()
    with home.warehouse.open("r+b") as warehouse:
        warehouse.seek(3 * 4096 + block * 262_144 + 5_000)
        warehouse.write(b"damage" * 100)
    standing = {"model.long": Node(schema="marts", alias="long")}
    with duckdb.connect(str(home.warehouse)) as con, pytest.raises(duckdb.Error):
        kept.clear_besides(home, con, standing, {"model.long": "1"})


def test_a_finished_build_is_gone_on_with_as_it_was_left(home: Home) -> None:
    built = Built({"model.a": "success"}, {}, {"model.a": 1}, ("model.v",))
    inputs = kept.Inputs.of([], DAY, [], "code")
    kept.keep(home, inputs, built)
    assert kept.is_finished(home) and kept.is_as_left(home) and kept.standing(home, inputs) == built
    assert kept.standing(home, kept.Inputs.of([], DAY, [], "other code")) is None
    log = home.root / "warehouse.duckdb.wal"
    log.touch()
    assert not kept.is_as_left(home) and kept.standing(home, inputs) is None
    log.unlink()
    assert kept.is_as_left(home)
    with home.warehouse.open("ab") as warehouse:
        warehouse.write(b"more")
    assert not kept.is_as_left(home) and kept.standing(home, inputs) is None


@pytest.mark.parametrize("name", ["built.json", "made.txt"])
@pytest.mark.parametrize(
    "breaks", [lambda p: p.mkdir(), lambda p: p.write_text("{}"), lambda p: p.write_bytes(b"\xff")]
)
def test_what_is_not_what_was_written_is_not_believed(home: Home, name: str, breaks: Callable[[Path], object]) -> None:
    kept.keep(home, kept.Inputs.of([], DAY, [], "code"), Built({}, {}, {}))
    broken = home.root / "dbt" / name
    broken.unlink()
    breaks(broken)
    assert not kept.is_as_left(home)
    kept.forget(home)
    assert not broken.exists()
