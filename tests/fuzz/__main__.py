"""`python -m tests.fuzz --files 20000 --seed 1`: generated files over every decoder, and what became of them.

Exit 0 when every promise held of every file, else 1; what failed lies below `--keep`, as it was and as small as it
could be made.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

from tqdm import tqdm

from tests.fuzz.campaign import Chunk, Failure, run_all


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    asked.add_argument("--files", type=int, default=20_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--jobs", type=int, default=2)
    asked.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="folder for files that fail")
    asked.add_argument("--again", type=float, default=1.0, help="share of the files that are read twice")
    asked.add_argument("--no-shrink", action="store_true")
    options = asked.parse_args()
    began = time.monotonic()
    chunks: list[Chunk] = []
    with tqdm(total=options.files, unit=" files", mininterval=0.1 if sys.stderr.isatty() else 60) as progress:
        how = {"shrink": not options.no_shrink, "again": options.again}
        for chunk in run_all(options.seed * 1_000_000, options.files, options.jobs, **how):
            chunks.append(chunk)
            progress.update(chunk.files)
            for failure in chunk.failures:
                tqdm.write(
                    f"seed {failure.seed}: {failure.case.decoder}, {failure.case.how}, {failure.case.source}: {failure.what}",
                    file=sys.stderr,
                )
                _keep(options.keep, failure)
    print(summary(chunks, time.monotonic() - began))
    return 1 if any(chunk.failures for chunk in chunks) else 0


def _keep(folder: Path, failure: Failure) -> None:
    for which, case in (("found", failure.case), ("smallest", failure.smallest)):
        if case:
            place = (
                folder
                / f"{failure.seed}-{failure.promise.replace(' ', '-')}-{sha256(failure.case.data).hexdigest()[:6]}-{which}"
            )
            place.mkdir(parents=True, exist_ok=True)
            (place / case.name.replace("/", "_")).write_bytes(case.data)
            (place / "what.txt").write_text(
                f"{failure.what}\n{case.source_file} {case.decoder} {case.how} rows {case.rows} most {case.most}\n"
            )


def summary(chunks: list[Chunk], seconds: float) -> str:
    """Files by decoder and outcome, how they were made, and the pace."""
    outcomes: Counter[tuple[str, str]] = sum((c.outcomes for c in chunks), Counter())
    ways: Counter[str] = sum((c.ways for c in chunks), Counter())
    rows: Counter[str] = sum((c.rows for c in chunks), Counter())
    files, read = sum(c.files for c in chunks), sum(c.read for c in chunks)
    lines = []
    for decoder in sorted({d for d, _ in outcomes}):
        mine = Counter({o: n for (d, o), n in outcomes.items() if d == decoder})
        lines.append(f"{decoder:24} {mine.total():6}  " + ", ".join(f"{o} {n}" for o, n in mine.most_common()))
    lines.append("made as: " + ", ".join(f"{way} {n}" for way, n in ways.most_common()))
    lines.append(
        "slowest (s of a processor): "
        + ", ".join(f"{s:.1f} {what}" for s, what in sorted((x for c in chunks for x in c.slowest), reverse=True)[:5])
    )
    lines.append(
        f"{files} files, {sum(c.judged for c in chunks)} of them judged by the independent reading, {read} readings, "
        f"{rows['accepted']} rows accepted, {rows['rejected']} rejected; {seconds:.0f} s, {files / seconds:.1f} files a second; "
        f"{sum(len(c.failures) for c in chunks)} failures"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
