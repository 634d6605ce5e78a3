-- Who holds a dossier and who misses it: docs/decisions/0014-two-copies-of-a-dossier.md.
{% set compared = {
    'status_differs': 'status_code', 'received_on_differs': 'received_on', 'due_on_differs': 'due_on',
    'closed_on_differs': 'closed_on',
} %}
with portal_versions as (
    select *, known_to = {{ open_end() }} as is_newest, false as is_only_version
    from {{ ref('history_portal_dossiers') }}
),

portal as (
    select dossier_code, status_code, received_on, due_on, closed_on, is_counted
    from ({{ dossier_outcomes('portal_versions') }}) as outcomes
    where is_newest and not is_deleted
),

here as (
    select dossier_code, status_code, received_on, due_on, closed_on, is_counted
    from {{ ref('int_dossier_outcomes') }}
    where
        known_to = {{ open_end() }}
        and not is_deleted
        and exists (select 1 from {{ ref('history_portal_dossiers') }})
),

held_by_both as (
    select
        here.dossier_code,
        {% for column in compared.values() %}
        here.{{ column }} as here_{{ column }},
        portal.{{ column }} as portal_{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from here
    inner join portal on here.dossier_code = portal.dossier_code
)

select
    here.dossier_code,
    'missing_on_portal' as difference,
    cast(here.status_code as {{ dbt.type_string() }}) as here,
    cast(null as {{ dbt.type_string() }}) as portal
from here
left join portal on here.dossier_code = portal.dossier_code
where portal.dossier_code is null and here.is_counted
union all
select
    portal.dossier_code,
    'missing_here' as difference,
    cast(null as {{ dbt.type_string() }}) as here,
    cast(portal.status_code as {{ dbt.type_string() }}) as portal
from portal
left join here on portal.dossier_code = here.dossier_code
where here.dossier_code is null and portal.is_counted
{% for difference, column in compared.items() %}
union all
select
    dossier_code,
    '{{ difference }}' as difference,
    cast(here_{{ column }} as {{ dbt.type_string() }}) as here,
    cast(portal_{{ column }} as {{ dbt.type_string() }}) as portal
from held_by_both
where here_{{ column }} is distinct from portal_{{ column }}
{% endfor %}
