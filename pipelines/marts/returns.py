"""The marts of returns: one for each level of `models.roi`, with the names of its keys beside the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import contract
from data_contracts.reference import categories, channels, lanes, refund_days, settlements, windows
from models.evidence import evidenced
from models.register import RULES
from models.roi import LEVELS, returns
from models.visits import cost_per_visit
from pipelines.dates import as_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

SPEND = "SELECT note_id, spend_date, kind, payer, amount_fen, currency, in_task FROM core.task_spend"
NOTE_NAMES = """
    SELECT note_id, title, creator_id, creator_name, creator_tier, campaign_id, category, lane, exchange, published_at
    FROM raw.notes"""
CREATOR_NAMES = """
    SELECT creator_id, arg_max(creator_name, (exported_at, note_id)) AS creator_name,
        arg_max(creator_tier, (exported_at, note_id)) AS creator_tier, count(*) AS notes
    FROM raw.notes WHERE creator_id IS NOT NULL GROUP BY ALL"""
CAMPAIGN_NAMES = """
    SELECT campaign_id, count(*) AS notes FROM raw.notes WHERE campaign_id IS NOT NULL GROUP BY ALL"""

# Notes that orders can find, by user, click or code, or have found; only asked where a lane declares claims.
KEYED_NOTES = """
    SELECT note_id FROM raw.notes JOIN reference.lanes USING (lane) WHERE evidence = 'claim' AND (
        note_id IN (SELECT note_id FROM core.touched_notes WHERE is_keyed)
        OR note_id IN (SELECT note_id FROM core.earned))"""
NOTES = "SELECT note_id, creator_id, campaign_id, category, lane, exchange FROM raw.notes"
# Visitors of each note and day as its exchange counts them over 30 days; a note of two tasks has one crowd.
CLAIMED_VISITS = """
    SELECT note_id, claim_date, max(visit_uv) AS visit_uv FROM raw.exchange_note_daily
    WHERE level = 'content' AND cycle = 30 AND flow_type = '全部流量' GROUP BY ALL"""

# What is shown beside the key of each level.
NAMES: dict[str, Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]] = {
    "note": lambda connection: connection.sql(NOTE_NAMES).pl(),
    "creator": lambda connection: connection.sql(CREATOR_NAMES).pl(),
    "campaign": lambda connection: connection.sql(CAMPAIGN_NAMES).pl(),
    "category": lambda _: categories().select("category", "name_zh", "name_en", "industry_zh", "industry_en"),
    "channel": lambda _: (
        channels()
        .select("channel", "name_zh", "name_en", "exchange", "settlement")
        .join(settlements().select("settlement", "ads_borne_by", "refunds_borne_by"), on="settlement", how="left")
    ),
    "lane": lambda _: lanes().select("lane", "name_zh", "name_en"),
    "exchange": lambda _: pl.DataFrame({"exchange": list(EXCHANGES), "name_zh": list(EXCHANGES.values())}),
}
EXCHANGES = contract("notes").field("exchange").enum


def returns_by(level: str, /, *, lane: str | None = None) -> Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]:
    """A function that gives what every key of the level returned, one row per model, key and currency.

    With a lane it is what the notes of this lane returned.
    """

    def rows(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        notes = evidenced_notes(connection)
        earned = connection.sql("SELECT * EXCLUDE (as_of) FROM core.earned").pl()
        spend = connection.sql(SPEND).pl()
        if lane:
            notes = notes.filter(lane=lane)
            earned, spend = (frame.join(notes, on="note_id", how="semi") for frame in (earned, spend))
        found = returns(
            earned,
            spend,
            notes,
            windows(),
            level=level,
            models=list(RULES),
            as_of=as_of(connection),
            refund_days=refund_days(),
            currency=main_currency(connection),
        )
        key = LEVELS[level].key
        if LEVELS[level].of_note:
            claims = connection.sql(CLAIMED_VISITS).pl()
            visits = cost_per_visit(claims, spend, notes, by=key, as_of=as_of(connection))
            found = found.join(visits, on=[key, "currency"], how="left", nulls_equal=True)
        return found.join(NAMES[level](connection), on=key, how="left").sort("model", key, "currency", nulls_last=True)

    return rows


def evidenced_notes(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The notes with what `models.roi.returns` asks of them."""
    return evidenced(connection.sql(NOTES).pl(), lanes(), connection.sql(KEYED_NOTES).pl())


def main_currency(connection: duckdb.DuckDBPyConnection) -> str:
    """The currency of most orders, in which a key without any money is stated."""
    query = "SELECT currency FROM core.conversions GROUP BY ALL ORDER BY count(*) DESC, currency LIMIT 1"
    rows = connection.execute(query).fetchall()
    return str(rows[0][0]) if rows else "CNY"
