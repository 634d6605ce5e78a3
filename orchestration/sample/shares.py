"""The figures that the sample's raw rows must add up to, and how they shrink with the scale.

Source: the seed article on Kiên Giang's administrative reform in 2023 (01/01/2023 to 16/11/2023). What is
finer than the article prints (paused, without due date, withdrawn by which status, ...) is an assumption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RECEIVED = 386_797
OUTCOMES = {
    "early": 348_505, "on_due_date": 5_508, "late": 9_312, "withdrawn": 14_346, "within_due": 8_312,
    "overdue": 814,
}  # fmt: skip
SERVICE_LEVELS = {"full": 171_091, "partial": 186_404, "other": 29_302}
CHANNELS = {"online": 196_088, "not_online": 190_709}

_WITHIN = {
    "on_due_date": {"on_due_dated": 5_088, "on_due_undated": 420},
    "within_due": {"within_dated": 7_062, "within_undated": 100, "paused": 1_150},
}
_NOT_COUNTED = {"registered": 1_450, "refused": 2_380, "deleted": 310, "not_yet_received": 3}


@dataclass(frozen=True)
class Shares:
    """How many dossiers of each kind a province of one scale has. Each of outcomes, service_levels and
    channels sums to the dossiers received; `not_counted` come on top of them."""

    outcomes: dict[str, int]
    service_levels: dict[str, int]
    channels: dict[str, int]
    not_counted: dict[str, int]

    @classmethod
    def at(cls, scale: float) -> Shares:
        """The article's figures at 1.0; elsewhere the same shares, rounded by largest remainder. ValueError
        unless scale is above 0."""
        if not scale > 0:
            raise ValueError(f"scale must be above 0, not {scale}")
        total = max(1, round(RECEIVED * scale))
        fine: dict[str, int] = {}
        for outcome, count in apportion(total, OUTCOMES).items():
            fine |= apportion(count, _WITHIN.get(outcome, {outcome: 1}))
        return cls(
            outcomes=fine,
            service_levels=apportion(total, SERVICE_LEVELS),
            channels=apportion(total, CHANNELS),
            not_counted={kind: max(1, round(n * scale)) for kind, n in _NOT_COUNTED.items()},
        )


def apportion(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """`total` split by `weights`, to the unit, by largest remainder (first listed wins a tie)."""
    whole = sum(weights.values())
    split = {key: total * weight // whole for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: -(total * weights[key] % whole))
    for key in by_remainder[: total - sum(split.values())]:
        split[key] += 1
    return split
