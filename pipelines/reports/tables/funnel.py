"""From reading to buying: by which ways, in how long."""

from __future__ import annotations

from pipelines.reports.content import Column, Table
from pipelines.reports.wording import Text

SEARCH_BACK = Table(
    "search_back",
    Text("回搜率", "Search-back"),
    Text(
        "读过笔记的人，多少天内在店里搜索了品牌。",
        "Of those who read, how many searched the brand in the shop within so many days.",
    ),
    """
    SELECT as_of, category, lag_days, read_uv, search_uv_to_date, search_back_rate, maturity
    FROM history.search_back WHERE {shown} AND lag_days IN (1, 3, 7, 14, 29)
    ORDER BY as_of DESC, category NULLS LAST, lag_days""",
    (
        Column("category", "code"),
        Column("lag_days", "count"),
        *map(Column, ("read_uv", "search_uv_to_date", "search_back_rate")),
        Column("maturity", "code"),
    ),
    needs=("history.search_back",),
    mart="search_back",
)

REPURCHASE = Table(
    "repurchase",
    Text("复购", "Repurchase"),
    Text(
        "每月首购人群，之后各月有多少人再次购买。",
        "Of those who first bought in a month, how many bought again in the months after.",
    ),
    """
    SELECT as_of, cohort_month, first_exclusive, months_since, cohort_buyers, repeat_buyers, repeat_share,
        repeat_buyers_to_date, repeat_to_date_share, maturity
    FROM history.repurchase WHERE {shown} ORDER BY as_of DESC, cohort_month, first_exclusive, months_since""",
    (
        Column("cohort_month", "date"),
        Column("first_exclusive", "code"),
        Column("months_since", "count"),
        *map(Column, ("cohort_buyers", "repeat_buyers", "repeat_share", "repeat_to_date_share")),
        Column("maturity", "code"),
    ),
    needs=("history.repurchase",),
    mart="repurchase",
)

FUNNEL_DAYS = 28

# Of each step, who took it, and how the rows of one day, one a currency, make its count: only orders differ in them.
FUNNEL_STEPS = {
    "impressions": ("impression_uv", "max"),
    "engagements": ("engagement_uv", "max"),
    "clicks": ("click_uv", "max"),
    "visits": ("visit_uv", "max"),
    "carts": ("cart_uv", "max"),
    "orders": ("buyer_uv", "sum"),
    "kept_orders": ("buyer_uv", "sum"),
}

# What 蒲公英 counted between two snapshots that both lie in these days. A note of which it tells no number has at least
# none, so what is known is the least that all were read.
READS = f"""
        SELECT as_of, 0.5 AS step_number, 'reads' AS step, events, {FUNNEL_DAYS} - coalesce(days, 0) AS days_missing,
            unknown AS counts_unknown, NULL::BIGINT AS most_people
        FROM (SELECT DISTINCT as_of FROM history.funnel_daily WHERE {{shown}})
        LEFT JOIN (
            SELECT as_of, sum(reads)::BIGINT AS events, count(*) - count(reads) AS unknown
            FROM history.note_daily WHERE {{shown}} AND {{inside}} GROUP BY ALL
        ) USING (as_of)
        LEFT JOIN (
            SELECT as_of, count(DISTINCT day) AS days
            FROM history.note_daily, generate_series(covers_from, business_date, INTERVAL 1 DAY) AS g(day)
            WHERE {{shown}} AND {{inside}} GROUP BY ALL
        ) USING (as_of)""".replace(
    "{inside}",
    f"""(
                platform = 'pugongying' AND part = 'all'
                AND covers_from > as_of - {FUNNEL_DAYS} AND business_date <= as_of
            )""",
)

FUNNEL = Table(
    "funnel",
    Text("近28天漏斗", "Funnel of the last 28 days"),
    Text(
        "次数相加，不是人数；进店及之后为全店。阅读是蒲公英对其笔记的计数，不与其他步骤相除。缺数的天数在旁边列出。",
        "Events, not people; from the visit on it is the whole shop. Reads are those that 蒲公英 counts of its own "
        "notes, so no rate is made of them. Days that have not arrived are told beside.",
    ),
    " UNION ALL ".join(
        f"""
        SELECT as_of, {at} AS step_number, '{step}' AS step, sum(events)::BIGINT AS events,
            ({FUNNEL_DAYS} - count(events))::BIGINT AS days_missing,
            NULL::BIGINT AS counts_unknown, max(people) AS most_people
        FROM (
            SELECT as_of, business_date, {added}({step}) AS events, max({uv}) AS people FROM history.funnel_daily
            WHERE {{shown}} AND business_date > as_of - {FUNNEL_DAYS} GROUP BY ALL
        ) GROUP BY ALL"""
        for at, (step, (uv, added)) in enumerate(FUNNEL_STEPS.items())
    )
    + f" UNION ALL {READS} ORDER BY as_of DESC, step_number",
    (Column("step", "code"), Column("events", "count"), Column("days_missing", "count"), Column("counts_unknown")),
    needs=("history.funnel_daily", "history.note_daily"),
    mart="funnel_daily",
)

LAG = Table(
    "purchase_lag",
    Text("从首次触达到购买", "From first touch to purchase"),
    Text(
        "各类目订单在首次触达后多少天成交。超出窗口的订单不在其中。",
        "How many days after the first touch the orders of a category came. What took longer than its window is not "
        "in it.",
    ),
    """
    SELECT as_of, currency, category, band::VARCHAR AS band, order_lines, buyers, median_days
    FROM history.purchase_lag WHERE {shown} ORDER BY as_of DESC, category NULLS LAST, currency, band""",
    (
        Column("category", "code"),
        Column("band", "code"),
        Column("order_lines"),
        Column("buyers"),
        Column("median_days"),
    ),
    needs=("history.purchase_lag",),
    mart="purchase_lag",
)

PATHS = Table(
    "common_paths",
    Text("常见路径", "Common paths"),
    Text(
        "订单走过的触点，连续重复只算一次；人数太少的路径不列出。",
        "The touches by which orders came, repeats in a row told once. Paths of too few buyers are not listed.",
    ),
    """
    SELECT as_of, currency, path, steps, order_lines, buyers, paid_gmv
    FROM history.common_paths WHERE {shown} ORDER BY as_of DESC, order_lines DESC, path""",
    (Column("path", "code"), *map(Column, ("steps", "order_lines", "buyers", "paid_gmv"))),
    needs=("history.common_paths",),
    mart="common_paths",
)
