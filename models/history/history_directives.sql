{{ history_of('directives', ref('stg_directives')) }}
