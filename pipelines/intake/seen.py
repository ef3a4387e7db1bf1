"""Which files were looked at before, and in which state: only what is new or touched is opened and hashed again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from pipelines.warehouse import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import duckdb

    from data_contracts.mapping import Mapping

SCHEMA = {"file": pl.String, "state": pl.String, "mapping": pl.String, "content_hash": pl.String}


class Versions:
    """Mappings by their version, and what tells all of them from others."""

    def __init__(self, mappings: Iterable[Mapping]) -> None:
        self.mappings = {mapping.version: mapping for mapping in mappings}
        self.told = hashlib.sha256(" ".join(sorted(self.mappings)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Look:
    """What was found of a file for one feed.

    `state` changes with the file and with the mappings that it was held against; `mapping` is the version of the one
    that reads it, None where none of this feed does; `content_hash` tells its content, once it was read.
    """

    state: str
    mapping: str | None
    content_hash: str | None = None


class Seen:
    """The files of one feed, as they were looked at last. Without a connection, nothing was looked at before."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None, feed: str = "") -> None:
        query = "SELECT file, state, mapping, content_hash FROM ops.seen WHERE feed = ?"
        rows = connection.execute(query, [feed]).fetchall() if connection else []
        self._before = {file: Look(*look) for file, *look in rows}
        self._now: dict[str, Look] = {}

    def mapping(
        self, name: str, mark: str, versions: Versions, choose: Callable[[], tuple[Mapping | None, bool]], /
    ) -> Mapping | None:
        """The one of the mappings that reads the file of this mark: as before, or where one changed as `choose` says.

        `choose` also says whether that is for good: a file that could not be read is looked at again.
        """
        state, look = f"{mark} {versions.told}", self._before.get(name)
        if look is None or look.state != state:
            chosen, is_sure = choose()
            if not is_sure:
                return chosen
            look = Look(state, chosen.version if chosen else None)
        self._now[name] = look
        return versions.mappings.get(look.mapping or "")

    def was_read(self, name: str, mark: str, versions: Versions, /) -> bool:
        """Whether one of the mappings reads the file of this mark, as far as was seen."""
        look = self._before.get(name)
        return look is not None and look.mapping is not None and look.state == f"{mark} {versions.told}"

    def content_hash(self, name: str) -> str | None:
        """What told the file's content when it was read in the state that it is in."""
        return self._now[name].content_hash if name in self._now else None

    def read(self, name: str, mark: str, content_hash: str, /) -> None:
        """Enter what tells the content, if the file is still as it was looked at."""
        look = self._now.get(name)
        if look and look.state.rpartition(" ")[0] == mark:
            self._now[name] = replace(look, content_hash=content_hash)

    def store(self, connection: duckdb.DuckDBPyConnection, feed: str, /) -> None:
        """Keep for the next run what changed since the last one."""
        changed = {name: look for name, look in self._now.items() if self._before.get(name) != look}
        gone = [*changed, *(self._before.keys() - self._now.keys())]
        if not gone:
            return
        rows = [(name, look.state, look.mapping, look.content_hash) for name, look in changed.items()]
        frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")  # noqa: F841 - DuckDB reads it by its name
        with transaction(connection):
            connection.execute("DELETE FROM ops.seen WHERE feed = ? AND file IN (SELECT unnest(?))", [feed, gone])
            connection.execute("INSERT INTO ops.seen BY NAME SELECT ? AS feed, * FROM frame", [feed])
