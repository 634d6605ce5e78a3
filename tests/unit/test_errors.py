"""What is said of an error, and what is kept of it, holds no cell."""

from __future__ import annotations

import traceback

import duckdb
import pytest

from orchestration.errors import CchcError, is_full_disk, plainly, told, told_by_database

CANARY = "Quỳnh Giả 097111111122"


def raised(sql: str) -> duckdb.Error:
    with pytest.raises(duckdb.Error) as caught:
        duckdb.sql(sql).fetchall()
    return caught.value


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        (f"select '{CANARY}'::int", "Conversion Error"),
        (f"select strptime('{CANARY}', '%Y')", "Invalid Input Error"),
        (f"select error('{CANARY}')", "Invalid Input Error"),
        (f"select no_such_function('{CANARY}')", "Catalog Error: Scalar Function with name no_such_function"),
        (f"select no_such_column from (select '{CANARY}' as a)", "Binder Error: Referenced column"),
        ("select 97111111122::int", "Conversion Error"),
    ],
)
def test_a_database_error_is_told_without_values(sql: str, kind: str) -> None:
    for said in (told(raised(sql)), told_by_database(f"Runtime Error in model x\n  {raised(sql)}")):
        assert said.startswith(kind) and "Quỳnh" not in said and "97111111122" not in said


def test_any_other_error_is_told_by_its_kind() -> None:
    assert told(ValueError(CANARY)) == "ValueError"
    assert told(CchcError("ours")) == "ours"
    assert told(PermissionError(13, "Permission denied", "a.csv")) == "a.csv: Permission denied"


def test_a_step_lets_only_our_words_out() -> None:
    """Dagster writes down the message, the frames, the cause and the context of what a step raises."""
    for inner in (ValueError(CANARY), CchcError("ours")):
        with pytest.raises(CchcError) as caught, plainly("build"):
            try:
                raise KeyError(CANARY)
            except KeyError as error:
                raise inner from error
        assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("text", ["IO Error: Could not write file: No space left on device", "Disk quota exceeded"])
def test_a_full_disk_is_told_from_other_errors(text: str) -> None:
    assert is_full_disk(text) and is_full_disk(OSError(28, "No space left on device"))
    assert not is_full_disk("IO Error: No such file or directory") and not is_full_disk(OSError(2, "No such file"))
