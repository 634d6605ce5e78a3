"""Figures of so few persons that what leaves the release withholds them (docs/domain.md 9); SQL."""

from __future__ import annotations

# Counts of persons below this are withheld where health, births and deaths are counted.
SMALLEST = 5
# The KPIs that count persons by their health, birth or death, by the catalogue's column.
OF_PERSONS = "mart in ('fct_civil_registrations', 'fct_health_lookups')"


def is_small(numerator: str = "numerator", denominator: str = "denominator") -> str:
    """Whether a figure of `OF_PERSONS` counts 1 to 4, or leaves 1 to 4 of a rate's whole."""
    few = f"between 1 and {SMALLEST - 1}"
    return (
        f"coalesce({OF_PERSONS} and ({numerator} {few} or {denominator} {few} "
        f"or {denominator} - {numerator} {few}), false)"
    )


# What a type of period is told in, all of them or none, and what that is a part of.
_TOLD_IN = {"year": "year", "quarter": "year", "month": "quarter"}
_PART_OF = {"year": None, "quarter": "year", "month": "quarter"}
_UNIT = "kpi_code, scope_type, scope_code, told_as, told_in"


def withheld(figures: str) -> str:
    """Rows with the columns of kpi_values without the figures that are too small, and `is_withheld`.

    No sum may tell what is withheld. The months of a quarter are told or none of them, so are the quarters of a year,
    and what is withheld is so in its parts. Where one scope of its type is withheld alone, the least beside it is, too.
    """
    places = " ".join(f"when '{kind}' then date_trunc('{within}', period_start)" for kind, within in _TOLD_IN.items())
    kinds = ", ".join(f"'{kind}'" for kind in _TOLD_IN)
    levels = [_level(kind, part_of) for kind, part_of in _PART_OF.items()]
    return f"""
        with placed as (
            select figures.*, {is_small()} as is_small,
                coalesce({OF_PERSONS}, false) as is_of_persons, period_type as told_as,
                (case period_type {places} else period_start end)::date as told_in
            from {figures} as figures
            left join marts.kpi_catalogue using (kpi_code)
        ),
        units as (
            select {_UNIT}, bool_or(is_small) as is_small, max(numerator) as weight
            from placed where is_of_persons group by all
        ),
        {", ".join(levels)},
        of_other as ({_withheld_alone(f"select * from units where told_as not in ({kinds})")}),
        hidden as ({" union all ".join(f"from of_{level}" for level in (*_PART_OF, "other"))})
        select placed.* exclude (is_small, is_of_persons, told_as, told_in) replace (
            if(is_withheld, null, numerator) as numerator,
            if(is_withheld, null, denominator) as denominator,
            if(is_withheld, null, value) as value
        ), coalesce(hidden.is_withheld, false) as is_withheld
        from placed
        left join hidden using ({_UNIT})
    """


def _level(kind: str, part_of: str | None) -> str:
    """SQL: the units of a type of period, small ones and those of which the whole is withheld."""
    units = f"select * from units where told_as = '{kind}'"
    if part_of:
        units = f"""
            select units.* replace (units.is_small or coalesce(whole.is_withheld, false) as is_small)
            from units
            left join of_{part_of} as whole
                on units.kpi_code = whole.kpi_code and units.scope_type = whole.scope_type
                and units.scope_code = whole.scope_code
                and date_trunc('{_TOLD_IN[part_of]}', units.told_in)::date = whole.told_in
            where units.told_as = '{kind}'
        """
    return f"of_{kind} as ({_withheld_alone(units)})"


def _withheld_alone(units: str) -> str:
    """SQL: units with `is_withheld`: small ones, and the least beside one that would be so alone."""
    line = "kpi_code, scope_type, told_as, told_in"
    return f"""
        select {_UNIT}, is_small or is_beside and scope_type <> 'province' and is_least as is_withheld
        from (
            select *,
                not is_small and weight > 0 and 1 = count(*) filter (is_small) over (partition by {line}) as is_beside,
                1 = row_number() over (
                    partition by {line}, not is_small and weight > 0 order by weight, scope_code
                ) as is_least
            from ({units}) as units
        )
    """
