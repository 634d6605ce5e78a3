"""Personal data ends at the door: after a night nothing in the home tells who applied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration import runner
from orchestration.night.request import Listener, Request
from orchestration.settings import Settings
from tests.conftest import AS_OF
from tests.support import nights, writers
from tests.support.writers import put

# Synthetic persons; 097 to 099 are prefixes that no province has.
NAMES = ["Đặng Thị Quỳnh Giả", "Lò Văn Tưởng Tượng", "H'Bia Không Thật"]
SECRETS = [
    *NAMES, "Quỳnh Giả", "098123456789", "98123456789", "097000111222", "281234567", "0900123456",
    "quynhgia@example.vn", "Ấp Hư Cấu", "000999888777", "Cán bộ Tưởng", "AB1234567",
]  # fmt: skip
# As people group them when they write them into a text, a header or the wrong column.
GROUPED = ["097 000 111 222", "097.000.1112.22", "097-000-111-222", "+84 90 012 3456"]
SECRETS += GROUPED
HEAD = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận", "Chủ hồ sơ", "Số CCCD", "Số điện thoại", "Email", "Địa chỉ",
        "Ngày hẹn trả", "Người ký nhận"]  # fmt: skip


def row(number: int, **over: str) -> list[object]:
    cells = [
        f"H99.01-230721-P{number}", "1.000001", "4", "21/07/2023", NAMES[number % 3], SECRETS[4 + number % 4], "0900123456",
        "quynhgia@example.vn", "Ấp Hư Cấu, xã Không Có", "01/08/2023", "Lò Văn Tưởng Tượng",
    ]  # fmt: skip
    return [over.get(str(name), cell) for name, cell in zip(HEAD, cells, strict=True)]


def landing(root: Path) -> None:
    """Persons in every format, in accepted rows, rejected rows, shifted files and unknown columns."""
    rows = [row(n) for n in range(12)]
    rows += [
        row(20, **{"Ngày tiếp nhận": "Đặng Thị Quỳnh Giả"}), row(21, **{"Ngày hẹn trả": "0900123456"}),
        row(22, **{"Trạng thái": "H'Bia Không Thật"}), row(23, **{"Trạng thái": "quynhgia@example.vn"}),
        row(24, **{"Ngày tiếp nhận": "098123456789"}), row(25, **{"Ngày hẹn trả": "281234567"}),
    ]  # fmt: skip
    table = [HEAD, *rows]
    folder = root / "dossiers"
    put(folder / "a_20230722_0100.csv", writers.csv_bytes(table, ";", "utf-8"))
    put(folder / "b_20230722_0200.csv", writers.csv_bytes(table, ",", "cp1258"))
    put(folder / "c_20230722_0300.xlsx", writers.xlsx_bytes(table))
    put(folder / "d_20230722_0400.xls", writers.xls_bytes(table))
    put(folder / "e_20230722_0500.xls", writers.html_bytes(table))
    records: list[object] = [
        {
            "MaHoSo": f"H99.01-230721-J{n}", "MaTTHC": "1.000001", "TrangThaiHoSo": 4, "NgayTiepNhan": "20230721",
            "ChuHoSo": NAMES[n % 3], "SoGiayToChuHoSo": "AB1234567" if n else 98123456789, "NguoiNop": {"Ten": NAMES[1]},
            "NgayHenTra": NAMES[0] if n == 3 else None,
            "DanhSachHoSoBoSung": [{"NgayBoSung": NAMES[0], "NguoiYeuCau": NAMES[1]}],
        }
        for n in range(8)
    ]  # fmt: skip
    put(folder / "f_20230722_0600.json", writers.json_bytes(records))
    put(folder / "g_20230722_0700.jsonl", writers.jsonl_bytes(records) + '{"ChuHoSo": "Lò Văn Tưởng Tượng"'.encode())
    extra = (
        writers.csv_bytes(table, ";", "utf-8")
        + 'H99.01-230721-X;1.000001;4;"Quỳnh Giả";Ấp Hư Cấu;;;;;;;0900123456\r\n'.encode()
    )
    put(folder / "h_20230722_0800.csv", extra)
    put(folder / "i_20230722_0900.csv", writers.csv_bytes([HEAD, *[r[4:] + r[:4] for r in rows]], ";", "utf-8"))
    put(folder / "k_20230722_1000.xlsx", writers.xlsx_bytes(table)[:3000])
    put(folder / "l_20230722_1100.json", writers.json_bytes(records)[:-90])
    put(folder / "m_20230722_1200.csv", writers.csv_bytes([["Quỳnh Giả", "0900123456"], *rows], ";", "utf-8"))
    events = [["dossier_code", "occurred_at", "status", "officer_name"], ["H99.01-230721-P1", "21/07/2023", "4", "Cán bộ Tưởng"],
              ["H99.01-230721-P1", "Cán bộ Tưởng", "4", "Cán bộ Tưởng"]]  # fmt: skip
    put(root / "dossier_events/e_20230722.csv", writers.csv_bytes(events, ";", "utf-8"))
    heads = [["Mã hồ sơ", "Mã TTHC", "Tên TTHC", "Đơn vị", "Loại kết quả", "Trạng thái", "Ngày tiếp nhận", "Phí lệ phí", "Kênh",
              "Ghi chú của 097 000 111 222", "097000111222"]]  # fmt: skip
    for n, number in enumerate([*GROUPED, "097000111222"]):
        written = f"cấp cho {number}, 2023"
        usual = [
            f"H99.01-230721-V{n}",
            "1.000001",
            written,
            written,
            written,
            "4",
            "21/07/2023",
            "5.000",
            "1",
            number,
            number,
        ]
        texts = [
            *heads,
            usual,
            *[[*usual[:at], GROUPED[n % 4], *usual[at + 1 :]] for at in (5, 6, 7, 8)],
            [*usual[:5], "?", *usual[6:]],
        ]
        texts += [[*usual[:1], "", *usual[2:]]] + [[f"H99.01-230721-W{n}{k}", *usual[1:]] for k in range(6)]
        put(folder / f"n{n}_20230722_1300.csv", writers.csv_bytes(texts, ";", "utf-8"))
    held = {"MaHoSo": "H99.01-230721-O1", "MaTTHC": "1.000001", "TrangThaiHoSo": 4, "NgayTiepNhan": "20230721"}
    objects: list[object] = [
        held | {key: {"Ten": NAMES[0], "So": GROUPED[0]}} for key in ("TenTTHC", "DonViXuLy", "MaTTHC", "Phí")
    ]
    put(folder / "o_20230722_1400.json", writers.json_bytes([*[held | {"Số 097 000 111 222": 1}] * 6, *objects]))
    steps = [["dossier_code", "occurred_at", "status", "step_name", "unit_name"],
             ["H99.01-230721-P1", "22/07/2023", "4", "Chuyển hồ sơ 097 000 111 222", "Bộ phận 097.000.1112.22"]]  # fmt: skip
    put(root / "dossier_events/s_20230722.csv", writers.csv_bytes(steps, ";", "utf-8"))
    asked = [["dossier_code", "requested_at", "reason"], ["H99.01-230721-P1", "22/07/2023", "Thiếu CCCD 097000111222"]]
    put(root / "supplements/b_20230722.csv", writers.csv_bytes(asked, ";", "utf-8"))
    titles = [
        ["document_number", "issued_on", "title", "issuer"],
        ["12/CT", "22/07/2023", "Về đơn của số 097 000 111 222", "+84 90 012 3456"],
    ]
    put(root / "registers/directives/v_20230722.csv", writers.csv_bytes(titles, ";", "utf-8"))
    births = [["registration_code", "event_type", "event_date", "registered_at", "commune_code", "person_id", "Họ tên", "Dân tộc"],
              ["K1", "KS", "01/07/2023", "02/07/2023", "99901", "000999888777", "Quỳnh Giả", "Kinh"],
              ["K2", "Quỳnh Giả", "01/07/2023", "02/07/2023", "99901", "000999888777", "Quỳnh Giả", "Kinh"]]  # fmt: skip
    put(root / "civil_registrations/k_20230722.csv", writers.csv_bytes(births, ";", "utf-8"))
    lookups = [["lookup_code", "facility_code", "looked_up_at", "document_type", "identity_number", "result"],
               ["T1", "91001", "21/07/2023 08:00", "CCCD", "098123456789", "Thành công"],
               ["T2", "91001", "098123456789", "CCCD", "098123456789", "Quỳnh Giả"]]  # fmt: skip
    put(root / "health_lookups/t_20230722.csv", writers.csv_bytes(lookups, ";", "utf-8"))


def contents(home: Path) -> Iterator[tuple[str, str]]:
    """Every file of the home as text: as it is, and with every table of it spelled out, for both are compressed."""
    for path in sorted(p for p in home.rglob("*") if p.is_file() and not p.is_symlink()):
        yield str(path.relative_to(home)), path.read_bytes().decode("utf-8", "replace")
        with duckdb.connect() as con:
            if path.suffix == ".parquet":
                tables = [
                    f"read_parquet('{path}')",
                    f"(select decode(key), decode(value) from parquet_kv_metadata('{path}'))",
                ]
            elif path.suffix == ".duckdb":
                con.execute(f"attach '{path}' as held (read_only)")
                found = con.execute(
                    "select schema_name, table_name from duckdb_tables() where database_name = 'held'"
                ).fetchall()
                tables = [f'held."{schema}"."{table}"' for schema, table in found]
            else:
                continue
            for table in tables:
                yield f"{path.relative_to(home)} {table}", "\n".join(map(str, con.execute(f"from {table}").fetchall()))


def test_nothing_of_a_person_is_left(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing(tmp_path / "landing")
    monkeypatch.setenv("CCHC_ALERT_FILE", str(tmp_path / "alerts"))
    said: list[str] = []
    told = Listener(announce=lambda *text: said.append(str(text)))
    runner.run(nights.asked(tmp_path / "landing", tmp_path / "home"), told)
    night = nights.known(tmp_path / "home")
    assert sum(f.rows_accepted for f in night.files) > 60 and sum(f.rows_rejected for f in night.files) > 30
    printed = "".join(capfd.readouterr()) + "".join(said)
    alerts = (tmp_path / "alerts").read_text("utf-8")
    assert '"kind": "well"' in alerts
    pattern = re.compile("|".join(map(re.escape, SECRETS)))
    leaks = [
        f"{place}: {found[0]}"
        for place, text in [("output", printed), ("alerts", alerts), *contents(tmp_path / "home")]
        if (found := pattern.search(text))
    ]  # fmt: skip
    assert leaks == []


def test_one_person_is_one_pseudonym_under_one_key(tmp_path: Path) -> None:
    """Leading zeros lost in a spreadsheet do not make another person; another key does."""
    table = [
        HEAD,
        row(0, **{"Số CCCD": "098123456789"}),
        row(1, **{"Số CCCD": "98123456789"}),
        row(2, **{"Số CCCD": "281234567"}),
    ]
    put(tmp_path / "landing/dossiers/a_20230722.csv", writers.csv_bytes(table, ";", "utf-8"))

    def keys(key: str) -> list[tuple[str, str]]:
        settings = Settings.load(tmp_path / "landing", tmp_path / key, {"CCHC_PSEUDONYM_KEY": key * 16})
        night = nights.taken(Request(settings, AS_OF))
        return duckdb.sql(
            f"select applicant_key, applicant_identity_kind from '{night.files[0].path}' order by dossier_code"
        ).fetchall()

    first, padded, card = keys("one")
    assert first == padded and first[1] == "other" and card[1] == "old_identity_card"
    assert card[0] != first[0] and keys("other")[0][0] != first[0]
