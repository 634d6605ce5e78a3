"""The command `cchc`: parses, calls, prints. Exit codes: docs/published-interface.md 1."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial, wraps
from io import TextIOWrapper
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

import click
from click.shell_completion import CompletionItem

from orchestration import imports, interrupts
from orchestration.catalogue import kpi_codes as kpi_codes_known
from orchestration.catalogue import scope_types
from orchestration.errors import CchcError, ReleaseDamaged, UsageError, told
from orchestration.examples import epilog
from orchestration.home import Home
from orchestration.plain import as_json, cell, visible
from orchestration.settings import PROJECT_DIR, UMASK, Settings, today


class _Day(click.ParamType):
    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day: write YYYY-MM-DD", param, ctx)


DAY = _Day()


def _folders(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What completes a folder: the shell does."""
    return [CompletionItem(incomplete, type="dir")]


def _one_of(*names: Callable[[], Iterable[str]]) -> Callable[..., list[CompletionItem]]:
    """What completes a name, also the last of several with commas between."""

    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, begun = incomplete.rpartition(",")
        return [CompletionItem(before + comma + name) for of in names for name in of() if name.startswith(begun)]

    return complete


def _forms() -> Iterable[str]:
    return (path.stem for path in sorted((PROJECT_DIR / "orchestration/reports/forms").glob("*.yml")))


def _tables() -> Iterable[str]:
    """The published tables and views."""
    from orchestration.publishing.views import declared

    return [*declared().views, *sorted(path.stem for path in (PROJECT_DIR / "models/marts").rglob("*.sql"))]


class _Group(click.Group):
    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        cmd.epilog = epilog(name or cmd.name or "")
        super().add_command(cmd, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """The CCHC warehouse: from the offices' exports to a published, trusted release.

    --home and --landing may stand in CCHC_HOME and CCHC_LANDING, or in .env.
    """
    ctx.obj = debug


def main() -> None:
    """Entry point: one clear line on stderr for an error, and the interface's exit code."""
    interrupts.heed()
    imports.collect_seldom()
    os.umask(UMASK)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in sys.argv
    try:
        cli.main(args=[a for a in sys.argv[1:] if a != "--debug"], prog_name="cchc", standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        _fail("interrupted: run the command again", interrupts.KEYBOARD)
    except click.ClickException as error:
        _fail(" ".join(error.format_message().split()), 2)
    except CchcError as error:
        if debug:
            raise
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        _fail(told(error), 1)


def _fail(message: str, code: int) -> None:
    print(f"cchc: {visible(message)}", file=sys.stderr)
    sys.exit(code)


def _say(line: str) -> None:
    print(visible(line), flush=True)


def _home_option(function: Callable) -> Callable:
    said = "The home of the warehouse (else CCHC_HOME)."
    return click.option("--home", metavar="DIR", help=said, shell_complete=_folders)(function)


def _landing_option(function: Callable) -> Callable:
    said = "The landing folder (else CCHC_LANDING)."
    return click.option("--landing", metavar="DIR", help=said, shell_complete=_folders)(function)


class _Bars:
    """One progress bar per stage at a terminal; silent in a pipe."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.stage = ""

    def __call__(self, stage: str, label: str, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        from tqdm import tqdm

        if stage != self.stage:
            self.close()
            self.stage, self.bar = stage, tqdm(total=total, desc=stage, leave=False, unit="", file=sys.stderr)
        self.bar.total = total
        self.bar.set_postfix_str(visible(label)[-40:], refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar, self.stage = None, ""


@cli.command()
@click.argument("directory", metavar="DIR", shell_complete=_folders)
@click.option("--scale", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
@click.option("--seed", type=int, default=2023, show_default=True)
@click.option(
    "--nights",
    type=click.IntRange(min=1),
    metavar="N",
    help="Night by night: what lands on each of the last N nights.",
)
def sample(directory: str, scale: float, seed: int, nights: int | None) -> None:
    """Write the synthetic province Kiên Giang 2023 as a landing folder."""
    try:
        from sample_province import MOST_NIGHTS, write_province
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"the sample province needs {missing.name}, which is not installed: run make setup, "
            "or install the extra cchc-warehouse[sample]"
        ) from None

    if nights and nights > MOST_NIGHTS:
        raise UsageError(
            f"--nights {nights}: the sample province has {MOST_NIGHTS} nights, from 2023-01-01 to 2023-11-16"
        )
    bars = _Bars()
    write_province(Path(directory), scale, seed, lambda label, done, total: bars("sample", label, done, total), nights)
    bars.close()
    files = [p for p in Path(directory).rglob("*") if p.is_file()]
    size = sum(p.stat().st_size for p in files) / 1e6
    _say(f"sample    {len(files)} files, {size:,.1f} MB, in {directory}")


@cli.command()
@_landing_option
@_home_option
@click.option("--as-of", type=DAY, help="Exports stamped later are not yet known (default: today in Việt Nam).")
@click.option("--make-current", is_flag=True, help="Readers see this release, also when its day is the earlier one.")
def nightly(landing: str | None, home: str | None, as_of: date | None, make_current: bool) -> None:
    """Ingest what is new, build, check, publish. The release of an earlier day is published beside the current one."""
    from orchestration.night.request import Request

    _run(Request(Settings.load(landing, home), as_of or today(), make_current=make_current))


@cli.command()
@_home_option
def rebuild(home: str | None) -> None:
    """Build everything again from the lake; the marts come out the same."""
    from orchestration.night.request import Request
    from orchestration.publishing import releases

    settings = Settings.load(home=home)
    place = Home.for_reading(settings)
    day = releases.current_day(place)
    try:
        before = releases.current(place)
    except ReleaseDamaged as damaged:
        before = None
        _say(f"rebuild   {damaged}")
    _run(Request(settings, day or today(), must_build=True, reads_landing=False))
    if before:
        old, new = before.manifest["tables"], releases.require_current(place).manifest["tables"]
        changed = sorted(t for t in new if old.get(t, {}).get("sha256") != new[t]["sha256"])
        _say(
            f"compared  with {before.release_id}: "
            + (f"{', '.join(changed)} differ" if changed else "every table the same")
        )


def _run(request: Any) -> None:
    from orchestration import runner
    from orchestration.night.holding import require_landing

    # Settings are judged before anything is made or printed.
    if request.reads_landing:
        require_landing(request.settings)
    with _telling() as listener:
        interrupts.apart(lambda: runner.run(request, listener))


@contextmanager
def _telling() -> Iterator[Any]:
    """A listener that prints a line for each stage that ended, under the bar of the one that goes on."""
    from orchestration.night.request import Listener

    bars = _Bars()

    def announce(stage: str, text: str) -> None:
        bars.close()
        _say(f"{stage:<9} {text}")

    try:
        yield Listener(announce=announce, progress=bars)
    finally:
        bars.close()


_AS_OF = click.option("--as-of", type=DAY, help="As known at the end of this day (default: the release's day).")
_FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)
_SCOPE = click.option(
    "--scope",
    metavar="TYPE=CODE",
    help="One scope, such as agency=H33.01.",
    shell_complete=_one_of(lambda: (f"{kind}=" for kind in scope_types())),
)
_CONVENTION = click.option("--convention", default="separate", show_default=True, metavar="separate|form_06a")
_BY = click.option(
    "--by",
    default="province",
    show_default=True,
    metavar="TYPE,…",
    help="Scope types, never crossed.",
    shell_complete=_one_of(scope_types),
)
_FILTERS: tuple[Callable[..., Any], ...] = (
    _home_option,
    click.option("--from", "from_on", type=DAY, help="First day (default: 1 January of the year of --to)."),
    click.option("--to", "to_on", type=DAY, help="Last day (default: --as-of)."),
    _AS_OF,
    _SCOPE,
    _CONVENTION,
    _FORMAT,
)
_OF_A_FORM: tuple[Callable[..., Any], ...] = (
    _home_option,
    click.option("--from", "from_on", type=DAY, required=True, help="First day of the period."),
    click.option("--to", "to_on", type=DAY, required=True, help="Last day of the period."),
    _AS_OF,
    click.option("--convention", metavar="separate|form_06a", help="(default: the form's own)"),
)


def _asking(function: Callable[..., None], options: tuple[Callable[..., Any], ...] = _FILTERS) -> Callable[..., None]:
    """Give a command the filters of a question: it is called with the release and `ask(convention)`."""

    @wraps(function)
    def asked(
        home: str | None,
        from_on: date | None,
        to_on: date | None,
        as_of: date | None,
        scope: str | None = None,
        **own: Any,
    ) -> None:
        from orchestration.publishing import releases
        from orchestration.reports.figures import Question
        from orchestration.sql.engine import limits

        settings = Settings.load(home=home)

        def answer(found: releases.Release) -> None:
            release = replace(found, limits=limits(settings))
            function(release, lambda convention: Question.of(release, from_on, to_on, as_of, convention, scope), **own)

        releases.asked(Home.for_reading(settings), answer)

    for option in reversed(options):
        asked = option(asked)
    return asked


@cli.command()
@_asking
@_BY
@click.option(
    "--kpi",
    "kpi_codes",
    multiple=True,
    metavar="CODE…",
    help="Only these KPIs; may be repeated.",
    shell_complete=_one_of(kpi_codes_known),
)
@click.option("--all", "is_every", is_flag=True, help="Every KPI, where a terminal would show the headline ones.")
@click.argument("more_kpi_codes", nargs=-1, metavar="[CODE…]", shell_complete=_one_of(kpi_codes_known))
def kpi(
    release: Any,
    ask: Callable[[str], Any],
    convention: str,
    form: str,
    by: str,
    kpi_codes: tuple[str, ...],
    more_kpi_codes: tuple[str, ...],
    is_every: bool,
) -> None:
    """Any KPI for any period, as known on any day.

    The table shows units, rates in percent. At a terminal it bears names, and unless some KPIs are named or --all is
    given, it shows the headline KPIs; in a pipe, as CSV and as JSON all are there.
    """
    from orchestration.reports.figures import catalogue, figures, rounded
    from orchestration.reports.tables import of_figures

    described = catalogue(release)
    codes = [c for given in kpi_codes + more_kpi_codes for c in given.replace(",", " ").split()]
    to_a_person = form == "table" and sys.stdout.isatty()
    is_short = to_a_person and not codes and not is_every
    if is_short:
        codes = [code for code, known in described.items() if known.is_headline]
    scope_types_asked = [t for t in by.split(",") if t]
    questions = [ask(one) for one in convention.split(",")]
    tables = [figures(release, question, scope_types_asked, codes) for question in questions]
    if to_a_person:
        for question, table in zip(questions, tables, strict=True):
            _say_period(question)
            for line in of_figures(table.to_pylist(), described, _width()):
                print(line)
        if is_short:
            print(f"{len(codes)} of {len(described)} KPIs: name others, or add --all")
        return
    rows = [row for table in tables for row in table.to_pylist()]
    columns = tables[0].column_names
    if form == "table":
        kpis = [described[row["kpi_code"]] for row in rows]
        rows = [row | {"value": rounded(row, k.kind), "unit": k.shown_in} for row, k in zip(rows, kpis, strict=True)]
        columns = [*columns, "unit"]
    _print(columns, rows, form)


@cli.command()
@click.argument("kpi_code", metavar="KPI", shell_complete=_one_of(kpi_codes_known))
@_asking
def explain(release: Any, ask: Callable[[str], Any], kpi_code: str, convention: str, form: str) -> None:
    """What stands behind one figure: exactly the rows it counts."""
    from orchestration.reports.figures import behind

    rows = behind(release, ask(convention), kpi_code)
    _print(rows.column_names, rows.to_pylist(), form)


class _DayOrFile(click.ParamType):
    """The last day, as for `cchc kpi`, or the file: a day has no ending."""

    name = "YYYY-MM-DD|FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date | Path:
        if isinstance(value, (date, Path)):
            return value
        if Path(value).suffix:
            return Path(value)
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a day, YYYY-MM-DD, nor a file with an ending", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


@cli.command()
@click.argument(
    "names", nargs=-1, required=True, metavar="TABLE|KPI…", shell_complete=_one_of(kpi_codes_known, _tables)
)
@_home_option
@click.option(
    "--to",
    "ends",
    multiple=True,
    required=True,
    type=_DayOrFile(),
    help="The file to write: .csv, .xlsx or .parquet. Once more, the last day.",
)
@click.option("--from", "from_on", type=DAY, help="First day (of KPIs by default 1 January of the last day's year).")
@_AS_OF
@_SCOPE
@click.option(
    "--by", metavar="TYPE,…", help="Of KPIs: scope types, never crossed.", shell_complete=_one_of(scope_types)
)
@_CONVENTION
@click.option("--replace", "may_replace", is_flag=True, help="Replace a file of that name.")
def export(
    names: tuple[str, ...],
    home: str | None,
    ends: tuple[date | Path, ...],
    from_on: date | None,
    as_of: date | None,
    scope: str | None,
    by: str | None,
    convention: str,
    may_replace: bool,
) -> None:
    """KPIs, or a table or view of the release, as a file for a spreadsheet or another program.

    A table is narrowed down by the day that its rows belong to. No cell computes, no pseudonym and no figure of less
    than five persons leaves the release.
    """
    from orchestration.audit import Audit
    from orchestration.publishing import releases
    from orchestration.reports.exports import Filters
    from orchestration.reports.exports import export as exported
    from orchestration.sql.engine import limits

    files, days = [end for end in ends if isinstance(end, Path)], [end for end in ends if isinstance(end, date)]
    if len(files) != 1 or len(days) > 1:
        raise click.UsageError("give --to with one file, FILE.csv, FILE.xlsx or FILE.parquet, and with one day at most")
    [out] = files
    kinds = tuple(kind for kind in (by or "").split(",") if kind)
    filters = Filters(from_on, days[0] if days else None, as_of, scope, kinds, convention)
    codes = tuple(code for given in names for code in given.split(","))
    settings = Settings.load(home=home)

    def answer(found: releases.Release) -> None:
        done = exported(replace(found, limits=limits(settings)), codes, filters, out, may_replace)
        Audit(Home(found.path.parents[1])).record_if_writable(
            "exported",
            what=f"{' '.join(codes)}, {done.rows} rows, to {out.suffix.lower()}",
            as_of=(as_of or found.as_of).isoformat(),
            release_id=found.release_id,
        )
        withheld = f", {done.withheld:,} figures of few persons withheld" if done.withheld else ""
        _say(f"export    {done.rows:,} rows{withheld}, in {out}")

    releases.asked(Home.for_reading(settings), answer)


# Of any number in a table: a year has no dots.
_DOTS_AFTER_YEARS = 10_000


@cli.command()
@click.argument("sql", metavar="SQL")
@_home_option
@_FORMAT
def query(sql: str, home: str | None, form: str) -> None:
    """One SELECT over the current release, read-only; `-` reads it from stdin.

    Tables of marts, bao_cao and history need no schema; `cchc query 'from data_dictionary'` says what there is.
    """
    from orchestration.publishing import releases
    from orchestration.reports.queries import answered
    from orchestration.sql.engine import limits

    settings = Settings.load(home=home)
    text = sys.stdin.read() if sql == "-" else sql

    def answer(found: releases.Release) -> None:
        with answered(replace(found, limits=limits(settings)), text) as (columns, batches):
            if form == "csv":
                _print_csv(columns, (row for batch in batches for row in batch))
                return
            rows = [dict(zip(columns, row, strict=True)) for batch in batches for row in batch]
            _print(columns, rows, form, _DOTS_AFTER_YEARS)

    releases.asked(Home.for_reading(settings), answer)


@cli.command("open")
@click.argument("page", type=click.Choice(["dashboard", "review", "docs", "quality"]), default="dashboard")
@_home_option
def open_page(page: str, home: str | None) -> None:
    """A page of the current release in the browser; without one, where the page is."""
    from orchestration.publishing import releases
    from orchestration.reports.opening import opened
    from orchestration.reports.opening import page as page_of

    path = page_of(releases.require_current(Home.for_reading(Settings.load(home=home))), page)
    _say(f"{'opened' if opened(path) else 'page':<9} {path}")


@cli.command()
@click.argument("dossier", metavar="DOSSIER")
@_home_option
@_FORMAT
def history(dossier: str, home: str | None, form: str) -> None:
    """The history of one dossier: exports, what changed, as what it counted, what was found of it."""
    from orchestration.publishing import releases
    from orchestration.reports.history import COLUMNS
    from orchestration.reports.history import history as told_history
    from orchestration.sql.engine import limits

    settings = Settings.load(home=home)
    place = Home.for_reading(settings)

    def answer(found: releases.Release) -> list[dict[str, Any]]:
        return told_history(replace(found, limits=limits(settings)), place, dossier)

    _print(list(COLUMNS), releases.asked(place, answer), form)


# What a person sees of a scorecard; the rest is said once, or is in the other formats.
_OF_A_SCORE = (
    "scope_code", "criterion_code", "name_vi", "numerator", "denominator", "max_points", "points", "points_lost"
)  # fmt: skip


@cli.command()
@_asking
@click.option("--index", "index_code", required=True, metavar="QD766|PAR", help="The index to be scored.")
@_BY
def score(release: Any, ask: Callable[[str], Any], convention: str, form: str, index_code: str, by: str) -> None:
    """An index's scorecard: numerator, denominator, points and points lost of each criterion. The table names them."""
    from orchestration.reports.scores import scores

    question = ask(convention)
    found = scores(release, question, [t for t in by.split(",") if t], index_code)
    if form != "table":
        found = found.drop(["name_vi"])
    elif sys.stdout.isatty():
        _say_period(question)
        is_of_province = by == "province" and not question.scope
        found = found.select([c for c in _OF_A_SCORE if c != "scope_code" or not is_of_province])
    _print(found.column_names, found.to_pylist(), form)


@cli.command()
@click.argument("form_code", metavar="FORM", shell_complete=_one_of(_forms))
@partial(_asking, options=_OF_A_FORM)
@click.option("--out", required=True, metavar="FILE.xlsx", help="Where to write it; a file of that name is replaced.")
def report(release: Any, ask: Callable[[str], Any], form_code: str, convention: str | None, out: str) -> None:
    """An official form in its layout: II.06a, II.06b, II.07a, II.07b, overdue-agencies, overdue-dossiers."""
    from orchestration.audit import Audit
    from orchestration.reports import forms

    form = forms.form_named(form_code)
    question = ask(convention or form.convention)
    rows = forms.write(release, form, question, Path(out))
    Audit(Home(release.path.parents[1])).record_if_writable(
        "exported",
        what=f"{form.form} from {question.from_on} to {question.to_on}",
        as_of=question.as_of.isoformat(),
        release_id=release.release_id,
    )
    _say(f"report    {form.form}, {rows} rows, in {out}")


@cli.command()
@click.argument("name", metavar="NAME")
@_home_option
@click.option("--index", "index_code", required=True, metavar="PAR|QD766|SIPAS", help="The index to be submitted to.")
@click.option("--year", type=int, required=True, help="The year that the index judges.")
@click.option("--from", "from_on", type=DAY, required=True, help="First day of the period.")
@click.option("--to", "to_on", type=DAY, required=True, help="Last day of the period.")
@click.option("--as-of", type=DAY, required=True, help="As known at the end of this day.")
@click.option("--waive", "waived", multiple=True, metavar="CHECK", help="Let a blocking check pass; may be repeated.")
@click.option("--reason", help="Why it is waived; every page of the pack bears it.")
@click.option("--by", metavar="NAME", help="Who waives it.")
def submit(
    name: str,
    home: str | None,
    index_code: str,
    year: int,
    from_on: date,
    to_on: date,
    as_of: date,
    waived: tuple[str, ...],
    reason: str | None,
    by: str | None,
) -> None:
    """Freeze what is submitted to an index, with all that it rests on; refused while a blocking check fails."""
    from orchestration.submissions.freeze import freeze, waivers
    from orchestration.submissions.pack import Submission

    submission = Submission(name, index_code, year, from_on, to_on, as_of)
    taken = waivers(waived, reason, by)
    with _telling() as listener:
        interrupts.apart(lambda: freeze(Settings.load(home=home), submission, taken, listener))


@cli.command()
@click.argument("pack", metavar="PACK")
def verify(pack: str) -> None:
    """Whether a pack is still what was frozen: every file against its sum, the sums against the home's audit trail."""
    from orchestration.submissions.pack import verify as verified

    _say(f"verified  {verified(Path(pack))} files are what was frozen in {pack}")


@cli.command()
@click.argument("pack", metavar="PACK")
@click.option("--landing", required=True, metavar="DIR", help="The landing folder that it was made from.")
@click.option(
    "--home", metavar="DIR", help="A new or empty folder to rebuild it in, which is kept (else a temporary one)."
)
def reproduce(pack: str, landing: str, home: str | None) -> None:
    """Rebuild a pack from the landing folder and compare every figure."""
    from shutil import rmtree
    from tempfile import TemporaryDirectory

    from orchestration.ingestion.landing import required
    from orchestration.submissions.reproduce import reproduce as compared

    settings = Settings.load(landing, home)
    required(settings.landing)
    with TemporaryDirectory(prefix="cchc-") as place, _telling() as listener:
        interrupts.before_ending(lambda _: rmtree(place, ignore_errors=True))
        rebuilt_in = replace(settings, home=Path(home).absolute() if home else Path(place, "home"))
        found = interrupts.apart(lambda: list(compared(Path(pack), rebuilt_in, listener)))
    differing = [one for one in found if one.difference]
    for one in differing:
        _say(f"differs   {one.what}: {one.difference}")
    if differing:
        raise CchcError(f"{len(differing)} of {len(found)} parts of {pack} came out otherwise")
    _say(f"equal     {found[0].what}, {len(found) - 1} tables, lists and forms made from them")


def _decision_command(name: str, decision: str, help_text: str) -> None:
    @cli.command(name, help=help_text)
    @_home_option
    @click.argument("file", metavar="FILE")
    @click.option("--reason", required=True, help="Why; kept with the decision.")
    @click.option("--by", required=True, metavar="NAME", help="Who decides.")
    def command(home: str | None, file: str, reason: str, by: str) -> None:
        from orchestration.audit import Audit
        from orchestration.lake.store import Lake

        place = Home.for_reading(Settings.load(home=home))
        with place.lock():
            audit = Audit(place)
            audit.require_sound()
            made = Lake(place.lake).decide(decision, file, reason, by)
            audit.record(made.decision, by=by, reason=reason, what=made.source_file, sha256=made.sha256)
        _say(f"{made.decision} {made.source_file} by {made.decided_by}: takes effect in the next nightly")


_decision_command("accept", "accepted", "Accept a landed file as it is, rejected rows and all.")
_decision_command("withdraw", "withdrawn", "Withdraw a landed file: its rows and findings count nowhere.")


@cli.command()
@_landing_option
@_home_option
def doctor(landing: str | None, home: str | None) -> None:
    """Examine an installation: rights, key, every sum of lake and releases, space, clock, versions."""
    from orchestration.reports.doctor import examine

    settings = Settings.load(landing, home)
    ails = False
    for found in examine(settings, Home.for_reading(settings)):
        ails |= bool(found.remedy)
        _say(f"{'ails' if found.remedy else 'well':<6}{found.subject:<10}{found.said}")
        if found.remedy:
            _say(f"{'':<16}{found.remedy}")
    if ails:
        sys.exit(1)


@cli.command()
@_landing_option
@_home_option
@click.option("--port", type=click.IntRange(1, 65_535), default=3000, show_default=True, help="Of Dagster's page.")
def serve(landing: str | None, home: str | None, port: int) -> None:
    """Dagster's page and daemon on this machine: the schedule, the watch on landing, runs and their checks."""
    from orchestration.serving import serve as serving

    serving(Settings.load(landing, home), port, lambda stage, text: _say(f"{stage:<9} {text}"))


@cli.command()
@_home_option
@click.option("--test", "is_test", is_flag=True, required=True, help="Send a test on every channel that is set.")
def alerts(home: str | None, is_test: bool) -> None:
    """Try out the channels on which people are told how runs end: mail, webhook, file."""
    from orchestration.alerts import try_out

    tried = try_out(Settings.load(home=home))
    for channel, is_well, said in tried:
        _say(f"{'well' if is_well else 'ails':<6}{channel:<10}{said}")
    if not all(is_well for _, is_well, _ in tried):
        sys.exit(1)


@cli.command("propose-thresholds")
@_home_option
def propose_thresholds(home: str | None) -> None:
    """Draft the limits of expectations/ from the home's own history, for a person to review; nothing is changed."""
    from orchestration.reports.proposals import as_yaml, proposals

    settings = Settings.load(home=home)
    place = Home.for_reading(settings)
    print(as_yaml(proposals(place, settings), str(place.root)), end="")


@cli.command()
@_home_option
@click.option("--person", is_flag=True, help="One person, whose identity number is asked for or read from stdin.")
@click.option("--policy", is_flag=True, help="Whoever the exports name that are older than expectations/retention.yml.")
@click.option("--reason", required=True, help="Why; kept in the certificate. Not the person's number or name.")
@click.option("--by", required=True, metavar="NAME", help="Who decides.")
def purge(home: str | None, person: bool, policy: bool, reason: str, by: str) -> None:
    """Take persons out of all that the warehouse keeps; rows and figures stay. Older releases are removed."""
    from orchestration.purge import Purge

    if person == policy:
        raise click.UsageError("give either --person or --policy")
    Home.for_reading(Settings.load(home=home))
    number = _secret() if person else None
    with _telling() as listener:
        interrupts.apart(Purge(Settings.load(home=home), reason, by, number, listener).run)


def _secret() -> str:
    """An identity number that is neither shown nor part of the command, for both would be kept somewhere."""
    if sys.stdin.isatty():
        return click.prompt("identity number", hide_input=True, err=True)
    try:
        return sys.stdin.readline(1 << 10)
    except ValueError:
        raise click.UsageError("stdin holds no text: give the identity number on one line, in UTF-8") from None


@cli.command()
@_home_option
@click.option("--source", "details", flag_value="source", multiple=True, help="How fresh each source is.")
@click.option("--files", "details", flag_value="files", multiple=True, help="Every file that blocks or was rejected.")
@click.option("--rows", "details", flag_value="rows", multiple=True, help="How many rows of each file were rejected.")
@click.option("--audit", "details", flag_value="audit", multiple=True, help="The tail of the audit trail.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(home: str | None, details: tuple[str, ...], form: str) -> None:
    """The home on one screen: release, verdict, last run, what blocks, what to do next; or the details asked for."""
    from orchestration.reports.screen import DETAILS, screen
    from orchestration.reports.status import status as read_status

    state = read_status(Home.for_reading(Settings.load(home=home)))
    if form == "json":
        print(as_json(state))
        return
    for part in [DETAILS[name] for name in details] or [screen]:
        for subject, said in part(state):
            _say(f"{subject:<9} {said}")


def _print(columns: list[str], rows: list[dict[str, Any]], form: str, dots_from: int = 1_000) -> None:
    if form == "json":
        print(as_json(rows))
        return
    values = [list(row.values()) for row in rows]
    if form == "csv":
        _print_csv(columns, values)
        return
    if not rows:
        print("nothing counted")
        return
    from orchestration.reports.tables import plain, shown

    for line in shown(columns, values, _width(), dots_from) if sys.stdout.isatty() else plain(columns, values):
        print(line)


def _print_csv(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(map(cell, columns))
    writer.writerows(map(cell, row) for row in rows)


def _say_period(question: Any) -> None:
    """What a table for a person does not say in each row."""
    counted = "" if question.convention == "separate" else f", counted by {question.convention}"
    print(f"{question.from_on} to {question.to_on}, as known on {question.as_of}{counted}")


def _width() -> int:
    """The columns of the terminal; 100 where it does not say."""
    return get_terminal_size((100, 40)).columns


if __name__ == "__main__":
    main()
