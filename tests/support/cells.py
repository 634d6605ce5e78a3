"""One cell at a time, as docs/landing-contract.md 2 says: text, time stamps, numbers, code lists.

Every reader takes a cleaned, filled cell and raises `Unreadable` when the contract does not allow it.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from functools import lru_cache

ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
MISSING_WORDS = {"", "-", "null", "n/a"}
LARGEST_INTEGER, LARGEST_MONEY, LARGEST_DECIMAL = 2**31 - 1, 10**15, 10.0**100
GROUPING = set(" .·．+＋-‐‑‒–—―−－")
VIETNAM = dt.timezone(dt.timedelta(hours=7))
EXCEL_EPOCH = dt.datetime(1899, 12, 30)

DAY_FIRST = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?: ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?")
ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


class Unreadable(ValueError):
    """A filled cell that the contract cannot read; `reason` is `unreadable` or `unknown_code`."""

    def __init__(self, reason: str = "unreadable") -> None:
        super().__init__(reason)
        self.reason = reason


@lru_cache(1 << 16)
def tidy(text: str) -> str:
    """NFC, no zero-width characters, every run of blanks one blank, trimmed."""
    return " ".join(unicodedata.normalize("NFC", text).translate(ZERO_WIDTH).split())


@lru_cache(1 << 16)
def fold(text: str) -> str:
    """As headers are compared: tidy, lower case, without diacritics (đ = d)."""
    decomposed = unicodedata.normalize("NFD", tidy(text).lower().replace("đ", "d"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def clean(raw: object) -> object | None:
    """The cell, or None when it is missing."""
    if isinstance(raw, str):
        text = tidy(raw)
        return None if text.lower() in MISSING_WORDS else text
    return raw


def as_text(cell: object) -> str:
    """Text of any cell; a whole number is its plain digits."""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def hide_numbers(text: str) -> str:
    """Nine digits or more become nine stars, also where blanks, dots, dashes or a plus stand between them."""
    out, at = "", 0
    while at < len(text):
        if not text[at].isdecimal():
            out, at = out + text[at], at + 1
            continue
        digits = [at]
        for place in range(at + 1, len(text)):
            if text[place].isdecimal():
                digits.append(place)
            elif text[place] not in GROUPING:
                break
        end = digits[-1] + 1
        out, at = out + ("*" * 9 if len(digits) >= 9 else text[at:end]), end
    return out


def without_controls(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char) != "Cc")


def read_text(cell: object) -> str | None:
    """Free text as it is kept: control characters removed, long numbers hidden; None where nothing is left."""
    kept = clean(without_controls(as_text(cell)))
    return None if kept is None else hide_numbers(str(kept))


def shown(text: str) -> str:
    """What may be seen of an unreadable cell: the cell when it bears no letter, else its shape."""
    text = without_controls(text)
    kinds = [unicodedata.category(char) for char in text]
    if not any(kind[0] == "L" for kind in kinds):
        return hide_numbers(text)
    return "".join(
        "a" if kind[0] in "LM" else "9" if kind == "Nd" else char for char, kind in zip(text, kinds, strict=True)
    )


def _moment(year: str, month: str, day: str, *clock: str | None) -> dt.datetime:
    hour, minute, second = (int(part or 0) for part in clock)
    try:
        moment = dt.datetime(int(year), int(month), int(day), hour, minute, second)
    except ValueError:
        raise Unreadable from None
    if not 1900 <= moment.year <= 2100:
        raise Unreadable
    return moment


def read_time(cell: object) -> dt.datetime:
    """A naive moment in Asia/Ho_Chi_Minh, whole seconds."""
    if isinstance(cell, bool):
        raise Unreadable
    if isinstance(cell, dt.datetime):
        return (cell + dt.timedelta(microseconds=500_000)).replace(microsecond=0)
    if isinstance(cell, dt.date):
        return dt.datetime(cell.year, cell.month, cell.day)
    if not isinstance(cell, str | int | float):
        raise Unreadable
    text = as_text(cell)
    if found := DAY_FIRST.fullmatch(text):
        day, _, month, year, *clock = found.groups()
        return _moment(year, month, day, *clock)
    if re.fullmatch(r"[0-9]{8}", text):
        return _moment(text[:4], text[4:6], text[6:8], None, None, None)
    if re.fullmatch(r"[0-9]{14}", text):
        return _moment(text[:4], text[4:6], text[6:8], text[8:10], text[10:12], text[12:14])
    if found := ISO.fullmatch(text):
        year, month, day, hour, minute, second, offset = found.groups()
        moment = _moment(year, month, day, hour, minute, second)
        if offset and offset != "Z":
            sign = -1 if offset[0] == "-" else 1
            digits = offset[1:].replace(":", "").ljust(4, "0")
            if digits > "1400" or digits[2:] > "59":
                raise Unreadable
            shift = sign * dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
            return moment - shift + dt.timedelta(hours=7)
        return moment + dt.timedelta(hours=7) if offset else moment
    if re.fullmatch(r"[0-9]{5}(?:\.[0-9]+)?", text) and 20000 <= float(text) <= 80000:
        return EXCEL_EPOCH + dt.timedelta(seconds=int(float(text) * 86400 + 0.5))
    raise Unreadable


def read_partial_date(cell: object) -> dt.datetime | str:
    """A full date, or the text of a bare year or month."""
    text = as_text(cell)
    month = re.fullmatch(r"(?:([0-9]{1,2})[/.-])?([0-9]{4})|([0-9]{4})-([0-9]{2})", text)
    if month and not isinstance(cell, dt.date):
        number = month[1] or month[4]
        if (number is None or 1 <= int(number) <= 12) and 1900 <= int(month[2] or month[3]) <= 2100:
            return text
        raise Unreadable
    return read_time(cell)


def _within(number: int, largest: int) -> int:
    if abs(number) > largest:
        raise Unreadable
    return number


def read_integer(cell: object) -> int:
    return _within(_whole(cell), LARGEST_INTEGER)


def _whole(cell: object) -> int:
    if isinstance(cell, bool):
        raise Unreadable
    if isinstance(cell, int):
        return cell
    if isinstance(cell, float):
        if cell.is_integer():
            return int(cell)
        raise Unreadable
    if isinstance(cell, str) and re.fullmatch(r"-?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)", cell):
        return int(cell.replace(".", ""))
    raise Unreadable


def read_money(cell: object) -> int:
    if isinstance(cell, str):
        cell = re.sub(r" ?(?:đ|vnđ)$", "", cell, flags=re.IGNORECASE)
    return _within(_whole(cell), LARGEST_MONEY)


def money_sum(amounts: list[int]) -> int:
    return _within(sum(amounts), LARGEST_MONEY)


def read_decimal(cell: object) -> float:
    value = _decimal(cell)
    if not abs(value) <= LARGEST_DECIMAL:
        raise Unreadable
    return value


def _decimal(cell: object) -> float:
    if isinstance(cell, bool):
        raise Unreadable
    if isinstance(cell, int | float):
        return float(cell)
    if isinstance(cell, str) and (found := re.fullmatch(r"(-?[0-9]+(?:[.,][0-9]+)?)(%?)", cell)):
        value = float(found[1].replace(",", "."))
        return value / 100 if found[2] else value
    raise Unreadable


def list_key(cell: object) -> str:
    """How a code-list, flag or result_kind cell is compared."""
    key = re.sub(r" ?/ ?", "/", fold(as_text(cell)))
    return re.sub(r"^([0-9]+)\.0$", r"\1", key)


def read_identity(cell: object) -> str:
    text = as_text(cell)
    return text.zfill(12) if re.fullmatch(r"[0-9]{10,11}", text) else text
