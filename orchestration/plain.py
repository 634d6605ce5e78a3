"""Text for a terminal, a spreadsheet or a JSON reader: nothing in it moves the cursor, forges a line or computes."""

from __future__ import annotations

import json
import re
from typing import Any

# Control characters (C0, DEL, C1), line and paragraph separators, marks that turn the writing direction, halves of
# characters, which no terminal can print, and what is no character, which no XML may hold.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r]")


def visible(text: object) -> str:
    """Text on one line, each control character shown as a sign of its own: `␛`, `␊`, `\\u202e`."""
    return _CONTROL.sub(_sign, str(text))


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def cell(value: Any) -> Any:
    """A value for CSV: text that a spreadsheet would take for a formula gets an apostrophe, numbers stay numbers."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    return ("'" if _FORMULA.match(value) else "") + visible(value)


def as_json(value: Any) -> str:
    """JSON with letters as they are and every control character escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=1, default=str)
    # The line breaks between values are ours; inside of text, json.dumps has escaped them.
    return "\n".join(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in text.split("\n"))
