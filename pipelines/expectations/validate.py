"""Validates rows on a DuckDB connection, inside its transaction, with a Great Expectations suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

COLUMN_KEYS = ("column", "column_A", "column_B")
# BOOLEAN_ONLY spares the samples that Great Expectations fetches for every expectation.
RESULT_FORMAT = {"result_format": "BOOLEAN_ONLY", "return_unexpected_index_query": True}


@dataclass(frozen=True)
class ExpectationOutcome:
    """What one expectation found.

    `evaluated` and `unexpected` count rows. `query` selects the failing rows, with every column of the
    table; run it on the same connection, in the same transaction.
    """

    name: str
    rule: str
    column: str | None
    success: bool
    severity: Literal["warning", "critical"]
    evaluated: int
    unexpected: int
    description: str
    query: str

    @property
    def unexpected_share(self) -> float:
        """Failing rows over evaluated rows, between 0 and 1; 0 where there are no rows."""
        return self.unexpected / self.evaluated if self.evaluated else 0.0


def validate(connection: DuckDBPyConnection, table: str, suite: ExpectationSuite, /) -> list[ExpectationOutcome]:
    """Outcomes of a suite on the rows of a table, uncommitted ones included, in the suite's order.

    `table` is SQL for a table or view (`raw.notes`, `"odd name"`). Nothing is written, committed, rolled back or
    closed.
    The suite's expectations must be about rows (column map, column pair map, unexpected rows).

    Raises ValueError when the table lacks columns that the suite checks, before anything is run. Another
    SQL error surfaces as duckdb.Error, or as Great Expectations' MetricResolutionError with DuckDB's
    message in it; DuckDB then has aborted the transaction, and the owner has to roll back.
    """
    from pipelines.expectations.datasource import session

    expectations = suite.expectation_configurations
    if not expectations:
        return []
    relation = f"(SELECT * FROM {table}) AS batch"
    columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]
    _require_columns(table, columns, expectations)
    results = session().run(
        connection,
        relation,
        expectations,
        result_format=RESULT_FORMAT | {"unexpected_index_column_names": columns},
    )
    evaluated = _count(connection, f"SELECT * FROM {relation}")
    return [
        _outcome(connection, expectation, result, relation=relation, columns=columns, evaluated=evaluated)
        for expectation, result in zip(expectations, results, strict=True)
    ]


def _require_columns(table: str, columns: list[str], expectations: list[ExpectationConfiguration]) -> None:
    needed = {e.kwargs[key] for e in expectations for key in COLUMN_KEYS if key in e.kwargs}
    if missing := sorted(needed - set(columns)):
        raise ValueError(
            f"{table} lacks {len(missing)} of the {len(needed)} columns that its suite checks: "
            f"{', '.join(missing)}. It has {', '.join(columns)}. Create it from the feed's contract."
        )


def _outcome(
    connection: DuckDBPyConnection,
    expectation: ExpectationConfiguration,
    result: ExpectationValidationResult,
    *,
    relation: str,
    columns: list[str],
    evaluated: int,
) -> ExpectationOutcome:
    meta = expectation.meta or {}
    column = meta.get("column", expectation.kwargs.get("column"))
    rule = meta.get("rule", expectation.type)
    query = _failing_rows(expectation, result, relation=relation, columns=columns)
    # Without `mostly`, success means that there is nothing to count.
    clean = result.success and expectation.kwargs.get("mostly", 1) == 1
    return ExpectationOutcome(
        name=meta.get("name", f"{column}_{rule}"),
        rule=rule,
        column=column,
        success=bool(result.success),
        severity="critical" if expectation.severity == "critical" else "warning",
        evaluated=evaluated,
        unexpected=0 if clean else _count(connection, query),
        description=expectation.description or "",
        query=query,
    )


def _failing_rows(
    expectation: ExpectationConfiguration,
    result: ExpectationValidationResult,
    *,
    relation: str,
    columns: list[str],
) -> str:
    if template := expectation.kwargs.get("unexpected_rows_query"):
        return template.format(batch=relation)
    # Great Expectations selects the columns asked for and then the checked one once more.
    failing = result.result["unexpected_index_query"].rstrip("; \n")
    names = ", ".join('"{}"'.format(name.replace('"', '""')) for name in columns)
    return f"SELECT {names} FROM ({failing}) AS failing"


def _count(connection: DuckDBPyConnection, query: str) -> int:
    (row,) = connection.execute(f"SELECT count(*) FROM ({query}) AS counted").fetchall()
    return int(row[0])
