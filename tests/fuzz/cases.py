"""One generated file: its name, its bytes, and what is known of its rows."""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from orchestration.ingestion.decode import EXTENSIONS
from orchestration.sources import all_sources
from tests.fuzz import encoded, hostile
from tests.fuzz.tables import Table, tables
from tests.support import declared
from tests.support.cells import fold

STAMP = "20230722_0800"


@dataclass(frozen=True)
class Case:
    """`rows` is how many data rows there are, where that is known for certain; there are never more than `most`.

    `judged` are an extension and bytes of the same table that the independent reading can read. `is_sound`: written
    as the contract says, so that nothing but its cells can be rejected.
    """

    source: str
    decoder: str
    name: str
    data: bytes
    rows: int | None
    most: int
    is_sound: bool = False
    judged: tuple[str, bytes] | None = None
    how: str = "plain"

    @property
    def source_file(self) -> str:
        return f"{self.source}/{self.name}"


def _plain(table: Table, decoder: str, extension: str, data: bytes, judged: tuple[str, bytes] | None = None) -> Case:
    rows, judged = table.data, judged or (f".{extension.lower()}", data)
    if not judged[1]:  # no records, no lines: a file of no bytes
        return Case(table.source, decoder, f"a_{STAMP}.{extension}", data, None, 0)
    return Case(
        table.source, decoder, f"a_{STAMP}.{extension}", data, rows, rows, True, judged if _is_known(table) else None
    )


def _is_known(table: Table) -> bool:
    """Whether the independent reading knows every header: the registers have Vietnamese names of the project besides."""
    columns = declared.SOURCES.get(table.source, ())
    names = {name for column in columns for name in column.folded}
    return all(f.column is None or fold(f.header) in names for f in table.fields)


@st.composite
def plain(draw: st.DrawFn) -> Case:
    """A table as the contract wants it, in any format."""
    table = draw(tables())
    decoder = draw(
        st.sampled_from(("csv", "csv", "csv.gz", "xlsx", "xlsx", "biff", "html", "json", "wrapped json", "jsonl"))
    )
    if decoder in ("csv", "csv.gz"):
        text = encoded.csv_text(
            table.grid, separator := draw(st.sampled_from(encoded.SEPARATORS)), draw(st.sampled_from(("\r\n", "\n"))), quote_all=draw(st.booleans())
        )  # fmt: skip
        encoding = draw(st.sampled_from(encoded.ENCODINGS))
        data = encoded.encode(text, encoding)
        if decoder == "csv":
            name = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[separator]
            return _plain(table, f"csv {name} {encoding}", "csv", data)
        return _plain(table, decoder, "csv.gz", gzip.compress(data, 1, mtime=0))
    if decoder == "xlsx":
        data = encoded.xlsx(
            table.grid, is_shared=draw(st.booleans()), place=draw(st.integers(0, 4)) > 0, notes=draw(st.booleans())
        )
        return _plain(table, decoder, draw(st.sampled_from(("xlsx", "XLSX", "xls"))), data)
    if decoder == "biff":
        return _plain(table, decoder, "xls", encoded.xls(table.grid))
    if decoder == "html":
        charset = draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16-le", "windows-1258")))
        page = encoded.html_page(
            table.grid, tag=draw(st.sampled_from(("td", "th", "TD"))), close=draw(st.booleans()), charset=charset.removesuffix("-sig"),
            attributes=draw(st.sampled_from(("", ' style="x" nowrap', " class=a", ' colspan="1"'))), rows=draw(st.sampled_from(("tr", "TR"))),
        )  # fmt: skip
        data = encoded.encode(page, "cp1258" if charset == "windows-1258" else charset)
        cells: list[list[object]] = [[encoded.html_text(c) for c in row] for row in table.grid]
        known = encoded.csv_text(cells, ";", "\n")
        return _plain(
            table,
            decoder,
            "xls",
            data,
            (".csv", encoded.encode(known, "cp1258" if charset == "windows-1258" else "utf-8")),
        )
    records: list[object] = list(table.records)
    if draw(st.integers(0, 9)) == 0:
        records = [{k: v for k, v in r.items() if v is not None} for r in table.records]
    ascii_only = draw(st.booleans())
    marked = draw(st.sampled_from(("utf-8", "utf-8", "utf-8-sig", "utf-16-le")))
    if decoder == "jsonl":
        text = "\n".join(encoded.json_text(r, ascii_only=ascii_only) for r in records)
    else:
        whole: object = records if decoder == "json" else {"error_code": "00", "data": records, "khac": [{"a": 1}]}
        text = encoded.json_text(whole, ascii_only=ascii_only, indent=draw(st.sampled_from((None, 1))))
    data, extension = encoded.encode(text, marked), "jsonl" if decoder == "jsonl" else "json"
    return _plain(table, decoder, extension, data, (f".{extension}", text.encode()))


_TOKENS = (
    b"", b"\0", b"\xff", b'"', b"\r", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1a", b",", b";", b"<", b"</table>", b"]", b"}", b"[", b"{", b"9" * 40, b"\\", b"\xed\xa0\x80",
    b"\xcc\x81" * 50, b"PK\x03\x04", b"\0\0\0\0", b"\xff\xff\xff\xff", b"&#0;", b"\xc3",
)  # fmt: skip


def _most_rows(data: bytes, most: int) -> int:
    """How many rows damage can at most have made of a file: every one needs a sign of its own."""
    return max(
        most,
        data.count(b"\n") + data.count(b"\r") + 1,
        data.count(b",") + 1,
        data.lower().count(b"<t"),
        data.count(b"<\0t") + data.count(b"<\0T"),
    )


@st.composite
def mutated(draw: st.DrawFn) -> Case:
    """A sound file with bytes cut, flipped, dropped, doubled or put in."""
    case = draw(plain())
    data = case.data
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        size = draw(st.sampled_from((1, 1, 2, 8, 100, 2000)))
        match draw(st.sampled_from(("cut", "flip", "drop", "double", "insert", "overwrite", "zero"))):
            case "cut":
                data = data[:at]
            case "flip":
                data = data[:at] + bytes(b ^ (1 << draw(st.integers(0, 7))) for b in data[at : at + 1]) + data[at + 1 :]
            case "drop":
                data = data[:at] + data[at + size :]
            case "double":
                data = data[: at + size] + data[at:]
            case "insert":
                data = data[:at] + draw(st.sampled_from(_TOKENS)) + data[at:]
            case "overwrite":
                token = draw(st.sampled_from(_TOKENS))
                data = data[:at] + token + data[at + len(token) :]
            case "zero":
                data = data[:at] + bytes(min(size, len(data) - at)) + data[at + size :]
    extension = case.name.split(".", 1)[1]
    if draw(st.integers(0, 9)) == 0:
        extension = draw(st.sampled_from(EXTENSIONS))
    plain_text = data
    if extension == "csv.gz" or data[:2] in (b"PK", b"\x1f\x8b", b"\xd0\xcf"):
        return replace(
            case,
            name=f"a_{STAMP}.{extension}",
            data=data,
            rows=None,
            most=max(10 * case.most, len(data)),
            is_sound=False,
            judged=None,
            how="mutated",
        )
    return replace(
        case,
        name=f"a_{STAMP}.{extension}",
        data=data,
        rows=None,
        most=_most_rows(plain_text, case.most),
        is_sound=False,
        judged=None,
        how="mutated",
    )


@st.composite
def spoiled(draw: st.DrawFn) -> Case:
    """A table spoiled in a way that has a name."""
    how = draw(st.sampled_from(sorted(hostile.BUILDERS)))
    decoder, build = hostile.BUILDERS[how]
    table = draw(tables())
    extension, data, rows, most = build(draw, table)
    return Case(table.source, decoder, f"a_{STAMP}.{extension}", data, rows, most, how=how)


_OPENINGS = (
    b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1f\x8b\x08\0\0\0\0\0\0\0", b"[", b'{"data": [', b"<html><table><tr><td>",
    "Mã hồ sơ;Mã TTHC;Trạng thái\n".encode(), b"[[[[", b'[{"MaHoSo":', b"\x09\x08\x10\x00\x00\x06",
)  # fmt: skip


@st.composite
def random_bytes(draw: st.DrawFn) -> Case:
    """Bytes behind the first ones of some format, under any extension, name and folder."""
    content = draw(st.binary(max_size=400) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
    data = draw(st.sampled_from(_OPENINGS)) + content
    if draw(st.integers(0, 9)) == 0:
        data = encoded.zipped({"xl/workbook.xml": data}, zipfile.ZIP_STORED)
    extension = draw(st.sampled_from((*EXTENSIONS, *EXTENSIONS, "pdf", "", "XLSX", "csv.zip")))
    stamp = draw(st.sampled_from((STAMP, STAMP, STAMP, "20230229", "")))
    source = draw(st.sampled_from((*all_sources(), *all_sources(), "unknown")))
    return Case(
        source,
        f"bytes as {extension.lower() or 'nothing'}",
        f"a_{stamp}.{extension}",
        data,
        None,
        max(len(data), 1),
        how="random bytes",
    )


def cases() -> st.SearchStrategy[Case]:
    """Half of the files are sound; the rest are damaged, spoiled or no files at all."""
    return st.one_of(plain(), plain(), plain(), mutated(), mutated(), spoiled(), spoiled(), random_bytes())
