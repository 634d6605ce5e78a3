"""People who do not exist: names drawn from common parts, identity numbers of provinces that do not exist.

Prefixes 000 and 097 to 099 belong to no province (list of TT 07/2016/TT-BCA), so no number here can be a real
person's; phone numbers begin with 0000, which no operator has.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Danh", "Thị", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô",
           "Dương",
           "Lý", "Tăng", "Châu", "Lâm")  # fmt: skip
_MIDDLE = ("Văn", "Thị", "Minh", "Ngọc", "Thanh", "Hoàng", "Kim", "Quốc", "Mỹ", "Hữu", "Thúy", "Đức")
_GIVEN = ("An", "Bình", "Cường", "Dũng", "Đạt", "Giang", "Hà", "Hải", "Hạnh", "Hiếu", "Hòa", "Huệ", "Hùng",
          "Khánh",
          "Lan", "Linh", "Long", "Mai", "Nam", "Nga", "Nhi", "Phong", "Phúc", "Quyên", "Sơn", "Tâm",
          "Thảo", "Trang",
          "Tuấn", "Tuyền", "Vân", "Yến")  # fmt: skip
_PREFIX = ("097", "098", "099", "000")


def people_table(size: int, rng: np.random.Generator) -> pa.Table:
    """`size` people: person (0..), applicant_name, applicant_id (12 digits), applicant_phone,
    applicant_email."""
    born = rng.integers(1945, 2006, size)
    sex_of_century = rng.integers(0, 2, size) + np.where(born >= 2000, 2, 0)
    number = pa.array(np.arange(size))
    identity = pc.binary_join_element_wise(
        _drawn(_PREFIX, rng, size, (0.4, 0.3, 0.27, 0.03)),
        pa.array(sex_of_century).cast(pa.string()),
        _digits(pa.array(born % 100), 2),
        _digits(pa.array((np.arange(size) * 7 + 13) % 1_000_000), 6),
        "",
    )
    name = pc.binary_join_element_wise(*(_drawn(parts, rng, size) for parts in (_FAMILY, _MIDDLE, _GIVEN)), " ")
    return pa.table({
        "person": number,
        "applicant_name": name,
        "applicant_id": identity,
        "applicant_phone": pc.binary_join_element_wise("0000", _digits(number, 6), ""),
        "applicant_email": pc.binary_join_element_wise("nguoinop", _digits(number, 6), "@example.com", ""),
    })  # fmt: skip


def _drawn(parts: tuple[str, ...], rng: np.random.Generator, size: int, p: tuple[float, ...] | None = None) -> pa.Array:
    return pa.array(parts).take(pa.array(rng.choice(len(parts), size, p=p)))


def _digits(numbers: pa.Array, width: int) -> pa.Array:
    return pc.utf8_lpad(numbers.cast(pa.string()), width, padding="0")
