"""Putting judged rows into the warehouse, inside the transaction of their files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from data_contracts.contract import contract
from pipelines.arrivals import count_raw_days, enter_arrivals, take_back_arrivals
from pipelines.closed import ASSET, leave_out_closed
from pipelines.intake.contradictions import contradiction
from pipelines.intake.outdated import MADE_FROM, mark_outdated
from pipelines.intake.versions import keep_versions
from pipelines.warehouse import LINEAGE, feed_columns, quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import duckdb
    import polars as pl

    from pipelines.expectations import ExpectationOutcome

    Audit = Callable[[duckdb.DuckDBPyConnection, str, str], list[ExpectationOutcome]]

# Temporary: of a row that is not kept nothing is left. The rows of all files that are put in together stand in it.
STAGED = "staged"
HELD = "held"
INCOMING = "incoming"
EARLIER = "earlier"
CHANGES = "changes"
SHOWN_ROWS = 5


@dataclass(frozen=True)
class Stored:
    """What became of the rows of a file, between which dates the good ones lie, and what the audit found.

    `refusals` is one sentence for each column that rows are refused for: how many, on which rows, the first reason;
    `contradiction` says which rows differ under one key. `closed` counts rows that are left out, since their day is
    closed; `rows` does not.
    """

    rows: int = 0
    accepted: int = 0
    quarantined: int = 0
    first_date: date | None = None
    last_date: date | None = None
    refusals: tuple[str, ...] = ()
    contradiction: str | None = None
    outcomes: tuple[ExpectationOutcome, ...] = ()
    closed: int = 0


def begin(connection: duckdb.DuckDBPyConnection, feed: str, /) -> None:
    """Begin anew with the rows that are put in together: none of any file."""
    # Its columns are stated: DuckDB 2.0.0 loses large inserts into a table that the same transaction made AS a query.
    columns = feed_columns(feed) | LINEAGE | {"_reasons": "VARCHAR[]", "_record": "VARCHAR"}
    body = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {STAGED} ({body})")


def stage(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame, digest: str, /) -> None:
    """Add judged rows of a file to those that are put in together."""
    connection.execute(f"INSERT INTO {STAGED} BY NAME SELECT *, ? AS _file FROM frame", [digest[:16]])


def forget(connection: duckdb.DuckDBPyConnection, digest: str, /) -> None:
    """Take back the staged rows of a file that proved to be none that can be put in."""
    connection.execute(f"DELETE FROM {STAGED} WHERE _file = ?", [digest[:16]])


def store(
    connection: duckdb.DuckDBPyConnection, feed: str, files: dict[str, str], /, *, audit: Audit | None = None
) -> dict[str, Stored]:
    """Put the staged rows of files (names by digest) in: audit them, quarantine the refused ones, upsert the rest.

    Where two rows share a key, the files are put in one after the other: what is said of a file does not depend on
    which others came with it. Returns what became of each, by digest; the outcomes of an audit stand with the first.
    """
    closed = leave_out_closed(connection, STAGED, feed) if ASSET in MADE_FROM.get(feed, ()) else {}
    stored: dict[str, Stored] = {}
    outcomes = _audited(connection, feed, files, STAGED, audit)
    if files and not _repeats(connection, feed, STAGED, outcomes):
        stored = _store(connection, feed, files, STAGED, outcomes, repeats=False)
    else:
        for digest, name in files.items():
            file, only = {digest: name}, f"(FROM {STAGED} WHERE _file = '{digest[:16]}')"
            outcomes = _audited(connection, feed, file, only, audit)
            repeats = _repeats(connection, feed, only, outcomes)
            stored |= _store(connection, feed, file, only, outcomes, repeats=repeats)
    connection.execute(f"DROP TABLE {STAGED}")
    return {digest: replace(found, closed=closed.get(digest[:16], 0)) for digest, found in stored.items()}


def _store(
    connection: duckdb.DuckDBPyConnection,
    feed: str,
    files: dict[str, str],
    staged: str,
    outcomes: tuple[ExpectationOutcome, ...],
    *,
    repeats: bool,
) -> dict[str, Stored]:
    enter_arrivals(connection, feed, staged=staged, held=HELD)
    _quarantine(connection, feed, staged, files)
    keep_versions(connection, staged, feed, repeats=repeats)
    accepted = _upsert(connection, feed, staged, repeats=repeats)
    found = {origin: counts for origin, *counts in _counts(connection)}
    refusals = _refusals(connection, staged)
    connection.execute(f"DROP TABLE {HELD}")
    unequal = contradiction(connection, staged, feed) if repeats else None  # then it is of one file
    stored = {}
    for digest in files:
        origin = digest[:16]
        rows, refused, first, last = found.get(origin, (0, 0, None, None))
        told = tuple(refusals.get(origin, ()))
        stored[digest] = Stored(rows, accepted.get(origin, 0), refused, first, last, told, unequal, outcomes)
        outcomes = ()
    return stored


def _audited(
    connection: duckdb.DuckDBPyConnection, feed: str, files: dict[str, str], staged: str, audit: Audit | None
) -> tuple[ExpectationOutcome, ...]:
    return tuple(audit(connection, staged, feed)) if audit and files else ()


def _counts(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """By origin: rows, refused ones, and the first and last business date of the good ones."""
    good = "rows_read > quarantined"
    return connection.execute(
        "SELECT _file, sum(rows_read)::BIGINT, sum(quarantined)::BIGINT, "
        f"min(business_date) FILTER ({good}), max(business_date) FILTER ({good}) FROM {HELD} GROUP BY _file"
    ).fetchall()


def _refusals(connection: duckdb.DuckDBPyConnection, staged: str) -> dict[str, list[str]]:
    """By origin, a sentence for each column, in the order in which they are first broken."""
    told: dict[str, list[str]] = {}
    found = connection.execute(f"""
        WITH reasons AS (
            SELECT _file, _row, unnest(_reasons) AS reason, generate_subscripts(_reasons, 1) AS nth
            FROM {staged} WHERE len(_reasons) > 0
        ), by_row AS (
            SELECT _file, split_part(reason, ':', 1) AS broken, _row, min(nth) AS nth, arg_min(reason, nth) AS reason
            FROM reasons GROUP BY ALL
        )
        SELECT _file, broken, count(*), min(_row, {SHOWN_ROWS}), arg_min(reason, (_row, nth))
        FROM by_row GROUP BY _file, broken ORDER BY _file, min((_row, nth))""").fetchall()
    for origin, column, count, rows, reason in found:
        noun, named = ("rows", "rows") if count > 1 else ("row", "row")
        shown = f"{named} {', '.join(map(str, rows))}{', …' if count > SHOWN_ROWS else ''}"
        told.setdefault(origin, []).append(f"{count:,} {noun} quarantined for {column} ({shown}): {reason}")
    return told


def _quarantine(connection: duckdb.DuckDBPyConnection, feed: str, staged: str, files: dict[str, str]) -> None:
    origins = [digest[:16] for digest in files]
    connection.execute(
        f"INSERT INTO quarantine.{feed} BY NAME SELECT file, _row AS row_number, _reasons AS reasons, "
        f"_record AS record, _file FROM {staged} JOIN (SELECT unnest(?) AS _file, unnest(?) AS file) USING (_file) "
        "WHERE len(_reasons) > 0",
        [origins, list(files.values())],
    )


def _repeats(
    connection: duckdb.DuckDBPyConnection, feed: str, staged: str, outcomes: tuple[ExpectationOutcome, ...]
) -> bool:
    """Whether two good rows may have the same key, else nothing needs to be sorted.

    Two keys of the same hash say so too, which costs a sort and changes nothing. Where the audit found no key twice,
    nothing is left to be looked for.
    """
    if any(outcome.rule == "unique" and outcome.success for outcome in outcomes):
        return False
    key = ", ".join(map(quoted, contract(feed).primary_key))
    query = f"SELECT count(DISTINCT hash({key})) < count(*) FROM {staged} WHERE len(_reasons) = 0"
    return bool(connection.execute(query).fetchall()[0][0])


def _upsert(connection: duckdb.DuckDBPyConnection, feed: str, staged: str, *, repeats: bool) -> dict[str, int]:
    """Put the newest version of each row into the raw table; returns how many rows of each origin got in.

    Of two versions with the same `exported_at` the one with the greater values wins, so that the outcome depends
    neither on which file came first nor on how rows are spread over files. Of the same version in two files the
    greater file hash stands as its origin; such a row is a duplicate, and nothing is made again for it.
    """
    key = [quoted(k) for k in contract(feed).primary_key]
    same = " AND ".join(f"new.{k} = old.{k}" for k in key)
    # The rows that may stand already are found by hashes of their keys; mostly there are none to compare and to delete.
    hashed = f"hash({', '.join(key)})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {EARLIER} AS "
        f"SELECT * FROM raw.{feed} WHERE {hashed} IN (SELECT {hashed} FROM {staged})"
    )
    if repeats or _count(connection, EARLIER):
        incoming, before = INCOMING, EARLIER
        _choose_newest(connection, feed, staged, same, repeats=repeats)
        replaced = f"(FROM {incoming} WHERE _date_before IS NOT NULL)"
        connection.execute(f"DELETE FROM raw.{feed} AS old USING {replaced} AS new WHERE {same}")
    else:
        incoming = (
            "(SELECT * EXCLUDE (_reasons, _record), NULL::DATE AS _date_before, true AS _accepted, true AS _changed "
            f"FROM {staged} WHERE len(_reasons) = 0)"
        )
        before = ""
    _count_changes(connection, incoming)
    _mark_outdated(connection, feed, incoming, before=before)
    connection.execute(
        f"INSERT INTO raw.{feed} BY NAME SELECT * EXCLUDE (_date_before, _accepted, _changed) FROM {incoming}"
    )
    count_raw_days(connection, feed, f"(SELECT unnest([_date, _date_before]) FROM {CHANGES})")
    accepted = connection.execute(f"SELECT _file, sum(row_count)::BIGINT FROM {CHANGES} WHERE _accepted GROUP BY _file")
    by_origin = dict(accepted.fetchall())
    for table in (EARLIER, INCOMING, CHANGES):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    return by_origin


def _choose_newest(connection: duckdb.DuckDBPyConnection, feed: str, staged: str, same: str, *, repeats: bool) -> None:
    """The staged rows that are newer than what stands, beside the dates and values that they replace."""
    names = [quoted(f.name) for f in contract(feed).fields]
    values = ", ".join(names)
    of_new, of_old = (", ".join(f"{side}.{n}" for n in names) for side in ("new", "old"))
    key = ", ".join(map(quoted, contract(feed).primary_key))
    order = f"PARTITION BY {key} ORDER BY exported_at DESC, row({values}) DESC, _row DESC"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {INCOMING} AS
        WITH newest AS (
            SELECT * EXCLUDE (_reasons, _record) FROM {staged} WHERE len(_reasons) = 0
            {f"QUALIFY row_number() OVER ({order}) = 1" if repeats else ""}
        )
        SELECT new.*, old._date AS _date_before,
            old._file IS NULL OR row({of_new}) IS DISTINCT FROM row({of_old}) AS _accepted,
            old._file IS NULL OR {_differ(feed)} AS _changed
        FROM newest AS new LEFT JOIN {EARLIER} AS old ON {same}
        WHERE old._file IS NULL
            OR (new.exported_at, row({of_new}), new._file, new._row)
                > (old.exported_at, row({of_old}), old._file, old._row)""")


def withdraw(connection: duckdb.DuckDBPyConnection, feed: str, digests: list[str], /) -> None:
    """Take the rows and the entries of files back, as if they had not been read."""
    origins = [digest[:16] for digest in digests]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {INCOMING} AS SELECT *, NULL::DATE AS _date_before, false AS _accepted, "
        f"true AS _changed FROM raw.{feed} WHERE _file IN (SELECT unnest(?))",
        [origins],
    )
    _count_changes(connection, INCOMING)
    _mark_outdated(connection, feed, INCOMING)
    kept = ("versions",) if contract(feed).keeps_versions else ()
    for schema in ("raw", "quarantine", *kept):
        connection.execute(f"DELETE FROM {schema}.{feed} WHERE _file IN (SELECT unnest(?))", [origins])
    take_back_arrivals(connection, feed, origins)
    count_raw_days(connection, feed, f"(SELECT _date FROM {CHANGES})")
    for table in (INCOMING, CHANGES):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("DELETE FROM ops.files WHERE feed = ? AND content_hash IN (SELECT unnest(?))", [feed, digests])


def _differ(feed: str) -> str:
    """SQL for whether more than the instant of the export differs."""
    names = [quoted(f.name) for f in contract(feed).fields if f.name != "exported_at"]
    of_new, of_old = (", ".join(f"{side}.{n}" for n in names) for side in ("new", "old"))
    return f"row({of_new}) IS DISTINCT FROM row({of_old})"


def _count_changes(connection: duckdb.DuckDBPyConnection, incoming: str) -> None:
    """Count the incoming rows by file and dates, once for all that depends on them."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {CHANGES} AS SELECT _file, _date, _date_before, _accepted, _changed, "
        f"count(*) AS row_count FROM {incoming} GROUP BY ALL"
    )


def _mark_outdated(connection: duckdb.DuckDBPyConnection, feed: str, incoming: str, *, before: str = "") -> None:
    """Enter what the rows that come, change or leave outdate; `before` is the table of rows that these may replace."""
    names = ", ".join(["_date", *(quoted(field.name) for field in contract(feed).fields)])
    changed = f"SELECT {names} FROM {incoming} WHERE _changed"
    if before:
        key = ", ".join(map(quoted, contract(feed).primary_key))
        changed += f" UNION ALL SELECT {names} FROM {before} SEMI JOIN ({changed}) USING ({key})"
    dates = f"(SELECT unnest([_date, _date_before]) AS day FROM {CHANGES} WHERE _changed) WHERE day IS NOT NULL"
    mark_outdated(connection, feed, dates=dates, changed=f"({changed})")


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
