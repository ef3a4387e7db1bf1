"""What all figures rest on: when the scope, windows, reference tables or rules change, everything is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts.reference import TABLES, reference_version, window_set
from models.register import RULES
from pipelines.settings import attribution_scope
from pipelines.warehouse import transaction

if TYPE_CHECKING:
    import duckdb


def store_reference(connection: duckdb.DuckDBPyConnection, /) -> None:
    """Write the reference tables into the schema `reference`."""
    with transaction(connection):
        for name, table in TABLES.items():
            frame = table().to_arrow()  # noqa: F841 - DuckDB reads it by its name
            connection.execute(f"CREATE OR REPLACE TABLE reference.{name} AS FROM frame")


def demand_same_basis(connection: duckdb.DuckDBPyConnection, /) -> int:
    """Enter every date as outdated if figures would rest on something else now; returns how many dates these are."""
    basis = {
        "scope": attribution_scope(),
        "window_set": window_set(),
        "reference": reference_version(),
        "models": ",".join(RULES),
    }
    stored = dict(connection.execute("SELECT name, value FROM ops.basis").fetchall())
    if stored == basis:
        return 0
    with transaction(connection):
        connection.execute("DELETE FROM ops.basis")
        connection.executemany("INSERT INTO ops.basis VALUES (?, ?)", list(basis.items()))
        connection.execute("""
            INSERT OR IGNORE INTO ops.outdated
            SELECT asset, business_date FROM ops.days, (VALUES ('conversions'), ('journeys')) AS made(asset)""")
    return int(connection.execute("SELECT count(*) FROM ops.days").fetchall()[0][0])
