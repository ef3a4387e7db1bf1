"""Which business dates a step has to make: those of the run, and those that later files have outdated.

Intake enters in `ops.outdated` the dates whose rows it changed; each step that makes a date again takes it out and
enters what is made of it, in the transaction that writes its rows. So every sequence of runs and crashes ends in the
same tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.closed import keep_closed
from pipelines.warehouse import quoted, transaction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import duckdb

# Dates outside the run that a step makes again. Touches are needed before the first conversion; of all else only
# what has been made before can be outdated.
SCOPE = {"touches": "business_date <= (SELECT max(business_date) FROM ops.days)"}
MADE_BEFORE = "business_date IN (FROM ops.days)"
UNENDED = """
    SELECT business_date FROM ops.days WHERE business_date >= $today
        AND business_date NOT IN (SELECT business_date FROM ops.raw_days WHERE row_count > 0)"""


def enter_run(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> None:
    """Note that the dates of the run are part of the warehouse from now on."""
    connection.execute(
        "INSERT OR IGNORE INTO ops.days SELECT unnest(generate_series(?::DATE, ?::DATE, INTERVAL 1 DAY))::DATE",
        [first, last],
    )


def take_back_future(connection: duckdb.DuckDBPyConnection, today: date, /) -> list[date]:
    """Take dates that have not ended out of the warehouse where nothing has arrived of them; returns them.

    They were made while a clock was ahead; left alone they would be the last date of all figures until they are over.
    """
    found = [day for (day,) in connection.execute(f"{UNENDED} ORDER BY 1", {"today": today}).fetchall()]
    if not found:
        return []
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'history'").fetchall()
    with transaction(connection):
        connection.execute("DELETE FROM ops.days WHERE business_date IN (SELECT unnest(?))", [found])
        for (name,) in tables:
            connection.execute(f"DELETE FROM history.{quoted(name)} WHERE as_of IN (SELECT unnest(?))", [found])
    return found


def as_of(connection: duckdb.DuckDBPyConnection) -> date:
    """The last business date that the warehouse holds."""
    (day,) = connection.execute("SELECT max(business_date) FROM ops.days").fetchall()[0]
    return day


def to_be_made(connection: duckdb.DuckDBPyConnection, asset: str, first: date, last: date) -> list[date]:
    """Fill the temporary table `dates` with what the step has to make; returns those that lie outside the run."""
    enter_run(connection, first, last)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE dates AS
        SELECT business_date FROM ops.days WHERE business_date BETWEEN $first AND $last
        UNION SELECT business_date FROM ops.outdated WHERE asset = $asset AND {SCOPE.get(asset, MADE_BEFORE)}""",
        {"first": first, "last": last, "asset": asset},
    )
    keep_closed(connection, asset)
    query = "SELECT business_date FROM dates WHERE business_date NOT BETWEEN ? AND ? ORDER BY 1"
    return [day for (day,) in connection.execute(query, [first, last]).fetchall()]


def outdated_dates(connection: duckdb.DuckDBPyConnection, asset: str) -> list[date]:
    """Fill the temporary table `dates` with the dates made before that are outdated for the step; returns them."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE dates AS
        SELECT business_date FROM ops.outdated WHERE asset = $asset AND {MADE_BEFORE}""",
        {"asset": asset},
    )
    return [day for (day,) in connection.execute("SELECT business_date FROM dates ORDER BY 1").fetchall()]


def settle_dates(connection: duckdb.DuckDBPyConnection, asset: str, *, next_assets: Sequence[str] = ()) -> None:
    """Take the dates just made out of the outdated ones, and enter them for what is made of this one."""
    connection.execute("DELETE FROM ops.outdated WHERE asset = ? AND business_date IN (FROM dates)", [asset])
    for name in next_assets:
        connection.execute("INSERT OR IGNORE INTO ops.outdated SELECT ?, business_date FROM dates", [name])
