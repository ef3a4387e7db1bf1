"""The brands of an installation, and the warehouse as one of them sees it.

A note competes only for orders of its own brand, in every scope, so that brands part the warehouse: whatever is made
of what belongs to each, and of what belongs to none, adds up to the whole.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import polars as pl

from pipelines.settings import own_brand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

SEEN = "seen_by_brand"
BRANDS = """
    SELECT brand FROM (
        SELECT brand, 1 AS notes FROM raw.notes
        UNION ALL SELECT brand, 0 FROM (SELECT DISTINCT brand FROM core.conversions)
    ) WHERE brand IS NOT NULL GROUP BY brand ORDER BY sum(notes) DESC, brand"""
HAS_UNBRANDED = """
    SELECT EXISTS (FROM core.spend ANTI JOIN raw.notes USING (note_id))
        OR EXISTS (FROM core.refunds ANTI JOIN core.conversions USING (conversion_id))
        OR EXISTS (FROM raw.wallet_flows) OR EXISTS (FROM raw.local_events) OR EXISTS (FROM raw.local_shops)"""

# Tables that name no brand and belong to none, and those that all brands have in common: by which days have arrived.
OF_NO_BRAND = {"raw.wallet_flows", "raw.local_events", "raw.local_shops"}
IN_COMMON = {"raw.note_impressions", "raw.note_engagements", "raw.link_clicks"}
# A task has the brand of its notes; its own rows name none of them.
OF_TASKS = {"raw.exchange_note_daily", "versions.exchange_note_daily"}


def brands(connection: duckdb.DuckDBPyConnection, /) -> list[str | None]:
    """The brands of notes and orders, that of most notes first; None for what is of no brand, where there are several.

    An installation that has taken in neither has its own brand alone.
    """
    found: list[str | None] = [name for (name,) in connection.execute(BRANDS).fetchall()]
    if len(found) > 1 and connection.execute(HAS_UNBRANDED).fetchall()[0][0]:
        found.append(None)
    return found or [own_brand()]


def for_each_brand(
    connection: duckdb.DuckDBPyConnection, make: Callable[[duckdb.DuckDBPyConnection], pl.DataFrame], /
) -> pl.DataFrame:
    """What `make` gives for each brand, with the column `brand`: null for what is of none."""
    parts, names = [], brands(connection)
    for brand in names:
        with _parted(connection, brand) if len(names) > 1 else contextlib.nullcontext():
            parts.append(make(connection).with_columns(brand=pl.lit(brand, pl.String)))
    return pl.concat(parts, how="vertical_relaxed")


@contextlib.contextmanager
def seen_by(connection: duckdb.DuckDBPyConnection, brand: str | None, /) -> Iterator[None]:
    """The warehouse as if it held only what belongs to the brand, for queries without a transaction.

    A table with a column `brand` belongs to brands by it, others by their notes, then by their order lines. Events in
    shops name no brand: those of another brand's products are left out, and all others are seen by every brand.
    """
    with _parted(connection, brand) if len(brands(connection)) > 1 else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _parted(connection: duckdb.DuckDBPyConnection, brand: str | None) -> Iterator[None]:
    """The views that leave out what belongs to others, in the place of the tables."""
    (whole,) = connection.execute("SELECT current_database()").fetchall()[0]
    connection.execute(f"ATTACH ':memory:' AS {SEEN} (READ_WRITE)")
    try:
        connection.execute(";".join(_views(connection, whole, brand)))
        connection.execute(f"USE {SEEN}")
        yield
    finally:
        connection.execute(f'USE "{whole}"')
        connection.execute(f"DETACH {SEEN}")


def _views(connection: duckdb.DuckDBPyConnection, whole: str, brand: str | None) -> Iterator[str]:
    """The statements that make a view for every table and view of the warehouse."""
    columns = connection.execute(
        """SELECT schema_name, table_name, list(column_name) FROM duckdb_columns()
        WHERE database_name = ? AND NOT internal GROUP BY ALL""",
        [whole],
    ).fetchall()
    for schema in {schema for schema, *_ in columns}:
        yield f'CREATE SCHEMA IF NOT EXISTS {SEEN}."{schema}"'
    for schema, table, names in columns:
        part = _part(f"{schema}.{table}", set(names), f'"{whole}"', brand)
        yield f'CREATE VIEW {SEEN}."{schema}"."{table}" AS FROM "{whole}"."{schema}"."{table}" AS t {part}'


def _part(table: str, columns: set[str], whole: str, brand: str | None) -> str:
    """Which rows of a table belong to the brand, as what follows `FROM table AS t`."""
    name = "'" + (brand or "").replace("'", "''") + "'"
    mine = "brand IS NULL" if brand is None else f"brand = {name}"
    # Of no brand is what is of none that is known.
    known, is_of = ("true", "NOT") if brand is None else (mine, "")
    notes = f"(SELECT note_id FROM {whole}.raw.notes WHERE {known})"
    orders = f"(SELECT conversion_id FROM {whole}.core.conversions WHERE {known})"
    if table in IN_COMMON:
        return ""
    if table in OF_NO_BRAND:
        return f"WHERE {str(brand is None).lower()}"
    if table in OF_TASKS:
        tasks = f"(SELECT task_id FROM {whole}.raw.exchange_note_daily WHERE note_id IN {notes})"
        return f"WHERE {is_of} coalesce(note_id IN {notes}, task_id IN {tasks}, false)"
    if table == "raw.shop_events":
        sold = f"SELECT product_id FROM {whole}.core.conversions WHERE product_id IS NOT NULL AND"
        return f"ANTI JOIN ({sold} NOT ({mine}) EXCEPT {sold} {mine}) USING (product_id)"
    if "brand" in columns:
        return f"WHERE {mine}"
    if "note_id" in columns:
        return f"WHERE {is_of} coalesce(note_id IN {notes}, false)"
    if "conversion_id" in columns:
        return f"WHERE {is_of} coalesce(conversion_id IN {orders}, false)"
    return ""
