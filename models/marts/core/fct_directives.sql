{{ newest_of(ref('history_directives')) }}
