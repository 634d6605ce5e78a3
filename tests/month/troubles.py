"""What goes wrong in a simulated month, on which night, and how the landed files show it."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from orchestration.ingestion.landing import LandedFile, scan
from orchestration.sources import all_sources

Kind = Literal[
    "late",
    "bad",
    "good copy",
    "again",
    "other name",
    "schema",
    "replaced",
    "withdrawn",
    "nothing",
    "crash",
    "full disk",
]
Grid = list[list[str]]
LAST_NIGHT = date(2023, 11, 16)
UNKNOWN_COLUMN = "Ghi chú nội bộ"


@dataclass(frozen=True)
class Trouble:
    """One trouble on the night of a day; `of` is the day of the province-wide export of dossiers that it befalls."""

    kind: Kind
    on: date
    of: date | None = None


def _troubles(*said: tuple[Kind, str, str]) -> tuple[Trouble, ...]:
    return tuple(
        Trouble(kind, date.fromisoformat(f"2023-{on}"), date.fromisoformat(f"2023-{of}") if of else None)
        for kind, on, of in said
    )


MONTH = _troubles(
    ("late", "10-24", "10-21"),
    ("again", "10-27", "10-26"), ("other name", "10-27", "10-25"),
    ("bad", "10-30", "10-30"), ("good copy", "10-31", "10-30"),
    ("schema", "11-03", "11-03"),
    ("replaced", "11-06", "11-04"),
    ("withdrawn", "11-07", "11-05"),
    ("crash", "11-08", ""),
    ("full disk", "11-10", ""),
    ("nothing", "11-13", ""),
)  # fmt: skip
THREE_NIGHTS = _troubles(
    ("bad", "11-14", "11-01"), ("schema", "11-14", "11-14"),
    ("nothing", "11-15", ""),
    ("good copy", "11-16", "11-01"), ("late", "11-16", "11-13"), ("again", "11-16", "11-07"), ("other name", "11-16", "11-08"),
    ("replaced", "11-16", "11-14"), ("withdrawn", "11-16", "11-06"), ("crash", "11-16", ""), ("full disk", "11-16", ""),
)  # fmt: skip


def troubles_of(nights: int) -> tuple[Trouble, ...]:
    """All of them in three nights, several a night; else those of the month that so many last nights have room for."""
    first = LAST_NIGHT - timedelta(nights - 1)
    return THREE_NIGHTS if nights == 3 else tuple(t for t in MONTH if first < (t.of or t.on))


class Deliveries:
    """What each night of `cchc sample --nights` brings to landing, troubles among it."""

    def __init__(self, sample: Path, troubles: tuple[Trouble, ...]):
        self.sample, self.troubles = sample, troubles
        self.nights = sorted(date.fromisoformat(folder.name) for folder in sample.iterdir())
        self._exports = {
            file.stamp.date(): file
            for night in self.nights
            for file in scan(sample / night.isoformat(), set(all_sources()))
            if file.stamp and file.source_file.startswith(("dossiers/toan-tinh/", "dossiers/hang-dem/"))
        }

    def on(self, night: date) -> list[Trouble]:
        return [trouble for trouble in self.troubles if trouble.on == night]

    def export(self, trouble: Trouble) -> LandedFile:
        """The province-wide export that a trouble befalls."""
        assert trouble.of
        return self._exports[trouble.of]

    def deliver(self, night: date, landing: Path) -> list[str]:
        """Put into landing what lands on a night, and say in a few words each what is not as on other nights."""
        tonight, told = self.on(night), []
        kept_back = {
            self.export(trouble).path for trouble in self.troubles if trouble.kind == "late" and night < trouble.on
        }
        days = [night] if not any(t.kind == "nothing" for t in tonight) else []
        if any(t.kind == "nothing" for t in self.on(night - timedelta(1))):
            days.append(night - timedelta(1))
        for day in days:
            shutil.copytree(
                self.sample / day.isoformat(), landing, dirs_exist_ok=True,
                ignore=lambda folder, names: {name for name in names if Path(folder, name) in kept_back},
            )  # fmt: skip
        for trouble in tonight:
            told.append(trouble.kind)
            if trouble.of:
                export = self.export(trouble)
                told[-1] += f" {export.source_file.removeprefix('dossiers/')}"
                befall(trouble.kind, export, landing)
        return told


def befall(kind: Kind, export: LandedFile, landing: Path) -> None:
    """Do to a landed export what a trouble does."""
    landed = landing / export.source_file
    landed.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "late" | "good copy" | "again":
            landed.unlink(missing_ok=True)
            shutil.copyfile(export.path, landed)
        case "bad":
            assert export.path.suffix == ".gz"
            whole = export.path.read_bytes()
            landed.write_bytes(whole[: len(whole) // 2])
        case "other name":
            copy = landing / "dossiers" / "ban-sao" / export.path.name
            copy.parent.mkdir()
            shutil.copyfile(landed, copy)
        case "schema":
            rewrite(landed, renamed)
        case "replaced":
            rewrite(landed, corrected)


def rewrite(file: Path, change: Callable[[Grid], Grid]) -> None:
    """Change the cells of a CSV in UTF-8, packed or not."""
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode("utf-8-sig")
    separator = max(",;\t|", key=text.count)
    grid = change(list(csv.reader(io.StringIO(text), delimiter=separator)))
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(grid)
    content = out.getvalue().encode("utf-8")
    file.write_bytes(gzip.compress(content, mtime=0) if file.suffix == ".gz" else content)


def renamed(grid: Grid) -> Grid:
    """The headers by other accepted names, and one more column that nobody declared."""
    columns = all_sources()["dossiers"].columns
    other = {name.casefold(): c.names[n - 1] for c in columns for n, name in enumerate(c.names)}
    head, *rows = grid
    assert [other.get(cell.casefold(), cell) for cell in head] != head
    return [[*(other.get(cell.casefold(), cell) for cell in head), UNKNOWN_COLUMN], *([*row, "đã xem"] for row in rows)]


def corrected(grid: Grid) -> Grid:
    """Every tenth row is taken out: those dossiers were another office's."""
    return [row for number, row in enumerate(grid) if number % 10 != 9]
