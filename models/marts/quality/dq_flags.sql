select source, entity_code, rule_code, detail, source_file
from {{ ref('int_dossier_flags') }}
union all
select source, entity_code, rule_code, detail, source_file
from {{ ref('int_other_flags') }}
