"""What a person sees of a run: progress while it goes on, then what came in and what needs attention."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from datetime import date

    from pipelines.doctor import Finding
    from pipelines.home import Home
    from pipelines.run import RunSummary

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
SHOWN_PROBLEMS = 20


def say(text: str) -> None:
    """A line for the person at the terminal, as it stands: nothing in it is markup."""
    console.print(text, markup=False, soft_wrap=True)


class Bar:
    """A bar over the steps of a run, with the current step and file beside it."""

    def __init__(self, bar: Progress, total: int) -> None:
        self.bar = bar
        self.task = bar.add_task("starting", total=total)
        self.name = "starting"

    def step(self, name: str) -> None:
        """One step begins, so the one before is done."""
        self.bar.update(self.task, description=name, advance=0 if self.name == "starting" else 1)
        self.name = name

    def detail(self, text: str) -> None:
        """What the step is doing just now."""
        self.bar.update(self.task, description=f"{self.name} {text}"[:60].replace("[", r"\["))

    def finish(self) -> None:
        """Everything is done."""
        self.bar.update(self.task, description="done", completed=self.bar.tasks[0].total)


def run_shown(home: Home, first: date, last: date, /, *, remember: date | None = None) -> None:
    """Run the graph with progress shown, then print what came in; ends with status 1 if the run failed.

    With `remember` the marts are made up to that date first, so that reports can compare with what figures were then.

    Raises KeyboardInterrupt also where Dagster made something else of it.
    """
    home.secret()  # a key that cannot be used is said before anything starts
    with Progress(
        TextColumn("{task.description:<44.44}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal,  # a log file has no use for a moving bar
    ) as shown:
        loading = shown.add_task("loading", total=None)
        from dagster import DagsterExecutionInterruptedError as Interrupted

        from pipelines.alerts.news import alert_of
        from pipelines.alerts.send import tell
        from pipelines.run import RunSummary, run_range, steps

        shown.remove_task(loading)
        bar = Bar(shown, steps() + (steps(readers=False) if remember else 0))
        try:
            summary = RunSummary()
            if remember:
                summary = run_range(home, first, remember, shown=bar, readers=False)
            if summary.success:
                begin = remember + timedelta(days=1) if remember else first
                summary = run_range(home, begin, last, shown=bar).after(summary)
        except Interrupted:
            raise KeyboardInterrupt from None
        if any(Interrupted.__name__ in failure for failure in summary.failures):
            raise KeyboardInterrupt
        if summary.success:
            bar.finish()
    print_summary(summary, first, last)
    for reason in tell(home, alert_of(summary, f"{first} – {last}")).failed:
        say(f"\nAn alert was not sent: {reason}")
    if not summary.success:
        raise SystemExit(1)


def print_summary(summary: RunSummary, first: date, last: date, /) -> None:
    """Rows by feed, then everything that needs attention, in words."""
    taken_in = {feed: counts for feed, counts in sorted(summary.intake.items()) if counts["files"]}
    if not taken_in:
        say(f"Intake, {first} to {last}: no new files")
    else:
        console.print(_intake_table(taken_in, f"Intake, {first} to {last}"))
    for title, lines, rest in (
        ("Files that were not taken in", summary.problems, 'redcat sql "FROM ops.files"'),
        ("Checks that found something", _by_asset(summary.warnings), "redcat ui"),
        ("The run stopped", summary.failures, "redcat ui"),
    ):
        if lines:
            say(f"\n{title}")
        for line in lines[:SHOWN_PROBLEMS]:
            say(f"  - {line}")
        if len(lines) > SHOWN_PROBLEMS:
            say(f"  … and {len(lines) - SHOWN_PROBLEMS} more; see: {rest}")
    if any(counts["rows quarantined"] for counts in summary.intake.values()):
        say('\nWhy rows were quarantined: redcat sql "FROM quarantine.<feed>"')


def _intake_table(intake: dict[str, dict[str, int]], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("feed")
    for column in ("files", "rows read", "accepted", "duplicate", "quarantined", "ignored"):
        table.add_column(column, justify="right")
    for feed, counts in intake.items():
        table.add_row(feed, *(f"{n:,}" for n in counts.values()))
    return table


def _by_asset(warnings: list[tuple[str, str]]) -> list[str]:
    """One line for each asset with all that its checks found."""
    assets = dict.fromkeys(name for name, _ in warnings)
    return [f"{asset}: {'; '.join(text for name, text in warnings if name == asset)}" for asset in assets]


def print_findings(findings: list[Finding], /) -> None:
    """One line for each check, and what to do about it."""
    marks = {"ok": "✓", "warn": "!", "fail": "✗"}
    for found in findings:
        say(f"{marks[found.state]} {found.check:<10} {found.told}")
        if found.remedy:
            say(f"{'':13}→ {found.remedy}")
