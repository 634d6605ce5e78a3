{# How agencies and the province were rated: what the newest year not after that of the last day says. -#}

{# The newest year is the province's, for every scope. -#}
{% macro figures_of_unit_ratings(tables, as_of) %}
    {% set rows %}
        select
            agency_code || '|' || year as rating,
            agency_code,
            grade,
            {{ year_begins('year') }} as stands_from,
            {{ year_begins('min(year) over (order by year range between 1 following and unbounded following)') }} as stands_until
        from {{ known(tables.unit_ratings, as_of) }} as ratings
    {% endset %}
    {% set measures, kpis = {}, [] %}
    {% for grade in ['excellent', 'good', 'fair', 'average', 'poor'] %}
        {% do measures.update({grade: {'from': 'stands_from', 'until': 'stands_until', 'when': "grade = '" ~ grade ~ "'"}}) %}
        {% do kpis.append({'code': 'units_rated_' ~ grade, 'numerator': grade}) %}
    {% endfor %}
    {{ return({
        'name': 'unit_ratings', 'source': tables.unit_ratings, 'rows': rows, 'entity': 'rating',
        'scopes': ['agency', 'level', 'commune'], 'agency_on': 'period_end', 'measures': measures, 'kpis': kpis,
    }) }}
{% endmacro %}

{# Ranks of the whole index, and their change against the year before; positive is better. They are read off, not
   counted: without one there is nothing, and not 0. -#}
{% macro figures_of_index_results(tables, as_of) %}
    {% set rows %}
        select
            index_code || '|' || year as result,
            index_code,
            rank,
            case when lag(year) over years = year - 1 then lag(rank) over years end - rank as rank_change,
            {{ year_begins('year') }} as stands_from,
            {{ year_begins('lead(year) over years') }} as stands_until
        from {{ known(tables.index_results, as_of) }} as results
        where domain_code is null
        window years as (partition by index_code order by year)
    {% endset %}
    {% set measures, kpis = {}, [] %}
    {% for name, index in {'par_index': 'PAR', 'sipas': 'SIPAS', 'papi': 'PAPI', 'pci': 'PCI'}.items() %}
        {% for reading in ['rank', 'rank_change'] %}
            {% set measure = name ~ '_' ~ reading %}
            {% do measures.update({measure: {
                'from': 'stands_from', 'until': 'stands_until', 'when': "index_code = '" ~ index ~ "'", 'reading': reading,
            }}) %}
            {% do kpis.append({'code': measure, 'numerator': measure}) %}
        {% endfor %}
    {% endfor %}
    {{ return({
        'name': 'index_results', 'source': tables.index_results, 'rows': rows, 'entity': 'result',
        'measures': measures, 'kpis': kpis,
    }) }}
{% endmacro %}
