"""The marts of single lanes: links of exchanges, live sessions, the in-app loop, and what an exchange takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.reference import windows
from pipelines.dates import as_of
from pipelines.marts.mart import Mart, sales_maturity
from pipelines.marts.returns import returns_by

if TYPE_CHECKING:
    import duckdb

# In the in-app shop everything is known: who clicked a link under a note, and what they did there in the lane's window.
# A user who clicked under two notes stands with both, so these figures are not to be added over notes.
IN_APP_LOOP = """
WITH reach AS (
    SELECT channel FROM reference.lane_channels WHERE lane = 'in_app'
), clicked AS (
    SELECT touch.note_id, touch.user_key, touched_at, link_owner
    FROM core.touches AS touch JOIN raw.notes AS note ON note.note_id = touch.note_id AND note.lane = 'in_app'
    LEFT JOIN raw.link_clicks AS link ON link.click_id = touch.click_id
    WHERE kind = 'click'
), clicks AS (
    SELECT note_id, count(*) AS clicks, count(*) FILTER (link_owner = 'own_note') AS own_link_clicks,
        count(*) FILTER (link_owner = 'other_user') AS other_link_clicks, count(DISTINCT user_key) AS click_uv
    FROM clicked GROUP BY ALL
), shopped AS (
    SELECT note_id, count(DISTINCT user_key) FILTER (event = 'visit') AS visit_uv,
        count(DISTINCT user_key) FILTER (event = 'cart') AS cart_uv
    FROM clicked JOIN raw.shop_events AS e USING (user_key)
    WHERE e.channel IN (FROM reach) AND occurred_at >= touched_at AND occurred_at < touched_at + INTERVAL {hours} HOUR
    GROUP BY ALL
), sold AS (
    SELECT DISTINCT note_id, conversion_id FROM core.journeys WHERE lane = 'in_app' AND kind = 'click'
), refunded AS (
    SELECT conversion_id, currency, sum(refund_fen)::BIGINT AS refund_fen FROM core.refunds GROUP BY ALL
), paid AS (
    SELECT note_id, currency, count(*) AS paid_orders, count(DISTINCT user_key) AS buyer_uv,
        sum(paid_fen)::BIGINT AS paid_fen, sum(coalesce(refund_fen, 0))::BIGINT AS paid_refund_fen,
        max(paid_date) AS last_paid
    FROM sold JOIN core.conversions USING (conversion_id) LEFT JOIN refunded USING (conversion_id, currency)
    GROUP BY ALL
)
SELECT note_id, title, creator_name, currency, coalesce(clicks, 0) AS clicks,
    coalesce(own_link_clicks, 0) AS own_link_clicks, coalesce(other_link_clicks, 0) AS other_link_clicks,
    coalesce(click_uv, 0) AS click_uv, coalesce(visit_uv, 0) AS visit_uv, coalesce(cart_uv, 0) AS cart_uv,
    coalesce(buyer_uv, 0) AS buyer_uv, coalesce(paid_orders, 0) AS paid_orders, paid_fen, paid_refund_fen,
    paid_fen - paid_refund_fen AS paid_net_fen, last_paid
FROM raw.notes LEFT JOIN clicks USING (note_id) LEFT JOIN shopped USING (note_id) LEFT JOIN paid USING (note_id)
WHERE lane = 'in_app' ORDER BY paid_fen DESC NULLS LAST, note_id, currency"""

# What is sold in shops of an exchange: the product's category is in its scope on the day of payment, or is not.
PRODUCT_ELIGIBILITY = """
WITH linked AS (
    SELECT exchange, product_id, count(*) AS linked_notes FROM raw.notes, unnest(product_ids) AS listed(product_id)
    WHERE lane = 'exchange_link' AND exchange IS NOT NULL GROUP BY ALL
)
SELECT product_id, category, channel, shop.exchange, shop.shop_type, currency, count(*) AS paid_orders,
    sum(paid_fen)::BIGINT AS paid_fen, count(*) FILTER (is_eligible) AS eligible_orders,
    count(*) FILTER (NOT is_eligible) AS ineligible_orders,
    coalesce(sum(paid_fen) FILTER (NOT is_eligible), 0)::BIGINT AS ineligible_fen,
    coalesce(any_value(linked_notes), 0) AS linked_notes, max(look_back_days) AS look_back_days,
    max(paid_date) AS last_paid
FROM core.conversions JOIN reference.channels AS shop USING (channel)
LEFT JOIN linked USING (exchange, product_id)
LEFT JOIN (SELECT DISTINCT exchange, category, shop_type, look_back_days FROM reference.eligibility)
    USING (exchange, category, shop_type)
WHERE is_eligible IS NOT NULL
GROUP BY ALL ORDER BY ineligible_fen DESC, paid_fen DESC, product_id, category, channel, currency"""


def _sold(connection: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    """The rows of a query of sales with their maturity, by the last of them."""
    found = connection.sql(query).pl()
    return found.with_columns(maturity=sales_maturity(pl.col("last_paid"), as_of(connection))).drop("last_paid")


def _in_app_loop(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    clicks = windows().filter(pl.col("category").is_null(), lane="in_app", kind="click")
    return _sold(connection, IN_APP_LOOP.format(hours=clicks["window"].dt.total_hours().item()))


def _product_eligibility(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return _sold(connection, PRODUCT_ELIGIBILITY)


LANE_MARTS = (
    Mart(
        "exchange_roi",
        "合作方回报",
        "What outbound links returned, Red-Cat and Red-JD side by side, by days from the click to the payment.",
        returns_by("exchange", lane="exchange_link"),
        "SELECT name_zh AS 合作方, spend, click_gmv_7d, click_gmv_15d, click_gmv_30d, view_gmv, roas_click_30d "
        "FROM mart.exchange_roi WHERE model = '{model}'",
        chart=("name_zh", "roas_gmv"),
        about_zh="种草直达链接的回报，红猫与红京并排，按点击到付款的天数列出。",
    ),
    Mart(
        "live_roi",
        "直播回报",
        "What each live session returned within 24 hours; commission is a part of its cost.",
        returns_by("note", lane="live"),
        "SELECT title[:12] AS 直播, spend, commission, orders, credited_gmv, roas_net FROM mart.live_roi "
        "WHERE model = '{model}' ORDER BY spend DESC LIMIT 8",
        chart=("title", "roas_net"),
        about_zh="每场直播24小时内的回报；佣金计入成本。",
    ),
    Mart(
        "in_app_loop",
        "站内闭环",
        "From clicks on links under a note into the in-app shop to visits, carts and orders of the same users within "
        "the lane's window. GMV holds what was refunded later; net does not. Not to be added over notes.",
        _in_app_loop,
        "SELECT title[:12] AS 笔记, clicks, visit_uv, cart_uv, paid_orders, paid_gmv, paid_net FROM mart.in_app_loop "
        "LIMIT 8",
        chart=("title", "paid_net"),
        made_of=("core/journeys", "core/refunds", "raw/shop_events", "raw/notes", "raw/link_clicks"),
        about_zh="笔记下站内链接的点击者在窗口期内进店、加购、下单；GMV含退款，净额不含。各笔记间不可相加。",
    ),
    Mart(
        "product_eligibility",
        "商品合作资格",
        "Products sold in shops of an exchange: orders of categories that it takes on the day of payment, and of "
        "others, which are flagged and kept.",
        _product_eligibility,
        "SELECT product_id, category, channel, eligible_orders, ineligible_orders, linked_notes "
        "FROM mart.product_eligibility LIMIT 8",
        chart=("product_id", "paid_gmv"),
        made_of=("core/conversions", "raw/notes", "reference/tables"),
        about_zh="在合作方店铺售出的商品：付款当日类目在合作范围内的订单与不在范围内的订单；后者只标记，不删除。",
    ),
)
