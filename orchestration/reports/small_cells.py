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


def withheld(figures: str) -> str:
    """Rows with the columns of kpi_values without the figures that are too small, and `is_withheld`.

    Where one scope of a type is too small, or one month of a quarter, or one quarter of a year, the least of the others
    is withheld with it: the sum less the others would tell it.
    """
    of_type = "kpi_code, scope_type, period_type, period_start"
    of_time = "kpi_code, scope_type, scope_code, period_type, within"
    return f"""
        select * exclude (mart, within, is_small, may_follow, is_least_of_type, is_least_of_time) replace (
            if(is_withheld, null, numerator) as numerator,
            if(is_withheld, null, denominator) as denominator,
            if(is_withheld, null, value) as value
        )
        from (
            select *, is_small or is_least_of_type or is_least_of_time as is_withheld
            from (
                select *,
                    scope_type <> 'province' and may_follow
                    and 1 = count(*) filter (is_small) over (partition by {of_type})
                    and 1 = row_number() over (partition by {of_type}, may_follow order by numerator, scope_code)
                    as is_least_of_type,
                    period_type in ('month', 'quarter') and may_follow
                    and 1 = count(*) filter (is_small) over (partition by {of_time})
                    and 1 = row_number() over (partition by {of_time}, may_follow order by numerator, period_start)
                    as is_least_of_time
                from (
                    select figures.*, mart, {is_small()} as is_small,
                        not is_small and {OF_PERSONS} and coalesce(numerator > 0, false) as may_follow,
                        date_trunc(if(period_type = 'month', 'quarter', 'year'), period_start) as within
                    from {figures} as figures
                    left join marts.kpi_catalogue using (kpi_code)
                )
            )
        )
    """
