"""What follows from the tables alone, and is therefore a view: always true, never made again."""

from __future__ import annotations

from models.journeys import MATCHES
from pipelines.core.sales import CONVERSION_ID, SALES

# The sale that each order line of an alliance stands for: the shop's own line of that number, else (where the two
# number lines differently) every line of the order, else of the order of which it is a part.
PROMOTED_ORDERS = f"""
    WITH told AS (
        SELECT *, unnest([order_id, parent_order_id]) AS sold_as FROM raw.promotion_orders
    ), sales AS (
        SELECT _date AS paid_date, {CONVERSION_ID} AS conversion_id, channel, order_id, line_no
        FROM raw.shop_conversions AS sold WHERE coalesce(status, 'paid') IN {SALES}
    )
    SELECT paid_date, conversion_id, told.* EXCLUDE (sold_as)
    FROM sales JOIN told ON sales.channel = told.channel AND sales.order_id = sold_as
    QUALIFY rank() OVER (PARTITION BY told.channel, told.order_id, told.line_no
        ORDER BY sold_as = told.order_id DESC, sales.line_no = told.line_no DESC) = 1"""

_KINDS = ("relation_id", "special_id", "adzone_id", "sub_union_id", "position_id")
# Every code that a sale carries, of a kind or of none that is known, and when its click was where somebody says.
ORDER_CODES = f"""
    SELECT sold._date AS paid_date, {CONVERSION_ID} AS conversion_id, NULL::VARCHAR AS code_kind, promo_code AS code,
        NULL::TIMESTAMPTZ AS clicked_at
    FROM raw.shop_conversions AS sold
    WHERE promo_code IS NOT NULL AND coalesce(status, 'paid') IN {SALES}
    UNION ALL
    SELECT paid_date, conversion_id, code_kind, code, clicked_at
    FROM (UNPIVOT core.promoted_orders ON {", ".join(_KINDS)} INTO NAME code_kind VALUE code)"""

_STRENGTH = "[" + ", ".join(f"'{way}'" for way in MATCHES) + "]"
STRONGEST = f"{_STRENGTH}[min(list_position({_STRENGTH}, matched_by))]"
# The strongest way in which each order found a note, and of the others the first reason why they found none.
MATCHED = f"""
    WITH found AS (
        SELECT paid_date, conversion_id, {STRONGEST} AS strongest FROM core.journeys GROUP BY ALL
    )
    SELECT c.paid_date, c.conversion_id, c.channel, c.order_id, c.line_no, c.brand, c.paid_at, c.paid_fen, c.currency,
        c.category, c.product_id, coalesce(strongest, 'none') AS matched_by,
        CASE WHEN strongest IS NOT NULL THEN NULL
            WHEN c.click_id IS NOT NULL AND c.click_id NOT IN (
                SELECT click_id FROM core.touches WHERE click_id IS NOT NULL) THEN 'unknown_click'
            WHEN c.conversion_id IN (SELECT conversion_id FROM core.code_matches) THEN 'outside_rules'
            WHEN c.conversion_id IN (SELECT conversion_id FROM core.order_codes) THEN 'unknown_code'
            WHEN c.user_key IS NULL AND c.click_id IS NULL THEN 'no_key'
            ELSE 'no_touch'
        END AS unmatched_because
    FROM core.conversions AS c LEFT JOIN found USING (paid_date, conversion_id)"""

VIEWS = {
    "core.promoted_orders": PROMOTED_ORDERS,
    "core.order_codes": ORDER_CODES,
    "core.matches": MATCHED,
}
