"""Making the rows of a core table for the dates that need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.core.added_up import add_up
from pipelines.core.kept import keep
from pipelines.dates import settle_dates, to_be_made
from pipelines.warehouse import transaction

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from pipelines.core.table import CoreTable


def replace_dates(connection: duckdb.DuckDBPyConnection, table: CoreTable, first: date, last: date) -> list[date]:
    """Replace the rows of the dates to be made in one transaction; returns those outside the run."""
    with transaction(connection):
        if table.also_outdated:
            connection.execute(
                f"INSERT OR IGNORE INTO ops.outdated SELECT '{table.name}', * FROM ({table.also_outdated})"
            )
        late = to_be_made(connection, table.name, first, last)
        _outdate_earned(connection, table)
        connection.execute(f"DELETE FROM core.{table.name} WHERE {table.date} IN (FROM dates)")
        connection.execute(f"INSERT INTO core.{table.name} BY NAME {table.query}")
        _outdate_earned(connection, table)
        add_up(connection, table.added_up, table.date)
        for kept in table.kept:
            keep(connection, kept)
        settle_dates(connection, table.name, next_assets=["journeys"] if table.feeds_journeys else [])
    return late


def _outdate_earned(connection: duckdb.DuckDBPyConnection, table: CoreTable) -> None:
    """Enter the dates of payment whose earnings the rows change, as they were before and as they are now."""
    if table.changes_earned:
        connection.execute(f"""
            INSERT OR IGNORE INTO ops.outdated SELECT DISTINCT 'earned', paid_date FROM core.conversions
            SEMI JOIN (FROM core.{table.name} WHERE {table.date} IN (FROM dates)) USING (conversion_id)""")
