"""Runs killed at random moments: `python -m tests.faults.kills --count 300`.

Each run is a process of its own, forked from this one once all is imported, killed with SIGKILL alone or with its
readers. After each kill the published release is whole and `cchc status` tells of the killed run, no clear text of
the planted persons lies below the home, in /tmp or in /dev/shm, and the next undisturbed run ends exactly where a
home ends that nothing ever disturbed. Prints what was killed where; exit code 1 when anything did not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import importlib
import io
import json
import os
import random
import re
import shutil
import signal
import string
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb

from orchestration.cli import cli
from orchestration.home import Home
from orchestration.lake.store import Lake
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Listener
from orchestration.publishing import releases
from orchestration.quality.suites import CheckResult
from orchestration.quality.verdict import Verdict
from orchestration.settings import quiet_telemetry
from orchestration.sources import Column, Source, all_sources
from tests.conftest import GOLDEN, KEY
from tests.faults.test_canaries import good
from tests.support import nights, writers
from tests.support.writers import put

# Where the kills fall, in parts of the whole: most of what can be half done is done while reading.
SHARES = {"ingest": 69, "build": 4, "check": 2, "publish": 25}
OTHER_TEMPORARY = ("/tmp", "/dev/shm")
Said = Callable[[str], None]


# ---------------------------------------------------------------- persons who must leave no trace


@dataclass(frozen=True)
class Person:
    """A synthetic person, made of a word and nine digits that nothing else on this machine holds."""

    word: str
    digits: str

    @classmethod
    def invented(cls, rng: random.Random) -> Person:
        letters = "".join(rng.choices(string.ascii_lowercase, k=6))
        return cls(f"Qwzx{letters}", "".join(rng.choices(string.digits, k=9)))

    @property
    def name(self) -> str:
        return f"Đặng Thị {self.word} Giả"

    @property
    def number(self) -> str:
        return f"097{self.digits}"

    @property
    def grouped(self) -> str:
        return f"097 {self.digits[:3]} {self.digits[3:6]} {self.digits[6:]}"

    @property
    def needles(self) -> tuple[bytes, ...]:
        """What is looked for in bytes made small: the word, and the number as it was written, in each encoding."""
        spelled = (self.word.lower(), self.number, self.number[1:], self.grouped, f"0900{self.digits[:6]}")
        return tuple(text.encode(encoding) for text in spelled for encoding in ("utf-8", "utf-16-le"))


def cell(column: Column, person: Person, row: int) -> str:
    """What an export holds of the column: of a person's column the person."""
    if column.kind == "code":
        return f"K{row}"
    if column.personal == "pseudonym":
        return person.number
    if column.personal == "dropped":
        return f"0900{person.digits[:6]}" if "phone" in column.name else person.name
    return good(column)


def export(source: Source, person: Person, rows: int) -> list[list[str]]:
    """A header and rows: the person in their own columns, and in one row each in every other column but codes."""
    header = [*[c.name for c in source.columns], f"Ghi chú {person.grouped}"]
    grid = [[*[cell(c, person, n) for c in source.columns], f"{person.name} {person.number}"] for n in range(rows)]
    open_to_all = [n for n, c in enumerate(source.columns) if c.kind != "code" and not c.is_personal]
    for row, at in enumerate(open_to_all):
        column = source.columns[at]
        is_number = column.kind in ("money", "decimal", "integer")  # in which a bare number is one like another
        strays = person.grouped, person.number if is_number or column.may_hold_text else person.name
        for turn, stray in enumerate(strays[:1] if is_number else strays):
            if 2 * row + turn < rows:
                grid[2 * row + turn][at] = stray
    return [header, *grid]


def records(grid: list[list[str]]) -> list[object]:
    return [dict(zip(grid[0], row, strict=True)) for row in grid[1:]]


WRITTEN: dict[str, Callable[[list[list[str]]], bytes]] = {
    "csv": lambda grid: writers.csv_bytes(grid, ";", "utf-8"),
    "csv.gz": lambda grid: writers.gz_bytes(writers.csv_bytes(grid, ",", "utf-8")),
    "utf16.csv": lambda grid: writers.csv_bytes(grid, "\t", "utf-16-le"),
    "xlsx": writers.xlsx_bytes,
    "html.xls": writers.html_bytes,
    "biff.xls": writers.xls_bytes,
    "json": lambda grid: writers.json_bytes(records(grid)),
    "jsonl": lambda grid: writers.jsonl_bytes(records(grid)),
}  # fmt: skip


def landed_persons(root: Path, person: Person, *, first: bool) -> None:
    """Some dozens of exports, dossiers in each format. `first` has a part of them, some with other rows."""
    for number, source in enumerate(all_sources().values()):
        kinds = list(WRITTEN) if source.source == "dossiers" else [list(WRITTEN)[number % 8]]
        for place, kind in enumerate(kinds):
            is_replaced = place == 0 and number % 3 == 0
            if first and not is_replaced:
                continue
            rows = 1_000 if kind in ("csv.gz", "jsonl") and len(kinds) > 1 else 60
            rows = {True: 90, False: 40 if number % 2 else rows}[first]  # from 90 to 40 rows is a loss that blocks
            put(root / source.source / f"xuat_20230722.{kind}", WRITTEN[kind](export(source, person, rows)))


# ---------------------------------------------------------------- clear text


def shows(path: Path, person: Person, work: Path) -> bool:
    """Whether a file holds the person, in its bytes or in what they are packed from."""
    data = path.read_bytes()
    texts = [data]
    with contextlib.suppress(Exception):  # half written: its bytes are looked at
        if data[:2] == b"\x1f\x8b":
            texts.append(gzip.decompress(data))
        if data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                texts += map(archive.read, archive.namelist())
    if any(needle in text for text in map(bytes.lower, texts) for needle in person.needles):
        return True
    with contextlib.suppress(duckdb.Error):
        return path.suffix in (".parquet", ".duckdb") and stands_in_tables(path, person, work)
    return False


def stands_in_tables(path: Path, person: Person, work: Path) -> bool:
    """Whether a row of a Parquet file or of a table of a database, or what it says of itself, holds the person."""
    with duckdb.connect() as con:
        if path.suffix == ".parquet":
            tables = [
                f"read_parquet('{path}')",
                f"(select decode(key), decode(value) from parquet_kv_metadata('{path}'))",
            ]
        else:
            copy = Path(shutil.copy(path, work / "looked_at.duckdb"))
            if (log := path.with_name(path.name + ".wal")).exists():
                shutil.copy(log, work / "looked_at.duckdb.wal")
            con.execute(f"attach '{copy}' as held")
            tables = [f'held."{schema}"."{table}"' for schema, table in con.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'held'").fetchall()]  # fmt: skip
        pattern = "|".join(re.escape(needle.decode()) for needle in person.needles if b"\0" not in needle)
        return any(
            con.execute(
                f"select count(*) from {table} as t where regexp_matches(lower(t::varchar), ?)", [pattern]
            ).fetchone()[0]
            for table in tables
        )


def leaks(root: Path, person: Person, work: Path, clean: set[tuple]) -> list[str]:
    """Where a person stands below a folder. `clean` are files looked at before, by path, size and time."""
    found = []
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if path.is_symlink() or not path.is_file():
                    continue
                stat = path.stat()
                seen = (path.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns)
                if seen in clean:
                    continue
                if shows(path, person, work):
                    found.append(f"clear text in {path}")
                else:
                    clean.add(seen)
    return found


# ---------------------------------------------------------------- a process, killed or not


class Child:
    """Work in a process group of its own; what it says comes through a pipe, its last word is what it gives."""

    def __init__(self, work: Callable[[Said], Any]):
        assert threading.active_count() == 1, "a process with threads cannot be forked safely"
        self.connection, theirs = Pipe(duplex=False)
        self.pid = os.fork()
        if self.pid == 0:
            self._run(theirs, work)
        theirs.close()

    @staticmethod
    def _run(connection: Connection, work: Callable[[Said], Any]) -> None:
        try:
            os.setsid()
            nowhere = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(nowhere, standard)
            last = ("gives", work(lambda stage: connection.send(("is in", stage))))
        except BaseException:
            last = ("fails", traceback.format_exc())
        with contextlib.suppress(OSError):
            connection.send(last)
        os._exit(0)

    def hears(self, until: float | None) -> tuple[str, Any] | None:
        """The next word; None when the time is up. Raises EOFError when it ended without a last word."""
        if not self.connection.poll(None if until is None else max(0, until - time.monotonic())):
            return None
        return self.connection.recv()

    def result(self) -> Any:
        """What the work gives, once it is done. Raises RuntimeError with its traceback."""
        while (word := self.hears(None)) is not None and word[0] == "is in":
            pass
        self.end()
        if word[0] == "fails":
            raise RuntimeError(word[1])
        return word[1]

    def kill(self, *, whole_group: bool) -> None:
        (os.killpg if whole_group else os.kill)(self.pid, signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Wait for it and for all that it started."""
        os.waitpid(self.pid, 0)
        self.connection.close()
        deadline = time.monotonic() + 30
        while left := self._living():
            assert time.monotonic() < deadline, f"processes outlive the night: {left}"
            time.sleep(0.02)

    def _living(self) -> list[str]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, group, session = stat.read_text().rpartition(")")[2].split()[:4]
                if str(self.pid) in (group, session) and state not in "ZXT":
                    found.append((stat.parent / "cmdline").read_text().replace("\0", " "))
        return found


def apart(work: Callable[[], Any]) -> Any:
    return Child(lambda said: work()).result()


# ---------------------------------------------------------------- what is killed


@dataclass
class Scene:
    """A kind of run: what it lands and starts from, how it runs, how long its stages take, where it must end."""

    name: str
    landing: Path
    template: Path
    run: Callable[[Path, Path, Said], None]
    seconds: dict[str, float] = field(default_factory=dict)
    ending: dict[str, Any] = field(default_factory=dict)

    def undisturbed(self, home: Path) -> dict[str, Any]:
        """Run to the end; gives how the home ends. Remembers how long each stage took."""
        child = Child(lambda said: (self.run(self.landing, home, said), ending(home))[1])
        began: dict[str, float] = {}
        while (word := child.hears(None))[0] == "is in":
            began.setdefault(word[1], time.monotonic())
        child.end()
        if word[0] == "fails":
            raise RuntimeError(word[1])
        times = [*began.values(), time.monotonic()]
        for stage, start, end in zip(began, times, times[1:], strict=False):
            self.seconds[stage] = end - start
        return word[1]


def telling(said: Said) -> Listener:
    following = {"build": "check", "check": "publish"}
    return Listener(
        announce=lambda stage, text: said(following[stage]) if stage in following else None,
        progress=lambda stage, label, done, total: said(stage),
    )


def ingests(landing: Path, home: Path, said: Said) -> None:
    with held(nights.asked(landing, home), telling(said)) as night:
        said("ingest")
        steps.ingest(night)
        said("ended")


def publishes(landing: Path, home: Path, said: Said) -> None:
    """The last step alone, over a warehouse that is built."""
    with held(nights.asked(landing, home)) as night:
        ingested = steps.ingest(night)
        if steps.standing_release(night, ingested) is None:
            check = CheckResult(
                check_code="a", kind="dbt", suite="a", frame="a", expectation="a", status="passed", severity="error",
                blocking=True, observed="", unexpected_count=0, element_count=None, reason="",
            )  # fmt: skip
            verdict = Verdict((check,))
            (night.home.work / "quality").mkdir()
            verdict.write(night.home.work / "quality")
            said("publish")
            steps.publish(night, ingested, steps.Judged(verdict, None))
            said("ended")


def whole_night(landing: Path, home: Path, said: Said) -> None:
    """What the command does."""
    from orchestration import runner

    runner.run(nights.asked(landing, home), telling(said))


# ---------------------------------------------------------------- what must hold


def ending(home: Path) -> dict[str, Any]:
    """All that a run is judged by: the lake's files and what it knows, the tables of the release, what is left over."""
    lake, place = Lake(home / "lake"), Home(home)
    release = releases.current(place)
    left = [p for pattern in (".*.tmp", ".current.*", ".probe*", "releases/.*") for p in home.glob(pattern)]
    left += [p for p in (home / "work").rglob("*") if p.is_file()]
    left += [p for p in (home / "lake").rglob("*") if p.is_file() and p.suffix not in (".parquet", ".jsonl", ".json")]
    return {
        "lake": {
            p.relative_to(home / "lake").as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in (home / "lake").rglob("*.parquet") if "_replaced" not in p.parts
        },
        "known": [(f.values(), f.former and f.former.values()) for f in lake.files()],
        "damaged": [f.source_file for f in lake.damaged(thoroughly=True)],
        "tables": release.manifest["tables"],
        "sources": release.manifest["sources"],
        "release": releases.damage(release),
        "left": [p.relative_to(home).as_posix() for p in left],
    }  # fmt: skip


def faults_after_kill(home: Path, person: Person, work: Path, clean: set[tuple]) -> tuple[list[str], set[tuple]]:
    """What does not hold in a home of which the run was killed."""
    faults = []
    place = Home(home)
    release = releases.current(place)
    if release is None or (why := releases.damage(release)):
        faults.append(f"the published release is not whole: {why if release else 'there is none'}")
    with releases.open_release(release) as con:
        found = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'release'"
        ).fetchall()
        rows = {
            table if schema == "marts" else f"{schema}_{table}": con.sql(f'from {schema}."{table}"').shape[0]
            for schema, table in found
        }
    if rows != {name: table["rows"] for name, table in release.manifest["tables"].items()}:
        faults.append("the tables of the release are not those of its manifest")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        cli.main(["status", "--home", str(home)], prog_name="cchc", standalone_mode=False)
    lines = said.getvalue().splitlines()
    if not any(line.startswith("last run  started ") and ": killed " in line for line in lines):
        faults.append(f"status does not tell of the kill: {[line for line in lines if line.startswith('last run')]}")
    if f"release   {release.release_id} as of {release.as_of}  <- current" not in lines:
        faults.append("status does not show the release")
    faults += leaks(home, person, work, clean)
    return faults, clean


def faults_of_next(scene: Scene, home: Path) -> list[str]:
    """In what the next run's home differs from one that nothing disturbed."""
    found = scene.undisturbed(home)
    faults = [
        f"{part} differ after the next run: {difference(found[part], scene.ending[part])}"
        for part in scene.ending
        if found[part] != scene.ending[part]
    ]
    run = Home(home).last_run or {}
    if not run.get("killed_before"):
        faults.append("the next run does not tell of the killed one")
    return faults


def difference(one: Any, other: Any) -> str:
    if isinstance(one, dict):
        return ", ".join(sorted(k for k in one.keys() | other.keys() if one.get(k) != other.get(k)))[:500]
    if isinstance(one, list):
        return str([x for x in one if x not in other][:3] + [x for x in other if x not in one][:3])[:800]
    return f"{one} instead of {other}"


# ---------------------------------------------------------------- the whole


class Kills:
    """Scenes below one folder, and what came of killing their runs."""

    def __init__(
        self, folder: Path, rng: random.Random, published: Path | None, stages: Collection[str] = tuple(SHARES)
    ):
        self.folder, self.rng = folder, rng
        self.person = Person.invented(rng)
        self.clean: dict[str, set[tuple]] = {}
        self.killed: Counter[str] = Counter()
        self.groups = self.ended_before = 0
        self.faults: list[str] = []
        self.before = {p: set(os.listdir(p)) for p in OTHER_TEMPORARY}
        self.work = folder / "work"
        self.work.mkdir()
        self.scenes = self._scenes(published, stages)

    def _scenes(self, published: Path | None, stages: Collection[str]) -> dict[str, Scene]:
        """The scenes of the stages asked for, each run once undisturbed."""
        landing, home = self.folder / "landing", self.folder / "published"
        shutil.copytree(GOLDEN, landing)
        if published:
            shutil.copytree(published, home, symlinks=True)
        else:
            apart(lambda: whole_night(landing, home, lambda stage: None))
        scenes = {"ingest": self._ingesting(landing, home)} if "ingest" in stages else {}
        if set(stages) - {"ingest"}:
            scenes |= self._nights(landing, home)
        return scenes

    def _ingesting(self, landing: Path, home: Path) -> Scene:
        large, bare = self.folder / "large", self.folder / "bare"
        shutil.copytree(landing, large)
        landed_persons(large, self.person, first=True)
        shutil.copytree(home, bare, symlinks=True, ignore=shutil.ignore_patterns("warehouse.duckdb", "dagster", "dbt"))
        apart(lambda: ingests(large, bare, lambda stage: None))
        landed_persons(large, self.person, first=False)
        return self._undisturbed(Scene("ingest", large, bare, ingests))

    def _nights(self, landing: Path, home: Path) -> dict[str, Scene]:
        small = self.folder / "small"
        shutil.copytree(landing, small)
        dossiers = all_sources()["dossiers"]
        for kind in ("csv", "json"):
            put(small / "dossiers" / f"xuat_20230722.{kind}", WRITTEN[kind](export(dossiers, self.person, 3_000)))
        night = self._undisturbed(Scene("night", small, home, whole_night))
        built = self.folder / "built"
        shutil.move(self.folder / "run", built)
        made = releases.current(Home(built)).path
        releases.switch(Home(built), built / "releases" / releases.current(Home(home)).path.name)
        for place, _, _ in os.walk(made):
            os.chmod(place, 0o700)
        shutil.rmtree(made)
        return {"build": night, "check": night, "publish": self._undisturbed(Scene("publish", small, built, publishes))}

    def _undisturbed(self, scene: Scene) -> Scene:
        scene.ending = scene.undisturbed(self._copy(scene))
        self.faults += [
            f"undisturbed {scene.name}: {scene.ending[p]}" for p in ("damaged", "release", "left") if scene.ending[p]
        ]
        return scene

    def _copy(self, scene: Scene) -> Path:
        home = self.folder / "run"
        if home.exists():
            for place, _, _ in os.walk(home):
                os.chmod(place, 0o700)
            shutil.rmtree(home)
        return Path(shutil.copytree(scene.template, home, symlinks=True))

    def one(self, stage: str) -> None:
        """Kill one run in a stage and look at what it leaves. Not counted when the run ended before its kill."""
        scene, group = self.scenes[stage], self.rng.random() < 0.5
        home = self._copy(scene)
        child = Child(lambda said: scene.run(scene.landing, home, said))
        moment: float | None = None
        now = ""
        while word := child.hears(moment):
            if word[0] != "is in":
                child.end()
                self.ended_before += 1
                if word[0] == "fails":
                    self.faults.append(f"{stage}: {word[1]}")
                return
            now = word[1]
            if now == stage and moment is None:
                moment = time.monotonic() + self.rng.uniform(0, 1.1 * scene.seconds[stage])
        child.kill(whole_group=group)
        self.killed[now if now != "ended" else stage] += 1
        self.groups += group
        clean = self.clean.setdefault(scene.name, set())
        faults, self.clean[scene.name] = apart(lambda: faults_after_kill(home, self.person, self.work, clean))
        for place, known in self.before.items():
            for name in set(os.listdir(place)) - known:
                if not name.startswith(("pt-", "pytest-of-")) and Path(place, name) not in self.folder.parents:
                    faults += (
                        leaks(Path(place, name), self.person, self.work, set())
                        if Path(place, name) != self.folder
                        else []
                    )
        faults += faults_of_next(scene, home)
        self.faults += [f"killed in {now} (of {stage}, group {group}): {fault}" for fault in faults]

    def report(self) -> dict[str, Any]:
        return {
            "kills": sum(self.killed.values()),
            "by_stage": dict(self.killed),
            "with_all_readers": self.groups,
            "ended_before_the_kill": self.ended_before,
            "seconds_undisturbed": {s: round(scene.seconds[s], 2) for s, scene in self.scenes.items()},
            "faults": self.faults,
        }


def planned(count: int, stages: Collection[str] = tuple(SHARES)) -> dict[str, int]:
    """So many kills for each of the stages, one at least."""
    shares = {stage: SHARES[stage] for stage in stages}
    counts = {stage: max(1, count * share // sum(shares.values())) for stage, share in shares.items()}
    return counts | {"ingest": counts["ingest"] + max(0, count - sum(counts.values()))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--stages", nargs="+", choices=[*SHARES], default=[*SHARES], help="must hold ingest")
    parser.add_argument("--seed", type=int, default=2023)
    parser.add_argument("--published", type=Path, help="a home of the golden landing to start from (default: made)")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    given = parser.parse_args()
    quiet_telemetry()
    os.environ |= {"CCHC_PSEUDONYM_KEY": KEY, "CCHC_KEEP_RELEASES": "3"}
    # Imported before the first fork, so that no run pays for it.
    for module in (
        "great_expectations",
        "dagster",
        "dbt.cli.main",
        "orchestration.definitions",
        "orchestration.runner",
    ):
        importlib.import_module(module)

    with tempfile.TemporaryDirectory(prefix="pt-kills-", dir=given.folder) as folder:
        started = time.monotonic()
        kills = Kills(Path(folder), random.Random(given.seed), given.published, given.stages)
        print(f"undisturbed after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        plan, told = planned(given.count, given.stages), 0
        while any(kills.killed[stage] < wanted for stage, wanted in plan.items()):
            stage = max(plan, key=lambda s: (plan[s] - kills.killed[s]) / plan[s])
            kills.one(stage)
            so_far = ", ".join(f"{stage} {kills.killed[stage]}" for stage in plan)
            print(f"{so_far}; {kills.ended_before} ended before; {len(kills.faults)} faults; {time.monotonic() - started:.0f} s",
                  *kills.faults[told:], sep="\n", file=sys.stderr, flush=True)  # fmt: skip
            told = len(kills.faults)
        print(json.dumps(kills.report() | {"seconds": round(time.monotonic() - started)}, ensure_ascii=False, indent=1))
    return 1 if kills.faults else 0


if __name__ == "__main__":
    sys.exit(main())
