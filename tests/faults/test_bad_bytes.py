"""Whatever bytes lie in landing: one rejected file each, the others go on, the night never crashes."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.ingestion.decode import EXTENSIONS
from orchestration.lake.files import LakeFile
from tests.support import nights, writers
from tests.support.writers import put

HEAD = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận", "Tên TTHC"]
ROWS = [
    [f"H99.01-230721-{n:04d}", "1.000001", 4, dt.datetime(2023, 7, 21, 8, n % 60), "Thủ tục một"] for n in range(60)
]
SPELLED = [[str(cell) for cell in row] for row in ROWS]
RECORDS: list[object] = [
    {"MaHoSo": code, "MaTTHC": procedure, "TrangThai": status, "NgayTiepNhan": received, "TenTTHC": name}
    for code, procedure, status, received, name in SPELLED
]
WHOLE = {
    "csv": writers.csv_bytes([HEAD, *SPELLED], ";", "utf-8"),
    "utf16.csv": writers.csv_bytes([HEAD, *SPELLED], "\t", "utf-16-le"),
    "csv.gz": writers.gz_bytes(writers.csv_bytes([HEAD, *SPELLED], ",", "utf-8")),
    "xlsx": writers.xlsx_bytes([HEAD, *ROWS]),
    "xls": writers.xls_bytes([HEAD, *ROWS]),
    "html.xls": writers.html_bytes([HEAD, *SPELLED]),
    "json": writers.json_bytes(RECORDS),
    "wrapped.json": writers.json_bytes(RECORDS, wrapped=True),
    "jsonl": writers.jsonl_bytes(RECORDS),
}
DEFINITE = ("csv.gz", "xlsx", "json", "wrapped.json")  # contract: what ends early is rejected whole


def ingested(files: dict[str, bytes], folder: Path) -> dict[str, LakeFile]:
    for name, data in files.items():
        put(folder / "landing" / "dossiers" / name, data)
    night = nights.ingested(folder / "landing", folder / "home")
    found = {f.source_file.removeprefix("dossiers/"): f for f in night.lake.files() if not f.is_nested}
    assert set(found) == set(files)
    return found


def test_whole_files_are_read(tmp_path: Path) -> None:
    found = ingested({f"a_20230722.{kind}": data for kind, data in WHOLE.items()}, tmp_path)
    assert {n: (f.status, f.rows_accepted, f.rows_rejected) for n, f in found.items()} == dict.fromkeys(
        found, ("accepted", 60, 0)
    )


def test_cut_files(tmp_path: Path) -> None:
    """Each format cut at six places: never a crash, and rejected whole where the format can tell."""
    files = {
        f"{tenths}_20230722.{kind}": data[: max(1, len(data) * tenths // 10)]
        for kind, data in WHOLE.items()
        for tenths in (0, 1, 3, 5, 8, 9)
    }
    found = ingested({**files, "tot_20230723.csv": WHOLE["csv"]}, tmp_path)
    assert found["tot_20230723.csv"].rows_accepted == 60
    for name, file in found.items():
        if name.endswith(DEFINITE) and "_20230722." in name:
            assert file.status == "rejected", name
        assert file.rows_accepted <= 60 and (file.status == "accepted" or file.reason_code), name


def test_garbled_files(tmp_path: Path) -> None:
    """Bytes flipped, dropped and repeated inside files of every format."""
    rng = random.Random(23)
    files = {}
    for kind, data in WHOLE.items():
        for number in range(8):
            bad = bytearray(data)
            for _ in range(rng.choice([1, 3, 30])):
                at = rng.randrange(len(bad))
                bad[at : at + rng.choice([0, 1, 1, 5])] = rng.randbytes(rng.choice([0, 1, 1, 7]))
            files[f"{number}_20230722.{kind}"] = bytes(bad)
    found = ingested(files, tmp_path)
    for name, file in found.items():
        assert file.status in ("accepted", "rejected") and file.rows_read == file.rows_accepted + file.rows_rejected, (
            name
        )


@pytest.mark.parametrize("kind", EXTENSIONS)
def test_the_content_of_another_format(kind: str, tmp_path: Path) -> None:
    ingested({f"{other.replace('.', '_')}_20230722.{kind}": data for other, data in WHOLE.items()}, tmp_path)


OPENINGS = [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1f\x8b\x08",
            b"[", b'{"data": [', b"<html><table><tr><td>", "Mã hồ sơ;Mã TTHC;Trạng thái\n".encode(), b"[[[[", b'[{"MaHoSo":']  # fmt: skip


@settings(max_examples=6, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from(OPENINGS), st.binary(max_size=300) | st.text(max_size=200).map(str.encode)),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, contents: list[tuple[bytes, bytes]]) -> None:
    files = {f"{n}_20230722.{kind}": b"".join(part) for n, part in enumerate(contents) for kind in EXTENSIONS}
    found = ingested(files, tmp_path_factory.mktemp("fuzz"))
    assert sum(f.rows_accepted for f in found.values()) == 0


def test_odd_names_and_links(tmp_path: Path) -> None:
    """Names with quotes, brackets and blanks; a link to nowhere; bytes that are no UTF-8."""
    names = [
        "o'brien_20230722.csv",
        'a"b_20230722.csv',
        "[*?]_20230722.csv",
        "hồ sơ 20230722.csv",
        "%s{0}_20230722.csv",
    ]
    found = ingested({name: WHOLE["csv"] + b"\n" * n for n, name in enumerate(names)}, tmp_path / "names")
    assert {f.rows_accepted for f in found.values()} == {60}
    folder = tmp_path / "links" / "landing" / "dossiers"
    put(folder / "that_20230722.csv", WHOLE["csv"])
    (folder / "day_dut_20230722.csv").symlink_to(folder / "nowhere.csv")
    with open(bytes(folder) + b"/x\xff_20230722.csv", "wb") as file:
        file.write(b"khong")
    night = nights.ingested(tmp_path / "links" / "landing", tmp_path / "links" / "home")
    assert sum(f.rows_accepted for f in night.files) == 60
    refused = {f.source_file: f.reason_code for f in night.files if f.status == "rejected"}
    assert refused == {"dossiers/day_dut_20230722.csv": "not_a_file", r"dossiers/x\xff_20230722.csv": "no_header"}
