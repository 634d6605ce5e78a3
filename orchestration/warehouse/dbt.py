"""dbt in this process: the argument lists, the runner, and what it says of models and tests."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.errors import CchcError, full_disk, is_full_disk, told, told_by_database
from orchestration.files import clear, sha256_of, write_text
from orchestration.home import MARKER, Home
from orchestration.settings import PROJECT_DIR, Settings, quiet_telemetry
from orchestration.sql.engine import CLOSED, limits

MANIFEST, _MADE_OF = "manifest.json", "manifest.made_of"


def target_of(home: Path | None) -> Path:
    """Where dbt writes: a folder of the home, which may be deleted at any time.

    Without a home (a look at the graph alone) it is the project's own `target`, or a temporary folder where the
    project may only be read.
    """
    if home is not None and (home / MARKER).is_file():
        return home / "dbt"
    target = PROJECT_DIR / "target"
    return target if os.access(target if target.exists() else PROJECT_DIR, os.W_OK) else Path(_temporary().name)


@cache
def _temporary() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="cchc-dbt-")


def manifest_path(home: Home) -> Path:
    """The manifest of the home's last build."""
    return target_of(home.root) / MANIFEST


@contextmanager
def private() -> Iterator[None]:
    """What is made in here is its owner's alone: readers need the releases only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def discard(warehouse: Path) -> bool:
    """Remove the last warehouse. Tells whether it was broken."""
    is_broken = False
    if warehouse.exists():
        try:
            with duckdb.connect(str(warehouse), read_only=True) as con:
                con.execute("select count(*) from duckdb_tables()")
        except duckdb.Error:
            is_broken = True
    for path in (warehouse, warehouse.with_name(f"{warehouse.name}.wal")):
        clear(path)
    return is_broken


@dataclass(frozen=True)
class DbtTest:
    """One data test: its status as dbt names it, its severity, and how many rows fail."""

    name: str
    status: str
    severity: str
    failures: int
    model: str | None
    description: str


@dataclass(frozen=True)
class Built:
    """What one invocation did: the status of each model and seed, each test, and how many rows each table has, by the
    unique id of the node; `carried` are those that an earlier night made, and that stand as they would be made."""

    models: Mapping[str, str]
    tests: Mapping[str, DbtTest]
    rows: Mapping[str, int]
    carried: tuple[str, ...] = ()


_QUIETLY = ("--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-version-check")


def _options(target: Path, profiles: Path) -> list[str]:
    """dbt makes its folder of logs even when it keeps none."""
    project = ["--project-dir", str(PROJECT_DIR), "--profiles-dir", str(profiles)]
    return [*_QUIETLY, *project, "--target-path", str(target), "--log-path", str(target)]


def build_arguments(
    target: Path, profiles: Path, standing: Sequence[str] = (), selectors: Sequence[str] = ()
) -> list[str]:
    """Arguments of the nightly build: everything but unit tests, which run on fixed rows in the test suite, the
    generic tests, which macro `rule_results` answers after the last model, one statement a model, and the models and
    seeds that are `standing`, named by `selectors`, whose tests of their own are run.

    Results are not written: an error's text can quote a cell.
    """
    left_out = ["resource_type:unit_test", "test_type:generic", *selectors]
    tested = ["--indirect-selection", "empty", "--vars", json.dumps({"standing": [*standing]})] if standing else []
    return ["build", "--exclude", *left_out, *tested, *_options(target, profiles), "--no-write-json"]


def parse_arguments(target: Path) -> list[str]:
    """Writing the manifest takes longer than the parse of a project that did not change."""
    unwritten = ["--no-write-json"] if _is_current(target) else []
    return ["parse", *_options(target, PROJECT_DIR), *unwritten]


def write_profile(folder: Path, warehouse: Path, settings: Settings, spill: Path) -> Path:
    """The profile of one build, below `folder`: which warehouse it fills, within which limits. Gives the folder.

    The project is parsed by its own profile, which never changes: another path or limit would have it parsed anew.
    """
    profile = yaml.safe_load((PROJECT_DIR / "profiles.yml").read_text("utf-8"))
    [target] = profile["cchc"]["outputs"].values()
    target |= {
        "path": str(warehouse),
        "threads": min(target["threads"], settings.threads or target["threads"]),
        "config_options": CLOSED | limits(settings) | {"temp_directory": str(spill)},
    }
    folder.mkdir(mode=0o700, exist_ok=True)
    write_text(folder / "profiles.yml", yaml.safe_dump(profile), mode=0o600)
    return folder


def _begun(home: Path | None) -> Path:
    """`target_of`; a new one begins with what dbt kept of the project's own parse (`make setup`), for a full one takes
    seconds."""
    target, own = target_of(home), PROJECT_DIR / "target"
    if target != own and not (target / "partial_parse.msgpack").exists():
        with _alone_with(target), suppress(OSError):
            for name in ("partial_parse.msgpack", MANIFEST, _MADE_OF):
                shutil.copy2(own / name, target / name)
                (target / name).chmod(0o600)
    return target


def parsed_manifest(home: Path | None = None) -> dict[str, Any]:
    """The project's manifest as data, parsed anew when a file of the project is newer. Raises CchcError."""
    target = _begun(home)
    if not _is_current(target):
        parse(home)
    return json.loads((target / MANIFEST).read_text("utf-8"))


def _is_current(target: Path) -> bool:
    """Whether the manifest that lies there is whole, and of the project as it is."""
    try:
        return (target / _MADE_OF).read_text("utf-8") == _made_of(target)
    except (OSError, ValueError):
        return False


def _made_of(target: Path) -> str:
    """The sums of all that the manifest follows from, and its own."""
    files = [PROJECT_DIR / name for name in ("dbt_project.yml", "profiles.yml", "requirements.lock")]
    for folder in ("models", "macros", "seeds", "tests/dbt"):
        files += sorted((PROJECT_DIR / folder).rglob("*"))
    digest = hashlib.sha256()
    for path in filter(Path.is_file, files):
        digest.update(f"{path.relative_to(PROJECT_DIR)}\0".encode() + path.read_bytes() + b"\0")
    return f"{digest.hexdigest()} {sha256_of(target / MANIFEST)}"


def parse(home: Path | None = None) -> Any:
    """The project's manifest, parsed anew only where files changed. Raises CchcError."""
    quiet_telemetry()
    target = _begun(home)
    result = _parse(target)
    if not result.success and target.exists():
        # What dbt kept of an earlier parse may be what is broken.
        shutil.rmtree(target, ignore_errors=True)
        target.unlink(missing_ok=True)
        result = _parse(target)
    if not result.success:
        if result.exception and is_full_disk(result.exception):
            raise full_disk(target)
        raise CchcError(f"the dbt project cannot be parsed: {_reason(result.exception)}")
    return result.result


def _parse(target: Path) -> Any:
    from dbt.cli.main import dbtRunner

    with _alone_with(target):
        _forget_what_misleads(target / "partial_parse.msgpack")
        arguments = parse_arguments(target)
        result = dbtRunner().invoke(arguments)
        if result.success and "--no-write-json" not in arguments:
            write_text(target / _MADE_OF, _made_of(target))
        for kept in target.glob("*"):
            kept.chmod(0o600 if kept.is_file() else 0o700)
    return result


def _forget_what_misleads(kept: Path) -> None:
    """A parse of what changed alone loses descriptions of singular tests: where they or what they use changed."""
    used = [*(PROJECT_DIR / "models").rglob("*.md"), *(PROJECT_DIR / "macros").rglob("*.sql")]
    misleading = [*used, *(PROJECT_DIR / "tests" / "dbt").glob("*.sql")]
    if kept.is_file() and any(path.stat().st_mtime > kept.stat().st_mtime for path in misleading):
        kept.unlink()


@contextmanager
def _alone_with(target: Path) -> Iterator[None]:
    """One process at a time parses into a target: `dagster dev` does it beside a night."""
    if target.exists() and not target.is_dir():
        target.unlink()
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(target / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _why(error: BaseException | str | None) -> str:
    """Why dbt or a node of it failed: its own words on the project, or what may be said of the database's."""
    if str(error).startswith("Compilation Error"):
        return _reason(error)
    return told(error) if isinstance(error, BaseException) else told_by_database(error or "")


def _reason(error: BaseException | str | None) -> str:
    """dbt's own words on the project's files, in which no data are."""
    return " ".join(str(error).split())[:500]


def invoke(manifest: Any, arguments: list[str], callbacks: list[Callable[[Any], None]] | None = None) -> Any:
    """Run dbt over a parsed project; gives what its runner gives."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    try:
        return dbtRunner(manifest=manifest, callbacks=callbacks or []).invoke(arguments)
    finally:
        # dbt keeps the file open in this process; nobody else could open it otherwise.
        DuckDBConnectionManager.close_all_connections()


def build(
    home: Home,
    settings: Settings,
    progress: Callable[[str, int, int], object],
    manifest: Any,
    standing: Sequence[str] = (),
    made: Callable[[str], object] = lambda node: None,
) -> Built:
    """Build and test every model in the home's warehouse; `manifest` is what `parse` gives.

    Models and seeds that are `standing` there, by unique id, are taken as they are; `made` is told of each that is
    made. Raises CchcError when a model fails.
    """
    target = target_of(home.root)
    profiles = write_profile(target, home.warehouse, settings, home.work / "spill")
    # dbt asks nothing at its end where it built nothing.
    standing = standing[: len(models_of(manifest)) - 1]
    arguments = build_arguments(target, profiles, standing, _selectors(manifest, standing))
    result = invoke(manifest, arguments, [_counter(manifest, progress, len(standing)), _teller(made)])
    if result.result is None:
        if is_full_disk(str(result.exception)):
            raise full_disk(home.warehouse)
        raise CchcError(f"dbt did not run: {_why(result.exception)}: nothing was published")
    models = dict.fromkeys(standing, "success")
    tests: dict[str, DbtTest] = {}
    broken = []
    runs: Any = result.result
    for run in runs:
        node = run.node
        if node.resource_type == "test":
            tests[node.unique_id] = _test(node, str(run.status), run.failures or 0)
        else:
            if node.resource_type in ("model", "seed"):
                models[node.unique_id] = str(run.status)
            if str(run.status) == "error":
                if is_full_disk(run.message or ""):
                    raise full_disk(f"{home.warehouse} ({node.name})")
                broken.append(f"{node.name} ({_why(run.message)})")
    if broken:
        raise CchcError(f"dbt could not build {'; '.join(broken)}: nothing was published")
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        return Built(models, tests | _rules(con, manifest), _rows(con, manifest))


def _selectors(manifest: Any, standing: Sequence[str]) -> list[str]:
    """How dbt is told of them: views and seeds together where all stand, for it compares each name with every node."""
    named, selectors = set(standing), []
    for selector in ("config.materialized:view", "resource_type:seed"):
        kind = selector.rpartition(":")[2]
        all_of_it = {i for i, n in models_of(manifest).items() if n.config.materialized == kind}
        if all_of_it <= named:
            named -= all_of_it
            selectors.append(selector)
    return [*selectors, *sorted(node.rpartition(".")[2] for node in named)]


def _rows(con: duckdb.DuckDBPyConnection, manifest: Any) -> dict[str, int]:
    # Exact of a table that was filled once.
    found = con.execute("select schema_name, table_name, estimated_size from duckdb_tables()").fetchall()
    sizes = {(schema, table): size for schema, table, size in found}
    nodes = {i: (n.schema, n.alias) for i, n in models_of(manifest).items()}
    return {i: sizes[place] for i, place in nodes.items() if place in sizes}


def models_of(manifest: Any) -> dict[str, Any]:
    """Models and seeds by unique id."""
    return {i: n for i, n in manifest.nodes.items() if n.resource_type in ("model", "seed")}


def _test(node: Any, status: str, failures: int) -> DbtTest:
    severity = node.config.severity.lower()
    return DbtTest(node.name, status, severity, failures, getattr(node, "attached_node", None), node.description)


def _rules(con: duckdb.DuckDBPyConnection, manifest: Any) -> dict[str, DbtTest]:
    """What macro `rule_results` found of every generic test, by unique id; one that it did not answer is in error."""
    failures = dict(con.execute("select rule_id, failures from quality.rule_results").fetchall())
    rules = {i: n for i, n in manifest.nodes.items() if n.resource_type == "test" and getattr(n, "test_metadata", None)}
    return {
        rule_id: _test(node, _status(failures.get(rule_id), node), failures.get(rule_id, 0))
        for rule_id, node in rules.items()
    }


def _status(failures: int | None, node: Any) -> str:
    if failures is None:
        return "error"
    return "pass" if not failures else "warn" if node.config.severity.lower() == "warn" else "fail"


def _counter(manifest: Any, progress: Callable[[str, int, int], object], done: int) -> Callable[[Any], None]:
    total = sum(not getattr(node, "test_metadata", None) for node in manifest.nodes.values())

    def count(event: Any) -> None:
        nonlocal done
        if event.info.name == "NodeFinished":
            done += 1
            progress(event.data.node_info.node_name, done, total)

    return count


def _teller(made: Callable[[str], object]) -> Callable[[Any], None]:
    """Tells of each model and seed that stands."""

    def tell(event: Any) -> None:
        if event.info.name == "NodeFinished":
            node = event.data.node_info
            if node.resource_type in ("model", "seed") and node.node_status == "success":
                made(node.unique_id)

    return tell
