"""Taking the files of a feed into the warehouse, each as a whole or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.mapping import MappingError
from pipelines.intake.ahead import ahead
from pipelines.intake.given import version
from pipelines.intake.identity import struck_out
from pipelines.intake.landing import (
    UnfinishedFileError,
    content_hash,
    demand_settled,
    demand_unchanged,
    landed_files,
    mark,
    state,
)
from pipelines.intake.misplaced import demand_own_folder
from pipelines.intake.objects import StorageAwayError
from pipelines.intake.readers import UnreadableFileError
from pipelines.intake.reread import take_back_misread
from pipelines.intake.rows import Beside, judged_parts
from pipelines.intake.seen import Seen
from pipelines.intake.store import Stored, begin, forget, stage, store
from pipelines.warehouse import limited_memory, one_thread, transaction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    import duckdb

    from pipelines.intake.landing import LandedFile
    from pipelines.intake.rows import JudgedRows
    from pipelines.intake.store import Audit

PARTS_AHEAD = 8  # that are read while others are put into the warehouse: about as many as are put in together
ROWS_TOGETHER = 1_000_000  # from so many on, the files that have been read are put into the warehouse
MEMORY = "256MB"  # of the database, beside what reading and judging take; it goes on in temporary files


@dataclass(frozen=True)
class FileReport:
    """What became of one file; rows_read = accepted + duplicate + quarantined + ignored (total rows, closed days).

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

    A file whose content was taken in before is passed over without a report, and without being opened where it was not
    touched since. `audit` validates the staged rows inside their transaction; its outcomes are handed on with the first
    of the files that they are of. Files that were read by another mapping are read again. While rows are put into the
    warehouse the next ones are read already.
    """
    seen = Seen(connection, feed)
    files = list(landed_files(landing, feed, seen=seen))
    take_back_misread(connection, landing, feed, files, seen=seen)
    taken_in = _taken_in(connection, feed)
    new = [file for file in files if seen.content_hash(file.name) not in taken_in]
    parts = ahead(_parts(new, landing, secret, taken_in, seen), most=PARTS_AHEAD)
    with limited_memory(connection, MEMORY):
        for first in parts:
            yield from _entered(connection, chain([first], parts), feed, audit)
    seen.store(connection, feed)


@dataclass(frozen=True)
class _Part:
    """Judged rows of a file; without rows when it ends, as its report then says."""

    report: FileReport
    digest: str
    mapping: str
    rows: JudgedRows | None = None


def _parts(
    files: Iterable[LandedFile], landing: Path, secret: bytes, taken_in: set[str], seen: Seen
) -> Iterator[_Part]:
    """The parts of every file, without the warehouse; none of one that was taken in before."""
    for file in files:
        for part in _read(file, landing, secret, taken_in, seen):
            yield part
            if part.report.status == "complete":
                taken_in.add(part.digest)


def _read(file: LandedFile, landing: Path, secret: bytes, taken_in: Collection[str], seen: Seen) -> Iterator[_Part]:
    report = FileReport(file.feed, file.name, file.mapping.export, "refused")
    part = _Part(report, hashlib.sha256(file.name.encode()).hexdigest(), file.mapping.version)
    try:
        before = {file.path: demand_settled(file.path)}
        content = content_hash([file.path])
        part = replace(part, digest=content)
        siblings = file.siblings(landing)
        before |= {path: state(path) for path in siblings.values()}
        content = content_hash([file.path, *siblings.values()]) if siblings else content
        part = replace(part, digest=version(file.path, content, file.mapping))
        if not siblings:  # which may change without it
            seen.read(file.name, mark(file.path), part.digest)
        if part.digest in taken_in:
            return
        demand_own_folder(file)
        now = datetime.now(UTC)
        exported = []
        for rows in judged_parts(file.path, file.mapping, siblings, secret=secret, now=now):
            exported.append(rows.frame.select(pl.col("exported_at").min()))
            yield replace(part, rows=rows)
        _demand_clock(pl.concat(exported).to_series().drop_nulls(), now)
        demand_unchanged(before)
        report = replace(report, status="complete")
    except StorageAwayError:
        raise  # not this file is at fault: the run stops, and the next one goes on
    except UnfinishedFileError as error:
        report = replace(report, status="unfinished", message=struck_out(str(error)))
    except FileNotFoundError:
        told = "it was removed before it could be read; land it again"
        report = replace(report, status="unfinished", message=told)
    except OSError as error:
        advice = "give this user the right to read it; " if isinstance(error, PermissionError) else ""
        told = f"it cannot be opened ({error.strerror}); {advice}read at the next run"
        report = replace(report, status="unfinished", message=told)
    except (UnreadableFileError, MappingError) as error:
        report = replace(report, message=struck_out(str(error)))
    yield replace(part, report=report)


def _demand_clock(exported: pl.Series, now: datetime) -> None:
    """Raise UnfinishedFileError when every row was exported later than now: a clock is wrong, here or where it was.

    `exported` is the first instant of each part of the file. Were its rows quarantined, they would stay there also when
    the clock is right again.
    """
    if exported.is_empty() or (exported <= now).any():
        return
    first = exported.dt.to_string("%Y-%m-%d %H:%M").min()  # as text, since it may lie beyond what Python dates hold
    raise UnfinishedFileError(
        f"it says that it was exported at {first} UTC, and here it is {now:%Y-%m-%d %H:%M} UTC; set the "
        "clock that is wrong; looked at again at the next run"
    )


def _entered(
    connection: duckdb.DuckDBPyConnection, parts: Iterator[_Part], feed: str, audit: Audit | None
) -> list[FileReport]:
    """Put the next files into the warehouse, in one transaction."""
    with transaction(connection):
        ended, beside = _staged(connection, parts, feed)
        whole = {part.digest: part.report.file for part in ended if part.report.status == "complete"}
        stored = store(connection, feed, whole, audit=audit)
        reports = []
        for part in ended:
            report = part.report
            if part.digest in stored:
                report = _reported(report, stored[part.digest], beside[part.digest])
            if report.status != "unfinished":
                _enter(connection, report, part, stored.get(part.digest, Stored()))
            reports.append(report)
    return reports


def _staged(
    connection: duckdb.DuckDBPyConnection, parts: Iterator[_Part], feed: str
) -> tuple[list[_Part], dict[str, Beside]]:
    """Stage the next files, until `ROWS_TOGETHER` have come and a file ends: their ends, and what is said of each."""
    ended: list[_Part] = []
    beside: dict[str, Beside] = {}
    staged = 0
    with one_thread(connection):
        begin(connection, feed)
        for part in parts:
            if part.rows is not None:
                stage(connection, part.rows.frame, part.digest)
                beside[part.digest] = beside.get(part.digest, Beside()) + part.rows.beside
                staged += part.rows.frame.height
                continue
            ended.append(part)
            if part.report.status != "complete":
                forget(connection, part.digest)
            if staged >= ROWS_TOGETHER:
                break
    return ended, beside


def _reported(report: FileReport, stored: Stored, beside: Beside) -> FileReport:
    unequal = [struck_out(stored.contradiction)] if stored.contradiction else []
    return replace(
        report,
        status="partial" if stored.quarantined else "complete",
        rows_read=stored.rows + beside.ignored + stored.closed,
        accepted=stored.accepted,
        duplicate=stored.rows - stored.accepted - stored.quarantined,
        quarantined=stored.quarantined,
        ignored=beside.ignored + stored.closed,
        message=struck_out("; ".join((*stored.refusals, *_told_closed(stored), *beside.notes, *unequal))),
        disagreements=[*beside.doubts, *unequal],
        outcomes=list(stored.outcomes),
    )


def _told_closed(stored: Stored) -> list[str]:
    whose = f"{stored.closed:,} rows left out: their days are" if stored.closed > 1 else "1 row left out: its day is"
    return [f"{whose} closed, being older than REDCAT_KEEP_RAW_DAYS"] if stored.closed else []


def _taken_in(connection: duckdb.DuckDBPyConnection, feed: str) -> set[str]:
    query = "SELECT content_hash FROM ops.files WHERE feed = ? AND status <> 'refused'"
    return {digest for (digest,) in connection.execute(query, [feed]).fetchall()}


def _enter(connection: duckdb.DuckDBPyConnection, report: FileReport, part: _Part, stored: Stored) -> None:
    """Enter the file; what it says takes the place of an earlier refusal of a file of that name."""
    connection.execute(
        "DELETE FROM ops.files WHERE feed = ? AND file = ? AND status = 'refused' AND content_hash <> ?",
        [report.feed, report.file, part.digest],
    )
    connection.execute(
        "INSERT OR REPLACE INTO ops.files BY NAME SELECT ? AS feed, ? AS file, ? AS content_hash, ? AS export, "
        "? AS status, ? AS rows_read, ? AS accepted, ? AS duplicate, ? AS quarantined, ? AS ignored, ? AS message, "
        "? AS first_date, ? AS last_date, now() AS ingested_at, false AS published, ? AS mapping",
        [
            report.feed, report.file, part.digest, report.export, report.status, report.rows_read, report.accepted,
            report.duplicate, report.quarantined, report.ignored, report.message, stored.first_date, stored.last_date,
            part.mapping,
        ],
    )  # fmt: skip
