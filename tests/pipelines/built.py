"""A warehouse made of landed files without Dagster: the steps of a run, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.basis import store_reference
from pipelines.marts.store import mart_rows, store_mart
from pipelines.marts.tables import MARTS
from tests.drills.steps import make_core
from tests.pipelines.intake_files import ingest, memory

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import duckdb


def built(
    landing: Path, first: date, last: date, *marts: str, into: duckdb.DuckDBPyConnection | None = None
) -> duckdb.DuckDBPyConnection:
    """Take in every file and make the core and the named marts, in a new warehouse in memory unless one is given."""
    connection = into or memory()
    connection.execute("SET TimeZone = 'UTC'")
    store_reference(connection)
    ingest(connection, landing)
    make_core(connection, first, last)
    for mart in MARTS:
        if mart.name in marts:
            store_mart(connection, mart.name, mart_rows(connection, mart))
    return connection
