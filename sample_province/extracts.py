"""One file of a source other than dossiers: what it holds, as SQL, and how it is written.

A source's module puts its tables into the sample's connection and lists its extracts; nothing is written
until `write_extract`. Rows of an extract are text cells under the headers of the query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from sample_province.exports import (
    CsvStyle,
    Sheet,
    write_biff,
    write_csv,
    write_html,
    write_json,
    write_jsonl,
    write_xlsx,
)


@dataclass(frozen=True)
class Extract:
    """One landed file.

    `name` is its path below the landing folder, with a format of `stamp` in it (`{:%Y%m%d}`); its ending says
    the format, `.xls` being an HTML table unless `biff`. `spoiled`: under each of these headers a few rows
    come twice, once as they are and once with this unreadable cell, `copies` times each.
    """

    name: str
    stamp: datetime
    query: str
    style: CsvStyle = field(default=CsvStyle())
    titles: tuple[str, ...] = ()
    spoiled: Mapping[str, str] = field(default_factory=dict)
    copies: int = 1
    biff: bool = False

    @property
    def path(self) -> str:
        return self.name.format(self.stamp)


def at(month: int, day: int, hour: int = 1, minute: int = 30, year: int = 2023) -> datetime:
    """A moment of the year under report."""
    return datetime(year, month, day, hour, minute)


def spans(*stamps: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Each stamp with the one before it: what an export that follows another has to show."""
    yield from zip((datetime(2022, 1, 1), *stamps), stamps, strict=False)


def write_extract(con: duckdb.DuckDBPyConnection, extract: Extract, landing: Path) -> None:
    """Writes the file, its folder made if need be."""
    path = landing / extract.path
    path.parent.mkdir(parents=True, exist_ok=True)
    query = _with_spoiled_rows(extract) if extract.spoiled else extract.query
    if ".csv" in path.suffixes:
        write_csv(con, query, path, extract.style)
        return
    if path.suffix.startswith(".json"):
        records = con.sql(query).to_arrow_table().to_pylist()
        if path.suffix == ".jsonl":
            write_jsonl(path, records)
        else:
            write_json(path, records, {"madonvi": "H33", "thoidiem": f"{extract.stamp:%Y%m%d%H%M%S}"})
        return
    cursor = con.execute(query)
    headers = ["STT", *(column[0] for column in cursor.description)]
    rows = [[number, *row] for number, row in enumerate(cursor.fetchall(), 1)]
    footer = ([f"Tổng số: {len(rows)}"], ["Người lập biểu", *[None] * len(headers[2:]), "Thủ trưởng đơn vị"])
    sheet = Sheet(headers, rows, extract.titles, footer if extract.titles else (), bool(extract.titles))
    if path.suffix == ".xlsx":
        write_xlsx(path, sheet, extract.stamp)
    elif extract.biff:
        write_biff(path, sheet)
    else:
        write_html(path, sheet)


def _with_spoiled_rows(extract: Extract) -> str:
    """The extract's query with the spoiled twins, evenly spread, at most one in 25 (one in a short list)."""
    most = len(extract.spoiled) * extract.copies
    twins = "".join(
        f""" union all select * replace ('{cell}' as "{header}"), {number} from numbered, spread
            where line % step = 0 and line // step <= few
                and line // step % {len(extract.spoiled)} = {number % len(extract.spoiled)}"""
        for number, (header, cell) in enumerate(extract.spoiled.items(), 1)
    )
    return f"""
        with numbered as materialized (select row_number() over () as line, * from ({extract.query})),
        spread as (
            select greatest(1, count(*) // {most + 1}) as step,
                case when count(*) >= 5 then least({most}, greatest(1, count(*) // 25)) else 0 end as few
            from numbered
        )
        select * exclude (line, step, few, twin)
        from (select *, 0 as twin from numbered, spread{twins}) order by line, twin
    """
