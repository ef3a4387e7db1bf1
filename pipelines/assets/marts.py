"""Credits and spend become marts."""

import dagster as dg

from pipelines.assets.common import asset_options, in_two_languages, page_link
from pipelines.charts import Chart
from pipelines.core.attributed import make_earned
from pipelines.core.buyers import make_buyers
from pipelines.core.columns import COLUMNS as CORE_COLUMNS
from pipelines.marts.columns import COLUMNS
from pipelines.marts.mart import Mart
from pipelines.marts.shown import SHOWN_MODEL, shown
from pipelines.marts.store import mart_rows, store_mart
from pipelines.marts.tables import MARTS
from pipelines.metadata import table_metadata
from pipelines.resources import Warehouse
from pipelines.row_checks import row_check_results, row_check_specs
from pipelines.targets import report_settings
from pipelines.warehouse import transaction

_SHOWN_ROWS = f"""
    core.earned WHERE model = '{SHOWN_MODEL}' AND currency = (SELECT mode(currency) FROM core.earned)"""
EARNED_SHOWN = {
    "preview": f"""
        SELECT note_id, sum(orders) AS orders, sum(credited_fen) / 100 AS 归因金额 FROM {_SHOWN_ROWS}
        AND note_id IS NOT NULL GROUP BY ALL ORDER BY 3 DESC, 1 LIMIT 6""",
    "chart": Chart(
        f"每日归因金额（{SHOWN_MODEL}）",
        f"SELECT paid_date, sum(credited_fen) / 100 FROM {_SHOWN_ROWS} GROUP BY ALL",
        "yuan",
    ),
    "figures": f"""
        SELECT sum(credited_fen) / 100 AS 归因金额, sum(unattributed_fen) / 100 AS 未归因金额,
            (sum(credited_fen) / (sum(credited_fen) + sum(unattributed_fen)))::DOUBLE AS 归因占比 FROM {_SHOWN_ROWS}""",
}


@dg.asset(
    key=["core", "earned"],
    deps=[["core", "credits"], ["core", "conversions"], ["core", "refunds"]],
    **asset_options("attribution", {"polars", "duckdb"}),
    description=in_two_languages(
        "归因金额",
        "每篇笔记按各模型分得的金额，精确到分，以及没有笔记分得的金额。",
        "What each note earned by every model in exact fen, and what no note earned, at the grain of the marts.",
    ),
)
def core_earned(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection:
        made = make_earned(connection)
        make_buyers(connection)
        metadata = table_metadata(connection, "core.earned", descriptions=CORE_COLUMNS, **EARNED_SHOWN)
    return dg.MaterializeResult(metadata=metadata | {"dates made": made} | page_link(warehouse.home))


def mart_asset(mart: Mart) -> dg.AssetsDefinition:
    """The asset of one mart: the newest figures in `mart`, and those of each earlier date in `history`."""

    @dg.asset(
        key=["mart", mart.name],
        deps=[name.split("/") for name in mart.made_of],
        **asset_options("marts", {"duckdb", "polars"}),
        description=in_two_languages(mart.name_zh, mart.about_zh, mart.description),
        check_specs=row_check_specs(f"mart.{mart.name}", mart.checks),
    )
    def table(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        with warehouse.open(context) as connection:
            rows = mart_rows(connection, mart)
            with transaction(connection):
                store_mart(connection, mart.name, rows)
            told = shown(connection, mart, privacy_k=report_settings(warehouse.home).privacy_k)
            metadata = table_metadata(connection, f"mart.{mart.name}", descriptions=COLUMNS, **told)
            checks = list(row_check_results(connection, f"mart.{mart.name}", mart.checks))
        return dg.MaterializeResult(metadata=metadata | page_link(warehouse.home), check_results=checks)

    return table


mart_assets = [core_earned, *(mart_asset(mart) for mart in MARTS)]
