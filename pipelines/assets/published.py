"""The private warehouse becomes a published one that readers open."""

import os

import dagster as dg

from pipelines.assets.common import asset_options, in_two_languages, page_link
from pipelines.marketer import marketer
from pipelines.marts.tables import MARTS
from pipelines.metadata import drawing, markdown_table
from pipelines.publish import everything, part, publish
from pipelines.resources import Warehouse
from pipelines.settings import kept_versions
from pipelines.targets import report_settings
from pipelines.upkeep import compact, forget

CONTENTS = """
    SELECT schema_name AS schema, count(*) AS tables, sum(estimated_size)::BIGINT AS rows FROM duckdb_tables()
    WHERE NOT temporary GROUP BY ALL ORDER BY ALL"""
ROWS_BY_SCHEMA = f"SELECT schema, rows FROM ({CONTENTS}) ORDER BY rows DESC"


@dg.asset(
    key=["published", "analyst"],
    deps=[["mart", mart.name] for mart in MARTS],
    **asset_options("published", {"duckdb"}),
    description=in_two_languages(
        "发布",
        "数据仓库的完整副本，一次换上：读者永远看不到写了一半的版本。另有市场人员版：只有数据集市，人数太少的数字被隐去。",
        "A complete copy of the warehouse, swapped in at once: readers never see half of a version. Beside it one for "
        "marketers: the marts alone, with small cells suppressed.",
    ),
)
def published_analyst(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    target, private = warehouse.home.published, warehouse.home.warehouse
    with warehouse.open(context) as connection:
        connection.execute("UPDATE ops.files SET published = true WHERE NOT published")
        forgotten = forget(connection)
        contents = markdown_table(connection, CONTENTS)
        chart = drawing("各部分行数", connection.execute(ROWS_BY_SCHEMA).fetchall())
        (rows,) = connection.execute("SELECT sum(estimated_size)::BIGINT FROM duckdb_tables()").fetchall()[0]
        connection.execute("CHECKPOINT")
    compact(private)
    marts = part(private, marketer(report_settings(warehouse.home).privacy_k))
    version = publish(target.parent, {target.stem: everything(private), "marketer": marts}, keep=kept_versions())
    return dg.MaterializeResult(
        metadata={
            "chart": chart,
            "preview": dg.MetadataValue.md(contents),
            "file": dg.MetadataValue.path(str(target)),
            "file for marketers": dg.MetadataValue.path(str(target.with_name("marketer.duckdb"))),
            "version": int(version.name),
            "bytes": os.path.getsize(target),
            "rows forgotten": forgotten,
            "dagster/row_count": rows,
            "read it with": f"duckdb -readonly {target}",
        }
        | page_link(warehouse.home)
    )
