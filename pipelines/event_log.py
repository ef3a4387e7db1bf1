"""Dagster's event log in SQLite, with its databases kept open.

A range of dates is an event for each asset and date, and for each event Dagster opens a database, waits for the disk
and closes it. Kept open, and synchronised when the log is folded in, a range is entered several times as fast. A crash
of the process loses nothing; a power cut may lose the last events of the log, none of the warehouse.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SQLITE_BUSY_TIMEOUT_SECONDS, SqliteEventLogStorage
from sqlalchemy import create_engine, event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine


OPEN_SHARDS = 8  # each run has a database of its own, and each open one holds files and memory


class OpenSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's own storage but for how it connects."""

    def __init__(self, base_dir: str, inst_data: Any | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()  # the last used at the end
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> OpenSqliteEventLogStorage:
        """The storage that `dagster.yaml` describes."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        """The open database of a shard; beyond `OPEN_SHARDS` the one that was used longest ago is closed."""
        if shard not in self._engines:
            self._engines[shard] = _open(self.conn_string_for_shard(shard))
        self._engines.move_to_end(shard)
        if len(self._engines) > OPEN_SHARDS:
            _, oldest = self._engines.popitem(last=False)
            oldest.dispose()
        return self._engines[shard]

    def dispose(self) -> None:
        """Close what is open."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _open(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine
