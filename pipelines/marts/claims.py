"""What an exchange claims of each note beside what models credit, and sales that are claimed twice. Never blended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.reference import refund_days
from models.claims import KEY, credited_within
from models.earnings import earned
from models.maturity import maturity
from models.register import RULES
from pipelines.buckets import credited_parts
from pipelines.charts import Chart
from pipelines.core.sales import BUYER
from pipelines.core.views import bounds
from pipelines.dates import as_of
from pipelines.marts.mart import Mart, sales_maturity

if TYPE_CHECKING:
    import duckdb

CYCLES = (15, 30)


def _bounded(column: str, name: str) -> str:
    """The claimed figure, and the ends of the interval in which it lies: of `<100`, 0 and 99."""
    lower, upper = bounds(column)
    return f"{column} AS {name}, {lower} AS {name}_lower, {upper} AS {name}_upper"


CLAIMS = f"""
    WITH spent AS (
        SELECT note_id, spend_date, currency, sum(amount_fen)::BIGINT AS in_task_spend_fen
        FROM core.task_spend WHERE payer = 'brand' AND in_task GROUP BY ALL
    )
    SELECT exchange, task_id, claims.note_id, claim_date AS business_date, cycle, flow_type, claims.currency,
        {_bounded("read_uv", "claimed_read_uv")}, {_bounded("visit_uv", "claimed_visit_uv")},
        {_bounded("favourite_uv", "claimed_favourite_uv")}, {_bounded("cart_uv", "claimed_cart_uv")},
        {_bounded("order_uv", "claimed_order_uv")},
        visit_uv / nullif(read_uv, 0) AS claimed_visit_rate, cart_uv / nullif(visit_uv, 0) AS claimed_cart_rate,
        order_uv / nullif(visit_uv, 0) AS claimed_conversion_rate,
        (shop_gmv * 100)::BIGINT AS claimed_fen, (task_product_gmv * 100)::BIGINT AS claimed_task_fen,
        in_task_spend_fen, in_task_spend_fen / 100 / nullif(visit_uv, 0) AS cpuv
    FROM raw.exchange_note_daily AS claims
    LEFT JOIN spent ON spent.note_id = claims.note_id AND spent.spend_date = claim_date
        AND spent.currency = claims.currency
    WHERE level = 'content' AND claim_date <= $day"""
# The last touch of each order on a claimed note: how old it was.
LAST_TOUCHES = """
    CREATE OR REPLACE TEMP TABLE last_touches AS SELECT conversion_id, note_id, min(age_us) AS age_us FROM core.journeys
    SEMI JOIN raw.exchange_note_daily USING (note_id) GROUP BY ALL"""
OF_CLAIMED = "conversion_id IN (SELECT conversion_id FROM last_touches)"
EXCHANGES = "SELECT channel, exchange FROM reference.channels WHERE exchange IS NOT NULL"


def claims(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """A row for every model and claim of a note, with what the model credits in the same shop, day and cycle."""
    day = as_of(connection)
    claimed = connection.sql(CLAIMS, params={"day": day}).pl()
    every_model = pl.DataFrame({"model": sorted(RULES)}, {"model": pl.String})
    key = ["model", "exchange", "note_id", "business_date", "cycle", "currency"]
    return (
        every_model.join(claimed, how="cross")
        .join(_credited(connection), on=key, how="left")
        .with_columns(pl.col("credited_orders", "credited_fen").fill_null(0))
        .with_columns(claim_difference_fen=pl.col("credited_fen") - pl.col("claimed_fen"))
        .with_columns(maturity=_maturity(day))
        .sort(*key, "task_id", "flow_type", nulls_last=True)
    )


def _maturity(day: object) -> pl.Expr:
    """An exchange restates a day until its cycle is over."""
    closes = pl.col("business_date") + pl.duration(days=pl.col("cycle"))
    return maturity(closes, as_of=day, refund_days=refund_days())  # type: ignore[arg-type]


def _credited(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What models credit claimed notes with, in the key of claims."""
    connection.execute(LAST_TOUCHES)
    ages = connection.sql("FROM last_touches").pl()
    ages = ages.with_columns(age=pl.col("age_us").cast(pl.Duration("us"))).drop("age_us")
    parts = [
        credited_within(
            earned(
                credited,
                orders,
                refunds,
                models=list(RULES),
                as_of=as_of(connection),
            ),
            ages,
            cycles=CYCLES,
        )
        for credited, orders, refunds in credited_parts(connection, models=len(RULES), chosen=OF_CLAIMED)
    ]
    sums = pl.concat(parts).group_by(KEY).sum().join(connection.sql(EXCHANGES).pl(), on="channel")
    return (
        sums.rename({"paid_date": "business_date", "orders": "credited_orders"})
        .group_by("model", "exchange", "note_id", "business_date", "cycle", "currency")
        .agg(pl.col("credited_orders", "credited_fen").sum())
    )


# Each part finds sales that are claimed more than once, and bounds how much: aggregated claims seldom tell more.
DOUBLE_CLAIMS = f"""
    WITH notes AS (
        SELECT exchange, task_id, note_id, claim_date AS business_date, cycle, flow_type, currency,
            order_uv, (shop_gmv * 100)::BIGINT AS fen
        FROM raw.exchange_note_daily WHERE level = 'content' AND claim_date <= $day
    ), tasks AS (
        SELECT exchange, task_id, claim_date AS business_date, cycle, flow_type, currency, order_uv,
            (shop_gmv * 100)::BIGINT AS fen
        FROM raw.exchange_note_daily WHERE level = 'task'
    ), shops AS (
        SELECT exchange, paid_date AS business_date, currency, sum(paid_fen)::BIGINT AS fen,
            count(DISTINCT {BUYER}) AS buyers
        FROM core.conversions JOIN reference.channels USING (channel) WHERE exchange IS NOT NULL GROUP BY ALL
    ), windows AS (
        -- What was ordered within 15 days was also ordered within 30: the shorter claim lies inside the longer one.
        SELECT 'windows' AS claimed_by, exchange, task_id, note_id, business_date, currency, count(*) AS claims,
            sum(fen)::BIGINT AS claimed_fen, max(fen) AS basis_fen, min(fen) AS twice_at_least_fen,
            min(fen) AS twice_at_most_fen, min(order_uv) AS fewest_buyers
        FROM notes WHERE fen > 0 GROUP BY exchange, task_id, note_id, business_date, currency, flow_type
        HAVING count(DISTINCT cycle) > 1
    ), by_exchange AS (
        -- A note in several tasks claims the same readers in each.
        SELECT exchange, note_id, business_date, cycle, currency, max(fen) AS fen,
            max(order_uv) AS order_uv
        FROM notes GROUP BY ALL
    ), exchanges AS (
        -- Two exchanges claim the orders of the same readers, each in its own shop: at most the lesser claim twice.
        SELECT 'exchanges' AS claimed_by, string_agg(exchange, '+' ORDER BY exchange) AS exchange, note_id,
            cycle, business_date, currency, count(*) AS claims, sum(fen)::BIGINT AS claimed_fen,
            0 AS twice_at_least_fen, min(fen) AS twice_at_most_fen, min(order_uv) AS fewest_buyers
        FROM by_exchange WHERE fen > 0 GROUP BY note_id, cycle, business_date, currency HAVING count(*) > 1
    ), of_task AS (
        -- Notes of one task: what they claim beyond the task's own row is claimed by two of them.
        SELECT 'notes_of_task' AS claimed_by, notes.exchange, notes.task_id, notes.cycle,
            notes.business_date, notes.currency, count(*) AS claims, sum(notes.fen)::BIGINT AS claimed_fen,
            any_value(tasks.fen) AS basis_fen, sum(notes.order_uv)::BIGINT AS claimed_order_uv,
            any_value(tasks.order_uv) AS basis_order_uv,
            greatest(claimed_fen - basis_fen, 0) AS twice_at_least_fen,
            greatest(claimed_fen - max(notes.fen), 0) AS twice_at_most_fen, max(notes.order_uv) AS fewest_buyers
        FROM notes JOIN tasks USING (exchange, task_id, business_date, cycle, flow_type, currency)
        GROUP BY ALL HAVING claimed_fen > basis_fen OR claimed_order_uv > basis_order_uv
    ), of_shop AS (
        -- Notes of one shop: together they cannot have brought more than the shop sold.
        SELECT 'notes_of_shop' AS claimed_by, exchange, cycle, business_date, currency,
            count(*) AS claims, sum(by_exchange.fen)::BIGINT AS claimed_fen, any_value(shops.fen) AS basis_fen,
            claimed_fen - basis_fen AS twice_at_least_fen,
            greatest(claimed_fen - max(by_exchange.fen), 0) AS twice_at_most_fen,
            least(any_value(shops.buyers), max(by_exchange.order_uv)) AS fewest_buyers
        FROM by_exchange JOIN shops USING (exchange, business_date, currency)
        GROUP BY exchange, cycle, business_date, currency HAVING claimed_fen > basis_fen
    ), lines AS (
        SELECT conversion_id, count(*) AS claims FROM core.code_matches GROUP BY ALL HAVING count(*) > 1
    ), orders AS (
        -- Order lines that carry codes of several notes: here each sale is known.
        SELECT 'orders' AS claimed_by, exchange, paid_date AS business_date,
            currency, sum(claims)::BIGINT AS claims, sum(paid_fen * claims)::BIGINT AS claimed_fen,
            sum(paid_fen)::BIGINT AS basis_fen, claimed_fen - basis_fen AS twice_at_least_fen,
            claimed_fen - basis_fen AS twice_at_most_fen, count(DISTINCT {BUYER}) AS fewest_buyers
        FROM core.conversions JOIN lines USING (conversion_id) LEFT JOIN reference.channels USING (channel) GROUP BY ALL
    )
    FROM windows UNION ALL BY NAME FROM exchanges UNION ALL BY NAME FROM of_task UNION ALL BY NAME FROM of_shop
    UNION ALL BY NAME FROM orders ORDER BY ALL NULLS LAST"""


def double_claims(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Claims of which a part is claimed more than once, one row for each place where that shows."""
    day = as_of(connection)
    found = connection.sql(DOUBLE_CLAIMS, params={"day": day}).pl()
    return found.with_columns(maturity=sales_maturity(pl.col("business_date"), day))


CLAIM_MARTS = (
    Mart(
        "claims",
        "平台归因对照",
        "What an exchange claims of each note, day and cycle, side by side with what each model credits in the same "
        "shop, day and cycle. Cycles of 15 and 30 days overlap and are never added; UV are never added.",
        claims,
        "SELECT exchange AS 合作方, cycle, count(DISTINCT note_id) AS 笔记, sum(claimed_gmv) AS claimed_gmv, "
        "sum(credited_gmv) AS credited_gmv FROM mart.claims WHERE model = '{model}' GROUP BY ALL ORDER BY 1, 2",
        made_of=("raw/exchange_note_daily", "core/credits", "core/conversions", "core/refunds", "core/spend"),
        chart=Chart(
            "平台归因30天GMV · 每日",
            "SELECT business_date, sum(claimed_gmv) FROM mart.claims WHERE cycle = 30 AND model = 'linear' "
            "GROUP BY ALL",
            "yuan",
        ),
        about_zh="数据合作方对每篇笔记、每天、每个周期的归因，与各模型在同一店铺、同一天、同一周期的归因并列；"
        "15 天与 30 天不相加。",
        figures="SELECT count(DISTINCT note_id) AS notes FROM mart.claims",
    ),
    Mart(
        "double_claims",
        "重复归因",
        "Where a sale is claimed more than once: by two windows, two exchanges, two notes of a task or a shop, or two "
        "codes on one order line. Aggregated claims only bound how much; order lines tell it exactly.",
        double_claims,
        "SELECT claimed_by AS 类型, count(*) AS 处, sum(twice_at_least_gmv) AS 至少, sum(twice_at_most_gmv) AS 至多 "
        "FROM mart.double_claims GROUP BY ALL ORDER BY 3 DESC",
        made_of=("raw/exchange_note_daily", "core/conversions", "core/code_matches"),
        chart=Chart(
            "重复归因 · 至少",
            "SELECT claimed_by, sum(twice_at_least_gmv) FROM mart.double_claims GROUP BY ALL ORDER BY 2 DESC",
            "yuan",
        ),
        about_zh="同一销售被重复归因之处：两个周期、两个合作方、同一任务或店铺的两篇笔记、同一订单行的两个推广码；汇总数据只能给出上下限。",
        figures="SELECT count(*) AS found FROM mart.double_claims",
    ),
)
