"""Presales: lines of which a deposit was paid, and what has become of them since."""

from __future__ import annotations

from pipelines.charts import Chart
from pipelines.core.sales import A_WHOLE_BESIDE_ITS_LINES, SALES
from pipelines.marts.mart import Mart
from pipelines.marts.observed import observed

# A line stands on the day of its deposit. It is a sale, at its full price, from the day on which the balance was paid.
PRESALES = f"""
    WITH began AS (
        SELECT channel, order_id, line_no, min(coalesce(deposit_paid_at, paid_at)) AS deposit_at,
            max(deposit_amount) AS deposit_amount
        FROM versions.shop_conversions WHERE deposit_paid_at IS NOT NULL OR status = 'deposit' GROUP BY ALL
    ), lines AS (
        SELECT (deposit_at AT TIME ZONE 'Asia/Shanghai')::DATE AS business_date, channel, currency, _date,
            CASE WHEN coalesce(status, 'paid') NOT IN {SALES} AND status <> 'deposit' THEN 'lapsed'
                WHEN status = 'deposit' OR _date > $as_of::DATE THEN 'open' ELSE 'whole' END AS state,
            (began.deposit_amount * 100)::BIGINT AS deposit_fen, (paid_amount * 100)::BIGINT AS paid_fen,
            (balance_amount * 100)::BIGINT AS balance_fen
        FROM raw.shop_conversions AS sold JOIN began USING (channel, order_id, line_no)
        WHERE status IS DISTINCT FROM 'split' AND NOT {A_WHOLE_BESIDE_ITS_LINES}
    )
    SELECT business_date, channel, currency, count(*) AS presale_lines,
        count(*) FILTER (state = 'whole') AS balance_paid_lines, count(*) FILTER (state = 'open') AS open_lines,
        count(*) FILTER (state = 'lapsed') AS lapsed_lines,
        balance_paid_lines / nullif(presale_lines, 0) AS balance_paid_share,
        CASE WHEN count(deposit_fen) = presale_lines THEN sum(deposit_fen)::BIGINT END AS deposit_fen,
        coalesce(sum(paid_fen) FILTER (state = 'whole'), 0)::BIGINT AS presale_fen,
        CASE WHEN count(balance_fen) FILTER (state = 'open') = open_lines
            THEN coalesce(sum(balance_fen) FILTER (state = 'open'), 0)::BIGINT END AS due_fen,
        CASE WHEN open_lines = 0 THEN max(_date) END AS _closes
    FROM lines WHERE business_date <= $as_of::DATE GROUP BY ALL ORDER BY ALL"""

CHART = "SELECT business_date, sum(presale_lines) FROM mart.presales GROUP BY ALL"

PRESALE_MARTS = (
    Mart(
        "presales",
        "预售",
        "Order lines of which a deposit was paid, by the day of the deposit: balance paid (and so a sale), still open, "
        "or lapsed. A deposit is never shown as the full price.",
        observed(PRESALES),
        "SELECT business_date AS 付定日, channel, presale_lines, balance_paid_lines, open_lines, due_amount "
        "FROM mart.presales ORDER BY business_date DESC, channel LIMIT 8",
        made_of=("raw/shop_conversions",),
        chart=Chart("每日付定金的订单行", CHART, "count"),
        about_zh="付过定金的订单行，按付定金日：已付尾款（计为销售）、待付尾款、已失效。定金从不当作全款。",
        figures="SELECT sum(presale_lines) AS presale_lines, sum(open_lines) AS open_lines FROM mart.presales",
    ),
)

PRESALE_COLUMNS = {
    "presale_lines": "预售订单行 · Lines of which a deposit was paid on that day; = balance paid + open + lapsed.",
    "balance_paid_lines": "已付尾款 · Of these, sales: the balance was paid too.",
    "open_lines": "待付尾款 · Of these, the balance is due; no sales yet.",
    "lapsed_lines": "已失效 · Of these, called off; no sales.",
    "balance_paid_share": "尾款支付率 · balance_paid_lines / presale_lines.",
    "deposit_amount": "定金 · Deposits of all of them; empty where one is not known.",
    "presale_gmv": "预售GMV · What was paid for the sales, deposit and balance together; a part of total_gmv.",
    "due_amount": "待付尾款额 · What is due of open lines; empty where it is not known of one.",
}
