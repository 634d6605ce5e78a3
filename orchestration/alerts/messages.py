"""What there is to be told of a run, by kind, in the words of `texts.yml`: drawn from the record of the run, the
verdict, the release. No cell of a landed row is in it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.audit import Audit
from orchestration.declared import Declared, load
from orchestration.errors import CchcError
from orchestration.home import Home
from orchestration.ingestion.cells import without_long_numbers
from orchestration.plain import visible
from orchestration.publishing import releases
from orchestration.publishing.releases import Release
from orchestration.quality.reviewed import load_rhythms
from orchestration.reports.layout.shown import shown
from orchestration.reports.review import declared
from orchestration.reports.review.release import period_told
from orchestration.reports.review.sections.checks import reviewed_checks
from orchestration.reports.status import status
from orchestration.settings import HO_CHI_MINH

LISTED = 20
_WEEK = timedelta(days=7)


class Told(Declared):
    """What is told of a kind: a subject, what happened, what its lines are, what to do."""

    subject: str
    said: str
    causes: str
    todo: tuple[str, ...]


class Texts(Declared):
    """Everything that an alert can say."""

    kinds: dict[str, Told]
    check: str
    late_source: str
    period: str
    more: str
    runs: str
    still_late: str
    blocking_files: dict[str, str]
    outcomes: dict[str, str]


@cache
def texts() -> Texts:
    """The declared texts. Raises DeclarationError for a file that cannot be meant."""
    return load(Path(__file__).with_name("texts.yml"), Texts)


@dataclass(frozen=True)
class Alert:
    """One message. `causes` are what it is known by: the same are told once."""

    kind: str
    causes: frozenset[str]
    lines: tuple[str, ...]
    home: str
    as_of: str
    at: str
    release_id: str | None = None
    review: str | None = None

    def _filled(self, text: str) -> str:
        day = shown(date.fromisoformat(self.as_of))
        return text.format(as_of=day, count=len(self.lines), release_id=self.release_id)

    @property
    def subject(self) -> str:
        return f"[CCHC] {self._filled(texts().kinds[self.kind].subject)}"

    @property
    def text(self) -> str:
        """What the mail says: what happened, why, what to do, where to look."""
        told = texts().kinds[self.kind]
        listed = [f"- {line}" for line in self.lines[:LISTED]]
        if len(self.lines) > LISTED:
            listed.append(texts().more.format(count=len(self.lines) - LISTED))
        todo = [f"{number}. {step}" for number, step in enumerate(told.todo, 1)]
        places = [f"Kho: {self.home}"] + ([f"Trang rà soát: {self.review}"] if self.review else [])
        parts = [[self._filled(told.said)], [f"{told.causes}:", *listed], ["Việc cần làm:", *todo]]
        parts.append([*places, f"Giải thích: docs/alerts.md, mục {self.kind}"])
        return "\n\n".join("\n".join(part) for part in parts) + "\n"

    def values(self) -> dict[str, Any]:
        """The alert as docs/alerts.schema.json says."""
        known_by = json.dumps([self.home, self.kind, sorted(self.causes)], ensure_ascii=False)
        return {
            "version": 1,
            "id": hashlib.sha256(known_by.encode()).hexdigest()[:16],
            "kind": self.kind,
            "at": self.at,
            "as_of": self.as_of,
            "home": self.home,
            "release_id": self.release_id,
            "subject": self.subject,
            "lines": list(self.lines),
            "todo": list(texts().kinds[self.kind].todo),
            "text": self.text,
        }


def standing(home: Home, run: Mapping[str, Any]) -> dict[str, Alert | None]:
    """What stands after a run, by kind; None where it was looked at and there is nothing. What a run cannot know, as a
    failed one which sources are late, is not in it; nor what a night beside the current release says of its own day.
    """
    found: dict[str, tuple[Iterable[str], Sequence[str]]] = {}
    before = run.get("killed_before")
    found["killed"] = ([before], [_moment(before)]) if before else ([], [])
    release = releases.baseline(home)
    if run["outcome"] == "failed":
        found["failed"] = ([run["message"]], [run["message"]])
    elif run["outcome"] == "blocked":
        found["failed"] = ([], [])
        is_newest = release is None or run["as_of"] >= release.as_of.isoformat()
        late = _late_of_the_build(home) if is_newest else []
        found["blocked"] = _blocked(home, run, late)
        if is_newest:
            found["late"] = _late_told(late)
    elif run["outcome"] in ("published", "nothing new") and release and release.release_id == run["release_id"]:
        with releases.open_release(release) as con:
            late, restated = _late(con), _restated(con)
        found |= {"failed": ([], []), "blocked": ([], []), "late": _late_told(late), "restated": restated}
        found["well"] = _well(home, run, late)
    return {kind: _alert(home, run, release, kind, *said) if said[0] else None for kind, said in found.items()}


def trial(home: str, at: str, as_of: str, channel: str) -> Alert:
    return Alert("test", frozenset({at}), (channel,), home, as_of, at)


def _alert(
    home: Home, run: Mapping[str, Any], release: Release | None, kind: str, causes: Iterable[str], lines: Sequence[str]
) -> Alert:
    plain = tuple(without_long_numbers(visible(line)) for line in lines)
    review = str(release.review_page) if release and release.review_page.exists() else None
    return Alert(
        kind,
        frozenset(without_long_numbers(cause) for cause in causes),
        plain,
        str(home.root),
        run["as_of"],
        run["ended_at"],
        run["release_id"],
        review if run["release_id"] else None,
    )


# ---------------------------------------------------------------- by kind: (causes, lines)

_Said = tuple[Iterable[str], Sequence[str]]
_Freshness = dict[str, Any]


def _late(con: duckdb.DuckDBPyConnection) -> list[_Freshness]:
    """The rows of `dq_source_freshness` that are behind; none in what was built before there were rhythms."""
    found = con.sql("select * from marts.dq_source_freshness order by source").to_arrow_table().to_pylist()
    return [source for source in found if source.get("freshness") in ("late", "overdue")]


def _late_of_the_build(home: Home) -> list[_Freshness]:
    """As what was built and not published says it."""
    with suppress(duckdb.Error), duckdb.connect(str(home.warehouse), read_only=True) as con:
        return _late(con)
    return []


def _late_told(late: list[_Freshness]) -> _Said:
    told, rhythms = declared.texts(), load_rhythms().sources
    lines = [
        texts().late_source.format(
            title=of["title_vi"],
            source=of["source"],
            state=told.freshness[of["freshness"]],
            days=shown(of["late_by_days"]),
            unit=told.rhythm_units[of["rhythm_unit"]],
            newest=shown(of["newest_export_at"]),
            feeds=rhythms[of["source"]].feeds,
        )
        for of in late
    ]
    return [f"{of['source']} {of['freshness']}" for of in late], lines


def _blocked(home: Home, run: Mapping[str, Any], late: list[_Freshness]) -> _Said:
    """Known by the checks, files and sources that block; not by how many rows, which grow each night."""
    checks, files = [], []
    with suppress(OSError, ValueError):
        verdict = json.loads((home.work / "quality" / "verdict.json").read_text("utf-8"))
        checks = [c for c in verdict["checks"] if c["is_blocking"] and c["status"] != "passed"]
    with suppress(CchcError, OSError):
        files = status(home)["blocking"]
    overdue = [of["source"] for of in late if of["freshness"] == "overdue"]
    lines = [_check_told(check) for check in checks]
    lines += [texts().blocking_files[file["reason"]].format(file=file["source_file"]) for file in files]
    causes = [c["check_code"] for c in checks] + [f"{f['reason']} {f['source_file']}" for f in files] + overdue
    return (causes, lines) if causes else ([run["message"]], [run["message"]])


def _check_told(check: Mapping[str, Any]) -> str:
    code = check["check_code"]
    if check["kind"] == "dbt":
        title = declared.words_of_test(check["suite"], code) or check["reason"]
    else:
        title = reviewed_checks().get(code, ("", code, ""))[1]
    return texts().check.format(title=title, code=code, observed=declared.observed(check["observed"]))


def _restated(con: duckdb.DuckDBPyConnection) -> _Said:
    """Known by period and KPI: a figure that moves once more is no news, another that moves is."""
    found = con.execute(
        "select distinct period_type, period_start, kpi_code from marts.restated_kpis "
        "order by period_start desc, period_type, kpi_code"
    ).fetchall()
    periods = Counter((period_type, start) for period_type, start, _ in found)
    lines = [texts().period.format(period=period_told(*period), count=shown(n)) for period, n in periods.items()]
    return [f"{period_type} {start} {kpi}" for period_type, start, kpi in found], lines


def _well(home: Home, run: Mapping[str, Any], late: list[_Freshness]) -> _Said:
    """Known by the week in which it is told."""
    ended = datetime.fromisoformat(run["ended_at"])
    outcomes: Counter[str] = Counter()
    with suppress(CchcError, OSError):
        ran = [e for e in Audit(home).entries if e["event"] == "ran"]
        outcomes.update(e["outcome"] for e in ran if datetime.fromisoformat(e["at"]) > ended - _WEEK)
    told = texts().outcomes
    lines = [texts().runs.format(count=n, outcome=told[o]) for o, n in outcomes.most_common() if o in told]
    if late:
        lines.append(texts().still_late.format(sources=", ".join(of["source"] for of in late)))
    week = ended.astimezone(HO_CHI_MINH).isocalendar()
    return [f"{week.year}-W{week.week:02}"], lines


def _moment(at: str) -> str:
    return shown(datetime.fromisoformat(at).astimezone(HO_CHI_MINH))
