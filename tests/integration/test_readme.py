"""Every command of the README, run in its order on a small province; the questions of docs/analysts.md to its release."""

from __future__ import annotations

import csv
import io
import os
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.publishing.releases import Release
from orchestration.reports.figures import Question, figures
from orchestration.reports.queries import answered
from orchestration.settings import PROJECT_DIR
from sample_province.article import FIGURES, LAST_DAY
from tests.support import warm

pytestmark = pytest.mark.slow

BLOCKS = re.findall(r"^```sh\n(.*?)^```", (PROJECT_DIR / "README.md").read_text("utf-8"), re.M | re.S)
COMMANDS = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
CCHC = ".venv/bin/cchc"
# Started as the README says it, by the script that is installed; the others, forked from a process that has imported all.
COLD = [command for command in COMMANDS if command.startswith(f"{CCHC} status")]
MAKE = ["make", "--no-print-directory", "-C", PROJECT_DIR, f"BIN={Path(sys.executable).parent}"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run: a place that looks like the project's folder after `make setup`."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, str]:
    """What each command printed, all of them having ended with exit code 0."""
    out: dict[str, str] = {}
    as_users_have_it = {name: value for name, value in os.environ.items() if name != "CCHC_THREADS"}
    for command in COMMANDS:
        file = rejected_file(folder) if "FILE" in command else ""
        words = list(map(str, arguments(command, folder, file)))
        if words[0] == CCHC and command not in COLD:
            ended = warm.ended(words[1:], folder, as_users_have_it)
        else:
            ended = subprocess.run(words, cwd=folder, env=as_users_have_it, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        out[command] = ended.stdout
    return out


def arguments(command: str, folder: Path, file: str) -> list[object]:
    words = shlex.split(command.replace("dossiers/FILE", file).replace("/srv/cchc/", "demo/"))
    if words[:2] == ["make", "demo"]:
        return [*MAKE, "-o", "setup", "demo", "SCALE=0.01", f"DEMO={folder / 'demo'}"]
    if words[0] == "make":
        # Setting up again, or testing inside a test, would tell nothing: that the target is there does.
        return [*MAKE, "--dry-run", *words[1:]]
    return words


def rejected_file(folder: Path) -> str:
    with duckdb.connect(str(folder / "demo/home/current/cchc.duckdb"), read_only=True) as con:
        [(file,)] = con.execute(
            "select min(source_file) from marts.dq_rejected_rows where source = 'dossiers'"
        ).fetchall()
    return file


def test_the_two_commands_end_in_a_release_and_the_articles_table(said: dict[str, str]) -> None:
    demo = said["make demo"]
    assert [line.split()[0] for line in demo.splitlines()[:5]] == ["sample", "ingest", "build", "check", "publish"]
    assert "Báo cáo CCHC Kiên Giang" in demo and "khác" not in demo
    assert demo.splitlines()[-1].startswith("release: ")
    assert "pytest" in said["make test"]


def test_questions_are_answered(said: dict[str, str]) -> None:
    [status] = [printed for words, printed in said.items() if "cchc status" in words]
    assert "blocks" not in status and "dossiers" in status
    [by_channel] = [printed for words, printed in said.items() if "--by channel" in words]
    assert {line.split()[2] for line in by_channel.splitlines()[1:]} == {"direct", "online", "postal"}
    [rates] = [list(csv.DictReader(io.StringIO(printed))) for words, printed in said.items() if "on_time_rate" in words]
    assert len(rates) > 100 and {row["as_of"] for row in rates} == {"2023-09-30"}
    [overdue] = [
        list(csv.DictReader(io.StringIO(printed))) for words, printed in said.items() if "cchc explain" in words
    ]
    assert len({row["entity_code"] for row in overdue}) == len(overdue) > 0


def test_a_pack_is_frozen_and_made_again(said: dict[str, str]) -> None:
    [submitted, verified, again] = [
        p for words, p in said.items() if re.search(r"cchc (submit|verify|reproduce)", words)
    ]
    assert "PAR-2023: frozen in " in submitted and verified.startswith("verified  ")
    assert again.splitlines()[-1].startswith("equal     ")


def test_decisions_and_rebuild_say_what_they_did(said: dict[str, str]) -> None:
    assert [p.split()[0] for words, p in said.items() if re.search(r"cchc (accept|withdraw)", words)] == [
        "accepted",
        "withdrawn",
    ]
    [rebuilt] = [printed for words, printed in said.items() if "cchc rebuild" in words]
    assert "compared  with" in rebuilt


# --- docs/analysts.md

ANALYSTS = (PROJECT_DIR / "docs/analysts.md").read_text("utf-8")
QUESTIONS = {int(n): sql for n, sql in re.findall(r"^### (\d+)\. [^\n]+\n```sql\n(.*?)^```", ANALYSTS, re.M | re.S)}
YEAR = "scope_type = 'province' and period_type = 'year' and period_start = date '2023-01-01'"
TO_DATE = "marts.kpis(date '2023-01-01', date '2023-11-16', date '2023-11-16') where scope_type = 'province'"
# By question what its answer says, and another way to the same.
OTHERWISE = {
    1: ("from answer", """
        select date_trunc('month', received_date)::date, channel, count(*) from marts.fct_dossiers
        where bucket <> 'not_counted' and received_date >= date '2023-01-01' group by all order by all"""),
    2: ("select ma_pham_vi, dung_han, da_giai_quyet from answer order by all", """
        select agency_code, count(*) filter (timeliness <> 'late'), count(*) from marts.fct_dossiers
        where bucket = 'resolved' and closed_on >= date '2023-01-01' group by all order by all"""),
    3: ("select dossier_code, working_days_overdue > 0 from answer order by all", """
        select entity_code, true from marts.rows_behind(date '2023-01-01', date '2023-11-16', date '2023-11-16')
        where kpi_code = 'dossiers_in_process_overdue' and scope_province = 'all' order by all"""),
    4: ("select field_code, online, received from answer order by all", """
        select field_code, count(*) filter (channel = 'online'), count(*) from marts.fct_dossiers
        where bucket <> 'not_counted' and received_date >= date '2023-01-01' group by all order by all"""),
    5: ("select procedure_code, resolved, mean_days from answer order by all", """
        select scope_code, denominator, value from marts.kpi_values
        where kpi_code = 'average_processing_working_days' and scope_type = 'procedure' and period_type = 'year'
            and period_start = date '2023-01-01' and denominator >= 5 order by all"""),
    6: ("select agency_code, paused from answer order by all", """
        select scope_code, numerator from marts.kpi_values
        where kpi_code = 'dossiers_in_process_paused' and scope_type = 'agency' and period_type = 'year'
            and period_start = date '2023-01-01' and numerator > 0 order by all"""),
    8: ("select (month + interval 1 month)::date, in_process from answer order by all limit 10", """
        select period_start, numerator from marts.kpi_values
        where kpi_code = 'dossiers_carried_over' and scope_type = 'province' and period_type = 'month'
            and period_start > date '2023-01-01' order by all"""),
    11: ("select sum(payments), sum(amount) from answer", f"""
        select max(value) filter (kpi_code = 'payments_paid'), max(value) filter (kpi_code = 'payments_paid_amount')
        from marts.kpi_values where {YEAR}"""),
    13: ("select sum(lookups), sum(lookups) filter (document_type = 'CCCD') from answer", f"""
        select max(value) filter (kpi_code = 'health_lookups'), max(value) filter (kpi_code = 'health_lookups_by_cccd')
        from {TO_DATE}"""),
    15: ("select unnest([dang_ky, truc_tuyen, dung_han, co_han]) from answer", f"""
        select unnest([
            max(numerator) filter (kpi_code = kind || 's_registered'),
            max(numerator) filter (kpi_code = kind || 's_registered_online'),
            max(numerator) filter (kpi_code = kind || '_on_time_rate'),
            max(denominator) filter (kpi_code = kind || '_on_time_rate')
        ]) from (select * from {TO_DATE}), (values ('birth'), ('death')) as kinds(kind) group by kind order by kind"""),
    18: ("select count(*), sum(days_saved) from answer", f"""
        select max(value) filter (kpi_code = 'procedures_shortened'),
            max(value) filter (kpi_code = 'procedure_days_saved') from {TO_DATE}"""),
    19: ("select so_dich_vu from answer where muc_do_dich_vu_cong = 'Toàn trình'", f"""
        select max(value) from {TO_DATE} and kpi_code = 'online_services_full_process'"""),
}  # fmt: skip
# By question, figures of the article, which the sample keeps at every scale.
OF_THE_ARTICLE = {
    9: ("select count(*) from answer", ["plan_tasks_in_progress"]),
    10: ("select sum(duoc_giao), sum(hoan_thanh) from answer", ["plan_tasks_assigned", "plan_tasks_completed"]),
    12: (
        "select sum(so_don_vi) filter (loai_don_vi_thanh_toan = 'Ngân hàng'), "
        "sum(so_don_vi) filter (loai_don_vi_thanh_toan <> 'Ngân hàng') from answer",
        ["payment_banks_connected", "payment_wallets_connected"],
    ),
    14: ("from answer", ["health_facilities", "health_facilities_using_cccd"]),
    16: (
        "select max(xep_hang) filter (chi_so = 'PAR'), max(tang_bac) filter (chi_so = 'PAR'), "
        "max(xep_hang) filter (chi_so = 'SIPAS'), max(tang_bac) filter (chi_so = 'SIPAS') from answer where nam = 2022",
        ["par_index_rank", "par_index_rank_change", "sipas_rank", "sipas_rank_change"],
    ),
    17: (
        "select max(so_don_vi) filter (xep_loai = 'Xuất sắc'), max(so_don_vi) filter (xep_loai = 'Tốt'), "
        "max(so_don_vi) filter (xep_loai = 'Trung bình') from answer",
        ["units_rated_excellent", "units_rated_good", "units_rated_average"],
    ),
    19: ("select sum(so_dich_vu) from answer", ["online_services_offered"]),
}


@pytest.fixture(scope="module")
def first_release(said: dict[str, str], folder: Path) -> Release:
    """The release that `make demo` made, as of the article's day."""
    found = releases.published(Home(folder / "demo/home"))[0]
    assert found.as_of == LAST_DAY
    return found


@pytest.mark.parametrize("number", range(1, 21))
def test_an_analysts_question_is_answered(number: int, first_release: Release) -> None:
    """As `cchc query` answers it; what it says is what another way to the figure says."""
    assert len(QUESTIONS) == 20
    with answered(first_release, QUESTIONS[number]) as (columns, batches):
        rows = [row for batch in batches for row in batch]
    assert rows and len(set(columns)) == len(columns)
    with duckdb.connect(str(first_release.database), read_only=True) as con:
        con.execute(f"create temp table answer as {QUESTIONS[number]}")
        assert con.execute("from answer").fetchall() == rows
        if number in OTHERWISE:
            said, expected = OTHERWISE[number]
            assert con.execute(said).fetchall() == con.execute(expected).fetchall()
        if number in OF_THE_ARTICLE:
            said, kpis = OF_THE_ARTICLE[number]
            assert con.execute(said).fetchall() == [tuple(FIGURES[kpi] for kpi in kpis)]
    if number == 7:
        assert rows == [
            (then["kpi_code"], then["value"], now["value"])
            for then, now in zip(
                *(first_half(first_release, day) for day in (date(2023, 6, 30), LAST_DAY)), strict=True
            )
        ]
    elif number == 20:
        assert sum(row[-1] for row in rows) == sum(s["rows_rejected"] for s in first_release.manifest["sources"])
    else:
        assert number in OTHERWISE or number in OF_THE_ARTICLE


def first_half(release: Release, known: date) -> list[dict]:
    """What `cchc kpi` says of the first half of the year as known on a day."""
    question = Question.of(release, date(2023, 1, 1), date(2023, 6, 30), known)
    return figures(
        release, question, ["province"], ["dossiers_received", "dossiers_resolved", "on_time_rate"]
    ).to_pylist()
