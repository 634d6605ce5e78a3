"""The peer: a Polars script over one export or several, as a province would write it: OUT CSV …"""

import sys
from datetime import date

import polars as pl


def day(header: str) -> pl.Expr:
    return pl.col(header).str.to_datetime("%d/%m/%Y %H:%M:%S").dt.date()


state = pl.when(pl.col("Trạng thái") == "Dừng xử lý").then(pl.lit("withdrawn"))
state = state.when(pl.col("closed_on") < pl.col("due_on")).then(pl.lit("early"))
state = state.when(pl.col("closed_on") == pl.col("due_on")).then(pl.lit("on_due_date"))
state = state.when(pl.col("closed_on") > pl.col("due_on")).then(pl.lit("late"))
state = state.when(pl.col("due_on") >= date(2023, 11, 16)).then(pl.lit("within_due"))

(
    pl.scan_csv(sys.argv[2:], infer_schema=False)
    .unique("Mã hồ sơ", keep="last")
    .with_columns(received_on=day("Ngày tiếp nhận"), due_on=day("Ngày hẹn trả"), closed_on=day("Ngày kết thúc xử lý"))
    .with_columns(month=pl.col("received_on").dt.truncate("1mo"), outcome=state.otherwise(pl.lit("overdue")))
    .group_by("Mã đơn vị", "month", "Kênh", "Mức độ", "outcome")
    .agg(dossiers=pl.len())
    .collect()
    .write_parquet(sys.argv[1])
)
