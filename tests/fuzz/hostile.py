"""Files made to break a reader: each builder spoils a sound table in one way that a program or a person could.

A builder gives the extension, the bytes, and what is known of the rows: exactly how many, or at most how many.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from struct import pack

from hypothesis import strategies as st

from tests.fuzz import encoded
from tests.fuzz.tables import NUMBER, Table

# extension, bytes, rows if known, most rows
Made = tuple[str, bytes, int | None, int]
Builder = Callable[[st.DrawFn, Table], Made]
_FAR = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'


def _page(
    draw: st.DrawFn, table: Table, body: Callable[[str], str], *, exact: bool = True, most: int | None = None
) -> Made:
    page = body(encoded.html_page(table.grid))
    data = encoded.encode(page, draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16-le"))))
    return "xls", data, table.data if exact else None, most or page.lower().count("<tr")


def wide_title(draw: st.DrawFn, table: Table) -> Made:
    """A title over more columns than there are."""
    span = draw(st.sampled_from(("16384", "999999999999", "-1", "0", "100%", " 7x", "٣", "")))
    return _page(
        draw, table, lambda p: p.replace("<tr>", f'<tr><td colspan="{span}" rowspan="1">Báo cáo</td></tr>\n<tr>', 1)
    )


def long_spans(draw: st.DrawFn, table: Table) -> Made:
    """A last cell in each row that claims the rows below it."""
    span = draw(st.sampled_from(("2", "65535", "999999999999", "0", "-3")))
    return _page(draw, table, lambda p: p.replace("</tr>", f'<td rowspan="{span}"></td></tr>'), exact=False)


def spans_everywhere(draw: st.DrawFn, table: Table) -> Made:
    wide, long = draw(st.integers(0, 20000)), draw(st.integers(0, 70000))
    return _page(draw, table, lambda p: p.replace("<td>", f"<td colspan={wide} rowspan={long}>"), exact=False)


def nested_tables(draw: st.DrawFn, table: Table) -> Made:
    depth = draw(st.sampled_from((1, 3, 40, 300, 3000)))
    inner = "<table><tr><td>" * depth + NUMBER + "</td></tr></table>" * draw(st.sampled_from((depth, depth // 2)))
    return _page(draw, table, lambda p: p.replace("<td>", f"<td>{inner}", 1), exact=False)


def deep_page(draw: st.DrawFn, table: Table) -> Made:
    tag = draw(st.sampled_from(("div", "b", "font", "x", "p")))
    depth = draw(st.sampled_from((100, 255, 256, 10_000)))
    return _page(draw, table, lambda p: p.replace("<table", f"<{tag}>" * depth + "<table", 1), exact=False)


def odd_page(draw: st.DrawFn, table: Table) -> Made:
    """Comments, scripts and broken markup that holds rows of its own."""
    junk = draw(st.sampled_from((
        "<!-- <tr><td>x</td></tr> -->", "<script>document.write('<tr><td>K9</td></tr>')</script>", "<style>tr{}</style>",
        "<col width=1><caption>Báo cáo</caption>", "<![CDATA[<tr>]]>", "<?xml version='1.0'?>", "<!DOCTYPE x [<!ENTITY a 'b'>]>",
    )))  # fmt: skip
    return _page(draw, table, lambda p: p.replace("<tr>", junk + "<tr>", 1), exact=False)


def broken_page(draw: st.DrawFn, table: Table) -> Made:
    junk = draw(
        st.sampled_from(
            (
                "</table>",
                "</tr></td>",
                "<table>",
                "<td",
                "&#0;&#x110000;&#xd800;",
                "<tr><tr>",
                "</html>",
                "\0",
                "<plaintext>",
                "<!--",
                "<script>",
            )
        )
    )
    at = draw(st.integers(0, 400))
    return _page(draw, table, lambda p: p[:at] + junk + p[at:], exact=False)


def _book(table: Table, xml: str, *, exact: bool, **parts: bytes) -> Made:
    named = {name.replace("__", "/").replace("_dot_", "."): part for name, part in parts.items()}
    data = encoded.zipped(encoded.package([xml]) | named)
    return "xlsx", data, table.data if exact else None, len(table.grid) + xml.count("<c ") + xml.count("<c>")


def lying_sheet(draw: st.DrawFn, table: Table) -> Made:
    """A sheet that claims another size than it has."""
    claim = draw(st.sampled_from(("A1:XFD1048576", "A1", "XFD1048576:A1", "Z9:A1", "", "A0:ZZZZ99999999", "1:1")))
    return _book(table, encoded.sheet_xml(table.grid, before=f'<dimension ref="{claim}"/>'), exact=True)


def far_cell(draw: st.DrawFn, table: Table) -> Made:
    """One cell in the last corner."""
    return _book(table, encoded.sheet_xml(table.grid, after=_FAR), exact=True)


def odd_places(draw: st.DrawFn, table: Table) -> Made:
    xml = encoded.sheet_xml(table.grid)
    old, new = draw(st.sampled_from((
        ('r="A', 'r="XFD'), ('r="A', 'r="a'), ('r="B', 'r="A'), ('r="1"', 'r="1048577"'), (' r="', ' R="'), ('r="', "r='"),
        ('<row r="', '<row r="-'), ('<c r="A1"', '<c r="AAAAAAAA1"'), ('<c r="B', '<c  r="B'), ('<row r="2"', '<row r="1"'), ('r="A2"', 'r="A0"'),
        ('r="A', 'r="A99999999999999999999'), ("<row ", '<row spans="1:16384" '),
    )))  # fmt: skip
    return _book(table, xml.replace(old, new), exact=False)


def odd_values(draw: st.DrawFn, table: Table) -> Made:
    """Cells whose kind and value do not go together."""
    cell = draw(st.sampled_from((
        '<c r="{}" t="s"><v>999999999</v></c>', '<c r="{}" t="s"><v>-1</v></c>', '<c r="{}"><v>1e999</v></c>', '<c r="{}" s="9999"><v>1</v></c>',
        '<c r="{}" t="b"><v>7</v></c>', '<c r="{}" t="d"><v>2023-07-21T08:30:00</v></c>', '<c r="{}" t="e"><v>#N/A</v></c>', '<c r="{}" s="1"><v>-99999999</v></c>',
        '<c r="{}" s="1"><v>1e15</v></c>', '<c r="{}" t="zz"><v>1</v></c>', '<c r="{}"><v>NaN</v></c>', '<c r="{}"><f>1/0</f></c>', '<c r="{}" t="str"/>',
        '<c r="{}" s="1"><v>60</v></c>', '<c r="{}" s="1"><v>2958466.5</v></c>', '<c r="{}"><v>0x1F</v></c>', '<c r="{}" s="1"><v>0.5</v></c>',
    )))  # fmt: skip
    column = draw(st.integers(0, len(table.fields)))
    xml = encoded.sheet_xml(table.grid)
    for row in range(1, len(table.grid) + 1):
        place = f"{encoded.column_letters(column)}{row}"
        start = xml.find(f'<c r="{place}"')
        if start >= 0 and row > len(table.above) + 1:
            end = xml.index("</c>", start) + 4
            xml = xml[:start] + cell.format(place) + xml[end:]
    return _book(table, xml, exact=False)


def odd_xml(draw: st.DrawFn, table: Table) -> Made:
    xml = encoded.sheet_xml(table.grid)
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "x" * 10}">' for n in range(10))
    xml = draw(st.sampled_from((
        f"<!DOCTYPE x [{bomb}]>" + xml.replace("</t>", "&a9;</t>", 1), xml.replace("</sheetData>", ""), xml[: len(xml) // 2],
        xml.replace("<sheetData>", "<sheetData>" + "<a>" * 5_000), '<?xml version="1.0" encoding="utf-16"?>' + xml, "\ufeff" + xml,
        xml.replace("<c ", "<x:c ").replace("</c>", "</x:c>").replace("<worksheet", f'<worksheet xmlns:x="{encoded._MAIN}"'),
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + xml.replace("</t>", "&f;</t>"), xml.replace("<sheetData>", "<!--<sheetData>-->"),
        xml.replace("<is>", "<is><r><rPr/>").replace("</is>", "</r></is>"), xml.replace("<is>", "<is>" + "<r>" * 2_000), "", "<worksheet/>",
        xml + xml, xml.replace("<row", "<ROW"), xml.replace("</row>", "</row>\0"), xml.replace(">", ">\n" + " " * 200),
    )))  # fmt: skip
    return _book(table, xml, exact=False)


def odd_members(draw: st.DrawFn, table: Table) -> Made:
    """A package with parts that are missing, twice there, foreign or lie of their size."""
    parts = encoded.package([encoded.sheet_xml(table.grid)])
    how = draw(st.integers(0, 9))
    name = draw(st.sampled_from(sorted(parts)))
    exact = None
    if how == 0:
        del parts[name]
    elif how == 1:
        parts[name] = b""
    elif how == 2:
        parts = {
            **parts,
            "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0" * 99,
            "../../etc/x": b"x",
            "xl/media/a.png": bytes(300_000),
            "a\\b": b"",
            "dir/": b"",
        }
        exact = table.data
    elif how == 3:
        parts[name] = parts[name].replace(b"sheet1.xml", b"../../../sheet1.xml")
    elif how == 4:
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
            b"<sheet ", b'<sheet name="Sheet0" sheetId="7" r:id="rId1"/><sheet '
        )
        exact = table.data
    elif how == 5:
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b"rId1", b"rId9")
    elif how == 6:
        parts = {n.upper(): part for n, part in parts.items()}
    data = bytearray(
        encoded.zipped(parts, draw(st.sampled_from((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2))))
    )
    if how == 7:
        with zipfile.ZipFile(whole := io.BytesIO(bytes(data)), "a") as archive:
            archive.writestr(name, b"<x/>")
        data = bytearray(whole.getvalue())
    directory = data.rfind(b"PK\x01\x02") if how in (8, 9) else -1
    if directory >= 0:
        at = directory + draw(st.sampled_from((8, 10, 16, 20, 24, 28, 30, 32, 42)))
        data[at : at + 4] = draw(
            st.sampled_from((pack("<I", 0), pack("<I", 0xFFFFFFFF), pack("<I", 1), pack("<I", 1 << 31)))
        )
    return "xlsx", bytes(data), exact if exact is not None else None, len(table.grid)


def lying_biff(draw: st.DrawFn, table: Table) -> Made:
    """Records of the sheet that lie of rows, columns and lengths."""
    data = bytearray(encoded.xls(table.grid))
    kinds = {"dimensions": b"\x00\x02\x0e\x00", "row": b"\x08\x02\x10\x00", "label": b"\xfd\x00\x0a\x00", "number": b"\x03\x02\x0e\x00", "rk": b"\x7e\x02\x0a\x00",
             "bound": b"\x85\x00", "end": b"\x0a\x00\x00\x00", "strings": b"\xfc\x00", "format": b"\xe0\x00\x14\x00"}  # fmt: skip
    for _ in range(draw(st.integers(1, 3))):
        mark = kinds[draw(st.sampled_from(sorted(kinds)))]
        at = data.find(mark, draw(st.integers(512, max(512, len(data) - 1))))
        if at >= 0:
            at += draw(st.integers(2, 16))
            data[at : at + 2] = pack("<H", draw(st.sampled_from((0, 1, 255, 256, 0x7FFF, 0xFFFF, 0x2FFF))))[
                : max(len(data) - at, 0)
            ]
    return "xls", bytes(data), None, len(data)


def lying_compound(draw: st.DrawFn, table: Table) -> Made:
    """The header, directory and chains of the compound file."""
    data = bytearray(encoded.xls(table.grid))
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from(("header", "directory", "fat", "head of the stream")))
        start = {
            "header": 24,
            "directory": max(data.find("Root".encode("utf-16-le")), 0),
            "fat": len(data) - 512,
            "head of the stream": 512,
        }[where]
        at = min(start + 4 * draw(st.integers(0, 128)), len(data) - 4)
        data[at : at + 4] = pack("<I", draw(st.sampled_from((0, 1, 2, 5, 0xFFFFFFFE, 0xFFFFFFFF, 0x7FFFFFFF, 1000))))
    return "xls", bytes(data), None, len(data)


def _json(text: str | bytes, rows: int | None, most: int) -> Made:
    return "json", text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), rows, most


def deep_json(draw: st.DrawFn, table: Table) -> Made:
    depth = draw(st.sampled_from((5, 100, 1_000, 5_000, 100_000)))
    left, right = draw(st.sampled_from((("[", "]"), ('{"a":', "}"), ('[{"data":', "}]"))))
    deep = (
        left * depth
        + draw(st.sampled_from(("1", "{}", "[]")))
        + right * draw(st.sampled_from((depth, depth, depth - 1)))
    )
    rows = [json.loads(encoded.json_text(r)) for r in table.records]
    where = draw(st.integers(0, 3))
    if where == 0:
        return _json(deep, None, len(deep))
    if where == 1:
        return _json(f'{{"khác": {deep}, "data": {json.dumps(rows)}}}', None, len(rows))
    member = f'{{"Ghi chú": {deep}}}'
    if where == 2:
        return "jsonl", "\n".join([*map(json.dumps, rows), member]).encode(), None, len(rows) + 1
    return _json(f"[{', '.join([*map(json.dumps, rows), member])}]", None, len(rows) + 1)


_VALUES = (
    "1e400", "-1e400", "1" * 400, "-0", "NaN", "Infinity", "1e-400", "0.1e1", "123456789012345678901234567890", "18446744073709551616", "1.7976931348623157e308",
    '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"a\\u0000b"', '"\\ufeff"', '"' + "e" + "\\u0301" * 3000 + '"', '"\ud800"', "[]", "{}", "[[]]", "[null]",
    '[{"Gia": 1e400}]', '[{"Gia": "x"}, {"Gia": null}, 5]', '[{"NgayBoSung": "20230701"}, 5, null, []]', "true", "null", "01", "+1", "'x'", "\t1", '"\\x"', '"\n"', '"\\ud83d\\ude00"',
)  # fmt: skip


def odd_json_values(draw: st.DrawFn, table: Table) -> Made:
    """One key of each record bears what JSON, or only some parser of it, allows."""
    value = draw(st.sampled_from(_VALUES))
    key = draw(
        st.sampled_from((*table.header, "DanhSachLePhi", "DanhSachHoSoBoSung", "DanhSachGiayToKetQua", "NoiNopHoSo"))
    )
    records = [encoded.json_text({**r, key: "@here@"}).replace('"@here@"', value) for r in table.records]
    if draw(st.booleans()):
        return (
            "jsonl",
            "\n".join(records).encode("utf-8", "surrogatepass"),
            None,
            len(records) + value.count("\n") * len(records),
        )
    return _json(f"[{','.join(records)}]", None, len(records))


def odd_json_keys(draw: st.DrawFn, table: Table) -> Made:
    """Keys twice in one record, keys that fold alike, keys that a path would read."""
    key = draw(
        st.sampled_from(
            (
                *table.header,
                "data",
                "*",
                "$",
                "$.a",
                'a"b',
                "a'b",
                "a\\",
                "",
                "\u0301",
                "\0",
                "a" * 70_000,
                "[0]",
                "%s",
                "{}",
                "\ud800",
                "#",
            )
        )
    )
    keys = (
        [key, key.upper(), key]
        if draw(st.booleans())
        else [f"{key}{n}" for n in range(draw(st.sampled_from((1, 50, 2100 if len(key) < 100 else 200))))]
    )
    more = ", ".join(f"{json.dumps(k)}: {draw(st.sampled_from(('1', 'null', '[]')))}" for k in keys)
    bodies = [encoded.json_text(r)[1:-1] for r in table.records]
    records = [f"{{{body}{', ' if body else ''}{more}}}" for body in bodies]
    return _json(f"[{','.join(records)}]", None, len(records))


def odd_json(draw: st.DrawFn, table: Table) -> Made:
    """Arrays with members that are no records, wrappers with several arrays, what stands around them."""
    rows = [encoded.json_text(r) for r in table.records]
    strangers = draw(st.lists(st.sampled_from(("1", '"x"', "null", "[]", "[{}]", "true", "{}")), max_size=3))
    members, array = [*rows, *strangers], f"[{', '.join([*rows, *strangers])}]"
    forms: list[tuple[str, int | None]] = [
        (array, len(members)), ("\ufeff" + array, len(members)), (f'{{"data": {array}}}', len(members)),
        (f'{{"meta": {{"data": [1]}}, "data": {array}, "rest": [{{}}]}}', len(members)), (f'{{"data": {array}, "data": []}}', None),
        (f'{{"Data": {array}}}', None), (f'{{"d\\u0061ta": {array}}}', None), (f'{{"data": {{"data": {array}}}}}', None), (f"[{array}]", None),
        (array[:-1] + ",]", None), (array + array, None), (array + "x", None), (f"/*x*/{array}", None), (array.replace(",", ",,", 1), None),
        ("[" * 3 + array, None), (f'{{"data": {array}', None), (f'{{"data": null, "rows": {array}}}', None), ('{"data": []}', 0), ("[]", 0), ("[ ]", 0),
        (" \n\t" + array + "\n \n", len(members)), ("[,]", None), ("{}", None), ("null", None), ('"data"', None), (f'{{"data": "x", "a": "]}}", "data": {array}}}', None),
        ('{"x": "\\\\", "data": ' + array + "}", len(members)), ('{"x": "\\\\\\"[", "data": ' + array + ', "y": "]"}', len(members)),
    ]  # fmt: skip
    text, count = draw(st.sampled_from(forms))
    if count and not rows:
        count = None  # no record has a required key
    return _json(text, count, max(len(members), text.count(",") + 1))


def odd_lines(draw: st.DrawFn, table: Table) -> Made:
    """Lines of JSON among others that are none: each line that is not blank is a row."""
    rows = [encoded.json_text(r) for r in table.records]
    junk = (
        "abc",
        "{",
        "[]",
        "1",
        "null",
        '{"a":1}{"b":2}',
        "\x01",
        "{}",
        '{"a": "\u2028"}',
        "// x",
        '"x"',
        "\x1a",
        "{'a': 1}",
        "]",
        "\x0b",
    )
    lines = draw(
        st.permutations([*rows, *draw(st.lists(st.sampled_from(junk), max_size=4)), *[""] * draw(st.integers(0, 2))])
    )
    end = draw(st.sampled_from(("\n", "\r\n")))
    text = draw(st.sampled_from(("", "\ufeff"))) + end.join(lines) + draw(st.sampled_from(("", end)))
    filled = sum(bool(line.strip(" \t\r\n")) for line in lines)
    return "jsonl", text.encode(), filled if rows else None, filled


def _table_text(draw: st.DrawFn, table: Table) -> tuple[str, str]:
    separator = draw(st.sampled_from(encoded.SEPARATORS))
    return separator, encoded.csv_text(table.grid, separator, "\r\n")


def odd_text(draw: st.DrawFn, table: Table) -> Made:
    """A sign that means something to some reader, anywhere in a CSV."""
    separator, text = _table_text(draw, table)
    sign = draw(
        st.sampled_from(
            (
                '"',
                "\0",
                "\r",
                "\n",
                "\ufeff",
                "\x1a",
                separator,
                '"' * 3,
                "\u2028",
                "\x0c",
                "\x85",
                "\\",
                "e" + "\u0301" * 2000,
                "\x1f",
                separator * 2100,
                "9" * 5000,
                "\x1aend of file\x1a",
            )
        )
    )
    at = draw(st.integers(0, len(text)))
    times = draw(st.sampled_from((1, 1, 3)))
    text = text[:at] + sign * times + text[at:]
    return (
        "csv",
        encoded.encode(text, draw(st.sampled_from(encoded.ENCODINGS))),
        None,
        text.count("\n") + text.count("\r") + 1,
    )


def odd_rows(draw: st.DrawFn, table: Table) -> Made:
    """Rows cut short or with cells beyond the header; bare returns for line ends."""
    more = draw(st.integers(-3, 3))
    head = len(table.above) + 1
    grid = [row if n < head else row[: max(len(row) + more, 1)] + ["x"] * more for n, row in enumerate(table.grid)]
    text = encoded.csv_text(
        grid,
        draw(st.sampled_from(encoded.SEPARATORS)),
        draw(st.sampled_from(("\r", "\n", "\r\n", "\n\r"))),
        quote_all=draw(st.booleans()),
    )
    return "csv", text.encode(), None, text.count("\n") + text.count("\r") + 1


def odd_header(draw: st.DrawFn, table: Table) -> Made:
    """A header twice, in two rows, with names twice, or as wide as no table is."""
    header = list(table.header)
    at = draw(st.integers(0, len(header) - 1))
    how = draw(st.integers(0, 6))
    grid = table.grid
    row = len(table.above)
    if how == 0:
        grid[row] = [*header, header[at]]
    elif how == 1:
        grid[row] = header[:at] + header[at + 1 :]
    elif how == 2:
        grid.insert(row + 1, header)
    elif how == 3:
        grid[row] = [f"{h}\u0301" for h in header]
    elif how == 4:
        grid[row] = [*header, *[f"cột {n}" for n in range(draw(st.sampled_from((10, 1990, 2100))))]]
    elif how == 5:
        grid[row] = [h + draw(st.sampled_from((":", "*", " (1)", "\u200b", "…"))) for h in header]
    else:
        grid[row] = [*header[:at], "x" * 5000, *header[at:]]
    kind = draw(st.sampled_from(("csv", "xlsx")))
    data = encoded.csv_text(grid, ";", "\n").encode() if kind == "csv" else encoded.xlsx(grid)
    return kind, data, None, len(grid) + sum(str(c).count("\n") + str(c).count("\r") for r in grid for c in r)


def odd_archive(draw: st.DrawFn, table: Table) -> Made:
    """Members one after another, junk behind them, sums that do not hold."""
    text = encoded.csv_text(table.grid, ";", "\n").encode()
    at = draw(st.integers(0, len(text)))
    whole, halves = gzip.compress(text, mtime=0), [gzip.compress(part, mtime=0) for part in (text[:at], text[at:])]
    forms: list[tuple[bytes, bool]] = [
        (b"".join(halves), True), (whole + bytes(600), True), (gzip.compress(b"") + whole, True), (whole + b"junk", False), (whole[:-4], False), (whole[:-8] + bytes(8), False),
        (whole + whole, False), (gzip.compress(whole, mtime=0), False), (text, False), (whole[:10], False), (gzip.compress(b""), False), (b"\x1f\x8b", False),
        (whole[:3] + b"\xff" + whole[4:], False), (whole[: len(whole) // 2], False),
    ]  # fmt: skip
    data, is_whole = draw(st.sampled_from(forms))
    return "csv.gz", data, table.data if is_whole else None, 2 * (text.count(b"\n") + text.count(b"\r") + 1)


def lone(draw: st.DrawFn, table: Table) -> Made:
    """Hardly a file."""
    data = draw(st.sampled_from((
        b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00", b"\x00", b"\n", b"\r", b'"', b"PK", b"PK\x05\x06" + bytes(18), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"[", b"{", b"<table>", b"<tr>", b"\x1f\x8b\x08", b"\xff\xfe" + "[]".encode("utf-16-le"), b"\xff\xfe\x00\xd8", b" ", b"\x1a", b"\xef\xbb\xbf\xef\xbb\xbf", b"sep=;\n", b",,,\n" * 3,
    )))  # fmt: skip
    return draw(st.sampled_from(("csv", "csv.gz", "xlsx", "xls", "json", "jsonl"))), data, None, len(data)


BUILDERS: dict[str, tuple[str, Builder]] = {
    b.__name__: (decoder, b)
    for decoder, builders in {
        "html": (wide_title, long_spans, spans_everywhere, nested_tables, deep_page, odd_page, broken_page),
        "xlsx": (lying_sheet, far_cell, odd_places, odd_values, odd_xml, odd_members),
        "biff": (lying_biff, lying_compound),
        "json": (deep_json, odd_json_values, odd_json_keys, odd_json),
        "jsonl": (odd_lines,),
        "csv": (odd_text, odd_rows, odd_header),
        "csv.gz": (odd_archive,),
        "lone bytes": (lone,),
    }.items()
    for b in builders
}
