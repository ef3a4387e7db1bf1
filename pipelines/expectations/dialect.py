"""DuckDB for SQLAlchemy, over a connection that is already open and stays its owner's.

Great Expectations brackets its queries with commits, rollbacks and closes. Here they do nothing, so the
queries see the rows that the owner has not committed yet, and the owner alone ends the transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "duckdb+borrowed://"

TYPES: dict[str, sa.types.TypeEngine] = {
    "VARCHAR": sa.Text(),
    "TIMESTAMP WITH TIME ZONE": sa.DateTime(timezone=True),
    "TIMESTAMP": sa.DateTime(),
    "DATE": sa.Date(),
    "DECIMAL": sa.Numeric(),
    "DOUBLE": sa.Double(),
    "BIGINT": sa.BigInteger(),
    "INTEGER": sa.Integer(),
    "BOOLEAN": sa.Boolean(),
}


class Cursor:
    """A DB-API cursor that holds all rows of its last statement.

    A DuckDB connection has one open result; a cursor that streamed would lose its rows to the next query.
    """

    arraysize = 1
    rowcount = -1

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._rows: list[tuple] = []
        self.description: list[tuple] | None = None

    def execute(self, statement: str, parameters: tuple = ()) -> None:
        """Run one statement and read its rows; raises duckdb.Error."""
        result = self._connection.execute(statement, list(parameters))
        self.description = result.description
        self._rows = result.fetchall()[::-1]

    def fetchone(self) -> tuple | None:
        """The next row, or None."""
        return self._rows.pop() if self._rows else None

    def fetchmany(self, size: int = arraysize) -> list[tuple]:
        """The next rows, at most `size`."""
        return [self._rows.pop() for _ in range(min(size, len(self._rows)))]

    def fetchall(self) -> list[tuple]:
        """The rows that are left."""
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        """Forget the rows."""
        self._rows = []


class BorrowedConnection:
    """A DB-API connection that borrows an open DuckDB connection and never ends its transaction."""

    def __init__(self) -> None:
        self._owner: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def from_owner(self, connection: duckdb.DuckDBPyConnection, /) -> Iterator[None]:
        """Borrow `connection` for a block; keeping it longer would keep its file open."""
        previous, self._owner = self._owner, connection
        try:
            yield
        finally:
            self._owner = previous

    def cursor(self) -> Cursor:
        """A cursor on the connection borrowed just now; raises RuntimeError when there is none."""
        if self._owner is None:
            raise RuntimeError("no DuckDB connection is borrowed: query inside `from_owner(connection)`")
        return Cursor(self._owner)

    def commit(self) -> None:
        """Nothing: the transaction is the owner's."""

    rollback = close = commit


class LiteralCompiler(PGCompiler):
    """Writes values into the SQL as literals.

    The text of a query is then all there is to it. Great Expectations would insert bound values into the
    text of a failing-rows query by `repr`, which breaks on quotes and backslashes.
    """

    def visit_bindparam(self, bindparam, **kw):
        if bindparam.required:  # no parameter but a colon inside raw SQL, as in ':x'
            return f":{bindparam.key}"
        return super().visit_bindparam(bindparam, **kw | {"literal_binds": True})


class DuckDBDialect(PGDialect):
    """PostgreSQL's SQL with literals, and with the reflection that DuckDB has."""

    name = "duckdb"
    driver = "borrowed"
    statement_compiler = LiteralCompiler
    supports_statement_cache = False  # the cache would take literals for parameters
    default_paramstyle = "qmark"

    @classmethod
    def import_dbapi(cls):
        """DuckDB's module, for its error classes."""
        return duckdb

    def initialize(self, connection) -> None:
        """Nothing: PostgreSQL's questions about the server have no answer here."""

    def get_columns(self, connection, table_name, schema=None, **kw):
        """Columns of a relation, which may be any text that can follow FROM."""
        rows = connection.exec_driver_sql(f"DESCRIBE SELECT * FROM {table_name}")
        return [
            {"name": name, "type": TYPES.get(kind.split("(")[0], sa.types.NULLTYPE), "nullable": True}
            for name, kind, *_ in rows
        ]

    def get_pk_constraint(self, connection, table_name, schema=None, **kw):
        """None: a relation's rows are what is checked, not its constraints."""
        return {"constrained_columns": [], "name": None}

    def has_table(self, connection, table_name, schema=None, **kw):
        """True: what does not exist fails when it is read, with DuckDB's own message."""
        return True


sa.dialects.registry.register("duckdb.borrowed", __name__, DuckDBDialect.__name__)
