"""Taking the files of a feed into the warehouse, one transaction a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.mapping import MappingError
from pipelines.intake.ahead import one_ahead
from pipelines.intake.given import version
from pipelines.intake.landing import (
    UnfinishedFileError,
    content_hash,
    demand_settled,
    demand_unchanged,
    landed_files,
    state,
)
from pipelines.intake.misplaced import demand_own_folder
from pipelines.intake.objects import StorageAwayError
from pipelines.intake.readers import UnreadableFileError
from pipelines.intake.reread import take_back_misread
from pipelines.intake.rows import judged_rows
from pipelines.intake.store import store
from pipelines.warehouse import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    import duckdb

    from pipelines.intake.landing import LandedFile
    from pipelines.intake.rows import JudgedRows

    Audit = Callable[[duckdb.DuckDBPyConnection, str, str], list[Any]]


@dataclass(frozen=True)
class FileReport:
    """What became of one file; rows_read = accepted + duplicate + quarantined + ignored (total rows).

    `status` is complete, partial (some rows quarantined), refused (nothing taken in; tried again at every run, as is
    what follows) or unfinished. `message` says what was found, where, how many, and what to do.
    """

    feed: str
    file: str
    export: str
    status: str
    rows_read: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    ignored: int = 0
    message: str = ""
    disagreements: list[str] = field(default_factory=list)
    outcomes: list[Any] = field(default_factory=list, compare=False)


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
    rows inside the file's transaction; its outcomes are handed on. Files that were read by another mapping are read
    again. While a file is put into the warehouse the next one is read already.
    """
    files = list(landed_files(landing, feed))
    take_back_misread(connection, landing, feed, files)
    taken_in = _taken_in(connection, feed)
    for found in one_ahead(partial(_read, landing=landing, secret=secret, taken_in=taken_in), files):
        if found is None or found.digest in taken_in:  # by now perhaps: a file before it may have said the same
            continue
        if found.rows is not None:
            taken_in.add(found.digest)
        yield _entered(connection, found, audit)


@dataclass(frozen=True)
class _Found:
    """A file that was read; without rows when it is refused or unfinished, as its report then says."""

    report: FileReport
    digest: str
    mapping: str
    rows: JudgedRows | None = None


def _read(file: LandedFile, *, landing: Path, secret: bytes, taken_in: Collection[str]) -> _Found | None:
    """The judged rows of a file, without the warehouse; None of one that was taken in before."""
    report = FileReport(file.feed, file.name, file.mapping.export, "refused")
    found = _Found(report, hashlib.sha256(file.name.encode()).hexdigest(), file.mapping.version)
    try:
        before = {file.path: demand_settled(file.path)}
        content = content_hash([file.path])
        found = replace(found, digest=content)
        siblings = file.siblings(landing)
        before |= {path: state(path) for path in siblings.values()}
        content = content_hash([file.path, *siblings.values()]) if siblings else content
        found = replace(found, digest=version(file.path, content, file.mapping))
        if found.digest in taken_in:
            return None
        demand_own_folder(file)
        rows = judged_rows(file.path, file.mapping, siblings, secret=secret, now=datetime.now(UTC))
        demand_unchanged(before)
    except StorageAwayError:
        raise  # not this file is at fault: the run stops, and the next one goes on
    except UnfinishedFileError as error:
        return _unfinished(found, str(error))
    except FileNotFoundError:
        return _unfinished(found, "it was removed before it could be read; land it again")
    except OSError as error:
        advice = "give this user the right to read it; " if isinstance(error, PermissionError) else ""
        return _unfinished(found, f"it cannot be opened ({error.strerror}); {advice}read at the next run")
    except (UnreadableFileError, MappingError) as error:
        return replace(found, report=replace(report, message=str(error)))
    return replace(found, rows=rows)


def _unfinished(found: _Found, message: str) -> _Found:
    return replace(found, report=replace(found.report, status="unfinished", message=message))


def _entered(connection: duckdb.DuckDBPyConnection, found: _Found, audit: Audit | None) -> FileReport:
    """Put what was read of a file into the warehouse, in one transaction."""
    if found.report.status == "unfinished":
        return found.report
    with transaction(connection):
        if found.rows is None:
            _enter(connection, found.report, found.digest, found.mapping)
            return found.report
        done = _stored(connection, found.rows, found.report, found.digest, audit)
        _enter(connection, done, found.digest, found.mapping, dates=_span(found.rows.frame))
    return done


def _taken_in(connection: duckdb.DuckDBPyConnection, feed: str) -> set[str]:
    query = "SELECT content_hash FROM ops.files WHERE feed = ? AND status <> 'refused'"
    return {digest for (digest,) in connection.execute(query, [feed]).fetchall()}


def _stored(
    connection: duckdb.DuckDBPyConnection, rows: JudgedRows, report: FileReport, digest: str, audit: Audit | None
) -> FileReport:
    counts = store(connection, rows.frame, report.feed, file=report.file, digest=digest, audit=audit)
    return replace(
        report,
        status="partial" if counts.quarantined else "complete",
        rows_read=rows.rows_read,
        accepted=counts.accepted,
        duplicate=rows.frame.height - counts.accepted - counts.quarantined,
        quarantined=counts.quarantined,
        ignored=rows.ignored,
        message="; ".join([*rows.refusals, *rows.notes]),
        disagreements=list(map(str, rows.disagreements)),
        outcomes=counts.outcomes,
    )


def _span(frame: pl.DataFrame) -> tuple[Any, Any]:
    """First and last business date of the good rows."""
    dates = frame.filter(pl.col("_reasons").list.len() == 0)["_date"]
    return dates.min(), dates.max()


def _enter(
    connection: duckdb.DuckDBPyConnection,
    report: FileReport,
    digest: str,
    mapping: str,
    *,
    dates: tuple[Any, Any] = (None, None),
) -> None:
    """Enter the file; what it says takes the place of an earlier refusal of a file of that name."""
    connection.execute(
        "DELETE FROM ops.files WHERE feed = ? AND file = ? AND status = 'refused' AND content_hash <> ?",
        [report.feed, report.file, digest],
    )
    connection.execute(
        "INSERT OR REPLACE INTO ops.files BY NAME SELECT ? AS feed, ? AS file, ? AS content_hash, ? AS export, "
        "? AS status, ? AS rows_read, ? AS accepted, ? AS duplicate, ? AS quarantined, ? AS ignored, ? AS message, "
        "? AS first_date, ? AS last_date, now() AS ingested_at, false AS published, ? AS mapping",
        [
            report.feed, report.file, digest, report.export, report.status, report.rows_read, report.accepted,
            report.duplicate, report.quarantined, report.ignored, report.message, *dates, mapping,
        ],
    )  # fmt: skip
