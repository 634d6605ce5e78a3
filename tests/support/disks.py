"""A disk of its own for a test, that can be filled, freed and made read-only; and a process that obeys permissions."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PR_CAPBSET_DROP = 24
_CAPABILITIES_OVER_PERMISSIONS = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def obeying_permissions() -> None:
    """Before a program starts: also root may do only what the permissions of a file grant."""
    for capability in _CAPABILITIES_OVER_PERMISSIONS:
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


class Disk:
    """A folder on a disk of so many bytes. Where nothing may be mounted, a limit on the size of files stands in."""

    def __init__(self, path: Path, size: int):
        self.path = path
        path.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True, check=False
        )
        self.is_mounted = mounted.returncode == 0

    def fill(self, leave: int = 0) -> None:
        """Leave so many bytes free."""
        if not self.is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (leave, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            return
        with suppress(OSError), open(self.path / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(b"\0" * (1 << 16))
        size = (self.path / "filler").stat().st_size
        os.truncate(self.path / "filler", max(0, size - leave))

    def free(self) -> None:
        """Take away what `fill` put there."""
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        (self.path / "filler").unlink(missing_ok=True)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing below it can be written."""
        if self.is_mounted:
            subprocess.run(["mount", "-o", "remount,ro", self.path], check=True)
            try:
                yield
            finally:
                subprocess.run(["mount", "-o", "remount,rw", self.path], check=True)
            return
        folders = [p for p in [self.path, *self.path.rglob("*")] if p.is_dir() and not p.is_symlink()]
        modes = {p: p.stat().st_mode for p in folders}
        try:
            for p in folders:
                p.chmod(0o500)
            yield
        finally:
            for p, mode in modes.items():
                p.chmod(mode)

    def go_away(self) -> None:
        """As a share does: what is open stays readable, nothing else is there any more."""
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", self.path], check=True)
            self.is_mounted = False
        else:
            self.path.rename(self.path.with_name(f"{self.path.name} away"))
            self.path.mkdir()

    def end(self) -> None:
        self.free()
        if self.is_mounted:
            self.go_away()


@contextmanager
def disk(path: Path, size: int = 256 << 20) -> Iterator[Disk]:
    made = Disk(path, size)
    try:
        yield made
    finally:
        made.end()
