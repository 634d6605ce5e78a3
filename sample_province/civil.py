"""Births and deaths: the registry's own lists, two cities' plain lists, and the interlinked online service.

Registered online through the interlinked service (liên thông): 2.087 births and 209 deaths at scale 1.0, the
latter the seed article's figure, the former its "over 2.000". The article dates both to 16/10/2023, so the
service's last list is of that day. Registered directly: about ten times as many, in the 60- and 48-column
layouts of the registry for most districts, in plain columns for two cities. In the registry's layouts the
office stands by its name alone; three names belong to two communes each, which share a series of numbers
here so that no two entries have one key.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from sample_province.article import CARD_DAY, FIGURES, MORE_THAN
from sample_province.calendar import Calendar
from sample_province.exports import CsvStyle
from sample_province.extracts import Extract, at, spans
from sample_province.people import people_table
from sample_province.province import Province

BIRTHS_ONLINE, DEATHS_ONLINE = MORE_THAN["births_registered_online"] + 87, FIGURES["deaths_registered_online"]
BIRTHS_DIRECT, DEATHS_DIRECT = 23_400, 7_900
_ONLINE_UNTIL = CARD_DAY
_PLAIN_DISTRICTS = "('899', '911')"  # Rạch Giá, Phú Quốc
_LAST = at(11, 16, 20, 30)

_BOOK = ("so", "quyenSo", "trangSo", "ngayDangKy", "loaiDangKy", "noiDangKy", "nguoiKy", "chucVuNguoiKy",
         "nguoiThucHien", "ghiChu")  # fmt: skip
_DECLARED = ("", "NgayGhiChuTuyenBo", "CanCuTuyenBo", "NgayGhiChuHuyTuyenBo", "CanCuHuyTuyenBo")
_PARENT = ("HoTen", "NgaySinh", "DanToc", "QuocTich", "QuocTichKhac", "LoaiCuTru", "NoiCuTru",
           "LoaiGiayToTuyThan", "SoGiayToTuyThan")  # fmt: skip
_PAPER = ("LoaiGiayToTuyThan", "GiayToKhac", "SoGiayToTuyThan", "NgayCapGiayToTuyThan", "NoiCapGiayToTuyThan")
_REQUESTER = ("nycHoTen", "nycQuanHe", *(f"nyc{part}" for part in _PAPER))
_ABROAD = ("soDangKyNuocNgoai", "ngayDangKyNuocNgoai", "cqNuocNgoaiDaDangKy", "qgNuocNgoaiDaDangKy")
BIRTH_LAYOUT = (
    *_BOOK,
    *(f"nks{part}" for part in ("HoTen", "GioiTinh", "NgaySinh", "NgaySinhBangChu", "NoiSinh", "NoiSinhDVHC",
                                "QueQuan", "DanToc", "QuocTich", "QuocTichKhac", "LoaiKhaiSinh")),
    *(f"nksMatTich{part}" for part in _DECLARED), *(f"nksHanCheNangLucHanhVi{part}" for part in _DECLARED),
    *(f"me{part}" for part in _PARENT), *(f"cha{part}" for part in _PARENT), *_REQUESTER, *_ABROAD,
)  # fmt: skip
DEATH_LAYOUT = (
    *_BOOK,
    *(f"nkt{part}" for part in ("HoTen", "GioiTinh", "NgaySinh", "DanToc", "QuocTich", "QuocTichKhac",
                                "LoaiCuTru", "NoiCuTru", *_PAPER, "NgayChet", "NgayChetGhiBangChu",
                                "GioPhutChet", "NoiChet", "NguyenNhanChet")),
    *(f"nktTinhTrangTuyenBoViecChet{part}" for part in _DECLARED),
    *(f"gbt{part}" for part in ("Loai", "So", "Ngay", "CoQuanCap")), *_REQUESTER, *_ABROAD,
)  # fmt: skip

# What the registry's columns hold, by the columns of the table `registrations`; the others stay empty.
_DATE = "strftime({}, '%d.%m.%Y')"
_BOOK_CELLS = {
    "so": "number_in_book::varchar", "quyenSo": "book", "trangSo": "(1 + number_in_book // 2)::varchar",
    "ngayDangKy": _DATE.format("registered_at"), "noiDangKy": "agency_name", "nguoiKy": "signer",
    "loaiDangKy": "case kind when 'unknown' then '0' when 'new' then '1' when 'again' then '2'"
                  " when 'abroad' then '3' else '4' end",
    "chucVuNguoiKy": "'Phó Chủ tịch'",
}  # fmt: skip
_BIRTH_CELLS = _BOOK_CELLS | {
    "nksHoTen": "upper(person_name)", "nksGioiTinh": "sex", "nksNgaySinh": "event_text",
    "nksNoiSinhDVHC": "place", "nksDanToc": "'Kinh'", "nksQuocTich": "'Việt Nam'", "nksLoaiKhaiSinh": "'1'",
    "meHoTen": "upper(mother_name)", "meQuocTich": "'Việt Nam'", "meNoiCuTru": "place",
    "meLoaiGiayToTuyThan": "'4'", "meSoGiayToTuyThan": "mother_id",
    "nycHoTen": "upper(mother_name)", "nycQuanHe": "'Mẹ'",
}  # fmt: skip
_DEATH_CELLS = _BOOK_CELLS | {
    "nktHoTen": "upper(person_name)", "nktGioiTinh": "sex", "nktDanToc": "'Kinh'",
    "nktQuocTich": "'Việt Nam'", "nktNoiCuTru": "place",
    "nktLoaiGiayToTuyThan": "'4'", "nktSoGiayToTuyThan": "mother_id",
    "nktNgayChet": "event_text", "nktNoiChet": "'Tại nhà'", "nktNguyenNhanChet": "'Tuổi già'",
    "gbtLoai": "'7'", "nycHoTen": "upper(mother_name)", "nycQuanHe": "'Con'",
}  # fmt: skip


def registration_extracts(
    con: duckdb.DuckDBPyConnection,
    province: Province,
    calendar: Calendar,
    scale: float,
    rng: np.random.Generator,
) -> list[Extract]:
    """`civil_registrations`: the service's list, the registry's and two cities' quarters, two excerpts."""
    _plan(con, province, calendar, scale, rng)
    extracts = [_plain(
        "civil_registrations/lien-thong/khai-sinh-khai-tu_{:%Y%m%d_%H%M}.csv", at(10, 16, 21, 0), "is_online",
        CsvStyle(";", "utf-8-sig"), "%d/%m/%Y", ("Trực tuyến", "có", "không"),
    )]  # fmt: skip
    quarters = (at(4, 1, 6, 0), at(7, 1, 6, 0), at(10, 1, 6, 0), _LAST)
    for number, (since, stamp) in enumerate(spans(*quarters)):
        entered = f"registered_at > timestamp '{since}' and registered_at <= timestamp '{stamp}' and not is_online"
        for layout, cells, kind in ((BIRTH_LAYOUT, _BIRTH_CELLS, "KS"), (DEATH_LAYOUT, _DEATH_CELLS, "KT")):
            where = f"{entered} and event_type = '{kind}' and district_code not in {_PLAIN_DISTRICTS}"
            ending = "csv.gz" if number % 2 else "csv"
            bad = {"ngayDangKy": "31.02.2023", "nksNgaySinh" if kind == "KS" else "nktNgayChet": "không rõ"}
            extracts.append(Extract(
                f"civil_registrations/ho-tich/{kind}_{{:%Y%m%d}}.{ending}", stamp,
                _registry(layout, cells, where), CsvStyle(";" if number % 2 else ","), spoiled=bad,
            ))  # fmt: skip
        style = (CsvStyle("\t", "utf-16"), CsvStyle("|"), CsvStyle(";", "cp1258"), CsvStyle())[number]
        times = ("%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d-%m-%Y %H:%M", "%Y-%m-%dT%H:%M:%S")[number]
        extracts.append(_plain(
            "civil_registrations/thanh-pho/dang-ky_{:%Y_%m_%d}.csv", stamp,
            f"{entered} and district_code in {_PLAIN_DISTRICTS}", style, times, ("Trực tiếp", "1", "0"),
            {"Ngày sự kiện": "29/02/2023", "Mã xã": ""},
        ))  # fmt: skip
    for name, stamp, layout, cells, kind, code in (
        ("civil_registrations/chau-thanh/So khai sinh {:%Y-%m-%d}.xlsx", at(5, 31, 17, 0), BIRTH_LAYOUT,
         _BIRTH_CELLS, "KS", "905"),
        ("civil_registrations/go-quao/So khai tu {:%Y-%m-%d}.xls", at(8, 31, 17, 0), DEATH_LAYOUT,
         _DEATH_CELLS, "KT", "907"),
    ):  # fmt: skip
        month = f"registered_at between timestamp '{stamp.replace(day=1, hour=0)}' and timestamp '{stamp}'"
        where = f"{month} and not is_online and event_type = '{kind}' and district_code = '{code}'"
        title = f"SỔ ĐĂNG KÝ {'KHAI SINH' if kind == 'KS' else 'KHAI TỬ'}"
        extracts.append(Extract(name, stamp, _registry(layout, cells, where), titles=(title,), biff=True))
    return extracts


def _plan(
    con: duckdb.DuckDBPyConnection,
    province: Province,
    calendar: Calendar,
    scale: float,
    rng: np.random.Generator,
) -> None:
    """The table `registrations`, one row per entry of a book."""
    counts = [max(1, round(n * scale)) for n in (BIRTHS_ONLINE, DEATHS_ONLINE, BIRTHS_DIRECT, DEATHS_DIRECT)]
    size = sum(counts)
    group = np.repeat(np.arange(4), counts)
    online, birth = group < 2, group % 2 == 0
    season = calendar.season()
    until = np.where(online, np.searchsorted(calendar.days, np.datetime64(_ONLINE_UNTIL, "s"), "right"), len(season))
    busy = np.cumsum(season)
    day = np.searchsorted(busy, rng.random(size) * busy[until - 1], side="right")
    chance = rng.random(size)
    kind = np.where(online, np.where(chance < 0.97, "new", "late"), np.select(
        [chance < 0.03, chance < 0.11, chance < 0.17, chance < 0.175],
        ["unknown", "again", "late", "abroad"], "new",
    ))  # fmt: skip
    kind[birth & (kind == "abroad")] = "new"
    limit = np.where(birth, 60, 15)
    waited = np.where(kind == "late", limit + 1 + rng.geometric(0.008, size), np.floor(rng.random(size) ** 2 * limit))
    waited = np.where(kind == "again", rng.integers(25 * 365, 70 * 365, size), waited).astype(int)
    waited[(kind == "new") & (chance > 0.985)] += 45  # late, and not called so
    registered_on = calendar.days[day]
    happened_on = registered_on - waited.astype("timedelta64[D]")
    backwards = (chance > 0.5) & (chance < 0.5 + 8 / BIRTHS_DIRECT) & ~online  # registered_before_event
    backwards[np.flatnonzero(~online)[0]] = True
    happened_on[backwards] = registered_on[backwards] + 3 * np.timedelta64(86400, "s")
    agencies = province.agencies
    communes = np.flatnonzero(agencies["level"] == "xã")
    weight = agencies["weight"][communes]
    year = happened_on.astype("datetime64[Y]").astype(int) + 1970
    sex = rng.integers(1, 3, size)
    # A child's number bears its year and century; the dead were born some decades before.
    born = np.where(birth, year, year - rng.integers(35, 95, size))
    number = (np.arange(size) * 7919 + 271) % 1_000_000
    con.register("plan_of_registrations", pa.table({
        "entry": np.arange(size), "is_online": online, "event_type": np.where(birth, "KS", "KT"),
        "kind": kind,
        "registered_at": registered_on + rng.integers(8 * 3600, 16 * 3600, size).astype("timedelta64[s]"),
        "event_on": happened_on, "agency": communes[rng.choice(len(communes), size, p=weight / weight.sum())],
        "precision": rng.integers(0, 10, size), "sex": sex.astype(str), "born": born, "number": number,
        "chance": rng.random(size),
    }))  # fmt: skip
    con.register("plan_of_names", people_table(size, rng).select(["person", "applicant_name", "applicant_id"]))
    cells = {column: pa.array(values, from_pandas=True) for column, values in agencies.items()}
    con.register("offices", pa.table({"agency": np.arange(len(agencies["level"])), **cells}))
    twice = max(1, round(6 * scale))
    con.execute(f"""
        create table registrations as
        with entries as (
            select plan.* exclude (born, number), agency_name, commune_code, district_code, place,
                person.applicant_name as person_name, mother.applicant_name as mother_name,
                mother.applicant_id as mother_id,
                case entry % 3 when 0 then '097' when 1 then '098' else '099' end
                    || (sex::int - 1 + case when born >= 2000 then 2 else 0 end)
                    || format('{{:02d}}{{:06d}}', born % 100, number) as person_id
            from plan_of_registrations plan join offices using (agency)
                join plan_of_names person on person.person = entry
                join plan_of_names mother on mother.person = (entry * 31 + 17) % {size}
        ), twice as (  -- the same case entered again at the counter of a city: duplicate_registration
            select * replace (
                entry + {size} as entry, false as is_online, registered_at + interval 1 day as registered_at)
            from entries where district_code in {_PLAIN_DISTRICTS} and event_type = 'KS' and kind = 'new'
                and registered_at < timestamp '2023-10-20' order by entry limit {twice}
        ), numbered as (
            select *, 'TP/HT-2023-' || event_type || '.01' as book,
                row_number() over (partition by agency_name, event_type, is_online
                    order by registered_at, entry) as number_in_book
            from (from entries union all from twice)
        )
        select *, 'Danh Thị Hòa' as signer,
            -- Twins share a group: every 90th case online follows the group of the one before it.
            'LT.H33.2023-' || lpad((entry - (entry % 90 = 1)::int)::varchar, 6, '0') as own_group,
            case when kind = 'again' and precision < 5 then strftime(event_on, '%Y')
                when kind = 'again' and precision < 7 then strftime(event_on, '%m.%Y')
                else strftime(event_on, '%d.%m.%Y') end as event_text
        from numbered order by registered_at, entry
    """)


def _registry(layout: tuple[str, ...], cells: dict[str, str], where: str) -> str:
    columns = ", ".join(f"{cells.get(column, 'null::varchar')} as {column}" for column in layout)
    return f"select {columns} from registrations where {where} order by registered_at, entry"


def _plain(
    name: str, stamp: datetime, where: str, style: CsvStyle, times: str, words: tuple[str, str, str],
    spoiled: dict[str, str] | None = None,
) -> Extract:  # fmt: skip
    """Plain columns; `words` spell the channel, and whether the case was interlinked or not."""
    channel, yes, no = words
    query = f"""
        select 'HT' || commune_code || '-' || event_type || format('-{{:06d}}', entry) as "Mã đăng ký",
            case event_type when 'KS' then 'Khai sinh' else 'Khai tử' end as "Loại việc",
            strftime(event_on, '%d/%m/%Y') as "Ngày sự kiện",
            strftime(registered_at, '{times}') as "Ngày đăng ký", commune_code as "Mã xã",
            '{channel}' as "Kênh thực hiện",
            case when is_online or chance < 0.04 then '{yes}' else '{no}' end as "Liên thông",
            case when is_online or chance < 0.04 then own_group end as "Mã hồ sơ liên thông",
            person_id as "Số định danh",
            case kind when 'new' then 'Đăng ký mới' when 'again' then 'Đăng ký lại'
                when 'late' then 'Quá hạn' end as registration_kind,
            person_name as "Họ tên"
        from registrations where {where} order by registered_at, entry
    """
    return Extract(name, stamp, query, style, spoiled=spoiled or {"Ngày đăng ký": "16/10/23"})
