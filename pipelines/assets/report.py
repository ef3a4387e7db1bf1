"""What marketers open: the page of each brand."""

import dagster as dg

from pipelines.assets.common import asset_options, in_two_languages
from pipelines.reports.page.write import write_page
from pipelines.resources import Warehouse


@dg.asset(
    key=["report", "page"],
    deps=[["published", "analyst"]],
    **asset_options("published", {"html"}),
    description=in_two_languages(
        "日报页面",
        "营销每天早上打开的一页：一个 HTML 文件，不需要网络，可以转发、打印、在手机上看。",
        "The page that marketers open every morning: one HTML file that needs no network, to send, print and read on a "
        "phone.",
    ),
)
def report_page(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    page = write_page(warehouse.home)
    return dg.MaterializeResult(metadata={"file": dg.MetadataValue.path(str(page)), "bytes": page.stat().st_size})
