"""Files that once broke a promise, as small as they could be made: name, bytes, rows read or the reason."""

from __future__ import annotations

_LINE = b'{"MaHoSo": "S1", "MaTTHC": "1", "TrangThai": 1}'

SEEDS: dict[str, tuple[str, bytes, int | str]] = {
    "a line of one control character": ("dossiers/a_20230722.jsonl", _LINE + b"\n\x01\n", 2),
    "a line that goes on behind a control character": (
        "dossiers/b_20230722.jsonl",
        _LINE + b"\n" + _LINE + b"\x01x\n",
        2,
    ),
}
