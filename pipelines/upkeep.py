"""Keeping the warehouse from growing without bound: what is forgotten, and when its file is written anew."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb

from data_contracts.contract import BUSINESS_TIME_ZONE, contract, feeds
from pipelines.closed import close
from pipelines.dates import as_of
from pipelines.marts.tables import MARTS
from pipelines.publish import flush
from pipelines.settings import kept_history_days, kept_quarantine_days, kept_raw_days, kept_restated_days
from pipelines.warehouse import READABLE_BY, quoted, transaction

if TYPE_CHECKING:
    from pathlib import Path

EMPTY_SHARE = 0.25
# The last `as_of` but one stays whole: the next run holds its figures against it.
_LONG_BEFORE = """
    DELETE FROM {table} WHERE business_date <= as_of - $days::INTEGER
        AND as_of < (SELECT max(as_of) FROM {table} WHERE as_of < $day)"""


def forget(connection: duckdb.DuckDBPyConnection, /) -> int:
    """Delete what is older than the installation keeps; returns how many rows these were.

    Of what figures were, the last `REDCAT_KEEP_HISTORY_DAYS` stay, and of each month before them the last that there
    is. Refused rows stay for `REDCAT_KEEP_QUARANTINE_DAYS`; how many they were stays in `ops.files`. An earlier version
    of a restated row stays for `REDCAT_KEEP_RESTATED_DAYS` after a newer one has replaced it; the newest always does.
    Rows of impressions and engagements stay for `REDCAT_KEEP_RAW_DAYS`, where that is set; then their day is closed.
    Rows that may tell of persons are entered in `ops.forgotten`, since their file has to be written anew.
    """
    day, rows, of_persons = as_of(connection), 0, 0
    if day is None:
        return 0
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'history'").fetchall()
    with transaction(connection):
        for (name,) in tables:
            table = f"history.{quoted(name)}"
            rows += _deleted(
                connection,
                f"""DELETE FROM {table} WHERE as_of <= $day::DATE - $days::INTEGER AND as_of NOT IN (
                    SELECT max(as_of) FROM {table} GROUP BY date_trunc('month', as_of))""",
                {"day": day, "days": kept_history_days()},
            )
        for mart in MARTS:
            if mart.history_days and (mart.name,) in tables:
                values = {"day": day, "days": mart.history_days}
                rows += _deleted(connection, _LONG_BEFORE.format(table=f"history.{quoted(mart.name)}"), values)
        for feed in feeds():
            of_persons += _deleted(
                connection,
                f"""DELETE FROM quarantine.{feed} WHERE _file IN (
                    SELECT content_hash[:16] FROM ops.files
                    WHERE feed = $feed AND published AND ingested_at < now() - to_days($days::INTEGER))""",
                {"feed": feed, "days": kept_quarantine_days()},
            )
            if contract(feed).keeps_versions:
                of_persons += _deleted(connection, _replaced(feed), {"day": day, "days": kept_restated_days()})
        if (days := kept_raw_days()) is not None:
            of_persons += close(connection, day - timedelta(days=days - 1))
        if of_persons:
            connection.execute("INSERT INTO ops.forgotten VALUES (?, ?, false)", [day, of_persons])
    return rows + of_persons


def _replaced(feed: str) -> str:
    """The statement that deletes the versions of a feed's rows that have been replaced for `$days` on `$day`."""
    key = ", ".join(map(quoted, contract(feed).primary_key))
    return f"""
        DELETE FROM versions.{feed} WHERE rowid IN (
            SELECT rowid FROM versions.{feed}
            -- What has come since is left unread: it replaces nothing for so long, and is not replaced for so long.
            WHERE exported_at < timezone('{BUSINESS_TIME_ZONE}', ($day::DATE - $days::INTEGER + 1)::TIMESTAMP)
            QUALIFY lead(exported_at) OVER (PARTITION BY {key} ORDER BY exported_at) IS NOT NULL)"""


def _deleted(connection: duckdb.DuckDBPyConnection, statement: str, values: dict[str, object]) -> int:
    return int(connection.execute(statement, values).fetchall()[0][0])


def compact(warehouse: Path, /) -> bool:
    """Write the file anew when more than a quarter of it is empty, not every reader of what is published could open
    it, or rows that may tell of persons were forgotten; returns whether it was. Nobody may have it open.

    What is deleted can still be read out of a file until something else is written over it.

    The new file takes the old one's place in one step, so that a kill at any moment leaves a whole one.
    """
    fresh = warehouse.with_name(f".{warehouse.name}.compact")
    fresh.unlink(missing_ok=True)
    with duckdb.connect(warehouse) as connection:
        connection.execute("CHECKPOINT")  # nothing is left beside the file
        if _is_compact(connection):
            return False
        source = quoted(connection.execute("SELECT current_database()").fetchall()[0][0])
        location = str(fresh).replace("'", "''")
        connection.execute(f"ATTACH '{location}' AS fresh (STORAGE_VERSION '{READABLE_BY}')")
        connection.execute(f"COPY FROM DATABASE {source} TO fresh")
        if _tells_forgotten(connection):
            connection.execute("UPDATE fresh.ops.forgotten SET erased = true")
        connection.execute("CHECKPOINT fresh")
        connection.execute("DETACH fresh")
    flush(fresh)
    os.replace(fresh, warehouse)
    flush(warehouse.parent)
    return True


def _is_compact(connection: duckdb.DuckDBPyConnection) -> bool:
    (total, free) = connection.execute("SELECT total_blocks, free_blocks FROM pragma_database_size()").fetchall()[0]
    query = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()"
    (version,) = connection.execute(query).fetchall()[0]
    if total and (free / total >= EMPTY_SHARE or version.rstrip("+") != READABLE_BY):
        return False
    held = "SELECT count(*) FROM ops.forgotten WHERE NOT erased"
    return not _tells_forgotten(connection) or connection.execute(held).fetchall() == [(0,)]


def _tells_forgotten(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether what was forgotten is told; a file of an earlier version tells nothing of it."""
    query = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'ops' AND table_name = 'forgotten'"
    return connection.execute(query).fetchall() != [(0,)]
