"""Every night's check results, kept beside the releases for as long as the home lives: `dq_check_history`.

A folder of small Parquet files, one a night judged, and a chained register of what each must be. Nothing in it is
ever changed: what a night found cannot be found again, for it told of the files that were new then.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.chained import Chain
from orchestration.errors import CchcError
from orchestration.files import sha256_of, sync
from orchestration.quality.verdict import SCHEMA, Verdict

NIGHT = pa.schema(
    [
        ("night_number", pa.int64()),
        ("as_of", pa.date32()),
        ("code_version", pa.string()),
        ("allows_publication", pa.bool_()),
    ]
)
HISTORY = pa.schema([*NIGHT, *SCHEMA])


class CheckHistory:
    """The nights judged in one home, oldest first."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.register = Chain(
            folder / "_register.jsonl",
            "the history of checks",
            f"restore it from a backup, or move {folder} aside: the history then begins anew",
        )

    def record(self, verdict: Verdict, as_of: date, inputs: list[dict[str, Any]], code_version: str) -> None:
        """Keep what a night's checks found, safely on disk when this returns.

        A night is a day, what was known on it and the code that judged it. Judged again, as by a rebuild or after a
        kill, it is kept again only when something else blocks it.
        """
        night = {
            "as_of": as_of.isoformat(),
            "inputs": hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest(),
            "code_version": code_version,
            "blocking_failures": [check.check_code for check in verdict.blocking_failures],
            "allows_publication": verdict.passed,
        }
        same = [e for e in self.register.entries if all(e[k] == night[k] for k in ("as_of", "inputs", "code_version"))]
        if same and same[-1]["blocking_failures"] == night["blocking_failures"]:
            return
        self.folder.mkdir(mode=0o700, exist_ok=True)
        name = f"{len(self.register.entries) + 1:06d}_{as_of.isoformat()}.parquet"
        pq.write_table(verdict.to_table(), self.folder / name, compression="zstd")
        os.chmod(self.folder / name, 0o400)
        sync(self.folder / name)
        sync(self.folder)
        judged_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.register.append([night | {"file": name, "sha256": sha256_of(self.folder / name), "judged_at": judged_at}])

    def to_table(self) -> pa.Table:
        """The rows of `dq_check_history`. Raises CchcError when a night is missing or not what was kept."""
        nights = [self._night(entry) for entry in self.register.entries]
        return pa.concat_tables([HISTORY.empty_table(), *nights])

    def _night(self, entry: dict[str, Any]) -> pa.Table:
        path = self.folder / entry["file"]
        if not path.is_file() or sha256_of(path) != entry["sha256"]:
            raise CchcError(f"{path} is missing or not what was kept of that night: {self.register.remedy}")
        checks = pq.ParquetFile(path).read()
        said = (entry["sequence"], date.fromisoformat(entry["as_of"]), entry["code_version"])
        values = (*said, entry["allows_publication"])
        night = [pa.repeat(pa.scalar(v, f.type), checks.num_rows) for v, f in zip(values, NIGHT, strict=True)]
        return pa.table([*night, *checks.columns], schema=HISTORY)
