"""Decoders one by one, against plain readings of the same bytes: pieces cut anywhere, places, what is left on disk."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import signal
import string
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import IO

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.ingestion.decode import RejectedFile, Sheet
from orchestration.ingestion.formats import biff, records, text, workbook
from orchestration.ingestion.formats.places import Places, SharedStrings
from orchestration.ingestion.formats.scratch import path_of, written
from orchestration.settings import Bounds
from tests.support import hostile, writers

BOUNDS = Bounds()
quick = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def file_of(data: bytes) -> IO[bytes]:
    return written(iter([data]), Path(tempfile.gettempdir()), BOUNDS)


def grid_of(sheet: Sheet, width: int, header_row: int = 0) -> dict[int, list[str]]:
    with duckdb.connect() as con:
        grid = sheet.load(con, header_row, width)
        cells = ", ".join(f"coalesce(c{i}, '')" for i in range(width))
        return {
            row[0]: list(row[1:]) for row in con.execute(f"select row_number, {cells} from {grid.relation}").fetchall()
        }


# ------------------------------------------------------------ spreadsheets

TYPED = [
    ["Mã", "Số", "Ngày", "Cờ", "Lỗi"],
    ["A", 1.5, dt.datetime(2023, 7, 1, 8, 30), True, "#N/A"],
    ["B", 3, "x", False, "y"],
]


def typed_xlsx(*, with_stray: bool) -> bytes:
    book = openpyxl.Workbook()
    for row in TYPED:
        book.active.append(row)
    if with_stray:
        book.active["XFD1048576"] = "lạc"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_moved_cells_keep_their_kinds() -> None:
    """The copy that a far cell calls for reads as the workbook itself: numbers, dates, flags, errors."""
    near, far = ([*workbook.workbook_sheets(file_of(typed_xlsx(with_stray=s)), "xlsx", BOUNDS)] for s in (False, True))
    expected = grid_of(near[0], 5)
    assert expected[2] == ["A", "1.5", "2023-07-01 08:30:00", "True", "#N/A"]
    found = grid_of(far[0], 6)
    assert found.pop(1048576) == ["", "", "", "", "", "lạc"]
    assert found == {row: [*cells, ""] for row, cells in expected.items()}


def test_moved_cells_of_biff() -> None:
    grid: list[list[object]] = [["a", 1, "b"], ["c", 2.5, ""], ["", 3, "d"]]
    near, far = (
        [*workbook.workbook_sheets(file_of(hostile.biff(grid, far=f)), "xls", BOUNDS)] for f in (None, (65_000, 60_000))
    )
    found = grid_of(far[0], 4)
    assert found.pop(65_001) == ["", "", "", "0.5"]
    assert found == {row: [*cells, ""] for row, cells in grid_of(near[0], 3).items()}


def test_records_of_many_cells_are_moved_whole() -> None:
    """MULRK, which xlwt writes for numbers side by side, names its last column too."""
    grid: list[list[object]] = [[n * 10 + r for n in range(250)] for r in range(30)]
    [sheet] = workbook.workbook_sheets(file_of(hostile.biff(grid, far=(65_000, 60_000))), "xls", BOUNDS)
    found = grid_of(sheet, 251)
    assert [found[r + 1][:250] for r in range(30)] == [[str(v) for v in row] for row in grid]


PLACES = st.dictionaries(st.tuples(st.integers(0, 1_048_575), st.integers(0, 16_383)), st.integers(0, 9), max_size=40)


@quick
@given(PLACES, st.integers(1, 70), st.sampled_from(["", "x:", "ss1:"]))
def test_places_of_cells(places: dict[tuple[int, int], int], step: int, prefix: str) -> None:
    """Wherever the pieces are cut."""
    xml = "<cols/>" + "".join(
        f'<{prefix}c r="{hostile.letters(c)}{r + 1}" s="1"><{prefix}v>{v}</{prefix}v></{prefix}c>'
        for (r, c), v in places.items()
    )
    survey = Places()
    for at in range(0, len(xml), step):
        survey.add(xml[at : at + step].encode())
    survey.add(b"")
    extent = survey.extent
    assert survey.is_certain
    assert (extent.cells, extent.rows, extent.columns) == (
        len(places), max((r + 1 for r, _ in places), default=0), max((c + 1 for _, c in places), default=0))  # fmt: skip


@pytest.mark.parametrize(
    "tag",
    [
        "<c>",
        "<c r='A1'>",
        '<c  r="A1">',
        '<c r="a1">',
        '<c r="AAAA1">',
        '<c r="A12345678">',
        '<c r="A0">',
        '<c r="1">',
        '<c\nr="A1">',
        '<c s="1" r="A1">',
        '<c r="A1',
    ],
)
def test_cells_written_otherwise_are_left_to_a_parser(tag: str) -> None:
    survey = Places()
    survey.add(f'<row><c r="A1"><v>1</v></c>{tag}'.encode())
    survey.add(b"")
    assert not survey.is_certain and survey.extent.cells == 2


@quick
@given(st.lists(st.text("aé<&", max_size=12), max_size=20), st.integers(1, 40))
def test_lengths_of_shared_strings(texts: list[str], step: int) -> None:
    from html import escape

    items = [f"<si><t>{escape(t)}</t></si>".encode() for t in texts]
    xml, strings = b"<sst>" + b"".join(items), SharedStrings()
    for at in range(0, len(xml), step):
        strings.add(xml[at : at + step])
    assert strings.lengths().tolist() == list(map(len, items))


def html_grid(data: str) -> dict[int, list[str]]:
    [sheet] = workbook.workbook_sheets(file_of(data.encode()), "xls", BOUNDS)
    return grid_of(sheet, max(map(len, sheet.head)))


def test_spans_as_a_spreadsheet_program_shows_them() -> None:
    found = html_grid(
        "<table><tr><td rowspan=3 colspan=2>a<td>b<td rowspan=2>c</tr><tr><td>d<td>e</tr><tr><td>f<td>g</table>"
        "<table><tr><td>h</tr></table>"
    )
    assert found == {1: ["a", "b", "c", ""], 2: ["", "d", "", "e"], 3: ["", "f", "g", ""], 4: ["h", "", "", ""]}


def test_text_of_cells() -> None:
    found = html_grid(
        "<table><tr><td>a<br>b<td><p>c</p><p>d</p><td><b>e</b>f<script>g</script><!-- h --><td><table><tr><td>i</table></table>"
    )
    assert [cell.split() for cell in found[1]] == [["a", "b"], ["c", "d"], ["ef"], ["i"]]
    assert found[2][0] == "i"


CELLS = st.lists(
    st.lists(st.tuples(st.text("xy ", max_size=2), st.integers(1, 3), st.integers(1, 3)), max_size=5), max_size=6
)


@quick
@given(CELLS)
def test_spans_against_a_laid_out_table(rows: list[list[tuple[str, int, int]]]) -> None:
    """The standard's own algorithm, slot by slot."""
    taken: set[tuple[int, int]] = set()
    expected: dict[tuple[int, int], str] = {}
    for r, row in enumerate(rows):
        column = 0
        for value, across, down in row:
            while (r, column) in taken:
                column += 1
            taken |= {(r + i, column + j) for i in range(down) for j in range(across)}
            if value.strip():
                expected[r, column] = value
            column += across
    html = "".join(
        "<tr>" + "".join(f"<td colspan={a} rowspan={d}>{v}</td>" for v, a, d in row) + "</tr>" for row in rows
    )
    columns = sorted({c for _, c in expected})
    [sheet] = workbook.workbook_sheets(file_of(f"<table>{html}</table>".encode()), "xls", BOUNDS)
    found = grid_of(sheet, len(columns)) if columns else {}
    assert {(r - 1, columns[i]): v for r, cells in found.items() for i, v in enumerate(cells) if v} == expected


@quick
@given(st.binary(max_size=200), st.integers(0, 40_000), st.integers(0, 30))
def test_garbled_compound_files(noise: bytes, at: int, length: int) -> None:
    """Sectors astray, in a circle or cut: read, or rejected, and always soon."""
    data = bytearray(hostile.biff([["a", 1], ["b", 2]]))
    at %= len(data)
    data[at : at + length] = noise
    try:
        biff.Workbook(bytes(data)).moved()
    except RejectedFile as rejection:
        assert rejection.reason_code == "unreadable"


# ------------------------------------------------------------ JSON

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('a"\\[]{}é:,', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\[]{} ', max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.tuples(st.sampled_from(["data", "a", 'da"ta', "\\", "", "Data"]), JSON), max_size=5)


@settings(quick, max_examples=300)
@given(OBJECTS, st.lists(JSON, max_size=4), st.integers(1, 40), st.sampled_from([None, 0, 1]))
def test_the_array_under_data(members: list, rows: list, step: int, indent: int | None) -> None:
    """Found wherever the pieces are cut, whatever brackets and quotes stand in strings before it."""
    members = [m for m in members if m[0] != "data"]
    document = json.dumps(dict([*members, ("data", rows), *((k + "'", v) for k, v in members)]), indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_CHUNK_BYTES", step)
        begin, end = records._array_under_data(file_of(document), BOUNDS)
    assert json.loads(document[begin:end]) == rows


@pytest.mark.parametrize(("document", "reason"), [
    ('{"data": [{"a": 1}', "truncated"), ('{"data": [{"a": "]}', "truncated"), ('{"a": [1]}', "unreadable"),
    ('{"data": {"data": [1]}}', "unreadable"), ('{"data": [1], x}', "unreadable"),
    ('{"data": [1}, 2]}', "unreadable"), ('{"x": "\\\\", "data": [{"a" 1}]}', "unreadable"), ("{[1]}", "unreadable"),
])  # fmt: skip
def test_no_array_under_data(document: str, reason: str, tmp_path: Path) -> None:
    with duckdb.connect() as con, pytest.raises(RejectedFile) as rejection:
        content = text.as_text(file_of(document.encode()), tmp_path, BOUNDS, one_record_a_line=False)
        records.json_records(con, content, tmp_path, BOUNDS, lines=False)
    assert rejection.value.reason_code == reason


# ------------------------------------------------------------ text

LINES = st.lists(st.text('aé," \r\n', max_size=30), max_size=12).map("\n".join)


@settings(quick, max_examples=200)
@given(LINES, st.integers(1, 9))
def test_survey(content: str, step: int) -> None:
    """Lines, bare returns, loose quotes and the longest line, wherever the pieces are cut."""
    data = content.encode()
    bounds = replace(BOUNDS, cell=step)
    found = text._survey(file_of(data), bounds, None)
    plain = content.replace("\r\n", "\n").replace("\r", "\n").encode().split(b"\n")
    assert found.has_bare_returns == ("\r" in content.replace("\r\n", ""))
    assert found.longest <= max(map(len, plain))
    if max(map(len, plain)) > step:
        assert found.longest == max(map(len, plain))
    assert found.lines == (content.rstrip("\r\n").count("\n") + 1 if data else 0)
    if re.search('[,;\t|\r\n"] +"', content):
        assert found.has_loose_quotes
    if ' "' not in content:
        assert not found.has_loose_quotes


@pytest.mark.parametrize(
    "line", ['K1, "a",b', 'K1,"" "a",b', 'K1,  "a, b",c', ' "K1",a,b', 'K1,"a" ,b', 'K1,"a ""b""",c', 'K1, ""', 'K1,\t"a",b']
)  # fmt: skip
def test_a_line_is_read_alike_whatever_else_the_file_holds(line: str) -> None:
    """As records of a spreadsheet, in which a quote behind a blank is text: a blank line elsewhere changes nothing."""
    import csv as standard

    [row] = standard.reader([line])
    for lines in ([line], [line, ""], ["x,y,z", line], ["x,y,z", "", line]):
        data = "\n".join(["a,b,c", *lines]).encode()
        sheet = text.csv_sheets(text.as_text(file_of(data), Path(tempfile.gettempdir()), BOUNDS), BOUNDS)[0]
        found = [cell.strip() for cell in grid_of(sheet, 3, header_row=1)[len(lines) + 1 - (lines[-1] == "")]]
        assert found == [*[cell.strip() for cell in row[:3]], *[""] * (3 - len(row))], lines


@quick
@given(
    st.lists(
        st.lists(st.text(string.ascii_letters + ' ,;"\n', max_size=6), min_size=3, max_size=5), min_size=1, max_size=30
    ),
    st.integers(1, 4),
)
def test_records_in_lots(rows: list[list[str]], lot: int) -> None:
    """Records of any shape, however few at a time."""
    import csv as standard

    data = writers.csv_bytes([["a", "b", "c"], *rows], ";", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_CHUNK_ROWS", lot)
        sheet = text.csv_sheets(text.as_text(file_of(data), Path(tempfile.gettempdir()), BOUNDS), BOUNDS)[1]
        found = grid_of(sheet, 3, header_row=1)
    plain = list(standard.reader(io.StringIO(data.decode(), newline=""), delimiter=";"))[1:]
    assert [found[n] for n in sorted(found)] == [row[:3] for row in plain]


def test_text_on_disk_has_no_name(tmp_path: Path) -> None:
    with written(iter([b"a,b\n", b"1,2\n"]), tmp_path, BOUNDS) as file:
        assert list(tmp_path.iterdir()) == []
        assert duckdb.sql(f"select * from read_csv('{path_of(file)}')").fetchall() == [(1, 2)]


def test_disk_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(RejectedFile) as rejection:
        written(iter([b"x" * 600] * 3), tmp_path, replace(BOUNDS, disk=1000))
    assert rejection.value.reason_code == "too_large"


UNPACK = """
import sys
from dataclasses import replace
from pathlib import Path
from orchestration.ingestion.formats import text
from orchestration.settings import Bounds
with open(sys.argv[1], "rb") as landed:
    plain = text.gunzip(landed, Path(sys.argv[2]), Bounds())
    content = text.as_text(plain, Path(sys.argv[2]), Bounds())
    print(content.lines, flush=True)
    sys.stdin.read()
"""


def test_a_kill_leaves_no_text(tmp_path: Path) -> None:
    """Unpacked and transcoded text go with the process, even by SIGKILL."""
    landed, work = tmp_path / "a.csv.gz", tmp_path / "work"
    work.mkdir()
    landed.write_bytes(writers.gz_bytes(writers.csv_bytes([["Nguyễn Thị Không Thật"]] * 100, ",", "utf-16-le")))
    child = subprocess.Popen(
        [sys.executable, "-c", UNPACK, landed, work],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert child.stdout is not None and child.stdout.readline() == b"100\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert child.stdin is not None
    child.stdin.close()
    assert list(work.iterdir()) == []
