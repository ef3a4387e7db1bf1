"""The sections of the report, in the order in which people ask, as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.advice import advise
from pipelines.marts.matches import MATCH_DAYS
from pipelines.marts.privacy import FUNNEL_DAY
from pipelines.reports.content import Column, Section, Table
from pipelines.reports.lane_tables import EXCHANGES, IN_APP, LANE_VISITS, LIVE, PRESALES, SPLITS
from pipelines.reports.local_tables import LOCAL
from pipelines.reports.returns import ACQUIRED, MONEY, PEOPLE, RATIOS, RETURNS, level_returns, returns
from pipelines.reports.spend_tables import CATEGORY_PLAN, PLAN, REAL_RETURNS, SPEND, WALLETS
from pipelines.reports.wording import OTHERS, Text

if TYPE_CHECKING:
    import polars as pl

    from pipelines.targets import ReportSettings

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

CATEGORIES = level_returns(
    "category",
    "category",
    Text("类目回报", "Returns by category"),
    Text(
        "订单按商品类目，花费按笔记类目。直接：归给推广该商品的笔记；带动：归给推广别的商品的笔记。"
        "一个类目的归因总额各模型相同，直接部分因模型而异，故列出区间。",
        "Orders stand in the category of their product, spend in that of its note. Direct went to notes that promote "
        "the product, halo to notes that promote another. All models credit a category the same in all, and differ in "
        "the direct part, whose range is shown.",
    ),
    (Column("category", "code"), Column("halo_out_gmv")),
    Column("category", "code"),
    *MONEY,
    Column("halo_out_gmv"),
    *ACQUIRED,
    Column("roas_gmv", of=("credited_gmv", "evidenced_spend")),
    Column("roas_direct", of=("direct_gmv", "evidenced_spend")),
    Column("direct_low"),
    Column("direct_high"),
    Column("roas_net", of=("credited_net", "evidenced_spend")),
    Column("roi_profit"),
    Column("maturity", "code"),
)
LANES = level_returns(
    "lane",
    "lane",
    Text("链路", "Lanes"),
    Text("各链路并列，互不混合，没有合计。", "Lanes stand side by side, are never mixed and have no total."),
    (Column("lane", "code"), Column("evidence", "code")),
    Column("lane", "code"),
    Column("evidence", "code"),
    *MONEY,
    *ACQUIRED,
    *RATIOS,
    Column("maturity", "code"),
)


def _advised(notes: pl.DataFrame, settings: ReportSettings, _brand: str) -> pl.DataFrame:
    return advise(notes, targets=settings.targets)


NOTES = Table(
    "note_returns",
    Text("笔记", "Notes"),
    Text(
        "加投、保持、观察或停投，附理由；太新、花费太少或订单太少的笔记单列，不排名。",
        "What to boost, keep, watch or stop, with the reason. Notes too young, with too little spend or too few orders "
        "are listed apart and not ranked.",
    ),
    f"""
    SELECT earned.* REPLACE (timezone('Asia/Shanghai', published_at)::DATE AS published_at, cpuv::DOUBLE AS cpuv),
        earned.as_of - timezone('Asia/Shanghai', published_at)::DATE AS age_days, seen.visitor_uv,
        (spend / nullif(seen.visitor_uv, 0))::DOUBLE AS cost_per_visitor
    FROM ({
        returns(
            "note",
            "note_id",
            "title",
            "creator_id",
            "creator_name",
            "creator_tier",
            "campaign_id",
            "category",
            "lane",
            "exchange",
            "published_at",
            "cpuv",
            "daily_visitors",
        )
    }) AS earned LEFT JOIN history.note_quadrant AS seen ON seen.as_of = earned.as_of AND seen.note_id = earned.note_id
    """,
    (
        Column("title", "text"),
        Column("action", "code"),
        Column("reason", "code"),
        Column("models_agree", "count"),
        *RATIOS,
        Column("cpuv"),
        Column("cost_per_visitor"),
        *MONEY,
        *PEOPLE,
        Column("maturity", "code"),
        Column("age_days", "count"),
        Column("category", "code"),
        Column("lane", "code"),
        Column("creator_name", "text"),
        Column("creator_tier", "code"),
        Column("campaign_id", "text"),
        Column("note_id", "text"),
    ),
    needs=("history.note_roi", "history.buyers", "history.note_quadrant"),
    mart="note_roi",
    then=_advised,
)
CREATORS = level_returns(
    "creator",
    "creator_id",
    Text("博主", "Creators"),
    Text("每位博主全部笔记的回报。", "What all notes of each creator returned."),
    (Column("creator_name", "text"), Column("creator_tier", "code"), Column("notes")),
    Column("creator_name", "text"),
    Column("creator_tier", "code"),
    Column("notes"),
    *RETURNS,
    Column("creator_id", "text"),
)
CAMPAIGNS = level_returns(
    "campaign",
    "campaign_id",
    Text("项目", "Campaigns"),
    Text("每个项目的回报。", "What each campaign returned."),
    (Column("campaign_id", "text"), Column("notes")),
)

QUADRANT = Table(
    "note_quadrant",
    Text("互动与进店", "Engagement against visits"),
    Text(
        "哪些笔记带来进店，哪些只有点赞。太新或阅读太少的笔记不评。",
        "Which notes bring visits, and which only likes. Notes too young or with few readers are not judged.",
    ),
    """
    SELECT as_of, title, quadrant, not_judged, read_uv, engagements, engagement_rate, visitor_uv, visit_rate,
        engagement_rate_from, visit_rate_from, category, lane, creator_name, note_id
    FROM history.note_quadrant WHERE {shown}
    ORDER BY as_of DESC, list_position(['liked_but_no_visits', 'quiet_seller', 'star', 'weak'], quadrant) NULLS LAST,
        read_uv DESC, note_id""",
    (
        Column("title", "text"),
        Column("quadrant", "code"),
        *map(Column, ("engagement_rate", "visit_rate", "read_uv", "engagements", "visitor_uv")),
        Column("not_judged", "code"),
        Column("category", "code"),
        Column("lane", "code"),
        Column("creator_name", "text"),
        Column("note_id", "text"),
    ),
    needs=("history.note_quadrant",),
    mart="note_quadrant",
)
LINK_REQUESTS = Table(
    "link_requests",
    Text("评论求链接", "Comments that ask for the link"),
    Text(
        "有人求链接而没有挂链接的笔记，先补链接。",
        "Notes whose readers ask for the link and that hang none: add it first.",
    ),
    """
    SELECT as_of, title, has_link, link_request_uv, comments, link_requests, link_requests_last_7d, link_request_share,
        category, lane, note_id
    FROM history.link_requests WHERE {shown} AND link_requests > 0
    ORDER BY as_of DESC, has_link, link_requests DESC, note_id""",
    (
        Column("title", "text"),
        Column("has_link", "code"),
        *map(Column, ("link_requests", "link_requests_last_7d", "comments", "link_request_share")),
        Column("category", "code"),
        Column("lane", "code"),
        Column("note_id", "text"),
    ),
    needs=("history.link_requests",),
    mart="link_requests",
)
GUARDRAILS = Table(
    "guardrails",
    Text("内容红线", "Guardrails"),
    Text(
        "广告占比、负面与投诉占比、引流，按类目。",
        "Share of ads, of negative comments and complaints, and what leads off the platform, by category.",
    ),
    """
    SELECT as_of, category, notes, negative_comments, complaints, ad_share, is_ad_share_high, negative_share,
        is_negative_share_high, complaint_share, is_complaint_share_high, diverting_notes, diverting_comments
    FROM history.guardrails WHERE {shown} ORDER BY as_of DESC, category NULLS LAST""",
    (
        Column("category", "code"),
        Column("notes"),
        Column("ad_share"),
        Column("is_ad_share_high", "code"),
        Column("negative_share"),
        Column("is_negative_share_high", "code"),
        Column("complaint_share"),
        Column("is_complaint_share_high", "code"),
        *map(Column, ("diverting_notes", "diverting_comments")),
    ),
    needs=("history.guardrails",),
    mart="guardrails",
)

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
UNMATCHED = Table(
    "unmatched_orders",
    Text("近28天未匹配订单", "Orders of the last 28 days that found no note"),
    Text("按原因。它们留在未归因里，不会丢失。", "By reason. They stay in what is unattributed; none is lost."),
    f"""
    SELECT as_of, channel, currency, unmatched_because, sum(orders)::BIGINT AS order_lines, sum(paid_gmv) AS paid_gmv
    FROM history.unmatched_orders WHERE {{shown}} AND business_date > as_of - {MATCH_DAYS} GROUP BY ALL
    ORDER BY as_of DESC, channel, currency, order_lines DESC""",
    (Column("channel", "code"), Column("unmatched_because", "code"), Column("order_lines"), Column("paid_gmv")),
    needs=("history.unmatched_orders", "history.buyers"),
    mart="unmatched_orders",
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
CLAIMS = Table(
    "claims",
    Text("平台申报与归因", "Claims beside credit"),
    Text(
        "合作方申报的全店成交，与本模型在同一店铺、同一天、同一周期的归因并列。15 天与 30 天重叠，不相加。",
        "The shop sales that an exchange claims, beside what the model credits in the same shop, days and cycle. "
        "Cycles of 15 and 30 days overlap and are never added.",
    ),
    """
    SELECT as_of, model, currency, exchange, cycle, count(DISTINCT note_id) AS notes, sum(claimed_gmv) AS claimed_gmv,
        sum(credited_gmv) AS credited_gmv, sum(credited_gmv) - sum(claimed_gmv) AS claim_difference
    FROM (
        -- What is credited is of the note, in whichever of its tasks; all traffic holds the other kinds.
        SELECT as_of, model, currency, exchange, cycle, note_id, business_date, sum(claimed_gmv) AS claimed_gmv,
            any_value(credited_gmv) AS credited_gmv
        FROM (
            SELECT as_of, model, currency, exchange, cycle, note_id, business_date, task_id,
                max(claimed_gmv) AS claimed_gmv, any_value(credited_gmv) AS credited_gmv
            FROM history.claims WHERE {shown} AND claimed_gmv IS NOT NULL GROUP BY ALL
        ) GROUP BY ALL
    ) GROUP BY ALL
    ORDER BY as_of DESC, model, currency, exchange, cycle""",
    (
        Column("exchange", "code"),
        Column("cycle", "count"),
        *map(Column, ("notes", "claimed_gmv", "credited_gmv")),
        Column("claim_difference", "yuan"),
    ),
    needs=("history.claims", "history.buyers"),
    mart="claims",
)
AD_CLAIMS = Table(
    "ad_claims",
    Text("广告平台申报与归因", "Ad claims beside credit"),
    Text(
        "聚光申报的成交（按点击日，含退款），与本模型对同样点击、同样天数内的归因并列。7、15、30 天互相包含，不相加。",
        "Orders that 聚光 claims for clicks on ads, refunds included, beside what the model credits to the same clicks "
        "within as many days. 7, 15 and 30 days hold each other and are never added.",
    ),
    """
    SELECT as_of, model, currency, platform, claim_kind, cycle, count(DISTINCT note_id) AS notes,
        sum(claimed_orders)::BIGINT AS claimed_orders, sum(claimed_gmv) AS claimed_gmv,
        sum(credited_gmv) AS credited_gmv, sum(credited_gmv) - sum(claimed_gmv) AS claim_difference
    FROM history.ad_claims WHERE {shown} GROUP BY ALL
    ORDER BY as_of DESC, model, currency, platform, claim_kind, cycle""",
    (
        Column("platform", "code"),
        Column("claim_kind", "code"),
        Column("cycle", "count"),
        *map(Column, ("notes", "claimed_orders", "claimed_gmv", "credited_gmv")),
        Column("claim_difference", "yuan"),
    ),
    needs=("history.ad_claims", "history.buyers"),
    mart="ad_claims",
    folded=True,
)
DOUBLE_CLAIMS = Table(
    "double_claims",
    Text("重复申报", "Sales claimed twice"),
    Text(
        "同一笔销售被两个周期、两个合作方或两篇笔记申报；汇总数据只能给出上下限。",
        "Sales that two cycles, two exchanges or two notes claim. Aggregated claims only bound how much.",
    ),
    """
    SELECT as_of, claimed_by, exchange, currency, count(*) AS places, sum(claimed_gmv) AS claimed_gmv,
        sum(twice_at_least_gmv) AS twice_at_least_gmv, sum(twice_at_most_gmv) AS twice_at_most_gmv,
        max(fewest_buyers) AS fewest_buyers
    FROM history.double_claims WHERE {shown} GROUP BY ALL
    ORDER BY as_of DESC, twice_at_least_gmv DESC NULLS LAST, claimed_by, exchange""",
    (
        Column("claimed_by", "code"),
        Column("exchange", "code"),
        *map(Column, ("places", "claimed_gmv", "twice_at_least_gmv", "twice_at_most_gmv")),
    ),
    needs=("history.double_claims",),
    mart="double_claims",
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

RECONCILIATION = Table(
    "reconciliation",
    Text("对账", "Reconciliation"),
    Text(
        "每个模型：归因 + 未归因 = 店铺总额。",
        "For every model, credited + unattributed = the shop's total.",
    ),
    """
    SELECT as_of, currency, model AS by_model, total_gmv, credited_gmv, unattributed_gmv, total_refunds,
        credited_refunds, unattributed_refunds, unmatched_refunds
    FROM history.reconciliation WHERE {shown} ORDER BY as_of DESC, currency, model""",
    (
        Column("by_model", "code"),
        *map(Column, ("total_gmv", "credited_gmv", "unattributed_gmv", "total_refunds", "credited_refunds")),
        *map(Column, ("unattributed_refunds", "unmatched_refunds")),
    ),
    needs=("history.reconciliation", "history.buyers"),
    mart="reconciliation",
)
CHANNELS = Table(
    "channel_returns",
    Text("渠道", "Channels"),
    Text("订单在哪里成交，其中多少来自笔记。", "Where orders were placed, and how much of it notes earned."),
    returns("channel", "channel", "total_gmv", "unattributed_gmv"),
    (
        Column("channel", "code"),
        *map(Column, ("total_gmv", "credited_gmv", "unattributed_gmv", "orders", "buyers", "new_customer_share")),
    ),
    needs=("history.channel_roi", "history.buyers"),
    mart="channel_roi",
)

WINDOWS = Table(
    "windows",
    Text("回溯窗口", "Look-back windows"),
    Text("触点在付款前多少小时内有效。", "How many hours before the payment a touch counts."),
    f"""SELECT lane, kind, coalesce(category, '{OTHERS}') AS category, window_hours FROM reference.windows
    ORDER BY lane, kind, windows.category NULLS FIRST""",
    (Column("lane", "code"), Column("kind", "code"), Column("category", "code"), Column("window_hours", "count")),
    needs=("reference.windows",),
)

POLICY = Table(
    "policy_calendar",
    Text("政策日历", "Policy calendar"),
    Text(
        "平台规则、开放与关停的日期；落在图中日期内的，图上有标注。只知到月或年的，记在其第一天。",
        "When the platforms' rules changed and programmes opened or closed. What falls into the days of a chart is "
        "marked on it. What is known to the month or year stands on its first day.",
    ),
    """
    SELECT starts, ends, entry, kind AS policy, precision AS known_to FROM reference.policy_calendar
    ORDER BY starts DESC, entry""",
    (
        Column("entry", "code"),
        Column("starts", "date"),
        Column("ends", "date"),
        Column("policy", "code"),
        Column("known_to", "code"),
    ),
    needs=("reference.policy_calendar",),
    folded=True,
)

SECTIONS = (
    Section(
        "data",
        Text("数据齐全吗", "Is the data whole?"),
        Text("昨天的文件都到了吗，有没有被改动？", "Did every file arrive, and was anything restated?"),
        (FEED_DAYS, MATCH_RATES, RESTATEMENTS, FILES),
    ),
    Section(
        "glance",
        Text("今日概览", "Today at a glance"),
        Text("花了多少，带来多少，达标吗？", "What was spent, what came of it, is it on target?"),
        (TOTALS, BY_MATURITY, DAILY, PLAN, SPEND, WALLETS, REAL_RETURNS),
    ),
    Section(
        "categories",
        Text("类目与链路", "Categories and lanes"),
        Text("每个类目、每条链路回报如何？", "What did each category and each lane return?"),
        (CATEGORIES, CATEGORY_PLAN, LANES, EXCHANGES, LANE_VISITS, IN_APP, LIVE, PRESALES, SPLITS, *LOCAL),
    ),
    Section(
        "notes",
        Text("笔记与博主", "Notes and creators"),
        Text("哪些加投，哪些停投，依据是什么？", "What to boost, what to stop, and on what evidence?"),
        (NOTES, QUADRANT, LINK_REQUESTS, GUARDRAILS, CREATORS, CAMPAIGNS),
    ),
    Section(
        "funnel",
        Text("漏斗与时间", "Funnel and time"),
        Text("从看到买，走了哪些路，用了多久？", "From reading to buying: by which ways, in how long?"),
        (FUNNEL, LAG, SEARCH_BACK, PATHS, REPURCHASE),
    ),
    Section(
        "claims",
        Text("与平台对账", "Claims and reconciliation"),
        Text("平台的数字与我们一致吗？", "Do the exchange's claims agree with us?"),
        (CLAIMS, AD_CLAIMS, DOUBLE_CLAIMS, RECONCILIATION, UNMATCHED, CHANNELS),
    ),
    Section(
        "method",
        Text("口径", "Method"),
        Text("数字怎么算，用的哪一版数据与程序？", "How is it computed, with which data and program?"),
        (WINDOWS, POLICY),
    ),
)
