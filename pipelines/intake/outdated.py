"""Which business dates the rows that come, change or leave outdate, for the assets that are made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts.reference import lane_channels, reach_days, windows
from models.windows import reached_dates
from pipelines.core.touches import KIND_TOLD_BY

if TYPE_CHECKING:
    import duckdb

# Which core assets have to be made again for a business date when rows of a feed change on it.
MADE_FROM = {
    **dict.fromkeys(KIND_TOLD_BY, ("touches",)),
    "shop_conversions": ("conversions", "code_matches"),
    "refunds": ("refunds",),
    "note_spend": ("spend",),
}
_PROMOTED_DATES = """
    SELECT DISTINCT sold._date FROM raw.shop_conversions AS sold SEMI JOIN (
        SELECT channel, unnest([order_id, parent_order_id]) AS order_id FROM {changed}
    ) AS new ON sold.channel = new.channel AND sold.order_id = new.order_id"""
# An order line of an alliance stands for another sale when a better match of it comes or goes, whenever that was paid.
_PROMOTED_ALIKE = """
    WITH mine AS (
        SELECT channel, order_id FROM raw.promotion_orders SEMI JOIN {changed} AS new USING (channel, order_id)
        UNION ALL SELECT channel, order_id FROM raw.promotion_orders AS told SEMI JOIN {changed} AS new
            ON told.channel = new.channel AND told.parent_order_id = new.order_id
    ), alike AS (
        SELECT channel, unnest([order_id, parent_order_id]) AS order_id
        FROM raw.promotion_orders SEMI JOIN mine USING (channel, order_id)
    )
    SELECT DISTINCT sold._date FROM raw.shop_conversions AS sold SEMI JOIN alike USING (channel, order_id)"""
# The same for feeds whose rows change other dates than their own: what to make again, and the query of the dates.
MADE_FROM_OTHER_DATES = {
    "shop_conversions": (("conversions", "code_matches"), _PROMOTED_ALIKE),
    # What brought an order is said of the day on which the shop was paid.
    "promotion_orders": (("conversions", "code_matches"), _PROMOTED_DATES),
    "notes": (
        ("journeys",),
        "SELECT DISTINCT paid_date FROM core.code_matches WHERE note_id IN (SELECT note_id FROM {changed})",
    ),
    # A refund of a whole order is none beside those of its lines, whenever these were paid back.
    "refunds": (
        ("refunds",),
        "SELECT DISTINCT sold._date FROM raw.refunds AS sold SEMI JOIN {changed} AS new "
        "ON sold.channel = new.channel AND sold.order_id = new.order_id AND sold.line_no = new.order_id",
    ),
    "promotion_codes": (
        ("code_matches",),
        "SELECT DISTINCT paid_date FROM core.order_codes WHERE code IN (SELECT code FROM {changed})",
    ),
    "identity_links": (
        ("journeys",),
        "SELECT DISTINCT paid_date FROM core.conversions "
        "WHERE user_key IN (SELECT unnest([user_key, linked_key]) FROM {changed})",
    ),
}


def _touches_in(rows: str, feed: str) -> str:
    return f"SELECT _date AS touch_date, note_id, '{KIND_TOLD_BY[feed]}' AS kind FROM {rows}"


_OF_NOTES = "note_id IN (SELECT note_id FROM {changed})"
_WAITING = "_date IN (SELECT business_date FROM ops.outdated WHERE asset = 'touches')"
# The touches whose journeys change with rows of a feed. What a note is decides what all its touches may earn, those
# that are known and those of dates that wait to be made.
TOUCHED = {feed: _touches_in("{changed}", feed) for feed in KIND_TOLD_BY} | {
    "notes": " UNION ALL ".join(
        [
            f"SELECT touch_date, note_id, unnest({list(KIND_TOLD_BY.values())}) AS kind FROM core.touched_notes "
            f"WHERE {_OF_NOTES}",
            *(f"{_touches_in(f'raw.{feed}', feed)} WHERE {_WAITING} AND {_OF_NOTES}" for feed in KIND_TOLD_BY),
        ]
    )
}


def mark_outdated(connection: duckdb.DuckDBPyConnection, feed: str, *, dates: str, changed: str) -> None:
    """Enter the dates that rows of a feed change, for each asset that is made of them.

    Args:
        connection: Of the private warehouse, in the transaction that puts the rows in or takes them out.
        feed: The feed.
        dates: SQL of the business dates of the rows, before and after.
        changed: SQL of the rows, as they were before and as they are now.
    """
    for asset in MADE_FROM.get(feed, ()):
        connection.execute(f"INSERT OR IGNORE INTO ops.outdated SELECT DISTINCT '{asset}', * FROM {dates}")
    if feed in MADE_FROM_OTHER_DATES:
        assets, query = MADE_FROM_OTHER_DATES[feed]
        of_changed = query.format(changed=changed)
        connection.execute(f"INSERT OR IGNORE INTO ops.outdated SELECT unnest({list(assets)}), * FROM ({of_changed})")
    if feed in TOUCHED:
        notes = changed if feed == "notes" else "raw.notes"
        _mark_reached(connection, TOUCHED[feed].format(changed=changed), notes)


def _mark_reached(connection: duckdb.DuckDBPyConnection, touches: str, notes: str) -> None:
    """Enter the dates of payment whose journeys touches on notes can change.

    Orders that wait to be made enter their own dates, so what is sold need only be known of those that were.
    """
    (newest,) = connection.execute("SELECT max(business_date) FROM ops.days").fetchall()[0]
    if newest is None:  # nothing has been made
        return
    touched = connection.sql(
        f"""SELECT DISTINCT touch_date, kind, brand, lane, exchange FROM ({touches})
        JOIN (SELECT DISTINCT note_id, brand, lane, exchange FROM {notes}) USING (note_id) WHERE touch_date <= ?""",
        params=[newest],
    ).pl()
    if touched.is_empty():
        return
    first, last = touched["touch_date"].min(), touched["touch_date"].max()
    sold = connection.sql(
        "SELECT DISTINCT paid_date, brand, category, channel FROM core.conversions "
        "WHERE paid_date BETWEEN ? AND ? + ?::INTEGER",
        params=[first, last, reach_days()],
    ).pl()
    reached = reached_dates(touched, sold, windows(), reach=lane_channels())  # noqa: F841 - DuckDB reads it by its name
    connection.execute("INSERT OR IGNORE INTO ops.outdated SELECT 'journeys', paid_date FROM reached")
