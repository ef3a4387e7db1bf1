"""Swapping in a complete copy of the warehouse."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

READABLE_BY = "v1.5.0"  # DuckDB 1.5 and later open what is published


def publish(connection: duckdb.DuckDBPyConnection, target: Path, /) -> None:
    """Copy every table into a new file beside the target and rename it over the target.

    A reader that is open keeps the version that it opened; one that opens now sees a complete version.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _clear(target)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    source = connection.execute("SELECT current_database()").fetchall()[0][0]
    try:
        location = str(fresh).replace("'", "''")
        connection.execute(f"ATTACH '{location}' AS published (STORAGE_VERSION '{READABLE_BY}')")
        try:
            connection.execute(f'COPY FROM DATABASE "{source}" TO published')
            connection.execute("CHECKPOINT published")
        finally:
            connection.execute("DETACH published")
        _flush(fresh)
        os.replace(fresh, target)
        _flush(target.parent)
    finally:
        _clear(target)


def _clear(target: Path) -> None:
    """Remove unfinished versions, also those of a run that was killed; only one run at a time publishes."""
    for debris in target.parent.glob(f".{target.name}.*.new*"):
        debris.unlink()


def _flush(path: Path) -> None:
    """Force a file, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
