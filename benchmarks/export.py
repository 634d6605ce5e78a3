"""One dossier export of any size, written set-wise: 22 columns, dd/MM/yyyy text, as performance goals describe."""

from __future__ import annotations

from pathlib import Path

import duckdb

AS_OF = "2023-11-16"


def write_export(path: Path, dossiers: int) -> None:
    """A CSV of `dossiers` rows received from 2023-01-01 to 2023-11-16; deterministic."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("select setseed(0.2023)")
        con.execute(f"""
            copy (
                with numbered as (
                    select
                        i, (i * 7919) % 320 as received_day, (i * 104729) % 181 as agency,
                        (i * 15485863) % 300 as procedure,
                        (i * 32452843) % 1000 as dice
                    from range({dossiers}) as t(i)
                ),
                planned as (
                    select *, timestamp '2023-01-01 07:30:00' + to_days(received_day::int) as received,
                        3 + (procedure % 12) as days,
                        case
                            when dice < 900 then (dice % (3 + (procedure % 12))) when dice < 940 then 5 + dice % 40
                        end as taken
                    from numbered
                )
                select
                    'H33.' || agency || '-' || strftime(received, '%y%m%d') || '-' || i as "Mã hồ sơ",
                    '1.' || lpad(procedure::varchar, 6, '0') as "Mã TTHC",
                    'Thủ tục số ' || procedure as "Tên TTHC",
                    'G' || procedure % 20 as "Mã lĩnh vực",
                    'Lĩnh vực ' || procedure % 20 as "Lĩnh vực",
                    'H33.' || agency as "Mã đơn vị",
                    'Đơn vị ' || agency as "Đơn vị xử lý",
                    ['Toàn trình', 'Một phần', 'Còn lại'][1 + i % 3] as "Mức độ",
                    ['Trực tuyến', 'Trực tiếp', 'Bưu chính'][1 + dice % 3] as "Kênh",
                    ['Cá nhân', 'Tổ chức'][1 + i % 2] as "Đối tượng",
                    'Người nộp ' || i as "Chủ hồ sơ",
                    '097' || lpad((i % 1000000000)::varchar, 9, '0') as "Số CCCD",
                    strftime(received, '%d/%m/%Y %H:%M:%S') as "Ngày nộp",
                    strftime(received, '%d/%m/%Y %H:%M:%S') as "Ngày tiếp nhận",
                    strftime(received + to_days(days::int), '%d/%m/%Y %H:%M:%S') as "Ngày hẹn trả",
                    strftime(received + to_days(taken::int), '%d/%m/%Y %H:%M:%S') as "Ngày kết thúc xử lý",
                    strftime(received + to_days(taken::int), '%d/%m/%Y %H:%M:%S') as "Ngày trả",
                    case
                        when taken is null then 'Đang xử lý' when dice % 27 = 0 then 'Dừng xử lý' else 'Đã trả kết quả'
                    end
                        as "Trạng thái",
                    (dice * 1000)::varchar as "Phí lệ phí",
                    (dice % 2)::varchar as "Thanh toán trực tuyến",
                    (dice % 2)::varchar as "Số hóa thành phần",
                    '0' as "Đã xóa"
                from planned
            ) to '{path}' (format csv, header)""")
