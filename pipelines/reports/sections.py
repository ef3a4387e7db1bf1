"""The sections of the report, in the order in which people ask, as one table."""

from __future__ import annotations

from pipelines.reports.content import Section
from pipelines.reports.tables.arrivals import FEED_DAYS, FILES, MATCH_RATES, RESTATEMENTS
from pipelines.reports.tables.claims import AD_CLAIMS, CLAIMS, DOUBLE_CLAIMS, RECONCILIATION, UNMATCHED
from pipelines.reports.tables.funnel import FUNNEL, LAG, PATHS, REPURCHASE, SEARCH_BACK
from pipelines.reports.tables.glance import BY_MATURITY, DAILY, TOTALS
from pipelines.reports.tables.lanes import EXCHANGES, IN_APP, LANE_VISITS, LIVE, PRESALES, SPLITS
from pipelines.reports.tables.levels import CATEGORIES, CHANNELS, LANES
from pipelines.reports.tables.local import LOCAL
from pipelines.reports.tables.method import POLICY, WINDOWS
from pipelines.reports.tables.notes import CAMPAIGNS, CREATORS, GUARDRAILS, LINK_REQUESTS, NOTES, QUADRANT
from pipelines.reports.tables.spend import CATEGORY_PLAN, PLAN, REAL_RETURNS, SPEND, WALLETS
from pipelines.reports.wording import Text

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
