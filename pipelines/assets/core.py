"""Raw feeds become the core tables."""

import dagster as dg

from pipelines.assets.common import daily_options
from pipelines.core.columns import COLUMNS
from pipelines.core.make import replace_dates
from pipelines.core.tables import CORE, CoreTable
from pipelines.metadata import table_metadata
from pipelines.partitions import business_dates
from pipelines.resources import Warehouse


def core_asset(table: CoreTable) -> dg.AssetsDefinition:
    """The asset of one core table: the run's dates, and those that late files have outdated."""

    @dg.asset(
        key=["core", table.name],
        deps=[["reference", "tables"], *(["raw", feed] for feed in table.sources)],
        **daily_options("core", {"duckdb"}),
        description=table.description,
    )
    def core(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        with warehouse.open(context) as connection:
            also = replace_dates(connection, table, *business_dates(context))
            metadata = table_metadata(connection, f"core.{table.name}", descriptions=COLUMNS)
        return dg.MaterializeResult(metadata=metadata | {"late dates made again": also})

    return core


core_assets = [core_asset(table) for table in CORE]
