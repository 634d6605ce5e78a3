"""The documentation of a release: pages, dbt's lineage, the description of its Parquet; true to the release, offline."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import frictionless
import lxml.html
import pytest

from orchestration.catalogue import kpi_codes
from orchestration.files import sha256_of
from orchestration.settings import PROJECT_DIR


@pytest.fixture(scope="module")
def docs(home: Path) -> Path:
    return (home / "current" / "docs").resolve()


@pytest.fixture(scope="module")
def package(docs: Path) -> dict[str, Any]:
    return json.loads((docs.parent / "parquet" / "datapackage.json").read_text("utf-8"))


def test_every_page_opens_offline_and_tells_nothing_of_the_machine(docs: Path, home: Path) -> None:
    pages = {path.name: path.read_text("utf-8") for path in docs.iterdir()}
    assert pages.keys() == {"index.html", "kpis.html", "dictionary.html", "lineage.html"}
    for name, text in pages.items():
        assert "default-src 'none'" in text, name
        assert "cloudfront" not in text and not re.search(r'(?:src|href)="(?:https?:)?//[a-z]', text), name
        assert not [secret for secret in (str(PROJECT_DIR), str(home), f"/{getpass.getuser()}/") if secret in text], (
            name
        )


def test_the_command_opens_the_home_page(ask: Callable[..., str], home: Path) -> None:
    assert ask("open", "docs", "--home", home).split()[-1].endswith("docs/index.html")


def test_links_of_pages_lead_somewhere(docs: Path) -> None:
    ids = {p.name: set(lxml.html.parse(p).xpath("//@id")) for p in docs.glob("*.html") if p.name != "lineage.html"}
    for name in ids:
        for link in lxml.html.parse(docs / name).xpath("//a/@href"):
            path, _, anchor = link.partition("#")
            assert not path or (docs / path).exists(), link
            assert not anchor or anchor in ids[path or name], link


def test_examples_are_the_release_s_figures(docs: Path, release: duckdb.DuckDBPyConnection) -> None:
    page = lxml.html.parse(docs / "kpis.html")
    assert {article.get("id") for article in page.xpath("//article")} == set(kpi_codes())
    shown = page.xpath("//div[@data-kpi]")
    assert len(shown) > 20
    for example in shown:
        found = release.execute(
            "select numerator, denominator, value from marts.kpi_values where kpi_code = ? and scope_type = 'province' "
            "and period_type = 'year' and period_start = ?::date and period_end = ?::date",
            [example.get(name) for name in ("data-kpi", "data-from", "data-to")],
        ).fetchall()
        [(numerator, denominator, value)] = found
        if example.get("data-withheld") is not None:
            assert min(n for n in (numerator, denominator, (denominator or 0) - numerator) if n and n > 0) < 5
        else:
            assert float(example.get("data-value")) == value
            if denominator is not None:
                stated = [int(example.get(f"data-{part}")) for part in ("numerator", "denominator")]
                assert stated == [numerator, denominator]


def test_the_dictionary_has_every_column(docs: Path, release: duckdb.DuckDBPyConnection) -> None:
    shown = set(lxml.html.parse(docs / "dictionary.html").xpath("//@data-column"))
    told = release.execute(
        "select case table_schema when 'history' then 'history_' else '' end || table_name || '.' || column_name "
        "from marts.data_dictionary"
    ).fetchall()
    assert shown == {column for (column,) in told}


def test_lineage_has_the_project_and_the_release_s_catalogue(docs: Path, release: duckdb.DuckDBPyConnection) -> None:
    text = (docs / "lineage.html").read_text("utf-8")
    assert "INLINE DATA" not in text
    manifest, _ = json.JSONDecoder().raw_decode(text, text.index("manifest:{") + len("manifest:"))
    catalogue, _ = json.JSONDecoder().raw_decode(text, text.index("catalog:{") + len("catalog:"))
    above, seen = ["exposure.cchc.business_intelligence"], set()
    while above:
        seen.add(node := above.pop())
        above += manifest["parent_map"][node]
    assert {"model.cchc.kpi_values", "model.cchc.stg_dossiers", "source.cchc.lake.dossiers"} < seen
    assert not manifest["metadata"].keys() & {"user_id", "project_id", "env", "invocation_id"}
    [(rows,)] = release.execute("select count(*) from marts.fct_dossiers").fetchall()
    stated = catalogue["nodes"]["model.cchc.fct_dossiers"]
    assert stated["stats"]["num_rows"]["value"] == rows > 0 and stated["columns"]["dossier_code"]["type"] == "VARCHAR"


def test_the_package_is_valid_and_of_these_files(docs: Path, package: dict[str, Any]) -> None:
    """By the package `frictionless`. It reads Parquet through pandas, to which an integer that may be missing is none,
    row by row: of the data it reads some rows of the tables without such a column, the next test all."""
    assert not list(frictionless.Package.metadata_validate(package))
    folder = docs.parent / "parquet"
    assert {r["path"] for r in package["resources"]} == {p.name for p in folder.glob("*.parquet")}
    read = 0
    for resource in package["resources"]:
        path = folder / resource["path"]
        assert (resource["bytes"], resource["hash"]) == (path.stat().st_size, f"sha256:{sha256_of(path)}")
        fields = resource["schema"]["fields"]
        if all(field["type"] != "integer" or "constraints" in field for field in fields):
            alone = resource | {"schema": {k: v for k, v in resource["schema"].items() if k != "foreignKeys"}}
            # Of Parquet it counts no bytes.
            report = frictionless.Resource.from_descriptor(alone, basepath=str(folder)).validate(
                frictionless.Checklist(skip_errors=["byte-count"]), limit_rows=20
            )
            assert report.valid, report.flatten(["type", "note"])
            read += 1
    assert read > 10


def test_the_parquet_keeps_what_the_package_says(docs: Path, package: dict[str, Any]) -> None:
    folder = docs.parent / "parquet"
    types = {"string": "VARCHAR", "boolean": "BOOLEAN", "integer": "INT", "number": "D", "date": "DATE",
             "datetime": "TIMESTAMP"}  # fmt: skip
    referring, without_key = 0, set[str]()
    with duckdb.connect() as con:
        for resource in package["resources"]:
            con.execute(f"create view {resource['name']} as from '{folder / resource['path']}'")
        for resource in package["resources"]:
            name, schema = resource["name"], resource["schema"]
            found = con.execute(f"describe {name}").fetchall()
            assert [f["name"] for f in schema["fields"]] == [row[0] for row in found]
            assert all(types[f["type"]] in row[1] for f, row in zip(schema["fields"], found, strict=True)), name
            key = ", ".join(schema.get("primaryKey", ()))
            broken = [f"select {key} from {name} group by all having count(*) > 1"] if key else []
            without_key |= set() if key else {name}
            for field in schema["fields"]:
                assert field["description"]
                rules = field.get("constraints", {})
                if rules.get("required"):
                    broken.append(f"select 1 from {name} where {field['name']} is null")
                if rules.get("enum"):
                    listed = ", ".join(repr(value) for value in rules["enum"])
                    broken.append(f"select 1 from {name} where {field['name']} not in ({listed})")
            for foreign in schema.get("foreignKeys", ()):
                referring += 1
                [column], to = foreign["fields"], foreign["reference"]
                broken.append(
                    f"select 1 from {name} where {column} not in (select {to['fields'][0]} from {to['resource']})"
                )
            for query in broken:
                assert con.execute(query).fetchall() == [], query
    # Supplements nested in one dossier share its row number.
    assert referring > 30 and without_key == {"dq_rejected_rows"}
