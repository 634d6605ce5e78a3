{# Where DuckDB and Spark spell the same thing differently, one dispatched macro each. -#}

{% macro day(timestamp) %}cast({{ timestamp }} as date){% endmacro %}

{% macro add_days(day, number) %}{{ return(adapter.dispatch('add_days')(day, number)) }}{% endmacro %}
{% macro default__add_days(day, number) %}cast({{ day }} + {{ number }} as date){% endmacro %}
{% macro spark__add_days(day, number) %}date_add({{ day }}, {{ number }}){% endmacro %}

{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between')(earlier, later)) }}{% endmacro %}
{% macro default__days_between(earlier, later) %}date_diff('day', {{ earlier }}, {{ later }}){% endmacro %}
{% macro spark__days_between(earlier, later) %}datediff({{ later }}, {{ earlier }}){% endmacro %}

{% macro two_digit_date(day) %}{{ return(adapter.dispatch('two_digit_date')(day)) }}{% endmacro %}
{% macro default__two_digit_date(day) %}strftime({{ day }}, '%y%m%d'){% endmacro %}
{% macro spark__two_digit_date(day) %}date_format({{ day }}, 'yyMMdd'){% endmacro %}

{% macro day_spine(first, last) %}{{ return(adapter.dispatch('day_spine')(first, last)) }}{% endmacro %}
{% macro default__day_spine(first, last) %}select cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date) as date_day{% endmacro %}
{% macro spark__day_spine(first, last) %}select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as date_day{% endmacro %}

{% macro month_spine(first, last) %}{{ return(adapter.dispatch('month_spine')(first, last)) }}{% endmacro %}
{% macro default__month_spine(first, last) %}unnest(generate_series({{ first }}, {{ last }}, interval 1 month)){% endmacro %}
{% macro spark__month_spine(first, last) %}explode(sequence({{ first }}, {{ last }}, interval 1 month)){% endmacro %}

{# The open end of every half-open interval. -#}
{% macro open_end() %}timestamp '9999-12-31 00:00:00'{% endmacro %}
{% macro open_end_day() %}date '9999-12-31'{% endmacro %}

{# Monday is 1, Sunday 7. -#}
{% macro day_of_week(day) %}{{ return(adapter.dispatch('day_of_week')(day)) }}{% endmacro %}
{% macro default__day_of_week(day) %}isodow({{ day }}){% endmacro %}
{% macro spark__day_of_week(day) %}(weekday({{ day }}) + 1){% endmacro %}

{# The digits of the first match of a pattern's group, or an empty text. -#}
{% macro first_group(text, pattern) %}regexp_extract({{ text }}, '{{ pattern }}', 1){% endmacro %}

{% macro add_months(day, number) %}{{ return(adapter.dispatch('add_months')(day, number)) }}{% endmacro %}
{% macro default__add_months(day, number) %}cast({{ day }} + interval ({{ number }}) month as date){% endmacro %}
{% macro spark__add_months(day, number) %}add_months({{ day }}, {{ number }}){% endmacro %}

{# A text for matching: lower case, without diacritics, `đ` as `d`. -#}
{% macro folded(text) %}{{ return(adapter.dispatch('folded')(text)) }}{% endmacro %}
{% macro default__folded(text) %}strip_accents(replace(lower({{ text }}), 'đ', 'd')){% endmacro %}

{# After a star: all columns but these. -#}
{% macro excluding(columns) %}{{ return(adapter.dispatch('excluding')(columns)) }}{% endmacro %}
{% macro default__excluding(columns) %}exclude ({{ columns | join(', ') }}){% endmacro %}
{% macro spark__excluding(columns) %}except ({{ columns | join(', ') }}){% endmacro %}

{# Each part of a text, a row each. -#}
{% macro each_of(text, separator) %}{{ return(adapter.dispatch('each_of')(text, separator)) }}{% endmacro %}
{% macro default__each_of(text, separator) %}unnest(string_split({{ text }}, '{{ separator }}')){% endmacro %}
{% macro spark__each_of(text, separator) %}explode(split({{ text }}, '[{{ separator | replace(' ', '') }}] ?')){% endmacro %}

{# A number as whole millionths, wide enough that products of two stay exact; missing below 0 and beyond 10^15. -#}
{% macro in_millionths(number) %}{{ return(adapter.dispatch('in_millionths')(number)) }}{% endmacro %}
{% macro default__in_millionths(number) %}case when {{ number }} between 0 and 1e15 then cast(round({{ number }} * 1000000) as hugeint) end{% endmacro %}
{% macro spark__in_millionths(number) %}case when {{ number }} between 0 and 1e15 then cast(round({{ number }} * 1000000) as decimal(38, 0)) end{% endmacro %}

{# A number that is not negative as a whole one, at a scale at which `beside`, above 0, has the 15 digits that a double
   holds of a decimal. -#}
{% macro as_whole(number, beside) %}{{ return(adapter.dispatch('as_whole')(number, beside)) }}{% endmacro %}
{% macro default__as_whole(number, beside) %}cast(round({{ number }} * power(10.0, 14 - floor(log10(nullif(greatest({{ beside }}, 0), 0))))) as hugeint){% endmacro %}
{% macro spark__as_whole(number, beside) %}cast(round({{ number }} * power(10.0, 14 - floor(log10(nullif(greatest({{ beside }}, 0), 0))))) as decimal(38, 0)){% endmacro %}

{# Of whole numbers that are not negative, rounded down. -#}
{% macro floor_division(dividend, divisor) %}{{ return(adapter.dispatch('floor_division')(dividend, divisor)) }}{% endmacro %}
{% macro default__floor_division(dividend, divisor) %}(({{ dividend }}) // ({{ divisor }})){% endmacro %}
{% macro spark__floor_division(dividend, divisor) %}(({{ dividend }}) div ({{ divisor }})){% endmacro %}

{# Of a common table expression: to be made once, before what reads it is planned. -#}
{% macro made_first() %}{{ return(adapter.dispatch('made_first')()) }}{% endmacro %}
{% macro default__made_first() %}materialized{% endmacro %}
{% macro spark__made_first() %}{% endmacro %}

{# Values as one, compared from the first to the last. -#}
{% macro struct_of(values) %}{{ return(adapter.dispatch('struct_of')(values)) }}{% endmacro %}
{% macro default__struct_of(values) %}row({{ values | join(', ') }}){% endmacro %}
{% macro spark__struct_of(values) %}struct({{ values | join(', ') }}){% endmacro %}
