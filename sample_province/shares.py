"""How the article's figures shrink with the scale.

What is finer than the article prints (paused, without due date, withdrawn by which status, ...) is an assumption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sample_province.article import FIGURES

RECEIVED = FIGURES["dossiers_received"]
# In this order: by largest remainder, the first listed wins a tie.
OUTCOMES = {
    "early": FIGURES["dossiers_resolved_early"],
    "on_due_date": FIGURES["dossiers_resolved_on_due_date"],
    "late": FIGURES["dossiers_resolved_late"],
    "withdrawn": FIGURES["dossiers_withdrawn"],
    "within_due": FIGURES["dossiers_in_process_within_due"],
    "overdue": FIGURES["dossiers_in_process_overdue"],
}
SERVICE_LEVELS = {
    "full": FIGURES["dossiers_received_full_process"],
    "partial": FIGURES["dossiers_received_partial_process"],
    "other": FIGURES["dossiers_received_other_service"],
}
CHANNELS = {
    "online": FIGURES["dossiers_received_online"],
    "not_online": FIGURES["dossiers_received_direct + dossiers_received_postal"],
}

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
