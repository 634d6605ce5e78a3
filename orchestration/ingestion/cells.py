"""Cells as SQL: how a text becomes a typed value, column-wise (docs/landing-contract.md 2).

Every function returns a DuckDB expression. `x` is an expression that gives the cell's cleaned text (NULL when
missing); `is_number`, where given, says whether the cell was a number in a typed format (spreadsheet, JSON).
An unreadable filled cell becomes NULL.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from orchestration.sources import Column, NumberedCodes
from orchestration.sql import literal

ZERO_WIDTH = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)
_BLANK = r"[\s\p{Z}\x{000B}\x{0085}\x{001C}-\x{001F}]+"

# How an object or a list is shown that stands in JSON where one value belongs; its content never is.
COMPOSITE = {"OBJECT": "{…}", "ARRAY": "[…]"}

# Nine digits or more, also where blanks, dots, dashes or a plus group them: such a number may name a person
# (docs/landing-contract.md 2). Slashes, commas and colons end a number, so that dates stay legible.
_GROUPING = " .·．+＋\\-‐-―−－"
_LONG_NUMBER = rf"\p{{Nd}}(?:[{_GROUPING}]*\p{{Nd}}){{8,}}"
_LONG_NUMBER_HERE = re.compile(rf"\d(?:[{_GROUPING}]*\d){{8,}}")
_HIDDEN_NUMBER = "*********"
# The same before a cell is tidied, or a control character, which no kept text keeps.
SUSPECT = rf"[\x00-\x08\x0E-\x1B\x7F-\x9F]|\p{{Nd}}(?:[{_GROUPING}{ZERO_WIDTH}\s\p{{Z}}\p{{Cc}}]*\p{{Nd}}){{8,}}"

# The largest number that each kind reads. A decimal is bounded so that neither sums nor squares reach infinity.
_LARGEST = {"integer": "2147483647", "money": "1000000000000000", "decimal": "1e100"}
BOUNDED = ("time", "date", *_LARGEST)

# Province codes of the citizen number (NĐ 137/2015, TT 59/2021/TT-BCA annex; docs/domain.md 4).
PROVINCE_PREFIXES = [
    "001", "002", "004", "006", "008", "010", "011", "012", "014", "015", "017", "019", "020", "022", "024", "025",
    "026", "027", "030", "031", "033", "034", "035", "036", "037", "038", "040", "042", "044", "045", "046", "048",
    "049", "051", "052", "054", "056", "058", "060", "062", "064", "066", "067", "068", "070", "072", "074", "075",
    "077", "079", "080", "082", "083", "084", "086", "087", "089", "091", "092", "093", "094", "095", "096",
]  # fmt: skip


@lru_cache(maxsize=1 << 14)
def fold(text: str) -> str:
    """Header and code-list matching: NFC, blanks and case folded, without diacritics, `đ` as `d`."""
    if text.isascii():
        return " ".join(text.split()).lower()
    text = "".join(c for c in unicodedata.normalize("NFC", text) if c not in ZERO_WIDTH)
    text = " ".join(text.split()).casefold().replace("đ", "d")
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def sql_fold(x: str) -> str:
    """`fold` of an already cleaned text, as SQL."""
    return f"strip_accents(replace(lower({x}), 'đ', 'd'))"


# A cell of printable ASCII and precomposed Vietnamese letters with single inner blanks: already as `tidied` makes it.
UNTIDY = r"^ | $|  |[^ -~\x{C0}-\x{24F}\x{1EA0}-\x{1EF9}]"


# The texts that say that a cell is missing (`filled`).
MISSING = "^(?:-?|[Nn](?:/[Aa]|[Uu][Ll][Ll]))$"


def is_filled(text: str) -> bool:
    """Whether a raw cell is filled, for the few cells that are looked at one by one."""
    return fold(text) not in ("", "-", "null", "n/a")


def tidied(x: str) -> str:
    """Text as the contract reads it: NFC, zero-width characters removed, other blanks folded, trimmed."""
    return f"trim(regexp_replace(regexp_replace(nfc_normalize({x}), '[{ZERO_WIDTH}]', '', 'g'), '{_BLANK}', ' ', 'g'))"


def filled(x: str) -> str:
    """A tidy text, NULL where it says that the cell is missing."""
    return f"case when length({x}) > 4 then {x} when upper({x}) not in ('', '-', 'NULL', 'N/A') then {x} end"


def clean(x: str) -> str:
    """A raw text, tidied and NULL where missing."""
    return let(tidied(x), filled("cell"), name="cell")


def code(x: str, is_number: str | None = None) -> str:
    """A code as it is written, whatever characters it bears; a whole number is its plain digits."""
    if is_number is None:
        return x
    return f"case when {is_number} then coalesce({whole_number(x)}::varchar, {x}) else {x} end"


def whole_number(x: str) -> str:
    """A numeric cell's text as an integer, NULL when it is not whole."""
    # The cast of a text of 30 digits fails in spite of its name, hence `try`.
    number = f"try(try_cast({x} as decimal(38, 9)))"
    is_whole = f"try_cast({x} as double) = trunc(try_cast({x} as double))"
    return f"case when {is_whole} then try_cast(trunc({number}) as hugeint) end"


def integer(x: str, is_number: str | None = None) -> str:
    written = (
        f"case when regexp_full_match({x}, '[+-]?[0-9]+|[+-]?[0-9]{{1,3}}(\\.[0-9]{{3}})+') "
        f"then try_cast(replace({x}, '.', '') as bigint) end"
    )
    if is_number is None:
        return written
    return f"case when {is_number} then try_cast({whole_number(x)} as bigint) else {written} end"


def money(x: str, is_number: str | None = None) -> str:
    bare = f"regexp_replace({x}, ' ?(đ|vnđ)$', '', 'i')"
    return integer(f"({bare})", is_number)


def decimal(x: str, is_number: str | None = None) -> str:
    written = (
        f"case when regexp_full_match({x}, '[+-]?[0-9]+([.,][0-9]+)?') "
        f"then try_cast(replace({x}, ',', '.') as double) "
        f"when regexp_full_match({x}, '[+-]?[0-9]+([.,][0-9]+)? ?%') "
        f"then try_cast(replace(trim(rtrim({x}, '%')), ',', '.') as double) / 100 end"
    )
    if is_number is None:
        return written
    return f"case when {is_number} then try_cast({x} as double) else {written} end"


_SERIAL = "[0-9]{5}([.,][0-9]+)?"
_ZONE = "([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?"
_ISO = (
    "[0-9]{8}|[0-9]{14}"
    f"|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.,][0-9]+)?)?{_ZONE})?"
    f"|[0-9]{{8}}T[0-9]{{4}}([0-9]{{2}}([.,][0-9]+)?)?{_ZONE}"
)


def time(x: str) -> str:
    """A time stamp in Asia/Ho_Chi_Minh, its year not yet checked (see `checked`).

    The commonest spellings are tried by their shape, the rest by pattern: a lenient parser alone would read
    16/11/23 as the year 23.
    """
    return (
        f"coalesce(case when {x} like '__/__/____' then try_strptime({x}, '%d/%m/%Y') "
        f"when {x} like '__/__/____ __:__:__' then try_strptime({x}, '%d/%m/%Y %H:%M:%S') "
        f"when regexp_full_match({x}, '{_ISO}') then {_iso(x)} "
        f"when regexp_full_match({x}, '{_SERIAL}') then {_serial(x)} end, {_day_first(x)})"
    )


# The spellings that nearly every export keeps to, column by column. Digits are bounded so that what has the shape and
# is no time is none for `time` either: the 31st of February, hour 24.
_CLOCK = "[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?"
_DAY, _MONTH, _YEAR = "[0-3][0-9]", "[01][0-9]", "[12][0-9]{3}"
_COMMON_TIME = (
    f"({'|'.join(f'{_DAY}{e}{_MONTH}{e}{_YEAR}' for e in ('/', '-', '[.]'))})( {_CLOCK})?"
    f"|{_YEAR}-{_MONTH}-{_DAY}([T ]{_CLOCK})?|{_YEAR}{_MONTH}{_DAY}([0-2][0-9][0-5][0-9][0-5][0-9])?"
)
_COMMON_FORMATS = [
    *(f"%d{e}%m{e}%Y{clock}" for e in "/-." for clock in (" %H:%M:%S", "", " %H:%M")),
    *(f"%Y-%m-%d{clock}" for clock in (" %H:%M:%S", "T%H:%M:%S", "", " %H:%M", "T%H:%M")),
    *("%Y%m%d%H%M%S", "%Y%m%d"),
]
_COMMON_NUMBER = {"integer": "[0-9]{1,15}", "money": "[0-9]{1,15}", "decimal": r"[0-9]{1,15}(\.[0-9]{1,15})?"}


@dataclass(frozen=True)
class Common:
    """The commonest way to write a column: whether a raw cell keeps to it, and its value then.

    The value is what `typed` gives. To plan every spelling takes DuckDB longer than all else that a small file needs,
    so it is worth a look whether a file needs it.
    """

    test: Callable[[str], str]
    value: Callable[[str], str]


def common(column: Column, special: Mapping[str, tuple[str, ...]]) -> Common | None:
    """The commonest way to write a column; `special` is what its code list knows besides. Texts and codes have none."""
    if column.kind in ("time", "date"):
        return Common(_shaped(_COMMON_TIME), _common_time)
    if column.kind == "partial_date":
        return Common(_shaped(_COMMON_TIME), lambda x: _full_day(_common_time(x)))
    if column.kind in _COMMON_NUMBER:
        kind = "double" if column.kind == "decimal" else "bigint"
        return Common(_shaped(_COMMON_NUMBER[column.kind]), lambda x: f"try_cast({x} as {kind})")
    if column.kind in ("flag", "list") and not column.numbered:
        result = "boolean" if column.kind == "flag" else "varchar"
        values = flag_values(special) if column.kind == "flag" else merged(column.values, special)
        names = ", ".join(literal(n.lower()) for spelled in values.values() for n in spelled)
        return Common(
            lambda x: f"lower({x}) in ({names})",
            lambda x: f"case {_branches(f'lower({x})', values, str.lower, result=result)} end",
        )
    return None


def _shaped(shape: str) -> Callable[[str], str]:
    return lambda x: f"regexp_full_match({x}, '{shape}')"


def _common_time(x: str) -> str:
    return f"try_strptime({x}, [{', '.join(map(literal, _COMMON_FORMATS))}])"


def _day_first(x: str) -> str:
    parts = (
        f"regexp_extract({x}, '^([0-9]{{1,2}})([/.-])([0-9]{{1,2}})([/.-])([0-9]{{4}})"
        "(?: ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?$', ['d', 's', 'm', 'e', 'y', 'h', 'i', 'c'])"
    )
    return let(parts, f"case when p.y <> '' and p.s = p.e and p.h <> '24' then {_stamp()} end")


def _iso(x: str) -> str:
    parts = (
        f"regexp_extract({x}, '^([0-9]{{4}})-?([0-9]{{2}})-?([0-9]{{2}})"
        "(?:[T ]?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]+))?)?)?"
        "(?:([Zz])|([+-][0-9]{2}):?([0-9]{2})?)?$', ['y', 'm', 'd', 'h', 'i', 'c', 'f', 'z', 'oh', 'om'])"
    )
    offset = (
        "case when p.oh <> '' then to_minutes(420 - (case when starts_with(p.oh, '-') then -1 else 1 end) * "
        "(substr(p.oh, 2)::int * 60 + coalesce(nullif(p.om, ''), '0')::int)) "
        "when p.z <> '' then to_minutes(420) else to_minutes(0) end"
    )
    stamp = _stamp(fraction=" || case when p.f <> '' then '.' || left(p.f, 6) else '' end")
    zone_exists = "(p.oh = '' or (abs(p.oh::int) <= 14 and (p.om = '' or p.om < '60')))"
    return let(parts, f"case when p.h <> '24' and {zone_exists} then {stamp} + {offset} end")


def _stamp(fraction: str = "") -> str:
    """The parts `p` as a time stamp: a missing hour is filled to 00. The cast refuses 31/02, but not 24:00."""
    return (
        "try_cast(p.y || '-' || lpad(p.m, 2, '0') || '-' || lpad(p.d, 2, '0') || ' ' || "
        f"lpad(p.h, 2, '0') || ':' || lpad(p.i, 2, '0') || ':' || lpad(p.c, 2, '0'){fraction} as timestamp)"
    )


def _serial(x: str) -> str:
    """Excel's day number in the 1900 system."""
    number = f"try_cast(replace({x}, ',', '.') as double)"
    return (
        f"case when {number} between 20000 and 80000 "
        f"then timestamp '1899-12-30' + to_seconds(round({number} * 86400)::bigint) end"
    )


def let(value: str, result: str, name: str = "p") -> str:
    """`result` with `name` bound to `value`, without a subquery (DuckDB would turn that into a join)."""
    return f"list_transform([{value}], lambda {name}: {result})[1]"


def bounded(kind: str, value: str) -> str:
    """A number that its kind can hold, NULL beyond; other values as they are."""
    if kind not in _LARGEST:
        return value
    return f"case when {value} between -{_LARGEST[kind]} and {_LARGEST[kind]} then {value} end"


def checked(column: Column, value: str, x: str, *, may_be_serial: bool = True) -> str:
    """A value within the contract's bounds: of a time or date, written years from 1900 to 2100, serials up to 80000."""
    if column.kind not in ("time", "date"):
        return bounded(column.kind, value)
    is_bound = f"{value} < timestamp '2101-01-01'"
    if may_be_serial:
        is_bound = f"({is_bound} or regexp_full_match({x}, '{_SERIAL}'))"
    is_bound = f"{value} >= timestamp '1900-01-01' and {is_bound}"
    return f"case when {is_bound} then {value}{'::date' if column.kind == 'date' else ''} end"


def partial_date(x: str, *, may_be_partial: bool) -> str:
    """A day as `yyyy-MM-dd`; where the registry may know only a year or month, `yyyy` or `yyyy-MM`."""
    full = _full_day(time(x), serial=x)
    if not may_be_partial:
        return full
    month = f"regexp_extract({x}, '^([0-9]{{1,2}})[./-]([0-9]{{4}})$', ['m', 'y'])"
    iso_month = f"regexp_full_match({x}, '[0-9]{{4}}-(0[1-9]|1[0-2])') and {x} between '1900' and '2100-12'"
    year_and_month = (
        "case when p.y between '1900' and '2100' and p.m::int between 1 and 12 then p.y || '-' || lpad(p.m, 2, '0') end"
    )
    return (
        f"case when regexp_full_match({x}, '[0-9]{{4}}') then case when {x} between '1900' and '2100' then {x} end "
        f"when {iso_month} then {x} "
        f"when regexp_full_match({x}, '[0-9]{{1,2}}[./-][0-9]{{4}}') "
        f"then {let(month, year_and_month)} "
        f"else {full} end"
    )


def _full_day(time: str, serial: str = "") -> str:
    """The day of a time within the contract's bounds; `serial` is the text where it may be a serial (see `checked`)."""
    is_bound = "year(p) between 1900 and 2100" + (f" or regexp_full_match({serial}, '{_SERIAL}')" if serial else "")
    return let(time, f"case when {is_bound} then strftime(p, '%Y-%m-%d') end")


def plain_number(x: str) -> str:
    """`9.0` as `9`, as code lists are matched."""
    return f"regexp_replace({x}, '^([0-9]+)\\.0+$', '\\1')"


def numbered(x: str, codes: NumberedCodes, otherwise: str, *, padded: bool) -> str:
    """A list in which every number of `digits` digits means something; shorter ones are padded where they may be."""
    shape = f"[0-9]{{1,{codes.digits}}}" if padded else f"[0-9]{{{codes.digits}}}"
    plain = plain_number(x)
    number = f"lpad({plain}, {codes.digits}, '0')"
    branches = " ".join(
        f"when {number} in ({', '.join(map(literal, numbers))}) then {literal(value)}"
        for value, numbers in codes.values.items()
    )
    return (
        f"case when regexp_full_match({plain}, '{shape}') then case {branches} else {literal(codes.otherwise)} end "
        f"else {otherwise} end"
    )


def flag(x: str, special: dict[str, tuple[str, ...]] | None = None) -> str:
    """TRUE or FALSE; an empty flag is FALSE, an unreadable one NULL."""
    return mapped(x, flag_values(special or {}), result="boolean", missing="false")


def flag_values(special: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """How TRUE and FALSE are spelled."""
    return merged({"true": ("1", "true", "có", "x", "yes"), "false": ("0", "false", "không", "no")}, special)


def merged(first: Mapping[str, tuple[str, ...]], second: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The code list of two."""
    return {value: (*first.get(value, ()), *second.get(value, ())) for value in {**first, **second}}


def mapped(
    x: str,
    values: Mapping[str, tuple[str, ...]],
    *,
    result: str = "varchar",
    missing: str = "null",
    otherwise: str | None = None,
) -> str:
    """A code list: matched as written first, folded only on a miss.

    `otherwise` is what an unknown text means, `*` the text itself.
    """
    unknown = "null" if otherwise is None else x if otherwise == "*" else literal(otherwise)
    folded = plain_number(f"regexp_replace({sql_fold(x)}, ' ?/ ?', '/', 'g')")
    near = _branches("p", values, lambda name: fold(name).replace(" / ", "/"), result=result)
    return (
        f"case when {x} is null then {missing} {_branches(x, values, result=result)} "
        f"else {let(folded, f'case {near} else {unknown} end')} end"
    )


def _branches(
    x: str, values: Mapping[str, tuple[str, ...]], spelled: Callable[[str], str] = str, *, result: str
) -> str:
    return " ".join(
        f"when {x} in ({', '.join(literal(spelled(name)) for name in names)}) "
        f"then {value if result == 'boolean' else literal(value)}"
        for value, names in values.items()
        if names
    )


def identity_text(x: str, is_number: str | None = None) -> str:
    """An identity number as it is pseudonymised: lost leading zeros restored."""
    plain = code(x, is_number)
    return f"case when regexp_full_match({plain}, '[0-9]{{10,11}}') then lpad({plain}, 12, '0') else {plain} end"


def identity_kind(number: str) -> str:
    """national_id, old_identity_card or other. The gender digit is 0 to 3 for everybody born before 2100."""
    prefixes = ", ".join(map(literal, PROVINCE_PREFIXES))
    return (
        f"case when {number} is null then null "
        f"when regexp_full_match({number}, '[0-9]{{3}}[0-3][0-9]{{8}}') and left({number}, 3) in ({prefixes}) "
        f"then 'national_id' when regexp_full_match({number}, '[0-9]{{9}}') then 'old_identity_card' else 'other' end"
    )


def pseudonym(number: str) -> str:
    """HMAC-SHA-256 of the number, first 128 bits in hex; the key's two pads are the variables pad_in, pad_out."""
    return f"left(sha256(getvariable('pad_out') || unhex(sha256(getvariable('pad_in') || encode({number})))), 32)"


def typed(column: Column, x: str, is_number: str | None = None) -> str:
    """The value of a canonical column from its cleaned text, its bounds not yet checked (see `checked`)."""
    match column.kind:
        case "integer":
            return integer(x, is_number)
        case "money":
            return money(x, is_number)
        case "decimal":
            return decimal(x, is_number)
        case "time" | "date":
            return time(x)
        case "flag":
            return flag(x)
        case "list":
            default = literal(column.default) if column.default else "null"
            return mapped(x, column.values, missing=default, otherwise=column.otherwise)
        case "identity":
            return identity_text(x, is_number)
        case _:
            return code(x, is_number)


def masked(x: str) -> str:
    """How an unreadable cell may be shown: as it is when it bears no letter, else as its shape."""
    plain = _without_controls(x)
    return (
        f"case when regexp_matches({plain}, '\\p{{L}}') "
        f"then regexp_replace(regexp_replace({plain}, '[\\p{{L}}\\p{{M}}]', 'a', 'g'), '\\p{{Nd}}', '9', 'g') "
        f"else {without_numbers(plain)} end"
    )


def free_text(x: str) -> str:
    """A cleaned text as it may be kept: without control characters, long numbers masked, NULL where nothing is left."""
    return without_numbers(f"({clean(_without_controls(x))})")


def without_numbers(x: str) -> str:
    """Numbers of nine digits or more masked, grouped ones too: one may be an identity number."""
    return f"regexp_replace({x}, '{_LONG_NUMBER}', '{_HIDDEN_NUMBER}', 'g')"


def legible(x: str) -> str:
    """A readable cell of any text as a rejected row keeps it: what a control character parts is one number, too."""
    return without_numbers(_without_controls(x))


def misplaced(x: str) -> str:
    """A cell that stands under no header of its own, or under another's: a code may stand here, so only what is
    nothing but a grouped number counts as one."""
    is_number = f"not regexp_matches({x}, '\\p{{L}}')"
    return (
        f"case when {is_number} then {without_numbers(x)} "
        f"else regexp_replace({x}, '\\p{{Nd}}{{9,}}', '{_HIDDEN_NUMBER}', 'g') end"
    )


def header_as_listed(text: str) -> str:
    """An unknown header as reports may show it: on one line, long numbers masked, 80 characters at most."""
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    masked = without_long_numbers(" ".join(seen.split()))
    return masked if len(masked) <= 80 else masked[:79] + "…"


def without_long_numbers(text: str) -> str:
    """A text with each number of nine digits or more masked, also where blanks, dots, dashes or a `+` group it."""
    return _LONG_NUMBER_HERE.sub(_HIDDEN_NUMBER, text)


def _without_controls(x: str) -> str:
    return f"regexp_replace({x}, '\\p{{Cc}}', '', 'g')"
