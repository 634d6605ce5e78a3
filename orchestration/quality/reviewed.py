"""Reading the reviewed YAML of `expectations/`: suites, gate thresholds, retention and rhythms, validated on load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from orchestration.catalogue import kpi_codes, scope_types
from orchestration.declared import DeclarationError, Declared, load
from orchestration.settings import PROJECT_DIR
from orchestration.sources import all_sources

EXPECTATIONS_DIR = PROJECT_DIR / "expectations"
THRESHOLDS_FILE = "thresholds.yml"
RETENTION_FILE = "retention.yml"
RHYTHMS_FILE = "rhythms.yml"
_LISTS = {"kpi_codes": kpi_codes, "scope_types": scope_types}

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Reason = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}, \S", strip_whitespace=True)]


class Reviewed(Declared):
    """What may stand in a reviewed file: each value of its own type."""

    model_config = ConfigDict(strict=True)


class FileRejection(Reviewed):
    """A file blocks when `rows_rejected >= min_rows` and its share of rejected rows is above `max_share`."""

    min_rows: int = Field(ge=1)
    max_share: float = Field(ge=0, lt=1)
    reason: Reason

    def broken_by(self, rows_rejected: Any, rows_read: Any) -> Any:
        """Whether a file of so many rows blocks: a truth value of two numbers, a column of two columns."""
        # The quotient of two whole numbers is correctly rounded, so exactly 5 % equals the literal 0.05.
        share = rows_rejected / (rows_read + (rows_read == 0))
        return (rows_rejected >= self.min_rows) & (share > self.max_share)


class Thresholds(Reviewed):
    """The gate's numbers."""

    file_rejection: FileRejection


class Period(Reviewed):
    """For how many years after an export was stamped its pseudonyms are kept."""

    years: int = Field(ge=1, le=100)
    reason: Reason


class Retention(Reviewed):
    """The retention policy: a period for every source that tells of persons."""

    sources: dict[str, Period]

    @model_validator(mode="after")
    def every_source_with_persons_has_one(self) -> Retention:
        named = {s.source for s in all_sources().values() if s.identities}
        if wrong := sorted(named ^ self.sources.keys()):
            raise ValueError(f"needs a period for each source with persons and no other: see {', '.join(wrong)}")
        return self


class Rhythm(Reviewed):
    """How often a source is exported, and for how long its silence goes without a warning, or a block.

    An export is due `every` so many days after the newest. More than `warns_after` days later the source is late, more
    than `blocks_after` days later overdue; missing, it never is. Days are counted in `counted_in`. `feeds` says in
    Vietnamese which figures and sources rest on it.
    """

    every: int = Field(ge=1, le=3660)
    counted_in: Literal["working_days", "days"]
    warns_after: int = Field(ge=0, le=3660)
    blocks_after: int | None = Field(None, ge=1, le=3660)
    feeds: Text
    reason: Reason
    basis: Text

    @model_validator(mode="after")
    def warns_first(self) -> Rhythm:
        if self.blocks_after is not None and self.blocks_after <= self.warns_after:
            raise ValueError("blocks_after must be more than warns_after: a late source warns first")
        return self


class Rhythms(Reviewed):
    """The rhythm of every source."""

    sources: dict[str, Rhythm]

    @model_validator(mode="after")
    def every_source_has_one(self) -> Rhythms:
        if wrong := sorted(all_sources().keys() ^ self.sources.keys()):
            raise ValueError(f"needs a rhythm for each source and no other: see {', '.join(wrong)}")
        return self


class Limit(Reviewed):
    """How far a quantity may go: no row of the frame, of those that `of` picks, lies below `least` or above `most`.

    `of` and `quantity` are expressions over the frame's columns, as pandas' `query` and `eval` take them.
    """

    of: Text
    quantity: Text
    least: float | int | None = None
    most: float | int | None = None

    @model_validator(mode="after")
    def says_how_far(self) -> Limit:
        if self.least is None and self.most is None:
            raise ValueError("give least, most or both")
        return self

    @property
    def beyond(self) -> str:
        """The condition that a row breaks the limit."""
        bounds = [("<", self.least), (">", self.most)]
        sides = [f"({self.quantity}) {sign} {bound}" for sign, bound in bounds if bound is not None]
        return f"({self.of}) and ({' or '.join(sides)})"


class Expectation(Reviewed):
    """One rule about a frame: an expectation with its arguments, or a limit, which is one of no row beyond it.

    `reason` begins with its date; `title` and `basis` are what a Vietnamese page shows, the latter of the reason.
    `value_set` may name a list that stands elsewhere: `kpi_codes`, `scope_types` (orchestration/catalogue.py).
    """

    name: Name
    title: Text
    limit: Limit | None = None
    expectation: Text
    arguments: dict[str, Any] = Field(default_factory=dict)
    severity: Literal["error", "warning"]
    blocking: bool
    applies_when_empty: bool = True
    reason: Reason
    basis: Text

    @model_validator(mode="before")
    @classmethod
    def a_limit_is_an_expectation(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "limit" not in given:
            return given
        if "expectation" in given or "arguments" in given:
            raise ValueError("give either a limit or an expectation")
        condition = Limit.model_validate(given["limit"]).beyond
        arguments = {"value": 0, "row_condition": condition, "condition_parser": "pandas"}
        return given | {"expectation": "expect_table_row_count_to_equal", "arguments": arguments}

    @field_validator("arguments")
    @classmethod
    def lists_are_looked_up(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        name = arguments.get("value_set")
        if not isinstance(name, str):
            return arguments
        if name not in _LISTS:
            raise ValueError(f"value_set: there is no list {name!r}: one of {', '.join(_LISTS)}")
        return arguments | {"value_set": list(_LISTS[name]())}

    @model_validator(mode="after")
    def a_warning_never_blocks(self) -> Expectation:
        if self.blocking and self.severity == "warning":
            raise ValueError("a warning cannot be blocking")
        return self


class Suite(Reviewed):
    """The rules of one frame. Only the columns of `identified_by` are ever named in a result."""

    name: Name
    frame: Name
    title: Text
    description: Text
    identified_by: list[Name]
    expectations: list[Expectation] = Field(min_length=1)

    @model_validator(mode="after")
    def names_are_unique(self) -> Suite:
        names = [expectation.name for expectation in self.expectations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"expectation name used twice: {', '.join(twice)}")
        return self


def load_thresholds(directory: Path = EXPECTATIONS_DIR) -> Thresholds:
    """The gate thresholds. Raises DeclarationError naming the file and the key."""
    return load(directory / THRESHOLDS_FILE, Thresholds)


def load_retention(directory: Path = EXPECTATIONS_DIR) -> Retention:
    """The retention policy. Raises DeclarationError naming the file and the key."""
    return load(directory / RETENTION_FILE, Retention)


def load_rhythms(directory: Path = EXPECTATIONS_DIR) -> Rhythms:
    """How often each source is exported. Raises DeclarationError naming the file and the key."""
    return load(directory / RHYTHMS_FILE, Rhythms)


def load_suites(directory: Path = EXPECTATIONS_DIR) -> list[Suite]:
    """Every suite of the directory, in order of name. Raises DeclarationError naming the file and the key."""
    suites = []
    for path in sorted(directory.glob("*.yml")):
        if path.name in (THRESHOLDS_FILE, RETENTION_FILE, RHYTHMS_FILE):
            continue
        suite = load(path, Suite)
        if suite.name != path.stem:
            raise DeclarationError(f"{path.name}: name: is {suite.name!r}, must be the file's name")
        suites.append(suite)
    if not suites:
        raise DeclarationError(f"{directory.name}: no suite found")
    return suites
