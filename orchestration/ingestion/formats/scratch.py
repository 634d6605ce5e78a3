"""Clear text on its way: files without a name, which the kernel takes back when their process ends, however it ends.

DuckDB opens files by name only. An open file without one can still be opened again below `/proc/self/fd`; where a
system has none, the scratch file bears a random name in the work folder until it is closed.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from orchestration.ingestion.decode import size_text, too_large
from orchestration.settings import Bounds

_OPEN_FILES = Path("/proc/self/fd")
_LEFT_FREE = 64 << 20


def scratch(work: Path) -> IO[bytes]:
    """An empty file on the disk of the work folder, gone once it is closed or its process ends."""
    return tempfile.TemporaryFile(dir=work) if _OPEN_FILES.is_dir() else tempfile.NamedTemporaryFile(dir=work)


def path_of(file: IO[bytes]) -> Path:
    """A path that opens an open file once more, from its first byte, whatever its name holds. Only while it is open."""
    return _OPEN_FILES / str(file.fileno()) if _OPEN_FILES.is_dir() else Path(file.name)


def written(chunks: Iterable[bytes], work: Path, bounds: Bounds, what: str = "the file") -> IO[bytes]:
    """The chunks in a scratch file.

    Raises RejectedFile beyond the disk that one file is given, and OSError (ENOSPC) before the disk itself is full:
    that is no fault of the file.
    """
    out = scratch(work)
    try:
        free = shutil.disk_usage(work).free - _LEFT_FREE
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > bounds.disk:
                raise too_large(
                    f"{what} needs more than {size_text(bounds.disk)} of temporary disk",
                    "export it in parts or raise CCHC_FILE_DISK",
                )
            if size > free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(work))
            out.write(chunk)
        out.flush()
    except BaseException:
        out.close()
        raise
    return out


class Unpacking:
    """Counts what an archive unpacks to and stops it at its bounds; directories and trailers may lie."""

    def __init__(self, packed: int, bounds: Bounds):
        self.largest = min(bounds.unpacked, max(bounds.ratio_from, bounds.ratio * packed))
        self.is_ratio = self.largest < bounds.unpacked
        self.bounds = bounds
        self.size = 0

    def add(self, size: int) -> None:
        """Raises RejectedFile beyond the bounds."""
        self.size += size
        if self.size > self.largest:
            why = f"{self.bounds.ratio} times its packed size" if self.is_ratio else size_text(self.bounds.unpacked)
            name = "RATIO" if self.is_ratio else "UNPACKED"
            raise too_large(
                f"the file unpacks to more than {why}", f"export it in parts or raise CCHC_FILE_{name} if it is honest"
            )
