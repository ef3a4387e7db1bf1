"""What marketers open: the report of each brand, as a page and as a workbook."""

from typing import Any

import dagster as dg

from pipelines.assets.common import asset_options, in_two_languages, page_link
from pipelines.metadata import drawing, markdown
from pipelines.reports.content import Content
from pipelines.reports.formats import FORMATS, Format, write_reports
from pipelines.reports.newest import newest_contents
from pipelines.resources import Warehouse, progress

PREVIEWED = ("category", "spend", "credited_gmv", "roas_gmv", "roas_net")
DECIMALS = 4


def report_asset(form: Format) -> dg.AssetsDefinition:
    """The asset of one form of the report."""

    @dg.asset(
        key=["report", form.name],
        deps=[["published", "analyst"]],
        **asset_options("reports", {form.suffix.removeprefix(".")}),
        description=in_two_languages(form.name_zh, form.about_zh, form.about_en),
    )
    def report(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        progress.get().step(context.asset_key.to_user_string())
        contents = list(newest_contents(warehouse.home))
        written = write_reports(contents, form, warehouse.home)
        told = {"file": dg.MetadataValue.path(str(written[0])), "bytes": written[0].stat().st_size}
        if len(written) > 1:
            told["files"] = dg.MetadataValue.md("\n".join(f"- {file}" for file in written))
        return dg.MaterializeResult(metadata=_shown(contents[0]) | told | page_link(warehouse.home))

    return report


def _shown(content: Content) -> dict[str, Any]:
    """What the report says first: the returns of the categories, and the totals as numbers over time."""
    basis = {"model": content.settings.model, "as_of": content.dates[0]}
    tables = {table.name: table for section in content.sections for table in section.tables}
    rows = content.rows("category_returns", **basis)
    columns = [c for name in PREVIEWED for c in tables["category_returns"].columns if c.name == name]
    names = [content.label("category", key).zh for key in rows["category"]]
    cells = zip(names, *(rows[column.name] for column in columns[1:]), strict=True)
    roas = sorted(zip(names, rows["roas_gmv"], strict=True), key=lambda bar: -(bar[1] or 0))
    totals = content.rows("totals", **basis).head(1).to_dicts()
    return {
        "chart": drawing(f"类目 · ROI 投产比（{content.settings.model}）", roas, kind="ratio"),
        "preview": dg.MetadataValue.md(
            markdown([column.heading.zh for column in columns], list(cells), [column.kind for column in columns])
        ),
    } | {
        f"{column.heading.zh} {column.name}": round(float(total[column.name]), DECIMALS)
        for total in totals
        for column in tables["totals"].columns
        if not column.is_code and total[column.name] is not None
    }


report_assets = [report_asset(form) for form in FORMATS]
