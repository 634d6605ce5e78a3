"""Whose a finding is, and its words in Vietnamese: temporary tables over a release, which page and workbooks read.

`told_rows`   source, source_file, row_number, column_name, column_vi, reason_code, correct_vi, office
`told_files`  source, source_file, reason_code, detail, office
`told_flags`  source, entity_code, rule_code, detail, source_file, office
`offices`     agency_code, agency_name, book (its workbook's name): every office that bears a finding or could, with
              `UNKNOWN` for nobody's

An office is an agency code that the release knows; a rejected row is its own by what it says itself, a finding by its
dossier, else by what the dossier's code begins with, a registration by its commune. A rejected file is that of the one
office whose code is a folder or a part of its name, else of the one whose dossiers count from what was accepted under
that name.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from orchestration.reports.review.declared import columns_told, in_vietnamese, texts
from orchestration.sql import literal

UNKNOWN = "khong-ro"
# What may name a file anywhere: nothing that leaves the folder or hides in it, no device of Windows.
_SAFE = "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"
_DEVICES = r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?"
_ENDINGS = r"(?i)\.(csv|csv\.gz|xlsx|xls|json|jsonl)$"


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables in a connection whose default database is a release."""
    told = texts()
    names = ["source", "column_name", "column_vi", "how"]
    con.register(
        "declared_columns", pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in columns_told()])
    )
    con.execute(f"""
        create temp table offices as
        with named as (
            select agency_code, max_by(agency_name, valid_from) as agency_name
            from marts.dim_agency
            where agency_code not in ('unknown', {literal(UNKNOWN)})
            group by agency_code
            union all
            select {literal(UNKNOWN)}, 'Không rõ cơ quan'
        )
        select
            agency_code, agency_name,
            case
                when agency_code = {literal(UNKNOWN)} then agency_code
                when regexp_full_match(agency_code, {literal(_SAFE)})
                    and not regexp_full_match(agency_code, {literal(_DEVICES)})
                    and count(*) over (partition by lower(agency_code)) = 1
                    then agency_code
                else 'ma-' || left(sha256(agency_code), 12)
            end as book
        from named
    """)
    con.execute("""
        create temp table offices_of_communes as
        select commune_code, min(agency_code) as agency_code
        from marts.dim_agency
        where is_current and commune_code is not null
        group by commune_code
        having count(distinct agency_code) = 1
    """)
    con.execute(f"""
        create temp table told_rows as
        with said as (
            select
                *,
                coalesce(raw_row ->> '$.agency_code', raw_row ->> '$.lead_agency_code') as agency_said,
                split_part(raw_row ->> '$.dossier_code', '-', 1) as agency_of_dossier,
                raw_row ->> '$.commune_code' as commune_code
            from marts.dq_rejected_rows
        )
        select
            said.source, said.source_file, said.row_number, said.column_name, said.reason_code,
            coalesce(declared.column_vi, said.column_name, '') as column_vi,
            {in_words("said.reason_code", {c: one.correct for c, one in told.reasons_of_rows.items()}, literal(""))}
                || case when said.reason_code in ('missing', 'unreadable', 'unknown_value')
                    then coalesce(' ' || declared.how, '') else '' end as correct_vi,
            {_office("saying.agency_code", "naming.agency_code", "living.agency_code")} as office
        from said
        left join declared_columns as declared using (source, column_name)
        left join offices as saying on said.agency_said = saying.agency_code
        left join offices as naming on said.agency_of_dossier = naming.agency_code
        left join offices_of_communes as communes on said.commune_code = communes.commune_code
        left join offices as living on communes.agency_code = living.agency_code
    """)
    con.execute(f"""
        create temp table told_files as
        with parts as (
            select
                source_file,
                unnest(regexp_split_to_array(regexp_replace(source_file, {literal(_ENDINGS)}, ''), '[/_ ]')) as part
            from marts.dq_rejected_files
        ),
        naming as (
            select parts.source_file, min(offices.agency_code) as agency_code
            from parts inner join offices on parts.part = offices.agency_code
            group by parts.source_file having count(distinct offices.agency_code) = 1
        ),
        sending as (
            select source_file, min(agency_code) as agency_code
            from marts.fct_dossier_versions
            where source_file in (select f.source_file from marts.dq_rejected_files as f)
            group by source_file having count(distinct agency_code) = 1
        )
        select
            files.source, files.source_file, files.reason_code,
            {in_vietnamese(told.reasons_of_files, "files.reason_code", "files.detail")} as detail,
            {_office("naming.agency_code", "handling.agency_code")} as office
        from marts.dq_rejected_files as files
        left join naming on files.source_file = naming.source_file
        left join sending on files.source_file = sending.source_file
        left join offices as handling on sending.agency_code = handling.agency_code
    """)
    con.execute(f"""
        create temp table told_flags as
        with named as (
            select
                flags.*,
                case flags.source when 'payments' then payments.dossier_code
                    when 'dossiers' then flags.entity_code when 'supplements' then flags.entity_code
                    when 'dossier_events' then flags.entity_code end as dossier_code,
                registrations.commune_code
            from marts.dq_flags as flags
            left join marts.fct_payments as payments
                on flags.source = 'payments' and flags.entity_code = payments.transaction_code
            left join marts.fct_civil_registrations as registrations
                on flags.source = 'civil_registrations' and flags.entity_code = registrations.registration_code
        )
        select
            named.source, named.entity_code, named.rule_code, named.source_file,
            {in_vietnamese(told.rules, "named.rule_code", "named.detail")} as detail,
            {_office("handling.agency_code", "naming.agency_code", "living.agency_code")} as office
        from named
        left join marts.fct_dossiers as dossiers on named.dossier_code = dossiers.dossier_code
        left join offices as handling on dossiers.agency_code = handling.agency_code
        left join offices as naming on split_part(named.dossier_code, '-', 1) = naming.agency_code
        left join offices_of_communes as communes on named.commune_code = communes.commune_code
        left join offices as living on communes.agency_code = living.agency_code
    """)


def _office(*codes: str) -> str:
    return f"coalesce({', '.join(codes)}, {literal(UNKNOWN)})"


def in_words(column: str, words: Mapping[str, str], otherwise: str | None = None) -> str:
    """SQL: what is declared for a code; of another the code itself, or what is given in its stead."""
    told = " ".join(f"when {literal(code)} then {literal(word)}" for code, word in words.items())
    return f"case {column} {told} else {otherwise or column} end"
