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


@dataclass(frozen=True)
class Mart:
    """One mart: what it says, how its rows are made, of which assets, and what is shown of it.

    `preview` is the query of the first rows that are shown, of the model `{model}`; `chart` names the label and the
    figure of a bar chart.
    """

    name: str
    name_zh: str
    description: str
    rows: Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]
    preview: str
    made_of: tuple[str, ...] = ("core/earned", "core/spend", "raw/notes")
    chart: tuple[str, str] | None = None


def sales_maturity(last_paid: pl.Expr, day: date) -> pl.Expr:
    """Windows look back, so what was sold up to a date changes only by refunds after it."""
    return maturity(last_paid, as_of=day, refund_days=refund_days())
