"""Small files that claim, unfold to or span far more than they hold (docs/landing-contract.md 1, *Bounds*).

They are read in a process with a limit on its memory, so that one that is not held within its bounds ends it.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import hostile, writers
from tests.support.hostile import cell, letters, rows_xml
from tests.support.writers import put

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cold_readers")]

HEAD = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Tên TTHC"]
ROWS: list[list[object]] = [[f"A-{n}", "1.1", "1", "x"] for n in range(20)]
COMMA = ",".join(HEAD) + "\n"
MIB = 1 << 20
TABLE = rows_xml([HEAD, *ROWS])
STRAY = f'<row r="1048576">{cell("XFD1048576", "lạc")}</row>'
READ, TOO_LARGE = ("accepted", None, 20, 0), ("rejected", "too_large", 0, 0)


def sheet(content: str) -> str:
    return f"<sheetData>{content}</sheetData>"


def record(code: str, **more: object) -> dict[str, object]:
    return {"MaHoSo": code, "MaTTHC": "1.1", "TrangThaiHoSo": 1, **more}


def lines(*rows: str) -> bytes:
    return (COMMA + "".join(row + "\n" for row in rows)).encode()


def page(*rows: str, before: str = "") -> bytes:
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in HEAD) + "</tr>"
    return f"<table>{before}{head}{''.join(rows)}</table>".encode()


def tr(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"


PLAIN_TR = [tr(*map(str, row)) for row in ROWS]
RECORDS = [record(str(row[0])) for row in ROWS]
FAR_CELLS = "".join(f'<row r="{n}">{cell(f"{letters(n % 1900)}{n}", "z")}</row>' for n in range(100, 9100, 9))

# file: (its bytes, (status, reason, rows accepted, rows rejected))
FILES: dict[str, tuple[bytes, tuple[str, str | None, int, int]]] = {
    # A sheet is as large as its filled cells.
    "far-cell.xlsx": (hostile.xlsx([sheet(TABLE + STRAY)]), READ),
    "far-cell-in-header.xlsx": (hostile.xlsx([sheet(TABLE.replace("</row>", cell("XFD1", "lạc") + "</row>", 1))]), READ),
    "far-cells.xlsx": (hostile.xlsx([sheet(TABLE + FAR_CELLS + STRAY)]), READ),
    "far-cell-on-another-sheet.xlsx": (hostile.xlsx([sheet(rows_xml([["a"]]) + STRAY), sheet(TABLE)]), READ),
    "prefixed.xlsx": (hostile.xlsx([
        f'<?xml version="1.0"?><x:worksheet xmlns:x="{hostile.MAIN}"><x:sheetData>{rows_xml([HEAD, *ROWS], "x:")}'
        f'<x:row r="1048576">{cell("XFD1048576", "z", "x:")}</x:row></x:sheetData></x:worksheet>']), READ),
    "quoted-otherwise.xlsx": (hostile.xlsx([sheet(TABLE + """<row r="9"><c x='>' r='XFD1048576' t='str'><v>z</v></c></row>""")]), READ),
    "unplaced.xlsx": (hostile.xlsx([sheet("".join(
        "<row>" + "".join(f'<c t="str"><v>{v}</v></c>' for v in row) + "</row>" for row in [HEAD, *ROWS]))]), READ),
    "claims-all.xlsx": (hostile.xlsx(['<dimension ref="A1:XFD1048576"/>' + sheet(TABLE)]), READ),
    "far-blank.xlsx": (hostile.xlsx([sheet(TABLE + '<row r="1048576"><c r="XFD1048576" s="0"/></row>')]), READ),
    "many-columns.xlsx": (hostile.xlsx([sheet(rows_xml([[*HEAD, *(f"h{n}" for n in range(2000))], *ROWS]))]), TOO_LARGE),
    "far-cell.xls": (hostile.biff([HEAD, *ROWS], far=(65_535, 65_535)), READ),
    "claims-all.xls": (hostile.biff([HEAD, *ROWS], dimensions=(0xFFFFFFFF, 0xFFFF)), READ),
    "circle.xls": (hostile.circular_biff([HEAD, *ROWS]), ("rejected", "unreadable", 0, 0)),
    # What a workbook unfolds to.
    "bomb.xlsx": (hostile.xlsx([sheet(TABLE)], extra={"xl/media/a.xml": bytes(300 * MIB)}), TOO_LARGE),
    "bomb-that-lies.xlsx": (hostile.lying_zip(
        hostile.xlsx([sheet(TABLE)], extra={"xl/zz.xml": bytes(300 * MIB)}), "xl/zz.xml", 1000), TOO_LARGE),
    "shared-string.xlsx": (hostile.xlsx([sheet(
        TABLE + "".join(f'<row r="{n}"><c r="D{n}" t="s"><v>0</v></c></row>' for n in range(30, 20_030)))],
        shared=["y" * 1_000_000]), TOO_LARGE),
    "cell.xlsx": (hostile.xlsx([sheet(TABLE + rows_xml([["B", "1.1", "1", "y" * (MIB + 1)]], first=30))]), TOO_LARGE),
    # Spans only move later cells.
    "colspans.xls": (page(*['<tr><td colspan="16384">&nbsp;</td><td>x</td></tr>'] * 1000, *PLAIN_TR), READ),
    "colspans-in-a-row.xls": (page(*PLAIN_TR, before="<tr>" + "<td colspan=16384>" * 2000 + "</tr>"), READ),
    "rowspans.xls": (page(*(f'<tr><td rowspan="2">R-{n}</td><td rowspan=2>1.1</td><td rowspan=2>1</td><td>x</td></tr><tr><td>y</td></tr>'
                            for n in range(3000))), ("accepted", None, 3000, 0)),
    "staircase.xls": (page(*PLAIN_TR, *['<tr><td rowspan="3000">a</td></tr>'] * 1500), READ),
    "many-columns.xls": (page("<tr>" + "<td>a" * 2001 + "</tr>", *PLAIN_TR), TOO_LARGE),
    "spans-of-many-columns.xls": (page("<tr>" + "<td rowspan=9>" * 2001 + "</tr>", *PLAIN_TR), TOO_LARGE),
    "many-digits.xls": (page(f'<tr><td colspan="{"9" * 5000}">a</td></tr>', *PLAIN_TR), ("accepted", None, 20, 1)),
    "cell.xls": (page(tr("B", "1.1", "1", "a&amp;" * MIB), *PLAIN_TR), TOO_LARGE),
    "wrapped.xls": (b"<table><tr><td>" + page(*PLAIN_TR * 3000) + b"</td></tr></table>", ("accepted", None, 60_000, 0)),
    "deep.xls": (page(*PLAIN_TR) + b"<table><tr><td>" * 20_000, READ),
    # Text.
    "bomb.csv.gz": (gzip.compress(bytes(300 * MIB)), TOO_LARGE),
    "many-columns.csv": ((COMMA.strip() + "".join(f",x{n}" for n in range(10_000)) + "\nA,1.1,1,x\n").encode(), TOO_LARGE),
    "known-columns-last.csv": (("".join(f"x{n}," for n in range(10_000)) + COMMA + "x\n").encode(), TOO_LARGE),
    "2000-columns.csv": ((COMMA.strip() + "".join(f",x{n}" for n in range(1996)) + "\nA,1.1,1,x\n").encode(), ("accepted", None, 1, 0)),
    "empty-columns.csv": ((COMMA.strip() + "," * 16_000 + "\nA,1.1,1,x\n").encode(), ("accepted", None, 1, 0)),
    "separators.csv": (lines("A,1.1,1,x" + "," * (15 * MIB), "B,1.1,1,x,,z"), ("accepted", None, 1, 1)),
    "line.csv": (lines("A,1.1,1," + "x," * (9 * MIB)), TOO_LARGE),
    "cell.csv": (lines("A,1.1,1," + "x" * (MIB + 1)), TOO_LARGE),
    "cell-in-bytes.csv": (lines("A,1.1,1," + "ế" * (MIB // 2)), TOO_LARGE),
    "cell-of-lines.csv": (lines('A,1.1,1,"' + "x\n" * MIB + '"'), TOO_LARGE),
    "record-of-lines.csv": (lines("A,1.1,1," + '"x\n",' * (4 * MIB)), TOO_LARGE),
    "largest.csv": (lines("A,1.1,1," + "x" * MIB), ("accepted", None, 1, 0)),
    # JSON.
    "keys.json": (writers.json_bytes([record("A", **{f"k{n}": n for n in range(10_000)})]), TOO_LARGE),
    "keys.jsonl": (writers.jsonl_bytes([record("A", **{f"k{n}_{m}": 1 for m in range(10)}) for n in range(300)]), TOO_LARGE),
    "value.json": (writers.json_bytes([record("A"), record("B", TenTTHC="x" * (MIB + 1))]), TOO_LARGE),
    "list.json": (writers.json_bytes([record("A", x=["x" * 100] * 50_000)]), ("accepted", None, 1, 0)),
    "record.json": (writers.json_bytes([record("A"), record("B", x=["x" * 100] * 180_000)]), TOO_LARGE),
    "record.jsonl": (writers.jsonl_bytes([record("B", x=["x" * 100] * 180_000)]), TOO_LARGE),
    "around.json": (writers.json_bytes([record("A")], wrapped=True)[:-1] + b', "x": "' + b"x" * (17 * MIB) + b'"}', TOO_LARGE),
    "deep.json": (b"[" * 5 * MIB + b"]" * 5 * MIB, ("rejected", "missing_column", 0, 0)),
    "deep-value.json": (b'[{"MaHoSo": "A", "MaTTHC": "1", "TrangThaiHoSo": 1, "x": ' + b"[" * MIB + b"]" * MIB + b"}]", ("accepted", None, 1, 0)),
    "deep-around.json": (b'{"x": ' + b"[" * 5 * MIB + b"]" * 5 * MIB + b', "data": ' + writers.json_bytes(RECORDS) + b"}", READ),
}  # fmt: skip

READER = """
import json, resource, sys
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Request
from orchestration.settings import Settings
from datetime import date
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
settings = Settings.load(sys.argv[1], sys.argv[2], {"CCHC_THREADS": "2", "CCHC_MEMORY_LIMIT": "1GB"})
with held(Request(settings, date(2024, 1, 31))) as night:
    ingested = steps.ingest(night)
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
files = {f.source_file: [f.status, f.reason_code, f.rows_accepted, f.rows_rejected, f.detail] for f in ingested.files}
print(json.dumps([peak * 1024, files]))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, list]]:
    folder = tmp_path_factory.mktemp("bounds")
    for name, (data, _) in FILES.items():
        stem, _, extension = name.partition(".")
        put(folder / "landing/dossiers" / f"{stem}_20230701.{extension}", data)
    done = subprocess.run(
        [sys.executable, "-c", READER, folder / "landing", folder / "home"],
        cwd=Path(__file__).parents[3], capture_output=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    peak, files = json.loads(done.stdout)
    return peak, {name.removeprefix("dossiers/").replace("_20230701", ""): found for name, found in files.items()}


@pytest.mark.parametrize("name", FILES)
def test_outcome(name: str, outcome: tuple[int, dict[str, list]]) -> None:
    *found, detail = outcome[1][name]
    assert tuple(found) == FILES[name][1], detail


def test_memory(outcome: tuple[int, dict[str, list]]) -> None:
    """Whatever they claim: the process that read them all never held more than this."""
    assert outcome[0] < 2_500 * MIB
