"""Putting judged rows into the warehouse, inside the transaction of their file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data_contracts.contract import contract
from pipelines.arrivals import enter_arrivals, take_back_arrivals
from pipelines.intake.versions import keep_versions
from pipelines.warehouse import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import polars as pl

# Which core assets have to be made again for a business date when rows of a feed change on it.
MADE_FROM = {
    "note_impressions": ("touches",),
    "note_engagements": ("touches",),
    "link_clicks": ("touches",),
    "shop_conversions": ("conversions", "code_matches"),
    "refunds": ("refunds",),
    "note_spend": ("spend",),
}
_PROMOTED_DATES = """
    SELECT DISTINCT sold._date FROM raw.shop_conversions AS sold SEMI JOIN (
        SELECT channel, unnest([order_id, parent_order_id]) AS order_id FROM {changed}
    ) AS new ON sold.channel = new.channel AND sold.order_id = new.order_id"""
# The same for feeds whose rows change other dates than their own: what to make again, and the query of the dates.
MADE_FROM_OTHER_DATES = {
    # What brought an order is said of the day on which the shop was paid.
    "promotion_orders": (("conversions", "code_matches"), _PROMOTED_DATES),
    # What a note is decides what all its touches may earn, also those before its publication.
    "notes": (
        ("journeys",),
        """
        SELECT business_date FROM ops.days WHERE business_date >= (
            SELECT min(touch_date) FROM core.touches SEMI JOIN {changed} AS new ON touches.note_id = new.note_id)
        UNION SELECT paid_date FROM core.code_matches SEMI JOIN {changed} AS new ON code_matches.note_id = new.note_id
        """,
    ),
    "promotion_codes": (
        ("code_matches",),
        "SELECT DISTINCT paid_date FROM core.order_codes WHERE code IN (SELECT code FROM {changed})",
    ),
    "identity_links": (
        ("journeys",),
        "SELECT DISTINCT paid_date FROM core.conversions "
        "WHERE user_key IN (SELECT unnest([user_key, linked_key]) FROM {changed})",
    ),
}
# Temporary, so that nothing of a row that is not kept reaches the disk.
STAGED = "staged"
INCOMING = "incoming"
EARLIER = "earlier"


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
    repeats = _repeats(connection, feed)
    keep_versions(connection, STAGED, feed, repeats=repeats)
    accepted = _upsert(connection, feed, repeats=repeats)
    enter_arrivals(connection, feed, staged=STAGED, incoming=INCOMING)
    connection.execute(f"DROP TABLE {STAGED}")
    connection.execute(f"DROP TABLE {INCOMING}")
    connection.execute(f"DROP TABLE {EARLIER}")
    return Stored(accepted, quarantined, outcomes)


def _quarantine(connection: duckdb.DuckDBPyConnection, feed: str, file: str) -> int:
    connection.execute(
        f"INSERT INTO quarantine.{feed} BY NAME SELECT ? AS file, _row AS row_number, _reasons AS reasons, "
        f"_record AS record, _file FROM {STAGED} WHERE len(_reasons) > 0",
        [file],
    )
    return _count(connection, f"{STAGED} WHERE len(_reasons) > 0")


def _repeats(connection: duckdb.DuckDBPyConnection, feed: str) -> bool:
    """Whether two good rows of the file may have the same key, else nothing needs to be sorted.

    Two keys of the same hash say so too, which costs a sort and changes nothing.
    """
    key = ", ".join(map(quoted, contract(feed).primary_key))
    query = f"SELECT count(DISTINCT hash({key})) < count(*) FROM {STAGED} WHERE len(_reasons) = 0"
    return bool(connection.execute(query).fetchall()[0][0])


def _upsert(connection: duckdb.DuckDBPyConnection, feed: str, *, repeats: bool) -> int:
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
    order = f"PARTITION BY {key} ORDER BY exported_at DESC, row({values}) DESC, _row DESC"
    # The rows that stand already are found by their keys alone; mostly there are none to compare and to delete.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {EARLIER} AS "
        f"SELECT old.* FROM raw.{feed} AS old SEMI JOIN {STAGED} AS new ON {same}"
    )
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {INCOMING} AS
        WITH newest AS (
            SELECT * EXCLUDE (_reasons, _record) FROM {STAGED} WHERE len(_reasons) = 0
            {f"QUALIFY row_number() OVER ({order}) = 1" if repeats else ""}
        )
        SELECT new.*, old._date AS _date_before,
            old._file IS NULL OR row({of_new}) IS DISTINCT FROM row({of_old}) AS _accepted,
            old._file IS NULL OR {_differ(feed)} AS _changed
        FROM newest AS new LEFT JOIN {EARLIER} AS old ON {same}
        WHERE old._file IS NULL
            OR (new.exported_at, row({of_new}), new._file, new._row)
                > (old.exported_at, row({of_old}), old._file, old._row)""")
    _mark_outdated(connection, feed)
    replaced = f"(FROM {INCOMING} WHERE _date_before IS NOT NULL)"
    connection.execute(f"DELETE FROM raw.{feed} AS old USING {replaced} AS new WHERE {same}")
    connection.execute(
        f"INSERT INTO raw.{feed} BY NAME SELECT * EXCLUDE (_date_before, _accepted, _changed) FROM {INCOMING}"
    )
    return _count(connection, f"{INCOMING} WHERE _accepted")


def withdraw(connection: duckdb.DuckDBPyConnection, feed: str, digests: list[str], /) -> None:
    """Take the rows and the entries of files back, as if they had not been read."""
    origins = [digest[:16] for digest in digests]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {INCOMING} AS SELECT *, NULL::DATE AS _date_before, true AS _changed "
        f"FROM raw.{feed} WHERE _file IN (SELECT unnest(?))",
        [origins],
    )
    _mark_outdated(connection, feed)
    kept = ("versions",) if contract(feed).keeps_versions else ()
    for schema in ("raw", "quarantine", *kept):
        connection.execute(f"DELETE FROM {schema}.{feed} WHERE _file IN (SELECT unnest(?))", [origins])
    take_back_arrivals(connection, feed, origins=origins, withdrawn=INCOMING)
    connection.execute(f"DROP TABLE {INCOMING}")
    connection.execute("DELETE FROM ops.files WHERE feed = ? AND content_hash IN (SELECT unnest(?))", [feed, digests])


def _differ(feed: str) -> str:
    """SQL for whether more than the instant of the export differs."""
    names = [quoted(f.name) for f in contract(feed).fields if f.name != "exported_at"]
    of_new, of_old = (", ".join(f"{side}.{n}" for n in names) for side in ("new", "old"))
    return f"row({of_new}) IS DISTINCT FROM row({of_old})"


def _mark_outdated(connection: duckdb.DuckDBPyConnection, feed: str) -> None:
    """Enter the business dates on which rows appear, change or leave, for the core assets that are made of them."""
    if feed in MADE_FROM_OTHER_DATES:
        assets, dates = MADE_FROM_OTHER_DATES[feed]
        query = dates.format(changed=f"(FROM {INCOMING} WHERE _changed)")
        connection.execute(f"INSERT OR IGNORE INTO ops.outdated SELECT unnest({list(assets)}), * FROM ({query})")
    for asset in MADE_FROM.get(feed, ()):
        connection.execute(
            f"""INSERT OR IGNORE INTO ops.outdated
            SELECT $asset, _date FROM {INCOMING} WHERE _changed
            UNION SELECT $asset, _date_before FROM {INCOMING} WHERE _changed AND _date_before IS NOT NULL""",
            {"asset": asset},
        )


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
