"""Dossier exports of any size, written set-wise: 22 columns, dd/MM/yyyy text, as docs/performance.md describes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

AS_OF, NEXT_DAY = "2023-11-16", "2023-11-17"
ROWS_A_FILE = 3_867_970
# One dossier in so many changes from one day to the next: 0.35 %.
ONE_CHANGED_IN = 286


def write_exports(folder: Path, dossiers: int) -> list[Path]:
    """The dossiers received from 2023-01-01 to 2023-11-16 as exported that night, in files of a few million rows."""
    return [
        _write(folder / f"hoso_{number:02}_20231116_2330.csv", first, last, "true", is_changed=False)
        for number, (first, last) in enumerate(_parts(dossiers))
    ]


def write_delta(folder: Path, dossiers: int) -> list[Path]:
    """What changed a day later, alone."""
    return [_write(folder / "hoso_20231117_2330.csv", 0, dossiers, _CHANGED, is_changed=True)]


def write_again(folder: Path, dossiers: int) -> list[Path]:
    """The whole year a day later, with what changed."""
    return [
        _write(folder / f"hoso_{number:02}_20231117_2330.csv", first, last, "true", is_changed=True)
        for number, (first, last) in enumerate(_parts(dossiers))
    ]


def write_small_files(folder: Path, dossiers: int, files: int) -> list[Path]:
    """As many dossiers in as many files, each of another office at another minute of the night."""
    each = -(-dossiers // files)
    return [
        _write(
            folder / f"hoso_{n:04}_20231116_{n // 60 % 24:02}{n % 60:02}.csv",
            n * each, min(dossiers, (n + 1) * each), "true", is_changed=False,
        )
        for n in range(files)
    ]  # fmt: skip


def write_workbook(path: Path, dossiers: int) -> Path:
    """An xlsx of 25 columns: an export of that size with three remarks more."""
    from openpyxl import Workbook

    if path.exists():
        return path
    export = _write(path.with_suffix(".csv"), 0, dossiers, "true", is_changed=False)
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    rows = duckdb.sql(f"from read_csv('{export}', header = false, all_varchar = true)")
    for number, row in enumerate(rows.fetchall()):
        sheet.append([*row, *([f"Ghi chú {n}" for n in range(3)] if number == 0 else [None] * 3)])
    export.unlink()
    book.save(path)
    return path


_CHANGED = f"i % {ONE_CHANGED_IN} = 0"


def _parts(dossiers: int) -> Iterator[tuple[int, int]]:
    for first in range(0, dossiers, ROWS_A_FILE):
        yield first, min(dossiers, first + ROWS_A_FILE)


def _write(path: Path, first: int, last: int, which: str, *, is_changed: bool) -> Path:
    """Rows `first` up to `last`, always the same ones, written once. What changed is closed, or paid online."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    changed = _CHANGED if is_changed else "false"
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"""
            copy (
                with numbered as (
                    select
                        i, (i * 7919) % 320 as received_day, (i * 104729) % 181 as agency,
                        (i * 15485863) % 300 as procedure,
                        (i * 32452843) % 1000 as dice,
                        {changed} as is_changed
                    from range({first}, {last}) as t(i)
                    where {which}
                ),
                planned as (
                    select *, timestamp '2023-01-01 07:30:00' + to_days(received_day::int) as received,
                        3 + (procedure % 12) as days,
                        case
                            when dice < 900 then (dice % (3 + (procedure % 12))) when dice < 940 then 5 + dice % 40
                        end as taken
                    from numbered
                ),
                closed as (
                    select *, coalesce(
                        received + to_days(taken::int), case when is_changed then timestamp '2023-11-17 10:00:00' end
                    ) as closed
                    from planned
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
                    strftime(closed, '%d/%m/%Y %H:%M:%S') as "Ngày kết thúc xử lý",
                    strftime(closed, '%d/%m/%Y %H:%M:%S') as "Ngày trả",
                    case
                        when closed is null then 'Đang xử lý' when dice % 27 = 0 then 'Dừng xử lý' else 'Đã trả kết quả'
                    end
                        as "Trạng thái",
                    (dice * 1000)::varchar as "Phí lệ phí",
                    case when is_changed then 1 else dice % 2 end::varchar as "Thanh toán trực tuyến",
                    (dice % 2)::varchar as "Số hóa thành phần",
                    '0' as "Đã xóa"
                from closed
            ) to '{part}' (format csv, header)""")
    part.rename(path)
    return path
