"""Where the installed command begins and ends: signals are heeded before anything that takes time is imported, and
what was imported is not taken down object by object, which took seconds."""

import atexit
import os
import sys

from orchestration import interrupts

_UNWRITTEN = 120  # as Python's own end says it


def main() -> None:
    """Entry point of `cchc`."""
    code = 1

    def leave() -> None:
        unwritten = False
        for stream in (sys.stdout, sys.stderr):
            try:
                if stream is not None and not stream.closed:
                    stream.flush()
            except OSError:
                unwritten = True
        os._exit(_UNWRITTEN if unwritten else code)

    atexit.register(leave)  # before all others, and so called after them
    interrupts.heed()
    from orchestration import cli

    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
