"""Make a pack again from the landing folder, in a home of its own, and compare every figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb
from openpyxl import load_workbook

from orchestration.errors import UsageError
from orchestration.home import MARKER
from orchestration.ingestion.ingest import IngestionReport
from orchestration.lake.counting import counted
from orchestration.lake.files import LakeFile
from orchestration.lake.store import Lake
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import SILENT, Listener, Request
from orchestration.publishing import reported
from orchestration.publishing.publish import code_version, inputs_of
from orchestration.quality.verdict import Verdict, Waiver
from orchestration.settings import Settings
from orchestration.sql import literal, quoted
from orchestration.submissions.evidence import write_evidence
from orchestration.submissions.pack import Submission, manifest_of, verify

# What was judged is no figure, and how columns are described none either.
NO_FIGURES = ("data_dictionary", "dq_check_history", "dq_check_results")


@dataclass(frozen=True)
class Compared:
    """What was compared, file by file of the pack: `difference` is empty where all is equal."""

    what: str
    difference: str = ""


def reproduce(pack: Path, settings: Settings, listener: Listener = SILENT) -> Iterator[Compared]:
    """Rebuild a pack in the home of the settings, which must be new, and compare: inputs first, then every figure.

    Raises UsageError for a home in use or a folder that is no pack, CchcError for a pack that is not what was frozen.
    """
    verify(pack)
    manifest = manifest_of(pack)
    submission = Submission.of(manifest)
    if settings.home and (settings.home / MARKER).exists():
        raise UsageError(f"--home {settings.home} is in use: give a new or empty folder, in which the pack is rebuilt")
    if manifest["code_version"] != code_version():
        listener.announce("code", f"the pack was made by version {manifest['code_version']}, this is {code_version()}")
    with held(Request(settings, submission.as_of, must_build=True, tells=False), listener) as night:
        steps.ingest(night)
        files = _counted(Lake(night.home.lake), manifest, submission)
        if differing := list(_inputs(manifest["sources"], files)):
            yield from differing
            night.ends("differs", submission.name)
            return
        yield Compared(f"{len(files)} files of the landing folder")
        reported.repeat(night.home, manifest["reports"])
        ingested = steps.Ingested(IngestionReport(), tuple(files), {}, ())
        steps.build(night, ingested)
        again = night.home.work / "pack"
        waivers = [Waiver(**values) for values in manifest["waivers"]]
        write_evidence(night.home, settings, submission, Verdict(()), waivers, again, night.progress("compare"))
        differs = False
        for compared in _figures(pack, again):
            differs |= bool(compared.difference)
            yield compared
        night.ends("differs" if differs else "reproduced", submission.name)


def _counted(lake: Lake, manifest: dict[str, Any], submission: Submission) -> list[LakeFile]:
    """The files that the pack rests on, as far as the landing folder has them; what landed since is left out."""
    asked = {(s["source"], s["source_file"], s["sha256"]) for s in manifest["sources"]}
    files = [f for f in lake.files() if (f.source, f.source_file, f.sha256) in asked]
    return counted(files, {}, submission.as_of)


def _inputs(stated: list[dict[str, Any]], files: list[LakeFile]) -> Iterator[Compared]:
    found = {(s["source"], s["source_file"]): s for s in inputs_of(files)}
    for one in stated:
        other = found.get((one["source"], one["source_file"]))
        if other is None:
            yield Compared(one["source_file"], "the landing folder has not the bytes that the pack was made from")
        elif other != one:
            first = next(key for key in one if one[key] != other[key])
            yield Compared(one["source_file"], f"{first} is {other[first]}, in the pack {one[first]}")


def _figures(pack: Path, again: Path) -> Iterator[Compared]:
    for path in sorted(p for name in ("parquet", "figures", "scores", "forms") for p in (pack / name).iterdir()):
        name = path.relative_to(pack)
        if path.stem in NO_FIGURES:
            continue
        if not (again / name).exists():
            yield Compared(str(name), "is not made any more")
            continue
        differs = {".parquet": _rows_differ, ".csv": _text_differs, ".xlsx": _cells_differ}[path.suffix]
        yield Compared(str(name), differs(path, again / name))


def _rows_differ(one: Path, other: Path) -> str:
    with duckdb.connect() as con:
        first, second = (f"read_parquet({literal(str(path))})" for path in (one, other))
        columns = [column for column, *_ in con.execute(f"describe from {first}").fetchall()]
        known = {column for column, *_ in con.execute(f"describe from {second}").fetchall()}
        if missing := [column for column in columns if column not in known]:
            return f"column {missing[0]} is not made any more"
        names = ", ".join(map(quoted, columns))
        counts = [
            con.execute(f"select count(*) from (select {names} from {a} except all select {names} from {b})").fetchone()
            for a, b in ((first, second), (second, first))
        ]
    [only_pack, only_again] = [count[0] if count else 0 for count in counts]
    return (
        f"{only_pack} rows are in the pack alone, {only_again} in what was rebuilt" if only_pack or only_again else ""
    )


def _text_differs(one: Path, other: Path) -> str:
    lines = [path.read_text("utf-8-sig").splitlines() for path in (one, other)]
    for number, (first, second) in enumerate(zip_longest(*lines), 1):
        if first != second:
            return f"line {number} is another"
    return ""


def _cells_differ(one: Path, other: Path) -> str:
    sheets = [
        {
            (s.title, cell.coordinate): cell.value
            for s in load_workbook(path).worksheets
            for row in s.rows
            for cell in row
        }
        for path in (one, other)
    ]
    differing = sorted(
        place for place in sheets[0].keys() | sheets[1].keys() if sheets[0].get(place) != sheets[1].get(place)
    )
    return f"cell {differing[0][1]} of sheet {differing[0][0]} is another" if differing else ""
