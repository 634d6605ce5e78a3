"""A simulated month: `python -m tests.month --nights 30 --scale 0.02`.

The sample province is delivered night by night, with troubles on set nights, and `cchc nightly` runs as of each. In the
end every figure equals a rebuild from the same lake and that of a new home which got everything in one night. Prints the
month as a table; exit code 1 when anything did not hold.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from sample_province import write_province
from tests.conftest import KEY
from tests.month.lived import Month, told
from tests.month.story import faults
from tests.month.troubles import Deliveries, troubles_of
from tests.support import warm


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.month", description=__doc__.partition("\n")[0])
    asked.add_argument("--nights", type=int, default=30)
    asked.add_argument("--scale", type=float, default=0.02)
    asked.add_argument("--folder", type=Path, help="where to work, kept afterwards (default: a temporary folder)")
    given = asked.parse_args()
    os.environ["CCHC_PSEUDONYM_KEY"] = KEY
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        write_province(folder / "sample", given.scale, nights=given.nights)

        def cchc(*arguments: object, program: str = "") -> subprocess.CompletedProcess[str]:
            environment = os.environ | {"PYTHONPATH": str(PROJECT_DIR)}
            return warm.ended([str(a) for a in arguments], folder, environment, program, timeout=3600)

        month = Month(folder, Deliveries(folder / "sample", troubles_of(given.nights)), cchc)
        lines = told(month.live())
        for line in lines:
            print(line, flush=True)
        nights = sum(run.seconds for run in month.runs)
        found = faults(month, rebuilds=True)
    print(f"{len(month.runs)} runs in {nights:.0f} s, {time.monotonic() - began:.0f} s with the comparisons")
    print(*found or ["every figure equals a rebuild, and the record tells each night in order"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
