"""Who bought, and who bought again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.splits import split_returns
from pipelines.charts import Chart
from pipelines.core.sales import BUYER
from pipelines.dates import as_of
from pipelines.marts.mart import Mart
from pipelines.marts.observed import observed
from pipelines.marts.returns import SPEND, evidenced_notes

if TYPE_CHECKING:
    import duckdb
    import polars as pl

# What sales are split by: the parts of each split, null where it is not known.
SPLITS = {
    "buyer": "buyer_kind",
    "member": "CASE WHEN is_member THEN coalesce(member_programme, 'member') WHEN NOT is_member THEN 'non_member' END",
    "exclusive": "CASE WHEN is_exclusive THEN 'exclusive' WHEN NOT is_exclusive THEN 'everywhere' END",
}
_PARTS = ", ".join(f"{{'split': '{split}', 'part': {part}}}" for split, part in SPLITS.items())
# Of which kind lines are: a bit each, so that those of all lines of an order are one number.
_KIND = "buyer_kind, is_member, is_exclusive"
_BIT = """1 << (
    if(buyer_kind = 'business', 1, 0) + 2 * coalesce(is_member::INTEGER, 2) + 6 * coalesce(is_exclusive::INTEGER, 2))"""
_SUMS = ("order_lines", "paid_fen", "refund_fen", "seeded_lines", "seeded_fen", "seeded_refund_fen")
_OF_CUSTOMERS = ("new_customer_lines", "known_lines")
_ADDED = ", ".join(f"sum({name})::BIGINT AS {name}" for name in _SUMS + _OF_CUSTOMERS)
# What is counted once in each part is made one row of each kind first: there are few kinds, and many rows of each.
ORDER_SPLITS = f"""
WITH by_buyer AS (
    SELECT currency, channel, {_KIND}, {_BIT} AS bit, {BUYER} AS buyer, {_ADDED}, max(paid_date) AS paid_date
    FROM core.orders AS conversions GROUP BY ALL
), parts AS (
    SELECT channel, bit, unnest([{_PARTS}], recursive := true)
    FROM (SELECT DISTINCT channel, bit, {_KIND} FROM by_buyer) LEFT JOIN reference.member_programmes USING (channel)
), by_part AS (
    SELECT split, part, currency, buyer, {_ADDED}, max(paid_date) AS paid_date
    FROM by_buyer JOIN parts USING (channel, bit) GROUP BY ALL
), by_kinds AS (
    SELECT currency, channel, bits, count(*) AS orders FROM (
        SELECT currency, channel, order_id, bit_or({_BIT}) AS bits FROM core.orders GROUP BY ALL
    ) GROUP BY ALL
), paid AS (
    SELECT split, part, currency, sum(orders)::BIGINT AS paid_orders FROM (
        SELECT DISTINCT split, part, by_kinds.* FROM by_kinds JOIN parts USING (channel) WHERE bits & bit > 0
    ) GROUP BY ALL
), added AS (
    SELECT split, by_part.part, currency, sum(order_lines)::BIGINT AS order_lines,
        any_value(paid_orders) AS paid_orders, sum(paid_fen)::BIGINT AS total_fen,
        sum(refund_fen)::BIGINT AS total_refund_fen, sum(seeded_lines)::BIGINT AS seeded_lines, count(*) AS buyers,
        count(*) FILTER (seeded_lines > 0) AS seeded_buyers,
        count(*) FILTER (seeded_lines < order_lines) AS unseeded_buyers,
        sum(seeded_fen)::BIGINT AS seeded_fen, sum(seeded_fen - seeded_refund_fen)::BIGINT AS seeded_net_fen,
        sum(new_customer_lines) / nullif(sum(known_lines), 0) AS new_customer_line_share,
        max(paid_date) AS _closes
    FROM by_part JOIN paid USING (split, currency) WHERE paid.part IS NOT DISTINCT FROM by_part.part
    GROUP BY split, by_part.part, currency
)
SELECT added.*, total_fen / nullif(sum(total_fen) OVER (PARTITION BY split, currency), 0) AS part_gmv_share,
    total_fen / 100 / nullif(paid_orders, 0) AS aov
FROM added ORDER BY split, currency, part NULLS LAST
"""


def _order_splits(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    parts, spend = observed(ORDER_SPLITS)(connection), connection.sql(SPEND).pl()
    return split_returns(parts, spend, evidenced_notes(connection), as_of=as_of(connection))


# Purchases of consumers that were not refunded in full. The first one is the first that the warehouse knows.
REPURCHASE = """
WITH bought AS (
    SELECT user_key, channel, order_id, min(paid_date) AS paid_date, bool_or(is_exclusive) AS is_exclusive
    FROM core.orders WHERE user_key IS NOT NULL AND buyer_kind = 'consumer' AND kept_lines > 0 GROUP BY ALL
), by_month AS (
    SELECT user_key, date_trunc('month', paid_date)::DATE AS month, count(*) AS orders, min(paid_date) AS first_date
    FROM bought GROUP BY ALL
), by_user AS (
    SELECT user_key, min(month) AS cohort_month, min(first_date) AS first_date,
        if(arg_min(orders, month) > 1, min(month), min(month, 2)[2]) AS second_month
    FROM by_month GROUP BY ALL
), buyers AS (
    SELECT user_key, cohort_month, second_month,
        arg_min_null(is_exclusive, (channel, order_id)) AS first_exclusive
    FROM by_user JOIN bought USING (user_key) WHERE paid_date = by_user.first_date GROUP BY ALL
), cohorts AS (
    SELECT cohort_month, first_exclusive, count(*) AS cohort_buyers FROM buyers GROUP BY ALL
), months AS (
    SELECT cohorts.*, since::INTEGER AS months_since
    FROM cohorts, range(datediff('month', cohort_month, $as_of::DATE) + 1) AS r(since)
), again AS (
    SELECT cohort_month, first_exclusive, datediff('month', cohort_month, month)::INTEGER AS months_since,
        count(*) AS repeat_buyers, count(*) FILTER (month = second_month) AS second_buyers
    FROM by_month JOIN buyers USING (user_key) WHERE month > cohort_month OR orders > 1 GROUP BY ALL
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
        made_of=("core/earned",),
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
