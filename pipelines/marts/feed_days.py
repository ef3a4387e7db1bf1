"""Which days of which feed have arrived, as a mart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import contract, feeds
from pipelines.arrivals import feed_days
from pipelines.charts import Chart
from pipelines.dates import as_of
from pipelines.marts.mart import HISTORY_DAYS, Mart, sales_maturity
from pipelines.row_checks import RowCheck

if TYPE_CHECKING:
    import duckdb

ARRIVED = """
    SELECT feed, count(DISTINCT business_date) FILTER (state IN ('arrived', 'late')) FROM mart.feed_days
    GROUP BY ALL ORDER BY 2, 1"""
WATCHED_DAYS = 30  # what has been missing for longer is known, and no news


def _feed_days(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return feed_days(connection).with_columns(maturity=sales_maturity(pl.col("business_date"), as_of(connection)))


def _arrived(feed: str) -> RowCheck:
    terms = contract(feed)
    return RowCheck(
        f"{feed}_arrived",
        f"Every day of {feed} is there when it is due, T+{terms.latency_days} at {terms.available_at:%H:%M}. "
        f"{terms.name_zh}按时到达。",
        f"""SELECT strftime(business_date, '%Y-%m-%d') || coalesce(' ' || source, '') AS day, 1
        FROM mart.feed_days WHERE feed = '{feed}' AND state = 'missing' AND business_date > as_of - {WATCHED_DAYS}
        ORDER BY day DESC""",
        f"overdue in {feed}",
        "land their files; until then these days are missing in every figure, not zero",
    )


FEED_DAYS = Mart(
    "feed_days",
    "数据到达",
    "Which days of which feed have arrived, when, and with how many rows. What is overdue is missing, never zero.",
    _feed_days,
    "SELECT feed AS 数据, coalesce(source, '—') AS 来源, state AS 状态, count(*) AS 天数, max(business_date) AS 最近 "
    "FROM mart.feed_days GROUP BY ALL ORDER BY 1, 2, 3 LIMIT 12",
    chart=Chart("已到的天数", ARRIVED, "count"),
    figures="SELECT count(*) FILTER (state = 'missing') AS 缺失天数, count(*) FILTER (state = 'late') AS 迟到天数 "
    "FROM mart.feed_days",
    about_zh="每个数据源、每一天是否到达、何时到达、多少行；到期未到的记为缺失，不当作 0。",
    made_of=("core/conversions", *(f"raw/{feed}" for feed in feeds())),
    checks=tuple(_arrived(feed) for feed in feeds() if contract(feed).latency_days is not None),
    by_brand=False,
    history_days=HISTORY_DAYS,
)
