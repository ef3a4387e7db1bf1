"""From a landed file to judged rows, without a database: read, join siblings, map, key, parse, judge."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import orjson
import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE, contract
from data_contracts.exports import apply_mapping, left_out
from data_contracts.mapping import MappingError, Reading, headers_of, normalised
from data_contracts.parsing import known, parse
from data_contracts.rules import judge
from data_contracts.stated_figures import disagreements, unequal_totals
from data_contracts.summed import total_rows
from pipelines.intake.frames import BROKEN, ROW
from pipelines.intake.given import with_given
from pipelines.intake.identity import user_keys, without_mobile_numbers
from pipelines.intake.readers import read_file
from pipelines.intake.texts import in_class

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from data_contracts.contract import Contract
    from data_contracts.mapping import Mapping
    from data_contracts.stated_figures import Disagreement

ROUNDED = "_rounded_"
SHOWN_ROWS = 5
LONGEST_KEPT = 1_000  # characters of a text in the record of a refused row


@dataclass(frozen=True)
class JudgedRows:
    """The rows of one file: typed columns of the contract, `_row`, `_date`, `_reasons` and, where refused, `_record`.

    `ignored` counts total rows; `left_out` the rows that the mapping says are no rows of its feed.
    """

    frame: pl.DataFrame
    unused_headers: list[str]
    left_out: int = 0
    ignored: int = 0
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def rows_read(self) -> int:
        """Rows of the feed that the file gives, and its total rows."""
        return self.frame.height + self.ignored

    @property
    def refused(self) -> pl.DataFrame:
        """The rows that break the contract."""
        return self.frame.filter(pl.col("_reasons").list.len() > 0)

    @property
    def notes(self) -> list[str]:
        """What is worth knowing of the file beside its rows."""
        return [
            *(["the file has a header and no rows"] if not self.frame.height else []),
            *([f"headers not used: {', '.join(self.unused_headers)}"] if self.unused_headers else []),
            *([f"{_rows(self.ignored, 'total row')} ignored"] if self.ignored else []),
            *([f"{_rows(self.left_out, 'row')} left out by its mapping"] if self.left_out else []),
            *map(str, self.disagreements),
        ]

    @property
    def refusals(self) -> list[str]:
        """One sentence for each column that rows are refused for: how many, on which rows, and the first reason."""
        told = (
            self.refused.select(ROW, pl.col("_reasons").alias("reason"))
            .explode("reason")
            .with_columns(column=pl.col("reason").str.extract("^([^:]*):"))
            .group_by("column", maintain_order=True)
            .agg(pl.col(ROW).unique(maintain_order=True), pl.col("reason").first())
        )
        return [
            f"{len(rows):,} {'rows' if len(rows) > 1 else 'row'} quarantined for {column} ({_named(rows)}): {reason}"
            for column, rows, reason in told.iter_rows()
        ]


def _rows(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _named(rows: list[int]) -> str:
    shown = ", ".join(map(str, rows[:SHOWN_ROWS]))
    return f"row{'s' if len(rows) > 1 else ''} {shown}{', …' if len(rows) > SHOWN_ROWS else ''}"


def judged_rows(
    path: Path, mapping: Mapping, siblings: dict[str, Path], /, *, secret: bytes, now: datetime
) -> JudgedRows:
    """Read one file and judge every row by the feed's contract.

    Raises UnreadableFileError or MappingError when the file as a whole does not fit.
    """
    feed = contract(mapping.feed)
    source = read_file(path, mapping.read)
    totals = total_rows(source, mapping)
    summed, source = source.filter(totals), source.filter(~totals)
    wrong = disagreements(source, mapping)
    read = source.height
    if mapping.query:
        tables = {alias: read_file(other, Reading()).drop(ROW, BROKEN) for alias, other in siblings.items()}
        source = _joined(source, tables, mapping)
    source = source.filter(~left_out(source, mapping) | pl.col(BROKEN).is_not_null())
    handed_on = source.height
    source = with_given(source, path, mapping)
    mapped, unused = apply_mapping(source, mapping)
    typed = parse(_with_classes(_with_keys(mapped, feed, secret), feed), feed, time_zone=mapping.time_zone)
    if summed.height == 1 and read == handed_on == typed.height:
        wrong += _unequal_totals(summed, typed, path, mapping)
    judged = _with_shapes_judged(judge(_without_broken(typed), feed, now=now), feed)
    if mapping.each:
        source = judged.select(ROW).join(source, on=ROW, how="left", maintain_order="left")
    records = _records(source, judged, mapping, feed)
    reasons = pl.col("_reasons").list.eval(without_mobile_numbers(pl.element()))  # which quote what they refuse
    frame = judged.select(*feed.schema, ROW, reasons, records, _business_date(feed).alias("_date"))
    return JudgedRows(frame, unused, read - handed_on, summed.height, tuple(wrong))


def _unequal_totals(summed: pl.DataFrame, typed: pl.DataFrame, path: Path, mapping: Mapping) -> list[Disagreement]:
    """Where the file's own total is not the sum of its rows; nothing of one whose rows a query makes."""
    if mapping.query or mapping.each:
        return []
    feed = contract(mapping.feed)
    raw = [*feed.raw, *(f.name for f in feed.fields if f.made_from)]
    total, _ = apply_mapping(with_given(summed, path, mapping), mapping)
    return unequal_totals(parse(total.drop(raw, strict=False), feed, time_zone=mapping.time_zone), typed, feed)


def _business_date(feed: Contract) -> pl.Expr:
    column = pl.col(feed.business_date)
    if feed.field(feed.business_date).dtype == pl.Date():
        return column
    return column.dt.convert_time_zone(BUSINESS_TIME_ZONE).dt.date()


def _joined(source: pl.DataFrame, tables: dict[str, pl.DataFrame], mapping: Mapping) -> pl.DataFrame:
    """The mapping's query over the file and its siblings, in a database that can reach nothing else."""
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        for name, frame in {"file": source, **tables}.items():
            connection.register(name, frame.to_arrow())
        try:
            joined = connection.sql(mapping.query or "").pl()
        except duckdb.Error as error:
            # The message quotes the value that failed, which may be a raw identifier.
            reason = re.sub(r"'[^']*'", "'…'", str(error)).split("\n", 1)[0]
            raise MappingError(f"the query of the mapping {mapping.export} fails: {reason}") from error
    if ROW not in joined.columns or joined[ROW].n_unique() != joined.height:
        raise MappingError(f"the query of the mapping {mapping.export} must keep _row and give each row at most once")
    if BROKEN not in joined.columns:
        joined = joined.join(source.select(ROW, BROKEN), on=ROW)
    return joined.sort(ROW)


def _with_keys(mapped: pl.DataFrame, feed: Contract, secret: bytes) -> pl.DataFrame:
    """Keyed hashes in the place of raw identifiers; a finished key in the file is kept."""
    for field in feed.fields:
        if field.keyed_from not in mapped.columns:
            continue
        keys, rounded = user_keys(mapped[field.keyed_from], secret)
        if field.name in mapped.columns:
            finished = mapped[field.name].cast(pl.String)
            keys = pl.select(pl.coalesce(finished, keys.cast(pl.String))).to_series()
        mapped = mapped.drop(field.keyed_from).with_columns(keys.alias(field.name), rounded.alias(ROUNDED + field.name))
    return mapped


def _with_classes(mapped: pl.DataFrame, feed: Contract) -> pl.DataFrame:
    """Classes in the place of texts that are not stored; a finished class in the file is kept."""
    texts = {f.matched_from for f in feed.fields if f.matched_from and f.matched_from in mapped.columns}
    for field in feed.fields:
        if field.matched_from not in texts:
            continue
        found = in_class(mapped[field.matched_from], field.name).cast(pl.String)
        if field.name in mapped.columns:
            found = pl.select(pl.coalesce(known(mapped[field.name]).cast(pl.String), found)).to_series()
        mapped = mapped.with_columns(found.alias(field.name))
    return mapped.drop(texts)


def _without_broken(typed: pl.DataFrame) -> pl.DataFrame:
    """Nothing of a row of broken shape is kept, since a raw identifier may stand in any of its fields."""
    if typed[BROKEN].null_count() == typed.height:
        return typed
    values = [c for c in typed.columns if c not in (ROW, BROKEN)]
    return typed.with_columns(pl.when(pl.col(BROKEN).is_null()).then(pl.col(values)))


def _with_shapes_judged(judged: pl.DataFrame, feed: Contract) -> pl.DataFrame:
    """Reasons for broken rows, in the place of all others, and for raw identifiers that a spreadsheet rounded."""
    for field in feed.fields:
        if ROUNDED + field.name not in judged.columns or not judged[ROUNDED + field.name].any():
            continue
        told = (
            f"{field.name}: {field.keyed_from} is a number that a spreadsheet rounded; "
            "export again with the column formatted as text"
        )
        others = pl.col("_reasons").list.eval(pl.element().filter(~pl.element().str.starts_with(f"{field.name}: ")))
        judged = judged.with_columns(
            _reasons=pl.when(ROUNDED + field.name).then(pl.concat_list(others, pl.lit(told))).otherwise("_reasons")
        )
    if judged[BROKEN].null_count() == judged.height:
        return judged
    broken = pl.concat_list(pl.format("row: {}", BROKEN))
    return judged.with_columns(_reasons=pl.when(pl.col(BROKEN).is_not_null()).then(broken).otherwise("_reasons"))


def _records(source: pl.DataFrame, judged: pl.DataFrame, mapping: Mapping, feed: Contract) -> pl.Series:
    """The original record of each refused row as JSON: the headers that the mapping uses, raw ids as their keys.

    What stands under a header of a personal column is shown only as the key that became of it, a text that is not
    stored not at all. A row of broken shape has no record. Of a long text the beginning is kept; numbers of mobile
    phones that strayed into other columns are struck out.
    """
    wanted = judged.select((pl.col("_reasons").list.len() > 0) & pl.col(BROKEN).is_null()).to_series()
    if not wanted.any():
        return pl.Series("_record", [None], dtype=pl.String).new_from_index(0, judged.height)
    keys = [f.name for f in feed.fields if f.personal]
    personal = headers_of(mapping, [*keys, *feed.raw])
    used = headers_of(mapping, mapping.names) - personal
    kept = [c for c in source.columns if c == ROW or (normalised(c) in used and c not in keys)]
    shown = (
        source.select(kept)
        .filter(wanted)
        .with_columns(without_mobile_numbers(pl.col(pl.String).str.slice(0, LONGEST_KEPT)))
    )
    known = judged.select(ROW, *keys).filter(wanted)
    texts = iter(
        [
            orjson.dumps(
                {k: v for k, v in (record | key).items() if k != ROW and (k not in key or v is not None)}, default=str
            ).decode()
            for record, key in zip(shown.iter_rows(named=True), known.iter_rows(named=True), strict=True)
        ]
    )
    return pl.Series("_record", [next(texts) if w else None for w in wanted], dtype=pl.String)
