"""The whole nightly beside the raw DuckDB script, in one run: `python -m benchmarks.nightly [--runs N] [DOSSIERS…]`.

Prints medians, peak memory and the ratio beside its goal; says nothing of pass or fail.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.export import AS_OF, write_export

GOALS = {386_797: "goal: 2.4 x the pandas script", 3_867_970: "goal: 2.0 x raw DuckDB"}


def timed(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dossiers", type=int, nargs="*", default=list(GOALS))
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    sizes, runs = asked.dossiers, asked.runs
    for dossiers in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            export = root / "landing" / "dossiers" / "hoso_20231116_2330.csv"
            write_export(export, dossiers)
            raw, night, again = [], [], []
            for _ in range(runs):
                raw.append(
                    timed(
                        [
                            sys.executable,
                            str(Path(__file__).with_name("raw_duckdb.py")),
                            str(export),
                            str(root / "raw.parquet"),
                        ]
                    )
                )
                home = root / "home"
                shutil.rmtree(home, ignore_errors=True)
                command = [
                    sys.executable,
                    "-m",
                    "orchestration.cli",
                    "nightly",
                    "--landing",
                    str(root / "landing"),
                    "--home",
                    str(home),
                    "--as-of",
                    AS_OF,
                ]
                night.append(timed(command))
                again.append(timed(command))
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
            r, n, a = (statistics.median(x) for x in (raw, night, again))
            print(
                f"{dossiers:>12,} dossiers, {export.stat().st_size / 1e6:,.0f} MB: "
                f"raw DuckDB {r:.1f} s, nightly {n:.1f} s "
                f"= {n / r:.2f} x raw ({GOALS.get(dossiers, 'no goal')}), nothing new {a:.1f} s, peak {peak:.1f} GB",
                flush=True,
            )


if __name__ == "__main__":
    main()
