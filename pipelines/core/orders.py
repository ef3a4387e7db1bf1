"""What marts ask of orders, added up once for the dates on which something of them has changed."""

from __future__ import annotations

# The lines of an order that are alike in what orders are split by, with what is known of them now: refunds to date,
# and whether a note is in their windows, which is what every rule credits them to. A line is for business when the
# shop says so, else from the quantity of the narrowest rule on.
ORDERS = {
    "orders": """
        WITH sold AS (
            SELECT conversion_id, paid_date, brand, currency, c.channel, c.order_id, c.user_key, paid_fen,
                c.is_new_customer, is_member, is_exclusive,
                coalesce(buyer_kind, CASE WHEN c.quantity >= (
                    SELECT arg_max(min_quantity, (b.channel IS NOT NULL)::INTEGER + (b.category IS NOT NULL)::INTEGER)
                    FROM reference.business_orders AS b
                    WHERE coalesce(b.channel, c.channel) = c.channel
                        AND coalesce(b.category, c.category) IS NOT DISTINCT FROM c.category
                ) THEN 'business' ELSE 'consumer' END) AS buyer_kind
            FROM (FROM core.conversions WHERE {chosen}) AS c
            JOIN (
                SELECT _date AS paid_date, channel, order_id, line_no, buyer_kind, is_member, is_exclusive
                FROM raw.shop_conversions
            ) USING (paid_date, channel, order_id, line_no)
        ), refunded AS (
            SELECT conversion_id, currency, sum(refund_fen) AS refund_fen
            FROM core.refunds SEMI JOIN sold USING (conversion_id) GROUP BY ALL
        ), lines AS (
            SELECT sold.* EXCLUDE (conversion_id), coalesce(refund_fen, 0) AS refund_fen,
                conversion_id IN (SELECT conversion_id FROM core.ways WHERE {chosen} AND touches > 0)
                    AS is_seeded
            FROM sold LEFT JOIN refunded USING (conversion_id, currency)
        )
        SELECT paid_date, brand, currency, channel, order_id, user_key, buyer_kind, is_member, is_exclusive,
            count(*) AS order_lines, sum(paid_fen)::BIGINT AS paid_fen, sum(refund_fen)::BIGINT AS refund_fen,
            count(*) FILTER (is_seeded) AS seeded_lines,
            coalesce(sum(paid_fen) FILTER (is_seeded), 0)::BIGINT AS seeded_fen,
            coalesce(sum(refund_fen) FILTER (is_seeded), 0)::BIGINT AS seeded_refund_fen,
            count(*) FILTER (is_new_customer) AS new_customer_lines, count(is_new_customer) AS known_lines,
            count(*) FILTER (refund_fen < paid_fen) AS kept_lines
        FROM lines GROUP BY ALL""",
}
