"""Everything that Dagster knows of Redcat."""

from __future__ import annotations

import dagster as dg

from pipelines.assets.affected import affected
from pipelines.assets.attribution import attribution_assets
from pipelines.assets.core import core_assets
from pipelines.assets.feeds import feed_assets
from pipelines.assets.marts import mart_assets
from pipelines.assets.published import published_analyst
from pipelines.assets.report import report_assets
from pipelines.automation import everything, figures, intake, schedules, sensors
from pipelines.resources import Warehouse
from pipelines.watch import watchers

defs = dg.Definitions(
    assets=[*feed_assets, affected, *core_assets, *attribution_assets, *mart_assets, published_analyst, *report_assets],
    jobs=[everything, intake, figures],
    schedules=schedules,
    sensors=[*sensors, *watchers],
    resources={"warehouse": Warehouse()},
    executor=dg.in_process_executor,
)
