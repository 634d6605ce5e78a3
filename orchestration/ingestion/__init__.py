"""The door: decode a landed file, find its header, type its cells, split accepted from rejected, pseudonymise,
write the lake. Syntax only: what a row means is SQL, after the lake. Nothing here knows a single source."""
