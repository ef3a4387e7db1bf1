"""The private warehouse again, from what was published last."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import duckdb

from pipelines.publish import flush
from pipelines.sole_run import hold
from pipelines.warehouse import open_warehouse, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home


class RestoreError(ValueError):
    """Why nothing was restored; the message says what to do."""


def restore(home: Home, /) -> tuple[Path, Path | None]:
    """Put the newest sound published version into the place of the private warehouse.

    What stood there is renamed, not deleted. A published version holds every table, also which files were taken in,
    so the next run takes in what has landed since and ends where it would have ended.

    Returns:
        The version that was taken, and what the damaged warehouse is called now (null when there was none).

    Raises:
        RestoreError: no published version can be read.
        BlockingIOError: a run is at work.
    """
    with hold(home):
        found = _newest_sound(home)
        warehouse = home.warehouse
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        fresh = warehouse.with_name(f".{warehouse.name}.new")
        shutil.copyfile(found, fresh)
        flush(fresh)  # a whole copy is on the disk before the damaged one gives up its name
        aside = _set_aside(warehouse)
        os.replace(fresh, warehouse)
        flush(warehouse.parent)
        with open_warehouse(warehouse):
            return found, aside


def _newest_sound(home: Home) -> Path:
    """The newest version of which every row can be read; DuckDB finds a damaged block by its checksum."""
    versions = home.published.parent / "versions"
    candidates = sorted(versions.glob(f"[0-9]*/{home.published.name}"), key=lambda p: int(p.parent.name), reverse=True)
    for candidate in candidates:
        try:
            with duckdb.connect(candidate, read_only=True) as connection:
                for schema, table in connection.sql("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
                    connection.sql(f"SELECT bit_xor(hash(t)) FROM {quoted(schema)}.{quoted(table)} AS t").fetchall()
        except (duckdb.Error, OSError):
            continue
        return candidate
    raise RestoreError(
        f"none of the {len(candidates)} published versions in {versions} can be read; rename {home.warehouse} and run "
        "redcat run over all dates: every file that is still in the landing folder is taken in again"
    )


def _set_aside(warehouse: Path) -> Path | None:
    """Keep the warehouse under the first free name too, until another takes its own, and rename its write-ahead log."""
    log = warehouse.with_name(f"{warehouse.name}.wal")
    number = 1
    while (aside := warehouse.with_name(f"{warehouse.name}.damaged-{number}")).exists():
        number += 1
    if log.exists():
        log.rename(aside.with_name(f"{aside.name}.wal"))
    if not warehouse.exists():
        return None
    aside.hardlink_to(warehouse)  # a kill here leaves the damaged one, which says so, and not none
    return aside
