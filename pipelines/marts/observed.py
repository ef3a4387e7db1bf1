"""Marts that no model has touched: a query over what was taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.dates import as_of
from pipelines.marts.mart import sales_maturity

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

CLOSES = "_closes"


def observed(query: str, /) -> Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]:
    """A function that gives the rows of a query, `$as_of` in it being the last business date that is included.

    The query's column `_closes` (Date) is the date from which a row changes only by refunds; it becomes `maturity`.
    """

    def rows(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        day = as_of(connection)
        found = connection.sql(query, params={"as_of": day} if "$as_of" in query else None).pl()
        return found.with_columns(maturity=sales_maturity(pl.col(CLOSES), day)).drop(CLOSES)

    return rows


def threshold(name: str, /) -> str:
    """SQL for a value of `reference.thresholds`."""
    return f"(SELECT value FROM reference.thresholds WHERE threshold = '{name}')"


def days(name: str, /) -> str:
    """SQL for a threshold that is a number of days."""
    return f"{threshold(name)}::INTEGER"
