"""The marts of buyers and their ways: how many stand behind each figure, how long they took, which way they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from models.register import RULES
from pipelines.charts import Chart
from pipelines.core.buyers import BIT_OF, COUNTS
from pipelines.dates import as_of
from pipelines.marts.claim_buyers import of_claims
from pipelines.marts.mart import Mart, sales_maturity
from pipelines.marts.matches import MATCH_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

_OF_MODELS = ", ".join(
    f"coalesce(sum(n) FILTER ({count} & {bit} > 0), 0)::BIGINT AS '{model}|{count}'"
    for model, bit in BIT_OF.items()
    for count in COUNTS
)
CREDITED = f"""
    SELECT level, key, currency, {_OF_MODELS} FROM (
        SELECT level, key, currency, {", ".join(COUNTS)}, count(*) AS n FROM core.credited_buyers GROUP BY ALL
    ) GROUP BY ALL"""


# At the levels of orders: who bought what no note earned. The same for every model, since each credits every journey.
OF_NO_NOTE = """
    SELECT level, CASE level WHEN 'all' THEN 'all' WHEN 'category' THEN category ELSE channel END AS key, currency,
        count(DISTINCT buyer) AS unattributed_buyers
    FROM core.ways, (VALUES ('all'), ('category'), ('channel')) AS l(level) WHERE touches IS NULL GROUP BY ALL"""
ORDER_LEVELS = ("all", "category", "channel")


# By what orders of late found their notes, and why they found none.
OF_MATCHES = f"""
    SELECT 'observed' AS model, level, key, currency, count(DISTINCT buyer) AS buyers FROM (
        SELECT level, ways.currency, buyer,
            ways.channel || '|' || if(level = 'match', matches.matched_by, unmatched_because) AS key
        FROM core.matches JOIN core.ways USING (paid_date, conversion_id), (VALUES ('match'), ('unmatched')) AS l(level)
        WHERE paid_date > $day - {MATCH_DAYS}
    ) WHERE key IS NOT NULL GROUP BY ALL"""


def _buyers(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    credited = pl.concat([connection.sql(CREDITED).pl(), of_claims(connection, _OF_MODELS)])
    wide = credited.join(
        connection.sql(OF_NO_NOTE).pl(), on=["level", "key", "currency"], how="full", coalesce=True, nulls_equal=True
    )
    none_left = pl.when(pl.col("level").is_in(ORDER_LEVELS)).then(pl.col("unattributed_buyers").fill_null(0))
    wide = wide.with_columns(cs.contains("|").fill_null(0), unattributed_buyers=none_left)
    parts = [
        wide.select(
            "level",
            "key",
            "currency",
            *(pl.col(f"{m}|{n}").alias(n) for n in COUNTS),
            "unattributed_buyers",
            model=pl.lit(m, pl.String),
        )
        for m in RULES
    ]
    share = pl.col("new_customers") / pl.when(pl.col("known_buyers") > 0).then("known_buyers")
    (last_paid,) = connection.execute("SELECT max(paid_date) FROM core.conversions").fetchall()[0]
    matched = connection.sql(OF_MATCHES, params={"day": as_of(connection)}).pl()
    return (
        pl.concat([*parts, matched], how="diagonal_relaxed")
        .with_columns(
            pl.when(pl.col("known_buyers") > 0).then("new_customers").alias("new_customers"),
            new_customer_share=share,
            maturity=sales_maturity(pl.lit(last_paid, dtype=pl.Date), as_of(connection)),
        )
        .drop("known_buyers")
        .sort("model", "level", "key", "currency", nulls_last=True)
    )


# The last days of each band; the first is the day of purchase itself.
BANDS = (0, 3, 7, 14, 30)

LAG = f"""
WITH sold AS (
    SELECT category, currency, paid_fen, first_age_us // 86_400_000_000 AS days, buyer,
        len(list_filter({list(BANDS)}, lambda last: days > last))::INTEGER AS band
    FROM core.ways WHERE touches > 0
), medians AS (SELECT category, currency, quantile_disc(days, 0.5)::INTEGER AS median_days FROM sold GROUP BY ALL)
SELECT sold.category, sold.currency, band, any_value(median_days) AS median_days,
    count(*) AS order_lines, count(DISTINCT buyer) AS buyers, sum(paid_fen)::BIGINT AS paid_fen
FROM sold JOIN medians ON sold.category IS NOT DISTINCT FROM medians.category AND sold.currency = medians.currency
GROUP BY sold.category, sold.currency, band ORDER BY ALL NULLS LAST"""

PATHS = """
SELECT path, steps, currency, count(*) AS order_lines, count(DISTINCT buyer) AS buyers,
    sum(paid_fen)::BIGINT AS paid_fen
FROM core.ways WHERE touches > 0
GROUP BY ALL ORDER BY order_lines DESC, path, currency LIMIT 200"""


def _observed(query: str) -> Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]:
    def rows(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        (last_paid,) = connection.execute("SELECT max(paid_date) FROM core.conversions").fetchall()[0]
        state = sales_maturity(pl.lit(last_paid, dtype=pl.Date), as_of(connection))
        return connection.sql(query).pl().with_columns(maturity=state)

    return rows


BUYERS_BY_CATEGORY = """
    SELECT coalesce(name_zh, key, '未归类'), buyers FROM mart.buyers LEFT JOIN reference.categories ON category = key
    WHERE model = 'linear' AND level = 'category' ORDER BY 2 DESC"""
ORDERS_BY_BAND = """
    SELECT ['当天', '1–3天', '4–7天', '8–14天', '15–30天', '30天以上'][band::INTEGER + 1], sum(order_lines)
    FROM mart.purchase_lag GROUP BY band ORDER BY band"""
ORDERS_BY_STEPS = """
    SELECT if(steps < 6, steps || ' 个', '6 个及以上'), sum(order_lines) FROM mart.common_paths
    GROUP BY ALL ORDER BY min(steps)"""

BUYER_MARTS = (
    Mart(
        "buyers",
        "购买人群",
        "How many buyers stand behind the credited orders of each category, channel, lane, note, creator and campaign, "
        "and how many of them were new customers. Buyers are not to be added over keys.",
        _buyers,
        "SELECT level, key, buyers, new_customers, new_customer_share FROM mart.buyers "
        "WHERE model = '{model}' AND level IN ('all', 'category') ORDER BY level, buyers DESC LIMIT 8",
        made_of=(
            *("core/earned", "core/credits", "core/conversions", "core/journeys", "raw/notes"),
            *("raw/exchange_note_daily", "raw/ad_claims_daily"),
        ),
        chart=Chart("各类目购买人数（linear）", BUYERS_BY_CATEGORY, "count"),
        figures="SELECT buyers, new_customers, new_customer_share FROM mart.buyers "
        "WHERE model = 'linear' AND level = 'all' ORDER BY buyers DESC LIMIT 1",
        about_zh="各类目、渠道、链路、笔记、博主和项目的归因订单背后有多少购买人数，其中多少是新客；人数不可跨行相加。",
    ),
    Mart(
        "purchase_lag",
        "决策周期",
        "Days from the first touch of a journey to its purchase, by category. Windows cut what took longer.",
        _observed(LAG),
        "SELECT category AS 类目, sum(order_lines) AS 订单, any_value(median_days) AS 中位天数 FROM mart.purchase_lag "
        "GROUP BY ALL ORDER BY 2 DESC LIMIT 8",
        made_of=("core/journeys", "core/conversions"),
        chart=Chart("从首次触达到购买 · 订单", ORDERS_BY_BAND, "count"),
        figures="SELECT sum(order_lines) AS order_lines FROM mart.purchase_lag",
        about_zh="各类目的订单在首次触达后多少天成交；超出回溯窗口的不在其中。",
    ),
    Mart(
        "common_paths",
        "常见路径",
        "The ways by which orders came: lanes and kinds of touch in their order, repeats in a row told once.",
        _observed(PATHS),
        "SELECT path, order_lines, paid_gmv FROM mart.common_paths ORDER BY order_lines DESC LIMIT 8",
        made_of=("core/journeys", "core/conversions"),
        chart=Chart("路径的触点数 · 订单", ORDERS_BY_STEPS, "count"),
        figures="SELECT sum(order_lines) AS order_lines, count(DISTINCT path) AS paths FROM mart.common_paths",
        about_zh="订单走过的路径：链路与触点类型按先后排列，连续重复只算一次。",
    ),
)
