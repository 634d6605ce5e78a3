"""Which dossiers each nightly export holds, in what state, and in whose dress.

A chain of province-wide exports (monthly, then nightly in November; or each night from a given one on) shows every
dossier that changed since the link before; a few offices send lists of their own in between. Every file shows what the
system knew at its stamp, so the last link, on the evening of 16/11/2023, completes the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from sample_province.article import LAST_DAY
from sample_province.dossiers import Plan
from sample_province.dresses import (
    ALL_TRUE_DATES,
    CODED,
    DASHED,
    DOTTED,
    NO_STATUS,
    OTHER,
    PLAIN,
    PORTAL,
    SERIALS,
    TRUE_DATES,
    Dress,
    query,
)
from sample_province.exports import (
    CsvStyle,
    Sheet,
    write_biff,
    write_csv,
    write_html,
    write_json,
    write_jsonl,
    write_xlsx,
)  # fmt: skip
from sample_province.people import people_table
from sample_province.province import Province

SHEET_ROWS = 600
_MOMENTS = (
    "created_at", "accepted_since", "refused_since", "handled_since", "paused_from", "paused_to",
    "closed_since",
    "returned_since", "deleted_since", "due_moved_since", "received_moved_since", "closed_once_at",
    "reopened_since",
)  # fmt: skip


@dataclass(frozen=True)
class Export:
    """One file: its name with `{stamp}` where the export stamp goes, what it holds and how it is dressed."""

    name: str
    stamp: datetime
    dress: Dress
    style: CsvStyle | None = None
    stamp_format: str = "%Y%m%d_%H%M%S"
    office: str = ""
    where: str = "true"
    days: int = 0
    spoiled: int = 0

    @property
    def path(self) -> str:
        return self.name.format(stamp=self.stamp.strftime(self.stamp_format))


def _at(month: int, day: int, hour: int = 1, minute: int = 30) -> datetime:
    return datetime(2023, month, day, hour, minute)


PROVINCE_WIDE = (
    Export("toan-tinh/ho-so_{stamp}.csv.gz", _at(2, 1), PLAIN, CsvStyle(), spoiled=14),
    Export("toan-tinh/ho-so_{stamp}.csv.gz", _at(3, 1), CODED, CsvStyle(";"), spoiled=9),
    Export("toan-tinh/ho-so_{stamp}.csv", _at(4, 1), OTHER, CsvStyle(";", "utf-8-sig"), spoiled=12),
    Export("toan-tinh/ho-so_{stamp}.csv.gz", _at(5, 1), DOTTED, CsvStyle("\t")),
    Export("toan-tinh/ho-so_{stamp}.csv", _at(6, 1), DASHED, CsvStyle("|"), spoiled=7),
    Export("toan-tinh/ho-so_{stamp}.csv.gz", _at(7, 1), PLAIN, CsvStyle(), "%Y-%m-%dT%H%M", spoiled=11),
    Export("toan-tinh/ho-so_{stamp}.csv", _at(8, 1), OTHER, CsvStyle("\t", "utf-16"), spoiled=5),
    Export("toan-tinh/ho-so_{stamp}.csv.gz", _at(9, 1), CODED, CsvStyle(), spoiled=15),
    Export("toan-tinh/ho-so_{stamp}.csv", _at(10, 1), PLAIN, CsvStyle(";", "cp1258"), spoiled=6),
    Export("toan-tinh/ho-so_{stamp}.csv.gz", _at(11, 1), DASHED, CsvStyle(), spoiled=10),
    Export("hang-dem/ho-so_{stamp}.csv", _at(11, 6, 21, 0), PLAIN, CsvStyle(decomposed=True)),
    Export("hang-dem/dong-bo-dvcqg_{stamp}.jsonl", _at(11, 7, 21, 0), PORTAL),
    Export("hang-dem/ho-so_{stamp}.csv", _at(11, 8, 21, 0), OTHER, CsvStyle(";"), "%Y_%m_%d-%H.%M"),
    Export("hang-dem/ho-so_{stamp}.csv", _at(11, 10, 21, 0), CODED, CsvStyle("|"), spoiled=4),
    Export("hang-dem/dong-bo-dvcqg_{stamp}.json", _at(11, 13, 21, 0), PORTAL, spoiled=3),
    Export("hang-dem/ho-so_{stamp}.csv", _at(11, 14, 21, 0), DOTTED, CsvStyle("\t", "utf-8-sig")),
    Export("hang-dem/ho-so_{stamp}.csv", _at(11, 15, 21, 0), PLAIN,
           CsvStyle(";", titles=("DANH SÁCH HỒ SƠ TIẾP NHẬN VÀ GIẢI QUYẾT;;", ""))),
    Export("hang-dem/ho-so_{stamp}.csv", _at(11, 16, 21, 0), PLAIN, CsvStyle(), "%Y%m%dT%H%M%S"),
)  # fmt: skip


def _unit(code: str) -> str:
    """The unit itself and those below it."""
    return f"(agency_code = '{code}' or starts_with(agency_code, '{code}.'))"


OFFICES = (
    Export("so-tu-phap/DS_ho_so_{stamp}.xlsx", _at(3, 17, 17, 45), TRUE_DATES, office="Sở Tư pháp",
           where=_unit("H33.03"), days=12, spoiled=3),
    Export("rach-gia/Danh sach ho so {stamp}.xlsx", _at(4, 21, 18, 5), PLAIN,
           office="UBND thành phố Rạch Giá",
           where=_unit("H33.23"), days=4, stamp_format="%Y-%m-%d %H%M", spoiled=3),
    Export("phu-quoc/hoso_{stamp}.xls", _at(5, 19, 18, 0), ALL_TRUE_DATES, office="UBND thành phố Phú Quốc",
           where=_unit("H33.34"), days=5, spoiled=2),
    Export("chau-thanh/XuatDanhSachHoSo_{stamp}.xls", _at(6, 16, 17, 30), DASHED,
           office="UBND huyện Châu Thành",
           where=_unit("H33.28"), days=5, spoiled=2),
    Export("dong-bo-dvcqg/{stamp}_truc-tuyen.json", _at(7, 12, 22, 15), PORTAL, where="channel = 'online'",
           days=1),
    Export("so-tnmt/ho so dat dai {stamp}.xlsx", _at(8, 18, 17, 40), SERIALS,
           office="Sở Tài nguyên và Môi trường",
           where="field_name = 'Đất đai'", days=5, stamp_format="%Y%m%d"),
    Export("so-xay-dung/ho-so_{stamp}.xlsx", _at(9, 15, 17, 50), NO_STATUS, office="Sở Xây dựng",
           where="field_code like 'G17%'", days=10),
    Export("giong-rieng/hoso_{stamp}.xls", _at(10, 13, 18, 10), PLAIN, office="UBND huyện Giồng Riềng",
           where=_unit("H33.29"), days=5),
    Export("hon-dat/hoso_{stamp}.xlsx", _at(11, 15, 17, 55), ALL_TRUE_DATES, office="UBND huyện Hòn Đất",
           where=_unit("H33.26"), days=3, spoiled=1),
)  # fmt: skip


def province_wide(first_night: date | None = None) -> tuple[Export, ...]:
    """The exports that together show every change, oldest first. From `first_night` to the last day there is one each
    evening, in the dresses and formats of `PROVINCE_WIDE` in turn, so that the last is dressed as its last."""
    if first_night is None:
        return PROVINCE_WIDE
    nights = (LAST_DAY - first_night).days + 1
    nightly = (
        replace(
            PROVINCE_WIDE[(night - nights) % len(PROVINCE_WIDE)],
            stamp=datetime.combine(first_night + timedelta(night), time(21)),
        )
        for night in range(nights)
    )
    return (*(export for export in PROVINCE_WIDE if export.stamp.date() < first_night), *nightly)


def stamps_of(chain: Sequence[Export]) -> np.ndarray:
    """The stamps of exports, datetime64[s]."""
    return np.array([export.stamp for export in chain], dtype="datetime64[s]")


def write_dossiers(
    con: duckdb.DuckDBPyConnection,
    chain: Sequence[Export],
    folder_of: Callable[[datetime], Path],
    rng: np.random.Generator,
    started: Callable[[str], None],
) -> None:
    """Writes the chain of province-wide exports, and those of offices, of the tables of `load_dossiers`, each below
    the landing folder that its stamp leads to; each is announced to `started`."""
    before = [datetime(2022, 1, 1), *(export.stamp for export in chain)]
    exports = [*zip(chain, before, strict=False)]
    exports += [(office, office.stamp - timedelta(days=office.days)) for office in OFFICES]
    for export, since in exports:
        started(f"dossiers/{export.path}")
        path = folder_of(export.stamp) / "dossiers" / export.path
        path.parent.mkdir(parents=True, exist_ok=True)
        _show(con, export, since, rng)
        _write(con, export, path)


def load_dossiers(con: duckdb.DuckDBPyConnection, plan: Plan, province: Province, rng: np.random.Generator) -> None:
    """The table `dossiers`: the plan with its codes and names, numbered in order of creation; and `changes`:
    every moment at which one of them shows anew."""
    columns = {name: pa.array(column, from_pandas=True) for name, column in plan.items()}
    con.register("plan", pa.table({"plan_no": pa.array(np.arange(len(plan["procedure"]))), **columns}))
    for name, table in (("agencies", province.agencies), ("procedures", province.procedures)):
        cells = {column: pa.array(values, from_pandas=True) for column, values in table.items()}
        con.register(name, pa.table({"row": pa.array(np.arange(len(table["level"]))), **cells}))
    con.register("people", people_table(int(plan["person"].max()) + 1, rng))
    latest = ", ".join(_MOMENTS)
    con.execute(f"""
        create table dossiers as
        select plan.* exclude (agency, procedure, address, person),
            row_number() over (order by created_at, plan_no) as dossier_no,
            code_base + row_number() over (
                partition by a.agency_code, code_day, code_base order by created_at, plan_no
            ) as number_of_day,
            a.agency_code || strftime(code_day, '-%y%m%d-') || format('{{:04d}}', number_of_day)
                as dossier_code,
            a.agency_code, a.agency_name, p.procedure_code, p.procedure_name, p.field_code, p.field_name,
            p.fee_amount::bigint as fee_amount, people.* exclude (person),
            'Số ' || (1 + plan_no % 480) || ', ' || home.place as applicant_address,
            channel = 'online' and plan_no % 20 < 11 as from_national_portal,
            greatest({latest}) as last_change
        from plan
            join agencies a on a.row = plan.agency
            join agencies home on home.row = plan.address
            join procedures p on p.row = plan.procedure
            join people using (person)
        order by dossier_no
    """)
    con.execute(f"""
        create table changes as
        select dossier_no, moment from (unpivot (select dossier_no, {latest} from dossiers) on {latest}
            into name kind value moment)
        order by moment
    """)


def _show(con: duckdb.DuckDBPyConnection, export: Export, since: datetime, rng: np.random.Generator) -> None:
    """The table `shown`: what the system shows at the export's stamp of dossiers changed after `since`."""
    now, then = (f"timestamp '{moment}'" for moment in (export.stamp, since))
    changed = f"select dossier_no from changes where moment > {then} and moment <= {now}"
    limit = "" if export.style or export.dress is PORTAL else f"limit {SHEET_ROWS}"
    con.execute(f"""
        create or replace temp table shown as
        with stated as (
            select * exclude (result_kind), accepted_since <= {now} as is_accepted,
                case when accepted_since is null or {now} < accepted_since
                        then case when refused_since <= {now} then '3' else '1' end
                    when closed_since <= {now}
                        then case when returned_since <= {now} then '10' else end_status end
                    when closed_once_at <= {now} and {now} < reopened_since then '9'
                    when paused_from <= {now} and {now} < coalesce(paused_to, timestamp '9999-12-31')
                        then paused_status
                    when handled_since <= {now} then '4' else '2' end as status,
                closed_since <= {now} as is_closed,
                case when closed_since <= {now} then result_kind end as result_kind
            from dossiers where dossier_no in ({changed}) and {export.where}
        )
        select * replace (
                case when is_accepted then case when {now} < received_moved_since then received_first
                    else received_at end end as received_at,
                case when is_accepted then case when {now} < due_moved_since then due_first
                    else due_at end end as due_at,
                case when is_closed then completed_at
                    when status = '9' then closed_once_at end as completed_at,
                case when status = '10' then returned_at end as returned_at),
            created_at as submitted_at,
            case when paused_from <= {now} and paused_status = '5' then paused_from end
                as supplement_requested_at,
            case when paused_from <= {now} and paused_to <= {now} then paused_to end as resumed_at,
            coalesce(is_closed and electronic_result and end_status = '9', false) as has_electronic_result,
            digitised as has_digitised_components,
            coalesce(deleted_since <= {now}, false) as is_deleted,
            case when fee_amount > 0 then fee_amount - 1000 else fee_amount end as fee,
            case when fee_amount > 0 then 1000 end as charge,
            row_number() over (order by dossier_no) as line,
            null::varchar as spoiled
        from stated order by dossier_no {limit}
    """)
    _spoil(con, export, rng)


def _spoil(con: duckdb.DuckDBPyConnection, export: Export, rng: np.random.Generator) -> None:
    """Marks a few rows that will be unreadable, of dossiers that a later export shows again."""
    fitting = con.execute(f"""
        select line from shown where is_accepted and due_at is not null and not is_irregular
            and last_change > timestamp '{export.stamp}' order by line
    """).fetchnumpy()["line"]
    ((rows,),) = con.execute("select count(*) from shown").fetchall()
    count = min(export.spoiled, len(fitting), rows // 25)
    kinds = np.resize(np.array(["due_at", "status", "received_at", "procedure_code", "two_digit_year"], object), count)
    marks = pa.table({"line": rng.choice(fitting, count, replace=False), "spoiled": pa.array(kinds, pa.string())})
    con.register("marks", marks)
    con.execute("update shown set spoiled = marks.spoiled from marks where shown.line = marks.line")
    con.unregister("marks")


def _write(con: duckdb.DuckDBPyConnection, export: Export, path: Path) -> None:
    if export.style:
        write_csv(con, query(export.dress), path, export.style)
    elif export.dress is PORTAL:
        records = con.sql(query(export.dress)).to_arrow_table().to_pylist()
        if path.suffix == ".jsonl":
            write_jsonl(path, records)
        else:
            envelope = {"session": f"KG{export.stamp:%Y%m%d}", "madonvi": "H33", "service": "DongBoHoSoMC",
                        "isUpdating": "True"}  # fmt: skip
            write_json(path, records, envelope)
    else:
        sheet = _sheet(con, export)
        if path.suffix == ".xlsx":
            write_xlsx(path, sheet, export.stamp)
        elif export.dress is DASHED:
            write_html(path, sheet)
        else:
            write_biff(path, sheet)


def _sheet(con: duckdb.DuckDBPyConnection, export: Export) -> Sheet:
    """The rows as a printed list: titles, numbering, total and signatures around them."""
    headers = ["STT", *export.dress.headers.values()]
    rows = [[number, *row] for number, row in enumerate(con.execute(query(export.dress)).fetchall(), 1)]
    since = export.stamp - timedelta(days=export.days)
    period = f"(Từ ngày {since:%d/%m/%Y} đến ngày {export.stamp:%d/%m/%Y})"
    titles = (export.office.upper(), "DANH SÁCH HỒ SƠ TIẾP NHẬN VÀ GIẢI QUYẾT", period)
    signatures: list[str | None] = [None] * len(headers)
    signatures[headers.index(export.dress.headers["applicant_name"])] = "Người lập biểu"
    signatures[-1] = "Thủ trưởng đơn vị"
    footer = ([f"Tổng số: {len(rows)} hồ sơ"], [None, None], signatures)
    return Sheet(headers, rows, titles, footer, numbered=True)
