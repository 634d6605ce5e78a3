"""Tables dressed as hostile or careless writers dress them: never a crash, and every row accounted for.

Each file bears a known number of good, bad and layout rows; whatever else stands in it, accepted, rejected and
layout rows add up to the rows present (docs/landing-contract.md 1, 2).
"""

from __future__ import annotations

import gzip
import json
from html import escape
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.lake.files import LakeFile
from tests.support import hostile, nights, writers
from tests.support.hostile import cell, letters
from tests.support.writers import put

HEAD = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Tên TTHC"]
GOOD, BAD, LAYOUT = "good", "bad", "layout"
FILES_A_CASE = 12


def cells_of(kind: str, number: int) -> list[str]:
    if kind == LAYOUT:
        return ["", "", "", "ghi chú"]
    return [f"X-{number}", "1.000001", "1" if kind == GOOD else "không rõ", "thủ tục"]


# The last row is good: what stands below the last row with two filled required cells is layout, whatever it is.
KINDS = st.lists(st.sampled_from([GOOD, GOOD, GOOD, BAD, LAYOUT]), max_size=12).map(lambda kinds: [*kinds, GOOD])
TEXT = st.text("aế<>&\"';,\t|[]{}\\ \u200b", max_size=8)


@st.composite
def xlsx_files(draw: st.DrawFn, kinds: list[str]) -> tuple[str, bytes]:
    """Cells out of order, without places, prefixed, blank but styled, and far away; dimensions that lie."""
    prefix = draw(st.sampled_from(["", "", "x:"]))
    gap = draw(st.sampled_from([0, 0, 3, 150]))
    rows = [["Danh sách"]] * draw(st.integers(0, 2)) + [HEAD, *(cells_of(k, n) for n, k in enumerate(kinds))]
    has_places = draw(st.booleans()) or bool(gap)
    out, number = [], 0
    for row in rows:
        number += 1 if row[0] in ("Danh sách", HEAD[0]) or len(out) < 1 else 1 + draw(st.sampled_from([0, gap]))
        placed = [(c, v) for c, v in enumerate(row) if v or not has_places]
        if has_places:
            placed = draw(st.permutations(placed))
        body = "".join(
            cell(f"{letters(c)}{number}", v, prefix)
            if has_places
            else f'<{prefix}c t="str"><{prefix}v>{v}</{prefix}v></{prefix}c>'
            for c, v in placed
        )
        if has_places and draw(st.booleans()):
            body += f'<{prefix}c r="{letters(draw(st.integers(5, 16_383)))}{number}" s="0"/>'
        out.append(f'<{prefix}row r="{number}">{body}</{prefix}row>')
    for _ in range(draw(st.integers(0, 2))):
        far, column = draw(st.integers(300_000, 1_048_575)), draw(st.integers(5, 16_383))
        out.append(
            f'<{prefix}row r="{far}">{cell(f"{letters(column)}{far}", escape(draw(TEXT)) + "z", prefix)}</{prefix}row>'
        )
    claims = f'<{prefix}dimension ref="{draw(st.sampled_from(["A1", "A1:XFD1048576", "ZZZ9:A1", "XFD1048576:A1"]))}"/>'
    name = prefix.strip(":")
    space = f'xmlns:{name}="{hostile.MAIN}"' if name else f'xmlns="{hostile.MAIN}"'
    sheet = f'<?xml version="1.0"?><{prefix}worksheet {space}>{claims}<{prefix}sheetData>{"".join(out)}</{prefix}sheetData></{prefix}worksheet>'
    before = [f'<sheetData><row r="9">{cell("C9", "bìa")}</row></sheetData>'] * draw(st.integers(0, 2))
    return "xlsx", hostile.xlsx([*before, sheet])


@st.composite
def biff_files(draw: st.DrawFn, kinds: list[str]) -> tuple[str, bytes]:
    rows: list[list[object]] = [HEAD, *(cells_of(k, n) for n, k in enumerate(kinds))]
    far = draw(st.none() | st.tuples(st.integers(30_000, 65_535), st.integers(0, 65_535)))
    return "xls", hostile.biff(
        rows, far, draw(st.none() | st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)))
    )


@st.composite
def html_files(draw: st.DrawFn, kinds: list[str]) -> tuple[str, bytes]:
    """Spans over nothing, unclosed tags, odd attributes, tables in tables."""
    span = st.sampled_from(
        ["", "", ' colspan="16384"', " colspan=9", ' rowspan="1"', ' colspan="-3"', f' colspan="{"9" * 30}"']
    )
    rows = []
    for row in [HEAD, *(cells_of(k, n) for n, k in enumerate(kinds))]:
        texts = [
            draw(st.sampled_from(["{}", "<b>{}</b>", "<p>{}</p>", "{}<!-- x -->", " {}\n"])).format(v) for v in row
        ]
        close = draw(st.sampled_from(["</td>", ""]))
        # What follows the last known column may reach as far as it likes.
        rows.append("<tr>" + "".join(f"<td>{t}{close}" for t in texts) + f"<td{draw(span)}>&nbsp;</td></tr>")
        if draw(st.integers(0, 5)) == 0:
            rows.append(f"<tr><td{draw(span)}></td></tr>")
    table = f"<table>{''.join(rows)}</table>"
    if draw(st.booleans()):
        table = f"<table><tr><td>{table}</td></tr></table>"
    return "xls", f"<html><body>{escape(draw(TEXT))}{table}".encode()


@st.composite
def csv_files(draw: st.DrawFn, kinds: list[str]) -> tuple[str, bytes]:
    separator = draw(st.sampled_from(",;\t|"))
    trailing = draw(st.sampled_from([0, 0, 1, 300, 5_000]))
    rows: list[list[object]] = [
        [*HEAD, *[""] * trailing],
        *([*cells_of(k, n), *[""] * draw(st.sampled_from([0, trailing]))] for n, k in enumerate(kinds)),
    ]
    if draw(st.booleans()):
        rows.insert(0, [draw(TEXT) + "\n" + draw(TEXT)])
    data = writers.csv_bytes(
        rows,
        separator,
        draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le"])),
        draw(st.sampled_from(["\n", "\r\n", "\r"])),
    )
    return draw(st.sampled_from([("csv", data), ("csv.gz", gzip.compress(data[:9]) + gzip.compress(data[9:]))]))


@st.composite
def json_files(draw: st.DrawFn, kinds: list[str]) -> tuple[str, bytes]:
    """Records beside what is none, nested far, with keys that look like paths; arrays beside the array under `data`."""
    junk = st.recursive(
        TEXT | st.integers() | st.none(),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
        max_leaves=5,
    )
    records: list[object] = []
    for number, kind in enumerate(kinds):
        if kind == LAYOUT:
            continue
        code, procedure, status, name = cells_of(kind, number)
        record = {"MaHoSo": code, "MaTTHC": procedure, "TrangThaiHoSo": status, "TenTTHC": name}
        if draw(st.booleans()):
            record["$.khac" + draw(TEXT)] = draw(junk)
        records.append(record)
    if draw(st.booleans()):
        return "jsonl", writers.jsonl_bytes(records)
    if draw(st.booleans()):
        return "json", json.dumps(
            records, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 2]))
        ).encode()
    around = {f"k{n}" + draw(TEXT): draw(junk) for n in range(draw(st.integers(0, 3)))}
    return "json", json.dumps({**around, "data": records, "tổng": [draw(junk)]}, ensure_ascii=False).encode()


def dressed(kinds: list[str]) -> st.SearchStrategy[tuple[list[str], tuple[str, bytes]]]:
    files = st.one_of(xlsx_files(kinds), biff_files(kinds), html_files(kinds), csv_files(kinds), json_files(kinds))
    return files.map(lambda file: (kinds, file))


@settings(max_examples=4, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(KINDS.flatmap(dressed), min_size=FILES_A_CASE, max_size=FILES_A_CASE))
def test_every_row_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, cases: list[tuple[list[str], tuple[str, bytes]]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("hostile")
    for number, (_, (extension, data)) in enumerate(cases):
        put(folder / f"landing/dossiers/{number}_20230701.{extension}", data)
    night = nights.ingested(folder / "landing", folder / "home")
    found: dict[str, LakeFile] = {f.source_file: f for f in night.lake.files() if not f.is_nested}
    # A table of five rows or more, most of whose statuses cannot be read, is rejected whole.
    for number, (kinds, (extension, _)) in enumerate(cases):
        file = found[f"dossiers/{number}_20230701.{extension}"]
        good, bad = kinds.count(GOOD), kinds.count(BAD)
        if good + bad >= 5 and bad * 2 > good + bad:
            assert (file.status, file.reason_code) == ("rejected", "shifted"), file
        else:
            assert (file.status, file.rows_accepted, file.rows_rejected) == ("accepted", good, bad), file
