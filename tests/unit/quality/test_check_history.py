"""Every night's results, kept for good: what is recorded, what is not recorded twice, what is damaged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from orchestration.errors import CchcError
from orchestration.quality.history import CheckHistory
from orchestration.quality.verdict import Verdict
from tests.unit.quality.conftest import CHECK

PASSES, FAILS = Verdict.of([CHECK]), Verdict.of([replace(CHECK, status="failed", unexpected_count=1)])
DAY, FILE = date(2023, 7, 31), {"source_file": "dossiers/a.csv", "sha256": "0a"}


def nights(folder: Path) -> list[tuple[int, date, bool, str]]:
    rows = CheckHistory(folder).to_table().to_pylist()
    return [(r["night_number"], r["as_of"], r["allows_publication"], r["status"]) for r in rows]


def test_every_night_is_kept_once(tmp_path: Path) -> None:
    folder = tmp_path / "checks"
    assert nights(folder) == []
    another = Verdict.of([replace(CHECK, element_count=0)])
    for verdict, day, inputs, code in [
        (FAILS, DAY, [FILE], "1"),
        (PASSES, DAY, [FILE], "1"),  # accepted since
        (another, DAY, [FILE], "1"),  # the same night again, with nothing new any more
        (PASSES, DAY, [FILE, FILE], "1"),
        (PASSES, DAY, [FILE], "2"),
        (PASSES, date(2023, 8, 1), [FILE], "1"),
    ]:
        CheckHistory(folder).record(verdict, day, inputs, code)
    assert nights(folder) == [
        (1, DAY, False, "failed"),
        (2, DAY, True, "passed"),
        (3, DAY, True, "passed"),
        (4, DAY, True, "passed"),
        (5, date(2023, 8, 1), True, "passed"),
    ]
    assert CheckHistory(folder).to_table().column("element_count").to_pylist() == [3] * 5
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["changed", "missing", "register"])
def test_a_damaged_history_is_no_history(damage: str, tmp_path: Path) -> None:
    for verdict in (FAILS, PASSES):
        CheckHistory(tmp_path).record(verdict, DAY, [FILE], "1")
    [first, _], register = sorted(tmp_path.glob("*.parquet")), tmp_path / "_register.jsonl"
    if damage == "register":
        register.write_bytes(register.read_bytes().replace(b'"allows_publication":false', b'"allows_publication":true'))
    else:
        data = first.read_bytes()
        first.unlink()
        if damage == "changed":
            first.write_bytes(data.replace(b"failed", b"passed"))
    with pytest.raises(CchcError, match=r"restore it from a backup, or move .* aside: the history then begins anew$"):
        CheckHistory(tmp_path).to_table()
