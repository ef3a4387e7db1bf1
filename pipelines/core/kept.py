"""Sums over all dates that are kept by key, and of which a run changes only what its dates change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Kept:
    """A core table of one row for each key: `merged` names the other columns, and the aggregate that adds each up.

    `rows` is the query that gives what `{chosen}` adds to it, a row for each key; `date` is the column of it by which
    dates are chosen. Nothing can be taken out of such a sum: the rows of whoever had a part in dates that are made
    again are made anew. `whose` is SQL over the key that tells whose they are, `of_dates` the query of those who had.
    """

    name: str
    rows: str
    date: str
    key: tuple[str, ...]
    merged: dict[str, str]
    whose: str
    of_dates: str

    @property
    def made_by(self) -> str:
        """What tells tables that are made by this query from others."""
        return hashlib.sha256(self.rows.encode()).hexdigest()[:16]


def is_kept(connection: duckdb.DuckDBPyConnection, kept: Kept, /) -> bool:
    """Whether the table is there, and made by the query that there is now."""
    query = "SELECT comment FROM duckdb_tables() WHERE schema_name = 'core' AND table_name = ?"
    return connection.execute(query, [kept.name]).fetchall() == [(kept.made_by,)]


def keep(connection: duckdb.DuckDBPyConnection, kept: Kept, /) -> None:
    """Bring the table up to date with the dates in `dates`, inside the caller's transaction; make it if it is not."""
    table = f"core.{kept.name}"
    if not is_kept(connection, kept):
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS {kept.rows.format(chosen='true')}")
        connection.execute(f"COMMENT ON TABLE {table} IS '{kept.made_by}'")
        return
    connection.execute(f"CREATE OR REPLACE TEMP TABLE anew AS {kept.of_dates}")
    chosen, anew = f"{kept.date} IN (FROM dates)", f"{kept.whose} IN (FROM anew)"
    if connection.execute("SELECT EXISTS (FROM anew)").fetchall() == [(True,)]:
        connection.execute(f"DELETE FROM {table} WHERE {anew}")
        chosen = f"({chosen} OR {anew})"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {kept.rows.format(chosen=chosen)}")
    _merge(connection, table, kept)


def _merge(connection: duckdb.DuckDBPyConnection, table: str, kept: Kept) -> None:
    """Add the rows in `fresh` to those of the table; rows that they do not change are not written again."""
    same = " AND ".join(f"kept.{name} IS NOT DISTINCT FROM fresh.{name}" for name in kept.key)
    columns = ", ".join((*kept.key, *kept.merged))
    added_up = ", ".join((*kept.key, *(f"{add}({name}) AS {name}" for name, add in kept.merged.items())))
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE met AS
        SELECT kept.*, kept.rowid AS place FROM {table} AS kept SEMI JOIN fresh ON {same}""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE changed AS
        SELECT {added_up} FROM (SELECT {columns} FROM met UNION ALL SELECT {columns} FROM fresh) GROUP BY ALL
        EXCEPT SELECT {columns} FROM met""")
    same = same.replace("fresh.", "changed.")
    connection.execute(
        f"DELETE FROM {table} WHERE rowid IN (SELECT place FROM met AS kept SEMI JOIN changed ON {same})"
    )
    connection.execute(f"INSERT INTO {table} BY NAME FROM changed")
