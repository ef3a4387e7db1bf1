"""What a mart is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.reference import refund_days
from models.maturity import maturity

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import duckdb
    import polars as pl

    from pipelines.charts import Chart
    from pipelines.marts.privacy import Few
    from pipelines.row_checks import RowCheck

HISTORY_DAYS = 90  # more than any report looks back on from an earlier date


@dataclass(frozen=True)
class Mart:
    """One mart: what it says, how its rows are made, of which assets, and what Dagster shows of it.

    `preview` is the query of the first rows shown, of the model `{model}`; `chart` names the label (a date for
    a chart over time) and the figure of a chart, or is one; `figures` is a query of one row of numbers that are plotted
    over time, by default the totals of what the mart has; `about_zh` says in Chinese what the description says.
    `checks` look at the finished table. A mart is made for each brand, out of what belongs to it, unless it says what
    all brands have in common. `history_days`: of a mart by date, its `history` keeps the rows of so many days before
    each earlier `as_of`; without it all, of any mart. `private` says what it tells of people
    (`pipelines.marts.privacy`).
    """

    name: str
    name_zh: str
    description: str
    rows: Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]
    preview: str
    made_of: tuple[str, ...] = ("core/earned", "core/spend", "raw/notes")
    chart: tuple[str, str] | Chart | None = None
    figures: str | None = None
    about_zh: str = ""
    checks: tuple[RowCheck, ...] = ()
    by_brand: bool = True
    history_days: int | None = None
    private: tuple[Few, ...] | None = None


def sales_maturity(last_paid: pl.Expr, day: date) -> pl.Expr:
    """Windows look back, so what was sold up to a date changes only by refunds after it."""
    return maturity(last_paid, as_of=day, refund_days=refund_days())
