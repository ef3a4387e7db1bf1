"""Whether two warehouses hold the same: every table, row for row, in whatever order they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

Contents = dict[str, tuple[int, int]]


def contents(file: Path) -> Contents:
    """How many rows each table has, and a hash of them, but for the instant at which a file was taken in."""
    found = {}
    with duckdb.connect(file, read_only=True) as connection:
        for (name,) in connection.sql("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall():
            if name == "ops.seen":
                continue  # in which state of the disk files were looked at, which is nothing of what they hold
            rows = f"(SELECT COLUMNS(lambda c: c <> 'ingested_at') FROM {name})"
            found[name] = connection.sql(f"SELECT count(*), bit_xor(hash(t)) FROM {rows} AS t").fetchall()[0]
    return found


def differing(found: Contents, wanted: Contents) -> list[str]:
    """The tables that do not hold the same rows."""
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
