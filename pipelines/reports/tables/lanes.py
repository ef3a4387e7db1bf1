"""The tables of single lanes, each by what it can be judged by, and of the parts into which orders fall."""

from __future__ import annotations

from pipelines.reports.content import Column, Table
from pipelines.reports.tables.returns import returns
from pipelines.reports.wording import Text

DAYS = ("7d", "15d", "30d")
CLICKED = tuple(f"{figure}_{days}" for figure in ("click_gmv", "roas_click") for days in DAYS)
EXCHANGES = Table(
    "exchange_returns",
    Text("红猫与红京", "Red-Cat and Red-JD"),
    Text(
        "种草直达链接的回报，按点击到付款的天数。7天在15天之内，15天在30天之内，不相加。",
        "What outbound links returned, by days from the click to the payment. 7 days lie within 15, and 15 within 30; "
        "they are never added.",
    ),
    f"""
    SELECT as_of, model, currency, exchange, spend, in_task_spend, out_of_task_spend, unknown_task_spend,
        coalesce(evidenced_spend, spend) AS evidenced_spend, platform_spend, {", ".join(CLICKED)}, view_gmv,
        credited_gmv, credited_net, roas_gmv, roas_net, cpuv::DOUBLE AS cpuv, daily_visitors, orders, maturity
    FROM history.exchange_roi WHERE {{shown}} ORDER BY as_of DESC, model, currency, exchange""",
    (
        Column("exchange", "code"),
        Column("spend"),
        *map(Column, CLICKED),
        *map(Column, ("view_gmv", "credited_gmv", "credited_net")),
        Column("roas_gmv", of=("credited_gmv", "evidenced_spend")),
        Column("roas_net", of=("credited_net", "evidenced_spend")),
        Column("cpuv"),
        *map(Column, ("in_task_spend", "out_of_task_spend", "unknown_task_spend", "evidenced_spend", "platform_spend")),
        Column("maturity", "code"),
    ),
    needs=("history.exchange_roi", "history.buyers"),
    mart="exchange_roi",
)
LANE_VISITS = Table(
    "lane_visits",
    Text("进店成本", "What a visit costs"),
    Text(
        "按合作方申报的进店。种草通看进店成本，不看ROI：它的订单没有逐单证据。",
        "By the visits that an exchange states. The seeding lane is judged by these and has no ROI here, for an "
        "exchange states its orders only in sum.",
    ),
    """
    SELECT as_of, lane, exchange, currency, count(*) AS notes, sum(task_spend) AS task_spend,
        sum(daily_visitors)::BIGINT AS daily_visitors,
        (sum(task_spend) / nullif(sum(daily_visitors), 0))::DOUBLE AS cpuv
    FROM history.note_roi
    WHERE {shown} AND model = (SELECT min(model) FROM history.note_roi) AND daily_visitors IS NOT NULL
    GROUP BY ALL ORDER BY as_of DESC, lane, exchange, currency""",
    (
        Column("lane", "code"),
        Column("exchange", "code"),
        *map(Column, ("notes", "task_spend", "daily_visitors")),
        Column("cpuv", of=("task_spend", "daily_visitors")),
    ),
    needs=("history.note_roi",),
    mart="note_roi",
)
IN_APP = Table(
    "in_app_loop",
    Text("站内闭环", "In-app loop"),
    Text(
        "点击站内链接的人，在窗口期内进店、加购、下单。同一人可能在几篇笔记下，各行不相加。",
        "Of those who clicked an in-app link, who visited, put into the cart and bought within the window. One may "
        "stand with several notes, so rows are never added.",
    ),
    """
    SELECT * EXCLUDE (model) FROM history.in_app_loop WHERE {shown}
    ORDER BY as_of DESC, paid_net DESC NULLS LAST, note_id, currency""",
    (
        Column("title", "text"),
        *map(Column, ("clicks", "own_link_clicks", "other_link_clicks", "click_uv", "visit_uv", "cart_uv", "buyer_uv")),
        *map(Column, ("paid_orders", "paid_gmv", "paid_refunds", "paid_net")),
        Column("maturity", "code"),
        Column("creator_name", "text"),
        Column("note_id", "text"),
    ),
    needs=("history.in_app_loop",),
    mart="in_app_loop",
    folded=True,
)
LIVE = Table(
    "live_returns",
    Text("直播", "Live sessions"),
    Text(
        "每场直播24小时内的回报；佣金是花费的一部分。",
        "What each session returned within 24 hours; commission is a part of its spend.",
    ),
    returns("note", "note_id", "title", "creator_name", "published_at", "commission", mart="live_roi").replace(
        "r.published_at", "timezone('Asia/Shanghai', r.published_at)::DATE AS published_at"
    ),
    (
        Column("title", "text"),
        Column("published_at", "date"),
        *map(Column, ("spend", "commission", "evidenced_spend", "credited_gmv", "credited_net", "orders", "buyers")),
        Column("roas_gmv", of=("credited_gmv", "evidenced_spend")),
        Column("roas_net", of=("credited_net", "evidenced_spend")),
        Column("maturity", "code"),
        Column("creator_name", "text"),
        Column("note_id", "text"),
    ),
    needs=("history.live_roi", "history.buyers"),
    mart="live_roi",
    folded=True,
)
PRESALE_LINES = ("presale_lines", "balance_paid_lines", "open_lines", "lapsed_lines")
PRESALE_MONEY = ("deposit_amount", "presale_gmv", "due_amount")
PRESALES = Table(
    "presales",
    Text("预售", "Presales"),
    Text(
        "付过定金的订单行：付了尾款才是销售，按全款计；待付尾款与已失效的不计。",
        "Order lines of which a deposit was paid. With the balance they are sales, at the full price; those whose "
        "balance is due, or that lapsed, are none.",
    ),
    f"""
    SELECT as_of, channel, currency, {", ".join(f"sum({name})::BIGINT AS {name}" for name in PRESALE_LINES)},
        (sum(balance_paid_lines) / nullif(sum(presale_lines), 0))::DOUBLE AS balance_paid_share,
        {", ".join(f"CASE WHEN count({name}) = count(*) THEN sum({name}) END AS {name}" for name in PRESALE_MONEY)}
    FROM history.presales WHERE {{shown}} GROUP BY ALL ORDER BY as_of DESC, channel, currency""",
    (
        Column("channel", "code"),
        *map(Column, PRESALE_LINES),
        Column("balance_paid_share", of=("balance_paid_lines", "presale_lines")),
        *map(Column, PRESALE_MONEY),
    ),
    needs=("history.presales",),
    mart="presales",
)
PARTS = (
    *("paid_orders", "total_gmv", "part_gmv_share", "aov", "seeded_gmv", "seeded_net", "roas_seeded"),
    *("roas_seeded_net", "new_customer_line_share"),
)
SPLITS = Table(
    "order_splits",
    Text("订单拆分", "Orders by part"),
    Text(
        "消费者与企业、会员与非会员、独家与各渠道均售。每种划分各部分的ROI贡献相加为总ROI；三种划分之间不相加。",
        "Consumers and businesses, members and others, exclusive products and others. The ROAS contributions of a "
        "split's parts add up to the ROAS; splits are never added.",
    ),
    """
    SELECT * EXCLUDE (model) FROM history.order_splits WHERE {shown}
    ORDER BY as_of DESC, currency, list_position(['buyer', 'member', 'exclusive'], split), total_gmv DESC""",
    (
        Column("split", "code"),
        Column("part", "code"),
        *map(Column, PARTS),
        Column("maturity", "code"),
    ),
    needs=("history.order_splits",),
    mart="order_splits",
)
