"""What cites a document names its path and section, and both are there; links between documents lead somewhere."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR

# `docs/landing-contract.md 4` or `docs/landing-contract.md 1, 4.1`
CITATION = re.compile(r"\b(docs/[\w./-]+\.md)((?: \d+(?:\.\d+)*(?:, \d+(?:\.\d+)*)*)?)(?![\d/])")
LOOSE = re.compile(
    r"(?:landing\s+|\bthe\s+|\()contract[,\s(]+sections?\s|\blanding\s+contract\b|\bpublished\s+interface\b"
    r"|\bdomain\s+document\b|\b(?:stack|performance)\s+document\b|(?<!docs/)\bstack\.md\b|\bADR\s*\d",
    re.I,
)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")
WRITTEN = (".py", ".sql", ".yml", ".toml", "Makefile")
# Judges are not edited for their style.
NOT_OURS = re.compile(r"tests/(golden/|support/(oracle\w*|reading)\.py$|unit/test_citations\.py$)")


@cache
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := PROJECT_DIR / name).is_file()]


def running(path: Path) -> str:
    """The text as it is read, comments over several lines in one."""
    return re.sub(r"\s*\n\s*(?:#|--)?\s*", " ", path.read_text("utf-8"))


@cache
def sections(document: Path) -> set[str]:
    return set(re.findall(r"^#+ (\d+(?:\.\d+)*)\.? ", document.read_text("utf-8"), re.M))


def dead(text: str) -> list[str]:
    found = []
    for cited in CITATION.finditer(text):
        document = PROJECT_DIR / cited[1]
        known = sections(document) if document.is_file() else set()
        if not document.is_file() or not set(re.findall(r"\d[\d.]*", cited[2])) <= known:
            found.append(cited[0])
    return found


@pytest.mark.parametrize(
    "text",
    [
        "(docs/gone.md 1)",
        "docs/landing-contract.md 77",
        "docs/landing-contract.md 1, 2.9",
        "docs/published-interface.md 30.",
    ],
)
def test_a_dead_citation_is_seen(text: str) -> None:
    assert dead(text) and not LOOSE.search(text)


def test_sound_and_loose_citations_are_told_apart() -> None:
    sound = "docs/landing-contract.md 4, 4.1; docs/stack.md, and docs/decisions/0006-double-entry.md"
    assert not dead(sound) and not LOOSE.search(sound)
    assert all(
        LOOSE.search(text) for text in ("(contract, section 4)", "The landing contract", "see stack.md", "ADR 3")
    )


def test_code_cites_paths_and_sections_that_are_there() -> None:
    texts = {
        p: running(p)
        for p in tracked()
        if p.name.endswith(WRITTEN) and not NOT_OURS.match(p.relative_to(PROJECT_DIR).as_posix())
    }
    assert sum(len(CITATION.findall(text)) for text in texts.values()) > 60
    found = [f"{p.relative_to(PROJECT_DIR)}: {cited}" for p, text in texts.items() for cited in dead(text)]
    found += [
        f"{p.relative_to(PROJECT_DIR)}: {text[m.start() :][:50]!r}"
        for p, text in texts.items()
        for m in LOOSE.finditer(text)
    ]
    assert not found, "\n".join(found)


def test_documents_link_to_what_is_there() -> None:
    documents = [path for path in tracked() if path.suffix == ".md"]
    links = [(path, link) for path in documents for link in LINK.findall(path.read_text("utf-8"))]
    assert len(links) > 10
    assert not [(path.name, link) for path, link in links if not (path.parent / link).exists()]


def test_readme_leads_to_every_document() -> None:
    readme = set(LINK.findall((PROJECT_DIR / "README.md").read_text("utf-8")))
    assert {f"docs/{path.name}" for path in (PROJECT_DIR / "docs").glob("*.md")} <= readme
