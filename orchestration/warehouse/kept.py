"""What the last build was made of and what it said, kept beside its warehouse, and of one that was ended meanwhile how
far it came (docs/decisions/0029-nights-again.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path

from orchestration.files import sha256_of, write_text
from orchestration.home import Home
from orchestration.lake.files import LakeFile
from orchestration.warehouse.dbt import Built, DbtTest, target_of
from orchestration.warehouse.registration import Released


def recipe(files: Sequence[LakeFile], as_of: date, reports: Sequence[Released], code: str) -> str:
    """The sum of all that a warehouse follows from. A lake file counts as it lies there: a purge writes it again."""
    lying = [(f.path, s.st_size, s.st_mtime_ns) for f in files if f.path for s in [Path(f.path).stat()]]
    said = [[f.values() for f in files], lying, as_of, reports, code]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()


def forget(home: Home) -> None:
    """Nothing is known of the warehouse that lies there."""
    for place in (_place(home), _begun(home)):
        place.unlink(missing_ok=True)


def begin(home: Home, made_of: str) -> None:
    """From now on the warehouse that lies there holds the lake, and is being built."""
    write_text(_begun(home), f"{made_of}\n", mode=0o600)


def note(home: Home, node: str) -> None:
    """A model or seed, by its unique id, stands in the warehouse: called after the engine has it on disk."""
    with suppress(OSError), _begun(home).open("a", encoding="utf-8") as begun:
        begun.write(f"{node}\n")


def made_so_far(home: Home, made_of: str) -> tuple[str, ...]:
    """The models and seeds, by unique id, that stand in a warehouse whose build from the same was ended; none where
    it was not begun, or of anything else. The last line of a run that was killed may be half of one."""
    try:
        said, *nodes = _begun(home).read_text("utf-8").split("\n")[:-1]
    except (OSError, ValueError):
        return ()
    return tuple(dict.fromkeys(nodes)) if said == made_of else ()


def keep(home: Home, made_of: str, built: Built) -> None:
    """Keep what was said of the warehouse that lies there; where it cannot be, the next run builds."""
    with suppress(OSError):
        _begun(home).unlink(missing_ok=True)
        said = {"made_of": made_of, "sha256": sha256_of(home.warehouse), **asdict(built)}
        write_text(_place(home), json.dumps(said, ensure_ascii=False) + "\n", mode=0o600)


def standing(home: Home, made_of: str) -> Built | None:
    """What was said of the warehouse that lies there, if it is whole and made of the same."""
    try:
        said = json.loads(_place(home).read_text("utf-8"))
        if (said.pop("made_of"), said.pop("sha256")) != (made_of, sha256_of(home.warehouse)):
            return None
        return Built(said["models"], {name: DbtTest(**test) for name, test in said["tests"].items()}, said["rows"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _place(home: Home) -> Path:
    return target_of(home.root) / "built.json"


def _begun(home: Home) -> Path:
    return target_of(home.root) / "building.txt"
