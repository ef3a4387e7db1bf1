"""Reading files again whose mapping was corrected: what they gave is taken back, and they count as new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.intake.given import versions
from pipelines.intake.landing import content_hash, files_near
from pipelines.intake.store import withdraw
from pipelines.warehouse import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

    from pipelines.intake.landing import LandedFile


def take_back_misread(
    connection: duckdb.DuckDBPyConnection, landing: Path, feed: str, files: Iterable[LandedFile], /
) -> list[str]:
    """Take back what a feed's files gave when one of them was read by another mapping than now; returns their names.

    All files of the feed that still lie in the landing folder with the content that was read: of two files that say
    the same the one whose row stands is not always the one that was misread. A file whose content is gone stays as it
    was read.
    """
    now = {file.name: file for file in files}
    version = {id(m): m.version for m in {id(file.mapping): file.mapping for file in now.values()}.values()}
    read_as = {name: version[id(file.mapping)] for name, file in now.items()}
    lying = {path.relative_to(landing).as_posix(): path for path in files_near(landing, feed)}
    entries = connection.execute(
        "SELECT file, content_hash, mapping FROM ops.files WHERE feed = ? AND status <> 'refused' ORDER BY file", [feed]
    ).fetchall()
    found = [(name, digest, mapping) for name, digest, mapping in entries if name in lying]
    if all(read_as.get(name) == mapping for name, _, mapping in found):
        return []
    same = [(n, digest, mapping) for n, digest, mapping in found if digest in _contents(lying[n], now.get(n), landing)]
    if all(read_as.get(name) == mapping for name, _, mapping in same):
        return []
    with transaction(connection):
        withdraw(connection, feed, [digest for _, digest, _ in same])
    return [name for name, _, _ in same]


def _contents(path: Path, file: LandedFile | None, landing: Path) -> set[str]:
    """Under which hashes the file may have been entered; none when it cannot be read now."""
    try:
        siblings = file.siblings(landing).values() if file else ()
        return versions(path, content_hash([path, *siblings])) | versions(path, content_hash([path]))
    except (OSError, ValueError):
        return set()
