"""Credits and spend become marts: what each category, note, creator, campaign, channel and lane returned."""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
import duckdb
import polars as pl

from data_contracts.reference import categories, channels, lanes, window_set, windows
from models.earnings import earned, reconciliation, rollup
from models.register import RULES
from models.roi import LEVELS, returns
from pipelines.assets.attribution import SCOPE, bucket_ranges
from pipelines.assets.common import asset_options
from pipelines.assets.funnel import FUNNEL
from pipelines.dates import as_of
from pipelines.metadata import bar_chart, table_metadata
from pipelines.resources import Warehouse, progress
from pipelines.warehouse import create_table, transaction
from pipelines.yuan import in_yuan


@dataclass(frozen=True)
class Mart:
    """One mart: how its rows are made, and the two columns of which a chart is shown."""

    name: str
    description: str
    rows: Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]
    deps: tuple[str, ...] = ("earned", "spend")
    chart: tuple[str, str] | None = None


def _returns(
    level: str, labels: Callable[[duckdb.DuckDBPyConnection], pl.DataFrame] | None
) -> Callable[..., pl.DataFrame]:
    """What every key of the level returned, with its names beside it."""

    def rows(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        notes = connection.sql("SELECT note_id, creator_id, campaign_id, category, lane FROM raw.notes").pl()
        spend = connection.sql("SELECT note_id, spend_date, payer, amount_fen, currency FROM core.spend").pl()
        found = returns(
            connection.sql("SELECT * EXCLUDE (as_of) FROM core.earned").pl(),
            spend,
            notes,
            windows(),
            level=level,
            models=list(RULES),
            as_of=as_of(connection),
            currency=_main_currency(connection),
        )
        if labels is None:
            return found
        key = LEVELS[level].key
        return found.join(labels(connection), on=key, how="left").sort(
            "model", key, "currency", nulls_last=True
        )

    return rows


def _main_currency(connection: duckdb.DuckDBPyConnection) -> str:
    """The currency in which most orders are paid, in which a key without any money is stated."""
    rows = connection.execute(
        "SELECT currency FROM core.conversions GROUP BY ALL ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchall()
    return str(rows[0][0]) if rows else "CNY"


def _reconciled(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    day = as_of(connection)
    parts = [
        reconciliation(credited, orders, refunds, models=list(RULES), as_of=day)
        for credited, orders, refunds in _by_buckets(connection)
    ]
    return pl.concat(parts).group_by("model", "currency").sum().sort("model", "currency")


def _by_buckets(connection: duckdb.DuckDBPyConnection):
    """Credits, conversions and refunds of one range of users after another."""
    refunds = connection.sql("SELECT conversion_id, refund_date, refund_fen FROM core.refunds").pl()
    for low, high in bucket_ranges(connection, "SELECT count(*) * 6 FROM core.credits"):
        progress.get().detail(f"users {low}-{high}")
        part = f"WHERE bucket BETWEEN {low} AND {high}"
        yield (
            connection.sql(f"SELECT * EXCLUDE (paid_date, bucket) FROM core.credits {part}").pl(),
            connection.sql(f"FROM core.conversions {part}").pl(),
            refunds,
        )


def _note_labels(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return connection.sql("""
        SELECT note_id, title, creator_id, creator_name, creator_tier, campaign_id, category, lane, exchange, published_at
        FROM raw.notes""").pl()


def _creator_labels(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return connection.sql("""
        SELECT creator_id, arg_max(creator_name, exported_at) AS creator_name,
            arg_max(creator_tier, exported_at) AS creator_tier, count(*) AS notes
        FROM raw.notes WHERE creator_id IS NOT NULL GROUP BY ALL""").pl()


def _category_labels(_connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return categories().select("category", "name_zh", "name_en", "industry_zh", "industry_en")


def _channel_labels(_connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return channels().select("channel", "name_zh", "name_en", "exchange")


def _lane_labels(_connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return lanes().select("lane", "name_zh", "name_en", "evidence")


MARTS = (
    Mart(
        "category_roi",
        "类目ROI · What each category returned: spend on its notes, credited sales, direct and halo apart, unattributed shown.",
        _returns("category", _category_labels),
        chart=("category", "roas_gmv"),
    ),
    Mart("note_roi", "笔记ROI · What each note returned; notes with spend and no orders stand here too.", _returns("note", _note_labels)),
    Mart("creator_roi", "博主ROI · What each creator returned.", _returns("creator", _creator_labels)),
    Mart("campaign_roi", "项目ROI · What each campaign returned.", _returns("campaign", None)),
    Mart("channel_roi", "渠道 · Where credited sales happened, and what no note earned there.", _returns("channel", _channel_labels)),
    Mart("lane_roi", "链路ROI · What each lane returned; lanes are never mixed.", _returns("lane", _lane_labels), chart=("lane", "roas_gmv")),
    Mart(
        "reconciliation",
        "对账 · Credited and unattributed sales add up to the shop's total, to the fen, for every model.",
        _reconciled,
        deps=("credits", "conversions", "refunds"),
    ),
    Mart(
        "funnel_daily",
        "漏斗 · Exposure, engagement, click, visit, cart, paid and kept, by day; a feed that has not arrived is missing, not zero.",
        lambda connection: connection.sql(FUNNEL).pl(),
        deps=("touches", "conversions", "refunds"),
    ),
)  # fmt: skip


@dg.asset(
    key=["core", "earned"],
    deps=[["core", "credits"], ["core", "conversions"], ["core", "refunds"]],
    **asset_options("attribution", {"polars", "duckdb"}),
    description="贡献金额 · What each note earned by every model in exact fen, and what no note earned, added up for the marts.",
)
def core_earned(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection, transaction(connection):
        day = as_of(connection)
        parts = [
            rollup(earned(credited, orders, refunds, models=list(RULES), as_of=day))
            for credited, orders, refunds in _by_buckets(connection)
        ]
        sums = rollup(pl.concat(parts)).with_columns(as_of=day)  # noqa: F841 - DuckDB reads it by name
        connection.execute("CREATE OR REPLACE TABLE core.earned AS FROM sums")
        return dg.MaterializeResult(metadata=table_metadata(connection, "core.earned"))


def mart_asset(mart: Mart) -> dg.AssetsDefinition:
    """The asset of one mart: the newest figures in `mart`, and those of each earlier date in `history`."""

    @dg.asset(
        key=["mart", mart.name],
        deps=[["core", name] for name in mart.deps] + [["raw", "notes"]],
        **asset_options("marts", {"duckdb", "polars"}),
        description=mart.description,
    )
    def table(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        with warehouse.open(context) as connection, transaction(connection):
            write_mart(connection, mart.name, mart.rows(connection))
            metadata = table_metadata(connection, f"mart.{mart.name}")
            if mart.chart:
                metadata["chart"] = bar_chart(_bars(connection, mart))
        return dg.MaterializeResult(metadata=metadata)

    return table


def write_mart(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> None:
    """Replace the mart, and its rows of the same date in the history, each row stamped with what it rests on."""
    stamped = in_yuan(rows)
    given = {"model": "observed", "window_set": window_set(), "scope": SCOPE, "as_of": as_of(connection)}
    stamped = stamped.with_columns(pl.lit(v).alias(k) for k, v in given.items() if k not in stamped.columns)
    connection.execute(f"CREATE OR REPLACE TABLE mart.{name} AS FROM stamped")
    columns = {row[0]: row[1] for row in connection.execute(f"DESCRIBE mart.{name}").fetchall()}
    create_table(connection, f"history.{name}", columns)
    connection.execute(f"DELETE FROM history.{name} WHERE as_of = ?", [given["as_of"]])
    connection.execute(f"INSERT INTO history.{name} BY NAME FROM mart.{name}")


def _bars(connection: duckdb.DuckDBPyConnection, mart: Mart) -> list[tuple[str, float]]:
    label, value = mart.chart or ("", "")
    query = f"SELECT {label}, {value} FROM mart.{mart.name} WHERE model = 'linear' AND {value} IS NOT NULL AND {label} IS NOT NULL ORDER BY 2 DESC"
    return [(str(name), float(number)) for name, number in connection.execute(query).fetchall()]


mart_assets = [core_earned, *(mart_asset(mart) for mart in MARTS)]
