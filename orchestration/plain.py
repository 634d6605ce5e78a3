"""Text for a terminal, a spreadsheet or a JSON reader: nothing in it moves the cursor, forges a line or computes."""

from __future__ import annotations

import json
import re
from datetime import date, time
from decimal import Decimal
from functools import cache
from typing import Any

from orchestration.sql import literal

# Control characters (C0, DEL, C1), line and paragraph separators, marks that turn the writing direction, and what is
# no character, which no XML may hold.
_RANGES = (
    (0, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x200E, 0x200F), (0x2028, 0x202E), (0x2066, 0x2069), (0xFFFE, 0xFFFF)
)  # fmt: skip
# Besides them halves of characters, which no terminal can print and no database holds.
_CONTROL = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in _RANGES)}\ud800-\udfff]")
# What a spreadsheet takes for a formula (OWASP, CSV Injection), also full-width or small, after blanks that it skips.
_BLANK = "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_FORMULA = f"[{_BLANK}]*[=+\\-@＝＋－＠﹦﹢﹣﹫]|[\t\r\n]"
_IS_FORMULA = re.compile(_FORMULA)


def visible(text: object) -> str:
    """Text on one line, each control character shown as a sign of its own: `␛`, `␊`, `\\u202e`."""
    return _CONTROL.sub(lambda found: _sign(ord(found[0])), str(text))


def _sign(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def cell(value: Any) -> Any:
    """A value for CSV: text that a spreadsheet would take for a formula gets an apostrophe, numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, (int, float, Decimal, date, time)):
        return value
    text = str(value)
    return ("'" if _IS_FORMULA.match(text) else "") + visible(text)


def cell_in_sql(x: str) -> str:
    """`cell` of a text, as SQL."""
    return _cell_in_sql().replace("$x", x)


@cache
def _cell_in_sql() -> str:
    shown = "$x"
    for code in (code for first, last in _RANGES for code in range(first, last + 1)):
        shown = f"replace({shown}, chr({code}), {literal(_sign(code))})"
    control = "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in _RANGES)
    formula = f"regexp_matches($x, {literal(f'^(?:{_FORMULA})')})"
    return f"if({formula}, '''', '') || if(regexp_matches($x, '[{control}]'), {shown}, $x)"


def as_json(value: Any) -> str:
    """JSON with letters as they are and every control character escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=1, default=_as_json)
    # The line breaks between values are ours; inside of text, json.dumps has escaped them.
    return "\n".join(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in text.split("\n"))


def _as_json(value: Any) -> float | str:
    return float(value) if isinstance(value, Decimal) else str(value)
