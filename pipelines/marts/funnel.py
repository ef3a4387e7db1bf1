"""The funnel by day: what has not arrived is missing, never 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.arrivals import feed_days
from pipelines.core.added_up import TOUCH_STEPS, WHOLE
from pipelines.dates import as_of
from pipelines.marts.mart import sales_maturity

if TYPE_CHECKING:
    import duckdb

# The steps that each feed tells, as SQL over its rows of a day.
_EVENTS = {
    "shop_events": {
        "searches": "count(*) FILTER (event = 'search')",
        "visits": "count(*) FILTER (event = 'visit')",
        "visit_uv": "count(DISTINCT user_key) FILTER (event = 'visit')",
        "favourites": "count(*) FILTER (event = 'favourite')",
        "carts": "count(*) FILTER (event = 'cart')",
        "cart_uv": "count(DISTINCT user_key) FILTER (event = 'cart')",
    },
}
# Money has a currency, of which a day without orders has none: it is told by their rows alone.
_SALES = {
    "shop_conversions": {
        "orders": "count(*)",
        "buyer_uv": "count(DISTINCT user_key)",
        "kept_orders": "count(*) FILTER (coalesce(refund_fen, 0) < paid_fen)",
    },
}
STEPS = TOUCH_STEPS | _EVENTS | _SALES
FEEDS = (*STEPS, "refunds")


def _counts(steps: dict[str, dict[str, str]]) -> str:
    return ", ".join(f"{count} AS {step}" for of_feed in steps.values() for step, count in of_feed.items())


# A feed that is there and has no row of a day has counted none; one that is not there has counted nothing.
_STEPS = ", ".join(
    f"CASE WHEN list_contains(there, '{feed}') THEN coalesce({step}, 0) END AS {step}"
    for feed, of_feed in STEPS.items()
    for step in of_feed
)
FUNNEL = f"""
WITH touched AS (
    SELECT touch_date AS business_date, * EXCLUDE (touch_date, brand) FROM core.touched_days
    WHERE brand = '{WHOLE}' OR NOT EXISTS (FROM core.touched_days WHERE brand = '{WHOLE}')  -- as a brand sees it
), shopped AS (
    SELECT _date AS business_date, {_counts(_EVENTS)} FROM raw.shop_events GROUP BY ALL
), refunded AS (
    SELECT conversion_id, currency, sum(refund_fen) AS refund_fen FROM core.refunds GROUP BY ALL
), paid AS (
    SELECT paid_date AS business_date, currency, {_counts(_SALES)}, sum(paid_fen)::BIGINT AS paid_fen,
        (sum(paid_fen) - sum(coalesce(refund_fen, 0)))::BIGINT AS kept_fen
    FROM core.conversions LEFT JOIN refunded USING (conversion_id, currency) GROUP BY ALL
), arrived AS (
    SELECT business_date, list(DISTINCT feed) FILTER (rows IS NOT NULL) AS there,
        list(concat_ws(' ', feed, source) ORDER BY feed, source) FILTER (arrived_at IS NULL) AS awaited
    FROM arrivals WHERE feed IN {FEEDS} GROUP BY ALL
)
SELECT business_date, {_STEPS}, currency, paid_fen, kept_fen, coalesce(awaited, []) AS awaited
FROM ops.days
LEFT JOIN touched USING (business_date)
LEFT JOIN shopped USING (business_date)
LEFT JOIN paid USING (business_date)
LEFT JOIN arrived USING (business_date)
ORDER BY business_date, currency
"""


def funnel(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every step by day and currency: null where its feed is not there; `awaited` names what a day still lacks."""
    arrivals = feed_days(connection)  # noqa: F841 - DuckDB reads it by its name
    state = sales_maturity(pl.col("business_date"), as_of(connection))
    return connection.sql(FUNNEL).pl().with_columns(maturity=state)
