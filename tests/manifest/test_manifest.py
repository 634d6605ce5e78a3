"""Rules of the house that can be read off the dbt manifest: layers, names, contracts, words."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.catalogue import kpi_codes
from orchestration.publishing import views
from orchestration.reports.forms.declared import form_codes, form_named
from orchestration.reports.review.declared import texts, words_of_test
from orchestration.settings import PROJECT_DIR
from orchestration.sources import Source, all_sources
from orchestration.warehouse import dbt

Node = dict[str, Any]

PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts": ("dim_", "fct_", "kpi_", "form_", "dq_", "bridge_"),
    "history": ("history_",),
}
# docs/published-interface.md 3 names these without a prefix.
NAMED_BY_THE_INTERFACE = {"data_dictionary", "restated_kpis", "restatements", "scorecard_values"}

# What each layer reads: the way goes on, never back.
MAY_READ = {
    "staging": {"source"},
    "history": {"staging"},
    "intermediate": {"staging", "history", "intermediate", "seeds"},
    "marts": {"history", "intermediate", "marts", "seeds"},
}
# Models that read a later layer all the same, and why.
READS_AHEAD = {
    "int_published_macros": "texts that name published tables; none is read",
    "int_kpi_values_besides_dossiers": "takes its tables from the same list as the published macros; reads histories",
    "int_kpi_restated_besides_dossiers": "takes its tables from the same list as the published macros; reads histories",
}
# Marts that read staging all the same, and why.
READS_STAGING = {
    "stg_run": "the as-of day is the run's, not a source's; macro `as_of` reads it wherever a day is needed",
    "stg_landed_files": "dq_rejected_files and dq_source_freshness list landing's findings as they are",
    "stg_rejected_rows": "dq_rejected_rows lists landing's findings as they are",
    "stg_declared_sources": "dq_source_freshness has a row for each declared source, known or not",
    "stg_declared_columns": "data_dictionary lists the headers that landed columns are accepted under",
}

# Spelled otherwise, or meaning something else, on Spark (docs/stack.md 5): only macros/engine may use them.
ENGINE_ONLY = {
    "exclude": r"\*\s+exclude\b",
    "date_diff": r"\bdate_diff\s*\(",
    "generate_series": r"\bgenerate_series\s*\(",
    "hash": r"\bhash\s*\(",
    "regexp_matches": r"\bregexp_matches\s*\(",
    "regexp_replace": r"\bregexp_replace\s*\(",
    "strftime": r"\bstrftime\s*\(",
    "strip_accents": r"\bstrip_accents\s*\(",
    "strptime": r"\bstrptime\s*\(",
    "union by name": r"\bunion\s+(all\s+)?by\s+name\b",
    "asof": r"\basof\b",
}


@cache
def manifest() -> Node:
    dbt.parse()
    return dbt.parsed_manifest()


def nodes(*types: str) -> list[Node]:
    return [node for node in manifest()["nodes"].values() if node["resource_type"] in types]


def models(*layers: str) -> list[Node]:
    return [node for node in nodes("model") if not layers or layer(node) in layers]


def layer(node: Node) -> str:
    return "source" if node["resource_type"] == "source" else node["config"]["schema"]


def named(found: list[Node]) -> list[str]:
    return sorted(node["name"] for node in found)


def checks_on(node: Node, *kinds: str) -> list[Node]:
    return [
        test
        for test in nodes("test")
        if test.get("attached_node") == node["unique_id"] and test["test_metadata"]["name"] in kinds
    ]


def sql_files() -> dict[str, str]:
    """Models and macros by path, without comments."""
    return {
        path.relative_to(PROJECT_DIR).as_posix(): re.sub(r"\{#.*?#\}|--[^\n]*", "", path.read_text("utf-8"), flags=re.S)
        for folder in ("models", "macros")
        for path in sorted((PROJECT_DIR / folder).rglob("*.sql"))
    }


def test_every_test_is_said_in_vietnamese() -> None:
    """The review page speaks of a test by these words, and of each alone."""
    tests = {((test.get("attached_node") or "dbt").split(".")[-1], test["name"]) for test in nodes("test")}
    assert [code for model, code in tests if not words_of_test(model, code)] == []
    used = {words_of_test(model, code) for model, code in tests}
    assert [end for end, words in texts().tests_of_models.items() if words not in used] == []


# --- layers and names


def test_each_layer_reads_what_it_may() -> None:
    everything = manifest()["nodes"] | manifest()["sources"]
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in models()
        for parent in (everything[i] for i in node["depends_on"]["nodes"])
        if layer(parent) not in MAY_READ[layer(node)]
        and not _may_read_staging(node, parent)
        and node["name"] not in READS_AHEAD
    ]
    assert not wrong


def _may_read_staging(node: Node, parent: Node) -> bool:
    return layer(node) == "marts" and parent["name"] in READS_STAGING


def test_no_exception_is_stale() -> None:
    read = {parent.rsplit(".", 1)[-1] for node in models("marts") for parent in node["depends_on"]["nodes"]}
    assert set(READS_STAGING) <= read
    ahead = {
        node["name"]
        for node in models("intermediate")
        for p in node["depends_on"]["nodes"]
        if ".fct_" in p or ".dim_" in p
    }
    assert set(READS_AHEAD) == ahead


def test_models_are_named_by_their_layer() -> None:
    wrong = [
        node["name"]
        for node in models()
        if not node["name"].startswith(PREFIXES[layer(node)]) and node["name"] not in NAMED_BY_THE_INTERFACE
    ]
    assert not wrong


def test_models_stand_in_their_layer_s_folder() -> None:
    folders = {"staging": "models/staging/", "intermediate": "models/intermediate/", "marts": "models/marts/",
               "history": "models/history/"}  # fmt: skip
    assert not [n["name"] for n in models() if not n["original_file_path"].startswith(folders[layer(n)])]


def test_what_a_dossier_counts_as_is_said_in_one_file() -> None:
    macros = [m for m in manifest()["macros"].values() if m["package_name"] == "cchc"]
    homes = {m["original_file_path"] for m in macros if re.match("dossiers?_", m["name"])}
    assert homes == {"macros/dossier_state.sql"}
    said = [path for path, sql in sql_files().items() if "Trả lại/Xin rút" in sql]
    assert said == ["macros/dossier_state.sql"]


def test_only_the_engine_folder_knows_the_engine() -> None:
    wrong = {
        path: found
        for path, sql in sql_files().items()
        if not path.startswith("macros/engine/")
        and (found := {word for word, pattern in ENGINE_ONLY.items() if re.search(pattern, sql, re.I)})
    }
    assert not wrong


# --- contracts and words


def test_properties_stand_beside_the_model() -> None:
    wrong = [
        node["name"]
        for node in models()
        if not node["patch_path"]
        or Path(node["patch_path"].split("://")[1]) != Path(node["original_file_path"]).with_suffix(".yml")
    ]
    assert not wrong


def test_contracts_are_enforced() -> None:
    found = models("staging", "marts", "history")
    assert found
    assert not named([node for node in found if not node["config"]["contract"]["enforced"]])


def test_columns_have_type_and_both_terms() -> None:
    """English, and the official Vietnamese term in brackets."""
    wrong = [
        f"{node['name']}.{column['name']}"
        for node in models("staging", "marts", "history") + nodes("seed")
        for column in node["columns"].values()
        if not (column["data_type"] or node["resource_type"] == "seed")
        or not re.search(r"\(.*[^\x00-\x7f].*\)\.$", column["description"].strip(), re.S)
    ]
    assert not wrong


def test_lake_tables_are_described() -> None:
    assert not named([s for s in manifest()["sources"].values() if not s["description"].strip()])


def test_models_say_grain_and_owner() -> None:
    wrong = []
    for node in models():
        meta = node["config"]["meta"]
        words = node["description"]
        if not meta.get("owner") or not meta.get("grain") or "Grain: " not in words:
            wrong.append(node["name"])
        elif node["columns"] and not set(meta["grain"]) <= node["columns"].keys():
            wrong.append(f"{node['name']}: its grain is no column")
    assert not wrong


def test_grain_of_marts_is_tested() -> None:
    """By unique_grain over the grain or part of it, or by half_open, which implies it."""
    wrong = []
    for node in models("marts", "history"):
        grain = node["config"]["meta"]["grain"]
        proofs = [set(_arguments(test)["columns"]) for test in checks_on(node, "unique_grain")]
        for test in checks_on(node, "half_open"):
            arguments = _arguments(test)
            proofs.append({*arguments["key"], arguments["begins"]})
        if not any(proof <= set(grain) for proof in proofs):
            wrong.append(node["name"])
    assert not wrong


def test_tests_can_be_read_by_reviewers() -> None:
    found = nodes("test")
    names = named(found)
    assert len(names) == len(set(names)), "check codes are names of tests"
    assert not [n["name"] for n in found if not n["description"].strip()]
    assert not [name for name in names if len(name) > 70 or not re.fullmatch("[a-z0-9_]+", name)]
    warning = [n for n in found if n["config"]["severity"].lower() == "warn"]
    assert not named([n for n in warning if "Warns: " not in n["description"]]), "say why it does not block"


def _arguments(test: Node) -> Node:
    kwargs = test["test_metadata"]["kwargs"]
    return kwargs.get("arguments", kwargs)


def test_every_code_of_a_closed_list_has_its_word_in_bao_cao() -> None:
    """Where a view shows a word instead of a code, it has one for each, and for nothing else."""
    words, seen = views.declared().words, set()
    for node in models("marts"):
        for test in checks_on(node, "closed_lists"):
            for column, codes in _arguments(test)["lists"].items():
                name = f"{column}@{node['name']}" if f"{column}@{node['name']}" in words else column
                if name in words and any(column in view.columns for view in views.declared().views.values()):
                    assert set(codes) <= set(words[name]), (node["name"], column)
                    seen.add(name)
    assert {"bucket", "timeliness", "status_code", "channel", "level", "unit_type"} <= seen


# --- personal data


def test_no_personal_column_after_the_lake() -> None:
    """Columns that the declarations drop or pseudonymise are named by no model and no macro."""
    columns = [c for s in all_sources().values() for c in s.columns]
    personal = sorted({c.name for c in columns if c.kind in ("dropped", "identity")})
    assert "applicant_name" in personal
    pattern = re.compile(rf"\b({'|'.join(personal)})\b|phone|e_?mail|address|full_name|date_of_birth", re.I)
    texts = sql_files() | {f"{n['name']}.{c}": c for n in nodes("model", "seed") for c in n["columns"]}
    assert not [f"{place}: {found[0]}" for place, text in texts.items() if (found := pattern.search(text))]


def test_pseudonyms_are_declared() -> None:
    """A column says pseudonym where a declaration pseudonymises it, and nowhere else."""
    pseudonyms = {c.stored_name for s in all_sources().values() for c in s.columns if c.personal == "pseudonym"}
    assert "applicant_key" in pseudonyms
    classes = {
        f"{node['name']}.{name}": (name in pseudonyms, column["config"]["meta"].get("personal", "none"))
        for node in models("staging", "marts", "history")
        for name, column in node["columns"].items()
    }
    assert not [place for place, (_, said) in classes.items() if said not in ("none", "free_text", "pseudonym")]
    assert not [place for place, (is_one, said) in classes.items() if is_one != (said == "pseudonym")]


@pytest.mark.parametrize(
    ("name", "room"), [("dashboard", "dashboard"), ("review_page", "review"), ("documentation", "docs")]
)
def test_the_exposure_of_a_page_is_what_it_reads(name: str, room: str) -> None:
    code = "".join(path.read_text("utf-8") for path in (PROJECT_DIR / "orchestration" / "reports" / room).rglob("*.py"))
    published = {n["name"] for n in manifest()["nodes"].values() if n.get("schema") == "marts"}
    exposure = manifest()["exposures"][f"exposure.cchc.{name}"]
    assert {parent.rsplit(".", 1)[-1] for parent in exposure["depends_on"]["nodes"]} == (
        set(re.findall(r"\bmarts\.(\w+)", code)) & published
    )
    assert exposure["config"]["meta"]["page"] == f"{room}/index.html"


def test_every_form_is_an_exposure() -> None:
    labels = {e["name"]: e["label"] for e in manifest()["exposures"].values() if e["name"].startswith("form_")}
    assert labels == {f"form_{re.sub(r'[.-]', '_', code)}": form_named(code).name_vi for code in form_codes()}


@pytest.mark.parametrize("source", all_sources().values(), ids=lambda s: s.source)
def test_columns_keep_the_class_of_their_source(source: Source) -> None:
    """In staging, in history, and in the facts that bear a source's name."""
    named = {f"{layer}_{source.table}" for layer in ("stg", "history", "fct")}
    found = [n for n in models("staging", "history", "marts") if n["name"] in named]
    assert found
    declared = {c.stored_name: c.personal for c in source.columns}
    assert not [
        f"{node['name']}.{name}"
        for node in found
        for name, column in node["columns"].items()
        if column["config"]["meta"].get("personal", "none") != declared.get(name, "none")
    ]


# --- reference data and KPI codes


def test_seeds_say_types_and_sources() -> None:
    found = nodes("seed")
    assert found
    for seed in found:
        columns = seed["columns"].keys()
        assert seed["config"]["column_types"].keys() == columns, seed["name"]
        assert {"source", "document"} & columns, seed["name"]
        assert seed["description"].strip(), seed["name"]


def test_every_kpi_stands_in_the_catalogue_and_in_one_file() -> None:
    """Where a code is composed, its parts are."""
    written = Counter(re.findall(r"'code': '([a-z_]+)'[,}]", " ".join(_figures().values())))
    assert len(written) > 40
    assert not set(written) - set(kpi_codes())
    assert not [code for code, times in written.items() if times > 1]


def test_published_kpi_codes_stay() -> None:
    """Those of docs/published-interface.md; the catalogue may describe more."""
    text = (PROJECT_DIR / "docs" / "published-interface.md").read_text("utf-8")
    [listed] = re.findall(r"^KPI codes: (.*?)What each counts", text, re.M)
    named = {f"dossiers{code}" if code.startswith("_") else code for code in re.findall(r"`([a-z_]+)`", listed)}
    assert len(named) > 70
    assert named - {"dossiers"} <= set(kpi_codes())


def test_every_subject_is_counted() -> None:
    """A subject that a file of macros/figures declares is in a list; macros read tables through refs alone."""
    declared = re.findall(r"macro (figures_of_\w+)\(", " ".join(_figures().values()))
    [listed] = re.findall(
        r"macro subjects_besides_dossiers.*?endmacro", _figures()["macros/figures/subjects.sql"], re.S
    )
    assert Counter(declared) == Counter(["figures_of_dossiers", *re.findall(r"figures_of_\w+", listed)])
    assert not [path for path, sql in sql_files().items() if re.search(r"ref\([^)]*~|replace\('known_", sql)]


def _figures() -> dict[str, str]:
    return {path: sql for path, sql in sql_files().items() if path.startswith("macros/figures/")}


# --- the rules of dbt-project-evaluator, as this project keeps them
#
# Kept otherwise than there, and why:
# - primary keys: a grain of several columns is proved by unique_grain or half_open (test_grain_of_marts_is_tested);
# - naming and directories: the prefixes and folders of docs/architecture.md; staging stands by domain, for there is one
#   source, the lake; `stg_sources` is its name, not ours;
# - source freshness: a file's export stamp is data, and an office that exports nothing is a finding, no error of the
#   build: dq_source_freshness;
# - fan-out: a dimension is there to be met by many facts, the run's day by all that needs one;
# - rejoining: a model that names what a model before it read costs a name, a copy of its columns would cost a write;
# - joins: what is listed below.

JOINS_MANY = {
    "dq_flags": "one branch a source, none joined with another",
    "int_kpi_values_besides_dossiers": "one branch a subject, none joined with another",
    "int_kpi_restated_besides_dossiers": "one branch a subject, none joined with another",
    "int_published_macros": "texts of macros over every subject",
}
ROOTS = {
    "dq_check_results": "empty: publication writes the verdict's rows, known only after everything is built",
}
MAY_FAN_OUT = ("stg_run", "dim_")


def parents(node: Node) -> list[str]:
    return node["depends_on"]["nodes"]


def children(unique_id: str) -> list[Node]:
    return [node for node in models() if unique_id in parents(node)]


def test_each_lake_table_has_one_reader_and_each_staging_model_one_table() -> None:
    assert {i: named(children(i)) for i in manifest()["sources"] if len(children(i)) != 1} == {}
    assert not [n["name"] for n in models("staging") if len(parents(n)) != 1 or not parents(n)[0].startswith("source.")]


def test_only_staging_reads_the_lake() -> None:
    assert not [
        n["name"] for n in models() if layer(n) != "staging" and any(p.startswith("source.") for p in parents(n))
    ]


def test_models_have_parents() -> None:
    assert {node["name"] for node in models() if not parents(node)} == set(ROOTS)


def test_no_model_joins_too_many() -> None:
    assert {node["name"] for node in models() if len(parents(node)) > 7} == set(JOINS_MANY)


def test_no_model_fans_out_to_many_ends() -> None:
    wrong = [
        node["name"]
        for node in models()
        if sum(not children(child["unique_id"]) for child in children(node["unique_id"])) > 3
        and not node["name"].startswith(MAY_FAN_OUT)
    ]
    assert not wrong


def test_models_name_no_table_but_by_reference() -> None:
    pattern = re.compile(r"\b(?:from|join)\s+(?:staging|history|intermediate|marts|seeds|lake)\.", re.I)
    assert not [path for path, sql in sql_files().items() if path.startswith("models/") and pattern.search(sql)]


def test_what_is_published_is_consumed_or_open_to_all() -> None:
    """Exposures name every mart but what only other marts read; and nothing that is not published."""
    exposed = {p for e in manifest()["exposures"].values() for p in e["depends_on"]["nodes"]}
    assert exposed
    assert not [i for i in exposed if layer(manifest()["nodes"][i]) not in ("marts", "history")]
    silent = [n["name"] for n in models("marts") if n["unique_id"] not in exposed and not children(n["unique_id"])]
    assert not silent
    assert not [e["name"] for e in manifest()["exposures"].values() if not e["description"] or not e["owner"]["name"]]


def test_the_exposure_of_bao_cao_is_what_its_views_show() -> None:
    [exposure] = [e for e in manifest()["exposures"].values() if e["name"] == "spreadsheets"]
    shown = {table for view in views.declared().views.values() for table in (view.of, *view.beside)}
    assert {parent.rsplit(".", 1)[-1] for parent in exposure["depends_on"]["nodes"]} == shown


def of_exposure(name: str) -> set[str]:
    return {p.rsplit(".", 1)[-1] for p in manifest()["exposures"][f"exposure.cchc.{name}"]["depends_on"]["nodes"]}


def test_every_connection_that_was_tried_is_an_exposure() -> None:
    page = (PROJECT_DIR / "docs/connections.md").read_text("utf-8")
    tried = {row[0] for row in re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| (equal) \|$", page, re.M)}
    labels = {e["label"] for e in manifest()["exposures"].values() if e["name"].startswith("connection_")}
    assert labels == tried and len(tried) > 5


def test_the_exposure_of_superset_is_what_its_data_sets_show() -> None:
    sets = {path.stem for path in (PROJECT_DIR / "deploy/superset/datasets").rglob("*.yaml")}
    shown = {t for name, view in views.declared().views.items() if name in sets for t in (view.of, *view.beside)}
    assert of_exposure("connection_superset") == shown


def test_the_exposure_of_metricflow_is_what_its_project_reads() -> None:
    declared = yaml.safe_load((PROJECT_DIR / "semantic/models/release.yml").read_text("utf-8"))
    prefix = {"marts": "", "history": "history_"}
    read = {prefix[source["name"]] + table["name"] for source in declared["sources"] for table in source["tables"]}
    assert of_exposure("connection_metricflow") == read


@pytest.mark.parametrize("source", all_sources().values(), ids=lambda s: s.source)
def test_keys_are_those_of_the_declarations(source: Source) -> None:
    """As the staging model names the columns."""
    renamed = {("dossier_events", "status"): "status_code"}
    key = manifest()["sources"][f"source.cchc.lake.{source.table}"]["config"]["meta"]["key"]
    assert key == [renamed.get((source.table, column), column) for column in source.key]


def test_sentences_are_written_once() -> None:
    """A description of a column that two tables share is a docs block."""
    texts = [p.read_text("utf-8") for p in (PROJECT_DIR / "models").rglob("*.yml")]
    found: dict[str, int] = {}
    for text in texts:
        for model in yaml.safe_load(text).get("models", []):
            for column in model.get("columns", []):
                words = " ".join(column["description"].split())
                if not words.startswith("{{ doc("):
                    found[words] = found.get(words, 0) + 1
    assert not [words for words, times in found.items() if times > 1]


# --- the star


def test_keys_of_dimensions_are_tested() -> None:
    """Every surrogate key and calendar day of a fact meets its dimension."""
    dimensions = {
        f"{n['name'].removeprefix('dim_').rpartition('_')[2]}_key"
        for n in models("marts")
        if n["name"].startswith("dim_")
    }
    facts = [n for n in models("marts") if n["name"].startswith("fct_")]
    wrong, met = [], 0
    for fact in facts:
        tested = {_arguments(test)["column_name"] for test in checks_on(fact, "relationships")}
        keys = {c for c in fact["columns"] if c in dimensions or c.endswith("_date")} - {"event_date"}
        met += len(keys)
        wrong += [f"{fact['name']}.{c}" for c in keys - tested]
    assert met
    assert not wrong
