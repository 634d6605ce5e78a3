"""Official forms as spreadsheets: one declarative file a form, figures from the release's own macros.

`declared` says what a form looks like, `rows` fills it, `workbook` lays it out; nothing here counts a dossier.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from orchestration.errors import CchcError, UsageError, is_full_disk
from orchestration.files import write_bytes
from orchestration.publishing.releases import Release
from orchestration.reports.figures import Question
from orchestration.reports.forms.declared import Form, form_named
from orchestration.reports.forms.rows import filled
from orchestration.reports.forms.workbook import laid_out


def write(release: Release, form: Form, question: Question, out: Path, notices: Sequence[str] = ()) -> int:
    """Write a form and give the number of its rows, totals and headings apart; `notices` stand first among its notes.

    Raises UsageError for a place that cannot be written, CchcError for a full disk or a form too long for a sheet.
    """
    _check_place(out)
    body = filled(release, form, question)
    content = laid_out(form, body, question, release.release_id, notices)
    try:
        write_bytes(out, content)
    except OSError as error:
        if is_full_disk(error):
            raise CchcError(f"the disk is full: {out} was not written; make room and run the command again") from None
        raise UsageError(f"--out {out} cannot be written: {error.strerror}") from None
    return len(body.entries)


def _check_place(out: Path) -> None:
    if out.suffix.lower() != ".xlsx":
        raise UsageError(f"--out {out}: a form is a spreadsheet, name it FILE.xlsx")
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder: name a file in it")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: the folder {out.parent} does not exist: make it first")
    if not os.access(out.parent, os.W_OK):
        raise UsageError(f"--out {out}: the folder {out.parent} cannot be written")


__all__ = ["Form", "form_named", "write"]
