"""`cchc serve` as an operator starts it, its page in a real browser, and what stands in deploy/."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.settings import PROJECT_DIR

pytestmark = pytest.mark.slow

DEPLOY = PROJECT_DIR / "deploy"
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
STARTS_SECONDS = 180


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def served(home: Path, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The command over a copy of the golden home, once its page answers."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(home, folder / "home", symlinks=True)
    (folder / "landing").mkdir()
    words = ["serve", "--home", folder / "home", "--landing", folder / "landing", "--port", port]
    with open(folder / "said.txt", "w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", *map(str, words)], cwd=folder, text=True,
            env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)}, stdout=said, stderr=said,
        )  # fmt: skip
    ends = time.monotonic() + STARTS_SECONDS
    while not answers(port):
        assert process.poll() is None and time.monotonic() < ends, (folder / "said.txt").read_text()
        time.sleep(0.5)
    process.said = folder / "said.txt"
    yield process
    process.kill()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5) as found:
            return found.status == 200
    except OSError:
        return False


def asked(port: int, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


def words_on(port: int, page: str, profile: Path) -> str:
    """What a person reads on a page of Dagster's, once its scripts have run."""
    ended = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         f"--user-data-dir={profile}", "--virtual-time-budget=30000", "--dump-dom", f"http://127.0.0.1:{port}{page}"],
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", ended.stdout, flags=re.S)
    return " ".join(text.split())


def test_the_page_is_this_machine_s_alone(served: subprocess.Popen[str], port: int) -> None:
    own = {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in own - {"127.0.0.1"}:
        with socket.socket() as other:
            other.settimeout(5)
            assert other.connect_ex((address, port)) != 0
    said = served.said.read_text()
    assert "Warning" not in said and "INFO" not in said, said


def test_schedule_and_sensor_run(served: subprocess.Popen[str], port: int) -> None:
    found = asked(port, "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } "
                  "schedules { name scheduleState { status } } sensors { name sensorState { status } } } } } }")  # fmt: skip
    [house] = found["repositoriesOrError"]["nodes"]
    assert {"nightly", "past_days"} <= {job["name"] for job in house["jobs"]}
    assert house["schedules"] == [{"name": "nightly_at_one", "scheduleState": {"status": "RUNNING"}}]
    assert house["sensors"] == [{"name": "landing_arrivals", "sensorState": {"status": "RUNNING"}}]


@pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
def test_a_person_walks_through_the_pages(served: subprocess.Popen[str], port: int, tmp_path: Path) -> None:
    """Lineage, the run of the golden night, the check that its rejected file failed."""
    lineage = words_on(port, "/asset-groups", tmp_path)
    assert all(layer in lineage for layer in ("landing", "lake", "staging", "marts", "quality", "release", "uses"))
    assert "nightly" in words_on(port, "/runs", tmp_path)
    checks = words_on(port, "/assets/quality/verdict?view=checks", tmp_path)
    assert re.search(r"landing_batch Failed", checks) and re.search(r"passes Succeeded", checks)


def test_a_home_is_served_once(cchc, served: subprocess.Popen[str]) -> None:
    """Two daemons would start each run twice."""
    folder = served.said.parent
    ended = cchc("serve", "--home", folder / "home", "--landing", folder / "landing", "--port", 1)
    assert ended.returncode == 4 and "another `cchc serve` serves" in ended.stderr


def test_it_ends_as_it_is_asked(served: subprocess.Popen[str], port: int) -> None:
    """The last of these: SIGTERM ends both processes and this one, with exit code 0."""
    served.send_signal(signal.SIGTERM)
    assert served.wait(60) == 0
    assert not answers(port) and "ended; a run that was under way" in served.said.read_text()


def test_a_port_that_is_taken_is_told_before_anything_starts(cchc, tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = cchc(
            "serve", "--home", tmp_path / "home", "--landing", tmp_path / "landing", "--port", taken.getsockname()[1]
        )
    assert ended.returncode == 2 and "Address already in use; give another --port" in ended.stderr and not ended.stdout


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "cchc.service")
    assert unit["Service"]["ExecStart"] == "/opt/cchc/.venv/bin/cchc serve"
    if verifier := shutil.which("systemd-analyze"):
        here = (DEPLOY / "cchc.service").read_text().replace("/opt/cchc/.venv/bin/cchc", sys.executable)
        (tmp_path / "cchc.service").write_text(here.replace("=cchc\n", "=root\n"))
        ended = subprocess.run(
            [verifier, "verify", tmp_path / "cchc.service"], capture_output=True, text=True, check=False
        )
        assert "cchc.service" not in ended.stderr, ended.stderr


def test_the_container_takes_what_the_project_has() -> None:
    """No engine runs here: what its files name is there, and the image starts what an operator would."""
    lines = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text()).splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert copied and all((PROJECT_DIR / name).exists() for name in copied)
    packages = {"models", "macros", "seeds", "expectations", "orchestration", "sample_province", "tests/dbt"}
    assert packages <= set(copied) and lines[-1] == 'CMD ["cchc", "serve"]'
    [service] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values()
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert service["network_mode"] == "host" and service["read_only"]
