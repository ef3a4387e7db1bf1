"""Rows of a feed as a day's warehouse, and what a mart says of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from data_contracts.contract import contract
from pipelines.basis import store_reference
from pipelines.core.added_up import ADDED_UP
from pipelines.core.orders import ORDERS
from pipelines.core.readers import READERS
from pipelines.marts.store import mart_rows, store_mart
from pipelines.marts.tables import MARTS
from pipelines.warehouse import create_tables

if TYPE_CHECKING:
    from collections.abc import Iterable

BY_NAME = {mart.name: mart for mart in MARTS}


@cache
def _made() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    create_tables(connection)
    store_reference(connection)
    connection.execute("CREATE TABLE core.earned (note_id VARCHAR)")  # which attribution makes
    return connection


def warehouse(as_of: date, /) -> duckdb.DuckDBPyConnection:
    """An empty warehouse in memory whose last business date is `as_of`; the next one takes its place."""
    connection = _made()
    tables = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE schema_name IN ('raw', 'core', 'history') AND estimated_size > 0"
    ).fetchall()
    for (table,) in [*tables, ("ops.days",)]:
        connection.execute(f"DELETE FROM {table}")
    connection.execute("INSERT INTO ops.days VALUES (?)", [as_of])
    return connection


def put(connection: duckdb.DuckDBPyConnection, feed: str, rows: Iterable[dict[str, Any]], /) -> None:
    """Rows into the raw table of a feed; an instant may be told as a business date, which is noon of it in Shanghai."""
    terms = contract(feed)
    given = list(rows)
    if not given:
        return
    days = [row[terms.business_date] for row in given]
    instants = {f.name for f in terms.fields if f.physical_type == "TIMESTAMPTZ"}
    told = [{k: _noon(v) if k in instants and type(v) is date else v for k, v in row.items()} for row in given]
    columns = sorted({name for row in told for name in row})
    frame = pl.DataFrame([{c: row.get(c) for c in columns} for row in told], infer_schema_length=None)
    frame = frame.with_columns(_date=pl.Series([str(day)[:10] for day in days]).str.to_date())  # read by DuckDB
    connection.execute(f"INSERT INTO raw.{feed} BY NAME FROM frame")


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def mart(connection: duckdb.DuckDBPyConnection, name: str, /) -> list[dict[str, Any]]:
    """Make and store a mart; its rows."""
    for table, query in {**ADDED_UP, **ORDERS, READERS.name: READERS.rows}.items():
        connection.execute(f"CREATE OR REPLACE TABLE core.{table} AS {query.format(chosen='true')}")
    store_mart(connection, name, mart_rows(connection, BY_NAME[name]))
    return connection.sql(f"FROM mart.{name}").pl().to_dicts()
