"""The figures of a pack, written from a warehouse: tables without pseudonyms, KPIs, scorecards, official forms."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.catalogue import scope_types
from orchestration.home import Home
from orchestration.plain import cell
from orchestration.publishing.publish import write_tables
from orchestration.publishing.releases import Release
from orchestration.publishing.tables import published_tables
from orchestration.quality.verdict import Verdict, Waiver
from orchestration.reports import forms
from orchestration.reports.figures import CONVENTIONS, Question, figures
from orchestration.reports.forms.declared import form_codes
from orchestration.reports.scores import indexes, points_lost, scores
from orchestration.settings import Settings
from orchestration.sql.engine import limits
from orchestration.submissions.pack import Submission
from orchestration.warehouse import dbt

Progress = Callable[[str, int, int], object]


def write_evidence(
    home: Home,
    settings: Settings,
    submission: Submission,
    verdict: Verdict,
    waivers: Sequence[Waiver],
    folder: Path,
    progress: Progress | None = None,
    pages: Callable[[Path], object] = lambda _: None,
) -> dict[str, int]:
    """Write the figures of a pack below a folder, from the warehouse as it was built; gives the rows of each table.

    `pages`, given the folder with all its tables, writes what else it holds.

    parquet/<table>.parquet   every published table, without pseudonyms: no figure needs them
    figures/kpis.parquet      every KPI of the period by every scope, in both conventions; kpis.csv: province, agencies
    scores/<index>.csv        criteria by province and agency; points-lost.csv: through whom points are lost
    forms/<form>.xlsx         the official forms
    """
    manifest = json.loads(dbt.manifest_path(home).read_text("utf-8"))
    for name in ("parquet", "figures", "scores", "forms"):
        (folder / name).mkdir(parents=True)
    rows = write_tables(home, settings, folder, published_tables(manifest), verdict, progress, with_pseudonyms=False)
    release = Release(folder, {"release_id": submission.name, "as_of": submission.as_of.isoformat()}, limits(settings))
    _write_figures(release, submission, folder / "figures")
    _write_scores(release, submission, folder / "scores")
    for code in form_codes():
        form = forms.form_named(code)
        asked = _question(release, submission, form.convention)
        forms.write(release, form, asked, folder / "forms" / f"{code}.xlsx", [waiver.told_vi for waiver in waivers])
    pages(folder)
    release.database.unlink()
    return rows


def _question(release: Release, submission: Submission, convention: str = "separate") -> Question:
    return Question.of(release, submission.from_on, submission.to_on, submission.as_of, convention)


def _write_figures(release: Release, submission: Submission, folder: Path) -> None:
    by_convention = []
    for convention in CONVENTIONS:
        found = figures(release, _question(release, submission, convention), list(scope_types()), [])
        by_convention.append(found.append_column("convention", pa.array([convention] * len(found))))
    table = pa.concat_tables(by_convention)
    pq.write_table(table, folder / "kpis.parquet")
    people_read = [row for row in table.to_pylist() if row["scope_type"] in ("province", "agency")]
    write_csv(folder / "kpis.csv", table.column_names, people_read)


def _write_scores(release: Release, submission: Submission, folder: Path) -> None:
    question = _question(release, submission)
    for index_code in indexes(release):
        found = scores(release, question, ["province", "agency"], index_code)
        write_csv(folder / f"{index_code}.csv", found.column_names, found.to_pylist())
    lost = points_lost(release, question)
    write_csv(folder / "points-lost.csv", lost.column_names, lost.to_pylist())


def write_csv(path: Path, columns: list[str], rows: Iterable[dict[str, Any]]) -> None:
    """Text in UTF-8 with a mark for spreadsheets, in which no cell computes."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([cell(value) for value in row.values()] for row in rows)
