"""Making journeys and credits for the dates that need them, a part of the users at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.reference import lane_channels, reach_days, windows
from models.added import RunningSum
from models.credits import credits as credit
from models.grain import add_cells, cells_by_model, earned_cells
from models.journeys import journeys
from models.register import RULES
from pipelines.brands import brands, for_each_brand
from pipelines.buckets import bucket_ranges, credited_parts
from pipelines.core.added_up import JOURNEYS_ADDED_UP, add_up, create_added_up
from pipelines.core.orders import ORDERS
from pipelines.core.views import STRONGEST
from pipelines.dates import as_of, outdated_dates, settle_dates, to_be_made
from pipelines.settings import attribution_scope
from pipelines.warehouse import create_table, transaction

if TYPE_CHECKING:
    from datetime import date

    import duckdb

# What a step reads; the table `dates` holds the conversion dates that it makes, a bucket is a part of the users.
_REACH = f"""touch_date BETWEEN (SELECT min(business_date) FROM dates) - {reach_days() + 1}
    AND (SELECT max(business_date) FROM dates)"""
_TOUCHES_IN_REACH = f"SELECT count(*) FROM core.touches WHERE {_REACH}"
_JOURNEYS = "SELECT count(*) FROM core.journeys WHERE paid_date IN (FROM dates)"
_STORED = "FROM core.journeys WHERE paid_date IN (FROM dates) AND bucket BETWEEN {low} AND {high}"
_ORDERS = "FROM core.conversions WHERE paid_date IN (FROM dates) AND bucket BETWEEN {low} AND {high}"
_CODES = f"SELECT conversion_id, note_id, clicked_at FROM core.code_matches SEMI JOIN ({_ORDERS}) USING (conversion_id)"
# Keys of one person, in both directions.
_LINKS = """
    SELECT user_key, linked_key FROM raw.identity_links UNION SELECT linked_key, user_key FROM raw.identity_links"""
_OF_LINKED = f"user_key IN (SELECT linked_key FROM ({_LINKS}) SEMI JOIN ({_ORDERS}) USING (user_key))"
# Beside the touches of these users, those of users who are linked to them, and the clicks of anybody that one of their
# orders carries.
_TOUCHES = f"""
    SELECT note_id, user_key, touched_at, kind, click_id, payer = 'nobody' AS organic FROM core.touches
    WHERE {_REACH}
      AND (bucket BETWEEN {{low}} AND {{high}} OR click_id IN (SELECT click_id FROM ({_ORDERS})) OR {_OF_LINKED})"""


def replace_journeys(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> list[date]:
    """Replace the journeys of the dates to be made, inside the caller's transaction; returns those outside the run."""
    late = to_be_made(connection, "journeys", first, last)
    connection.execute("DELETE FROM core.journeys WHERE paid_date IN (FROM dates)")
    notes = connection.sql("SELECT note_id, brand, lane, exchange, category, product_ids FROM raw.notes").pl()
    links = connection.sql(_LINKS).pl()
    for low, high in bucket_ranges(_count(connection, _TOUCHES_IN_REACH)):
        orders = connection.sql(_ORDERS.format(low=low, high=high)).pl()
        touches = connection.sql(_TOUCHES.format(low=low, high=high)).pl()
        codes = connection.sql(_CODES.format(low=low, high=high)).pl()
        found = journeys(
            touches,
            orders,
            notes,
            windows(),
            codes=None if codes.is_empty() else codes,
            links=None if links.is_empty() else links,
            scope=attribution_scope(),
            reach=lane_channels(),
        )
        _insert(connection, "core.journeys", _storable(found))
    add_up(connection, JOURNEYS_ADDED_UP, "paid_date")
    settle_dates(connection, "journeys", next_assets=["credits"])
    return late


def replace_credits(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> list[date]:
    """Replace the credits of the dates to be made, inside the caller's transaction; returns those outside the run."""
    create_table(connection, "core.credits", dict.fromkeys(RULES, "DOUBLE"))
    late = to_be_made(connection, "credits", first, last)
    connection.execute("DELETE FROM core.credits WHERE paid_date IN (FROM dates)")
    for low, high in bucket_ranges(_count(connection, _JOURNEYS)):
        stored = connection.sql(_STORED.format(low=low, high=high)).pl()
        _insert(connection, "core.credits", credit(_as_journeys(stored)))
    settle_dates(connection, "credits", next_assets=["earned", "buyers"])
    return late


def make_earned(connection: duckdb.DuckDBPyConnection) -> int:
    """Make `core.earned`: what each note earned by every model, at the grain of the marts. Not inside a transaction.

    It is the sum of `core.earned_daily`, of which only the dates are made again whose credits or refunds changed, and
    `core.orders` with it; returns how many these were.
    """
    _demand_earned_daily(connection)
    create_added_up(connection, ORDERS)
    dates = outdated_dates(connection, "earned")
    made = partial(_earned_cells, chosen="paid_date IN (FROM dates)")
    cells = for_each_brand(connection, made)  # noqa: F841 - DuckDB reads it
    with transaction(connection):
        connection.execute("DELETE FROM core.earned_daily WHERE paid_date IN (FROM dates)")
        connection.execute("INSERT INTO core.earned_daily BY NAME FROM cells")
        add_up(connection, ORDERS, "paid_date")
        settle_dates(connection, "earned")
    earned = _added_up(connection)  # noqa: F841 - likewise
    connection.execute("CREATE OR REPLACE TABLE core.earned AS FROM earned")
    return len(dates)


def _added_up(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What each brand earned over all dates, by model and cell of the grain."""
    daily = connection.sql("SELECT * EXCLUDE (paid_date) FROM core.earned_daily").pl()
    parts = []
    for brand in brands(connection):
        cells = add_cells(daily.filter(pl.col("brand").eq_missing(pl.lit(brand, pl.String))).drop("brand"))
        parts.append(cells_by_model(cells, models=list(RULES)).with_columns(brand=pl.lit(brand, pl.String)))
    return pl.concat(parts).with_columns(as_of=as_of(connection))


def _earned_cells(connection: duckdb.DuckDBPyConnection, *, chosen: str) -> pl.DataFrame:
    """What the chosen conversions earned, by date of payment and cell of the grain."""
    day, sums = as_of(connection), RunningSum(add_cells)
    for credited, orders, refunds in credited_parts(connection, models=len(RULES), chosen=chosen):
        sums.add(earned_cells(credited, orders, refunds, models=list(RULES), as_of=day, daily=True))
    return sums.result()


def _demand_earned_daily(connection: duckdb.DuckDBPyConnection) -> None:
    """See that the table has the columns of the models and figures that there are now; if not, it is begun anew."""
    none = _earned_cells(connection, chosen="false").with_columns(brand=pl.lit(None, pl.String))
    query = "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'core' AND table_name = 'earned_daily'"
    if {name for (name,) in connection.execute(query).fetchall()} == set(none.columns):
        return
    with transaction(connection):
        connection.execute("CREATE OR REPLACE TABLE core.earned_daily AS FROM none")
        connection.execute("INSERT OR IGNORE INTO ops.outdated SELECT 'earned', business_date FROM ops.days")


def match_shares(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """How the orders of these dates found their notes, as shares of them; `none` is those that found none."""
    rows = connection.execute(f"""
        WITH found AS (
            SELECT conversion_id, {STRONGEST} AS strongest FROM core.journeys
            WHERE paid_date IN (FROM dates) GROUP BY ALL)
        SELECT coalesce(strongest, 'none'), count(*) / sum(count(*)) OVER ()
        FROM core.conversions LEFT JOIN found USING (conversion_id)
        WHERE paid_date IN (FROM dates) GROUP BY ALL""").fetchall()
    return {f"orders matched by {way}": share for way, share in sorted(rows)}


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    """Add rows of conversions, with the date and bucket of each."""
    connection.execute(f"""
        INSERT INTO {table} BY NAME
        SELECT rows.*, c.paid_date, c.bucket FROM rows JOIN core.conversions AS c USING (conversion_id)""")


def _storable(found: pl.DataFrame) -> pl.DataFrame:
    """Ages as whole microseconds: DuckDB's intervals have months, and do not come back as durations."""
    return found.with_columns(age_us=pl.col("age").dt.total_microseconds()).drop("age")


def _as_journeys(stored: pl.DataFrame) -> pl.DataFrame:
    return stored.with_columns(age=pl.col("age_us").cast(pl.Duration("us")))


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
