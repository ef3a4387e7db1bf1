"""From a landed file to judged rows, without a database: read, join siblings, map, key, parse, judge."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb
import orjson
import polars as pl

from data_contracts.contract import contract
from data_contracts.exports import apply_mapping, left_out
from data_contracts.instants import business_dates
from data_contracts.mapping import MappingError, Reading, headers_of, normalised
from data_contracts.parsing import known, parse
from data_contracts.rules import judge
from data_contracts.stated_figures import Sums, disagreements, joined, unequal_totals
from data_contracts.summed import of_sums, total_rows
from pipelines.intake.frames import BROKEN, IN_ALL, ROW
from pipelines.intake.given import with_given
from pipelines.intake.identity import user_keys, without_mobile_numbers
from pipelines.intake.readers import read_file, read_parts
from pipelines.intake.texts import in_class

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from data_contracts.contract import Contract
    from data_contracts.mapping import Mapping
    from data_contracts.stated_figures import Disagreement

ROUNDED = "_rounded_"
LONGEST_KEPT = 1_000  # characters of a text in the record of a refused row
MOST_NAMED = 20  # headers that a message names
WIDE = (pl.Int128, pl.UInt128)


@dataclass(frozen=True)
class Beside:
    """What is to be said of a file, or of a part of it, beside its rows.

    `ignored` counts total rows; `left_out` the rows that the mapping says are no rows of its feed; `elsewhere` those
    that the file says there are, and that it does not hold; `long_numbers` counts order numbers of 17 digits or more,
    and those of them that end in zeros after the 15th.
    """

    rows: int = 0
    unused_headers: tuple[str, ...] = ()
    left_out: int = 0
    ignored: int = 0
    elsewhere: int = 0
    long_numbers: tuple[int, int] = (0, 0)
    disagreements: tuple[Disagreement, ...] = ()

    def __add__(self, other: Beside, /) -> Beside:
        """What is to be said of two parts of a file."""
        return Beside(
            self.rows + other.rows,
            self.unused_headers or other.unused_headers,
            self.left_out + other.left_out,
            self.ignored + other.ignored,
            self.elsewhere + other.elsewhere,
            (self.long_numbers[0] + other.long_numbers[0], self.long_numbers[1] + other.long_numbers[1]),
            joined(self.disagreements + other.disagreements),
        )

    @property
    def notes(self) -> list[str]:
        """What is worth knowing."""
        return [
            *(["the file has a header and no rows"] if not self.rows + self.left_out + self.ignored else []),
            *([f"headers not used: {_some(self.unused_headers)}"] if self.unused_headers else []),
            *([f"{_rows(self.ignored, 'total row')} ignored"] if self.ignored else []),
            *([f"{_rows(self.left_out, 'row')} left out by its mapping"] if self.left_out else []),
            *self.doubts,
        ]

    @property
    def doubts(self) -> list[str]:
        """What the file states and does not hold."""
        more = f"it says that there are {_rows(self.elsewhere, 'record')} more; land the other pages too"
        long, rounded = self.long_numbers
        as_rounded = (
            f"all {long:,} order numbers of 17 digits or more end in zeros after the 15th, as where a spreadsheet "
            "rounded them; see whether they are whole, else export again with the column formatted as text"
        )
        return [
            *map(str, self.disagreements),
            *([more] if self.elsewhere else []),
            *([as_rounded] if long == rounded > 1 else []),
        ]


@dataclass(frozen=True)
class JudgedRows:
    """Rows of a file: typed columns of the contract, `_row`, `_date`, `_reasons` and, where refused, `_record`."""

    frame: pl.DataFrame
    beside: Beside

    @property
    def rows_read(self) -> int:
        """Rows of the feed that the file gives, and its total rows."""
        return self.frame.height + self.beside.ignored

    @property
    def refused(self) -> pl.DataFrame:
        """The rows that break the contract."""
        return self.frame.filter(pl.col("_reasons").list.len() > 0)


def _rows(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def judged_rows(
    path: Path, mapping: Mapping, siblings: dict[str, Path], /, *, secret: bytes, now: datetime
) -> JudgedRows:
    """All parts of a file, as `judged_parts` gives them, in one."""
    parts = list(judged_parts(path, mapping, siblings, secret=secret, now=now))
    return JudgedRows(pl.concat([part.frame for part in parts]), sum((part.beside for part in parts), Beside()))


def judged_parts(
    path: Path, mapping: Mapping, siblings: dict[str, Path], /, *, secret: bytes, now: datetime
) -> Iterator[JudgedRows]:
    """Read one file part by part and judge every row by the feed's contract.

    A file whose mapping has a query is one part, since a query may look at all rows. Raises UnreadableFileError or
    MappingError when the file as a whole does not fit, perhaps after some of its parts.
    """
    feed = contract(mapping.feed)
    parts = read_parts(path, mapping.read)
    tables = {alias: read_file(other, Reading()).drop(ROW, BROKEN) for alias, other in siblings.items()}
    totals, sums, whole = [], Sums(feed), True
    for part in [pl.concat(parts)] if mapping.query else parts:
        are_totals = total_rows(part, mapping)
        summed, source = part.filter(are_totals), part.filter(~are_totals)
        wrong = disagreements(source, mapping)
        read = source.height
        if mapping.query:
            source = _joined(source, tables, mapping)
        source = source.filter(~left_out(source, mapping) | pl.col(BROKEN).is_not_null())
        elsewhere = max(0, part[IN_ALL][0] - read) if IN_ALL in part.columns and part.height else 0
        beside = Beside(
            left_out=read - source.height, ignored=summed.height, elsewhere=elsewhere, disagreements=tuple(wrong)
        )
        source = with_given(source, path, mapping)
        typed, unused = _typed(source, mapping, feed, secret=secret)
        if summed.height:
            totals.append(of_sums(summed))
        beside = replace(beside, long_numbers=_long_numbers(typed, feed))
        sums.add(typed)
        whole = whole and read == source.height == typed.height
        judged = _with_shapes_judged(judge(_without_broken(typed), feed, now=now), feed)
        if mapping.each:
            source = judged.select(ROW).join(source, on=ROW, how="left", maintain_order="left")
        records = _records(source, judged, mapping, feed)
        if records.null_count() < judged.height:
            reasons = pl.col("_reasons").list.eval(without_mobile_numbers(pl.element()))  # which quote what they refuse
            judged = judged.with_columns(reasons)
        frame = judged.select(
            *feed.schema, ROW, "_reasons", records, business_dates(judged[feed.business_date]).alias("_date")
        )
        yield JudgedRows(frame, replace(beside, rows=frame.height, unused_headers=tuple(unused)))
    if whole and sum(total.height for total in totals):
        wrong = _unequal_totals(pl.concat(totals, how="diagonal_relaxed"), sums, path, mapping)
        yield JudgedRows(frame.clear(), Beside(disagreements=tuple(wrong)))


def _long_numbers(typed: pl.DataFrame, feed: Contract) -> tuple[int, int]:
    """How many order numbers have 17 digits or more, and how many of these a spreadsheet may have rounded.

    One true number in 100 to 10,000 looks so, too many to refuse any; that all of a file do is chance no longer.
    """
    columns = [typed[f.name] for f in feed.fields if f.order_number]
    numbers = [c.filter((c.str.len_bytes() >= 17) & c.str.contains("^[1-9][0-9]*$")) for c in columns]
    distinct = [n.unique() for n in numbers]
    return sum(n.len() for n in distinct), sum(int(n.str.contains("^[0-9]{15}0+$").sum()) for n in distinct)


def _typed(source: pl.DataFrame, mapping: Mapping, feed: Contract, *, secret: bytes) -> tuple[pl.DataFrame, list[str]]:
    """The columns of the feed in their types, and the headers that it does not use."""
    mapped, unused = apply_mapping(source, mapping)
    return parse(_with_classes(_with_keys(mapped, feed, secret), feed), feed, time_zone=mapping.time_zone), unused


def _unequal_totals(summed: pl.DataFrame, sums: Sums, path: Path, mapping: Mapping) -> list[Disagreement]:
    """Where the file's own totals are not the sum of its rows; nothing of one whose rows a query makes."""
    if mapping.query or mapping.each:
        return []
    feed = contract(mapping.feed)
    raw = [*feed.raw, *(f.name for f in feed.fields if f.made_from)]
    total, _ = apply_mapping(with_given(summed, path, mapping), mapping)
    return unequal_totals(parse(total.drop(raw, strict=False), feed, time_zone=mapping.time_zone), sums)


def _joined(source: pl.DataFrame, tables: dict[str, pl.DataFrame], mapping: Mapping) -> pl.DataFrame:
    """The mapping's query over the file and its siblings, in a database that can reach nothing else."""
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        for name, frame in {"file": source, **tables}.items():
            connection.register(name, frame.to_arrow())
        try:
            found = connection.sql(mapping.query or "")
            joined = None if found is None else found.pl()  # what is no SELECT gives nothing
        except duckdb.Error as error:
            # The message quotes the value that failed, which may be a raw identifier.
            reason = re.sub(r"'[^']*'", "'…'", str(error)).split("\n", 1)[0]
            raise MappingError(f"the query of the mapping {mapping.export} fails: {reason}") from error
    if joined is None or not _keeps_rows(joined, source):
        raise MappingError(f"the query of the mapping {mapping.export} must keep _row and give each row at most once")
    return joined.drop(BROKEN, strict=False).join(source.select(ROW, BROKEN), on=ROW).sort(ROW)


def _keeps_rows(joined: pl.DataFrame, source: pl.DataFrame) -> bool:
    """Whether a query's rows are rows of the file, none of them twice."""
    if joined.schema.get(ROW) != pl.Int64():
        return False
    return joined[ROW].n_unique() == joined.height and bool(joined[ROW].is_in(source[ROW].implode()).all())


def _with_keys(mapped: pl.DataFrame, feed: Contract, secret: bytes) -> pl.DataFrame:
    """Keyed hashes in the place of raw identifiers; a finished key in the file is kept."""
    for field in feed.fields:
        if field.keyed_from not in mapped.columns:
            continue
        keys, rounded = user_keys(mapped[field.keyed_from], secret)
        if field.name in mapped.columns:
            finished = known(mapped[field.name]).cast(pl.String)
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
        .with_columns(
            without_mobile_numbers(pl.col(pl.String).str.slice(0, LONGEST_KEPT)),
            pl.col(*WIDE).cast(pl.String),  # JSON is written of no wider numbers than 64 bits
        )
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
