"""Storing a mart: the newest figures, and what they were on earlier dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.reference import window_set
from pipelines.brands import brands, for_each_brand
from pipelines.dates import as_of
from pipelines.marts.yuan import in_yuan
from pipelines.settings import attribution_scope
from pipelines.warehouse import columns_of, create_table

if TYPE_CHECKING:
    import duckdb

    from pipelines.marts.mart import Mart


def mart_rows(connection: duckdb.DuckDBPyConnection, mart: Mart, /) -> pl.DataFrame:
    """The rows of a mart, each with its brand where they have one; not inside a transaction."""
    return for_each_brand(connection, mart.rows) if mart.by_brand else mart.rows(connection)


def store_mart(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame, /) -> None:
    """Replace `mart.<name>`, and its rows of the same date in `history.<name>`; every row says what it rests on."""
    day = as_of(connection)
    stamps = {
        "model": "observed",  # for figures that no model has touched
        "window_set": window_set(),
        "scope": attribution_scope(),
        "as_of": day,
    }
    stamped = in_yuan(rows)
    stamped = stamped.with_columns(pl.lit(v).alias(k) for k, v in stamps.items() if k not in stamped.columns)
    first = [name for name in ("model", "as_of", "brand") if name in stamped.columns]
    stamped = stamped.select(*first, pl.exclude(*first, "window_set", "scope"), "window_set", "scope")
    connection.execute(f"CREATE OR REPLACE TABLE mart.{name} AS FROM stamped")
    columns = columns_of(connection, f"mart.{name}")
    create_table(connection, f"history.{name}", columns)
    if "brand" in columns:
        _name_brand(connection, f"history.{name}")
    connection.execute(f"DELETE FROM history.{name} WHERE as_of = ?", [day])
    connection.execute(f"INSERT INTO history.{name} BY NAME FROM mart.{name}")


def _name_brand(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Name the brand of older rows, which did not, where there is one alone."""
    unnamed = connection.execute(f"SELECT EXISTS (FROM {table} WHERE brand IS NULL)").fetchall() == [(True,)]
    if unnamed and len(names := brands(connection)) == 1:
        connection.execute(f"UPDATE {table} SET brand = ? WHERE brand IS NULL", names)
