"""Touches and conversions become journeys, and journeys become credits."""

import dagster as dg

from models.register import MODELS, RULES
from pipelines.assets.common import LATE, daily_options, enter_late_dates, in_two_languages, page_link
from pipelines.charts import Chart
from pipelines.core.attributed import match_shares, replace_credits, replace_journeys
from pipelines.core.columns import COLUMNS
from pipelines.metadata import table_metadata
from pipelines.partitions import business_dates
from pipelines.resources import Warehouse
from pipelines.warehouse import transaction

# What Dagster shows of journeys and credits.
_LATELY = "WHERE paid_date > (SELECT max(paid_date) FROM core.conversions) - 30"
JOURNEYS_SHOWN = {
    "preview": f"""
        SELECT note_id, position, kind, age_us / 86400e6 AS 距付款天数 FROM core.journeys {_LATELY}
        ORDER BY paid_date DESC, conversion_id, position LIMIT 6""",
    "chart": Chart(
        "首次触点到付款的天数 · 订单",
        """SELECT days, count(*) FROM (
            SELECT first_age_us / 86400e6 AS age,
                CASE WHEN age < 1 THEN '不到 1 天' WHEN age < 3 THEN '1–3 天' WHEN age < 7 THEN '3–7 天'
                    WHEN age < 15 THEN '7–15 天' WHEN age < 30 THEN '15–30 天' ELSE '30 天以上' END AS days
            FROM core.ways WHERE touches > 0)
        GROUP BY days ORDER BY min(age)""",
        "count",
    ),
    "figures": """
        SELECT count(touches) AS orders, sum(touches) / count(touches) AS touches FROM core.ways""",
}
CREDITS_SHOWN = {
    "preview": f"""
        SELECT note_id, lane, first_touch, linear FROM core.credits {_LATELY}
        ORDER BY paid_date DESC, conversion_id, position LIMIT 6""",
    "chart": Chart(
        "近30天各链路分得的订单（linear）",
        f"""SELECT coalesce(name_zh, lane), sum(linear) FROM core.credits LEFT JOIN reference.lanes USING (lane)
        {_LATELY} GROUP BY ALL ORDER BY 2 DESC""",
        "count",
    ),
    "figures": f"""
        SELECT sum(linear) AS 近30天订单, count(DISTINCT note_id) AS 近30天笔记 FROM core.credits {_LATELY}""",
}


@dg.asset(
    key=["core", "journeys"],
    deps=[
        ["core", "touches"],
        ["core", "conversions"],
        ["core", "code_matches"],
        ["raw", "identity_links"],
        ["raw", "notes"],
    ],
    **daily_options("attribution", {"polars", "duckdb"}),
    description=in_two_languages(
        "旅程",
        "每个订单付款前、回溯窗口内的触点，按先后排列。",
        "The touches of each order inside its look-back windows, in their order.",
    ),
)
def core_journeys(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection, transaction(connection):
        late = replace_journeys(connection, *business_dates(context))
        shares = match_shares(connection)
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
        late = replace_credits(connection, *business_dates(context))
        metadata = table_metadata(connection, "core.credits", descriptions=COLUMNS | _model_names(), **CREDITS_SHOWN)
    enter_late_dates(context, late)
    return dg.MaterializeResult(
        metadata=metadata | {"models": ", ".join(RULES), LATE: len(late)} | page_link(warehouse.home)
    )


def _model_names() -> dict[str, str]:
    return {name: f"{MODELS[name].name_zh} · Share of the order by the model {MODELS[name].name_en}." for name in RULES}


attribution_assets = [core_journeys, core_credits]
