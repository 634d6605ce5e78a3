{{ config(alias='directives', schema='history') }}
{{ history_of(ref('stg_directives'), ['document_number'], [
    'issued_on', 'title', 'issuer',
]) }}
