"""What all figures rest on: when the scope, windows, reference tables or rules change, everything is made again.

And the key of the buyer hashes, which must not change: what was taken in with another one finds nobody.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from data_contracts.reference import TABLES, reference_version, window_set
from models.register import RULES
from pipelines.settings import SettingError, attribution_scope
from pipelines.warehouse import transaction

if TYPE_CHECKING:
    import duckdb

BUYER_KEY = "buyer_key"


def demand_same_key(connection: duckdb.DuckDBPyConnection, secret: bytes, /) -> None:
    """Raise SettingError when files were taken in with another key of the buyer hashes; enter the key's fingerprint."""
    fingerprint = hmac.digest(secret, b"the key of the buyer hashes", "sha256").hex()[:16]
    found = connection.execute("SELECT value FROM ops.basis WHERE name = ?", [BUYER_KEY]).fetchone()
    (files,) = connection.execute("SELECT count(*) FROM ops.files WHERE status <> 'refused'").fetchall()[0]
    if found and files and found[0] != fingerprint:
        raise SettingError(
            f"{files:,} files were taken in with another key of the buyer hashes, and no order of new ones would find "
            "a touch of theirs: set REDCAT_SECRET, or restore the file secret under REDCAT_HOME, as it was then"
        )
    connection.execute("INSERT OR REPLACE INTO ops.basis VALUES (?, ?)", [BUYER_KEY, fingerprint])


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
    stored = dict(connection.execute("SELECT name, value FROM ops.basis WHERE name <> ?", [BUYER_KEY]).fetchall())
    if stored == basis:
        return 0
    with transaction(connection):
        connection.execute("DELETE FROM ops.basis WHERE name <> ?", [BUYER_KEY])
        connection.executemany("INSERT INTO ops.basis VALUES (?, ?)", list(basis.items()))
        connection.execute("""
            INSERT OR IGNORE INTO ops.outdated
            SELECT asset, business_date FROM ops.days, (VALUES ('conversions'), ('journeys')) AS made(asset)""")
    return int(connection.execute("SELECT count(*) FROM ops.days").fetchall()[0][0])
