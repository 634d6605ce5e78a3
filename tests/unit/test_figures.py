"""A figure as people read it, by the kind that the catalogue gives it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orchestration.catalogue import kpi_codes, scope_types
from orchestration.reports.figures import Kpi, rounded


@pytest.mark.parametrize(
    ("kind", "numerator", "denominator", "value", "shown"),
    [
        ("count", 386_797, None, 386_797.0, "386797"),
        ("change", -3, None, -3.0, "-3"),
        ("rate", 1, 3, 1 / 3, "33.33"),
        ("rate", 1, 800, 0.00125, "0.13"),  # 0.125 exactly: half up
        ("mean", 7, 2, 3.5, "3.50"),
        ("rate", 0, 0, None, None),
        ("amount", None, None, 2.0**70, str(2**70)),  # beyond 64 bits
        ("rate", None, 2**62, 4.0, "400.00"),
    ],
)
def test_rounded(
    kind: str, numerator: int | None, denominator: int | None, value: float | None, shown: str | None
) -> None:
    figure = {"numerator": numerator, "denominator": denominator, "value": value}
    assert rounded(figure, kind) == (None if shown is None else Decimal(shown))


def test_units() -> None:
    assert Kpi("rate", "tỷ lệ").shown_in == "%"
    assert Kpi("amount", "VND").shown_in == "VND"


def test_what_figures_there_are() -> None:
    assert scope_types()[0] == "province" and len(set(scope_types())) == 8
    assert len(set(kpi_codes())) == len(kpi_codes()) > 70
