"""Landing files and a warehouse for the tests of the intake."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import xlsxwriter

from data_contracts.contract import contract, feeds
from data_contracts.mapping_files import native
from pipelines.intake.ingest import FileReport, ingest_feed
from pipelines.intake.rows import JudgedRows, judged_rows
from pipelines.warehouse import create_tables

if TYPE_CHECKING:
    from pathlib import Path

SECRET = b"a secret of the tests"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
RAW_ID = "zhangsan-13812345678"

ORDER = {
    "channel": "tmall",
    "order_id": "1234567890123456789",
    "line_no": "1",
    "brand": "花间",
    "user_id": "u1",
    "paid_at": "2026-09-01 12:00:00",
    "paid_amount": "99.90",
    "currency": "CNY",
    "category": "lipstick",
    "exported_at": "2026-09-02 06:00:00",
}
IMPRESSION = {
    "note_id": "66f1a2b3c4d5e6f708091a2b",
    "user_id": "u1",
    "occurred_at": "2026-09-01 12:00:00",
    "payer": "brand",
    "exported_at": "2026-09-02 06:00:00",
}


def orders(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Good order lines, each with an order of its own."""
    return [ORDER | {"order_id": f"9{n:017d}1"} | changes for n in range(count)]


def csv_bytes(rows: list[dict[str, Any]], *, encoding: str = "utf-8", newline: str = "\n") -> bytes:
    return pl.DataFrame(rows).write_csv(line_terminator=newline).encode(encoding)


def xlsx_bytes(rows: list[list[Any]], *, first_row: int = 0, first_column: int = 0, formulas: bool = True) -> bytes:
    """Rows of cells, numbers as numbers and dates as dates; texts that begin with = as formulas unless told not to."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss", "strings_to_formulas": formulas}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"created": NOW})  # the same cells are the same bytes, whenever they are written
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            sheet.write_row(first_row + at, first_column, row)
    return buffer.getvalue()


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def land(landing: Path, name: str, content: bytes) -> Path:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read(path: Path, feed: str) -> JudgedRows:
    """A file judged by its feed's own vocabulary."""
    return judged_rows(path, native(feed), {}, secret=SECRET, now=NOW)


def memory() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_tables(connection)
    return connection


def ingest(connection: duckdb.DuckDBPyConnection, landing: Path, *names: str) -> list[FileReport]:
    """Take in the files of some feeds (all unless named)."""
    return [r for feed in names or feeds() for r in ingest_feed(connection, landing, feed, secret=SECRET)]


def raw(connection: duckdb.DuckDBPyConnection, feed: str) -> list[tuple[Any, ...]]:
    """The contract's columns of a raw table, by key."""
    columns = ", ".join(f.name for f in contract(feed).fields)
    key = ", ".join(contract(feed).primary_key)
    return connection.execute(f"SELECT {columns} FROM raw.{feed} ORDER BY {key}").fetchall()


def tables(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, the instants of the intake's own clock and how files looked left out."""
    names = connection.execute("""
        SELECT table_schema || '.' || table_name AS name FROM information_schema.tables WHERE name <> 'ops.seen'
        ORDER BY ALL""").fetchall()
    return {
        name: connection.execute(f"SELECT COLUMNS(lambda c: c <> 'ingested_at') FROM {name} ORDER BY ALL").fetchall()
        for (name,) in names
    }
