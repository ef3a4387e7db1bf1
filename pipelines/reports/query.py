"""Reading the published warehouse, and nothing else."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.home import Home


class QueryError(ValueError):
    """A query that cannot be answered; the message says why."""


@contextlib.contextmanager
def reading(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, read-only and without access to other files; raises QueryError before the first run."""
    if not home.published.is_file():
        raise QueryError(
            f"nothing is published in {home.published.parent} yet; run: redcat demo, or redcat run"
        )
    with duckdb.connect(home.published, read_only=True) as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def print_query(home: Home, query: str, /, *, style: str, limit: int) -> None:
    """Print the rows of a query as a table, CSV or JSON lines; raises QueryError with DuckDB's own message."""
    with reading(home) as connection:
        try:
            cursor = connection.execute(query)
            head = [column[0] for column in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise QueryError(" ".join(str(error).split())) from error
    if style == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([head, *rows])
    elif style == "json":
        for row in rows:
            print(json.dumps(dict(zip(head, row, strict=True)), default=str, ensure_ascii=False))
    else:
        _print_table(head, rows, limit)


def _print_table(head: list[str], rows: list[tuple[Any, ...]], limit: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for name in head:
        table.add_column(Text(name), overflow="fold")
    for row in rows[:limit]:
        table.add_row(*(Text("—" if value is None else str(value)) for value in row))
    console = Console(highlight=False)
    console.print(table)
    if len(rows) > limit:
        console.print(f"{len(rows) - limit:,} more rows; show them with --limit or --format csv", style="dim")
