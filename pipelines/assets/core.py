"""Raw feeds become the core tables."""

import dagster as dg

from pipelines.assets.common import LATE, daily_options, enter_late_dates, page_link
from pipelines.core.columns import COLUMNS
from pipelines.core.make import replace_dates
from pipelines.core.table import CoreTable
from pipelines.core.tables import CORE
from pipelines.metadata import table_metadata
from pipelines.partitions import business_dates
from pipelines.resources import Warehouse
from pipelines.row_checks import row_check_results, row_check_specs


def core_asset(table: CoreTable) -> dg.AssetsDefinition:
    """The asset of one core table: the run's dates, and those that late files have outdated."""

    @dg.asset(
        key=["core", table.name],
        deps=[name.split("/") for name in table.made_of],
        check_specs=row_check_specs(f"core.{table.name}", table.checks),
        **daily_options("core", {"duckdb"}),
        description=table.description,
    )
    def core(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        with warehouse.open(context) as connection:
            late = replace_dates(connection, table, *business_dates(context))
            metadata = table_metadata(
                connection,
                f"core.{table.name}",
                descriptions=COLUMNS,
                preview=table.preview,
                chart=table.chart,
                figures=table.figures,
            )
            checks = list(row_check_results(connection, f"core.{table.name}", table.checks))
        enter_late_dates(context, late)
        return dg.MaterializeResult(
            metadata=metadata | {LATE: len(late)} | page_link(warehouse.home), check_results=checks
        )

    return core


core_assets = [core_asset(table) for table in CORE]
