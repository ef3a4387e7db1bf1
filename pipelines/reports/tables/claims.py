"""What exchanges and platforms claim, beside what is credited."""

from __future__ import annotations

from pipelines.marts.matches import MATCH_DAYS
from pipelines.reports.content import Column, Table
from pipelines.reports.wording import Text

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
