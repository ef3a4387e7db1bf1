"""Touches and conversions become journeys, and journeys become credits."""

import dagster as dg
import duckdb
import polars as pl

from data_contracts.reference import reach_days, windows
from models.credits import credits as credit
from models.journeys import journeys
from models.register import MODELS, RULES
from pipelines.assets.common import LATE, daily_options, enter_late_dates, in_two_languages, page_link
from pipelines.buckets import bucket_ranges
from pipelines.charts import Chart
from pipelines.core.columns import COLUMNS
from pipelines.dates import settle_dates, to_be_made
from pipelines.metadata import table_metadata
from pipelines.partitions import business_dates
from pipelines.resources import Warehouse
from pipelines.settings import attribution_scope
from pipelines.warehouse import create_table, transaction

# What a step reads; the table `dates` holds the conversion dates that it makes, a bucket is a part of the users.
_REACH = f"""touch_date BETWEEN (SELECT min(business_date) FROM dates) - {reach_days() + 1}
    AND (SELECT max(business_date) FROM dates)"""
_TOUCHES_IN_REACH = f"SELECT count(*) FROM core.touches WHERE {_REACH}"
_JOURNEYS = "SELECT count(*) FROM core.journeys WHERE paid_date IN (FROM dates)"
_STORED = "FROM core.journeys WHERE paid_date IN (FROM dates) AND bucket BETWEEN {low} AND {high}"
_ORDERS = "FROM core.conversions WHERE paid_date IN (FROM dates) AND bucket BETWEEN {low} AND {high}"
# Beside the touches of these users, the clicks of anybody that one of their orders carries.
_TOUCHES = f"""
    SELECT note_id, user_key, touched_at, kind, click_id FROM core.touches
    WHERE {_REACH}
      AND (bucket BETWEEN {{low}} AND {{high}} OR click_id IN (SELECT click_id FROM ({_ORDERS})))"""

# What Dagster shows of journeys and credits.
JOURNEYS_SHOWN = {
    "preview": """
        SELECT note_id, position, kind, age_us / 86400e6 AS 距付款天数 FROM core.journeys
        ORDER BY paid_date DESC, conversion_id, position LIMIT 6""",
    "chart": Chart(
        "首次触点到付款的天数 · 订单",
        """SELECT days, count(*) FROM (
            SELECT conversion_id, max(age_us) / 86400e6 AS age,
                CASE WHEN age < 1 THEN '不到 1 天' WHEN age < 3 THEN '1–3 天' WHEN age < 7 THEN '3–7 天'
                    WHEN age < 15 THEN '7–15 天' WHEN age < 30 THEN '15–30 天' ELSE '30 天以上' END AS days
            FROM core.journeys GROUP BY conversion_id)
        GROUP BY days ORDER BY min(age)""",
        "count",
    ),
    "figures": """
        SELECT count(DISTINCT conversion_id) AS orders, count(*)::DOUBLE / count(DISTINCT conversion_id) AS touches
        FROM core.journeys""",
}
CREDITS_SHOWN = {
    "preview": """
        SELECT note_id, lane, first_touch, linear FROM core.credits
        ORDER BY paid_date DESC, conversion_id, position LIMIT 6""",
    "chart": Chart(
        "各链路分得的订单（linear）",
        """SELECT coalesce(name_zh, lane), sum(linear) FROM core.credits LEFT JOIN reference.lanes USING (lane)
        GROUP BY ALL ORDER BY 2 DESC""",
        "count",
    ),
    "figures": """
        SELECT sum(linear) AS orders, count(DISTINCT note_id) AS notes FROM core.credits""",
}


@dg.asset(
    key=["core", "journeys"],
    deps=[["core", "touches"], ["core", "conversions"], ["raw", "notes"]],
    **daily_options("attribution", {"polars", "duckdb"}),
    description=in_two_languages(
        "旅程",
        "每个订单付款前、回溯窗口内的触点，按先后排列。",
        "The touches of each order inside its look-back windows, in their order.",
    ),
)
def core_journeys(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection, transaction(connection):
        late = to_be_made(connection, "journeys", *business_dates(context))
        connection.execute("DELETE FROM core.journeys WHERE paid_date IN (FROM dates)")
        notes = connection.sql("SELECT note_id, brand, lane, category, product_ids FROM raw.notes").pl()
        for low, high in bucket_ranges(_count(connection, _TOUCHES_IN_REACH)):
            orders = connection.sql(_ORDERS.format(low=low, high=high)).pl()
            touches = connection.sql(_TOUCHES.format(low=low, high=high)).pl()
            found = journeys(touches, orders, notes, windows(), scope=attribution_scope())
            _insert(connection, "core.journeys", _storable(found))
        settle_dates(connection, "journeys", next_asset="credits")
        shares = _match_shares(connection)
        metadata = table_metadata(connection, "core.journeys", descriptions=COLUMNS, **JOURNEYS_SHOWN)
    enter_late_dates(context, late)
    return dg.MaterializeResult(metadata=metadata | shares | {LATE: len(late)} | page_link(warehouse.home))


@dg.asset(
    key=["core", "credits"],
    deps=[["core", "journeys"]],
    **daily_options("attribution", {"polars", "duckdb"}),
    description=in_two_languages(
        "贡献",
        "每个订单由各篇笔记分得的份额，一个归因模型一列；每个订单的份额合计为 1。",
        "The share of each order that each note earned, one column for each model.",
    ),
)
def core_credits(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection, transaction(connection):
        create_table(connection, "core.credits", dict.fromkeys(RULES, "DOUBLE"))
        late = to_be_made(connection, "credits", *business_dates(context))
        connection.execute("DELETE FROM core.credits WHERE paid_date IN (FROM dates)")
        for low, high in bucket_ranges(_count(connection, _JOURNEYS)):
            stored = connection.sql(_STORED.format(low=low, high=high)).pl()
            _insert(connection, "core.credits", credit(_as_journeys(stored)))
        settle_dates(connection, "credits")
        metadata = table_metadata(connection, "core.credits", descriptions=COLUMNS | _model_names(), **CREDITS_SHOWN)
    enter_late_dates(context, late)
    return dg.MaterializeResult(
        metadata=metadata | {"models": ", ".join(RULES), LATE: len(late)} | page_link(warehouse.home)
    )


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    """Add rows of conversions, with the date and bucket of each."""
    connection.execute(f"""
        INSERT INTO {table} BY NAME
        SELECT rows.*, c.paid_date, c.bucket FROM rows JOIN core.conversions AS c USING (conversion_id)""")


def _storable(found: pl.DataFrame) -> pl.DataFrame:
    """Ages as whole microseconds: DuckDB's intervals have months, and do not come back as durations."""
    return found.with_columns(age_us=pl.col("age").dt.total_microseconds()).drop("age")


def _as_journeys(stored: pl.DataFrame) -> pl.DataFrame:
    return stored.with_columns(age=pl.col("age_us").cast(pl.Duration("us")))


def _model_names() -> dict[str, str]:
    return {name: f"{MODELS[name].name_zh} · Share of the order by the model {MODELS[name].name_en}." for name in RULES}


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def _match_shares(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """How the orders of these dates found their notes: by click id, by user, or not at all."""
    rows = connection.execute("""
        WITH matched AS (
            SELECT conversion_id, bool_or(matched_by = 'click_id') AS by_click FROM core.journeys
            WHERE paid_date IN (FROM dates) GROUP BY ALL)
        SELECT count(*), count(by_click) FILTER (by_click), count(by_click) FILTER (NOT by_click)
        FROM core.conversions LEFT JOIN matched USING (conversion_id) WHERE paid_date IN (FROM dates)""").fetchall()
    orders, by_click, by_user = rows[0]
    if not orders:
        return {}
    return {
        "点击匹配 orders matched by click": by_click / orders,
        "用户匹配 orders matched by user": by_user / orders,
        "未匹配 orders not matched": (orders - by_click - by_user) / orders,
    }


attribution_assets = [core_journeys, core_credits]
