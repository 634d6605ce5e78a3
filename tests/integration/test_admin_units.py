"""The administrative units as published: whoever had a commune before the mergers finds what it is today."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

pytestmark = pytest.mark.slow

MERGED = date(2025, 7, 1)
# What the communes of a day have become: each path over the bridge, and whether no step of it was a split.
PATHS = """
    with recursive paths as (
        select parent_code as district_code, unit_code as was, unit_key, true as is_whole
        from marts.dim_admin_unit
        where level = 'commune' and ? >= valid_from and ? < valid_to
        union all
        select district_code, was, new_unit_key, is_whole and kind <> 'merged_partial'
        from paths
        inner join marts.bridge_admin_unit on unit_key = old_unit_key
    )

    select province.unit_name as province, paths.was, today.unit_code as now, today.unit_name, is_whole
    from paths
    inner join marts.dim_admin_unit as today on paths.unit_key = today.unit_key and today.valid_to = '9999-12-31'
    inner join marts.dim_admin_unit as district on district_code = district.unit_code
    inner join marts.dim_admin_unit as province
        on district.parent_code = province.unit_code and province.valid_to = '2025-07-01'
"""


def became(release: duckdb.DuckDBPyConnection, day: date) -> duckdb.DuckDBPyRelation:
    return release.sql(PATHS, params=[day, day])


def test_every_commune_of_kien_giang_became_one_unit_whole(release: duckdb.DuckDBPyConnection) -> None:
    """So figures of 2023 can be added up in the units of today: 144 communes, 143 after 2024, 48 today."""
    for day, communes in [(date(2023, 11, 16), 144), (date(2025, 6, 30), 143)]:
        paths = became(release, day).filter("province = 'Tỉnh Kiên Giang'")
        counted = paths.aggregate("count(*), count(distinct was), count(distinct now), bool_and(is_whole)")
        assert counted.fetchall() == [(communes, communes, 48, True)]


def test_a_code_that_named_three_wards_is_followed_from_each(release: duckdb.DuckDBPyConnection) -> None:
    of_2023 = became(release, date(2023, 11, 16)).filter("was in ('30730', '30742')").order("was")
    assert of_2023.project("was, unit_name").fetchall() == [("30730", "Phường Rạch Giá"), ("30742", "Phường Rạch Giá")]
    named = release.execute(
        "select unit_name from marts.dim_admin_unit where unit_code = '30742' order by valid_from"
    ).fetchall()
    assert named == [("Phường Vĩnh Bảo",), ("Phường Vĩnh Thanh Vân",), ("Phường Rạch Giá",)]


def test_communes_that_were_split_lead_to_each_part(release: duckdb.DuckDBPyConnection) -> None:
    split = became(release, date(2025, 6, 30)).filter("not is_whole").order("was, now")
    assert split.project("was, now").fetchall() == [
        ("30334", "30316"), ("30334", "30325"), ("30355", "30337"), ("30355", "30346"), ("30358", "30337"),
        ("30358", "30346"), ("30358", "30352"),
    ]  # fmt: skip


def test_the_province_of_a_day_has_the_units_of_that_day(release: duckdb.DuckDBPyConnection) -> None:
    """Counts of docs/domain.md 6.1 and 6.3."""
    counted = """
        select unit_type, count(*)
        from marts.dim_admin_unit
        where level = 'commune' and ? >= valid_from and ? < valid_to
            and (parent_code = '91' or parent_code in (
                select unit_code from marts.dim_admin_unit where level = 'district' and parent_code = '91'
            ))
        group by all
    """
    for day, expected in [
        (date(2023, 11, 16), {"commune": 116, "ward": 18, "township": 10}),
        (date(2025, 6, 30), {"commune": 116, "ward": 17, "township": 10}),
        (MERGED, {"commune": 85, "ward": 14, "special_zone": 3}),
    ]:
        assert dict(release.execute(counted, [day, day]).fetchall()) == expected, day


def test_tien_hai_came_from_kien_giang(release: duckdb.DuckDBPyConnection) -> None:
    """The conversion table has it in the other province: docs/domain.md 6.3."""
    [found] = became(release, date(2025, 6, 30)).filter("was = '30781'").project("province, now").fetchall()
    assert found == ("Tỉnh Kiên Giang", "30781")
