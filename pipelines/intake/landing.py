"""Finding landed files: which belong to a feed, by which mapping, and which are not ready or not known."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import feeds
from data_contracts.exports import Mapping, MappingError, Reading, mappings, native, recognised
from pipelines.intake.readers import UnreadableFileError, is_readable_name, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNFINISHED_NAMES = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
LOCK_PREFIXES = (".~lock.", "~$")


class UnfinishedFileError(ValueError):
    """The file is still being written; it is read at the next run."""


@dataclass(frozen=True)
class LandedFile:
    """A file that is to become rows of one feed."""

    path: Path
    name: str
    feed: str
    mapping: Mapping

    def siblings(self, landing: Path) -> dict[str, Path]:
        """The files that the mapping joins to this one: beside it, or anywhere else in the landing folder."""
        found = {}
        for alias, name in self.mapping.siblings.items():
            beside = self.path.parent / name
            elsewhere = [beside] if beside.is_file() else sorted(landing.rglob(name))
            if not elsewhere:
                raise MappingError(
                    f"its mapping {self.mapping.export} needs the file {name} too; land it beside this one"
                )
            found[alias] = elsewhere[0]
        return found


def landed_files(landing: Path, feed: str, /) -> Iterator[LandedFile]:
    """The files of one feed, by name: those in its folder, and others that one of its mappings recognises."""
    candidates = [m for m in mappings() if m.feed == feed]
    for path in data_files(landing):
        folder = path.relative_to(landing).parts[0]
        name = path.relative_to(landing).as_posix()
        if folder == feed:
            fitting = recognised(headers(path, candidates), candidates)
            yield LandedFile(path, name, feed, fitting[0] if fitting else native(feed))
        elif folder not in feeds() and candidates:
            for mapping in recognised(headers(path, candidates), candidates):
                yield LandedFile(path, name, feed, mapping)


def unknown_files(landing: Path, /) -> list[str]:
    """Names of the files outside the feeds' folders that no mapping reads or joins to another."""
    siblings = {name for m in mappings() for name in m.siblings.values()}
    return [
        path.relative_to(landing).as_posix()
        for path in data_files(landing)
        if path.relative_to(landing).parts[0] not in feeds()
        and path.name not in siblings
        and not recognised(headers(path, mappings()), mappings())
    ]


def data_files(landing: Path, /) -> list[Path]:
    """Every file that is meant as data, in the order of its path; hidden, lock and partial files are not."""
    inside = landing.resolve()
    return [
        path
        for path in sorted(landing.rglob("*"))
        if path.is_file()
        and path.resolve().is_relative_to(inside)
        and not any(part.startswith((".", *LOCK_PREFIXES)) for part in path.relative_to(landing).parts)
        and path.name != "README.md"
    ]


def headers(path: Path, candidates: tuple[Mapping, ...] | list[Mapping], /) -> list[str]:
    """The headers of a file, read as each of the mappings would read it; none where it cannot be read."""
    stat = path.stat()
    readings = {m.read for m in candidates if m.recognise}
    return sorted({h for reading in readings for h in _headers(path, stat.st_mtime_ns, stat.st_size, reading)})


@lru_cache(maxsize=4096)
def _headers(path: Path, _changed: int, _size: int, reading: Reading) -> tuple[str, ...]:
    if not is_readable_name(path.name):
        return ()
    if path.suffix == ".parquet":
        try:
            return tuple(pl.read_parquet_schema(path))
        except (pl.exceptions.PolarsError, OSError):
            return ()
    try:
        return tuple(read_file(path, reading).columns)
    except UnreadableFileError:
        return ()


def content_hash(paths: list[Path], /) -> str:
    """The SHA-256 of the files' contents, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def demand_settled(path: Path, /) -> os.stat_result:
    """Wait until the file has been left alone for `REDCAT_SETTLE_SECONDS` (default 1); raise if it still grows.

    Returns the file's state, to be compared with its state after reading.
    """
    if path.name.lower().endswith(UNFINISHED_NAMES):
        raise UnfinishedFileError(
            f"its name ends in {path.suffix}, so its transfer is not finished; read at the next run"
        )
    if lock := _lock_of(path):
        raise UnfinishedFileError(f"it is open in a spreadsheet ({lock.name}); close it there; read at the next run")
    settle = float(os.environ.get("REDCAT_SETTLE_SECONDS", "1"))
    before = path.stat()
    rest = settle - (time.time() - before.st_mtime)
    if 0 < rest <= settle:
        time.sleep(rest)
    demand_unchanged(path, before)
    return before


def demand_unchanged(path: Path, before: os.stat_result, /) -> None:
    """Raise UnfinishedFileError when the file is not as it was."""
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise UnfinishedFileError("it is still being written; read at the next run")


def _lock_of(path: Path) -> Path | None:
    locks = [path.with_name(f".~lock.{path.name}#"), path.with_name(f"~${path.name}")]
    return next((lock for lock in locks if lock.exists()), None)
