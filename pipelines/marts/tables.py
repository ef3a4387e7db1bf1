"""The table of marts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from models.register import RULES
from models.roi import reconciliation, sold
from pipelines.buckets import sold_parts
from pipelines.charts import Chart
from pipelines.dates import as_of
from pipelines.marts.ad_claims import AD_CLAIM_MARTS
from pipelines.marts.attention import ATTENTION_MARTS
from pipelines.marts.buyers import BUYER_MARTS
from pipelines.marts.claims import CLAIM_MARTS
from pipelines.marts.feed_days import FEED_DAYS
from pipelines.marts.funnel import FEEDS, funnel
from pipelines.marts.lanes import LANE_MARTS
from pipelines.marts.local import LOCAL_MARTS
from pipelines.marts.mart import HISTORY_DAYS, Mart, sales_maturity
from pipelines.marts.matches import MATCH_MARTS
from pipelines.marts.notes import NOTE_MARTS
from pipelines.marts.presales import PRESALE_MARTS
from pipelines.marts.privacy import with_privacy
from pipelines.marts.purchases import PURCHASE_MARTS
from pipelines.marts.restatements import RESTATEMENT_MARTS
from pipelines.marts.returns import main_currency, returns_by
from pipelines.marts.spend import SPEND_MARTS

if TYPE_CHECKING:
    import duckdb


# Refunds of no order that is known in their currency: in no total, but not lost.
UNMATCHED_REFUNDS = """
    SELECT currency, sum(refund_fen)::BIGINT AS unmatched_refund_fen
    FROM core.refunds ANTI JOIN core.conversions USING (conversion_id, currency) GROUP BY ALL"""

PARTS_OF_TOTAL = """
    SELECT part.name, sum(part.gmv)::DOUBLE FROM mart.reconciliation, (VALUES ('归因', credited_gmv),
        ('未归因', unattributed_gmv), ('其中已退款', total_refunds)) AS part(name, gmv)
    WHERE model = 'linear' AND currency = (SELECT mode(currency) FROM core.conversions)
    GROUP BY ALL ORDER BY 2 DESC"""


def _preview(level: str, label: str) -> str:
    return (
        f"SELECT {label}, spend, credited_gmv, roas_gmv, roas_net FROM mart.{level}_roi "
        "WHERE model = '{model}' ORDER BY spend DESC NULLS LAST, credited_gmv DESC LIMIT 8"
    )


def _reconciled(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    day = as_of(connection)
    totals = pl.concat([sold(orders, refunds, as_of=day) for orders, refunds in sold_parts(connection)])
    found = reconciliation(connection.sql("FROM core.earned").pl(), totals, models=list(RULES))
    every_model = pl.DataFrame({"model": list(RULES)}, {"model": pl.String})
    unmatched = connection.sql(UNMATCHED_REFUNDS).pl()
    # A warehouse without orders has its row for each model too, of zeros.
    currencies = pl.concat([found["currency"], unmatched["currency"]]).unique().to_frame()
    if currencies.is_empty():
        currencies = pl.DataFrame({"currency": [main_currency(connection)]})
    sums = (
        every_model.join(currencies, how="cross")
        .join(found, on=["model", "currency"], how="left")
        .join(unmatched, on="currency", how="left")
        .with_columns(cs.ends_with("_fen").fill_null(0))
        .sort("model", "currency")
    )
    (last_paid,) = connection.execute("SELECT max(paid_date) FROM core.conversions").fetchall()[0]
    return sums.with_columns(maturity=sales_maturity(pl.lit(last_paid, dtype=pl.Date), day))


_MARTS = (
    Mart(
        "category_roi",
        "类目回报",
        "What each category returned: spend on its notes, credited sales of its products, direct and halo apart, "
        "and what no note earned.",
        returns_by("category"),
        _preview("category", "coalesce(name_zh, category) AS 类目"),
        chart=("coalesce(name_zh, category)", "roas_gmv"),
        about_zh="每个类目的回报：笔记花费、归因销售（直接与带动分列），以及未归因的销售。",
    ),
    Mart(
        "note_roi",
        "笔记回报",
        "What each note returned. A note with spend and no orders has its row.",
        returns_by("note"),
        _preview("note", "title[:12] AS 笔记"),
        chart=("title", "credited_gmv"),
        about_zh="每篇笔记的花费与归因销售；有花费而没有订单的笔记也占一行。",
    ),
    Mart(
        "creator_roi",
        "博主回报",
        "What the notes of each creator returned.",
        returns_by("creator"),
        _preview("creator", "creator_name AS 博主"),
        chart=("creator_name", "credited_gmv"),
        about_zh="每位博主的笔记带来的回报。",
    ),
    Mart(
        "campaign_roi",
        "项目回报",
        "What the notes of each campaign returned.",
        returns_by("campaign"),
        _preview("campaign", "campaign_id AS 项目"),
        chart=("campaign_id", "credited_gmv"),
        about_zh="每个项目的笔记带来的回报。",
    ),
    Mart(
        "channel_roi",
        "渠道回报",
        "Where credited sales happened, and what no note earned there.",
        returns_by("channel"),
        "SELECT coalesce(name_zh, channel) AS 渠道, total_gmv, credited_gmv, unattributed_gmv, orders "
        "FROM mart.channel_roi WHERE model = '{model}'",
        chart=("coalesce(name_zh, channel)", "credited_gmv"),
        about_zh="归因销售发生在哪些渠道，各有多少未归因。",
    ),
    Mart(
        "lane_roi",
        "链路回报",
        "What each lane returned; lanes are shown side by side and never mixed. A lane of which only an exchange's "
        "sums are known has its cost per visit, and no ROI.",
        returns_by("lane"),
        _preview("lane", "coalesce(name_zh, lane) AS 链路"),
        chart=("coalesce(name_zh, lane)", "roas_gmv"),
        about_zh="各链路的回报，并排列出，从不混合相加；只有合作方汇总声明的链路只有进店成本，没有ROI。",
    ),
    *LANE_MARTS,
    Mart(
        "reconciliation",
        "对账",
        "Credited and unattributed sales add up to the shop's total, to the fen, for every model.",
        _reconciled,
        "SELECT model, total_gmv, credited_gmv, unattributed_gmv FROM mart.reconciliation",
        chart=Chart("店铺总额的组成（linear）", PARTS_OF_TOTAL, "yuan"),
        about_zh="每个模型下，归因与未归因的销售合计等于店铺总额，精确到分。",
        made_of=("core/earned", "core/conversions", "core/refunds"),
    ),
    Mart(
        "funnel_daily",
        "每日漏斗",
        "Exposure, engagement, click, visit, cart, paid and kept, by day. What did not arrive is missing, not 0; "
        "what a day still lacks is named.",
        funnel,
        "SELECT business_date AS 日期, impressions, clicks, visits, orders, paid_gmv FROM mart.funnel_daily "
        "ORDER BY business_date DESC LIMIT 8",
        chart=("business_date", "paid_gmv"),
        figures="SELECT impressions, engagements, clicks, visits, carts, orders, paid_gmv FROM mart.funnel_daily "
        "WHERE business_date = as_of ORDER BY paid_gmv DESC NULLS LAST LIMIT 1",
        history_days=HISTORY_DAYS,
        about_zh="每天从曝光、互动、点击、进店、加购到付款、留存；没有到的数据留空，不当作 0，并列出还缺什么。",
        made_of=("core/touches", "core/conversions", "core/refunds", *(f"raw/{feed}" for feed in FEEDS)),
    ),
    *BUYER_MARTS,
    *MATCH_MARTS,
    *SPEND_MARTS,
    *NOTE_MARTS,
    *CLAIM_MARTS,
    *AD_CLAIM_MARTS,
    *RESTATEMENT_MARTS,
    FEED_DAYS,
    *PRESALE_MARTS,
    *PURCHASE_MARTS,
    *ATTENTION_MARTS,
    *LOCAL_MARTS,
)

MARTS = with_privacy(_MARTS)
