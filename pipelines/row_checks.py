"""Rows that look wrong and are kept all the same: counted, named, and shown as a warning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from data_contracts.contract import contract
from pipelines.warehouse import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import duckdb

EXAMPLES = 5


@dataclass(frozen=True)
class RowCheck:
    """A check of a table: `query` gives the values that are wrong and in how many rows each; `remedy` what to do."""

    name: str
    description: str
    query: str
    told: str
    remedy: str


def reference_check(table: str, column: str, of: str, remedy: str, *, rows: str = "count(*)") -> RowCheck:
    """The check that a column's values stand in another one, which is named like `raw.notes.note_id`.

    `rows` is SQL for how many rows those of the table stand for.
    """
    other, other_column = of.rsplit(".", 1)
    return RowCheck(
        f"known_{column}",
        f"Every {column} stands in {other}; other rows are kept and named.",
        f"""SELECT {quoted(column)}, {rows} FROM {table} WHERE {quoted(column)} IS NOT NULL
            AND {quoted(column)} NOT IN (SELECT {quoted(other_column)} FROM {other}) GROUP BY ALL ORDER BY ALL""",
        f"unknown {column}",
        remedy,
    )


def reference_checks(feed: str) -> list[RowCheck]:
    """The checks that a feed's columns stand in the reference tables that its contract names."""
    return [
        reference_check(
            f"raw.{feed}",
            field.name,
            field.reference,
            f"add them to data_contracts/{field.reference.rsplit('.', 1)[0].replace('.', '/')}.csv, or map their codes",
        )
        for field in contract(feed).fields
        if field.reference and field.reference.startswith("reference.")
    ]


def row_check_specs(table: str, checks: Iterable[RowCheck]) -> list[dg.AssetCheckSpec]:
    """The checks of a table (`schema.name`, which is also its asset)."""
    return [dg.AssetCheckSpec(c.name, asset=table.split("."), description=c.description) for c in checks]


def row_check_results(
    connection: duckdb.DuckDBPyConnection, table: str, checks: Iterable[RowCheck]
) -> Iterator[dg.AssetCheckResult]:
    """How many rows are wrong, and which: warnings, since no row is lost by it."""
    for check in checks:
        found = connection.execute(check.query).fetchall()
        rows, examples = sum(count for _, count in found), ", ".join(str(value) for value, _ in found[:EXAMPLES])
        told = f"{rows:,} row{'s' * (rows != 1)}: {len(found):,} {check.told} ({examples}); {check.remedy}"
        yield dg.AssetCheckResult(
            check_name=check.name,
            asset_key=table.split("."),
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=told if found else None,
            metadata={"rows": rows, "values": len(found)},
        )
