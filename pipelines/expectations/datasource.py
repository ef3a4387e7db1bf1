"""A Great Expectations datasource for DuckDB connections that are already open.

It leans on internals of Great Expectations 1.24.1; tests/pipelines/test_expectations.py characterises them.
Importing this module imports Great Expectations: two seconds and a quarter of a gigabyte.
"""

from __future__ import annotations

import threading
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import great_expectations as gx
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource, TableAsset
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.query_metrics import UnexpectedRowsQueryTable
from great_expectations.validator.validator import Validator
from sqlalchemy.pool import StaticPool

from pipelines.expectations.dialect import URL, BorrowedConnection, DuckDBDialect

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Computes metrics on DuckDB."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Great Expectations picks the regex function by attributes of this module, and refuses regexes
        # without one. Dremio's is REGEXP_MATCHES, in DuckDB documented as a match anywhere in the value.
        self.dialect_module = SimpleNamespace(DremioDialect=DuckDBDialect)


class UnexpectedRowsLeftInPlace(UnexpectedRowsQueryTable):
    """Stands in for the metric that fetches every failing row to show 200: outcomes carry the query."""

    metric_name = "unexpected_rows_query.table"

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(cls, **_: Any) -> list[dict]:  # noqa: N805
        return []


class DuckDBDatasource(SQLDatasource):
    """DuckDB through a borrowed connection."""

    type: Literal["duckdb"] = "duckdb"

    @property
    def execution_engine_type(self) -> type[SqlAlchemyExecutionEngine]:
        """The engine that knows DuckDB's regular expressions."""
        return DuckDBExecutionEngine


class Session:
    """One context, datasource and engine for all validations of the process, one validation at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._borrowed = BorrowedConnection()
        self._context = gx.get_context(mode="ephemeral")
        self._context.enable_analytics(False)
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        with duckdb.connect() as scratch, self._borrowed.from_owner(scratch):  # adding it tests it
            self._datasource = self._context.data_sources.add_duckdb(
                name="duckdb",
                connection_string=URL,
                kwargs={"creator": lambda: self._borrowed, "poolclass": StaticPool},
            )

    def run(
        self,
        connection: duckdb.DuckDBPyConnection,
        relation: str,
        expectations: list[ExpectationConfiguration],
        /,
        *,
        result_format: dict[str, Any],
    ) -> list[ExpectationValidationResult]:
        """Results of the expectations on a relation (SQL that may follow FROM), in their order."""
        asset = TableAsset(name="batch", table_name=relation)
        asset._datasource = self._datasource
        # A query that fails aborts the owner's transaction: going on would only hide the reason.
        runtime = {"catch_exceptions": False, "result_format": result_format}
        with self._lock, self._borrowed.from_owner(connection):
            validator = Validator(
                execution_engine=self._datasource.get_execution_engine(),
                data_context=self._context,
                batches=[asset.get_batch(asset.build_batch_request())],
            )
            return validator.graph_validate(configurations=expectations, runtime_configuration=runtime)


@cache
def session() -> Session:
    """The session of this process."""
    return Session()
