"""Credits and spend become marts."""

import dagster as dg
import polars as pl

from models.grain import earned_at_grain
from models.register import RULES
from models.roi import rollup
from pipelines.assets.common import asset_options
from pipelines.buckets import credited_parts
from pipelines.core.columns import COLUMNS as CORE_COLUMNS
from pipelines.dates import as_of
from pipelines.marts.columns import COLUMNS
from pipelines.marts.mart import Mart
from pipelines.marts.store import store_mart
from pipelines.marts.tables import MARTS
from pipelines.metadata import bar_chart, table_metadata
from pipelines.resources import Warehouse
from pipelines.warehouse import transaction

SHOWN_MODEL = "linear"


@dg.asset(
    key=["core", "earned"],
    deps=[["core", "credits"], ["core", "conversions"], ["core", "refunds"]],
    **asset_options("attribution", {"polars", "duckdb"}),
    description="归因金额 · What each note earned by every model in exact fen, and what no note earned, "
    "added up to the grain of the marts.",
)
def core_earned(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection, transaction(connection):
        day = as_of(connection)
        parts = [
            earned_at_grain(credited, orders, refunds, models=list(RULES), as_of=day)
            for credited, orders, refunds in credited_parts(connection, models=len(RULES))
        ]
        sums = rollup(pl.concat(parts)).with_columns(as_of=day)  # noqa: F841 - DuckDB reads it by name
        connection.execute("CREATE OR REPLACE TABLE core.earned AS FROM sums")
        return dg.MaterializeResult(metadata=table_metadata(connection, "core.earned", descriptions=CORE_COLUMNS))


def mart_asset(mart: Mart) -> dg.AssetsDefinition:
    """The asset of one mart: the newest figures in `mart`, and those of each earlier date in `history`."""

    @dg.asset(
        key=["mart", mart.name],
        deps=[name.split("/") for name in mart.made_of],
        **asset_options("marts", {"duckdb", "polars"}),
        description=f"{mart.name_zh} · {mart.description}",
    )
    def table(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        with warehouse.open(context) as connection, transaction(connection):
            store_mart(connection, mart.name, mart.rows(connection))
            metadata = table_metadata(
                connection, f"mart.{mart.name}", descriptions=COLUMNS, preview=mart.preview.format(model=SHOWN_MODEL)
            )
            if mart.chart:
                metadata["chart"] = bar_chart(connection.execute(_chart_query(mart)).fetchall())
        return dg.MaterializeResult(metadata=metadata)

    return table


def _chart_query(mart: Mart) -> str:
    label, value = mart.chart or ("", "")
    return f"""
        SELECT {label}, {value}::DOUBLE FROM mart.{mart.name}
        WHERE model = '{SHOWN_MODEL}' AND {value} IS NOT NULL AND {label} IS NOT NULL ORDER BY 2 DESC LIMIT 8"""


mart_assets = [core_earned, *(mart_asset(mart) for mart in MARTS)]
