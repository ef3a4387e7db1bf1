"""Raw feeds become what attribution works on: touches, conversions, refunds, spend, by business date."""

from dataclasses import dataclass
from datetime import date

import dagster as dg
import duckdb

from data_contracts.reference import categories, channels, fees
from pipelines.assets.common import daily_options
from pipelines.buckets import BUCKETS
from pipelines.dates import make_outdated, settle_dates, to_be_made
from pipelines.metadata import table_metadata
from pipelines.partitions import business_dates
from pipelines.resources import Warehouse
from pipelines.warehouse import transaction


@dataclass(frozen=True)
class Reference:
    """A column whose values should stand in another table. Rows that point to nothing are kept, counted and named."""

    column: str
    table: str
    remedy: str

    @property
    def check(self) -> str:
        """The name of the asset check."""
        return f"known_{self.column}"


NOTE = Reference("note_id", "raw.notes", "land the notes export that holds them; until then they earn nothing")
CATEGORY = Reference(
    "category", "categories", "add them to data_contracts/reference/categories.csv, or map their codes"
)
CHANNEL = Reference("channel", "channels", "add them to data_contracts/reference/channels.csv, or map their codes")


@dataclass(frozen=True)
class CoreTable:
    """One core table: the query that gives its rows for the dates in the table `dates`, and what is made of it."""

    name: str
    description: str
    date: str
    query: str
    sources: tuple[str, ...]
    feeds_journeys: bool
    references: tuple[Reference, ...] = ()


def _touches(feed: str, kind: str, click_id: str, payer: str) -> str:
    return f"""
        SELECT _date AS touch_date, (coalesce(user_key, 0) & {BUCKETS - 1})::UTINYINT AS bucket, note_id,
            user_key, occurred_at AS touched_at, '{kind}' AS kind, {click_id} AS click_id, {payer} AS payer
        FROM raw.{feed}
        WHERE _date IN (FROM dates)"""


CORE = (
    CoreTable(
        "touches",
        "触点 · Every impression, engagement and click, one row each, spread over buckets of users.",
        "touch_date",
        " UNION ALL ".join(
            [
                _touches("note_impressions", "impression", "NULL", "payer"),
                _touches("note_engagements", "engagement", "NULL", "NULL"),
                _touches("link_clicks", "click", "click_id", "payer"),
            ]
        )
        + " ORDER BY touch_date, bucket",
        ("note_impressions", "note_engagements", "link_clicks"),
        feeds_journeys=True,
        references=(NOTE,),
    ),
    CoreTable(
        "conversions",
        "订单行 · Every paid order line, with the margin of its category and the fee of its channel on that day.",
        "paid_date",
        f"""
        SELECT _date AS paid_date,
            (coalesce(user_key, hash(order_id)::HUGEINT % 64) & {BUCKETS - 1})::UTINYINT AS bucket,
            channel || '|' || order_id || '|' || line_no AS conversion_id, channel, order_id, line_no, brand, user_key,
            paid_at, (paid_amount * 100)::BIGINT AS paid_fen, currency, quantity, product_id, category, click_id,
            is_new_customer, margin, fee_rate
        FROM raw.shop_conversions
        LEFT JOIN categories USING (category)
        LEFT JOIN fees ON fees.fee_channel = channel
          AND _date BETWEEN valid_from AND coalesce(valid_to, DATE '9999-12-31')
        WHERE _date IN (FROM dates)""",
        ("shop_conversions",),
        feeds_journeys=True,
        references=(CATEGORY, CHANNEL),
    ),
    CoreTable(
        "refunds",
        "退款 · Refunds of order lines, by the date they were paid back.",
        "refund_date",
        """
        SELECT _date AS refund_date, channel || '|' || order_id || '|' || line_no AS conversion_id,
            (refund_amount * 100)::BIGINT AS refund_fen, currency
        FROM raw.refunds WHERE _date IN (FROM dates)""",
        ("refunds",),
        feeds_journeys=False,
    ),
    CoreTable(
        "spend",
        "花费 · Money by note and day, with its kind and payer.",
        "spend_date",
        """
        SELECT spend_date, note_id, kind, payer, (amount * 100)::BIGINT AS amount_fen, currency
        FROM raw.note_spend WHERE _date IN (FROM dates)""",
        ("note_spend",),
        feeds_journeys=False,
        references=(NOTE,),
    ),
)


def core_asset(table: CoreTable) -> dg.AssetsDefinition:
    """The asset of one core table: the run's dates, and those that late files have outdated."""

    @dg.asset(
        key=["core", table.name],
        deps=[["raw", feed] for feed in dict.fromkeys((*table.sources, "notes"))],
        check_specs=[
            dg.AssetCheckSpec(
                reference.check,
                asset=["core", table.name],
                description=f"Every {reference.column} stands in {reference.table}; other rows are kept and named.",
            )
            for reference in table.references
        ],
        **daily_options("core", {"duckdb"}),
        description=table.description,
    )
    def core(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        with warehouse.open(context) as connection:
            also = replace_dates(connection, table, *business_dates(context))
            metadata = table_metadata(connection, f"core.{table.name}")
            checks = [reference_check(connection, table, reference) for reference in table.references]
        return dg.MaterializeResult(metadata=metadata | {"late dates made again": also}, check_results=checks)

    return core


def replace_dates(connection: duckdb.DuckDBPyConnection, table: CoreTable, first: date, last: date) -> int:
    """Replace the rows of the dates to be made in one transaction; returns how many dates lie outside the run."""
    register_reference(connection)
    with transaction(connection):
        also = to_be_made(connection, table.name, first, last)
        if table.feeds_journeys:
            make_outdated(connection, table.name)
        connection.execute(f"DELETE FROM core.{table.name} WHERE {table.date} IN (FROM dates)")
        connection.execute(f"INSERT INTO core.{table.name} BY NAME {table.query}")
        settle_dates(connection, table.name)
    return also


def reference_check(
    connection: duckdb.DuckDBPyConnection, table: CoreTable, reference: Reference
) -> dg.AssetCheckResult:
    """How many rows point to nothing, and to what; a warning, since no row is lost by it."""
    column = reference.column
    found = connection.execute(f"""
        SELECT {column}, count(*) FROM core.{table.name} ANTI JOIN {reference.table} USING ({column})
        WHERE {column} IS NOT NULL GROUP BY ALL ORDER BY ALL""").fetchall()
    rows, examples = sum(count for _, count in found), ", ".join(str(value) for value, _ in found[:5])
    return dg.AssetCheckResult(
        check_name=reference.check,
        asset_key=["core", table.name],
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{rows:,} rows have {len(found):,} unknown values of {column} ({examples}); {reference.remedy}"
        if found
        else None,
        metadata={"rows": rows, "unknown values": len(found)},
    )


def register_reference(connection: duckdb.DuckDBPyConnection) -> None:
    """Register the reference tables that the queries look up: `categories`, `channels` and `fees`."""
    connection.register("channels", channels().select("channel").to_arrow())
    connection.register("categories", categories().select("category", "margin").to_arrow())
    connection.register("fees", fees().rename({"channel": "fee_channel"}).to_arrow())


core_assets = [core_asset(table) for table in CORE]
