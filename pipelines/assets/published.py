"""The private warehouse becomes a published one that readers open."""

import os

import dagster as dg

from pipelines.assets.common import asset_options
from pipelines.marts.tables import MARTS
from pipelines.metadata import markdown_table
from pipelines.publish import publish
from pipelines.resources import Warehouse

CONTENTS = """
    SELECT schema_name AS schema, count(*) AS tables, sum(estimated_size)::BIGINT AS rows FROM duckdb_tables()
    WHERE NOT temporary GROUP BY ALL ORDER BY ALL"""


@dg.asset(
    key=["published", "analyst"],
    deps=[["mart", mart.name] for mart in MARTS],
    **asset_options("published", {"duckdb"}),
    description="发布 · A complete copy of the warehouse, swapped in at once: readers never see half of a version.",
)
def published_analyst(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    target = warehouse.home.published
    with warehouse.open(context) as connection:
        connection.execute("UPDATE ops.files SET published = true WHERE NOT published")
        publish(connection, target)
        contents = markdown_table(connection, CONTENTS)
        (rows,) = connection.execute("SELECT sum(estimated_size)::BIGINT FROM duckdb_tables()").fetchall()[0]
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(str(target)),
            "bytes": os.path.getsize(target),
            "dagster/row_count": rows,
            "contents": dg.MetadataValue.md(contents),
            "read it with": f"duckdb -readonly {target}",
        }
    )
