"""The peer: a pandas script over one export or several, as a province would write it: OUT CSV …"""

import sys

import numpy as np
import pandas as pd

DAYS = {"received_on": "Ngày tiếp nhận", "due_on": "Ngày hẹn trả", "closed_on": "Ngày kết thúc xử lý"}
AS_OF = pd.Timestamp("2023-11-16")

rows = pd.concat(pd.read_csv(path, dtype=str) for path in sys.argv[2:])
rows = rows.drop_duplicates("Mã hồ sơ", keep="last")
for name, header in DAYS.items():
    rows[name] = pd.to_datetime(rows[header], format="%d/%m/%Y %H:%M:%S").dt.normalize()
rows["month"] = rows["received_on"].dt.to_period("M").dt.to_timestamp()
rows["outcome"] = np.select(
    [
        rows["Trạng thái"] == "Dừng xử lý",
        rows["closed_on"] < rows["due_on"],
        rows["closed_on"] == rows["due_on"],
        rows["closed_on"] > rows["due_on"],
        rows["due_on"] >= AS_OF,
    ],
    ["withdrawn", "early", "on_due_date", "late", "within_due"],
    "overdue",
)
counts = rows.groupby(["Mã đơn vị", "month", "Kênh", "Mức độ", "outcome"]).size().reset_index(name="dossiers")
counts.to_parquet(sys.argv[1])
