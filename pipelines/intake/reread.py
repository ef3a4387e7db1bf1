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
    from pipelines.intake.seen import Seen


def take_back_misread(
    connection: duckdb.DuckDBPyConnection, landing: Path, feed: str, files: Iterable[LandedFile], /, *, seen: Seen
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
    # A file that was not touched since it was read as it would be now is not the one of an entry that says otherwise.
    right = {digest for name, digest, mapping in found if read_as.get(name) == mapping}
    misread = [e for e in found if read_as.get(e[0]) != e[2] and seen.content_hash(e[0]) not in right]

    def is_same(name: str, digest: str) -> bool:
        return digest in _contents(lying[name], now.get(name), landing)

    if not any(is_same(name, digest) for name, digest, _ in misread):
        return []
    same = [(name, digest) for name, digest, _ in found if is_same(name, digest)]
    with transaction(connection):
        withdraw(connection, feed, [digest for _, digest in same])
    return [name for name, _ in same]


def _contents(path: Path, file: LandedFile | None, landing: Path) -> set[str]:
    """Under which hashes the file may have been entered; none when it cannot be read now."""
    try:
        siblings = file.siblings(landing).values() if file else ()
        return versions(path, content_hash([path, *siblings])) | versions(path, content_hash([path]))
    except (OSError, ValueError):
        return set()
