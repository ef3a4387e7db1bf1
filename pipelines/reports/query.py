"""Reading the published warehouse, and nothing else."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sys
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.home import Home


class QueryError(ValueError):
    """A query that cannot be answered; the message says why."""


@contextlib.contextmanager
def reading(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, read-only and without access to other files; raises QueryError before the first run."""
    if not home.published.is_file():
        raise QueryError(f"nothing is published in {home.published.parent} yet; run: redcat demo, or redcat run")
    with duckdb.connect(home.published, read_only=True) as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def print_query(home: Home, query: str, /, *, style: str, limit: int) -> None:
    """Print the rows of a query as a table, CSV or JSON lines; raises QueryError with DuckDB's own message."""
    with reading(home) as connection:
        try:
            rows = connection.sql(query)
            if rows is not None:
                PRINTERS[style](rows, limit)
        except duckdb.Error as error:
            raise QueryError(" ".join(str(error).split())) from error


def _print_table(rows: duckdb.DuckDBPyRelation, limit: int) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    rows.show(max_rows=limit, max_width=width, null_value="—")


def _print_csv(rows: duckdb.DuckDBPyRelation, _limit: int) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows(rows.fetchall())


def _print_json(rows: duckdb.DuckDBPyRelation, _limit: int) -> None:
    for row in rows.fetchall():
        print(json.dumps(dict(zip(rows.columns, row, strict=True)), default=str, ensure_ascii=False))


PRINTERS: dict[str, Callable[[duckdb.DuckDBPyRelation, int], None]] = {
    "table": _print_table,
    "csv": _print_csv,
    "json": _print_json,
}
