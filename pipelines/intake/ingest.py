"""Taking the files of a feed into the warehouse, one transaction a file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.contract import contract
from data_contracts.exports import MappingError
from pipelines.intake.landing import (
    UnfinishedFileError,
    content_hash,
    demand_settled,
    demand_unchanged,
    landed_files,
)
from pipelines.intake.readers import UnreadableFileError
from pipelines.intake.rows import judged_rows
from pipelines.warehouse import quoted, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from pipelines.intake.landing import LandedFile
    from pipelines.intake.rows import JudgedRows

# Which core asset has to be made again for a business date when rows of a feed change on it.
MADE_FROM = {
    "note_impressions": "touches",
    "note_engagements": "touches",
    "link_clicks": "touches",
    "shop_conversions": "conversions",
    "refunds": "refunds",
    "note_spend": "spend",
}


@dataclass(frozen=True)
class FileReport:
    """What became of one file; rows_read = accepted + duplicate + quarantined."""

    feed: str
    file: str
    export: str
    status: str
    rows_read: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    message: str = ""
    outcomes: list[Any] = field(default_factory=list, compare=False)


Audit = "Callable[[duckdb.DuckDBPyConnection, str, str], list[Any]]"


def ingest_feed(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    feed: str,
    /,
    *,
    secret: bytes,
    audit: Audit | None = None,
) -> Iterator[FileReport]:
    """Take in every new file of the feed, and say of each what became of it.

    A file whose content was taken in before is passed over without a report. `audit` validates the staged
    rows inside the file's transaction; its outcomes are handed on.
    """
    for file in landed_files(landing, feed):
        report = _ingest(connection, landing, file, secret=secret, audit=audit)
        if report is not None:
            yield report


def _ingest(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    file: LandedFile,
    *,
    secret: bytes,
    audit: Audit | None,
) -> FileReport | None:
    report = FileReport(file.feed, file.name, file.mapping.export, "refused")
    digest = ""
    try:
        before = demand_settled(file.path)
        siblings = file.siblings(landing)
        digest = content_hash([file.path, *siblings.values()])
        if _taken_in(connection, file.feed, digest):
            return None
        rows = judged_rows(file.path, file.mapping, siblings, secret=secret, now=datetime.now(UTC))
        demand_unchanged(file.path, before)
    except UnfinishedFileError as error:
        return replace(report, status="unfinished", message=str(error))
    except FileNotFoundError:
        return replace(report, status="unfinished", message="it was removed before it could be read; land it again")
    except (UnreadableFileError, MappingError) as error:
        refused = replace(report, message=str(error))
        with transaction(connection):
            _enter(connection, refused, digest or content_hash([file.path]))
        return refused
    with transaction(connection):
        return _store(connection, rows, report, digest, audit)


def _taken_in(connection: duckdb.DuckDBPyConnection, feed: str, digest: str) -> bool:
    query = "SELECT count(*) FROM ops.files WHERE feed = ? AND content_hash = ? AND status <> 'refused'"
    return bool(connection.execute(query, [feed, digest]).fetchall()[0][0])


def _store(
    connection: duckdb.DuckDBPyConnection,
    rows: JudgedRows,
    report: FileReport,
    digest: str,
    audit: Audit | None,
) -> FileReport:
    staged = f"staging.{report.feed}"
    frame = rows.frame  # noqa: F841 - DuckDB reads it by its name
    connection.execute(f"CREATE OR REPLACE TABLE {staged} AS SELECT *, ? AS _file FROM frame", [digest[:16]])
    outcomes = audit(connection, staged, report.feed) if audit else []
    quarantined = _quarantine(connection, staged, report)
    accepted = _upsert(connection, staged, report.feed)
    connection.execute(f"DROP TABLE {staged}")
    read = rows.frame.height
    message = f"headers not used: {', '.join(rows.unused_headers)}" if rows.unused_headers else ""
    if read == 0:
        message = "the file has a header and no rows"
    done = replace(
        report,
        status="partial" if quarantined else "complete",
        rows_read=read,
        accepted=accepted,
        duplicate=read - quarantined - accepted,
        quarantined=quarantined,
        message=message,
        outcomes=outcomes,
    )
    _enter(connection, done, digest, dates=_span(rows.frame))
    return done


def _quarantine(connection: duckdb.DuckDBPyConnection, staged: str, report: FileReport) -> int:
    connection.execute(
        f"INSERT INTO quarantine.{report.feed} BY NAME SELECT ? AS file, _row AS row_number, _reasons AS reasons, "
        f"_record AS record, _file FROM {staged} WHERE len(_reasons) > 0",
        [report.file],
    )
    query = f"SELECT count(*) FROM {staged} WHERE len(_reasons) > 0"
    return int(connection.execute(query).fetchall()[0][0])


def _upsert(connection: duckdb.DuckDBPyConnection, staged: str, feed: str) -> int:
    """Put the newest version of each row into the raw table; returns how many rows of the file got in.

    Of two versions with the same `exported_at` the one with the greater file hash and row wins, so that the
    outcome does not depend on which file came first.
    """
    key = contract(feed).primary_key
    same = " AND ".join(f"new.{quoted(k)} = old.{quoted(k)}" for k in key)
    version = "({0}.exported_at, {0}._file, {0}._row)"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE incoming AS
        WITH newest AS (
            SELECT * EXCLUDE (_reasons, _record) FROM {staged} WHERE len(_reasons) = 0
            QUALIFY row_number() OVER (PARTITION BY {", ".join(map(quoted, key))} ORDER BY exported_at DESC, _row DESC) = 1
        )
        SELECT new.* FROM newest AS new LEFT JOIN raw.{feed} AS old ON {same}
        WHERE old._file IS NULL OR {version.format("new")} > {version.format("old")}""")
    _mark_outdated(connection, feed, same)
    connection.execute(f"DELETE FROM raw.{feed} AS old USING incoming AS new WHERE {same}")
    connection.execute(f"INSERT INTO raw.{feed} BY NAME SELECT * FROM incoming")
    return int(connection.execute("SELECT count(*) FROM incoming").fetchall()[0][0])


def _mark_outdated(connection: duckdb.DuckDBPyConnection, feed: str, same: str) -> None:
    """Enter the business dates on which rows appear, change or leave, for the core asset that is made of them."""
    if feed == "notes":  # what a note is decides what it may earn from its publication on
        connection.execute("""
            INSERT OR IGNORE INTO ops.outdated
            SELECT DISTINCT 'journeys', paid_date FROM core.conversions
            WHERE paid_date >= (
                SELECT min(_date) FROM
                (SELECT * EXCLUDE (exported_at, _file, _row) FROM incoming EXCEPT
                 SELECT * EXCLUDE (exported_at, _file, _row) FROM raw.notes))""")
    if feed not in MADE_FROM:
        return
    connection.execute(
        f"""INSERT OR IGNORE INTO ops.outdated
        SELECT DISTINCT ?, new._date FROM incoming AS new
        UNION SELECT DISTINCT ?, old._date FROM raw.{feed} AS old JOIN incoming AS new ON {same}""",
        [MADE_FROM[feed], MADE_FROM[feed]],
    )


def _span(frame: pl.DataFrame) -> tuple[Any, Any]:
    """First and last business date of the good rows."""
    dates = frame.filter(pl.col("_reasons").list.len() == 0)["_date"]
    return dates.min(), dates.max()


def _enter(
    connection: duckdb.DuckDBPyConnection,
    report: FileReport,
    digest: str,
    *,
    dates: tuple[Any, Any] = (None, None),
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO ops.files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, now())",
        [
            report.feed, report.file, digest, report.export, report.status, report.rows_read, report.accepted,
            report.duplicate, report.quarantined, report.message, *dates,
        ],
    )  # fmt: skip
