"""Swapping in a complete version of what readers open.

    published/analyst.duckdb -> current/analyst.duckdb
    published/current        -> versions/42
    published/versions/42/     complete, never changed again; the versions before it stay for a while

A version is written aside, flushed and named; then `current` is renamed over, which is one step for every level.

Whoever may use this machine may look into these folders and open the marketers' level; the others are for the group of
the user that publishes.
"""

from __future__ import annotations

import mmap
import os
import shutil
from typing import TYPE_CHECKING

from pipelines.warehouse import READABLE_BY, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import duckdb

    # Writes what a level may see to a new DuckDB file.
    Write = Callable[[Path], None]
    # Copies what a level may see from the connection's database into the attached one of the given name.
    Fill = Callable[[duckdb.DuckDBPyConnection, str], None]

#: Rights of a level's file: no reader changes it, not even the owner by mistake. Those of other levels: `FOR_GROUP`.
RIGHTS = {"marketer": 0o444}
FOR_GROUP, OPEN_FOLDER = 0o440, 0o755
AT_ONCE = 8 << 20  # bytes, in whole sectors of any disk


def publish(folder: Path, levels: Mapping[str, Write], /, *, keep: int = 3) -> Path:
    """Write a version with one DuckDB file for each level, and make it the current one; returns its folder.

    A reader that is open keeps the version that it opened; one that opens now sees a complete version. The last
    `keep` versions stay, the new one among them.
    """
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    number = max(_numbers(versions), default=0) + 1
    fresh = versions / f".{number}.new"
    try:
        fresh.mkdir()
        for level, write in levels.items():
            file = fresh / f"{level}.duckdb"
            write(file)
            file.chmod(RIGHTS.get(level, FOR_GROUP))
            flush(file)
        for opened in (folder, versions, fresh):
            opened.chmod(OPEN_FOLDER)
        flush(fresh)
        complete = fresh.rename(versions / str(number))
        flush(versions)
        _link(folder / "current", f"versions/{number}")
        for level in levels:
            if not (folder / f"{level}.duckdb").is_symlink():
                _link(folder / f"{level}.duckdb", f"current/{level}.duckdb")
        flush(folder)
    finally:
        _clear(folder)
    for old in sorted(_numbers(versions))[:-keep]:
        shutil.rmtree(versions / str(old))
    return complete


def everything(warehouse: Path, /) -> Write:
    """A level that sees every table: a copy of the file, at the speed of the disk.

    The file is that of a warehouse that nobody has open, all of whose changes it holds, and compact
    (`pipelines.upkeep.compact`); the copy raises OSError when some are still beside it.
    """

    def write(file: Path) -> None:
        log = warehouse.with_name(f"{warehouse.name}.wal")
        if log.exists():
            raise OSError(f"{log} holds changes that {warehouse.name} does not; end what has it open, then run again")
        _copy(warehouse, file)

    return write


def _copy(source: Path, target: Path) -> None:
    """Copy a file past the system's cache, from which it would push what is read again; through it where that fails."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_DIRECT, 0o666)
        with (
            open(descriptor, "wb", buffering=0) as written,
            source.open("rb", buffering=0) as read,
            mmap.mmap(-1, AT_ONCE) as block,
            memoryview(block) as view,
        ):
            while length := read.readinto(view):
                written.write(view[:length])
        if target.stat().st_size == source.stat().st_size:
            return
    except (AttributeError, OSError):  # not on this system or not in this folder; of a full disk the next line tells
        pass
    shutil.copyfile(source, target)


def part(warehouse: Path, fill: Fill, /) -> Write:
    """A level that sees what `fill` copies of a warehouse that nobody has open."""

    def write(file: Path) -> None:
        with open_warehouse(warehouse) as connection:
            filled(connection, fill)(file)

    return write


def filled(connection: duckdb.DuckDBPyConnection, fill: Fill, /) -> Write:
    """A level that sees what `fill` copies from the connection's database."""

    def write(file: Path) -> None:
        location = str(file).replace("'", "''")
        connection.execute(f"ATTACH '{location}' AS published (STORAGE_VERSION '{READABLE_BY}')")
        try:
            fill(connection, "published")
            connection.execute("CHECKPOINT published")
        finally:
            connection.execute("DETACH published")

    return write


def _numbers(versions: Path) -> list[int]:
    return [int(path.name) for path in versions.iterdir() if path.name.isdecimal()]


def _link(link: Path, target: str) -> None:
    """Point the link to the target in one step, whether there was one or not."""
    aside = link.with_name(f".{link.name}.new")
    aside.symlink_to(target)
    os.replace(aside, link)


def _clear(folder: Path) -> None:
    """Remove what is unfinished, also that of a run that was killed; only one run at a time publishes."""
    for debris in (folder / "versions").glob(".*.new"):
        shutil.rmtree(debris)
    for debris in folder.glob(".*.new"):
        debris.unlink()


def flush(path: Path) -> None:
    """Force a file, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
