"""Reading the published warehouse, and nothing else."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sys
from itertools import chain
from typing import TYPE_CHECKING

import duckdb

from pipelines.brands import brands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.home import Home


BATCH = 10_000
#: How what is of no brand is called, where there are several.
OF_NO_BRAND = "不分品牌 No single brand"


class QueryError(ValueError):
    """A query that cannot be answered; the message says why."""


@contextlib.contextmanager
def reading(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, read-only and without access to other files; instants are UTC on every machine.

    Raises QueryError before the first run, and when the file is damaged.
    """
    if not home.published.is_file():
        raise QueryError(f"nothing is published in {home.published.parent} yet; run: redcat demo, or redcat run")
    try:
        opened = duckdb.connect(home.published, read_only=True)
    except duckdb.Error as error:
        raise QueryError(f"{_one_line(error)}; publish it anew with: redcat run") from error
    with opened as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def named_brands(connection: duckdb.DuckDBPyConnection, only: str | None = None, /) -> dict[str, str | None]:
    """The brands of the warehouse by what readers call them, or the one of that name; raises QueryError without it."""
    named = {brand or OF_NO_BRAND: brand for brand in brands(connection)}
    if only is not None and only not in named:
        raise QueryError(f"there is no brand {only!r}; the brands are {', '.join(named)}")
    return named if only is None else {only: named[only]}


def print_query(home: Home, query: str, /, *, style: str, limit: int) -> None:
    """Print the rows of one query as a table, CSV or JSON lines.

    Raises QueryError with DuckDB's own message, and for anything but one statement.
    """
    with reading(home) as connection:
        try:
            _demand_one_statement(connection, query)
            PRINTERS[style](connection, query, limit)
        except duckdb.Error as error:
            raise QueryError(_one_line(error)) from error


def _demand_one_statement(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    found = len(connection.extract_statements(query))
    if found == 0:
        raise QueryError('the query is empty; give one, such as: redcat sql "FROM mart.category_roi"')
    if found > 1:
        raise QueryError(f"the query holds {found} statements, and one is run at a time; give each to a redcat sql")


def _print_table(connection: duckdb.DuckDBPyConnection, query: str, limit: int) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    connection.sql(query).show(max_rows=limit, max_width=width, null_value="—")


def _print_csv(connection: duckdb.DuckDBPyConnection, query: str, _limit: int) -> None:
    columns, batches = _answer(connection, query)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for rows in batches:
        writer.writerows(rows)


def _print_json(connection: duckdb.DuckDBPyConnection, query: str, _limit: int) -> None:
    columns, batches = _answer(connection, query)
    for row in chain.from_iterable(batches):
        print(json.dumps(dict(zip(columns, row, strict=True)), default=str, ensure_ascii=False))


def _answer(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[list[str], Iterator[list[tuple[object, ...]]]]:
    """The columns of a query and its rows in batches, so that an answer of any size fits in memory."""
    columns = [name for name, *_ in connection.execute(query).description or []]
    return columns, iter(lambda: connection.fetchmany(BATCH), [])


def _one_line(error: duckdb.Error) -> str:
    return " ".join(str(error).split())


PRINTERS: dict[str, Callable[[duckdb.DuckDBPyConnection, str, int], None]] = {
    "table": _print_table,
    "csv": _print_csv,
    "json": _print_json,
}
