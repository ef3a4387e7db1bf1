"""The marts of matching: how orders found their notes, and which found none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.charts import Chart
from pipelines.dates import as_of
from pipelines.marts.mart import HISTORY_DAYS, Mart, sales_maturity

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

MATCH_DAYS = 28  # how many days a report looks back on

MATCH_RATES = """
    WITH sums AS (
        SELECT paid_date AS business_date, channel, currency, coalesce(matched_by, 'none') AS matched_by,
            count(*) AS orders, sum(paid_fen)::BIGINT AS paid_fen
        FROM core.ways GROUP BY ALL
    )
    SELECT *, orders / sum(orders) OVER part AS order_share,
        paid_fen / nullif(sum(paid_fen) OVER part, 0) AS gmv_share
    FROM sums WINDOW part AS (PARTITION BY business_date, channel, currency)
    ORDER BY business_date, channel, currency, matched_by"""

UNMATCHED_ORDERS = """
    SELECT paid_date AS business_date, channel, currency, unmatched_because, count(*) AS orders,
        sum(paid_fen)::BIGINT AS paid_fen
    FROM core.matches WHERE matched_by = 'none' GROUP BY ALL ORDER BY ALL"""


def sold_by_day(query: str, /) -> Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]:
    """A function that gives the rows of a query of sales, which has `business_date`, with their maturity."""

    def rows(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        day = as_of(connection)
        return connection.sql(query).pl().with_columns(maturity=sales_maturity(pl.col("business_date"), day))

    return rows


ORDERS_BY_MATCH = """
    SELECT CASE matched_by WHEN 'click_id' THEN '点击' WHEN 'promotion_code' THEN '推广码' WHEN 'user_key' THEN '用户'
        WHEN 'identity_link' THEN '关联用户' ELSE '没有找到' END, sum(orders)
    FROM mart.match_rates GROUP BY ALL ORDER BY 2 DESC"""
UNMATCHED_BY_DAY = "SELECT business_date, sum(orders) FROM mart.unmatched_orders GROUP BY ALL"

MATCH_MARTS = (
    Mart(
        "match_rates",
        "匹配率",
        "How the orders of each day and channel found a note: by click, promotion code, user or linked user, or not "
        "at all. An order counts once, by its strongest evidence.",
        sold_by_day(MATCH_RATES),
        "SELECT matched_by AS 匹配方式, sum(orders)::BIGINT AS 订单, sum(paid_gmv) AS GMV FROM mart.match_rates "
        "GROUP BY ALL ORDER BY 2 DESC",
        made_of=("core/journeys",),
        chart=Chart("订单如何找到笔记", ORDERS_BY_MATCH, "count"),
        figures="SELECT sum(orders) AS orders, sum(orders) FILTER (matched_by <> 'none') / sum(orders) AS 匹配率 "
        "FROM mart.match_rates",
        history_days=HISTORY_DAYS,
        about_zh="每天、每个渠道的订单如何找到笔记：点击、推广码、用户、关联用户，或没有找到；每单只按最强的证据计一次。",
    ),
    Mart(
        "unmatched_orders",
        "未匹配订单",
        "Orders that found no note, by day, channel and reason; the lines stand in core.matches.",
        sold_by_day(UNMATCHED_ORDERS),
        "SELECT unmatched_because AS 原因, sum(orders)::BIGINT AS 订单, sum(paid_gmv) AS GMV "
        "FROM mart.unmatched_orders GROUP BY ALL ORDER BY 2 DESC",
        made_of=("core/journeys",),
        chart=Chart("每日未匹配订单", UNMATCHED_BY_DAY, "count"),
        figures="SELECT sum(orders) AS orders FROM mart.unmatched_orders",
        history_days=HISTORY_DAYS,
        about_zh="没有找到笔记的订单，按天、渠道和原因；逐行见 core.matches。",
    ),
)
