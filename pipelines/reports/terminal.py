"""The report and the check of a file, in the terminal."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.reports.query import QueryError, reading

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.intake.check import CheckResult

UNKNOWN = "—"
SHOWN_REASONS = 20


class ReportError(ValueError):
    """A report that cannot be made; the message says why."""


# What a row is called, by level: SQL over the level's mart.
LABELS = {
    "category": "coalesce(name_zh || ' ' || name_en, category, '未归类 Unassigned')",
    "note": "coalesce(title, note_id, '无笔记 No note')",
    "creator": "coalesce(creator_name, creator_id, '无博主 No creator')",
    "campaign": "coalesce(campaign_id, '无项目 No campaign')",
    "channel": "coalesce(name_zh || ' ' || name_en, channel, '未知 Unknown')",
    "lane": "coalesce(name_zh || ' ' || name_en, lane, '未知 Unknown')",
}
# Heading, column of the mart, how it is written.
COLUMNS = (
    ("花费\nSpend", "spend", "money"),
    ("归因GMV\nCredited", "credited_gmv", "money"),
    ("直接\nDirect", "direct_gmv", "money"),
    ("带动\nHalo", "halo_gmv", "money"),
    ("未归因\nUnattributed", "unattributed_gmv", "money"),
    ("订单\nOrders", "orders", "count"),
    ("ROI\nroas_gmv", "roas_gmv", "ratio"),
    ("净ROI\nroas_net", "roas_net", "ratio"),
    ("利润ROI\nroi_profit", "roi_profit", "ratio"),
)
WRITTEN = {"money": "{:,.0f}", "count": "{:,.0f}", "ratio": "{:.2f}"}


def print_report(home: Home, /, *, level: str, model: str, limit: int) -> None:
    """Print what each key of a level returned by one model; raises ReportError when there is nothing to print."""
    try:
        with reading(home) as connection:
            models = [
                row[0] for row in connection.execute("SELECT model FROM mart.reconciliation ORDER BY 1").fetchall()
            ]
            if model not in models:
                raise ReportError(
                    f"the model {model!r} does not exist; choose one of {', '.join(dict.fromkeys(models))}"
                )
            present = {row[0] for row in connection.execute(f"DESCRIBE mart.{level}_roi").fetchall()}
            shown = [c for c in COLUMNS if c[1] in present]
            relation = connection.execute(
                f"SELECT {LABELS[level]}, currency, as_of, window_set, scope, {', '.join(c[1] for c in shown)} "
                f"FROM mart.{level}_roi WHERE model = ? ORDER BY spend DESC NULLS LAST, credited_gmv DESC",
                [model],
            )
            rows = relation.fetchall()
            sums = connection.execute(
                "SELECT currency, total_gmv, credited_gmv, unattributed_gmv, total_refunds FROM mart.reconciliation "
                "WHERE model = ?",
                [model],
            ).fetchall()
    except QueryError as error:
        raise ReportError(str(error)) from error
    _print_returns(rows[:limit], shown, level=level, model=model)
    console = _console()
    if len(rows) > limit:
        console.print(f"{len(rows) - limit:,} more rows; show them with --limit {len(rows)}", style="dim")
    for currency, total, credited, unattributed, refunds in sums:
        console.print(
            f"{currency}: credited {credited:,.2f} + unattributed {unattributed:,.2f} = total {total:,.2f}, "
            f"of which refunded {refunds:,.2f}"
        )


def _print_returns(rows: list[tuple[Any, ...]], shown: list[tuple[str, str, str]], *, level: str, model: str) -> None:
    console = _console()
    if not rows:
        console.print("No rows: nothing has been sold or spent on the dates that were run.")
        return
    _, _, as_of, windows, scope = rows[0][:5]
    several = len({row[1] for row in rows}) > 1
    table = Table(
        title=f"ROI by {level} · model {model} · as of {as_of} · windows {windows} · scope {scope}",
        title_justify="left",
        box=None,
        header_style="bold",
    )
    table.add_column(f"{'currency · ' if several else ''}{level}", max_width=36, overflow="ellipsis", no_wrap=True)
    for heading, _, _ in shown:
        table.add_column(heading, justify="right", no_wrap=True)
    for label, currency, _, _, _, *values in rows:
        cells = [_written(v, c[2]) for v, c in zip(values, shown, strict=True)]
        table.add_row(Text(f"{currency} · {label}" if several else str(label)), *cells)
    console.print(table)


def _written(value: Any, kind: str) -> str:
    return UNKNOWN if value is None else WRITTEN[kind].format(value)


def _console() -> Console:
    """A console as wide as the terminal, or wide enough for the table where there is none."""
    console = Console(highlight=False, markup=False)
    return (
        console if console.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, markup=False, width=140)
    )


def print_check(result: CheckResult, /, *, as_json: bool) -> None:
    """Print what a file would become, with the reason of every refusal."""
    if as_json:
        print(json.dumps(result.as_dict(), ensure_ascii=False, default=str))
        return
    console = _console()
    if result.message:
        console.print(f"{result.file}: {'refused. ' if result.refused else ''}{result.message}")
    if result.refused:
        return
    console.print(
        f"{result.file}: read as {result.export} for the feed {result.feed}: {result.rows:,} rows, "
        f"{result.accepted:,} accepted, {result.duplicate:,} duplicate, {result.quarantined:,} quarantined"
    )
    for warning in result.warnings:
        console.print(f"  note: {warning}")
    for row, reasons in result.reasons[:SHOWN_REASONS]:
        console.print(f"  row {row}: {'; '.join(reasons)}")
    if len(result.reasons) > SHOWN_REASONS:
        console.print(f"  … and {len(result.reasons) - SHOWN_REASONS:,} more rows; see all with --json")
