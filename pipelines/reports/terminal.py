"""The returns of one level by one model, in the terminal."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.brands import seen_by
from pipelines.marts.totals import totals
from pipelines.reports.figures import UNKNOWN, kind_of, written
from pipelines.reports.query import QueryError, named_brands, reading
from pipelines.warehouse import columns_of

if TYPE_CHECKING:
    import duckdb

    from pipelines.home import Home

BOUNDLESS = Console(width=10_000)
NEVER_LEFT_OUT = 4  # spend, credited, ROI and net ROI


@dataclass(frozen=True)
class Shown:
    """A column of the report: its heading, its column in the mart, its rank.

    Where the terminal is too narrow, columns of the highest rank are left out first.
    """

    heading: str
    column: str
    rank: int


SHOWN = (
    Shown("花费\nSpend", "spend", 0),
    Shown("归因GMV\nCredited", "credited_gmv", 1),
    Shown("直接\nDirect", "direct_gmv", 6),
    Shown("带动\nHalo", "halo_gmv", 8),
    Shown("未归因\nUnattributed", "unattributed_gmv", 5),
    Shown("订单\nOrders", "orders", 4),
    Shown("ROI\nroas_gmv", "roas_gmv", 2),
    Shown("净ROI\nroas_net", "roas_net", 3),
    Shown("利润ROI\nroi_profit", "roi_profit", 7),
    Shown("成熟度\nMaturity", "maturity", 9),
)

# What a row is called, by level: SQL over the level's mart for its name, and for what tells two of one name apart.
LABELS = {
    "category": ("coalesce(name_zh || ' ' || name_en, category, '未归类 Unassigned')", "NULL"),
    "note": ("coalesce(title, if(note_id IS NULL, '无笔记 No note', NULL))", "note_id"),
    "creator": ("coalesce(creator_name, if(creator_id IS NULL, '无博主 No creator', NULL))", "creator_id"),
    "campaign": ("coalesce(campaign_id, '无项目 No campaign')", "NULL"),
    "channel": ("coalesce(name_zh || ' ' || name_en, channel, '未知 Unknown')", "NULL"),
    "lane": ("coalesce(name_zh || ' ' || name_en, lane, '未知 Unknown')", "NULL"),
    "exchange": ("coalesce(name_zh, '未知 Unknown')", "exchange"),
}
WIDEST_LABEL = 36


class ReportError(ValueError):
    """A report that cannot be made; the message says why."""


def print_report(home: Home, /, *, level: str, model: str, limit: int, brand: str | None = None) -> None:
    """Print what each key of a level returned by one model, brand by brand, or for one.

    Raises ReportError when there is nothing to print.
    """
    try:
        with reading(home) as connection:
            _demand_model(connection, model)
            named = named_brands(connection, brand)
            for name, of in named.items():
                if len(named) > 1:
                    console().print(f"\n{name}", style="bold")
                with seen_by(connection, of):
                    _print_returns(connection, level=level, model=model, limit=limit)
                    _print_reconciliation(connection, model)
    except QueryError as error:
        raise ReportError(str(error)) from error


def console() -> Console:
    """A console as wide as the terminal, or as a wide one where there is none; nothing printed is markup."""
    out = Console(highlight=False, markup=False)
    return out if out.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, markup=False, width=150)


def _demand_model(connection: duckdb.DuckDBPyConnection, model: str) -> None:
    query = "SELECT DISTINCT model FROM mart.reconciliation ORDER BY 1"
    models = [name for (name,) in connection.execute(query).fetchall()]
    if models and model not in models:
        raise ReportError(f"the model {model!r} does not exist; choose one of {', '.join(models)}")


def _print_returns(connection: duckdb.DuckDBPyConnection, *, level: str, model: str, limit: int) -> None:
    mart = f"mart.{level}_roi"
    present = set(columns_of(connection, mart))
    shown = [s for s in SHOWN if s.column in present]
    (basis,) = connection.execute(f"SELECT any_value((as_of, window_set, scope)) FROM {mart}").fetchall()
    name, key = LABELS[level]
    rows = connection.execute(
        f"""SELECT currency, {name}, {key}, {", ".join(s.column for s in shown)} FROM {mart} WHERE model = ?
        ORDER BY currency, spend DESC NULLS LAST, credited_gmv DESC, 2, 3""",
        [model],
    ).fetchall()
    total = totals(present)
    sums = connection.execute(
        f"""SELECT currency, '合计 Total', NULL, {", ".join(total.get(s.column, "NULL") for s in shown)}
        FROM {mart} WHERE model = ? GROUP BY currency ORDER BY currency""",
        [model],
    ).fetchall()
    if not rows:
        console().print("No rows: nothing has been sold or spent on the dates that were run.")
        return
    as_of, windows, scope = basis[0]
    title = f"ROI by {level} · model {model} · as of {as_of} · windows {windows} · scope {scope}"
    left_out: list[Shown] = []
    while True:
        kept = [s for s in shown if s not in left_out]
        table = _table(title, level, shown, kept, rows[:limit], sums)
        if BOUNDLESS.measure(table).maximum <= console().width or len(kept) <= NEVER_LEFT_OUT:
            break
        left_out.append(max(kept, key=lambda s: s.rank))
    console().print(table)
    if left_out:
        names = ", ".join(s.column for s in shown if s in left_out)
        console().print(f"Left out for lack of width: {names}; widen the terminal to see them.", style="dim")
    if len(rows) > limit:
        console().print(f"{len(rows) - limit:,} more rows; show them with --limit {len(rows)}", style="dim")
    _print_lanes(connection, mart, model)


def _print_lanes(connection: duckdb.DuckDBPyConnection, mart: str, model: str) -> None:
    """Which lanes the ratios of the total add, and what was spent where orders are only claimed in sum."""
    added, claimed = connection.execute(
        f"""SELECT list_sort(list_distinct(flatten(list(string_split(lanes, '|'))))), sum(spend - evidenced_spend)
        FROM {mart} WHERE model = ?""",
        [model],
    ).fetchall()[0]
    if not added:
        return
    apart = f"; {claimed:,.2f} spent where orders are only claimed in sum is left out of it" if claimed else ""
    console().print(
        f"ROI adds the lanes {', '.join(added)}, whose orders are evidenced one by one{apart}.", style="dim"
    )


def _table(
    title: str,
    level: str,
    shown: list[Shown],
    kept: list[Shown],
    rows: list[tuple[Any, ...]],
    sums: list[tuple[Any, ...]],
) -> Table:
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    several = len(sums) > 1
    table.add_column(level, max_width=WIDEST_LABEL, overflow="ellipsis", no_wrap=True)
    for column in kept:
        table.add_column(column.heading, justify="right", no_wrap=True)
    for row, style in [*((row, "") for row in rows), *((row, "bold") for row in sums)]:
        currency, name, key, *values = row
        cells = {s.column: written(v, kind_of(s.column)) for v, s in zip(values, shown, strict=True)}
        label = _label(name, key, f"{currency} " if several else "")
        table.add_row(Text(label), *(Text(cells[s.column]) for s in kept), style=style)
    return table


def _label(name: str | None, key: str | None, currency: str) -> str:
    """The name, and the key whole: two notes of one title differ in nothing else."""
    if name is None or key is None:
        return currency + (key or name or UNKNOWN)
    room = WIDEST_LABEL - cell_len(f"{currency} · {key}")
    if cell_len(name) > room:
        name = f"{set_cell_size(name, room - 1).rstrip()}…" if room > 1 else "…"
    return f"{currency}{name} · {key}"


def _print_reconciliation(connection: duckdb.DuckDBPyConnection, model: str) -> None:
    sums = connection.execute(
        """SELECT currency, credited_gmv, unattributed_gmv, total_gmv, total_refunds
        FROM mart.reconciliation WHERE model = ? ORDER BY currency""",
        [model],
    ).fetchall()
    for currency, credited, unattributed, total, refunds in sums:
        console().print(
            f"{currency}: credited {credited:,.2f} + unattributed {unattributed:,.2f} = total {total:,.2f}, "
            f"of which refunded {refunds:,.2f}"
        )
