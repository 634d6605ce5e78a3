"""What each official form looks like: one YAML file a form beside this one, validated on load."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from orchestration.declared import Declared, load
from orchestration.errors import UsageError
from orchestration.reports.figures import CONVENTIONS

FOLDER = Path(__file__).parent

RowKind = Literal[
    "agencies", "fields", "fields_by_level", "agencies_overdue", "dossiers_overdue", "procedures_by_agency"
]


class Column(Declared):
    """One column: its header from the top down, and the values whose sum it shows (KPI codes, or a row's own)."""

    header: tuple[str, ...] = Field(min_length=1)
    shows: tuple[str, ...] = Field(min_length=1)
    width: float = 11


class Form(Declared):
    """A form: titles, what its rows are, its columns in order, and what is said below it.

    `convention` is the one it is counted by unless another is asked for; `conventions` says of each what it means
    here, with `{withdrawn}` for the number of dossiers withdrawn.
    """

    form: str
    name_vi: str
    title_vi: str
    unit_vi: str
    source: str
    rows: RowKind
    convention: Literal["separate", "form_06a"]
    columns: tuple[Column, ...] = Field(min_length=1)
    conventions: dict[str, str]
    notes: tuple[str, ...] = ()

    @field_validator("conventions")
    @classmethod
    def _says_every_convention(cls, conventions: dict[str, str]) -> dict[str, str]:
        if set(conventions) != set(CONVENTIONS):
            raise ValueError(f"say what each convention means: {', '.join(CONVENTIONS)}")
        return conventions


def form_codes() -> tuple[str, ...]:
    """The code of every form."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yml")))


@cache
def form_named(code: str) -> Form:
    """The declaration of a form. Raises UsageError for an unknown one, DeclarationError for what cannot be meant."""
    if code not in form_codes():
        raise UsageError(f"the form {code!r} is unknown: one of {', '.join(form_codes())}")
    return load(FOLDER / f"{code}.yml", Form)
