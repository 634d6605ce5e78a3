"""The peer: one raw DuckDB script over one export or several, as a province would write it: OUT CSV …"""

import sys

import duckdb

duckdb.sql(f"""
    copy (
        with rows as (
            select *, row_number() over (partition by "Mã hồ sơ" order by "Ngày tiếp nhận" desc) as place
            from read_csv({sys.argv[2:]}, header = true, all_varchar = true)
        ),
        typed as (
            select
                *,
                strptime("Ngày tiếp nhận", '%d/%m/%Y %H:%M:%S')::date as received_on,
                strptime("Ngày hẹn trả", '%d/%m/%Y %H:%M:%S')::date as due_on,
                strptime("Ngày kết thúc xử lý", '%d/%m/%Y %H:%M:%S')::date as closed_on
            from rows
            where place = 1
        )
        select
            "Mã đơn vị" as agency, date_trunc('month', received_on) as month, "Kênh" as channel, "Mức độ" as level,
            case
                when "Trạng thái" = 'Dừng xử lý' then 'withdrawn'
                when closed_on < due_on then 'early' when closed_on = due_on then 'on_due_date'
                when closed_on > due_on then 'late'
                when due_on >= date '2023-11-16' then 'within_due' else 'overdue'
            end as outcome,
            count(*) as dossiers
        from typed
        group by all
    ) to '{sys.argv[1]}' (format parquet)""")
