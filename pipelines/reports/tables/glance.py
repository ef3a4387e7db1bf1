"""What was spent and earned in all, day by day."""

from __future__ import annotations

from pipelines.reports.content import Column, Table
from pipelines.reports.wording import Text

TOTALS = Table(
    "totals",
    Text("总览", "Totals"),
    Text(
        "全部笔记与全部订单。归因 + 未归因 = 店铺总额，分毫不差。",
        "All notes and all orders. Credited + unattributed = the shop's total, to the fen.",
    ),
    """
    SELECT r.as_of, r.model, r.currency, s.spend, s.evidenced_spend, r.total_gmv, r.credited_gmv,
        r.unattributed_gmv, r.credited_refunds, r.credited_gmv - r.credited_refunds AS credited_net, s.orders,
        coalesce(b.buyers, 0) AS buyers, b.new_customers, b.new_customer_share,
        (r.credited_gmv / nullif(s.evidenced_spend, 0))::DOUBLE AS roas_gmv,
        ((r.credited_gmv - r.credited_refunds) / nullif(s.evidenced_spend, 0))::DOUBLE AS roas_net,
        (r.credited_gmv / nullif(r.total_gmv, 0))::DOUBLE AS credited_share,
        (s.spend / nullif(b.new_customers, 0))::DOUBLE AS cac, s.maturity
    FROM history.reconciliation AS r
    JOIN (
        SELECT as_of, model, currency, sum(spend) AS spend,
            sum(coalesce(evidenced_spend, spend)) AS evidenced_spend, sum(orders) AS orders,
            CASE WHEN bool_or(maturity = 'maturing') THEN 'maturing' WHEN bool_or(maturity = 'settling') THEN 'settling'
                ELSE 'mature' END AS maturity
        FROM history.category_roi GROUP BY ALL
    ) AS s USING (as_of, model, currency)
    LEFT JOIN history.buyers AS b
        ON b.level = 'all' AND b.as_of = r.as_of AND b.model = r.model AND b.currency = r.currency
    WHERE r.{shown} ORDER BY r.as_of DESC, r.model, r.total_gmv DESC, r.currency""",
    (
        *map(Column, ("spend", "evidenced_spend", "total_gmv", "credited_gmv", "unattributed_gmv")),
        *map(Column, ("credited_refunds", "credited_net")),
        *map(Column, ("orders", "buyers", "new_customers", "new_customer_share")),
        Column("roas_gmv", of=("credited_gmv", "evidenced_spend")),
        Column("roas_net", of=("credited_net", "evidenced_spend")),
        Column("credited_share", of=("credited_gmv", "total_gmv")),
        Column("cac", of=("spend", "new_customers")),
        Column("maturity", "code"),
    ),
    needs=("history.reconciliation", "history.category_roi", "history.buyers"),
    mart="reconciliation",
)

BY_MATURITY = Table(
    "by_maturity",
    Text("按成熟度", "By maturity"),
    Text(
        "未成熟笔记的窗口还开着，ROI 还会变；已成熟的不再变。",
        "Windows of maturing notes are open, so their ROAS still moves; that of mature ones does not.",
    ),
    """
    SELECT as_of, model, currency, r.maturity, count(*) AS notes, sum(spend) AS spend,
        sum(coalesce(evidenced_spend, spend)) AS evidenced_spend, sum(credited_gmv) AS credited_gmv,
        (sum(credited_gmv) / nullif(sum(coalesce(evidenced_spend, spend)), 0))::DOUBLE AS roas_gmv,
        coalesce(max(buyers), 0) AS most_buyers, sum(orders) AS orders
    FROM history.note_roi AS r LEFT JOIN (
        SELECT as_of, model, currency, key AS note_id, buyers FROM history.buyers WHERE level = 'note'
    ) USING (as_of, model, currency, note_id)
    WHERE {shown} AND note_id IS NOT NULL
    GROUP BY as_of, model, currency, r.maturity
    ORDER BY as_of DESC, model, currency, list_position(['maturing', 'settling', 'mature'], r.maturity)""",
    (
        Column("maturity", "code"),
        *map(Column, ("notes", "spend", "evidenced_spend", "credited_gmv", "orders")),
        Column("roas_gmv", of=("credited_gmv", "evidenced_spend")),
    ),
    needs=("history.note_roi", "history.buyers"),
    mart="note_roi",
)

DAILY = Table(
    "daily",
    Text("每日走势", "By day"),
    Text(
        "每天的花费与店铺付款额，按最新数据；某天没有到数则为空。",
        "Spend and what buyers paid by day, as known today; a day that has not arrived is empty.",
    ),
    """
    SELECT business_date, f.currency, impressions, engagements, clicks, visits, carts, orders, paid_gmv, kept_gmv,
        spend, impression_uv, engagement_uv, click_uv, visit_uv, cart_uv, buyer_uv
    FROM mart.funnel_daily AS f
    LEFT JOIN (
        SELECT spend_date AS business_date, currency,
            (sum(amount_fen) FILTER (payer = 'brand') / 100)::DECIMAL(18, 2) AS spend
        FROM core.spend GROUP BY ALL
    ) AS s ON s.business_date = f.business_date AND s.currency = f.currency
    ORDER BY f.business_date, f.currency""".replace("SELECT business_date, f.", "SELECT f.business_date, f.", 1),
    (
        Column("business_date", "date"),
        *map(Column, ("spend", "impressions", "engagements", "clicks", "visits", "carts", "orders", "paid_gmv")),
        Column("kept_gmv"),
    ),
    needs=("mart.funnel_daily", "core.spend"),
    mart="funnel_daily",
)
