"""What other systems log about the same dossiers: progress, requests for supplement, online payments.

All of it follows the table `dossiers` (see `dossier_exports`): a step is logged at the moment since when the
dossier system shows it, so a completion that was entered later under an earlier day stands in the log on the
day of entry. Progress is that of dossiers from the National Public Service Portal, which asks for it; the
supplements are those that the portal's payload nests, for all channels; a fee paid online has its transaction
here, and transactions that came to nothing stand beside it.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from sample_province.exports import CsvStyle
from sample_province.extracts import Extract, at, spans
from sample_province.people import people_table

_LAST = at(11, 16, 21, 0)
_FOREVER = "timestamp '9999-12-31'"
_STATUSES = {
    "paid": "Đã thanh toán", "pending": "Chờ thanh toán", "unpaid": "Chưa thanh toán",
    "cancelled": "Hủy thanh toán", "refunded": "Đã hoàn phí",
}  # fmt: skip
# Providers by their share of transactions; VPBANK joined in May.
_PROVIDERS = {
    "VIETINBANK": 0.17, "AGRIBANK": 0.21, "SHB": 0.03, "BIDV": 0.12, "VIETCOMBANK": 0.16, "VPBANK": 0.02,
    "VNPTPAY": 0.15, "MOMO": 0.08, "VIETTELPAY": 0.06,
}  # fmt: skip


def event_extracts(con: duckdb.DuckDBPyConnection, scale: float, rng: np.random.Generator) -> list[Extract]:
    """`dossier_events`: monthly lists that overlap by a day, nightly messages in November."""
    con.register("officers", people_table(60, rng).select(["person", "applicant_name"]))
    strangers = max(1, round(12 * scale))
    step = "select dossier_code, {} as occurred_at, {} as status, '{}' as step_name, '{}' as unit_name from portal"
    desk, office, head = "Bộ phận Tiếp nhận và Trả kết quả", "Phòng chuyên môn", "Lãnh đạo đơn vị"
    steps = " union all ".join(
        f"({step.format(moment, status, name, unit)} where {moment} is not null and {condition})"
        for moment, status, name, unit, condition in (
            ("created_at", "'1'", "Nộp hồ sơ trực tuyến", desk, "true"),
            ("accepted_since", "'2'", "Tiếp nhận hồ sơ và hẹn trả kết quả", desk, "true"),
            ("refused_since", "'3'", "Từ chối tiếp nhận hồ sơ", desk, "true"),
            ("handled_since", "'4'", "Chuyển bộ phận chuyên môn xử lý", office,
             f"handled_since < coalesce(least(closed_since, paused_from, closed_once_at), {_FOREVER})"),
            ("paused_from", "paused_status", "Yêu cầu công dân bổ sung", office, "true"),
            ("paused_to", "'4'", "Tiếp tục xử lý sau bổ sung", office, "true"),
            ("closed_once_at", "'9'", "Kết thúc xử lý", head, "true"),
            ("reopened_since", "'4'", "Mở lại hồ sơ kết thúc nhầm", head, "true"),
            ("closed_since", "end_status", "Kết thúc xử lý", head, "true"),
            ("returned_since", "'10'", "Trả kết quả cho công dân", desk, "true"),
        )
    )  # fmt: skip
    con.execute(f"""
        create table events as
        with portal as (from dossiers where from_national_portal), steps as ({steps}),
        complete as (
            select steps.*, dossier_no, case when occurred_at < coalesce(accepted_since, {_FOREVER}) then null
                when occurred_at < due_moved_since then due_first else due_at end as due_at
            from steps join portal using (dossier_code)
            union all
            select 'H33.23' || strftime(created_at, '-%y%m%d-9') || format('{{:03d}}', dossier_no % 1000),
                created_at, '1', 'Nộp hồ sơ trực tuyến', '{desk}', dossier_no, null
            from (from portal order by dossier_no limit {strangers})
        )
        select complete.* exclude (dossier_no), applicant_name as officer_name
        from complete join officers on person = dossier_no % 60
        order by occurred_at, dossier_code, status
    """)
    listed = """
        select dossier_code as "Mã hồ sơ", strftime(occurred_at, '%d/%m/%Y %H:%M:%S') as "Thời điểm xử lý",
            status as "Trạng thái", step_name as "Nội dung xử lý", unit_name as "Phòng ban xử lý",
            officer_name as "Người xử lý", strftime(due_at, '%d/%m/%Y %H:%M:%S') as "NgayKetThucTheoQuyDinh"
        from events where occurred_at > timestamp '{}' - interval 1 day and occurred_at <= timestamp '{}'
        order by occurred_at, dossier_code, status
    """
    sent = """
        select dossier_code as "MaHoSo", officer_name as "NguoiXuLy", 'Chuyên viên' as "ChucDanh",
            strftime(occurred_at, '%Y%m%d%H%M%S') as "ThoiDiemXuLy", unit_name as "PhongBanXuLy",
            step_name as "NoiDungXuLy", status as "TrangThai",
            strftime(due_at, '%Y%m%d%H%M%S') as "NgayKetThucTheoQuyDinh"
        from events where occurred_at > timestamp '{}' and occurred_at <= timestamp '{}'
        order by occurred_at, dossier_code, status
    """
    monthly = [at(month, 1, 2, 15) for month in range(2, 12)]
    nightly = [at(11, day, 21, 10) for day in (6, 9, 13)]
    extracts = []
    for since, stamp in spans(*monthly, *nightly, _LAST):
        if stamp in nightly:
            extracts.append(Extract("dossier_events/CapNhatTienDoHoSoMC_{:%Y%m%d%H%M%S}.jsonl", stamp,
                                    sent.format(since, stamp)))  # fmt: skip
        else:
            spoiled = {"Thời điểm xử lý": "31/02/2023 08:00:00", "Trạng thái": "Chờ liên thông thuế"}
            extracts.append(Extract("dossier_events/tien-do_{:%Y%m%d_%H%M%S}.csv.gz", stamp,
                                    listed.format(since, stamp), CsvStyle(";"), spoiled=spoiled,
                                    copies=stamp.month % 3))  # fmt: skip
    return extracts


def supplement_extracts(con: duckdb.DuckDBPyConnection) -> list[Extract]:
    """`supplements`: quarterly lists; a request shows again once it is answered."""
    stamps = [at(4, 3, 6, 0), at(7, 3, 6, 0), at(10, 2, 6, 0), at(11, 1, 6, 0), _LAST]
    wordings = (
        ("csv", CsvStyle(";", "utf-8-sig"), "%d/%m/%Y %H:%M:%S"),
        ("csv.gz", CsvStyle(), "%Y-%m-%d %H:%M:%S"),
        ("csv", CsvStyle("\t", "utf-16"), "%d-%m-%Y %H:%M:%S"),
        ("jsonl", CsvStyle(), "%Y%m%d%H%M%S"),
        ("csv", CsvStyle("|"), "%d.%m.%Y %H:%M:%S"),
    )
    extracts = []
    for (since, stamp), (ending, style, times) in zip(spans(*stamps), wordings, strict=True):
        names = (
            ("MaHoSo", "NgayBoSung", "NgayTiepNhanBoSung", "NgayHenTraTruoc", "NgayHenTraMoi",
             "TrangThaiBoSung")
            if ending == "jsonl"
            else ("Mã hồ sơ", "Ngày bổ sung", "Ngày tiếp nhận bổ sung", "Ngày hẹn trả trước",
                  "Ngày hẹn trả mới", "Trạng thái bổ sung")
        )  # fmt: skip
        code, asked, resumed, before, after, reason = names
        query = f"""
            select dossier_code as "{code}", strftime(paused_from, '{times}') as "{asked}",
                case when paused_to <= timestamp '{stamp}' then strftime(paused_to, '{times}') end
                    as "{resumed}",
                strftime(coalesce(due_first, due_at), '{times}') as "{before}",
                case when paused_to <= timestamp '{stamp}' then strftime(due_at, '{times}') end as "{after}",
                'Bổ sung thành phần hồ sơ' as "{reason}"
            from dossiers
            where paused_status = '5' and paused_from <= timestamp '{stamp}'
                and (paused_from > timestamp '{since}'
                    or (paused_to > timestamp '{since}' and paused_to <= timestamp '{stamp}'))
            order by paused_from, dossier_code
        """
        spoiled = {} if ending == "jsonl" else {asked: "30/02/2023", resumed: "chưa có"}
        extracts.append(Extract(f"supplements/bo-sung_{{:%Y-%m-%d_%H%M}}.{ending}", stamp, query, style,
                                spoiled=spoiled))  # fmt: skip
    return extracts


def payment_extracts(con: duckdb.DuckDBPyConnection, scale: float, rng: np.random.Generator) -> list[Extract]:
    """`payments`: what the payment platform did, month by month; a pending one shows again when settled."""
    ((size,),) = con.execute("select count(*) from dossiers").fetchall()
    draws = pa.table({
        "dossier_no": pa.array(np.arange(1, size + 1)),
        "provider": pa.array(list(_PROVIDERS)).take(
            pa.array(rng.choice(len(_PROVIDERS), size, p=list(_PROVIDERS.values())))),
        "chance": rng.random(size),
        "wait": rng.integers(60, 2400, size),
        "slow": np.where(rng.random(size) < 0.03, rng.integers(3600, 200_000, size),
                         rng.integers(20, 400, size)),
    })  # fmt: skip
    con.register("draws", draws)
    strangers = max(1, round(8 * scale))
    con.execute(f"""
        create table payments as
        with fees as (
            select dossier_no, dossier_code, fee_amount, channel, paid_online, chance, wait, slow, provider,
                case when paused_status = '6' and paused_to is not null then paused_to
                    when channel = 'online' then created_at else accepted_since end
                    + to_seconds(wait) as begun_at,
                coalesce(refused_since, case when result_kind = 'Trả lại/Xin rút' or end_status in ('7', '8')
                    then closed_since end) as void_since,
                paused_status = '6' and paused_from is not null and paused_to is null as awaits
            from dossiers join draws using (dossier_no)
            where fee_amount > 0
        ), attempts as (
            select *, 'settled' as kind, 1 as number from fees where paid_online
            union all
            select * replace (begun_at - interval 40 second as begun_at), 'cancelled', 0 from fees
            where paid_online and chance < 0.035
            union all
            select *, case when awaits or chance < 0.02 then 'pending' when chance < 0.06 then 'cancelled'
                else 'unpaid' end, 1
            from fees where channel = 'online' and not paid_online and (awaits or chance < 0.11)
        ), timed as (
            select *, case when kind = 'settled'
                    then least(begun_at + to_seconds(slow), timestamp '{_LAST}') end as paid_at,
                case when kind = 'settled' and void_since is not null and chance < 0.6
                    then greatest(void_since, begun_at + to_seconds(slow)) + interval 27 hour end
                    as refunded_at
            from attempts where begun_at <= timestamp '{_LAST}'
            union all
            select * replace ('H33.99' || strftime(begun_at, '-%y%m%d-')
                    || format('{{:04d}}', dossier_no % 10000) as dossier_code, 2 as number),
                begun_at + interval 5 minute, null
            from (from attempts where kind = 'settled' and begun_at <= timestamp '2023-11-01'
                order by dossier_no limit {strangers})
        )
        select 'KG' || strftime(begun_at, '%y%m%d') || lpad((row_number() over (
                order by begun_at, dossier_no, number))::varchar, 7, '0') as transaction_code,
            dossier_code, case when provider = 'VPBANK' and begun_at < timestamp '2023-05-15' then 'AGRIBANK'
                else provider end as provider_code,
            fee_amount as amount, kind, begun_at, paid_at, refunded_at,
            case when channel = 'online' and chance < 0.94 then 'truc-tuyen' else 'chuyen-khoan' end as method
        from timed order by transaction_code
    """)
    stamps = [at(month, 2, 4, 0) for month in range(2, 12)] + [_LAST]
    amounts = (
        "amount::varchar", "replace(format('{:,}', amount), ',', '.')",
        "replace(format('{:,}', amount), ',', '.') || ' đ'", "amount::varchar || ' VNĐ'",
    )  # fmt: skip
    styles = (
        CsvStyle(),
        CsvStyle(";", "utf-8-sig"),
        CsvStyle("|"),
        CsvStyle("\t", "utf-16"),
        CsvStyle(";", "cp1258"),
    )
    providers = ("Ngân hàng", "Đơn vị thanh toán", "Kênh thanh toán")
    extracts = []
    for number, (since, stamp) in enumerate(spans(*stamps)):
        states = " ".join(f"when '{code}' then '{name}'" for code, name in _STATUSES.items())
        query = f"""
            select transaction_code as "Mã giao dịch", dossier_code as "Mã hồ sơ",
                provider_code as "{providers[number % 3]}", {amounts[number % 4]} as "Số tiền",
                case case when refunded_at <= timestamp '{stamp}' then 'refunded'
                    when paid_at <= timestamp '{stamp}' then 'paid'
                    when kind = 'settled' then 'pending' else kind end {states} end as "Trạng thái",
                case when paid_at <= timestamp '{stamp}' then strftime(paid_at, '%d/%m/%Y %H:%M:%S')
                    end as "Ngày thanh toán", method
            from payments
            where begun_at <= timestamp '{stamp}' and (begun_at > timestamp '{since}'
                or (paid_at > timestamp '{since}' and paid_at <= timestamp '{stamp}')
                or (refunded_at > timestamp '{since}' and refunded_at <= timestamp '{stamp}'))
            order by transaction_code
        """
        ending = "csv.gz" if number % 2 == 0 else "csv"
        style = CsvStyle() if ending == "csv.gz" else styles[number // 2]
        spoiled = {"Số tiền": "28,5 nghìn", "Trạng thái": "Đang đối soát", "Ngày thanh toán": "16/11/23"}
        extracts.append(Extract(f"payments/giao-dich_{{:%Y%m%d_%H%M}}.{ending}", stamp, query, style,
                                spoiled=spoiled))  # fmt: skip
    return extracts
