"""Everything that Dagster knows of Redcat."""

from __future__ import annotations

import dagster as dg

from pipelines.assets.attribution import attribution_assets
from pipelines.assets.core import core_assets
from pipelines.assets.feeds import feed_assets
from pipelines.assets.marts import mart_assets
from pipelines.assets.published import published_analyst
from pipelines.resources import Warehouse

everything = dg.define_asset_job(
    "everything", description="From landed files to the published warehouse. 从落地文件到发布。"
)

defs = dg.Definitions(
    assets=[*feed_assets, *core_assets, *attribution_assets, *mart_assets, published_analyst],
    jobs=[everything],
    resources={"warehouse": Warehouse()},
    executor=dg.in_process_executor,
)
