"""The private warehouse: one DuckDB file that one process writes, with its tables made from the contracts."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from functools import cache
from typing import TYPE_CHECKING

import duckdb

from data_contracts.contract import BUSINESS_TIME_ZONE, contract, feeds
from data_contracts.reference import reach_days
from pipelines.arrivals import TABLES_BY_DAY, fill_arrivals
from pipelines.core.added_up import ADDED_UP, create_added_up
from pipelines.core.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READABLE_BY = "v1.5.0"  # DuckDB 1.5 and later open the file, and what is published of it
SCHEMAS = ("raw", "versions", "quarantine", "ops", "reference", "core", "mart", "history")
# The business date (computed once, at intake), the first 16 digits of the file's content hash, and the row in it.
LINEAGE = {"_date": "DATE", "_file": "VARCHAR", "_row": "BIGINT"}

OPS_TABLES = {
    "ops.files": """
        feed VARCHAR, file VARCHAR, content_hash VARCHAR, export VARCHAR, status VARCHAR,
        rows_read BIGINT, accepted BIGINT, duplicate BIGINT, quarantined BIGINT, ignored BIGINT, message VARCHAR,
        first_date DATE, last_date DATE, ingested_at TIMESTAMPTZ, published BOOLEAN, mapping VARCHAR,
        PRIMARY KEY (feed, content_hash)""",
    "ops.seen": "feed VARCHAR, file VARCHAR, state VARCHAR, mapping VARCHAR, content_hash VARCHAR",
    "ops.outdated": "asset VARCHAR, business_date DATE, PRIMARY KEY (asset, business_date)",
    "ops.days": "business_date DATE PRIMARY KEY",
    "ops.closed_days": "business_date DATE PRIMARY KEY",
    "ops.forgotten": "forgotten_on DATE, row_count BIGINT, erased BOOLEAN",
    "ops.basis": "name VARCHAR PRIMARY KEY, value VARCHAR",
    **TABLES_BY_DAY,
}

CORE_TABLES = {
    "core.touches": """
        touch_date DATE, bucket UTINYINT, note_id VARCHAR, user_key BIGINT, touched_at TIMESTAMPTZ, kind VARCHAR,
        click_id VARCHAR, payer VARCHAR""",
    "core.conversions": """
        paid_date DATE, bucket UTINYINT, conversion_id VARCHAR, channel VARCHAR, order_id VARCHAR, line_no VARCHAR,
        brand VARCHAR, user_key BIGINT, paid_at TIMESTAMPTZ, paid_fen BIGINT, currency VARCHAR, quantity BIGINT,
        product_id VARCHAR, category VARCHAR, click_id VARCHAR, is_new_customer BOOLEAN, margin DOUBLE,
        fee_rate DOUBLE, is_eligible BOOLEAN""",
    "core.code_matches": """
        paid_date DATE, conversion_id VARCHAR, note_id VARCHAR, clicked_at TIMESTAMPTZ, code VARCHAR""",
    "core.refunds": "refund_date DATE, conversion_id VARCHAR, refund_fen BIGINT, currency VARCHAR, borne_by VARCHAR",
    "core.spend": """
        spend_date DATE, note_id VARCHAR, kind VARCHAR, payer VARCHAR, amount_fen BIGINT, currency VARCHAR,
        is_in_task BOOLEAN""",
    "core.journeys": """
        paid_date DATE, bucket UTINYINT, conversion_id VARCHAR, note_id VARCHAR, lane VARCHAR, kind VARCHAR,
        touched_at TIMESTAMPTZ, age_us BIGINT, matched_by VARCHAR, organic BOOLEAN, direct BOOLEAN,
        position UINTEGER, touches UINTEGER""",
    "core.credits": """
        paid_date DATE, bucket UTINYINT, conversion_id VARCHAR, note_id VARCHAR, lane VARCHAR, direct BOOLEAN,
        clicked BOOLEAN, within_days BIGINT, position UINTEGER""",
    "core.bought": "paid_date DATE, buyer BIGINT",
}

# What is entered in a warehouse of an earlier version, each time that its layout changes. Touches that waited to be
# made said nothing of the orders that they can reach.
CATCH_UP = (
    f"""INSERT OR IGNORE INTO ops.outdated SELECT DISTINCT 'journeys', made.business_date
    FROM ops.days AS made JOIN ops.outdated AS touched
        ON made.business_date BETWEEN touched.business_date AND touched.business_date + {reach_days()}
    WHERE asset = 'touches'""",
)

# What keeps a sound warehouse from being opened, by the words of the operating system, and what to do about it.
NO_DAMAGE = (
    ("Permission denied", PermissionError, "run as the owner of its folder, or give this user the right to write it"),
    ("Read-only file system", PermissionError, "let its folder be written to"),
    ("No space left on device", OSError, "free some space, then run again"),
)


class DamagedWarehouseError(OSError):
    """The private warehouse cannot be opened, though no other process has it."""


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@contextlib.contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, with every table in place; raises BlockingIOError when another has it."""
    try:
        connection = duckdb.connect(path, config={"storage_compatibility_version": READABLE_BY})
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise BlockingIOError(
                f"{path} is being written by another run; wait until it ends, or stop it, then try again"
            ) from error
        reason = str(error).splitlines()[0]
        for sign, kind, remedy in NO_DAMAGE:
            if sign in reason:
                raise kind(f"{path} cannot be opened ({reason}); {remedy}") from error
        raise DamagedWarehouseError(
            f"{path} cannot be opened ({reason}). If it is damaged, put the last published version into its place "
            "with: redcat restore"
        ) from error
    with connection:
        # What a run that was killed left of its temporary files, which no other process can be using now.
        shutil.rmtree(path.with_name(f"{path.name}.tmp"), ignore_errors=True)
        connection.execute("SET TimeZone = 'UTC'")  # whatever the machine's is
        connection.execute("SET enable_progress_bar = false")  # which would stand among what the program prints
        if not _has_tables_of(connection, layout()):
            create_tables(connection)
        yield connection


@cache
def layout() -> str:
    """Of which form the tables are, as a hash of everything that they are made from."""
    made_from = [SCHEMAS, LINEAGE, OPS_TABLES, CORE_TABLES, ADDED_UP, VIEWS, CATCH_UP]
    of_feeds = [
        (feed, feed_columns(feed), contract(feed).primary_key, contract(feed).keeps_versions) for feed in feeds()
    ]
    return hashlib.sha256(repr([made_from, of_feeds]).encode()).hexdigest()[:16]


def _has_tables_of(connection: duckdb.DuckDBPyConnection, wanted: str) -> bool:
    query = "SELECT comment FROM duckdb_tables() WHERE schema_name = 'ops' AND table_name = 'basis'"
    return connection.execute(query).fetchall() == [(wanted,)]


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what does not exist yet and add columns that a contract has gained since.

    The comment on `ops.basis` says of which layout they are, so that each step of a run need not look at all of them.
    """
    for schema in SCHEMAS:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    is_older = _exists(connection, "ops.files") and not _exists(connection, "ops.raw_days")
    for table, columns in OPS_TABLES.items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
    for column in ("ignored BIGINT DEFAULT 0", "published BOOLEAN DEFAULT false", "mapping VARCHAR"):
        connection.execute(f"ALTER TABLE ops.files ADD COLUMN IF NOT EXISTS {column}")
    for table, columns in CORE_TABLES.items():
        create_table(connection, table, dict(column.split() for column in columns.split(",")))
    for feed in feeds():
        columns = feed_columns(feed)
        create_table(connection, f"raw.{feed}", columns | LINEAGE)
        if contract(feed).keeps_versions:
            _create_versions(connection, feed, columns | LINEAGE)
        create_table(
            connection,
            f"quarantine.{feed}",
            {
                "file": "VARCHAR",
                "row_number": "BIGINT",
                "reasons": "VARCHAR[]",
                "record": "JSON",
                "_file": "VARCHAR",
            },
        )
    create_added_up(connection, ADDED_UP)
    for view, query in VIEWS.items():
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
    if is_older:
        fill_arrivals(connection)
    for statement in CATCH_UP:
        connection.execute(statement)
    connection.execute(f"COMMENT ON TABLE ops.basis IS '{layout()}'")


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = "SELECT count(*) FROM duckdb_tables() WHERE schema_name || '.' || table_name = ?"
    return bool(connection.execute(query, [table]).fetchall()[0][0])


def _create_versions(connection: duckdb.DuckDBPyConnection, feed: str, columns: dict[str, str]) -> None:
    """The table of all versions of a feed's rows, and `versions.<feed>_as_of(day)`, what was known on a date.

    A warehouse that has kept none so far begins with the versions that it has.
    """
    begins = not _exists(connection, f"versions.{feed}")
    create_table(connection, f"versions.{feed}", columns)
    if begins:
        connection.execute(f"INSERT INTO versions.{feed} BY NAME FROM raw.{feed}")
    key = ", ".join(map(quoted, contract(feed).primary_key))
    connection.execute(f"""
        CREATE OR REPLACE MACRO versions.{feed}_as_of(day) AS TABLE
        SELECT {", ".join(map(quoted, columns))} FROM versions.{feed}
        WHERE (exported_at AT TIME ZONE '{BUSINESS_TIME_ZONE}')::DATE <= day
        QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY exported_at DESC) = 1""")


def feed_columns(feed: str) -> dict[str, str]:
    """The feed's columns and their DuckDB types."""
    return {field.name: field.physical_type for field in contract(feed).fields}


def create_table(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str]) -> None:
    """Create a table, or add to an existing one the columns that it lacks."""
    body = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({body})")
    existing = columns_of(connection, table)
    for name, kind in columns.items():
        if name not in existing:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(name)} {kind}")


def columns_of(connection: duckdb.DuckDBPyConnection, table: str, /) -> dict[str, str]:
    """The columns of a table or view that exists, and their DuckDB types."""
    return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()}


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing: commit when the block ends, roll back when it raises."""
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def limited_memory(connection: duckdb.DuckDBPyConnection, most: str) -> Iterator[None]:
    """Let the database hold at most so much in memory (as in 300MB); what is more goes to its temporary files.

    It keeps that memory from then on, as taking it anew for each table costs more than filling it.
    """
    connection.execute(f"SET memory_limit = '{most}'")
    connection.execute(f"SET block_allocator_memory = '{most}'")
    try:
        yield
    finally:
        connection.execute("RESET memory_limit")


@contextlib.contextmanager
def one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let the database put rows into a table in one thread.

    Where they are fewer than a row group, several threads each gather some first and then copy them together.
    """
    with connection.cursor() as other:  # which says so also when an error has ended the transaction
        other.execute("SET threads = 1")
        try:
            yield
        finally:
            other.execute("RESET threads")
