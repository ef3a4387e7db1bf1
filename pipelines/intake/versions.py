"""Every version of the rows of feeds that restate, so that what was known on a date stays readable.

A version is told apart by the instant at which its source wrote it, not by when it came: the versions that are kept
depend neither on the order of files nor on repeats. `pipelines.upkeep` forgets those
that were replaced long ago.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts.contract import contract
from pipelines.warehouse import quoted

if TYPE_CHECKING:
    import duckdb


def keep_versions(connection: duckdb.DuckDBPyConnection, staged: str, feed: str, /, *, repeats: bool) -> None:
    """Add the good staged rows to the versions of the feed, if it keeps them.

    Of two rows of one key and instant the one with the greater values stays, as in the raw table; `repeats` says
    whether two good rows may share a key.
    """
    if not contract(feed).keeps_versions:
        return
    key = [*contract(feed).primary_key, "exported_at"]
    same = " AND ".join(f"new.{quoted(k)} = old.{quoted(k)}" for k in key)
    names = [quoted(f.name) for f in contract(feed).fields]
    of_new, of_old = (", ".join(f"{side}.{n}" for n in names) for side in ("new", "old"))
    order = f"PARTITION BY {', '.join(map(quoted, key))} ORDER BY row({', '.join(names)}) DESC, _row DESC"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE versions_found AS
        WITH newest AS (
            SELECT * EXCLUDE (_reasons, _record) FROM {staged} WHERE len(_reasons) = 0
            {f"QUALIFY row_number() OVER ({order}) = 1" if repeats else ""}
        )
        SELECT new.* FROM newest AS new LEFT JOIN versions.{feed} AS old ON {same}
        WHERE old._file IS NULL OR (row({of_new}), new._file, new._row) > (row({of_old}), old._file, old._row)""")
    connection.execute(f"DELETE FROM versions.{feed} AS old USING versions_found AS new WHERE {same}")
    connection.execute(f"INSERT INTO versions.{feed} BY NAME FROM versions_found")
    connection.execute("DROP TABLE versions_found")
