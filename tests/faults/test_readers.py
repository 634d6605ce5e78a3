"""One file never costs more than it is given: its reader is stopped, the file alone is rejected, the night goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.ingestion import readers
from orchestration.lake.files import LakeFile
from orchestration.night.request import Request
from orchestration.settings import PROJECT_DIR, Bounds, Settings
from tests.conftest import AS_OF
from tests.faults.test_nothing_lost import export
from tests.support import nights
from tests.support.writers import put


def ingested(folder: Path, **bounds: int) -> dict[str, LakeFile]:
    settings = replace(Settings.load(folder / "landing", folder / "home"), bounds=Bounds(**bounds))
    night = nights.taken(Request(settings, AS_OF))
    assert not any((folder / "home" / "work").iterdir()), "nothing of a reader is left"
    return {f.source_file.removeprefix("dossiers/"): f for f in night.lake.files()}


def outcome(files: dict[str, LakeFile]) -> dict[str, str | int]:
    return {name: f.reason_code or f.rows_accepted for name, f in files.items()}


def land(folder: Path, **files: bytes) -> None:
    for name, data in files.items():
        put(folder / "landing" / "dossiers" / f"{name}_20230722.csv", data)


def signalled(sent: signal.Signals, after: float) -> Callable[[readers._Process, readers.Job], None]:
    """Gives a reader its file, and to the reader of the long one a signal soon after."""
    given = readers._Process.give

    def give(self: readers._Process, job: readers.Job) -> None:
        given(self, job)
        if job.file.source_file.startswith("dossiers/lon"):
            threading.Timer(after, os.kill, (self.process.pid, sent)).start()

    return give


def test_a_reader_out_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a share that hangs."""
    land(tmp_path, a=export(5), lon=export(300_000))
    with monkeypatch.context() as hanging:
        hanging.setattr(readers._Process, "give", signalled(signal.SIGSTOP, 0))
        found = outcome(ingested(tmp_path, seconds=15, bytes_per_second=1 << 40))
    assert found == {"a_20230722.csv": 5, "lon_20230722.csv": "too_slow"}
    assert outcome(ingested(tmp_path))["lon_20230722.csv"] == 300_000, "read again the next night"


def test_a_reader_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCHC_THREADS", "2")  # which the memory is measured for
    land(tmp_path, a=export(5), lon=export(400_000), z=export(7))
    found = outcome(ingested(tmp_path, memory=420 << 20, disk=1 << 20))
    assert found == {"a_20230722.csv": 5, "lon_20230722.csv": "too_large", "z_20230722.csv": 7}
    assert outcome(ingested(tmp_path))["lon_20230722.csv"] == 400_000, "read again with more memory"


def test_a_reader_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel does when memory runs out."""
    land(tmp_path, a=export(5), lon=export(300_000), z=export(7))
    with monkeypatch.context() as deadly:
        deadly.setattr(readers._Process, "give", signalled(signal.SIGKILL, 0))
        found = outcome(ingested(tmp_path))
    assert found == {"a_20230722.csv": 5, "lon_20230722.csv": "unreadable", "z_20230722.csv": 7}
    assert outcome(ingested(tmp_path))["lon_20230722.csv"] == 300_000, "read again the next night"


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land(tmp_path, a=export(5))
    given = readers._Process.give

    def given_later(self: readers._Process, job: readers.Job) -> None:
        land(tmp_path, a=export(6))
        given(self, job)

    with monkeypatch.context() as changing:
        changing.setattr(readers._Process, "give", given_later)
        assert outcome(ingested(tmp_path)) == {"a_20230722.csv": "unreadable"}
    assert outcome(ingested(tmp_path)) == {"a_20230722.csv": 6}


INGESTS = """
import sys
from datetime import date
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Request
from orchestration.settings import Settings
with held(Request(Settings.load(sys.argv[1], sys.argv[2]), date(2023, 7, 31))) as night:
    steps.ingest(night)
"""


def test_readers_die_with_the_night(tmp_path: Path) -> None:
    land(tmp_path, lon=export(300_000))
    arguments = [tmp_path / "landing", tmp_path / "home"]
    night = subprocess.Popen([sys.executable, "-c", INGESTS, *arguments], cwd=PROJECT_DIR)
    _until(lambda: _readers_below(tmp_path))
    night.kill()
    night.wait()
    _until(lambda: not _readers_below(tmp_path))
    assert outcome(ingested(tmp_path)) == {"lon_20230722.csv": 300_000}


def _until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _readers_below(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"orchestration.ingestion.worker" in (process / "cmdline").read_bytes():
                found += [process.name] if str(folder) in os.readlink(process / "cwd") else []
        except OSError:
            continue
    return found


def test_what_is_no_file(tmp_path: Path) -> None:
    """Rejected without being opened; whatever else lies there is read."""
    dossiers = tmp_path / "landing" / "dossiers"
    land(tmp_path, tot=export(5))
    outside = tmp_path / "outside"
    put(outside / "x_20230722.csv", export(9))
    os.mkfifo(dossiers / "ong_20230722.csv")
    os.mkfifo(tmp_path / "landing" / "ong")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(dossiers / "o_cam_20230722.csv"))
    links = {"zero_20230722.csv": "/dev/zero", "ngoai_20230722.csv": outside / "x_20230722.csv", "ngoai": outside,
             "dut_20230722.csv": "nowhere", "vong": "vong", "len": ".", "trong_20230722.csv": "tot_20230722.csv"}  # fmt: skip
    for name, target in links.items():
        (dossiers / name).symlink_to(target)
    (dossiers / "mot").mkdir()
    (dossiers / "hai").mkdir()
    (dossiers / "mot" / "hai").symlink_to("../hai")
    (dossiers / "hai" / "mot").symlink_to("../mot")
    found = outcome(ingested(tmp_path))
    refused = {name for name, why in found.items() if why == "not_a_file"}
    assert refused >= {"ong_20230722.csv", "ong", "o_cam_20230722.csv", *links} - {"trong_20230722.csv"}
    assert {n: w for n, w in found.items() if n not in refused} == {"tot_20230722.csv": 5, "trong_20230722.csv": 5}
    assert {n for n in refused if "/" in n} == {"mot/hai/mot", "hai/mot/hai"}


def test_very_deep_folders(tmp_path: Path) -> None:
    land(tmp_path, tot=export(5))
    folder = tmp_path / "landing" / "dossiers"
    for level in range(2, 70):
        folder = folder / "d"
        folder.mkdir()
        put(folder / f"{level}_20230722.csv", export(level, 1000 * level))
    deepest = os.open(folder, os.O_RDONLY)
    for _ in range(1_100):
        os.mkdir("d", dir_fd=deepest)
        below = os.open("d", os.O_RDONLY, dir_fd=deepest)
        os.close(deepest)
        deepest = below
    os.close(deepest)
    found = outcome(ingested(tmp_path))
    subprocess.run(["rm", "-rf", tmp_path / "landing"], check=True)  # deeper than Python's own way of removing goes
    assert [name for name, why in found.items() if why == "not_a_file"] == ["/".join(["d"] * 64)]
    assert sum(why for why in found.values() if isinstance(why, int)) == 5 + sum(range(2, 65))


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land(tmp_path, tot=export(5))
    put(tmp_path / "landing" / "dossiers" / "kin" / "k_20230722.csv", export(6, 100))
    whole = os.scandir

    def refused(path: object) -> object:
        if str(path).endswith("kin"):
            raise PermissionError(13, "Permission denied")
        return whole(path)

    with monkeypatch.context() as closed:
        closed.setattr("orchestration.ingestion.landing.os.scandir", refused)
        assert outcome(ingested(tmp_path)) == {"tot_20230722.csv": 5, "kin": "unreadable"}
    assert outcome(ingested(tmp_path)) == {"tot_20230722.csv": 5, "kin/k_20230722.csv": 6}
