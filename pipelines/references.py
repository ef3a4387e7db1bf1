"""Values that should stand in another table: rows that point to nothing are kept, counted and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from data_contracts.contract import contract
from data_contracts.reference import TABLES
from pipelines.warehouse import quoted, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from data_contracts.contract import Field

REMEDIES = {
    "raw.notes": "land the notes export that holds them; until then they earn nothing",
    "reference.categories": "add them to data_contracts/reference/categories.csv, or map their codes",
    "reference.channels": "add them to data_contracts/reference/channels.csv, or map their codes",
    "reference.lanes": "add them to data_contracts/reference/lanes.csv, or map their codes",
}


def store_reference(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the reference tables into the schema `reference`."""
    with transaction(connection):
        for name, table in TABLES.items():
            frame = table().to_arrow()  # noqa: F841 - DuckDB reads it by its name
            connection.execute(f"CREATE OR REPLACE TABLE reference.{name} AS FROM frame")


def reference_specs(feed: str) -> list[dg.AssetCheckSpec]:
    """One check for each column of the feed that refers to another table."""
    return [
        dg.AssetCheckSpec(
            f"known_{field.name}",
            asset=["raw", feed],
            description=f"Every {field.name} stands in {_target(field)[0]}; other rows are kept and named. "
            f"{field.name_zh}均可查到。",
        )
        for field in _referring(feed)
    ]


def reference_results(connection: duckdb.DuckDBPyConnection, feed: str) -> Iterator[dg.AssetCheckResult]:
    """How many rows of the feed point to nothing, and to what: warnings, since no row is lost by it."""
    for field in _referring(feed):
        table, column = _target(field)
        found = connection.execute(f"""
            SELECT {quoted(field.name)}, count(*) FROM raw.{feed}
            WHERE {quoted(field.name)} IS NOT NULL
              AND {quoted(field.name)} NOT IN (SELECT {quoted(column)} FROM {table})
            GROUP BY ALL ORDER BY ALL""").fetchall()
        rows, examples = sum(count for _, count in found), ", ".join(str(value) for value, _ in found[:5])
        told = f"{rows:,} rows have {len(found):,} unknown {field.name} ({examples}); {REMEDIES[table]}"
        yield dg.AssetCheckResult(
            check_name=f"known_{field.name}",
            asset_key=["raw", feed],
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=told if found else None,
            metadata={"rows": rows, "unknown values": len(found)},
        )


def _referring(feed: str) -> list[Field]:
    return [field for field in contract(feed).fields if field.reference]


def _target(field: Field) -> tuple[str, str]:
    """Table and column that the column refers to, as the warehouse names them."""
    *table, column = (field.reference or "").split(".")
    return (".".join(table) if table[0] == "reference" else f"raw.{table[0]}"), column
