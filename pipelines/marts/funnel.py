"""The funnel by day, as one query."""

from __future__ import annotations

# A day on which a feed has no row at all counts as not arrived: its steps are null, never 0.
FUNNEL = """
WITH touched AS (
    SELECT touch_date AS business_date,
        count(*) FILTER (kind = 'impression') AS impressions,
        count(*) FILTER (kind = 'impression' AND payer = 'brand') AS brand_impressions,
        count(*) FILTER (kind = 'impression' AND payer = 'platform') AS platform_impressions,
        count(*) FILTER (kind = 'impression' AND payer = 'nobody') AS organic_impressions,
        count(DISTINCT user_key) FILTER (kind = 'impression') AS impression_uv,
        count(*) FILTER (kind = 'engagement') AS engagements,
        count(DISTINCT user_key) FILTER (kind = 'engagement') AS engagement_uv,
        count(*) FILTER (kind = 'click') AS clicks,
        count(DISTINCT user_key) FILTER (kind = 'click') AS click_uv
    FROM core.touches GROUP BY ALL
), shopped AS (
    SELECT _date AS business_date,
        count(*) FILTER (event = 'search') AS searches,
        count(*) FILTER (event = 'visit') AS visits,
        count(DISTINCT user_key) FILTER (event = 'visit') AS visit_uv,
        count(*) FILTER (event = 'favourite') AS favourites,
        count(*) FILTER (event = 'cart') AS carts,
        count(DISTINCT user_key) FILTER (event = 'cart') AS cart_uv
    FROM raw.shop_events GROUP BY ALL
), refunded AS (
    SELECT conversion_id, currency, sum(refund_fen) AS refund_fen FROM core.refunds GROUP BY ALL
), paid AS (
    SELECT paid_date AS business_date, currency, count(*) AS orders, count(DISTINCT user_key) AS buyer_uv,
        sum(paid_fen)::BIGINT AS paid_fen,
        count(*) FILTER (coalesce(refund_fen, 0) < paid_fen) AS kept_orders,
        (sum(paid_fen) - sum(coalesce(refund_fen, 0)))::BIGINT AS kept_fen
    FROM core.conversions LEFT JOIN refunded USING (conversion_id, currency) GROUP BY ALL
), arrived AS (
    SELECT business_date, bool_or(feed = 'note_impressions') AS has_impressions,
        bool_or(feed = 'note_engagements') AS has_engagements, bool_or(feed = 'link_clicks') AS has_clicks
    FROM (
        SELECT DISTINCT _date AS business_date, 'note_impressions' AS feed FROM raw.note_impressions
        UNION ALL SELECT DISTINCT _date, 'note_engagements' FROM raw.note_engagements
        UNION ALL SELECT DISTINCT _date, 'link_clicks' FROM raw.link_clicks
    ) GROUP BY ALL
)
SELECT business_date,
    CASE WHEN has_impressions THEN impressions END AS impressions,
    CASE WHEN has_impressions THEN brand_impressions END AS brand_impressions,
    CASE WHEN has_impressions THEN platform_impressions END AS platform_impressions,
    CASE WHEN has_impressions THEN organic_impressions END AS organic_impressions,
    CASE WHEN has_impressions THEN impression_uv END AS impression_uv,
    CASE WHEN has_engagements THEN engagements END AS engagements,
    CASE WHEN has_engagements THEN engagement_uv END AS engagement_uv,
    CASE WHEN has_clicks THEN clicks END AS clicks,
    CASE WHEN has_clicks THEN click_uv END AS click_uv,
    searches, visits, visit_uv, favourites, carts, cart_uv,
    currency, orders, buyer_uv, paid_fen, kept_orders, kept_fen
FROM ops.days
LEFT JOIN touched USING (business_date)
LEFT JOIN shopped USING (business_date)
LEFT JOIN paid USING (business_date)
LEFT JOIN arrived USING (business_date)
ORDER BY business_date, currency
"""
