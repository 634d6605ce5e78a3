"""Export stamps with digits at both ends of their range in every place (docs/landing-contract.md 1)."""

from __future__ import annotations

from datetime import datetime

import pytest

from orchestration.ingestion.landing import export_stamp


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("hoso_20190919.csv", "2019-09-19T23:59:59"),
        ("hoso_20291009.csv", "2029-10-09T23:59:59"),
        ("hoso_2090-09-29.csv", "2090-09-29T23:59:59"),
        ("hoso_2009_10_20.csv", "2009-10-20T23:59:59"),
        ("hoso_20000101_0000.csv", "2000-01-01T00:00:00"),
        ("hoso_21001231_235959.csv", "2100-12-31T23:59:59"),
        ("hoso_20191009 09-19-59.csv", "2019-10-09T09:19:59"),
        ("hoso_20191009-19_09_09.csv", "2019-10-09T19:09:09"),
        ("hoso_2019-10-09T20.50.40.csv", "2019-10-09T20:50:40"),
        ("hoso_20191009_1909.csv", "2019-10-09T19:09:00"),
        ("hoso_20191009T20:50.csv", "2019-10-09T20:50:00"),
        ("hoso_20191009 0959x.csv", "2019-10-09T09:59:00"),
        ("hoso_20191009_095960.csv", "2019-10-09T23:59:59"),
        ("hoso_20191009_09:5.csv", "2019-10-09T23:59:59"),
        ("hoso_20191009_0959590.csv", "2019-10-09T23:59:59"),
        ("hoso_20191009_0959599.csv", "2019-10-09T23:59:59"),
        ("hoso_20191009_09590.csv", "2019-10-09T23:59:59"),
        ("hoso_20191009_09599.csv", "2019-10-09T23:59:59"),
        ("920191009.csv", None),
        ("020191009.csv", None),
        ("20190009.csv", None),
        ("20191300.csv", None),
    ],
)
def test_stamps(name: str, stamp: str | None) -> None:
    assert export_stamp(name) == (datetime.fromisoformat(stamp) if stamp else None)
