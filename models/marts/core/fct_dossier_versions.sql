with outcomes as (
    {{ dossier_outcomes(ref('int_dossier_versions')) }}
)

select
    {{ surrogate_key(['dossier_code', 'known_from']) }} as dossier_version_key,
    outcomes.*
from outcomes
