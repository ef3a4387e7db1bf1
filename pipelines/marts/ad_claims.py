"""What an advertising platform claims for clicks on a note's ads, beside what models credit. Never blended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.reference import refund_days
from models.claims import credited_within
from models.earnings import earned
from models.maturity import maturity
from models.register import RULES
from pipelines.buckets import credited_parts
from pipelines.charts import Chart
from pipelines.dates import as_of
from pipelines.marts.claim_buyers import REACHED, REACHED_BY
from pipelines.marts.mart import Mart

if TYPE_CHECKING:
    import duckdb

# Parts of a note's ads add up. Only paid orders of shops that the links reach can be held against credited ones.
AD_CLAIMS = f"""
    SELECT platform, claim_kind, reached,
        note_id, claim_date AS business_date, cycle, currency,
        CASE WHEN count(orders) = count(*) THEN sum(orders)::BIGINT END AS claimed_orders,
        CASE WHEN count(gmv) = count(*) THEN (sum(gmv) * 100)::BIGINT END AS claimed_fen
    FROM raw.ad_claims_daily LEFT JOIN {REACHED_BY} USING (claim_kind) WHERE claim_date <= $day GROUP BY ALL"""
# The last click of each order on a note: how old it was, and on which day it stands.
LAST_CLICKS = """
    CREATE OR REPLACE TEMP TABLE last_clicks AS SELECT conversion_id, note_id, min(age_us) AS age_us,
        (max(touched_at) AT TIME ZONE 'Asia/Shanghai')::DATE AS paid_date
    FROM core.journeys SEMI JOIN raw.ad_claims_daily USING (note_id) WHERE kind = 'click' GROUP BY ALL"""
OF_CLICKED = "conversion_id IN (SELECT conversion_id FROM last_clicks)"
KEY = ["model", "reached", "note_id", "business_date", "cycle", "currency"]


def ad_claims(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """A row for every model and claim, with what the model credits to clicks of the same note, day and window."""
    day = as_of(connection)
    claimed = connection.sql(AD_CLAIMS, params={"day": day}).pl()
    every_model = pl.DataFrame({"model": sorted(RULES)}, {"model": pl.String})
    comparable = pl.col("reached").is_not_null()
    return (
        every_model.join(claimed, how="cross")
        .join(_credited(connection, claimed["cycle"].unique().to_list()), on=KEY, how="left")
        .with_columns(pl.when(comparable).then(pl.col("credited_orders", "credited_fen").fill_null(0)))
        .with_columns(
            claim_difference_fen=pl.col("credited_fen") - pl.col("claimed_fen"),
            maturity=maturity(
                pl.col("business_date") + pl.duration(days=pl.col("cycle")), as_of=day, refund_days=refund_days()
            ),
        )
        .drop("reached")
        .sort("model", "platform", "claim_kind", "note_id", "business_date", "cycle", "currency")
    )


def _credited(connection: duckdb.DuckDBPyConnection, cycles: list[int]) -> pl.DataFrame:
    """What models credit to notes whose link was clicked, by the day of the click, in the key of claims."""
    connection.execute(LAST_CLICKS)
    clicks = connection.sql("FROM last_clicks").pl()
    clicks = clicks.with_columns(age=pl.col("age_us").cast(pl.Duration("us"))).drop("age_us")
    pair = ["conversion_id", "note_id"]
    parts = []
    for credited, orders, refunds in credited_parts(connection, models=len(RULES), chosen=OF_CLICKED):
        lines = earned(credited, orders, refunds, models=list(RULES), as_of=as_of(connection)).drop("paid_date")
        parts.append(credited_within(lines.join(clicks.drop("age"), on=pair), clicks, cycles=cycles))
    return (
        pl.concat(parts)
        .join(connection.sql(REACHED).pl(), on="channel")
        .rename({"paid_date": "business_date"})
        .group_by(KEY)
        .agg(credited_orders=pl.col("orders").sum(), credited_fen=pl.col("credited_fen").sum())
    )


AD_CLAIM_MARTS = (
    Mart(
        "ad_claims",
        "广告归因对照",
        "Orders that an advertising platform claims for clicks on a note's ads, by day of the click and window, side "
        "by side with what each model credits to the same clicks. Windows overlap and are never added; the platform's "
        "claims hold refunds, and in video flow orders after a mere exposure.",
        ad_claims,
        "SELECT claim_kind, cycle, sum(claimed_orders)::BIGINT AS claimed, sum(credited_orders) AS credited, "
        "sum(claimed_gmv) AS claimed_gmv, sum(credited_gmv) AS credited_gmv FROM mart.ad_claims "
        "WHERE model = '{model}' GROUP BY ALL ORDER BY ALL",
        made_of=("raw/ad_claims_daily", "core/credits", "core/conversions", "core/refunds"),
        chart=Chart(
            "广告归因30天GMV · 每日",
            "SELECT business_date, sum(claimed_gmv) FROM mart.ad_claims WHERE cycle = 30 AND model = 'linear' "
            "GROUP BY ALL",
            "yuan",
        ),
        about_zh="广告平台归因给笔记广告点击的订单，按点击日和窗口，与各模型对同样点击的归因并列；窗口之间不相加。",
        figures="SELECT count(DISTINCT note_id) AS notes FROM mart.ad_claims",
    ),
)

AD_CLAIM_COLUMNS = {
    "claim_kind": "订单类型 · Which orders are claimed: outbound_paid, in_app_ordered, in_app_paid, in_app_presale, "
    "live_paid.",
    "claimed_orders": "广告归因订单 · Orders that the platform claims, of clicks on that day.",
}
