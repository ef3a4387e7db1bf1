"""What arrived, what was restated, and what was matched."""

from __future__ import annotations

from pipelines.marts.matches import MATCH_DAYS
from pipelines.marts.privacy import FUNNEL_DAY
from pipelines.reports.content import Column, Table
from pipelines.reports.wording import Text

FILES = Table(
    "files",
    Text("数据文件", "Files by feed"),
    Text(
        "每个数据源读到的行数与去向：接收、重复、隔离、忽略的合计行。",
        "What became of the rows of each feed: accepted, duplicate, quarantined, and total rows that are ignored.",
    ),
    """
    SELECT feed, count(*) AS files, sum(rows_read)::BIGINT AS rows_read, sum(accepted)::BIGINT AS accepted,
        sum(duplicate)::BIGINT AS duplicate, sum(quarantined)::BIGINT AS quarantined, sum(ignored)::BIGINT AS ignored,
        max(last_date) AS last_date
    FROM ops.files GROUP BY ALL ORDER BY feed""",
    (
        Column("feed", "code"),
        *map(Column, ("files", "rows_read", "accepted", "duplicate", "quarantined", "ignored")),
        Column("last_date", "date"),
    ),
    needs=("ops.files",),
)

FEED_DAYS = Table(
    "feed_days",
    Text("每日到数", "Arrivals by day"),
    Text(
        "每个数据源每天是否到齐。未到与零不同。",
        "Whether each feed arrived whole for each day. Not arrived is not zero.",
    ),
    """
    SELECT feed, source, business_date, state, rows, duplicate, quarantined FROM mart.feed_days
    WHERE business_date > (SELECT max(business_date) FROM ops.days) - 35
    ORDER BY feed, source NULLS FIRST, business_date""",
    (
        Column("feed", "code"),
        Column("source", "code"),
        Column("business_date", "date"),
        Column("state", "code"),
        *map(Column, ("rows", "duplicate", "quarantined")),
    ),
    needs=("mart.feed_days",),
    mart="feed_days",
)

MATCH_RATES = Table(
    "match_rates",
    Text("近28天匹配率", "Match rates of the last 28 days"),
    Text(
        "订单凭什么找到笔记：点击、推广码、用户键、账号关联；其余未匹配。",
        "By what orders found their notes: click, promotion code, user key or linked account; the rest found none.",
    ),
    f"""
    SELECT *, order_lines / sum(order_lines) OVER whole AS order_share,
        (paid_gmv / sum(paid_gmv) OVER whole)::DOUBLE AS gmv_share
    FROM (
        SELECT as_of, channel, currency, matched_by, sum(orders)::BIGINT AS order_lines, sum(paid_gmv) AS paid_gmv
        FROM history.match_rates WHERE {{shown}} AND business_date > as_of - {MATCH_DAYS} GROUP BY ALL
    )
    WINDOW whole AS (PARTITION BY as_of, channel, currency)
    ORDER BY as_of DESC, channel, currency, order_lines DESC, matched_by""",
    (
        Column("channel", "code"),
        Column("matched_by", "code"),
        *map(Column, ("order_lines", "order_share", "paid_gmv", "gmv_share")),
    ),
    needs=("history.match_rates", "history.buyers"),
    mart="match_rates",
)

# How many people stand behind a figure of the funnel on its day.
_PEOPLE_OF_DAY = f"CASE {' '.join(f'WHEN figure IN {few.figures} THEN {few.people}' for few in FUNNEL_DAY)} END"

RESTATEMENTS = Table(
    "restatements",
    Text("被改动的数字", "What was restated"),
    Text(
        "自上次日报以来改变的过去数字，改动最大的在前。",
        "Figures of past days that changed since the last report, the largest changes first.",
    ),
    f"""
    SELECT as_of, restated_on, restated_in, business_date, figure, part_of, note_id, was, became, change,
        CASE WHEN restated_in = 'funnel_daily' THEN {_PEOPLE_OF_DAY} END AS day_people
    FROM history.restatements LEFT JOIN (
        SELECT as_of, business_date, {", ".join(f"min({few.people}) AS {few.people}" for few in FUNNEL_DAY)}
        FROM history.funnel_daily GROUP BY ALL
    ) USING (as_of, business_date) WHERE {{shown}}
    QUALIFY row_number() OVER (
        PARTITION BY as_of ORDER BY abs(change) DESC NULLS LAST, business_date DESC, figure, note_id, part_of,
            restated_on, restated_in, cycle, was
    ) <= 200
    ORDER BY as_of DESC, abs(change) DESC NULLS LAST, business_date DESC, figure, note_id, part_of,
        restated_on, restated_in, cycle, was""",
    (
        Column("restated_on", "date"),
        Column("restated_in", "code"),
        Column("business_date", "date"),
        Column("figure", "code"),
        *(Column(name, "unit_cost") for name in ("was", "became", "change")),
        Column("part_of", "code"),
        Column("note_id", "text"),
    ),
    needs=("history.restatements", "history.funnel_daily"),
    mart="restatements",
)
