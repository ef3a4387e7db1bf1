"""The marts of returns: one for each level of `models.roi`, with the names of its keys beside the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts.reference import categories, channels, lanes, refund_days, windows
from models.register import RULES
from models.roi import LEVELS, returns
from pipelines.dates import as_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import polars as pl

SPEND = "SELECT note_id, spend_date, payer, amount_fen, currency, in_task FROM core.task_spend"
NOTE_NAMES = """
    SELECT note_id, title, creator_id, creator_name, creator_tier, campaign_id, category, lane, exchange, published_at
    FROM raw.notes"""
CREATOR_NAMES = """
    SELECT creator_id, arg_max(creator_name, (exported_at, note_id)) AS creator_name,
        arg_max(creator_tier, (exported_at, note_id)) AS creator_tier, count(*) AS notes
    FROM raw.notes WHERE creator_id IS NOT NULL GROUP BY ALL"""
CAMPAIGN_NAMES = """
    SELECT campaign_id, count(*) AS notes FROM raw.notes WHERE campaign_id IS NOT NULL GROUP BY ALL"""

# What is shown beside the key of each level.
NAMES: dict[str, Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]] = {
    "note": lambda connection: connection.sql(NOTE_NAMES).pl(),
    "creator": lambda connection: connection.sql(CREATOR_NAMES).pl(),
    "campaign": lambda connection: connection.sql(CAMPAIGN_NAMES).pl(),
    "category": lambda _: categories().select("category", "name_zh", "name_en", "industry_zh", "industry_en"),
    "channel": lambda _: channels().select("channel", "name_zh", "name_en", "exchange"),
    "lane": lambda _: lanes().select("lane", "name_zh", "name_en", "evidence"),
}


def returns_by(level: str, /) -> Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]:
    """A function that gives what every key of the level returned, one row per model, key and currency."""

    def rows(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        found = returns(
            connection.sql("SELECT * EXCLUDE (as_of) FROM core.earned").pl(),
            connection.sql(SPEND).pl(),
            connection.sql("SELECT note_id, creator_id, campaign_id, category, lane FROM raw.notes").pl(),
            windows(),
            level=level,
            models=list(RULES),
            as_of=as_of(connection),
            refund_days=refund_days(),
            currency=main_currency(connection),
        )
        key = LEVELS[level].key
        return found.join(NAMES[level](connection), on=key, how="left").sort("model", key, "currency", nulls_last=True)

    return rows


def main_currency(connection: duckdb.DuckDBPyConnection) -> str:
    """The currency of most orders, in which a key without any money is stated."""
    query = "SELECT currency FROM core.conversions GROUP BY ALL ORDER BY count(*) DESC, currency LIMIT 1"
    rows = connection.execute(query).fetchall()
    return str(rows[0][0]) if rows else "CNY"
