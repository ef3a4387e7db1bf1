"""Working through users a part at a time, so that memory does not grow with their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.resources import progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import polars as pl

BUCKETS = 64  # the least significant six bits of the user key
ROWS_AT_ONCE = 4_000_000


def bucket_ranges(rows: int, /) -> Iterator[tuple[int, int]]:
    """Ranges of buckets, both ends included, such that about `ROWS_AT_ONCE` of so many rows are in each."""
    parts = min(BUCKETS, max(1, -(-rows // ROWS_AT_ONCE)))
    for part in range(parts):
        low, high = BUCKETS * part // parts, BUCKETS * (part + 1) // parts - 1
        progress.get().detail(f"users {low}–{high} of {BUCKETS}")
        yield low, high


# A refund is of an order that is known in its currency. Where the shop does not say who bears it, the channel's
# settlement does.
_REFUNDS = """
    SELECT conversion_id, refund_date, refund_fen, coalesce(borne_by, refunds_borne_by) AS borne_by
    FROM core.refunds JOIN (FROM core.conversions WHERE {chosen}) AS sold USING (conversion_id, currency)
    LEFT JOIN reference.channels USING (channel) LEFT JOIN reference.settlements USING (settlement)"""
EVERY = "true"
_SOLD = """
    SELECT if(conversion_id IN (SELECT conversion_id FROM core.refunds), conversion_id, NULL) AS conversion_id,
        paid_date, currency, sum(paid_fen)::BIGINT AS paid_fen
    FROM core.conversions WHERE bucket BETWEEN {low} AND {high} GROUP BY ALL"""


def sold_parts(connection: duckdb.DuckDBPyConnection, /) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """What was sold, and the refunds, of one range of users after another.

    Orders without refunds are added up by date of payment and currency, without a `conversion_id`.
    """
    refunds = connection.sql(_REFUNDS.format(chosen=EVERY)).pl()
    for low, high in bucket_ranges(_count(connection, "core.conversions")):
        yield connection.sql(_SOLD.format(low=low, high=high)).pl(), refunds


def credited_parts(
    connection: duckdb.DuckDBPyConnection, /, *, models: int, chosen: str = EVERY
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]]:
    """Credits, conversions and refunds of one range of users after another; each credit is a row for each model.

    `chosen` is SQL for which conversions these are, by their `conversion_id` and `paid_date`.
    """
    refunds = connection.sql(_REFUNDS.format(chosen=chosen)).pl()
    for low, high in bucket_ranges(_count(connection, f"core.credits WHERE {chosen}") * models):
        part = f"WHERE {chosen} AND bucket BETWEEN {low} AND {high}"
        credited = connection.sql(f"SELECT * EXCLUDE (paid_date, bucket) FROM core.credits {part}").pl()
        yield credited, connection.sql(f"FROM core.conversions {part}").pl(), refunds


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
