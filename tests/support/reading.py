"""A landing folder read file by file and row by row (contract sections 1 and 2), slow and plain."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import lxml.html
import python_calamine
from python_calamine import CalamineWorkbook

from tests.support import cells
from tests.support.cells import Unreadable, clean, fold
from tests.support.declared import CODE_LISTS, REGISTRY, REGISTRY_FEEDS, SOURCES, Column

EXTENSIONS = (".csv.gz", ".csv", ".xlsx", ".xls", ".jsonl", ".json")
DATE = re.compile(r"(?<![0-9])(?:[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}_[0-9]{2}_[0-9]{2})")
CLOCK = re.compile(r"[T_\- ]?([0-9]{2})[_.:\-]?([0-9]{2})(?![0-9])")
CLOCK_SECONDS = re.compile(r"[T_\- ]?([0-9]{2})[_.:\-]?([0-9]{2})[_.:\-]?([0-9]{2})(?![0-9])")
NUMBERING = re.compile(r"\(?[0-9]+\)?(?: ?= ?\(?[0-9]+\)?(?: ?[+\-*/:] ?\(?[0-9]+\)?)*)?")
TOTALS = ("tổng số", "tổng cộng", "cộng")

Record = dict[str, object]  # folded header -> raw cell
Grid = list[tuple[int, list[object]]]  # (row number as a spreadsheet shows it, cells)


class RejectedRow(NamedTuple):
    source: str
    source_file: str
    row_number: int
    column: str
    reason: str


class RejectedFile(NamedTuple):
    source: str
    source_file: str
    reason: str


@dataclass(frozen=True)
class Observation:
    """One accepted row. Order is (stamp, file name bytes, row number, place in a nested list)."""

    source: str
    source_file: str
    stamp: dt.datetime
    row_number: int
    place: int
    values: dict[str, Any]

    @property
    def order(self) -> tuple[dt.datetime, bytes, int, int]:
        name = self.source_file[_source_length(self.source_file) :]
        return self.stamp, name.encode(), self.row_number, self.place


@dataclass(eq=False)
class Landing:
    """What a landing folder says. `stamps` holds every file's stamp, None where it has none."""

    observations: list[Observation] = field(default_factory=list)
    rejected_rows: list[RejectedRow] = field(default_factory=list)
    rejected_files: list[RejectedFile] = field(default_factory=list)
    stamps: dict[str, dt.datetime | None] = field(default_factory=dict)

    def of(self, source: str) -> list[Observation]:
        return self._by_source.get(source, [])

    @cached_property
    def _by_source(self) -> dict[str, list[Observation]]:
        """Asked for when all is read."""
        found: dict[str, list[Observation]] = {}
        for row in self.observations:
            found.setdefault(row.source, []).append(row)
        return found


class FileRejected(ValueError):
    """The whole file is rejected; the message is the reason code."""


class BadRow(ValueError):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column, self.reason = column, reason


# --- the folder


def source_of(path: str) -> str | None:
    """The source whose folder holds this path (POSIX, below the landing folder)."""
    parts = path.split("/")
    for depth in (2, 1):
        folder = "/".join(parts[:depth])
        if len(parts) > depth and folder in SOURCES:
            return folder
    return None


def _source_length(path: str) -> int:
    source = source_of(path)
    return len(source) + 1 if source else 0


def ignored(path: str) -> bool:
    base = path.rsplit("/", 1)[-1]
    return (
        base.startswith("~$")
        or any(part.startswith(".") for part in path.split("/"))
        or base.lower().endswith((".tmp", ".part"))
        or base == "Thumbs.db"
    )


def export_stamp(base: str) -> dt.datetime | None:
    """The last valid date in the base name and the time right after it (contract section 1)."""
    stamp = None
    for start in range(len(base)):
        found = DATE.match(base, start)
        if not found:
            continue
        digits = re.sub("[^0-9]", "", found[0])
        try:
            day = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        except ValueError:
            continue
        if 2000 <= day.year <= 2100:
            stamp = dt.datetime.combine(day, _clock(base[found.end() :]))
    return stamp


def _clock(rest: str) -> dt.time:
    for pattern in (CLOCK_SECONDS, CLOCK):
        if found := pattern.match(rest):
            try:
                return dt.time(*map(int, found.groups()))
            except ValueError:
                continue
    return dt.time(23, 59, 59)


def read_landing(root: Path) -> Landing:
    """Read all files below `root`, in the order of their names."""
    landing = Landing()
    seen: set[tuple[str, dt.datetime, str]] = set()
    paths = sorted((p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()), key=str.encode)
    for path in paths:
        if ignored(path):
            continue
        base = path.rsplit("/", 1)[-1]
        stamp = landing.stamps[path] = export_stamp(base)
        source = source_of(path)
        if source is None:
            landing.rejected_files.append(RejectedFile(_folder(path), path, "unknown_source"))
            continue
        data = (root / path).read_bytes()
        try:
            extension = _extension(base)
            if stamp is None:
                raise FileRejected("no_stamp")
            identity = (source, stamp, hashlib.sha256(data).hexdigest())
            if identity in seen:
                continue
            seen.add(identity)
            accepted, rejected = read_file(source, path, stamp, extension, data)
        except FileRejected as why:
            landing.rejected_files.append(RejectedFile(source, path, str(why)))
            continue
        landing.observations += accepted
        landing.rejected_rows += rejected
    return landing


def _folder(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[: 2 if parts[0] == "registers" and len(parts) > 2 else 1]) if len(parts) > 1 else ""


def _extension(base: str) -> str:
    for extension in EXTENSIONS:
        if base.lower().endswith(extension):
            return extension
    raise FileRejected("unsupported_extension")


# --- one file


def read_file(
    source: str, path: str, stamp: dt.datetime, extension: str, data: bytes
) -> tuple[list[Observation], list[RejectedRow]]:
    """Accepted and rejected rows of one file, nested supplements included; `FileRejected` otherwise."""
    if not data:
        raise FileRejected("empty_file")
    columns = SOURCES[source]
    try:
        rows = _rows(columns, extension, data)
    except FileRejected:
        if source != "civil_registrations":
            raise
        columns = REGISTRY
        rows = _rows(columns, extension, data)
    records = [record for _, record, _ in rows if record is not None]
    _check_shifted(columns, records)

    accepted: list[Observation] = []
    rejected: list[RejectedRow] = []

    def take(of: str, number: int, place: int, record: Record | None, broken: str | None) -> None:
        try:
            if broken or record is None:
                raise BadRow("", broken or "not_an_object")
            values = read_registry(record) if columns is REGISTRY else read_record(of, record)
        except BadRow as bad:
            rejected.append(RejectedRow(of, path, number, bad.column, bad.reason))
        else:
            accepted.append(Observation(of, path, stamp, number, place, values))

    for number, record, broken in rows:
        take(source, number, 0, record, broken)
        nested = (record or {}).get(fold("DanhSachHoSoBoSung"))
        if source == "dossiers" and isinstance(nested, list):
            dossier = _pick(SOURCES["dossiers"][0], record or {})[0]
            for place, item in enumerate(nested):
                child = {"dossier_code": dossier, **_folded(item)}
                take("supplements", number, place, child, None)
    return accepted, rejected


Row = tuple[int, Record | None, str | None]  # number, record, why it is broken as a whole


def _rows(columns: tuple[Column, ...], extension: str, data: bytes) -> list[Row]:
    if extension in (".json", ".jsonl"):
        return _json_rows(columns, extension, data)
    return _table_rows(columns, *_find_header(columns, _grids(extension, data)))


def _json_rows(columns: tuple[Column, ...], extension: str, data: bytes) -> list[Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRejected("unreadable") from None
    items: list[object] = []
    if extension == ".jsonl":
        for line in text.splitlines():
            if line.strip():
                try:
                    items.append(json.loads(line))
                except ValueError:
                    items.append(None)
    else:
        try:
            loaded = json.loads(text)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
            raise FileRejected("truncated" if cut else "unreadable") from None
        items = loaded.get("data") if isinstance(loaded, dict) else loaded  # type: ignore[assignment]
        if not isinstance(items, list):
            raise FileRejected("unreadable")
    rows: list[Row] = [
        (number, _folded(item) if isinstance(item, dict) else None, None) for number, item in enumerate(items, start=1)
    ]
    keys = {key for _, record, _ in rows if record is not None for key in record}
    if rows and not all(keys & set(c.folded) for c in columns if c.required):
        raise FileRejected("missing_column")
    return rows


def _folded(item: dict[str, object]) -> Record:
    return {fold(key): value for key, value in item.items()}


def _grids(extension: str, data: bytes) -> Iterator[Grid]:
    """The tables of a file in which a header may stand: sheets, HTML tables, a CSV by each separator."""
    if extension == ".csv.gz":
        try:
            data = gzip.decompress(data)
        except (EOFError, zlib.error):
            raise FileRejected("truncated") from None
        except gzip.BadGzipFile:
            raise FileRejected("unreadable") from None
    if extension.startswith(".csv"):
        yield from _csv_grids(_decode(data))
    elif extension == ".xls" and data[:2] != b"PK" and data[:4] != b"\xd0\xcf\x11\xe0":
        yield from _html_grids(_decode(data))
    else:
        yield from _sheets(data)


def _decode(data: bytes) -> str:
    try:
        if data.startswith(b"\xff\xfe") or data.startswith(b"\xfe\xff"):
            return data.decode("utf-16")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("cp1258")
    except UnicodeDecodeError:
        raise FileRejected("unreadable") from None


def _csv_grids(text: str) -> Iterator[Grid]:
    csv.field_size_limit(1 << 30)
    cut = False
    for separator in ",;\t|":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            yield [(number, list(row)) for number, row in enumerate(reader, start=1)]
        except csv.Error as error:
            cut = cut or "unexpected end" in str(error)
    if cut:
        raise FileRejected("truncated")


def _html_grids(text: str) -> Iterator[Grid]:
    try:
        tree = lxml.html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except (lxml.etree.ParserError, ValueError):
        raise FileRejected("unreadable") from None
    tables = tree.xpath("//table")
    if not tables:
        raise FileRejected("unreadable")
    for table in tables:
        grid: Grid = []
        for number, line in enumerate(table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr"), start=1):
            row: list[object] = []
            for cell in line.xpath("./td | ./th"):
                for br in cell.xpath(".//br"):
                    br.tail = "\n" + (br.tail or "")
                row += [cell.text_content()] + [None] * (int(cell.get("colspan", 1)) - 1)
            grid.append((number, row))
        yield grid


def _sheets(data: bytes) -> Iterator[Grid]:
    if data[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if any(entry.flag_bits & 1 for entry in archive.infolist()):
                    raise FileRejected("encrypted")
                if archive.testzip() is not None:
                    raise FileRejected("unreadable")
        except zipfile.BadZipFile:
            raise FileRejected("truncated") from None
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise FileRejected("encrypted")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = book.sheet_names
        grids = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names]
    except python_calamine.PasswordError:
        raise FileRejected("encrypted") from None
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise FileRejected("encrypted" if "password" in str(error).lower() else "unreadable") from None
    for grid in grids:
        yield [(number, list(row)) for number, row in enumerate(grid, start=1)]


def _header_key(cell: object) -> str:
    filled = clean(cell)
    return "" if filled is None else fold(cells.as_text(filled))


def _find_header(columns: tuple[Column, ...], grids: Iterator[Grid]) -> tuple[list[str], Grid]:
    """The first row in which every required column has an accepted name, and the rows below it."""
    for grid in grids:
        for at, (_, row) in enumerate(grid):
            header = [_header_key(cell) for cell in row]
            if all(set(header) & set(c.folded) for c in columns if c.required):
                known = [key for key in header if key in _known_names(columns)]
                if len(known) != len(set(known)):
                    raise FileRejected("duplicate_header")
                return header, grid[at + 1 :]
    raise FileRejected("missing_column")


def _known_names(columns: tuple[Column, ...]) -> set[str]:
    names = {name for column in columns for name in column.folded}
    return names | {fold(n) for n in _extra_names(columns)}


def _extra_names(columns: tuple[Column, ...]) -> tuple[str, ...]:
    return ("Phí", "Lệ phí") if columns is SOURCES["dossiers"] else ()


def _is_total(text: str) -> bool:
    """Begins with a word for a total, written with its own diacritics or with none."""
    lower = text.lower()
    return lower.startswith(TOTALS) or lower.startswith(tuple(map(fold, TOTALS)))


def _table_rows(columns: tuple[Column, ...], header: list[str], below: Grid) -> list[Row]:
    required = [c for c in columns if c.required and c.kind != "flag"]
    rows: list[tuple[int, Record, bool, bool]] = []
    last = -1
    for at, (number, row) in enumerate(below):
        record: Record = {}
        for key, cell in zip(header, row, strict=False):
            if key:
                record[key] = cell
        filled = [cell for cell in map(clean, row) if cell is not None]
        have = sum(_pick(column, record)[0] is not None for column in required)
        if have >= 2:
            last = at
        layout = (
            have == 0
            or (at == 0 and all(NUMBERING.fullmatch(cells.as_text(cell)) for cell in filled))
            or _is_total(cells.as_text(filled[0]))
        )
        beyond = any(clean(cell) is not None for cell in row[len(header) :])
        rows.append((number, record, layout, beyond))
    return [
        (number, record, "extra_cell" if beyond else None)
        for at, (number, record, layout, beyond) in enumerate(rows)
        if at <= last and not layout
    ]


def _check_shifted(columns: tuple[Column, ...], records: list[Record]) -> None:
    if len(records) < 5:
        return
    for column in columns:
        filled = [(cell, name) for cell, name in (_pick(column, r) for r in records) if cell is not None]
        if column.required and column.kind != "flag" and not filled:
            raise FileRejected("shifted")
        if column.kind in ("time", "partial_date") or column.kind.startswith("list:"):
            bad = 0
            for cell, name in filled:
                try:
                    read_cell(_kind(column, name), cell)
                except Unreadable:
                    bad += 1
            if bad * 2 > len(filled):
                raise FileRejected("shifted")


# --- one record


def _pick(column: Column, record: Record) -> tuple[object | None, str]:
    """The first filled cell among the accepted names in the order listed, and its folded name."""
    for name in column.folded:
        cell = clean(record.get(name))
        if cell is not None:
            return cell, name
    return None, ""


# Two names bring spellings of their own.
KIND_BY_NAME = {
    fold("DuocThanhToanTrucTuyen"): "portal_flag",
    fold("maKetQua"): "list:gateway_result",
}


def _kind(column: Column, name: str) -> str:
    return KIND_BY_NAME.get(name, column.kind)


def _lookup_result(kind: str, key: str) -> str | None:
    """A result of the insurance gateway: three digits, under maKetQua padded to three."""
    if kind == "list:gateway_result" and re.fullmatch("[0-9]{1,3}", key):
        key = key.zfill(3)
    if not re.fullmatch("[0-9]{3}", key):
        return None
    if "000" <= key <= "004":
        return "successful"
    return "technical_failure" if key in ("100", "101", "205", "401", "500") else "no_entitlement"


def read_cell(kind: str, cell: object) -> Any:
    """The value of one filled cell; `Unreadable` otherwise."""
    if isinstance(cell, dict | list):
        raise Unreadable
    if kind == "list:any_level":  # the contract lists no values of it: those of agencies mean something, others stay
        return CODE_LISTS["level"].get(cells.list_key(cell)) or cells.read_text(cell)
    if kind.startswith("list:"):
        values = CODE_LISTS[kind.removeprefix("list:")]
        key = cells.list_key(cell)
        if kind in ("list:lookup_result", "list:gateway_result") and (coded := _lookup_result(kind, key)):
            return coded
        if kind == "list:applicant_type":
            return values.get(key, "other")
        if key not in values:
            raise Unreadable("unknown_code")
        return values[key]
    if kind in ("flag", "portal_flag"):
        key = cells.list_key(cell)
        values = CODE_LISTS["portal_payment" if kind == "portal_flag" else "flag"]
        if key not in values:
            raise Unreadable
        return values[key] == "yes"
    readers = {
        "code": cells.as_text,
        "text": cells.read_text,
        "identity": cells.read_identity,
        "time": cells.read_time,
        "money": cells.read_money,
        "int": cells.read_integer,
        "decimal": cells.read_decimal,
        "partial_date": cells.read_partial_date,
    }
    return readers[kind](cell)


def read_record(source: str, record: Record) -> dict[str, Any]:
    """All kept columns of one row, typed; `BadRow` names the first bad column in declared order."""
    values: dict[str, Any] = {}
    for column in SOURCES[source]:
        if column.kind == "dropped":
            continue
        try:
            values[column.name] = _read_column(source, column, record)
        except Unreadable as why:
            raise BadRow(column.name, why.reason) from None
        if values[column.name] is None and _needed(source, column, record):
            raise BadRow(column.name, "missing")
    if source in ("dossiers", "portal_dossiers"):
        values["agency_code"] = values["agency_code"] or _before_dash(values["dossier_code"])
        values["service_level"] = values["service_level"] or "other"
        values["channel"] = values["channel"] or "direct"
        values["status"] = int(values["status"])
    return values


def read_registry(record: Record) -> dict[str, Any]:
    """A row of the registry's own layout as a row of civil_registrations.

    `event_date` is None where only a year or month is known; `registry_office` stands for the commune.
    """
    raw: dict[str, Any] = {}
    for column in REGISTRY:
        target = REGISTRY_FEEDS.get(column.name, column.name)
        cell, _ = _pick(column, record)
        try:
            raw[column.name] = None if cell is None else read_cell(column.kind, cell)
        except Unreadable as why:
            raise BadRow(target, why.reason) from None
        if cell is None and column.required:
            raise BadRow(target, "missing")
        if column.name == "nktNgayChet" and raw["nksNgaySinh"] is None and cell is None:
            raise BadRow("event_date", "missing")
    birth = raw["nksNgaySinh"] is not None
    event = raw["nksNgaySinh"] if birth else raw["nktNgayChet"]
    kind = raw["loaiDangKy"]
    return {
        "registration_code": "|".join(raw[name] for name in ("noiDangKy", "quyenSo", "so")),
        "event_type": "birth" if birth else "death",
        "event_date": event if isinstance(event, dt.datetime) else None,
        "registered_at": raw["ngayDangKy"],
        "commune_code": None,
        "channel": raw["channel"],
        "is_interlinked": bool(raw["is_interlinked"]),
        "group_dossier_code": raw["group_dossier_code"],
        "person_id": raw["soDinhDanh"],
        "registration_kind": None if kind == "missing" else kind,
        "registry_office": cells.read_text(raw["noiDangKy"]),
    }


def _read_column(source: str, column: Column, record: Record) -> Any:
    cell, name = _pick(column, record)
    kind = _kind(column, name)
    if source in ("dossiers", "portal_dossiers"):
        if column.name == "fee_amount" and cell is None:
            return _fee(record)
        if column.name == "has_electronic_result" and cell is None:
            results = record.get(fold("DanhSachGiayToKetQua"))
            return bool(results) if isinstance(results, list) else False
        if column.name == "from_national_portal" and cell is None:
            place = clean(record.get(fold("NoiNopHoSo")))
            if isinstance(place, dict | list):
                raise Unreadable
            return place is not None and cells.list_key(place) == "1"
    if cell is None:
        return False if kind == "flag" else None
    return read_cell(kind, cell)


def _needed(source: str, column: Column, record: Record) -> bool:
    if source in ("dossiers", "portal_dossiers") and column.name == "received_at":
        status, _ = _pick(next(c for c in SOURCES["dossiers"] if c.name == "status"), record)
        try:
            return status is None or read_cell("list:status", status) not in ("1", "3")
        except Unreadable:
            return True
    if source == "payments" and column.name == "paid_at":
        status, _ = _pick(next(c for c in SOURCES["payments"] if c.name == "status"), record)
        try:
            return status is not None and read_cell("list:payment_status", status) in ("paid", "refunded")
        except Unreadable:
            return False
    return column.required


def _fee(record: Record) -> int | None:
    parts = [clean(record.get(fold(name))) for name in ("Phí", "Lệ phí")]
    amounts = [read_cell("money", part) for part in parts if part is not None]
    if amounts:
        return cells.money_sum(amounts)
    fees = record.get(fold("DanhSachLePhi"))
    if isinstance(fees, list) and fees:
        prices = [clean(fee.get("Gia")) for fee in fees]
        return cells.money_sum([0 if price is None else read_cell("money", price) for price in prices])
    return None


def _before_dash(code: str) -> str | None:
    before, dash, _ = code.partition("-")
    return before if dash else None
