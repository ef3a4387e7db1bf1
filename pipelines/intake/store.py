"""Putting judged rows into the warehouse, inside the transaction of their file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data_contracts.contract import contract
from pipelines.warehouse import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import polars as pl

# Which core asset has to be made again for a business date when rows of a feed change on it.
MADE_FROM = {
    "note_impressions": "touches",
    "note_engagements": "touches",
    "link_clicks": "touches",
    "shop_conversions": "conversions",
    "refunds": "refunds",
    "note_spend": "spend",
}
# Temporary, so that nothing of a row that is not kept reaches the disk.
STAGED = "staged"
INCOMING = "incoming"


@dataclass(frozen=True)
class Stored:
    """How many rows of a file got into the raw table and into quarantine, and what the audit found."""

    accepted: int
    quarantined: int
    outcomes: list[Any] = field(default_factory=list)


def store(
    connection: duckdb.DuckDBPyConnection,
    frame: pl.DataFrame,  # DuckDB reads it by its name
    feed: str,
    /,
    *,
    file: str,
    digest: str,
    audit: Callable[[duckdb.DuckDBPyConnection, str, str], list[Any]] | None = None,
) -> Stored:
    """Stage the rows, audit them, quarantine the refused ones and upsert the rest."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {STAGED} AS SELECT *, ? AS _file FROM frame", [digest[:16]])
    outcomes = audit(connection, STAGED, feed) if audit else []
    quarantined = _quarantine(connection, feed, file)
    accepted = _upsert(connection, feed)
    connection.execute(f"DROP TABLE {STAGED}")
    connection.execute(f"DROP TABLE {INCOMING}")
    return Stored(accepted, quarantined, outcomes)


def _quarantine(connection: duckdb.DuckDBPyConnection, feed: str, file: str) -> int:
    connection.execute(
        f"INSERT INTO quarantine.{feed} BY NAME SELECT ? AS file, _row AS row_number, _reasons AS reasons, "
        f"_record AS record, _file FROM {STAGED} WHERE len(_reasons) > 0",
        [file],
    )
    return _count(connection, f"{STAGED} WHERE len(_reasons) > 0")


def _upsert(connection: duckdb.DuckDBPyConnection, feed: str) -> int:
    """Put the newest version of each row into the raw table; returns how many rows of the file got in.

    Of two versions with the same `exported_at` the one with the greater values wins, so that the outcome depends
    neither on which file came first nor on how rows are spread over files. Of the same version in two files the
    greater file hash stands as its origin; such a row is a duplicate, and nothing is made again for it.
    """
    names = [quoted(f.name) for f in contract(feed).fields]
    values = ", ".join(names)
    of_new, of_old = (", ".join(f"{side}.{n}" for n in names) for side in ("new", "old"))
    same = " AND ".join(f"new.{quoted(k)} = old.{quoted(k)}" for k in contract(feed).primary_key)
    key = ", ".join(map(quoted, contract(feed).primary_key))
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {INCOMING} AS
        WITH newest AS (
            SELECT * EXCLUDE (_reasons, _record) FROM {STAGED} WHERE len(_reasons) = 0
            QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY exported_at DESC, row({values}) DESC, _row DESC) = 1
        )
        SELECT new.*, old._date AS _date_before,
            old._file IS NULL OR row({of_new}) IS DISTINCT FROM row({of_old}) AS _accepted,
            old._file IS NULL OR {_differ(feed)} AS _changed
        FROM newest AS new LEFT JOIN raw.{feed} AS old ON {same}
        WHERE old._file IS NULL
            OR (new.exported_at, row({of_new}), new._file, new._row)
                > (old.exported_at, row({of_old}), old._file, old._row)""")
    _mark_outdated(connection, feed)
    connection.execute(f"DELETE FROM raw.{feed} AS old USING {INCOMING} AS new WHERE {same}")
    connection.execute(
        f"INSERT INTO raw.{feed} BY NAME SELECT * EXCLUDE (_date_before, _accepted, _changed) FROM {INCOMING}"
    )
    return _count(connection, f"{INCOMING} WHERE _accepted")


def _differ(feed: str) -> str:
    """SQL for whether more than the instant of the export differs."""
    names = [quoted(f.name) for f in contract(feed).fields if f.name != "exported_at"]
    of_new, of_old = (", ".join(f"{side}.{n}" for n in names) for side in ("new", "old"))
    return f"row({of_new}) IS DISTINCT FROM row({of_old})"


def _mark_outdated(connection: duckdb.DuckDBPyConnection, feed: str) -> None:
    """Enter the business dates on which rows appear, change or leave, for the core asset that is made of them."""
    if feed == "notes":  # what a note is decides what all its touches may earn, also those before its publication
        connection.execute(f"""
            INSERT OR IGNORE INTO ops.outdated
            SELECT 'journeys', business_date FROM ops.days
            WHERE business_date >= (
                SELECT min(touch_date) FROM core.touches SEMI JOIN {INCOMING} AS new
                    ON touches.note_id = new.note_id AND new._changed)""")
    elif feed == "promotion_orders":  # what brought an order is said of the day on which the shop was paid
        connection.execute(f"""
            INSERT OR IGNORE INTO ops.outdated
            SELECT DISTINCT 'conversions', sold._date FROM raw.shop_conversions AS sold
            SEMI JOIN (FROM {INCOMING} WHERE _changed) AS new
                ON sold.channel = new.channel AND sold.order_id = new.order_id""")
    elif feed in MADE_FROM:
        connection.execute(
            f"""INSERT OR IGNORE INTO ops.outdated
            SELECT $asset, _date FROM {INCOMING} WHERE _changed
            UNION SELECT $asset, _date_before FROM {INCOMING} WHERE _changed AND _date_before IS NOT NULL""",
            {"asset": MADE_FROM[feed]},
        )


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
