"""Making the rows of a core table for the dates that need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.dates import make_outdated, settle_dates, to_be_made
from pipelines.warehouse import transaction

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from pipelines.core.table import CoreTable


def replace_dates(connection: duckdb.DuckDBPyConnection, table: CoreTable, first: date, last: date) -> list[date]:
    """Replace the rows of the dates to be made in one transaction; returns those outside the run."""
    with transaction(connection):
        late = to_be_made(connection, table.name, first, last)
        if table.feeds_journeys:
            make_outdated(connection, table.name)
        connection.execute(f"DELETE FROM core.{table.name} WHERE {table.date} IN (FROM dates)")
        connection.execute(f"INSERT INTO core.{table.name} BY NAME {table.query}")
        settle_dates(connection, table.name)
    return late
