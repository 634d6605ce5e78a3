"""A random landing folder that lives through every trap of docs/landing-contract.md 1, 2, 4.

Deterministic by seed, byte for byte. Persons are synthetic and identity numbers bear prefixes that no
province has. Cases on which the contract can be read in two ways are written only with `contested=True`;
each is listed in `tests.support.oracle`.
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import writers
from tests.support.declared import SOURCES, STATUS_NAMES
from tests.support.other_sources import OtherSources
from tests.support.writers import put

Values = dict[str, Any]
START = dt.date(2022, 11, 1)

FIELDS = [("G10-TT01", "Hộ tịch"), ("G15-DD02", "Đất đai"), ("G03-GD10", "Đầu tư"), (None, "Chứng thực")]
PROCEDURES = [
    ("2.000815", "Chứng thực bản sao từ bản chính", 3, "partial"),
    ("1.001193", "Đăng ký khai sinh", 0, "full"),
    ("1.004190", "Cấp giấy chứng nhận; đăng ký biến động", 1, "full"),
    ("2.002621.H56", 'Liên thông "khai sinh", thường trú', 0, "full"),
    ("TS_lop1.000.00.00.H33", "Tuyển sinh lớp 1", 2, "other"),
]
AGENCIES = [
    ("H33.11", "Sở Tư pháp", "tỉnh", None),
    ("H33.12", "Sở Công Thương", "tỉnh", None),
    ("H33.31", "UBND thành phố Rạch Giá", "huyện", None),
    ("H33.31.01", "UBND phường Vĩnh Thanh Vân", "xã", "30730"),
    ("H33.31.02", "UBND xã Thạnh Lộc", "xã", "30901"),
    ("000.00.33.H33", "UBND huyện Kiên Hải", "huyện", None),
]
LISTS = {
    "status": {code: [str(code), f"{code}.0", name] for code, name in STATUS_NAMES.items()},
    "service_level": {
        "full": ["4", "Toàn trình", "4.0"],
        "partial": ["3", "Một phần"],
        "other": [
            "", "1", "2", "Còn lại", "Cung cấp thông tin", "Dịch vụ cung cấp thông tin trực tuyến", "2.0",
        ],
    },
    "channel": {
        "direct": ["", "1", "Trực tiếp", "N/A"],
        "online": ["2", "Trực tuyến", "Online", "Qua mạng"],
        "postal": ["3", "Bưu chính", "Bưu chính công ích", "BCCI"],
    },
    "applicant_type": {
        "citizen": ["1", "Cá nhân", "Công dân"],
        "organisation": ["2", "Tổ chức", "Doanh nghiệp"],
        "other": ["3", "Hộ kinh doanh"],
    },
}  # fmt: skip
YES, NO = ["1", "true", "có", "x", "yes", "Có", "X", "1.0"], ["0", "false", "không", "no", "", "-", "Không"]
FLAGS = [
    "paid_online",
    "has_digitised_components",
    "has_electronic_result",
    "from_national_portal",
    "is_deleted",
]
TIMES = [
    "submitted_at", "received_at", "due_at", "supplement_requested_at", "completed_at", "returned_at",
]  # fmt: skip
BAD_TIMES = [
    "31/02/2023", "16/11/23", "11/16/2023", "2023/11/16", "hôm qua", "16/11/2023 25:00", "16.11/2023",
    "00/05/2023", "20231345", "20230230101010", "2023-02-29", "16/11/1850", "99999", "0912345678901",
]  # fmt: skip
# What offices write into free texts, and no kept text may bear; grouped in the ways that people group numbers.
WRITTEN_IN = [
    "của 097{n:09d}", "số 097 111 {n:03d} 222", "097.111.{n:04d}.22", "đt +84 90 {n:03d} 4567", "097–111–{n:03d}–222",
    "năm 2023", "QĐ 12/2023, 31/12/2023", "từ 01-2023", "xóa \x7f \x7f đi",
]  # fmt: skip
SCENARIOS = [
    ("plain", 46), ("paused", 8), ("withdrawn", 6), ("given_back", 3), ("refused", 3), ("reopened", 5),
    ("due_moved", 5), ("backdated", 4), ("equals_due", 3), ("deleted", 4), ("received_moved", 3),
    ("no_end", 4), ("crooked", 6),
]  # fmt: skip


@dataclass
class Dossier:
    """The truth about one dossier; `facts` do not change, `shown` tells its state in an export."""

    facts: Values
    scenario: str
    received: dt.datetime
    due: dt.datetime | None
    completed: dt.datetime
    returned: dt.datetime
    turn: int
    crooked: str
    vanishes: int
    supplements: list[Values] = field(default_factory=list)


def write_trap_landing(
    root: Path, seed: int, dossiers: int = 3000, exports: int = 6, *, contested: bool = False
) -> None:
    """Write the landing folder `root` anew; `contested` adds cases that the contract leaves open."""
    if root.exists():
        shutil.rmtree(root)
    root.mkdir(parents=True)
    _Writer(root, random.Random(seed), dossiers, exports).write(contested)


class _Writer:
    def __init__(self, root: Path, rng: random.Random, dossiers: int, exports: int) -> None:
        self.root, self.rng = root, rng
        self.stamps = self._stamps(exports)
        self.dossiers = [self._dossier(number) for number in range(dossiers)]

    # --- the truth

    def _stamps(self, exports: int) -> list[dt.datetime]:
        step = 360 // exports
        out = []
        for number in range(exports):
            day = dt.date(2023, 1, 3) + dt.timedelta(days=step * (number + 1) - self.rng.randrange(step // 2))
            clock = self.rng.choice([dt.time(23, 59, 59), dt.time(6, 30), dt.time(21, 5, 7), dt.time(0, 0)])
            out.append(dt.datetime.combine(day, clock))
        return out

    def _moment(self, day: dt.date) -> dt.datetime:
        if self.rng.random() < 0.4:
            return dt.datetime.combine(day, dt.time())
        office = dt.time(self.rng.randrange(24), self.rng.randrange(60), self.rng.choice([0, 0, 7, 59]))
        return dt.datetime.combine(day, office)

    def _dossier(self, number: int) -> Dossier:
        rng = self.rng
        span = (self.stamps[-1].date() - START).days
        received = START + dt.timedelta(days=rng.randrange(span))
        length = rng.choice([1, 3, 5, 10, 15, 30, 60])
        due = None if rng.random() < 0.08 else received + dt.timedelta(days=length)
        taken = max(0, length + rng.choice([-12, -5, -3, -2, -1, -1, 0, 0, 1, 4, 20, 90]))
        completed = received + dt.timedelta(days=taken)
        returned = completed + dt.timedelta(days=rng.choice([0, 0, 1, 3, 40]))
        code, name, place, level = rng.choice(PROCEDURES)
        agency, agency_name, *_ = rng.choice(AGENCIES)
        given = received if rng.random() < 0.7 else received - dt.timedelta(days=rng.randrange(4))
        facts: Values = {
            "dossier_code": f"{agency}-{given:%y%m%d}-{number:04d}",
            "procedure_code": code,
            "procedure_name": name
            if number % 9
            else f"{name} {WRITTEN_IN[number // 9 % len(WRITTEN_IN)].format(n=number)}",
            "field_code": FIELDS[place][0],
            "field_name": FIELDS[place][1],
            "agency_code": agency if rng.random() < 0.9 else rng.choice([None, "H33.99"]),
            "agency_name": agency_name,
            "service_level": level if rng.random() < 0.8 else "other",
            "channel": rng.choice(["direct", "online", "online", "postal"]),
            "applicant_type": rng.choice(["citizen", "citizen", "organisation", "other", None]),
            "applicant_name": f"Nguyễn Văn Thử {number}",
            "applicant_id": rng.choice(
                [f"098{number:09d}", f"98{number:09d}", f"{280000000 + number}", None, "000000001"]
            ),
            "applicant_phone": f"0900{number:06d}",
            "applicant_email": f"thu{number}@example.vn",
            "applicant_address": "Ấp 1; xã Thử, tỉnh Thử",
            "submitted_at": self._moment(given) if rng.random() < 0.8 else None,
            "fee_amount": rng.choice([None, 0, 1, 50000, 1500000]),
            "other_code": f"KHAC-{number % 7}" if rng.random() < 0.1 else None,
            **{flag: rng.random() < 0.4 for flag in FLAGS},
            "is_deleted": False,
        }
        scenario, *_ = rng.choices([s for s, _ in SCENARIOS], [weight for _, weight in SCENARIOS])
        if scenario in ("paused", "due_moved", "backdated", "equals_due"):
            completed += dt.timedelta(days=rng.choice([10, 45, 120]))
            returned += dt.timedelta(days=130)
        crooked = rng.choice(
            ["completed_before", "due_before", "returned_before", "future", "future_end", "code", "no_return"]
        )
        dossier = Dossier(
            facts, scenario, self._moment(received), self._moment(due) if due else None,
            self._moment(completed), self._moment(returned), rng.randrange(1, len(self.stamps) + 1),
            crooked, rng.choice([99, 99, 99, 99, rng.randrange(len(self.stamps) + 1)]),
        )  # fmt: skip
        if scenario == "paused" or rng.random() < 0.05:
            asked = self._moment(received + dt.timedelta(days=rng.randrange(0, 8)))
            for _ in range(rng.choice([1, 1, 2])):
                back = asked + dt.timedelta(days=rng.randrange(0, 12))
                open_end = rng.random() < 0.2
                dossier.supplements.append(
                    {"requested_at": asked, "resumed_at": None if open_end else back, "reason": "Bổ sung"}
                )
                asked = asked + dt.timedelta(days=rng.randrange(1, 9))
        return dossier

    def _shown(self, dossier: Dossier, number: int) -> Values | None:
        """The state of a dossier in an export, None when the export does not hold it."""
        stamp, rng = self.stamps[number], self.rng
        state: Values = {**dossier.facts, "received_at": dossier.received, "due_at": dossier.due}
        if number >= dossier.vanishes or rng.random() < 0.05:
            return None
        if stamp < dossier.received and dossier.crooked != "future":
            if rng.random() < 0.7:
                return None
            state["received_at"] = state["due_at"] = None
            return {**state, "status": 1}
        late, kind = number >= dossier.turn, dossier.scenario
        ended, handed = stamp >= dossier.completed, stamp >= dossier.returned
        state["status"] = 10 if handed else 9 if ended else rng.choice([2, 4])
        state["completed_at"] = dossier.completed if ended else None
        state["returned_at"] = dossier.returned if handed else None
        if kind == "paused" and not ended:
            state["status"] = rng.choice([5, 6])
            state["supplement_requested_at"] = dossier.supplements[0]["requested_at"]
        elif kind == "withdrawn" and ended:
            state["status"] = 7 if dossier.turn % 2 else 8
            state["returned_at"] = None
        elif kind == "given_back" and ended:
            state["result_kind"] = rng.choice(["Trả lại/Xin rút", "trả lại / xin rút", "Tra lai/Xin rut"])
        elif kind == "refused":
            state["status"] = 3
            if dossier.turn % 2:
                state["received_at"] = state["due_at"] = None
        elif kind == "reopened" and ended and number == dossier.turn:
            state.update(status=4, completed_at=None, returned_at=None)
        elif kind == "due_moved" and late and dossier.due:
            state["due_at"] = dossier.due + dt.timedelta(days=30 if dossier.turn % 3 else -2)
        elif kind == "backdated" and ended:
            if not late:
                state.update(status=4, completed_at=None, returned_at=None)
            else:
                state["completed_at"] = dossier.completed
        elif kind == "equals_due" and dossier.due:
            closed = late and stamp > dossier.due
            end = dossier.due if closed else None
            state.update(status=9 if closed else 4, completed_at=end, returned_at=None)
        elif kind == "deleted":
            state["is_deleted"] = number == dossier.turn or (late and dossier.turn % 2 == 0)
        elif kind == "received_moved" and late:
            state["received_at"] = dossier.received + dt.timedelta(days=2)
        elif kind == "no_end" and ended:
            state["completed_at"] = None
            state["returned_at"] = dossier.returned if handed and dossier.turn % 3 == 0 else None
            if number == dossier.turn and dossier.turn % 2:
                state["status"] = 4
        elif kind == "crooked":
            self._bend(dossier, state, ended, stamp)
        return state

    @staticmethod
    def _bend(dossier: Dossier, state: Values, ended: bool, stamp: dt.datetime) -> None:
        back = dossier.received - dt.timedelta(days=5)
        if dossier.crooked == "completed_before" and ended:
            state["completed_at"] = back
        elif dossier.crooked == "due_before":
            state["due_at"] = back
        elif dossier.crooked == "returned_before" and ended:
            state.update(status=10, returned_at=dossier.completed - dt.timedelta(days=3))
        elif dossier.crooked == "future":
            state["received_at"] = dossier.received + dt.timedelta(days=400)
        elif dossier.crooked == "future_end" and ended:
            state["completed_at"] = stamp.replace(hour=1) + dt.timedelta(days=20)
        elif dossier.crooked == "code":
            state["submitted_at"] = dossier.received - dt.timedelta(days=60)
            state["received_at"] = dossier.received + dt.timedelta(days=8)
        elif dossier.crooked == "no_return" and ended:
            state.update(status=10, returned_at=None)

    # --- spelling

    def _odd(self, text: str) -> str:
        """The same text for a reader that folds blanks, case, normal form and diacritics."""
        rng = self.rng
        changes: list[Callable[[str], str]] = [
            lambda t: t,
            lambda t: t,
            str.upper,
            str.lower,
            lambda t: unicodedata.normalize("NFD", t),
            lambda t: (
                "".join(c for c in unicodedata.normalize("NFD", t) if not unicodedata.combining(c))
                .replace("đ", "d")
                .replace("Đ", "D")
            ),
            lambda t: f" {t}  ",
            lambda t: t.replace(" ", "\u00a0"),
            lambda t: t.replace(" ", "   "),
            lambda t: t[:2] + "\u200b" + t[2:],
        ]
        return rng.choice(changes)(text)

    def _time_text(self, moment: dt.datetime) -> str:
        """One of the accepted spellings, none that loses anything."""
        m, rng = moment, self.rng
        separator = rng.choice("/.-")
        day = f"{m.day:02d}{separator}{m.month:02d}{separator}{m.year}"
        short = f"{m.day}{separator}{m.month}{separator}{m.year}"
        utc = m - dt.timedelta(hours=7)
        tokyo = m + dt.timedelta(hours=2)
        spellings = [
            f"{day} {m:%H:%M:%S}",
            f"{short} {m.hour}:{m:%M:%S}",
            f"{m:%Y%m%d%H%M%S}",
            f"{m:%Y-%m-%dT%H:%M:%S}",
            f"{m:%Y-%m-%d %H:%M:%S}",
            f"{utc:%Y-%m-%dT%H:%M:%S}Z",
            f"{m:%Y-%m-%dT%H:%M:%S}+07:00",
            f"{tokyo:%Y-%m-%dT%H:%M:%S}+09:00",
        ]
        if not m.second:
            spellings += [f"{day} {m:%H:%M}", f"{m:%Y-%m-%dT%H:%M}"]
        if m.time() == dt.time():
            spellings += [
                day,
                short,
                day,
                f"{m:%Y%m%d}",
                f"{m:%Y-%m-%d}",
                str((m - dt.datetime(1899, 12, 30)).days),
            ]
        else:
            spellings.append(repr(_serial(m)))
        return rng.choice(spellings)

    def _cell(self, column: str, value: Any, native: bool) -> object:
        """A cell of a kept column in a random accepted spelling; `native`: numbers and true dates too."""
        rng = self.rng
        if column in FLAGS:
            return rng.choice(YES if value else NO)
        if column in LISTS and (value is not None or column != "applicant_type"):
            text = rng.choice(LISTS[column][value])
            if native and text.isdigit():
                return int(text)
            return self._odd(text) if len(text) > 3 and not text[0].isdigit() else text
        if value is None:
            return rng.choice(["", "", "", "-", "NULL", "n/a", " ", "\u00a0"])
        if column in TIMES:
            if native and rng.random() < 0.6:
                return value if rng.random() < 0.7 else _serial(value)
            return self._time_text(value)
        if column == "applicant_id" and native and len(value) == 11:
            return int(value)
        if column == "fee_amount":
            if native and rng.random() < 0.5:
                return value
            dots = f"{value:,}".replace(",", ".")
            return rng.choice([str(value), dots, f"{dots} đ", f"{dots} VNĐ", f"{value} đ"])
        return value

    def _bad(self, row: Values) -> None:
        """Spoil one cell of an already spelled row so that the row must be rejected."""
        rng = self.rng
        column, cells = rng.choice(
            [
                ("dossier_code", ["", "-"]),
                ("procedure_code", ["NULL", "\u200b"]),
                ("service_level", ["5", "Toàn phần"]),
                ("channel", ["4", "Điện thoại"]),
                *((time, BAD_TIMES) for time in TIMES if time != "supplement_requested_at"),
                (
                    "fee_amount",
                    ["miễn phí", "1.50", "12,5", "1.5000 đ", "1000000000000001", "9.223.372.036.854.775.807 đ"],
                ),
                ("paid_online", ["2", "chưa rõ"]),
                ("has_digitised_components", ["?"]),
                ("is_deleted", ["đã"]),
                ("status", ["11", "Đang chờ", ""] if not _blank(row["received_at"]) else [""]),
            ]
        )
        if column == "status" and _blank(row["received_at"]):
            return  # which of the two columns is bad first is contested
        if column in row:
            row[column] = rng.choice(cells)

    # --- files

    def write(self, contested: bool) -> None:
        formats = [
            self._csv(",", "utf-8", ".csv"),
            self._csv(";", "utf-8-sig", ".CSV"),
            self._csv("\t", "utf-16-le", ".csv"),
            self._csv("|", "utf-16-be", ".csv"),
            self._csv(";", "cp1258", ".csv"),
            self._csv_gz,
            self._xlsx,
            self._xlsx_text,
            self._xls,
            self._xlsx_in_xls,
            self._html,
            self._json,
            self._json_wrapped,
            self._jsonl,
        ]
        chunks = max(2, -(-len(formats) // len(self.stamps)))
        at = self.rng.randrange(len(formats))
        for number, stamp in enumerate(self.stamps):
            parts: list[list[Values]] = [[] for _ in range(chunks)]
            for dossier in self.dossiers:
                state = self._shown(dossier, number)
                if state is None:
                    continue
                state["_supplements"] = dossier.supplements
                state["_as_of"] = stamp
                home = self.rng.randrange(chunks)
                parts[home].append(state)
                if self.rng.random() < 0.03:
                    again = dict(state, status=self.rng.choice([2, 4]), completed_at=None, returned_at=None)
                    parts[self.rng.choice([home, self.rng.randrange(chunks)])].append(again)
            for part, rows in enumerate(parts):
                self.rng.shuffle(rows)
                formats[at % len(formats)](self._name(stamp, f"{part}{'abc'[at % 3]}"), stamp, rows)
                at += 1
        self._registers()
        self._plain_supplements()
        OtherSources(self.root, self.rng, self.stamps, [d.facts["dossier_code"] for d in self.dossiers]).write()
        self._special_files()
        if contested:
            self._contested_files()

    def _name(self, stamp: dt.datetime, label: str) -> str:
        """A file name below the source folder, without its extension, with the stamp in some spelling."""
        rng = self.rng
        date = rng.choice(["%Y%m%d", "%Y-%m-%d", "%Y_%m_%d"])
        clocks = ["T%H%M%S", "_%H%M%S", "-%H-%M-%S", " %H.%M.%S", "%H%M%S", "_%H_%M_%S"]
        if not stamp.second:
            clocks += ["_%H%M", "T%H-%M", " %H.%M", "-%H:%M"]
        if stamp.time() == dt.time(23, 59, 59):
            clocks += ["", "", "_v2", "_2461", "__0830", "_8"]
        name = stamp.strftime(date + rng.choice(clocks))
        before = rng.choice(["hoso", "Hồ sơ ", "20220101_20221231_", "bc-", "000", "xuat_2023_13_45_"])
        if before == "000":
            before = "000."
        folder = rng.choice(["", "", "2023/", "Sở Tư pháp/đợt 1/"])
        return f"{folder}{before}{label}_{name}"

    def _names_used(self, json_like: bool) -> dict[str, list[str]]:
        """For each column the headers a file writes: mostly one, sometimes two side by side."""
        used: dict[str, list[str]] = {}
        for column in SOURCES["dossiers"]:
            optional_text = column.name in (
                "procedure_name", "field_name", "agency_name", "applicant_name", "applicant_phone",
                "applicant_email", "applicant_address", "other_code", "agency_code",
            )  # fmt: skip
            if optional_text and self.rng.random() < 0.15:
                continue
            names = [n for n in column.names if n != "DuocThanhToanTrucTuyen"]
            picked = [names[-1]] if json_like and self.rng.random() < 0.7 else [self.rng.choice(names)]
            if len(names) > 1 and self.rng.random() < 0.15:
                picked.append(self.rng.choice([n for n in names if n not in picked]))
            used[column.name] = picked
        return used

    def _spread(self, column: str, cell: object, names: list[str]) -> list[object]:
        """One column's cell under the names that stand side by side: the first filled in listed order."""
        if len(names) == 1:
            return [cell]
        listed = next(c for c in SOURCES["dossiers"] if c.name == column).names
        first, second = sorted(names, key=listed.index)
        if _blank(cell):
            placed: dict[str, object] = {first: cell, second: ""}
        elif self.rng.random() < 0.5 or column in ("is_deleted",):
            placed = {first: cell, second: "" if column in TIMES else cell}
        else:
            placed = {first: "", second: cell}
        return [placed[name] for name in names]

    def _spelled(self, state: Values, native: bool) -> Values:
        row = {column.name: self._cell(column.name, state.get(column.name), native) for column in SOURCES["dossiers"]}
        if self.rng.random() < 0.012:
            self._bad(row)
        return row

    def _grid(self, rows: list[Values], native: bool, plain: bool = False) -> writers.Cells:
        """A table with everything that offices put around one."""
        rng = self.rng
        used = self._names_used(json_like=False)
        headers = [(column, name) for column, names in used.items() for name in names]
        split_fee = rng.random() < 0.3
        order = list(used)
        rng.shuffle(order)
        head: list[object] = ["STT"]
        for column in order:
            if column == "fee_amount" and split_fee:
                head += [self._odd("Phí"), self._odd("Lệ phí")]
            else:
                head += [self._odd(name) for name in used[column]]
        head += ["Ghi chú", "Người xử lý hồ sơ"]
        assert headers
        grid: writers.Cells = []
        if not plain:
            grid += [["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"], [], ["", "DANH SÁCH HỒ SƠ, kỳ 2023"], [""] * 3]
        grid.append(head)
        if rng.random() < 0.6:
            width = len(head)
            numbers: list[object] = [f"({n})" for n in range(1, width + 1)]
            if rng.random() < 0.5:
                numbers = [str(n) if not native else n for n in range(1, width + 1)]
            elif width > 6:
                numbers[2], numbers[5] = "(3)=(4)+(5)", ""
            grid.append(numbers)
        for number, state in enumerate(rows, start=1):
            row = self._spelled(state, native)
            line: list[object] = [number if native else str(number)]
            for column in order:
                if column == "fee_amount" and split_fee:
                    line += self._fee_parts(state.get("fee_amount"), row["fee_amount"])
                else:
                    line += self._spread(column, row[column], used[column])
            line += [
                rng.choice(["", "ghi chú; có, dấu | \t phân cách", 'dòng "1"\nxuống dòng']),
                rng.choice(["Trần Thị Thử", "", ""]),
            ]
            if rng.random() < 0.03:
                grid.append([rng.choice([f"I.{number} Cấp tỉnh", "Cấp huyện", "UBND xã"])])
            if rng.random() < 0.01:
                grid.append(rng.choice([[], [""] * 4]))
            if rng.random() < 0.005:
                grid.append(["Cộng", *[""] * (len(head) - 2), "12"])
            grid.append(line)
        total = rng.choice(["Tổng số", "TỔNG CỘNG: 12 hồ sơ", "Cộng", "tong so", "TỔNG SỐ"])
        grid += [[total], [], ["", "", "", "Kiên Giang, ngày 16 tháng 11 năm 2023"], ["NGƯỜI LẬP BIỂU"]]
        return grid

    def _fee_parts(self, fee: int | None, spelled: object) -> list[object]:
        """`Phí` and `Lệ phí` that add up to the fee; a spoiled cell stays spoiled."""
        if fee is None or not str(spelled).rstrip(" đVNĐ").replace(".", "").isdigit():
            return [spelled, ""]
        return [str(fee // 4), f"{fee - fee // 4} đ"] if self.rng.random() < 0.5 else ["", str(fee)]

    def _csv(self, separator: str, encoding: str, extension: str) -> Callable[..., None]:
        def write(name: str, stamp: dt.datetime, rows: list[Values]) -> None:
            grid = self._grid(rows, native=False)
            for at, line in enumerate(grid):
                if at > 6 and len(line) > 8 and self.rng.random() < 0.01:
                    line.append("thừa")
                elif self.rng.random() < 0.05:
                    while line and line[-1] == "":
                        line.pop()
            newline = self.rng.choice(["\r\n", "\n"])
            put(
                self.root / "dossiers" / (name + extension),
                writers.csv_bytes(grid, separator, encoding, newline),
            )

        return write

    def _csv_gz(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        data = writers.csv_bytes(self._grid(rows, native=False), ";", "utf-8")
        put(self.root / "dossiers" / f"{name}.csv.gz", writers.gz_bytes(data))

    def _xlsx(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        cover: writers.Cells = [["Bìa"], ["Mã hồ sơ", "không phải bảng"]]
        data = writers.xlsx_bytes(self._grid(rows, native=True), before=[cover])
        put(self.root / "dossiers" / f"{name}.xlsx", writers.stable_zip(data))

    def _xlsx_text(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        data = writers.xlsx_bytes(self._grid(rows, native=False))
        put(self.root / "dossiers" / f"{name}.XLSX", writers.stable_zip(data))

    def _xls(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        put(self.root / "dossiers" / f"{name}.xls", writers.xls_bytes(self._grid(rows, native=True)))

    def _xlsx_in_xls(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        data = writers.xlsx_bytes(self._grid(rows, native=True))
        put(self.root / "dossiers" / f"{name}.xls", writers.stable_zip(data))

    def _html(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        put(self.root / "dossiers" / f"{name}.xls", writers.html_bytes(self._grid(rows, native=False)))

    def _records(self, rows: list[Values], nested: bool) -> list[object]:
        rng = self.rng
        used = self._names_used(json_like=True)
        out: list[object] = []
        for state in rows:
            row = self._spelled(state, native=False)
            record: Values = {"GhiChu": "ghi chú"}
            for column, names in used.items():
                cell: object = row[column]
                if column in TIMES and isinstance(state.get(column), dt.datetime) and rng.random() < 0.3:
                    kept = cell in BAD_TIMES
                    cell = cell if kept else f"{state[column]:%Y%m%d%H%M%S}"
                elif column in FLAGS and cell in YES + NO and rng.random() < 0.3:
                    cell = bool(state.get(column))
                elif column in LISTS and isinstance(cell, str) and cell.isdigit() and rng.random() < 0.3:
                    cell = rng.choice([int(cell), float(cell)])
                elif column not in LISTS and _blank(cell) and rng.random() < 0.5:
                    cell = None
                if nested and column in ("has_electronic_result", "from_national_portal", "paid_online"):
                    continue
                if nested and column == "fee_amount" and state.get("fee_amount") != 0:
                    continue
                if rng.random() < 0.001:
                    cell = rng.choice([{"Ma": "097111222333"}, ["Trần Thị Thử"], {}, []])
                for name, part in zip(names, self._spread(column, cell, names), strict=True):
                    if part is None and rng.random() < 0.5:
                        continue
                    record[self._odd_key(name)] = part
            if nested:
                self._nest(record, state)
            out.append(record)
        return out

    def _odd_key(self, name: str) -> str:
        return self._odd(name) if " " in name and self.rng.random() < 0.02 else name

    def _nest(self, record: Values, state: Values) -> None:
        rng, fee = self.rng, state.get("fee_amount")
        record["NoiNopHoSo"] = rng.choice([1, "1"]) if state["from_national_portal"] else rng.choice([2, "2"])
        record["DanhSachGiayToKetQua"] = [{"TenGiayTo": "Giấy"}] if state["has_electronic_result"] else []
        record["DuocThanhToanTrucTuyen"] = rng.choice([1, 2, "2"] if state["paid_online"] else [0, 3, "3"])
        if fee is None:
            record["DanhSachLePhi"] = []
        elif fee:
            prices = [{"Gia": fee // 2}, {"Gia": str(fee - fee // 2)}, {"Gia": None, "TenPhiLePhi": "x"}]
            record["DanhSachLePhi"] = prices
        shown = [s for s in state["_supplements"] if s["requested_at"] <= state["_as_of"]]
        if shown:
            record["DanhSachHoSoBoSung"] = [self._supplement(s, state["_as_of"]) for s in shown]

    def _supplement(self, row: Values, stamp: dt.datetime) -> Values:
        back = row["resumed_at"]
        spelled = self._time_text(back) if back and back <= stamp else self.rng.choice([None, ""])
        asked = self._time_text(row["requested_at"])
        if self.rng.random() < 0.03:
            asked = self.rng.choice(["31/02/2023", ""])
        return {"NgayBoSung": asked, "NgayTiepNhanBoSung": spelled, "TrangThaiBoSung": row["reason"]}

    def _json(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        put(self.root / "dossiers" / f"{name}.json", writers.json_bytes(self._records(rows, False), indent=1))

    def _json_wrapped(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        data = writers.json_bytes(self._records(rows, True), wrapped=True)
        put(self.root / "dossiers" / f"{name}.json", data)

    def _jsonl(self, name: str, stamp: dt.datetime, rows: list[Values]) -> None:
        records = self._records(rows, nested=self.rng.random() < 0.5)
        records.insert(len(records) // 2, ["không phải", "đối tượng"])
        put(self.root / "dossiers" / f"{name}.jsonl", writers.jsonl_bytes(records))

    # --- other sources

    def _plain_supplements(self) -> None:
        for number, stamp in enumerate(self.stamps[::2]):
            grid: writers.Cells = [["Mã hồ sơ", "Ngày bổ sung", "Ngày tiếp nhận bổ sung", "Trạng thái bổ sung"]]
            for dossier in self.dossiers:
                for row in dossier.supplements:
                    if row["requested_at"] <= stamp and self.rng.random() < 0.5:
                        spelled = self._supplement(row, stamp)
                        cells = [spelled[k] or "" for k in ("NgayBoSung", "NgayTiepNhanBoSung")]
                        grid.append([dossier.facts["dossier_code"], *cells, row["reason"]])
            name = f"bosung_{stamp:%Y%m%d_%H%M%S}_{number}.csv"
            put(self.root / "supplements" / name, writers.csv_bytes(grid, ";", "utf-8-sig"))

    def _registers(self) -> None:
        first, middle = self.stamps[0], self.stamps[len(self.stamps) // 2]
        head: list[object] = [
            "agency_code", "agency_name", "level", "commune_code", "uses_e_office", "valid_from", "valid_to",
            "has_internal_process", "has_electronic_process",
        ]  # fmt: skip
        early: writers.Cells = [head]
        for code, name, level, commune in AGENCIES:
            early.append(
                [
                    code,
                    name,
                    self._odd(level),
                    commune or "",
                    "x",
                    "01/01/2020",
                    "",
                    *self.rng.choices(YES + NO, k=2),
                ]
            )
        later: writers.Cells = [
            head,
            ["H33.31.01", "UBND phường Vĩnh Bảo", "xã", "30742", "có", "01/07/2023", "", "x"],
            ["H33.12", "Sở Công Thương", "tỉnh", "", "có", "01/01/2020", "2023-06-01", 1, 0],
        ]
        folder = self.root / "registers" / "agencies"
        put(folder / f"donvi_{first:%Y%m%d}.csv", writers.csv_bytes(early, ",", "utf-8"))
        put(folder / f"donvi_{middle:%Y-%m-%d}.xlsx", writers.stable_zip(writers.xlsx_bytes(later)))
        procedures: writers.Cells = [["procedure_code", "procedure_name", "service_level", "is_online", "valid_from"]]
        for code, name, _, _ in PROCEDURES[:-1]:
            procedures.append(
                [code, name, *self.rng.choice([["Toàn trình", "x"], ["3", "có"], ["1", ""]]), "01/01/2021"]
            )
        path = self.root / "registers" / "procedures" / f"tthc_{first:%Y%m%d}.csv"
        put(path, writers.csv_bytes(procedures, ";", "utf-8-sig"))

    # --- whole-file traps

    def _small(self, label: str, rows: int, **over: Any) -> writers.Cells:
        """A small plain table whose dossiers are its own."""
        head: list[object] = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận", "Ngày hẹn trả", "Kênh"]
        grid: writers.Cells = [head]
        for number in range(rows):
            line: list[object] = [
                f"H33.77-230105-{label}{number}", "2.000815", "4", "05/01/2023", "20/01/2023", "Trực tiếp",
            ]  # fmt: skip
            grid.append([over.get(str(name), cell) for name, cell in zip(head, line, strict=True)])
        return grid

    def _special_files(self) -> None:
        day = self.stamps[len(self.stamps) // 2]
        tag = f"{day:%Y%m%d_%H%M%S}"
        folder = self.root / "dossiers"

        def table(label: str, grid: writers.Cells, extension: str = ".csv") -> bytes:
            data = writers.csv_bytes(grid, ";", "utf-8")
            if extension == ".xlsx":
                data = writers.stable_zip(writers.xlsx_bytes(grid))
            put(folder / f"{label}_{tag}{extension}", data)
            return data

        table("thieu-cot", [[cell for cell in row if row.index(cell) != 1] for row in self._small("A", 3)])
        twice = self._small("B", 3)
        twice[0].append("MÃ HỒ SƠ")
        table("trung-cot", twice)
        unknown_twice = self._small("C", 2)
        unknown_twice[0] += ["Ghi chú", "Ghi chú"]
        table("trung-cot-la", unknown_twice)
        shifted = self._small("D", 6)
        table("lech-cot", [shifted[0], *[["", *row[:-1]] for row in shifted[1:]]])
        few = self._small("E", 4)
        table("lech-cot-it", [few[0], *[[*row[:2], "", *row[2:-1]] for row in few[1:]]])
        names = self._small("F", 7)
        table("lech-ngay", [names[0], *[[*row[:4], "Trần Thị Thử", row[5]] for row in names[1:]]])
        half = self._small("G", 6)
        table(
            "nua-hong",
            [half[0], *[[*r[:4], "hỏng" if i < 3 else r[4], r[5]] for i, r in enumerate(half[1:])]],
        )
        rare = self._small("Y", 9)
        rare[0].append("Ngày yêu cầu bổ sung")
        rare[4].append("31/02/2023")
        table("mot-o-hong-trong-cot-thua", rare)
        channels = self._small("H", 5, **{"Kênh": "Ngoài trời"})
        table("lech-ma", channels)
        required_empty = self._small("I", 5, **{"Mã TTHC": ""})
        table("cot-trong", required_empty)
        no_received = [[cell for at, cell in enumerate(row) if at != 3] for row in self._small("J", 3)]
        no_received[2][2] = "1"
        table("khong-ngay-nhan", no_received)
        table("chi-co-tieu-de", self._small("K", 0))
        table("chi-co-tieu-de-2", [["BÁO CÁO"], *self._small("K", 0), [], ["Tổng số", "", "", "0"]], ".xlsx")
        table("mot-cot", [["không có bảng nào"], ["ở đây"]])
        table("rong", [[]], ".csv")
        put(folder / f"khong-byte_{tag}.csv", b"")
        put(folder / f"mang-rong_{tag}.json", b"[]")
        put(folder / f"mang-rong-2_{tag}.json", b'{"data": []}')
        put(folder / f"thieu-khoa_{tag}.json", b'[{"MaHoSo": "H33.77-230105-X", "MaTTHC": "1"}]')
        part = b'[{"MaHoSo":"H33.77-230105-Y","MaTTHC":"1"},{"MaHoSo":"H33.77-230105-Z","TrangThai":1}]'
        put(folder / f"khoa-le_{tag}.json", part)

        good = writers.csv_bytes(self._small("L", 40), ",", "utf-8")
        put(folder / f"cut_{tag}.csv.gz", writers.gz_bytes(good)[:-40])
        put(folder / f"khong-phai-gz_{tag}.csv.gz", good)
        workbook = writers.stable_zip(writers.xlsx_bytes(self._small("M", 40)))
        put(folder / f"cut_{tag}.xlsx", workbook[: len(workbook) * 2 // 3])
        put(folder / f"rac_{tag}.xlsx", b"khong phai bang tinh" * 9)
        put(
            folder / f"cut_{tag}.json",
            b'[{"MaHoSo": "H33.77-230105-N1", "MaTTHC": "1", "TrangThai": 4}, {"MaHo',
        )
        put(folder / f"rac_{tag}.json", b"<xml>khong</xml>")
        put(folder / f"cut_{tag}.csv", good + b'H33.77-230105-N2,2.000815,4,"05/01/2023,20/01')
        put(folder / f"khoa_{tag}.xls", writers.encrypted_xls_bytes(self._small("O", 6)))
        put(folder / f"khoa_{tag}.xlsx", writers.encrypted_xlsx_bytes())

        put(folder / "khong co ngay.csv", good)
        put(folder / "ngay_sai_20230231.csv", good)
        put(folder / "dinh_so_120230105.csv", good)
        put(folder / f"van_ban_{tag}.docx", b"PK")
        put(folder / f"ghi_chu_{tag}.txt", b"ghi chu")
        put(folder / f"nen_{tag}.gz", writers.gz_bytes(good))
        put(self.root / f"lac_{tag}.csv", good)
        put(self.root / "khong_ro" / f"hoso_{tag}.csv", good)
        put(self.root / "registers" / "khong_ro" / f"ds_{tag}.csv", good)
        put(self.root / "registers" / f"ds_{tag}.csv", good)
        for name in (
            "~$hoso.xlsx",
            ".an.csv",
            "dang-chep.tmp",
            "dang-chep.csv.part",
            "Thumbs.db",
            ".kho/hoso.csv",
        ):
            put(folder / name, good)

        same = writers.csv_bytes(self._small("P", 3), ",", "utf-8")
        later = self.stamps[-1] + dt.timedelta(days=40)
        put(folder / f"giong_a_{tag}.csv", same)
        put(folder / f"giong_b_{tag}.csv", same)
        put(folder / f"giong_c_{later:%Y%m%d}.csv", same)
        put(folder / f"ve sau/{later:%Y-%m-%d}T0705.csv", writers.csv_bytes(self._small("Q", 9), ";", "utf-8"))
        before = self.stamps[0] - dt.timedelta(days=200)
        put(folder / f"tre {before:%Y_%m_%d}.csv", writers.csv_bytes(self._small("P", 4), "|", "utf-8"))

        quoted = self._small("R", 4)
        quoted[0][5] = "Kênh  thực\nhiện"
        quoted[0] += ["Địa chỉ, nơi ở", "Tên TTHC"]
        for number, row in enumerate(quoted[1:]):
            row += ["a,b;c|d", f'"Trích\nlục" số {number}, bản\r\nsao']
        data = writers.csv_bytes(quoted, ",", "utf-8")
        put(folder / f"ngoac_{tag}.csv", data)

    def _contested_files(self) -> None:
        """Cases that the contract leaves open; see the list in `tests.support.oracle`."""
        tag = f"{self.stamps[0]:%Y%m%d_%H%M%S}"
        folder = self.root / "dossiers"
        police = self._small("S", 3)
        police = [["Đơn vị xử lý", *police[0]], *[["Công an huyện Kiên Hải", *row] for row in police[1:]]]
        put(folder / f"congan_{tag}.csv", writers.csv_bytes(police, ";", "utf-8"))
        both = self._small("T", 3, **{"Trạng thái": "99", "Ngày tiếp nhận": ""})
        put(folder / f"hai-loi_{tag}.csv", writers.csv_bytes(both, ";", "utf-8"))
        extra = self._small("U", 3, **{"Trạng thái": "99"})
        put(
            folder / f"thua-va-loi_{tag}.csv",
            writers.csv_bytes([*extra[:1], *[[*r, "x"] for r in extra[1:]]], ";", "utf-8"),
        )
        lines = writers.jsonl_bytes([{"MaHoSo": "H33.77-230105-V", "MaTTHC": "1", "TrangThai": 1}])
        put(folder / f"cut_{tag}.jsonl", lines + b'{"MaHoSo": "H33.77-2301')
        bare = [{"MaHoSo": "KHONGGACH", "MaTTHC": "1", "TrangThai": 4, "NgayTiepNhan": "20230105"}]
        put(folder / f"khong-gach_{tag}.json", writers.json_bytes(bare))
        mixed = [{"MaHoSo": "H33.77-230105-W", "MaTTHC": "1", "TrangThai": 1}, "chuỗi"]
        put(folder / f"lan_{tag}.json", writers.json_bytes(mixed))


def _blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip(" \u00a0") in ("", "-", "NULL", "n/a", "N/A"))


def _serial(moment: dt.datetime) -> float:
    return (moment - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
