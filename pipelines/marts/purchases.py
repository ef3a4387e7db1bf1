"""Who bought, and who bought again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.splits import split_returns
from pipelines.charts import Chart
from pipelines.dates import as_of
from pipelines.marts.mart import Mart
from pipelines.marts.observed import observed
from pipelines.marts.returns import SPEND, evidenced_notes

if TYPE_CHECKING:
    import duckdb
    import polars as pl

# Every sale with what is known of its buyer. A line is for business when the shop says so, else from the quantity of
# the narrowest rule on. Seeded: at least one note in its windows, which is what every rule credits it to.
SALES = """
sales AS (
    SELECT c.conversion_id, c.channel, c.order_id, c.user_key,
        coalesce(c.user_key, (hash(c.channel, c.order_id) >> 1)::BIGINT) AS buyer,
        c.paid_date, c.paid_fen, c.currency, c.is_new_customer,
        s.is_member, s.is_exclusive,
        coalesce(s.buyer_kind, CASE WHEN c.quantity >= (
            SELECT arg_max(min_quantity, (b.channel IS NOT NULL)::INTEGER + (b.category IS NOT NULL)::INTEGER)
            FROM reference.business_orders AS b
            WHERE coalesce(b.channel, c.channel) = c.channel
                AND coalesce(b.category, c.category) IS NOT DISTINCT FROM c.category
        ) THEN 'business' ELSE 'consumer' END) AS buyer_kind,
        coalesce(refund_fen, 0) AS refund_fen,
        c.conversion_id IN (SELECT conversion_id FROM core.ways) AS is_seeded
    FROM core.conversions AS c
    JOIN raw.shop_conversions AS s USING (channel, order_id, line_no)
    LEFT JOIN (SELECT conversion_id, currency, sum(refund_fen) AS refund_fen FROM core.refunds GROUP BY ALL) AS r
        ON r.conversion_id = c.conversion_id AND r.currency = c.currency
)"""

# What sales are split by: the parts of each split, null where it is not known.
SPLITS = {
    "buyer": "buyer_kind",
    "member": "CASE WHEN is_member THEN coalesce(member_programme, 'member') WHEN NOT is_member THEN 'non_member' END",
    "exclusive": "CASE WHEN is_exclusive THEN 'exclusive' WHEN NOT is_exclusive THEN 'everywhere' END",
}
_PARTS = " UNION ALL ".join(
    f"SELECT '{split}' AS split, {part} AS part, sales.* "
    "FROM sales LEFT JOIN reference.member_programmes USING (channel)"
    for split, part in SPLITS.items()
)
ORDER_SPLITS = f"""
WITH {SALES}, parts AS ({_PARTS}), added AS (
    SELECT split, part, currency, count(*) AS order_lines, count(DISTINCT (channel, order_id)) AS paid_orders,
        sum(paid_fen)::BIGINT AS total_fen, sum(refund_fen)::BIGINT AS total_refund_fen,
        count(*) FILTER (is_seeded) AS seeded_lines, count(DISTINCT buyer) AS buyers,
        count(DISTINCT buyer) FILTER (is_seeded) AS seeded_buyers,
        count(DISTINCT buyer) FILTER (NOT is_seeded) AS unseeded_buyers,
        coalesce(sum(paid_fen) FILTER (is_seeded), 0)::BIGINT AS seeded_fen,
        coalesce(sum(paid_fen - refund_fen) FILTER (is_seeded), 0)::BIGINT AS seeded_net_fen,
        count(*) FILTER (is_new_customer) / nullif(count(is_new_customer), 0) AS new_customer_line_share,
        max(paid_date) AS _closes
    FROM parts GROUP BY ALL
)
SELECT added.*, total_fen / nullif(sum(total_fen) OVER (PARTITION BY split, currency), 0) AS part_gmv_share,
    total_fen / 100 / nullif(paid_orders, 0) AS aov
FROM added ORDER BY split, currency, part NULLS LAST
"""


def _order_splits(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    parts, spend = observed(ORDER_SPLITS)(connection), connection.sql(SPEND).pl()
    return split_returns(parts, spend, evidenced_notes(connection), as_of=as_of(connection))


# Purchases of consumers that were not refunded in full. The first one is the first that the warehouse knows.
REPURCHASE = f"""
WITH {SALES}, bought AS (
    SELECT user_key, channel || '|' || order_id AS order_key, min(paid_date) AS paid_date,
        bool_or(is_exclusive) AS is_exclusive
    FROM sales WHERE user_key IS NOT NULL AND buyer_kind = 'consumer' AND refund_fen < paid_fen GROUP BY ALL
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY user_key ORDER BY paid_date, order_key) AS nth,
        first_value(paid_date) OVER (PARTITION BY user_key ORDER BY paid_date, order_key) AS first_date,
        first_value(is_exclusive) OVER (PARTITION BY user_key ORDER BY paid_date, order_key) AS first_exclusive
    FROM bought
), cohorts AS (
    SELECT date_trunc('month', first_date)::DATE AS cohort_month, first_exclusive, count(*) AS cohort_buyers
    FROM ranked WHERE nth = 1 GROUP BY ALL
), months AS (
    SELECT cohorts.*, since::INTEGER AS months_since
    FROM cohorts, range(datediff('month', cohort_month, $as_of::DATE) + 1) AS r(since)
), again AS (
    SELECT date_trunc('month', first_date)::DATE AS cohort_month, first_exclusive,
        datediff('month', first_date, paid_date)::INTEGER AS months_since, count(DISTINCT user_key) AS repeat_buyers,
        count(DISTINCT user_key) FILTER (nth = 2) AS second_buyers
    FROM ranked WHERE nth > 1 GROUP BY ALL
), joined AS (
    SELECT m.cohort_month, m.first_exclusive, m.months_since, cohort_buyers,
        coalesce(repeat_buyers, 0) AS repeat_buyers,
        sum(coalesce(second_buyers, 0)) OVER (
            PARTITION BY m.cohort_month, m.first_exclusive ORDER BY m.months_since)::BIGINT AS repeat_buyers_to_date
    FROM months AS m LEFT JOIN again ON again.cohort_month = m.cohort_month AND again.months_since = m.months_since
        AND again.first_exclusive IS NOT DISTINCT FROM m.first_exclusive
)
SELECT *, repeat_buyers / cohort_buyers AS repeat_share, repeat_buyers_to_date / cohort_buyers AS repeat_to_date_share,
    last_day(cohort_month + to_months(months_since)) AS _closes
FROM joined ORDER BY cohort_month, first_exclusive NULLS LAST, months_since
"""

ORDER_SPLITS_CHART = """
    SELECT coalesce(part, '未知'), roas_seeded
    FROM mart.order_splits
    ORDER BY split, 2 DESC"""
REPURCHASE_CHART = """
    SELECT strftime(cohort_month, '%Y-%m') || ' +' || months_since, sum(repeat_buyers_to_date) / sum(cohort_buyers)
    FROM mart.repurchase
    GROUP BY cohort_month, months_since ORDER BY cohort_month, months_since"""

PURCHASE_MARTS = (
    Mart(
        "order_splits",
        "订单拆分",
        "Sales split into those of consumers and of businesses, of members (88VIP, JD PLUS) and others, of products "
        "sold in one channel only and others; ROI as the parts that add up to the whole.",
        _order_splits,
        "SELECT split, part, order_lines, total_gmv, seeded_gmv, roas_seeded, aov FROM mart.order_splits",
        figures="SELECT sum(total_gmv) FILTER (part = 'business') AS business_gmv, "
        "sum(total_gmv) FILTER (split = 'member' AND part <> 'non_member') AS member_gmv, "
        "sum(roas_seeded) FILTER (part = 'consumer') AS consumer_roas FROM mart.order_splits",
        chart=Chart("各部分的 ROI 贡献", ORDER_SPLITS_CHART, "ratio"),
        about_zh="订单拆分为消费者与企业、会员（88VIP、京东PLUS）与非会员、独家商品与其他；各部分的 ROI 相加即总 ROI。",
        made_of=(
            *("core/journeys", "core/conversions", "core/refunds", "core/spend", "core/earned"),
            *("raw/shop_conversions", "raw/notes"),
        ),
    ),
    Mart(
        "repurchase",
        "复购",
        "Of the consumers who bought first in a month, how many bought again in each month since.",
        observed(REPURCHASE),
        "SELECT cohort_month, first_exclusive, months_since, cohort_buyers, repeat_buyers, repeat_to_date_share "
        "FROM mart.repurchase",
        chart=Chart("累计复购率 · 首购月", REPURCHASE_CHART, "percent"),
        about_zh="每月首次购买的消费者，此后每个月有多少再次购买。",
        made_of=("core/journeys", "core/conversions", "core/refunds", "raw/shop_conversions"),
    ),
)

PURCHASE_COLUMNS = {
    "split": "划分 · What sales are split by: buyer, member, exclusive.",
    "part": "部分 · Part of the split; empty where it is not known.",
    "paid_orders": "订单数 · Paid orders; one may have lines in several parts.",
    "seeded_lines": "被种草订单行 · Lines with at least one note in their windows.",
    "seeded_buyers": "被种草购买人数 · Buyers of such lines.",
    "unseeded_buyers": "未被种草购买人数 · Buyers of lines without a note in their windows.",
    "seeded_gmv": "被种草GMV · What was paid for them; the same as is credited by every rule.",
    "seeded_net": "被种草净GMV · seeded_gmv − refunds of these lines.",
    "new_customer_line_share": "新客率 · Lines of new customers / lines of which it is known.",
    "part_gmv_share": "GMV占比 · total_gmv / that of all parts.",
    "aov": "客单价 · total_gmv / paid_orders.",
    "roas_seeded": "ROI 贡献 · seeded_gmv / evidenced_spend in all; the parts of a split add up to the ROI, so that "
    "of consumers is the ROI without business orders.",
    "roas_seeded_net": "净ROI 贡献 · seeded_net / evidenced_spend in all.",
    "first_exclusive": "首单独家 · Whether the first order had a product that is sold in one channel only.",
    "months_since": "第几月 · Months since the month of the first purchase.",
    "cohort_buyers": "首购人数 · Consumers who bought first in cohort_month, as far as the warehouse knows.",
    "repeat_buyers": "复购人数 · Of these, who bought again in that month.",
    "repeat_buyers_to_date": "累计复购人数 · Of these, who bought again by the end of that month.",
    "repeat_share": "复购率 · repeat_buyers / cohort_buyers.",
    "repeat_to_date_share": "累计复购率 · repeat_buyers_to_date / cohort_buyers.",
}
