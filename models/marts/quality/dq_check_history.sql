-- Every night's verdict, tonight's among them: publication writes the rows into the release.
select
    cast(null as bigint) as night_number,
    cast(null as date) as as_of,
    cast(null as varchar) as code_version,
    cast(null as boolean) as allows_publication,
    cast(null as varchar) as check_code,
    cast(null as varchar) as kind,
    cast(null as varchar) as suite,
    cast(null as varchar) as status,
    cast(null as varchar) as severity,
    cast(null as boolean) as is_blocking,
    cast(null as bigint) as unexpected_count,
    cast(null as bigint) as element_count,
    cast(null as varchar) as observed,
    cast(null as varchar) as reason
where false
