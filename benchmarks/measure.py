"""One command as a whole process: seconds, processor seconds, peak memory, and when each stage of it ended."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field

STAGES = ("ingest", "build", "check", "publish")


@dataclass(frozen=True)
class Measured:
    """`seconds` of the clock, `cpu` of processors, `peak` bytes of the largest process; `stages` in seconds each."""

    seconds: float
    cpu: float
    peak: int
    stages: dict[str, float] = field(default_factory=dict)


def measure(command: list[str]) -> Measured:
    """Run it to its end. Raises CalledProcessError when it fails."""
    began = last = time.monotonic()
    stages: dict[str, float] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            stage = line.split(" ", 1)[0]
            if stage in STAGES:
                now = time.monotonic()
                stages[stage] = stages.get(stage, 0) + now - last
                last = now
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    ended = time.monotonic()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    if stages:
        stages["end"] = ended - last
    return Measured(ended - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, stages)
