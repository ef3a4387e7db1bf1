"""Which days of which feed have arrived: kept at intake by day, and judged against what the contracts promise.

A feed whose contract names a column `arrives_by` (such as the channel) arrives in parts, each on its own. A part is
expected from its first rows on, while the reference tables say that it is open.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE, contract, feeds
from data_contracts.reference import TABLES
from pipelines.settings import expected_feeds

if TYPE_CHECKING:
    from datetime import date

    import duckdb

BUSINESS_ZONE = ZoneInfo(BUSINESS_TIME_ZONE)
# Rows of each file by day, and the instants of their exports; rows by day that the raw tables hold now.
TABLES_BY_DAY = {
    "ops.arrivals": """
        feed VARCHAR, source VARCHAR, business_date DATE, _file VARCHAR, rows_read BIGINT, quarantined BIGINT,
        first_exported_at TIMESTAMPTZ, last_exported_at TIMESTAMPTZ""",
    "ops.raw_days": "feed VARCHAR, source VARCHAR, business_date DATE, row_count BIGINT",
}

# A day is whole once the part has given an export that was made after the day had ended; `arrived_at` is the first
# such export, or the first one with rows of the day if that is later and the contract says that every day has rows.
FEED_DAYS = """
WITH days AS (
    SELECT business_date FROM ops.days
    UNION SELECT unnest(generate_series($until::DATE - 30, $until, INTERVAL 1 DAY))::DATE WHERE $until IS NOT NULL
), by_day AS (
    SELECT feed, source, business_date, sum(rows_read) AS rows_read, sum(quarantined) AS quarantined,
        min(first_exported_at) AS first_exported_at
    FROM ops.arrivals GROUP BY ALL
), parts AS (
    SELECT feed, source, min(business_date) AS since FROM ops.arrivals WHERE rows_read > quarantined GROUP BY ALL
    UNION ALL SELECT feed, '', (SELECT min(business_date) FROM ops.days) FROM unnest($expected::VARCHAR[]) AS _(feed)
    WHERE feed NOT IN (SELECT feed FROM ops.arrivals WHERE rows_read > quarantined)
), exports AS (
    SELECT feed, source, last_exported_at AS export_at FROM ops.arrivals WHERE last_exported_at IS NOT NULL
), expected AS (
    SELECT feed, source, business_date, daily,
        timezone($zone, (business_date + 1)::TIMESTAMP) AS ended_at,
        timezone($zone, business_date + latency_days::INTEGER + available_at::TIME) AS due_at,
        row_count
    FROM parts JOIN terms USING (feed)
    JOIN days ON business_date >= greatest(since, (SELECT min(business_date) FROM ops.days))
    LEFT JOIN validity USING (feed, source)
    LEFT JOIN ops.raw_days USING (feed, source, business_date)
    WHERE row_count > 0
        OR business_date BETWEEN coalesce(valid_from, business_date) AND coalesce(valid_to, business_date)
), met AS (
    SELECT expected.*, export_at FROM expected ASOF LEFT JOIN exports
        ON expected.feed = exports.feed AND expected.source = exports.source AND ended_at <= export_at
), judged AS (
    SELECT met.*, rows_read, coalesce(quarantined, 0) AS quarantined,
        CASE WHEN NOT daily THEN export_at
            WHEN row_count > 0 AND export_at IS NOT NULL THEN greatest(export_at, first_exported_at) END AS arrived_at
    FROM met LEFT JOIN by_day USING (feed, source, business_date)
)
SELECT feed, nullif(source, '') AS source, business_date,
    CASE WHEN arrived_at <= due_at THEN 'arrived' WHEN arrived_at IS NOT NULL THEN 'late'
        WHEN due_at <= $now THEN 'missing' ELSE 'not_due' END AS state,
    CASE WHEN arrived_at IS NOT NULL OR row_count > 0 THEN coalesce(row_count, 0) END::BIGINT AS rows,
    (rows_read - quarantined - coalesce(row_count, 0))::BIGINT AS duplicate,
    CASE WHEN rows_read IS NOT NULL THEN quarantined END::BIGINT AS quarantined,
    due_at, arrived_at
FROM judged ORDER BY feed, source NULLS FIRST, business_date
"""


def part_of(feed: str, /) -> str:
    """SQL for the part of the feed that a row belongs to; '' where the feed arrives as one."""
    column = contract(feed).arrives_by
    return f"coalesce({column}, '')" if column else "''"


def enter_arrivals(connection: duckdb.DuckDBPyConnection, feed: str, /, *, staged: str, held: str) -> None:
    """Keep what the staged rows of each file hold by day.

    It is counted once, into the temporary table `held`, which has the columns of `ops.arrivals`, and no date where
    rows state none.
    """
    good = "len(_reasons) = 0"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {held} AS
        SELECT '{feed}' AS feed, {part_of(feed)} AS source, _date AS business_date, _file, count(*) AS rows_read,
            count(*) FILTER (NOT {good}) AS quarantined, min(exported_at) FILTER ({good}) AS first_exported_at,
            max(exported_at) FILTER ({good}) AS last_exported_at
        FROM {staged} GROUP BY ALL""")
    connection.execute(f"INSERT INTO ops.arrivals BY NAME FROM {held} WHERE business_date IS NOT NULL")


def take_back_arrivals(connection: duckdb.DuckDBPyConnection, feed: str, origins: list[str], /) -> None:
    """Forget what files held by day."""
    connection.execute("DELETE FROM ops.arrivals WHERE feed = ? AND _file IN (SELECT unnest(?))", [feed, origins])


def fill_arrivals(connection: duckdb.DuckDBPyConnection, /) -> None:
    """What the raw tables tell of their days, for a warehouse that was made before arrivals were kept."""
    for feed in feeds():
        connection.execute(f"""
            INSERT INTO ops.arrivals
            SELECT '{feed}', {part_of(feed)}, _date, _file, count(*), 0, min(exported_at), max(exported_at)
            FROM raw.{feed} GROUP BY ALL""")
        count_raw_days(connection, feed, f"(SELECT _date FROM raw.{feed})")


def count_raw_days(connection: duckdb.DuckDBPyConnection, feed: str, dates: str, /) -> None:
    """Count the raw rows of some dates, which SQL gives."""
    connection.execute(f"DELETE FROM ops.raw_days WHERE feed = '{feed}' AND business_date IN {dates}")
    connection.execute(f"""
        INSERT INTO ops.raw_days
        SELECT '{feed}', {part_of(feed)}, _date, count(*) FROM raw.{feed} WHERE _date IN {dates} GROUP BY ALL""")


def feed_days(
    connection: duckdb.DuckDBPyConnection, /, *, now: datetime | None = None, until: date | None = None
) -> pl.DataFrame:
    """One row for each feed, part of it and date of `ops.days`; with `until`, also for the 30 dates up to it.

    Of feeds that have arrived at least once, each part from its first date on, and of those that are expected.

    Returns:
        `feed`, `source` (String, null where the feed arrives as one), `business_date`, `state` (arrived, late,
        missing: due and not there, not_due), `rows`, `duplicate`, `quarantined` (Int64; null where nothing came, since
        what is missing is not zero), `due_at`, `arrived_at` (Datetime UTC).
    """
    terms, validity = _terms(), _validity()  # noqa: F841 - DuckDB reads them by their names
    values = {
        "now": now or datetime.now(UTC), "until": until, "zone": BUSINESS_TIME_ZONE, "expected": expected_feeds(),
    }  # fmt: skip
    return connection.sql(FEED_DAYS, params=values).pl()


def overdue(connection: duckdb.DuckDBPyConnection, /, *, now: datetime, days: int = 30) -> pl.DataFrame:
    """The rows of `feed_days` that are missing, of the last days that have ended in business time."""
    yesterday = (now.astimezone(BUSINESS_ZONE) - timedelta(days=1)).date()
    recent = pl.col("business_date") > yesterday - timedelta(days=days)
    return feed_days(connection, now=now, until=yesterday).filter(recent, state="missing")


def _terms() -> pl.DataFrame:
    rows = [
        (t.feed, t.latency_days, t.available_at, t.daily) for t in map(contract, feeds()) if t.latency_days is not None
    ]
    return pl.DataFrame(rows, schema=["feed", "latency_days", "available_at", "daily"], orient="row")


def _validity() -> pl.DataFrame:
    """From when to when the parts of a feed are open, where a reference table says so."""
    schema = {"feed": pl.String, "source": pl.String, "valid_from": pl.Date, "valid_to": pl.Date}
    found = [pl.DataFrame(schema=schema)]
    for terms in map(contract, feeds()):
        reference = terms.field(terms.arrives_by).reference if terms.arrives_by else None
        if reference is None or not reference.startswith("reference."):
            continue
        _, table, column = reference.split(".")
        dated = TABLES[table]()
        if {"valid_from", "valid_to"} <= set(dated.columns):
            found.append(
                dated.select(pl.lit(terms.feed).alias("feed"), pl.col(column).alias("source"), "valid_from", "valid_to")
            )
    return pl.concat(found)
