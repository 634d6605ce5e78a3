"""The sample province, read back by a reader of its own (no code of the project's ingestion or models)."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import unicodedata
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import duckdb
import lxml.html
import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from orchestration.settings import PROJECT_DIR
from sample_province import write_province
from sample_province.article import FIGURES, MORE_THAN, PERCENT
from sample_province.calendar import Calendar
from sample_province.province import load_province
from sample_province.shares import Shares, apportion

SCALE = 0.01
ARTICLE = {
    name: FIGURES[f"dossiers_{kpi}"]
    for name, kpi in {
        "received": "received", "full": "received_full_process", "partial": "received_partial_process",
        "other": "received_other_service", "online": "received_online", "resolved": "resolved",
        "early": "resolved_early", "on_due_date": "resolved_on_due_date", "late": "resolved_late",
        "within_due": "in_process_within_due", "overdue": "in_process_overdue", "withdrawn": "withdrawn",
    }.items()
}  # fmt: skip

NAMES = {
    "dossier_code": "ma ho so|so ho so|ma so ho so|mahoso",
    "procedure_code": "ma tthc|ma thu tuc|ma thu tuc hanh chinh|matthc",
    "agency_code": "ma don vi|ma dinh danh|madonvi",
    "status": "trang thai|trang thai ho so|trangthaihoso",
    "service_level": "muc do|muc do dvc|mucdo",
    "channel": "kenh thuc hien|hinh thuc tiep nhan|kenh tiep nhan|kenhthuchien",
    "applicant_id": "so cccd|so cccd/cmnd|sogiaytochuhoso",
    "submitted_at": "ngay nop|ngay nop ho so|ngaynophoso",
    "received_at": "ngay tiep nhan|ngay nhan|ngaytiepnhan",
    "due_at": "ngay hen tra|ngay hen|han tra|ngay hen tra ket qua|ngayhentra",
    "completed_at": "ngay ket thuc xu ly|ngay hoan thanh|ngay xu ly xong|ngayketthucxuly",
    "returned_at": "ngay tra|ngay tra ket qua|ngaytra",
    "result_kind": "loai ket qua|loaiketqua",
    "is_deleted": "da xoa|daxoa",
}
COLUMN_OF = {name: column for column, names in NAMES.items() for name in names.split("|")}
TIMES = ("submitted_at", "received_at", "due_at", "completed_at", "returned_at")
STATUSES = [
    "moi dang ky", "duoc tiep nhan", "khong duoc tiep nhan", "dang xu ly", "yeu cau bo sung giay to",
    "yeu cau thuc hien nghia vu tai chinh", "cong dan yeu cau rut ho so", "dung xu ly", "da xu ly xong",
    "da tra ket qua",
]  # fmt: skip
STATUS_OF = {name: str(n) for n, name in enumerate(STATUSES, 1)} | {str(n): str(n) for n in range(1, 11)}
LEVEL_OF = {"4": "full", "toan trinh": "full", "3": "partial", "mot phan": "partial"}
CHANNEL_OF = {"2": "online", "truc tuyen": "online", "qua mang": "online"}


def fold(text: object) -> str:
    plain = unicodedata.normalize("NFD", str(text or "").lower().replace("đ", "d"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def stamp_of(path: Path) -> datetime:
    parts = re.search(r"(\d{4})[-_]?(\d\d)[-_]?(\d\d)(?:[T_\- ](\d\d)[.]?(\d\d)(\d\d)?)?", path.name).groups()
    year, month, day, *time = (int(part) if part else None for part in parts)
    return datetime(year, month, day, *((n or 0 for n in time) if time[0] is not None else (23, 59, 59)))


def known(cells: list[object]) -> int:
    return len({fold(cell) for cell in cells} & set(COLUMN_OF))


def text_of(path: Path) -> str:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if content.startswith(b"\xff\xfe"):
        return unicodedata.normalize("NFC", content.decode("utf-16"))
    try:
        return unicodedata.normalize("NFC", content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return unicodedata.normalize("NFC", content.decode("cp1258"))


def table_of(path: Path) -> pd.DataFrame:
    """All rows below the header, cells as they stand, known columns only under their canonical names."""
    if path.suffix == ".jsonl":
        table = pd.DataFrame([json.loads(line) for line in path.read_text("utf-8").splitlines()], dtype=object)
    elif path.suffix == ".json":
        table = pd.DataFrame(json.loads(path.read_text("utf-8"))["data"], dtype=object)
    elif path.suffix in (".xls", ".xlsx"):
        content = path.read_bytes()
        if content.startswith(b"<"):
            grid = [[cell.text_content() for cell in row] for row in lxml.html.fromstring(content).iter("tr")]
        else:
            grid = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
        at = next(n for n, row in enumerate(grid) if known(row) > 5)
        rows = [row for row in grid[at + 1 :] if len(row) == len(grid[at])]
        table = pd.DataFrame(rows, columns=grid[at], dtype=object)
    else:
        lines = text_of(path).split("\n")
        at = next(n for n, line in enumerate(lines) if known(re.split(r"[,;|\t]", line)) > 5)
        separator = max(",;\t|", key=lines[at].count)
        body = io.StringIO("\n".join(lines[at:]))
        table = pd.read_csv(body, sep=separator, dtype=str, keep_default_na=False).astype(object)
    table.columns = [COLUMN_OF.get(fold(header)) for header in table.columns]
    return table.loc[:, table.columns.notna()].reindex(columns=list(NAMES))


def times_of(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The column as time stamps, and which filled cells could not be read."""
    filled = column.notna() & (column != "")
    read = pd.Series(pd.NaT, index=column.index, dtype="datetime64[s]")
    kind = column.map(type)
    for true_date in (kind == datetime, kind == date):
        read[true_date] = pd.to_datetime(column[true_date].astype(str))
    serial = kind.isin([float, int]) & filled
    read[serial] = (pd.Timestamp("1899-12-30") + pd.to_timedelta(column[serial].astype(float), "D")).dt.round("s")
    for layout in (
        "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%Y%m%d%H%M%S",
    ):  # fmt: skip
        here = filled & read.isna()
        if here.any():
            read[here] = pd.to_datetime(column[here].astype(str), format=layout, errors="coerce")
    return read, filled & read.isna()


def rows_of(path: Path) -> tuple[pd.DataFrame, int | None]:
    """Accepted rows of one file, typed, and how many were rejected; None when the file is rejected whole."""
    table = table_of(path)
    text = {column: table[column].fillna("").astype(str) for column in table if column not in TIMES}
    if len(table) and (text["status"] == "").all():
        return pd.DataFrame(), None
    frame = pd.DataFrame({c: text[c] for c in ("dossier_code", "procedure_code", "result_kind", "applicant_id")})
    for column, names in (("status", STATUS_OF), ("service_level", LEVEL_OF), ("channel", CHANNEL_OF)):
        frame[column] = text[column].map({cell: names.get(fold(cell)) for cell in text[column].unique()})
    frame["service_level"] = frame["service_level"].fillna("other")
    frame["is_deleted"] = text["is_deleted"].str.lower().isin(["1", "có", "x", "yes", "true"])
    frame["source_file"], frame["stamp"], frame["row_number"] = (
        path.name,
        stamp_of(path),
        np.arange(len(frame)),
    )
    bad = frame["status"].isna() | (frame["dossier_code"] == "") | (frame["procedure_code"] == "")
    for column in TIMES:
        frame[column], unreadable = times_of(table[column])
        bad |= unreadable
    bad |= frame["received_at"].isna() & ~frame["status"].isin(["1", "3"])
    filled = sum(text[column] != "" for column in ("dossier_code", "procedure_code", "status"))
    layout = text["dossier_code"].str.startswith("(") | (frame.index > max(frame.index[filled > 1], default=-1))
    return frame[~bad & ~layout], int((bad & ~layout).sum())


def load(landing: Path) -> tuple[duckdb.DuckDBPyConnection, dict[str, tuple[int, int | None]]]:
    """Table `shown` (every accepted row, those of one stamp and dossier already reduced to the last), and per
    file its accepted and rejected rows."""
    frames, counts = [], {}
    for path in sorted(path for path in (landing / "dossiers").rglob("*") if path.is_file()):
        rows, rejected = rows_of(path)
        counts[path.name] = (len(rows), rejected)
        frames.append(rows)
    con = duckdb.connect()
    con.register("frame", pd.concat(frames, ignore_index=True))
    con.execute("""
        create table shown as select *, stamp::date as shown_on,
            status in ('7', '8', '9', '10') as is_closed
        from frame
        qualify row_number() over (
            partition by dossier_code, stamp order by source_file desc, row_number desc) = 1
    """)
    # The day of closing: completed, else returned, else first of the unbroken run of exports that show it.
    con.execute("""
        create table versions as
        with runs as (
            select *, count(*) filter (not is_closed) over (
                partition by dossier_code order by stamp) as run
            from shown)
        select *, case when is_closed then greatest(received_at::date, coalesce(
                completed_at::date, returned_at::date, min(shown_on) filter (is_closed) over (
                    partition by dossier_code, run))) end as closed_on
        from runs
    """)
    con.execute("""
        create table newest as from versions
        qualify row_number() over (partition by dossier_code order by stamp desc) = 1
    """)
    return con, counts


BUCKETS = """
    with counted as (
        select *, closed_on is null or closed_on > date '2023-11-16' as is_open, due_at::date as due_on,
            status in ('7', '8') or (status in ('9', '10') and result_kind = 'Trả lại/Xin rút')
                as is_withdrawn
        from newest
        where status not in ('1', '3') and not is_deleted and received_at < timestamp '2023-11-17'
    )
    select
        count(*) filter (received_at >= date '2023-01-01') as received,
        count(*) filter (service_level = 'full') as full,
        count(*) filter (service_level = 'partial') as partial,
        count(*) filter (service_level = 'other') as other,
        count(*) filter (channel = 'online') as online,
        count(*) filter (not is_open and not is_withdrawn) as resolved,
        count(*) filter (not is_open and not is_withdrawn and closed_on < due_on) as early,
        count(*) filter (not is_open and not is_withdrawn and closed_on is not distinct from coalesce(
            due_on, closed_on)) as on_due_date,
        count(*) filter (not is_open and not is_withdrawn and closed_on > due_on) as late,
        count(*) filter (is_open) as in_process,
        count(*) filter (is_open and (due_on is null or due_on >= date '2023-11-16' or status in ('5', '6')))
            as within_due,
        count(*) filter (is_open and due_on < date '2023-11-16' and status not in ('5', '6')) as overdue,
        count(*) filter (not is_open and is_withdrawn) as withdrawn,
        count(*) filter (received_at < date '2023-01-01') as carried_over
    from counted
"""

FLAGS = {
    "closed_without_end_date": "newest: is_closed and completed_at is null and returned_at is null",
    "completed_before_received": "newest: completed_at::date < received_at::date",
    "due_before_received": "newest: due_at::date < received_at::date",
    "returned_before_completed": "newest: returned_at::date < completed_at::date",
    "received_after_export": "newest: received_at::date > shown_on",
    "completed_after_export": "newest: completed_at::date > shown_on",
    "returned_without_return_date": "newest: status = '10' and returned_at is null",
    "information_service_online": "newest: service_level = 'other' and channel = 'online'",
    "no_due_date": "newest: status in ('9', '10') and due_at is null",
    "code_date_mismatch": "newest: strftime(submitted_at, '%y%m%d') <> split_part(dossier_code, '-', 2)"
                          " and strftime(received_at, '%y%m%d')"
                          " is distinct from split_part(dossier_code, '-', 2)",
    "unlisted_procedure": "newest: procedure_code in ('2.000999.000.00.00.H33', 'QD-1187.000.00.00.H33')",
    "unlisted_agency": "newest: starts_with(dossier_code, '000.00.99.H33-')",
    "deadline_moved_after_breach": "pairs: later.due_at::date > earlier.due_at::date"
                                   " and later.shown_on > earlier.due_at::date"
                                   " and not coalesce(later.closed_on <= earlier.due_at::date, false)",
    "completion_backdated": "pairs: not earlier.is_closed and later.closed_on < earlier.shown_on",
    "completion_equals_due": "pairs: later.completed_at = later.due_at and not earlier.is_closed"
                             " and earlier.shown_on > later.due_at::date",
    "reopened": "pairs: earlier.is_closed and later.status in ('2', '4', '5', '6')",
    "received_date_moved": "pairs: earlier.received_at::date <> later.received_at::date",
}  # fmt: skip


def bucket_counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return con.sql(BUCKETS).df().iloc[0].to_dict()


def flagged(con: duckdb.DuckDBPyConnection, rule: str) -> int:
    """Dossiers that a rule of docs/landing-contract.md 5 flags; of two versions, any against any later one."""
    over, test = FLAGS[rule].split(": ", 1)
    rows = "newest" if over == "newest" else (
        "versions earlier join versions later on earlier.dossier_code = later.dossier_code"
        " and earlier.stamp < later.stamp"
    )  # fmt: skip
    code = "dossier_code" if over == "newest" else "later.dossier_code"
    alive = "not is_deleted" if over == "newest" else "true"
    ((count,),) = con.execute(f"select count(distinct {code}) from {rows} where {alive} and ({test})").fetchall()
    return count


def digests(landing: Path) -> dict[str, str]:
    files = (path for path in landing.rglob("*") if path.is_file())
    return {str(path.relative_to(landing)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def read(province: Path) -> tuple[duckdb.DuckDBPyConnection, dict[str, tuple[int, int | None]]]:
    return load(province)


def test_figures_are_those_that_the_article_prints() -> None:
    domain = (PROJECT_DIR / "docs" / "domain.md").read_text("utf-8")
    printed = re.findall(r"[\d.]*\d(?:,\d+)?", domain.split("\n## 0. ")[1].split("\nDerived")[0])
    numbers = Counter(float(number.replace(".", "").replace(",", ".")) for number in printed)
    stated = {code: figure for code, figure in (FIGURES | MORE_THAN | PERCENT).items() if figure != 100}
    assert not {code: figure for code, figure in stated.items() if not numbers[figure]}


@pytest.mark.parametrize("scale", [1.0, 0.01, 0.0037])
def test_shares_close_at_every_scale(scale: float) -> None:
    shares = Shares.at(scale)
    total = round(ARTICLE["received"] * scale)
    for split in (shares.outcomes, shares.service_levels, shares.channels):
        assert sum(split.values()) == total
    assert shares.service_levels["full"] == pytest.approx(ARTICLE["full"] * scale, abs=1)


def test_apportion_gives_the_largest_remainder_first() -> None:
    assert apportion(10, {"a": 1, "b": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert apportion(3, {"a": 50, "b": 46, "c": 4}) == {"a": 2, "b": 1, "c": 0}


def shares_hold(counts: dict[str, int]) -> None:
    outcomes = ("early", "on_due_date", "late", "within_due", "overdue", "withdrawn")
    total = round(ARTICLE["received"] * SCALE)
    online = {"online": ARTICLE["online"], "rest": ARTICLE["received"] - ARTICLE["online"]}
    planned = (
        apportion(total, {key: ARTICLE[key] for key in outcomes})
        | apportion(total, {key: ARTICLE[key] for key in ("full", "partial", "other")})
        | {"online": apportion(total, online)["online"]}
    )
    assert {key: counts[key] for key in planned} == planned
    assert counts["received"] == total
    assert counts["resolved"] + counts["in_process"] + counts["withdrawn"] == total
    assert counts["carried_over"] == 0


def test_rows_add_up_to_the_articles_shares(read) -> None:
    shares_hold(bucket_counts(read[0]))


def test_the_province_is_delivered_night_by_night(tmp_path: Path) -> None:
    """Each file on the night of its stamp, dossiers every night, and in the end the same figures and flags."""
    write_province(tmp_path / "nights", SCALE, nights=9)
    write_province(tmp_path / "again", SCALE, nights=9)
    assert digests(tmp_path / "nights") == digests(tmp_path / "again")
    first, *later = sorted((tmp_path / "nights").iterdir())
    assert [night.name for night in (first, *later)] == [f"2023-11-{day:02}" for day in range(8, 17)]
    assert all(f"{stamp_of(path):%F}" <= first.name for path in first.rglob("*.*"))
    for night in later:
        assert {f"{stamp_of(path):%F}" for path in night.rglob("*.*")} == {night.name}
    for night in (first, *later):
        evening = [p for p in (night / "dossiers").glob("*/*") if f"{stamp_of(p):%F %H}" == f"{night.name} 21"]
        assert len(evening) == 1, "what changed since the evening before"
        shutil.copytree(night, tmp_path / "landing", dirs_exist_ok=True)
    con, _ = load(tmp_path / "landing")
    shares_hold(bucket_counts(con))
    assert not [rule for rule in FLAGS if not flagged(con, rule)]


@pytest.mark.parametrize("nights", [0, 321])
def test_nights_that_the_year_does_not_have_are_refused(tmp_path: Path, nights: int) -> None:
    with pytest.raises(ValueError, match="1 to 320 nights"):
        write_province(tmp_path, SCALE, nights=nights)


def test_same_seed_same_bytes_other_seed_others(province: Path, tmp_path: Path) -> None:
    write_province(tmp_path / "again", SCALE)
    write_province(tmp_path / "other", SCALE, seed=7)
    assert digests(tmp_path / "again") == digests(province)
    assert digests(tmp_path / "other").keys() == digests(province).keys()
    other = {name: digest for name, digest in digests(tmp_path / "other").items() if "registers" not in name}
    assert not set(other.values()) & set(digests(province).values())


def test_every_format_and_encoding_is_there(province: Path) -> None:
    paths = [path for path in (province / "dossiers").rglob("*") if path.is_file()]
    heads = {path.name: path.read_bytes()[:4] for path in paths}
    assert {path.suffix for path in paths} == {".gz", ".csv", ".xlsx", ".xls", ".json", ".jsonl"}
    xls = [head for name, head in heads.items() if name.endswith(".xls")]
    assert any(head.startswith(b"<") for head in xls) and any(head == b"\xd0\xcf\x11\xe0" for head in xls)
    csv = [path.read_bytes() for path in paths if path.suffix == ".csv"]
    assert any(content.startswith(b"\xff\xfe") for content in csv)
    assert any(content.startswith(b"\xef\xbb\xbf") for content in csv)
    assert any("\u0301" in content.decode("utf-8", "ignore") for content in csv)
    separators = {max(",;\t|", key=text_of(path).split("\n")[2].count) for path in paths if ".csv" in path.name}
    assert separators == set(",;\t|")


def test_few_rows_are_rejected_and_one_file_whole(read) -> None:
    _, counts = read
    assert sum(rejected is None for _, rejected in counts.values()) == 1
    rejected = {name: bad for name, (_, bad) in counts.items() if bad}
    assert len(rejected) >= 5
    assert all(bad < 20 or bad <= 0.05 * counts[name][0] for name, bad in rejected.items())


def test_dossiers_change_between_exports(read) -> None:
    con, _ = read
    ((rows, dossiers, changing),) = con.execute("""
        select sum(n), count(*), count(*) filter (states > 1)
        from (select dossier_code, count(*) as n, count(distinct status) as states from shown group by 1)
    """).fetchall()
    assert 1.15 < rows / dossiers < 1.4
    assert changing > 0.1 * dossiers


@pytest.mark.parametrize("rule", FLAGS)
def test_every_flag_occurs_a_little(read, rule: str) -> None:
    con, _ = read
    ((dossiers,),) = con.execute("select count(*) from newest").fetchall()
    assert 1 <= flagged(con, rule) < max(6, 0.005 * dossiers)


def test_identity_numbers_are_of_no_province(read) -> None:
    con, _ = read
    ((numbers, foreign),) = con.execute("""
        select count(distinct applicant_id), count(*) filter (
            not regexp_full_match(lpad(replace(applicant_id, '.0', ''), 12, '0'), '(000|09[789])[0-3]\\d{8}'))
        from shown
    """).fetchall()
    assert numbers > 1000 and foreign == 0


def test_dossier_codes_name_a_unit_and_a_day(read) -> None:
    con, _ = read
    ((odd,),) = con.execute("""
        select count(*) from newest
        where not regexp_full_match(dossier_code, '(H33(\\.\\d\\d){1,2}|000\\.00\\.99\\.H33)-\\d{6}-\\d{4,5}')
    """).fetchall()
    assert odd == 0


def test_province_has_its_units() -> None:
    agencies = load_province().agencies
    assert Counter(agencies["level"][agencies["is_listed"]]) == {"xã": 144, "tỉnh": 22, "huyện": 15}
    assert len(set(agencies["agency_code"])) == 22 + 15 + 144 + 1


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [("2023-04-28", 1, "2023-05-04"), ("2023-01-19", 3, "2023-01-31"), ("2023-08-31", 1, "2023-09-05")],
)
def test_due_dates_skip_weekends_and_holidays(received: str, days: int, due: str) -> None:
    calendar = Calendar.between(date(2023, 1, 1), date(2023, 11, 16)).days
    at = np.searchsorted(calendar, np.datetime64(received, "s"))
    assert str(calendar[at + days])[:10] == due


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_province(tmp_path, 0.001, progress=lambda *step: told.append(step))
    assert told[-1][1] == told[-1][2] == len(told) - 1


@pytest.mark.parametrize("scale", [0, -1, float("nan")])
def test_a_scale_that_is_none_is_refused(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        write_province(tmp_path, scale)
