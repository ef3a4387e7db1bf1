"""Closed days: their touches stand as they are, since the rows that they were made of are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts.contract import contract
from pipelines.warehouse import quoted

if TYPE_CHECKING:
    from datetime import date

    import duckdb

#: Feeds of which `core.touches` holds all that figures rest on.
FORGOTTEN = ("note_impressions", "note_engagements")
#: The step that closed days are out of reach for.
ASSET = "touches"


def close(connection: duckdb.DuckDBPyConnection, before: date, /) -> int:
    """Close the days before a date that have been made and wait for nothing; returns how many rows are forgotten."""
    connection.execute(
        """INSERT OR IGNORE INTO ops.closed_days SELECT business_date FROM ops.days
        WHERE business_date < ? AND business_date NOT IN (SELECT business_date FROM ops.outdated WHERE asset = ?)""",
        [before, ASSET],
    )
    statements = (f"DELETE FROM raw.{feed} WHERE _date IN (FROM ops.closed_days)" for feed in FORGOTTEN)
    return sum(connection.execute(statement).fetchall()[0][0] for statement in statements)


def keep_closed(connection: duckdb.DuckDBPyConnection, asset: str, /) -> None:
    """Take closed days out of the temporary table `dates` of the step that would make them of rows that are gone."""
    if asset == ASSET:
        connection.execute("DELETE FROM dates WHERE business_date IN (FROM ops.closed_days)")
        connection.execute(
            "DELETE FROM ops.outdated WHERE asset = ? AND business_date IN (FROM ops.closed_days)", [asset]
        )


def leave_out_closed(connection: duckdb.DuckDBPyConnection, staged: str, feed: str, /) -> dict[str, int]:
    """Delete the staged rows that closed days keep out; how many, by the origin of the file.

    These are rows of such a day, which can become touches no more, and those that would move one from there: the touch
    that it is stays on its day.
    """
    if not connection.execute("SELECT count(*) FROM ops.closed_days").fetchall()[0][0]:
        return {}
    key = ", ".join(map(quoted, contract(feed).primary_key))
    standing = f"SELECT hash({key}) FROM raw.{feed} WHERE _date IN (FROM ops.closed_days)"
    of_closed = (
        f"FROM {staged} WHERE len(_reasons) = 0 AND (_date IN (FROM ops.closed_days) OR hash({key}) IN ({standing}))"
    )
    found = connection.execute(f"SELECT _file, count(*) {of_closed} GROUP BY _file").fetchall()
    if found:
        connection.execute(f"DELETE {of_closed}")
    return dict(found)
