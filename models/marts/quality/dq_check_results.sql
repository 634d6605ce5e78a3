-- The verdict is known only after everything is built: publication writes its rows into the release.
select
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
