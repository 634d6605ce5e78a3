"""The warehouse beside its peers, in one run: `python -m benchmarks [--scale 1] [--runs 3]`.

Inputs are written once below `--inputs`. Prints each work's median, range, ratio and goal, memory and stages, and keeps
all in a dated file below `benchmarks/results`, from which `python -m benchmarks.page` draws ratios over commits. Says
nothing of pass or fail.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from tqdm import tqdm

from benchmarks.measure import Measured, measure
from benchmarks.works import PROVINCE, Inputs, Work, works

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help=f"of {PROVINCE:,} dossiers, one province")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", action="append", help="works whose name begins so, and the peers they need")
    parser.add_argument("--inputs", type=Path, default=HERE / "inputs")
    parser.add_argument("--scratch", type=Path, help="where homes are made (default: a temporary folder)")
    asked = parser.parse_args()
    inputs = Inputs(asked.inputs.absolute() / f"{asked.scale:g}", int(PROVINCE * asked.scale)).written()
    with tempfile.TemporaryDirectory(dir=asked.scratch, prefix="bench-") as folder:
        chosen = [w for w in works(inputs, Path(folder)) if not asked.only or w.name.startswith(tuple(asked.only))]
        found = runs_in_turn(chosen, asked.runs)
    print("\n".join(lines(chosen, found)))
    kept = HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d-%H%M}-{commit()}-x{asked.scale:g}.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(record(inputs, chosen, found), ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"kept in {kept.relative_to(HERE.parent)}")


def runs_in_turn(chosen: list[Work], runs: int) -> dict[str, list[Measured]]:
    """Peers and warehouse by turns, so that a slow minute of the machine is everyone's."""
    found: dict[str, list[Measured]] = {work.name: [] for work in chosen}
    with tqdm(total=runs * len(chosen), disable=not sys.stderr.isatty()) as progress:
        for _ in range(runs):
            for work in chosen:
                progress.set_description(work.name)
                work.before()
                found[work.name].append(measure(work.command))
                progress.update()
    return found


def seconds(work: Work, run: Measured) -> float:
    return run.stages[work.until] if work.until else run.seconds


def median(work: Work, found: dict[str, list[Measured]]) -> float:
    return statistics.median(seconds(work, run) for run in found[work.name])


def ratio(work: Work, chosen: list[Work], found: dict[str, list[Measured]]) -> float | None:
    """Of the median to the peer's, where the work has a peer in this run."""
    peer = next((p for p in chosen if p.name == work.peer), None)
    return median(work, found) / median(peer, found) if peer else None


def lines(chosen: list[Work], found: dict[str, list[Measured]]) -> list[str]:
    out = [f"{'work':36} {'median':>8}  {'min to max':>15}  {'goal':>7}  {'ratio':>6}  {'cpu':>7}  {'peak':>8}  stages"]
    for work in chosen:
        runs = found[work.name]
        times = sorted(seconds(work, run) for run in runs)
        held = ratio(work, chosen, found)
        goal = "" if work.goal is None else f"{work.goal:g} {'x' if work.peer else 's'}"
        peak = max(run.peak for run in runs) / 1e9
        middle = sorted(runs, key=lambda run, work=work: seconds(work, run))[len(runs) // 2]
        out.append(
            f"{work.name:36} {median(work, found):6.1f} s  {times[0]:6.1f}–{times[-1]:6.1f} s  {goal:>7}  "
            f"{'' if held is None else f'{held:.2f} x':>6}  {middle.cpu:5.1f} s  {peak:5.2f} GB  "
            + ", ".join(f"{stage} {took:.1f}" for stage, took in middle.stages.items())
        )
    return out


def record(inputs: Inputs, chosen: list[Work], found: dict[str, list[Measured]]) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": {
            "processor": platform.processor() or platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "system": platform.system(),
            "python": platform.python_version(), "duckdb": duckdb.__version__, "load": os.getloadavg()[2],
        },
        "dossiers": inputs.dossiers,
        "works": [
            {
                "name": work.name, "peer": work.peer, "goal": work.goal, "until": work.until,
                "median": median(work, found), "ratio": ratio(work, chosen, found),
                "runs": [asdict(run) for run in found[work.name]],
            }
            for work in chosen
        ],
    }  # fmt: skip


def commit() -> str:
    shown = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
