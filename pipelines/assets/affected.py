"""Which dates the files that were taken in have outdated."""

from datetime import date

import dagster as dg
import duckdb

from data_contracts.contract import feeds
from pipelines.assets.common import asset_options, in_two_languages
from pipelines.partitions import in_words, stretches
from pipelines.resources import Warehouse

FILES, AFFECTED, DATES = "files not published yet", "affected dates", "which dates"
FIRST, LAST = "first date of the newest stretch", "last date of the newest stretch"
QUERY = "SELECT DISTINCT business_date FROM ops.days SEMI JOIN ops.outdated USING (business_date) ORDER BY 1"


@dg.asset(
    key=["ops", "affected"],
    deps=[["raw", feed] for feed in feeds()],
    **asset_options("feeds", {"duckdb"}),
    description=in_two_languages(
        "受影响日期",
        "新入库的文件会改变哪些已算过的日期；只重算这些。",
        "The dates that the files taken in can change, and that have been made before; these are made again.",
    ),
)
def affected(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection:
        dates = [day for (day,) in connection.execute(QUERY).fetchall()]
        (files,) = connection.execute(
            "SELECT count(*) FROM ops.files WHERE NOT published AND status <> 'refused'"
        ).fetchall()[0]
        shown = dates or _newest(connection)
    first, last = stretches(shown)[-1] if shown else ("—", "—")
    return dg.MaterializeResult(
        metadata={
            FILES: files,
            AFFECTED: len(dates),
            DATES: in_words(shown) or "—",
            FIRST: str(first),
            LAST: str(last),
        }
    )


def _newest(connection: duckdb.DuckDBPyConnection) -> list[date]:
    """What a mart reads straight from a feed changes with the marts alone, for which the newest date stands."""
    return [day for (day,) in connection.execute("SELECT max(business_date) FROM ops.days").fetchall() if day]
