{# Half-open intervals that are empty, or that reach into the key's next one. Without overlap no key has more
   than one open version. Only keys that repeat pass through a window. -#}
{% test half_open(model, key, begins, ends) %}
    with repeated as (
        select {{ key | join(', ') }}
        from {{ model }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    ),

    followed as (
        select
            intervals.{{ key | join(', intervals.') }}, intervals.{{ begins }}, intervals.{{ ends }},
            lead(intervals.{{ begins }}) over (
                partition by intervals.{{ key | join(', intervals.') }} order by intervals.{{ begins }}
            ) as next_begins
        from {{ model }} as intervals
        inner join repeated on {{ same_key('intervals', 'repeated', key) }}
    )

    select {{ key | join(', ') }}, {{ begins }}, {{ ends }}
    from {{ model }}
    where {{ begins }} >= {{ ends }}
    union all
    select {{ key | join(', ') }}, {{ begins }}, {{ ends }}
    from followed
    where next_begins < {{ ends }}
{% endtest %}
