"""The command line."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer

from pipelines.settings import SettingError, demand_mappings, demand_settings, first_date, plain_date, reports_url

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.intake.objects import LandingPath

WEEK = timedelta(days=7)
INTERRUPTED = 130

app = typer.Typer(
    name="redcat",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Credits shop orders to the Xiaohongshu notes that seeded them, and says what each category, note and creator "
    "returned.\n\nStart with [bold]redcat demo[/bold], then [bold]redcat report[/bold] and [bold]redcat ui[/bold]. "
    "Files lie under REDCAT_HOME (default .redcat/ in the current folder).",
)


class Size(StrEnum):
    """How large the demo's world is."""

    s = "s"
    m = "m"
    l = "l"  # noqa: E741


class Level(StrEnum):
    """What a row of the report stands for."""

    category = "category"
    note = "note"
    creator = "creator"
    campaign = "campaign"
    channel = "channel"
    lane = "lane"
    exchange = "exchange"


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    csv = "csv"
    json = "json"


def stop(message: str, /, *, status: int = 2) -> NoReturn:
    """Say what is wrong in one line, and end."""
    typer.echo(f"redcat: {message}", err=True)
    raise typer.Exit(status)


def main() -> None:
    """Run the command line; a failure that has a message of its own ends in one line, not in a traceback."""
    try:
        app()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.echo(
                "redcat: interrupted. Nothing is lost; the same command goes on where this one stopped.", err=True
            )
        raise
    except Exception as error:
        if not _explains_itself(error):
            raise
        typer.echo(f"redcat: {_line_of(error)}", err=True)
        raise SystemExit(2) from None


def _explains_itself(error: Exception) -> bool:
    """Whether it is about files, settings or the warehouse rather than a mistake in this program."""
    duckdb = sys.modules.get("duckdb")  # not imported for the sake of an error that it cannot have raised
    return isinstance(error, OSError | SettingError) or (duckdb is not None and isinstance(error, duckdb.Error))


def _line_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


@app.command()
def demo(
    size: Annotated[Size, typer.Option(help="s: 2,000 users, m: 20,000, l: 200,000.")] = Size.m,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 7,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete the demo that REDCAT_HOME holds, and start anew.")
    ] = False,
    week: Annotated[
        bool, typer.Option("--week/--no-week", help="Keep the figures of a week earlier too, to compare with.")
    ] = True,
) -> None:
    """Generate a brand's 60 days as landing files, run everything, and show what each category returned."""
    from pipelines.console import run_shown, say
    from pipelines.demo.stage import StageError, set_up
    from pipelines.home import Home
    from pipelines.reports.formats import newest_file
    from pipelines.reports.terminal import print_report

    demand_settings()
    home = Home.from_environment()
    try:
        world = set_up(home, size=size.value, seed=seed, fresh=fresh)
    except StageError as error:
        stop(str(error))
    say(
        f"{world.brand}: {world.users:,} users, {world.notes} notes, {sum(f.rows for f in world.feeds):,} rows "
        f"in {home.landing}"
    )
    is_new = not home.published.exists()
    run_shown(home, world.first_date, world.last_date, remember=world.last_date - WEEK if week and is_new else None)
    print_report(home, level=Level.category.value, model="linear", limit=20)
    say(f"""
Where to look
  {newest_file(home.reports)}   the page for marketers: open it in a browser
  redcat report --by note      what each note returned (also creator, campaign, channel, lane, exchange)
  redcat sql "FROM mart.reconciliation"
  redcat ui                    the asset graph in the browser
  {home.published}   the warehouse, for any DuckDB client
  {home.truth}   which orders the notes really caused""")


@app.command()
def run(
    landing: Annotated[
        str | None,
        typer.Option(help="Folder with the landed files, or s3://bucket/prefix; default: landing/ under REDCAT_HOME."),
    ] = None,
    first: Annotated[
        str | None,
        typer.Option("--from", help="First business date, YYYY-MM-DD; default: as --to, or the first not made yet."),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last business date, YYYY-MM-DD; default: as --from, or yesterday.")
    ] = None,
) -> None:
    """Take in new files and make every asset for a range of business dates, as one run."""
    import os

    demand_settings()
    yesterday = datetime.now(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
    begin, until = _date(first, "--from"), _date(last, "--to")
    from pipelines.console import run_shown
    from pipelines.due import due
    from pipelines.home import Home, landing_place

    if landing is not None:
        os.environ["REDCAT_LANDING"] = str(landing_place(landing))
    home = Home.from_environment()
    start, end = due(home, yesterday)
    start, end = begin or until or start, until or begin or end
    if end < start:
        stop(f"--to {end} lies before --from {start}; give the earlier date first")
    if end > yesterday:
        stop(f"--to {end} has not ended in Shanghai yet; the last complete date is {yesterday}")
    if not home.landing.is_dir():
        stop(f"the landing folder {home.landing} does not exist; create it, or name another with --landing")
    if start < first_date():
        stop(f"--from {start} lies before the first date {first_date()}; set REDCAT_FIRST_DATE to an earlier one")
    run_shown(home, start, end)


@app.command()
def report(
    by: Annotated[Level, typer.Option(help="What a row of the table stands for.")] = Level.category,
    model: Annotated[str, typer.Option(help="Attribution model of the table.")] = "linear",
    limit: Annotated[int, typer.Option(help="How many rows of the table at most.", min=1)] = 20,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Write the page for marketers too.")] = True,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Write the workbook too: the same as an Excel file.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File of the page, or of the workbook; default: reports/<brand>/<date> under REDCAT_HOME."),
    ] = None,
    brand: Annotated[str | None, typer.Option(help="Only this brand; default: each.")] = None,
) -> None:
    """Print what each category returned, as of the last run, and write the page that marketers open.

    The page is one HTML file that needs no network: send it, open it on a phone, print it.
    """
    from pipelines.home import Home
    from pipelines.reports.query import QueryError
    from pipelines.reports.terminal import ReportError, print_report

    home = Home.from_environment()
    if out is not None and out.is_dir():
        stop(f"{out} is a folder; name a file for the report, such as {out / 'report.html'}")
    try:
        print_report(home, level=by.value, model=model, limit=limit, brand=brand)
        _write_reports(home, page=page or (out is not None and not xlsx), xlsx=xlsx, out=out, brand=brand)
    except (ReportError, QueryError) as error:
        stop(str(error))


def _write_reports(home: Home, *, page: bool, xlsx: bool, out: Path | None, brand: str | None) -> None:
    """Write the wanted forms of the reports; a named file is that of the workbook where it ends like one."""
    from pipelines.reports.formats import PAGE, WORKBOOK, write_report, write_reports
    from pipelines.reports.newest import newest_contents

    wanted = [form for form, is_wanted in ((PAGE, page), (WORKBOOK, xlsx)) if is_wanted]
    contents = list(newest_contents(home, brand=brand)) if wanted else []
    if out is not None and len(contents) > 1:
        names = ", ".join(content.brand for content in contents)
        stop(f"--out names one file for {len(contents)} brands; choose one with --brand: {names}")
    for form in wanted:
        if out is not None and (out.suffix == WORKBOOK.suffix) == (form is WORKBOOK):
            files = [write_report(contents[0], form, home, out)]
        else:
            files = write_reports(contents, form, home)
        for file in files:
            typer.echo(f"{form.name.capitalize()}: {file}")


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="File, or s3://bucket/key, to validate; nothing is stored.")],
    feed: Annotated[str | None, typer.Option(help="Feed that it is for; default: recognised by its headers.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Validate one file and explain every refusal. Exit status 1 if any row or the file is refused.

    A file that becomes several feeds is judged for each; as JSON, an object a line.
    """
    from pipelines.intake.check import check_file
    from pipelines.reports.checked import print_check

    path = _landed(file)
    demand_mappings()
    try:
        results = check_file(path, feed)
    except KeyError as error:
        stop(str(error.args[0]))
    print_check(results, as_json=as_json)
    if not all(result.sound for result in results):
        raise typer.Exit(1)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='For example "FROM mart.category_roi".')],
    style: Annotated[Format, typer.Option("--format", help="How rows are printed.")] = Format.table,
    limit: Annotated[int, typer.Option(help="How many rows a table shows at most.", min=1)] = 100,
) -> None:
    """Query the published warehouse, read-only."""
    from pipelines.home import Home
    from pipelines.reports.query import QueryError, print_query

    try:
        print_query(Home.from_environment(), query, style=style.value, limit=limit)
    except QueryError as error:
        stop(str(error))


@app.command()
def attribute(
    out: Annotated[Path, typer.Option("--out", help="File to write, .csv or .parquet.")],
    touches: Annotated[
        Path | None, typer.Argument(help="CSV or Parquet: journey_id, note_id, occurred_at; kind and organic if known.")
    ] = None,
    journeys: Annotated[
        Path | None, typer.Argument(help="CSV or Parquet: journey_id, converted, revenue (yuan), converted_at.")
    ] = None,
    models: Annotated[str | None, typer.Option(help="Names with commas between; default: all that can run.")] = None,
    touch_column: Annotated[str, typer.Option(help="Column of TOUCHES that is credited.")] = "note_id",
    paths: Annotated[
        Path | None,
        typer.Option(help='Instead of both: path ("A > B"), total_conversions, total_conversion_value, total_null.'),
    ] = None,
) -> None:
    """Run the attribution models on your own journeys, without the pipeline: one row per model and note.

    Models: first_touch, last_touch, last_click, last_non_organic, linear, time_decay (half-life 7 days), position_based
    (40/20/40), participation, markov (order 1), shapley, shapley_ordered, data_driven. No window is applied.

    A model that declines (data_driven, where it predicts no better than the average rate) says why on standard error
    and leaves its figures empty; the others still come out.
    """
    from pipelines.attribute import InputError, attribute_paths, attribute_touches
    from pipelines.console import errors

    def say(text: str) -> None:
        typer.echo(f"redcat: {text}", err=True)

    with errors.status("starting") as status:
        shared = {"models": models, "say": say, "progress": status.update}
        try:
            if paths and not touches:
                rows = attribute_paths(paths, out, **shared)
            elif touches and journeys and not paths:
                rows = attribute_touches(touches, journeys, out, touch_column=touch_column, **shared)
            else:
                stop("give TOUCHES and JOURNEYS, or --paths with a file of aggregated paths")
        except InputError as error:
            stop(str(error))
    typer.echo(f"{rows:,} rows in {out}")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is wrong with this installation and what to do; exit status 1 if anything is. Changes nothing."""
    import json
    from dataclasses import asdict

    from pipelines.console import print_findings
    from pipelines.doctor import FAIL, examine
    from pipelines.home import Home

    findings = examine(Home.from_environment())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        print_findings(findings)
    if any(finding.state == FAIL for finding in findings):
        raise typer.Exit(1)


@app.command()
def restore() -> None:
    """Put the last published version into the place of a damaged warehouse; the next run goes on from there."""
    from pipelines.home import Home
    from pipelines.restore import RestoreError
    from pipelines.restore import restore as put_back

    home = Home.from_environment()
    try:
        version, aside = put_back(home)
    except RestoreError as error:
        stop(str(error))
    typer.echo(f"{home.warehouse} is version {version.parent.name} again; redcat run takes in what has landed since")
    if aside is not None:
        typer.echo(f"what stood there is now {aside}; delete it when it is of no more use")


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 3000,
) -> None:
    """Open the asset graph in Dagster's web interface, and the reports, on this machine only; stop it with Ctrl-C."""
    import os
    import socket
    import subprocess
    from urllib.parse import urlsplit

    from pipelines.home import Home
    from pipelines.run import prepare_dagster

    demand_settings()
    home = Home.from_environment()
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was just closed is free
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            stop(
                f"port {port} cannot be used ({error.strerror}); name another one: redcat ui --port {port % 65535 + 1}"
            )
    prepare_dagster(home)
    typer.echo(f"http://127.0.0.1:{port}")
    # Every process of Dagster finds this package from any folder, also from one that has other `pipelines`.
    installed = str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (installed, os.environ.get("PYTHONPATH"))))
    os.environ["PYTHONSAFEPATH"] = "1"
    reports = urlsplit(reports_url())
    if reports.hostname == "127.0.0.1" and reports.port and reports.port != port:
        # Ends with this process. Where another serves them already, it ends at once.
        serve = [sys.executable, "-m", "pipelines.reports.serve", str(home.reports), str(reports.port)]
        subprocess.Popen(serve, stderr=subprocess.DEVNULL)  # noqa: S603
    typer.echo(f"reports: {reports_url()}")
    module = [sys.executable, "-m", "dagster", "dev", "-m", "pipelines.definitions", "-d", installed]
    os.execv(sys.executable, [*module, "-h", "127.0.0.1", "-p", str(port)])  # noqa: S606


def _landed(file: str) -> LandingPath:
    """The file, or the object, of that name."""
    if "://" in file:
        from pipelines.intake.objects import ObjectPath

        return ObjectPath.parse(file).anew()
    path = Path(file)
    if path.is_dir():
        stop(f"{path} is a folder; name one of the files in it")
    if not path.is_file():
        stop(f"the file {path} does not exist")
    return path


def _date(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return plain_date(text)
    except ValueError:
        stop(f"{option} {text!r} is no date; write it as YYYY-MM-DD, such as 2026-09-01")
