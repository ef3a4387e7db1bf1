"""The level of the published warehouse for marketers: the marts alone, without what few buyers stand behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.marts.tables import MARTS
from pipelines.suppression import bare, counted, in_order, without_few
from pipelines.warehouse import columns_of, create_table, quoted

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from pipelines.publish import Fill


def marketer(k: int, /) -> Fill:
    """The fill of a level that sees every mart but those of analysts, with cells of fewer than k people suppressed.

    Every table has a column `suppressed` more than for analysts: whether figures of the row are withheld.
    """

    def fill(connection: duckdb.DuckDBPyConnection, published: str) -> None:
        connection.execute(f"CREATE SCHEMA {published}.mart")
        query = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mart' AND NOT temporary"
        there = {name for (name,) in connection.execute(query).fetchall()}
        few = {mart.name: mart.private for mart in MARTS if mart.private is not None and mart.name in there}
        done: dict[str, pl.DataFrame] = {}
        for name in in_order(few):
            rows = counted(connection, f"mart.{quoted(name)}", few[name], buyers="mart.buyers")
            done[name] = without_few(rows, few[name], done, k=k)
        for name, found in done.items():
            rows = bare(found)
            table = f"{published}.mart.{quoted(name)}"
            create_table(connection, table, columns_of(connection, f"mart.{quoted(name)}") | {"suppressed": "BOOLEAN"})
            connection.execute(f"INSERT INTO {table} BY NAME FROM rows")

    return fill
