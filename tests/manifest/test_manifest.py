"""Rules of the house that can be read off the dbt manifest: layers, names, contracts, words."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from orchestration.catalogue import kpi_codes
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
NAMED_BY_THE_INTERFACE = {"data_dictionary", "restatements"}

# What each layer reads. Intermediate models of KPIs and flags read core and history: the way goes on, never
# back to staging.
MAY_READ = {
    "staging": {"source"},
    "intermediate": {"staging", "intermediate", "marts", "history", "seeds"},
    "marts": {"intermediate", "marts", "history", "seeds"},
    "history": {"intermediate"},
}
# Marts that read staging all the same, and why.
READS_STAGING = {
    "stg_run": "the as-of day is the run's, not a source's; macro `as_of` reads it wherever a day is needed",
    "stg_landed_files": "dq_rejected_files and dq_source_freshness list landing's findings as they are",
    "stg_rejected_rows": "dq_rejected_rows lists landing's findings as they are",
    "stg_declared_sources": "dq_source_freshness has a row for each declared source, known or not",
    "stg_declared_columns": "data_dictionary lists the headers that landed columns are accepted under",
    "stg_public_holidays": "dim_date is all that is made of them",
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


# --- layers and names


def test_each_layer_reads_what_it_may() -> None:
    everything = manifest()["nodes"] | manifest()["sources"]
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in models()
        for parent in (everything[i] for i in node["depends_on"]["nodes"])
        if layer(parent) not in MAY_READ[layer(node)] and not _may_read_staging(node, parent)
    ]
    assert not wrong


def _may_read_staging(node: Node, parent: Node) -> bool:
    # A history is the versions of one staging model; a copy between them would only cost a write.
    if layer(node) == "history":
        return parent["name"] == node["name"].replace("history_", "stg_", 1)
    return layer(node) == "marts" and parent["name"] in READS_STAGING


def test_no_exception_is_stale() -> None:
    read = {parent.rsplit(".", 1)[-1] for node in models("marts") for parent in node["depends_on"]["nodes"]}
    assert set(READS_STAGING) <= read


def test_models_are_named_by_their_layer() -> None:
    wrong = [
        node["name"]
        for node in models()
        if not node["name"].startswith(PREFIXES[layer(node)]) and node["name"] not in NAMED_BY_THE_INTERFACE
    ]
    assert not wrong


def test_models_stand_in_their_layer_s_folder() -> None:
    folders = {"staging": "models/staging/", "intermediate": "models/intermediate/", "marts": "models/marts/",
               "history": "models/marts/history/"}  # fmt: skip
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
        f"{node['name']}.{name}": (name in pseudonyms, column["config"]["meta"].get("personal"))
        for node in models("staging", "marts", "history")
        for name, column in node["columns"].items()
    }
    assert not [place for place, (_, said) in classes.items() if said not in ("none", "free_text", "pseudonym")]
    assert not [place for place, (is_one, said) in classes.items() if is_one != (said == "pseudonym")]


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
        if column["config"]["meta"].get("personal") != declared.get(name, "none")
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
    assert named - {"dossiers", "portal_sync_rate"} <= set(kpi_codes())


def test_every_subject_is_counted() -> None:
    """A subject that a file of macros/figures declares is in a list; macros read tables through refs alone."""
    declared = re.findall(r"macro (figures_of_\w+)\(", " ".join(_figures().values()))
    [listed] = re.findall(r"macro subjects_besides_dossiers.*?endmacro", _figures()["macros/figures/subjects.sql"], re.S)
    assert Counter(declared) == Counter(["figures_of_dossiers", *re.findall(r"figures_of_\w+", listed)])
    assert not [path for path, sql in sql_files().items() if re.search(r"ref\([^)]*~|replace\('known_", sql)]


def _figures() -> dict[str, str]:
    return {path: sql for path, sql in sql_files().items() if path.startswith("macros/figures/")}
