"""What a review page says, as tables: the same release always in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from orchestration.quality.verdict import Waiver
from orchestration.reports.review.parts import Former, Page, Section, Subject, Summary
from orchestration.reports.review.release import FORMER_SHOWN, ReviewedRelease
from orchestration.reports.review.sections.checks import verdict, warnings
from orchestration.reports.review.sections.decided import decided, waived
from orchestration.reports.review.sections.flags import flags
from orchestration.reports.review.sections.freshness import freshness
from orchestration.reports.review.sections.news import headlines, news
from orchestration.reports.review.sections.portal import portal
from orchestration.reports.review.sections.reconciliation import reconciliation
from orchestration.reports.review.sections.rejected import rejected
from orchestration.reports.review.sections.restatements import restatements
from orchestration.reports.review.sections.scores import scores


def page(
    con: duckdb.DuckDBPyConnection,
    subject: Subject,
    summary: Summary,
    former: Sequence[Former],
    waivers: Sequence[Waiver],
) -> Page:
    """The page over a release whose findings are prepared (`findings.prepare`)."""
    offices = dict(con.execute("select agency_code, agency_name from offices").fetchall())
    result = con.execute("select * from marts.dq_check_results order by kind, suite, check_code")
    names = [column[0] for column in result.description or ()]
    checks = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    release = ReviewedRelease(con, subject, summary, former[-FORMER_SHOWN:], offices, checks)
    blocking = [check for check in checks if check["is_blocking"] and check["status"] != "passed"]
    sections: tuple[Callable[[ReviewedRelease], Section], ...] = (
        news, rejected, flags, freshness, reconciliation, restatements, portal, scores,
    )  # fmt: skip
    return Page(
        subject,
        bool(checks) and not blocking,
        headlines(release),
        tuple(waivers),
        (
            verdict(release, blocking, waivers),
            *(section(release) for section in sections),
            waived(waivers),
            decided(release),
            warnings(release),
        ),
    )
