"""Finding landed files: which belong to a feed, by which mapping, and which are not ready or not known.

The landing place is a folder, or a prefix in object storage whose `ObjectPath` answers like one.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.contract import feeds
from data_contracts.exports import recognised
from data_contracts.mapping import Mapping, MappingError, Reading
from data_contracts.mapping_files import native
from pipelines.intake.known import mappings
from pipelines.intake.objects import ObjectPath, StorageAwayError
from pipelines.intake.readers import UnreadableFileError, is_document, read_headers
from pipelines.intake.seen import Seen, Versions
from pipelines.settings import settle_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import duckdb

    from pipelines.intake.objects import LandingPath

UNFINISHED_NAMES = (".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart")
LOCK_PREFIXES = (".~lock.", "~$")
# What tells whether a file is still the same one: a file renamed over it is another, even with its size and time.
State = tuple[int | str, ...]


class UnfinishedFileError(ValueError):
    """The file is still being written; it is read at the next run."""


@dataclass(frozen=True)
class LandedFile:
    """A file that is to become rows of one feed."""

    path: LandingPath
    name: str
    feed: str
    mapping: Mapping

    def siblings(self, landing: LandingPath) -> dict[str, LandingPath]:
        """The files that the mapping joins to this one: beside it, or anywhere else in the landing folder."""
        return siblings_of(self.path, self.mapping, landing)


def siblings_of(path: LandingPath, mapping: Mapping, landing: LandingPath, /) -> dict[str, LandingPath]:
    """The files that the mapping joins to this one; raises MappingError naming those that are not there."""
    found = {}
    for alias, name in mapping.siblings.items():
        beside = path.parent / name
        is_there = beside.is_file() and not _is_stray(beside, landing.resolve())
        elsewhere = [beside] if is_there else [p for p in data_files(landing) if p.name == name]
        if elsewhere:
            found[alias] = elsewhere[0]
    absent = [name for alias, name in mapping.siblings.items() if alias not in found]
    if absent:
        raise MappingError(f"its mapping {mapping.export} needs {', '.join(absent)} too; land it beside this one")
    return found


def landed_files(landing: LandingPath, feed: str, /, *, seen: Seen | None = None) -> Iterator[LandedFile]:
    """The files of one feed, by name: those in its folder, and others that one of its mappings recognises.

    Of several mappings of the feed that recognise a file, the most telling one reads it. Headers are read only of
    files that are not as they were `seen`.
    """
    candidates, versions, seen = _candidates(feed), _versions(feed), seen or Seen()
    for path in files_near(landing, feed):
        name = path.relative_to(landing).as_posix()
        choose = partial(_chosen, path, name, feed, candidates)
        mapping = seen.mapping(name, mark(path), versions, choose)
        if mapping:
            yield LandedFile(path, name, feed, mapping)


def _candidates(feed: str) -> list[Mapping]:
    return [mapping for mapping in mappings() if mapping.feed == feed]


def _versions(feed: str) -> Versions:
    return Versions([*_candidates(feed), native(feed)])


def _chosen(path: LandingPath, name: str, feed: str, candidates: Iterable[Mapping]) -> tuple[Mapping | None, bool]:
    """The mapping of the feed that reads a file, and whether its headers could be read; its own in its own folder."""
    fitting = recognised_by(path, candidates)
    own = native(feed) if name.startswith(f"{feed}/") else None
    return (fitting[0], True) if fitting else (own, bool(headers(path, Reading())))


def files_near(landing: LandingPath, feed: str, /) -> list[LandingPath]:
    """The data files that may be of a feed: all but those in the folders of the others."""
    return data_files(landing, but=set(feeds()) - {feed})


def unknown_files(landing: LandingPath, /, *, but: Collection[str] = ()) -> list[str]:
    """Names of the files outside the feeds' folders that no mapping reads or joins to another, and of stray links.

    Files named in `but` are known, and are not opened.
    """
    siblings = {name for m in mappings() for name in m.siblings.values()}
    unknown = [
        name
        for path in data_files(landing, but=feeds())
        if (name := path.relative_to(landing).as_posix()) not in but
        and path.name not in siblings
        and not recognised_by(path, mappings())
    ]
    return unknown + [f"{name} (a link that leaves the landing folder)" for name in _stray_links(landing)]


def known_files(landing: LandingPath, connection: duckdb.DuckDBPyConnection, /) -> set[str]:
    """Names of files outside the feeds' folders that a mapping was seen to read, and that have not changed since."""
    marks = {path.relative_to(landing).as_posix(): mark(path) for path in data_files(landing, but=feeds())}
    found = set()
    for feed in feeds() if marks else ():
        seen, versions = Seen(connection, feed), _versions(feed)
        found |= {name for name, told in marks.items() if seen.was_read(name, told, versions)}
    return found


def data_files(landing: LandingPath, /, *, but: Collection[str] = ()) -> list[LandingPath]:
    """Every file that is meant as data, in the order of its path, however deep, `but` for folders of these names.

    Hidden files, lock files and README.md are not, nor what a link outside the landing folder points to.
    """
    inside = landing.resolve()
    return [
        path
        for path in sorted(_listed(landing, but))
        if path.is_file()
        and not any(part.startswith((".", *LOCK_PREFIXES)) for part in path.relative_to(landing).parts)
        and path.name != "README.md"
        and not _is_stray(path, inside)
    ]


def _stray_links(landing: LandingPath) -> list[str]:
    inside = landing.resolve()
    return [path.relative_to(landing).as_posix() for path in sorted(_listed(landing)) if _is_stray(path, inside)]


def _listed(landing: LandingPath, but: Collection[str] = ()) -> Iterator[LandingPath]:
    """All that is no folder, however deep; links are named and not followed."""
    if isinstance(landing, ObjectPath):
        yield from (path for path in landing.rglob("*") if path.relative_to(landing).parts[0] not in but)
        return
    try:
        with os.scandir(landing) as found:
            entries = [(Path(e.path), e.is_dir(follow_symlinks=False)) for e in found if e.name not in but]
    except OSError:  # it is gone, or may not be read
        return
    for path, is_folder in entries:
        if is_folder:
            yield from _listed(path)
        else:
            yield path


def _is_stray(path: LandingPath, inside: LandingPath) -> bool:
    """Whether it is a link that leaves the landing folder."""
    return path.is_symlink() and not path.resolve().is_relative_to(inside)


def recognised_by(path: LandingPath, candidates: Iterable[Mapping], /) -> list[Mapping]:
    """The mappings whose telling headers the file has, each reading it in its own way, the most telling first."""
    found: list[Mapping] = []
    by_reading: dict[Reading, list[Mapping]] = {}
    for mapping in candidates:
        if mapping.recognise:
            by_reading.setdefault(reading_of(path, mapping), []).append(mapping)
    for reading, alike in by_reading.items():
        found += recognised(headers(path, reading), alike)
    return sorted(found, key=lambda m: (-len(m.recognise), m.export))


def reading_of(path: LandingPath, mapping: Mapping, /) -> Reading:
    """How the mapping reads the file's headers, without what does not matter to its format."""
    if is_document(path):
        return mapping.read
    return mapping.read.model_copy(update={"records": None, "totals": None, "count": None})


def headers(path: LandingPath, reading: Reading, /) -> tuple[str, ...]:
    """The headers of a file; none where it cannot be read, which taking it in will explain.

    Raises StorageAwayError, since then nothing is known of the file.
    """
    try:
        return _headers(path, state(path), reading)
    except StorageAwayError:
        raise
    except (UnreadableFileError, OSError):
        return ()


@lru_cache(maxsize=4096)
def _headers(path: LandingPath, _state: State, reading: Reading) -> tuple[str, ...]:
    return tuple(read_headers(path, reading))


def content_hash(paths: list[LandingPath], /) -> str:
    """The SHA-256 of the files' contents, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def demand_settled(path: LandingPath, /) -> State:
    """Wait until the file has been left alone for `REDCAT_SETTLE_SECONDS` (default 1).

    Returns the file's state, to be compared with its state after reading.

    Raises:
        UnfinishedFileError: it still grows, its name says that its transfer goes on, or a spreadsheet has it open.
    """
    if path.name.lower().endswith(UNFINISHED_NAMES):
        raise UnfinishedFileError(
            f"its name ends in {path.suffix}, so its transfer is not finished; rename it when it is; "
            "looked at again at the next run"
        )
    if lock := _lock_of(path):
        raise UnfinishedFileError(f"it is open in a spreadsheet ({lock.name}); close it there; read at the next run")
    settle = settle_seconds()
    before = state(path)
    rest = settle - (time.time() - path.stat().st_mtime)
    if 0 < rest <= settle:
        time.sleep(rest)
    demand_unchanged({path: before})
    return before


def settled(path: LandingPath, /) -> bool:
    """Whether the file has been left alone for as long as `demand_settled` would wait; it does not wait."""
    if path.name.lower().endswith(UNFINISHED_NAMES) or _lock_of(path):
        return False
    age = time.time() - path.stat().st_ctime  # a copy may keep the time of its original's last change, not this one
    return age < 0 or age >= settle_seconds()


def readable(path: LandingPath, /) -> bool:
    """Whether this user may read the file."""
    if not isinstance(path, ObjectPath):
        return os.access(path, os.R_OK)
    try:
        path.anew()
    except PermissionError:
        return False
    return True


def state(path: LandingPath, /) -> State:
    """What changes when a file is written to or replaced; of an object, as it was listed."""
    stat = path.stat()
    if isinstance(path, ObjectPath):
        return stat.tag, stat.st_size
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def mark(path: LandingPath, /) -> str:
    """The state of a file as a text that also tells when it was written to, whatever time it pretends to be of."""
    try:
        stat = path.stat()
        return " ".join(map(str, state(path) if isinstance(path, ObjectPath) else (*state(path), stat.st_ctime_ns)))
    except FileNotFoundError:
        return "gone"


def demand_unchanged(before: dict[LandingPath, State], /) -> None:
    """Raise UnfinishedFileError when one of the files is not as it was."""
    for path, was in before.items():
        if state(path.anew() if isinstance(path, ObjectPath) else path) != was:
            raise UnfinishedFileError(f"{path.name} is still being written; read at the next run")


def _lock_of(path: LandingPath) -> LandingPath | None:
    locks = [path.with_name(f".~lock.{path.name}#"), path.with_name(f"~${path.name}")]
    return next((lock for lock in locks if lock.exists()), None)
