"""The command as docs/published-interface.md 1 says: exit codes, one line on stderr, figures and what stands behind them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from datetime import date
from itertools import product
from pathlib import Path

import duckdb
import pytest

from orchestration.catalogue import scope_types
from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.reports.figures import Question, behind, figures
from orchestration.reports.screen import of_files, screen
from orchestration.reports.status import status
from orchestration.settings import PROJECT_DIR
from tests.support.disks import obeying_permissions

PERIODS = [("2023-01-01", "2023-06-30"), ("2023-07-01", "2023-07-31"), ("2023-03-10", "2023-03-10")]
DAYS = ["2023-07-31", "2023-06-30", "2023-03-10"]


def only_line(stderr: str) -> str:
    """The one clear line of an error."""
    assert stderr.startswith("cchc: "), stderr
    assert stderr.count("\n") == 1, stderr
    return stderr


def folder_state(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.lstat().st_mtime_ns for p in folder.rglob("*")}


# --- exit codes


def test_a_published_night_exits_0_and_sums_up(first_night) -> None:
    home, ended = first_night
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines())
    assert {"ingest", "build", "check", "publish", "files", "rows", "dossiers", "checks", "release"} <= set(lines)
    assert lines["files"] == "6 known, 1 rejected whole"
    assert lines["rows"] == "32 read, 1 rejected"
    assert lines["dossiers"] == "15, 4 flags"
    assert lines["release"].startswith((home / "current").resolve().name)


def test_nothing_new_exits_0_without_a_release(cchc, landing_and_home: tuple[Path, Path]) -> None:
    landing, home = landing_and_home
    before = (home / "current").resolve()
    ended = cchc("nightly", "--landing", landing, "--home", home, "--as-of", "2023-07-31")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "nothing new" in ended.stdout
    assert (home / "current").resolve() == before
    assert [p.name for p in (home / "releases").iterdir()] == [before.name]


def test_a_damaged_release_exits_1(cchc, home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "home", symlinks=True)
    damaged = tmp_path / "home" / "current" / "cchc.duckdb"
    damaged.chmod(0o644)
    damaged.write_bytes(b"not a database" * 1000)
    ended = cchc("kpi", "--home", tmp_path / "home")
    assert ended.returncode == 1
    only_line(ended.stderr)
    assert "Traceback" in cchc("--debug", "kpi", "--home", tmp_path / "home").stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nightly", "--landing", "{landing}"], "--home"),
        (["nightly", "--home", "{empty}"], "--landing"),
        (["nightly", "--landing", "{landing}", "--home", "{file}/home"], "cannot be written"),
        (["nightly", "--landing", "{landing}", "--home", "{foreign}"], "not a home"),
        (["nightly", "--landing", "{landing}", "--home", "{later}"], "format 999"),
        (["nightly", "--landing", "{nowhere}", "--home", "{nowhere}"], "does not exist"),
        (["nightly", "--landing", "{landing}", "--home", "{empty}", "--as-of", "16/11/2023"], "YYYY-MM-DD"),
        (["rebuild", "--home", "{nowhere}"], "does not exist"),
        (["status", "--home", "{nowhere}"], "does not exist"),
        (["kpi", "--home", "{unpublished}"], "no release yet"),
        (["explain", "--home", "{unpublished}", "on_time_rate"], "no release yet"),
        (["kpi", "--home", "{home}", "--to", "2023-07-02", "--as-of", "2023-07-01"], "--to 2023-07-02 is after"),
        (["kpi", "--home", "{home}", "--as-of", "2023-08-01"], "after the release's day"),
        (["kpi", "--home", "{home}", "--from", "2023-07-02", "--to", "2023-07-01"], "--from"),
        (["kpi", "--home", "{home}", "--kpi", "dossiers_lost"], "dossiers_lost"),
        (["kpi", "--home", "{home}", "--by", "village"], "village"),
        (["kpi", "--home", "{home}", "--scope", "agency"], "TYPE=CODE"),
        (["kpi", "--home", "{home}", "--scope", "village=1"], "village"),
        (["kpi", "--home", "{home}", "--convention", "mine"], "mine"),
        (["explain", "--home", "{home}", "dossiers_lost"], "dossiers_lost"),
        (["history", "--home", "{home}", "H99.01-000000-0000"], "H99.01-000000-0000"),
        (["history", "--home", "{unpublished}", "H99.01-230103-0003"], "no release yet"),
        (["export", "--home", "{home}", "hoso", "--to", "{empty}.csv"], "did you mean ho_so"),
        (["export", "--home", "{home}", "ho_so", "--to", "{nowhere}/x.csv"], "does not exist"),
        (["open", "--home", "{unpublished}"], "no release yet"),
        (["score", "--home", "{home}", "--index", "PCI"], "PCI"),
        (["score", "--home", "{home}", "--index", "PAR", "--by", "village"], "village"),
        (["score", "--home", "{home}"], "--index"),
        (["accept", "--home", "{home}", "dossiers/none.csv", "--reason", "x", "--by", "y"], "none.csv"),
        (["accept", "--home", "{home}", "dossiers/none.csv"], "--reason"),
        (["publish-it-anyway"], "publish-it-anyway"),
    ],
    ids=lambda value: "-".join(value[:1]) if isinstance(value, list) else value.replace(" ", "_"),
)
def test_wrong_usage_exits_2_and_touches_nothing(
    arguments: list[str], named: str, cchc, home: Path, tmp_path: Path
) -> None:
    places = {
        "landing": home.parent / "landing", "home": home, "empty": tmp_path / "empty", "nowhere": tmp_path / "nowhere",
        "file": tmp_path / "file", "foreign": tmp_path / "foreign", "later": tmp_path / "later",
        "unpublished": tmp_path / "unpublished",
    }  # fmt: skip
    places["file"].write_text("no folder")
    for name in ("foreign", "later", "unpublished"):
        places[name].mkdir()
    (places["foreign"] / "thesis.docx").write_text("mine")
    (places["later"] / "home.json").write_text('{"cchc_home_format": 999}')
    (places["unpublished"] / "home.json").write_text('{"cchc_home_format": 1}')
    before = folder_state(tmp_path)
    ended = cchc(*[a.format(**places) for a in arguments])
    assert ended.returncode == 2, ended.stderr
    assert named in only_line(ended.stderr)
    assert ended.stdout == ""
    assert folder_state(tmp_path) == before


def test_a_held_home_exits_4_and_stays_the_holders(cchc, landing_and_home: tuple[Path, Path]) -> None:
    landing, home = landing_and_home
    last_run = (home / "last_run.json").read_text("utf-8")
    (landing / "dossiers" / "moi_20230721.csv").write_bytes(
        (landing / "dossiers" / "hoso_20230310_2300.csv").read_bytes()
    )
    handle = os.open(home / ".lock", os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        (home / "work" / "of-the-other-run").write_text("busy")
        ended = cchc("nightly", "--landing", landing, "--home", home, "--as-of", "2023-07-31")
        assert ended.returncode == 4
        assert "another run holds" in only_line(ended.stderr)
        decided = cchc("accept", "--home", home, "dossiers/hoso_20230310_2300.csv", "--reason", "r", "--by", "b")
        assert decided.returncode == 4
        only_line(decided.stderr)
        assert (home / "work" / "of-the-other-run").exists()
        assert (home / "last_run.json").read_text("utf-8") == last_run
        assert cchc("kpi", "--home", home, "--kpi", "dossiers_received").returncode == 0, "readers are not held up"
    finally:
        os.close(handle)


@pytest.mark.parametrize(
    "command",
    [
        "sample",
        "nightly",
        "kpi",
        "explain",
        "history",
        "score",
        "accept",
        "withdraw",
        "status",
        "rebuild",
        "submit",
        "verify",
        "reproduce",
        "propose-thresholds",
    ],
)
def test_every_command_explains_itself(command: str, ask) -> None:
    assert "Usage:" in ask(command, "--help")


def test_without_its_extra_the_sample_says_what_to_install(cchc, tmp_path: Path) -> None:
    without = "import sys; sys.modules['xlwt'] = None; from orchestration.cli import main; main()"
    ended = cchc("sample", tmp_path / "landing", program=without, is_cold=True)
    assert ended.returncode == 2
    assert "xlwt" in (line := only_line(ended.stderr)) and "make setup" in line
    assert not (tmp_path / "landing").exists()


def test_the_product_knows_the_sample_by_its_command_alone() -> None:
    product = (PROJECT_DIR / "orchestration").rglob("*.py")
    assert [p.name for p in product if "sample_province" in p.read_text("utf-8")] == ["cli.py"]


def test_status_tells_the_state(ask, home: Path) -> None:
    state = json.loads(ask("status", "--home", home, "--format", "json"))
    assert [r["current"] for r in state["releases"]] == [True]
    assert state["last_run"]["outcome"] in ("published", "nothing new")
    assert state["blocking"] == []
    assert [f["source_file"] for f in state["rejected_files"]] == ["dossiers/khong ngay.csv"]
    assert [f["source_file"] for f in state["rejected_rows"]] == ["dossiers/hoso_20230630_2300.csv"]
    newest = {row[0]: row[1] for row in state["freshness"]}
    assert newest["dossiers"] == "2023-07-20 08:30:00"
    assert (state["verdict"]["passed"], len(state["next"])) == (True, 2)


def test_status_fits_on_one_screen_and_tells_details_when_asked(ask, home: Path) -> None:
    told = ask("status", "--home", home)
    assert (
        "<- current" in told and "\nverdict   allows publication: " in told and "\nnext      send the offices" in told
    )
    assert len(told.splitlines()) < 15
    assert "sources   4 of 21 have delivered, 4 late; newest dossiers, 11 days before as-of" in told
    assert "source    dossiers: newest export 2023-07-20 08:30:00, 11 days" in ask("status", "--home", home, "--source")
    assert ", late by 6 working days\n" in ask("status", "--home", home, "--source")
    [file] = ask("status", "--home", home, "--files").splitlines()
    assert file.startswith("rejected  dossiers/khong ngay.csv: no_export_stamp: ")
    [both, rows] = ask("status", "--home", home, "--files", "--rows").splitlines()
    assert (both, rows) == (file, "rows      dossiers/hoso_20230630_2300.csv (dossiers): 1 of 14 rejected")


def test_the_screen_stays_one_however_much_blocks(home: Path) -> None:
    state = status(Home(home))
    blocks = [{"source_file": f"dossiers/{n}.csv", "reason": "rejected_rows", "remedy": "decide"} for n in range(200)]
    lines = list(screen(state | {"blocking": blocks, "rejected_files": state["rejected_files"] * 200}))
    assert [said for subject, said in lines if subject == "blocks"][-2:] == [
        "dossiers/2.csv: decide", "and 197 more: --files",
    ]  # fmt: skip
    assert len(lines) < 18 and len(list(of_files(state | {"blocking": blocks}))) == 201


# --- figures


def test_kpi_rows_have_the_columns_of_kpi_values(ask, home: Path, release: duckdb.DuckDBPyConnection) -> None:
    columns = [row[0] for row in release.execute("describe marts.kpi_values").fetchall()]
    rows = json.loads(ask("kpi", "--home", home, "--format", "json"))
    assert all(list(row) == columns for row in rows)
    assert {row["period_type"] for row in rows} == {"custom"}
    assert {(r["scope_type"], r["scope_code"]) for r in rows} == {("province", "all")}
    assert {(r["period_start"], r["period_end"], r["as_of"]) for r in rows} == {
        ("2023-01-01", "2023-07-31", "2023-07-31")
    }
    codes = {c for (c,) in release.execute("select distinct kpi_code from marts.kpi_values").fetchall()}
    assert {row["kpi_code"] for row in rows} == codes
    narrowed = ask("kpi", "--home", home, "--by", "agency,channel", "--kpi", "on_time_rate", "--format", "csv")
    scopes = {tuple(line.split(",")[1:3]) for line in narrowed.splitlines()[1:]}
    assert scopes == {
        ("agency", "H99.01"),
        ("agency", "H99.02"),
        ("channel", "online"),
        ("channel", "direct"),
        ("channel", "postal"),
    }


def test_kpi_for_calendar_periods_equals_kpi_values(home: Path, release: duckdb.DuckDBPyConnection) -> None:
    current = releases.current(Home(home))
    for kind, start, end in release.execute(
        "select distinct period_type, period_start, period_end from marts.kpi_values where period_start >= date '2022-12-01'"
    ).fetchall():
        question = Question.of(current, start, end, None)
        asked = figures(current, question, list(scope_types()), []).to_pylist()
        stored = release.execute(
            "select kpi_code, scope_type, scope_code, numerator, denominator, value from marts.kpi_values "
            "where period_type = ? and period_start = ?",
            [kind, start],
        ).fetchall()
        names = ("kpi_code", "scope_type", "scope_code", "numerator", "denominator", "value")
        assert {tuple(r[n] for n in names) for r in asked} == set(stored), (kind, start)


@pytest.mark.parametrize(
    ("period", "day", "convention"),
    [(p, d, c) for p, d, c in product(PERIODS, DAYS, ["separate", "form_06a"]) if p[1] <= d],
)
def test_as_many_rows_stand_behind_every_figure_as_it_counts(
    period: tuple[str, str], day: str, convention: str, release: duckdb.DuckDBPyConnection
) -> None:
    """Every KPI of every scope at once; `cchc explain` filters these rows."""
    question = [*period, day, convention]
    release.execute(
        "create or replace temp table counted as select * from marts.kpis(?::date, ?::date, ?::date, convention := ?)",
        question,
    )
    release.execute(
        "create or replace temp table behind as select * from marts.rows_behind(?::date, ?::date, ?::date, convention := ?)",
        question,
    )
    scopes = " union all ".join(
        f"select '{kind}' as scope_type, scope_{kind} as scope_code, * from behind where scope_{kind} is not null"
        for kind in scope_types()
    )
    wrong = release.execute(f"""
        with listed as (
            select kpi_code, scope_type, scope_code, count(*) as rows_, count(*) filter (where in_numerator) as in_numerator,
                sum(amount) as amount
            from ({scopes}) group by all
        )
        select kpi_code, scope_type, scope_code, numerator, denominator, rows_, in_numerator, amount
        from counted full join listed using (kpi_code, scope_type, scope_code)
        where kpi_code not similar to '.*(_rank|_rank_change)' and not (
            case
                when denominator is null and amount is null then coalesce(numerator, 0) = coalesce(rows_, 0)
                when denominator is null then numerator = amount
                when amount is null then denominator = coalesce(rows_, 0) and numerator = coalesce(in_numerator, 0)
                else denominator = rows_ and numerator = amount
            end)
        """).fetchall()
    assert wrong == []
    assert release.execute("select count(*) from behind where kpi_code like 'dossiers_%'").fetchone() > (10,)


def test_explain_answers_for_every_kpi(home: Path) -> None:
    current = releases.current(Home(home))
    question = Question.of(current, None, date(2023, 6, 30), None, scope="agency=H99.01")
    asked = figures(current, question, ["province"], []).to_pylist()
    assert len(asked) >= 25
    for figure in asked:
        rows = behind(current, question, figure["kpi_code"]).to_pylist()
        expected = figure["numerator"] if figure["denominator"] is None else figure["denominator"]
        assert len(rows) == (expected or 0), figure["kpi_code"]


def test_explain_names_the_dossiers(ask, home: Path) -> None:
    late = json.loads(
        ask("explain", "--home", home, "dossiers_resolved_late", "--to", "2023-06-30", "--format", "json")
    )
    assert [row["entity_code"] for row in late] == ["H99.01-230103-0003"]
    everyone = ask(
        "explain", "--home", home, "on_time_rate", "--from", "2023-01-01", "--to", "2023-06-30", "--format", "csv"
    )
    assert len(everyone.splitlines()) == 1 + 8
    assert ask("explain", "--home", home, "dossiers_received", "--scope", "agency=none").strip() == "nothing counted"


# --- the history of a dossier


def told_of(ask, home: Path, dossier: str) -> list[tuple]:
    """What is told of a dossier, without what its first export says of it."""
    rows = json.loads(ask("history", dossier, "--home", home, "--format", "json"))
    first = min(row["at"] for row in rows)
    return [
        (row["at"][5:16], row["entry"], row["what"], row["before"], row["after"])
        for row in rows
        if (row["at"], row["entry"]) != (first, "changed")
    ]


def test_the_history_of_a_dossier_is_told_in_order(ask, home: Path) -> None:
    """What three exports showed, as the files of tests/golden/landing say."""
    assert told_of(ask, home, "H99.02-230302-0006") == [
        ("03-10 23:00", "exported", None, None, None),
        ("03-10 23:00", "counted", None, None, "in_process, within_due"),
        ("06-30 23:00", "exported", None, None, None),
        ("07-20 08:30", "exported", None, None, None),
        ("07-20 08:30", "changed", "completed_at", None, "2023-07-10 09:00:00"),
        ("07-20 08:30", "changed", "fee_amount", None, "15000"),
        ("07-20 08:30", "changed", "status_code", "5", "9"),
        ("07-20 08:30", "counted", None, "in_process, within_due", "resolved, late"),
    ]
    flagged = [row for row in told_of(ask, home, "H99.02-230201-0004") if row[1] == "flagged"]
    assert [(at, what.partition(":")[0]) for at, _, what, *_ in flagged] == [
        ("06-30 23:00", "deadline_moved_after_breach")
    ]
    assert told_of(ask, home, "H99.01-230621-0099") == [
        ("06-30 23:00", "rejected", "dossiers received_at: unreadable", None, None)
    ]


def test_a_dossier_grows_overdue_between_two_exports(ask, home: Path) -> None:
    counted = [row for row in told_of(ask, home, "H99.02-230502-0011") if row[1] == "counted"]
    assert [(at, after) for at, _, _, _, after in counted] == [
        ("06-30 23:00", "in_process, within_due"),
        ("07-01 00:00", "in_process, overdue"),
        ("07-20 08:30", "resolved, on_due_date"),
    ]


def test_the_history_shows_no_personal_data(ask, home: Path, release: duckdb.DuckDBPyConnection) -> None:
    named = release.execute("select dossier_code, agency_name from marts.fct_dossier_versions").fetchall()
    assert len(named) > 20
    for dossier, name in named:
        told = ask("history", dossier, "--home", home)
        assert "agency_name" in told and name not in told, dossier
    assert ask("history", f"  {dossier}\t", "--home", home) == told, "however it was pasted"


def test_who_may_not_read_the_lake_is_told_what_the_release_knows(cchc, landing_and_home: tuple[Path, Path]) -> None:
    home = landing_and_home[1]
    (home / "lake").chmod(0o000)
    told = cchc("history", "H99.02-230302-0006", "--home", home, preexec_fn=obeying_permissions)
    (home / "lake").chmod(0o700)
    assert told.returncode == 0, told.stderr
    assert "exported" not in told.stdout and "resolved, late" in told.stdout
