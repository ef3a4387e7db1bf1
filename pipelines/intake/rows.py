"""From a landed file to judged rows, without a database: read, join siblings, map, key, parse, judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import orjson
import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE, contract
from data_contracts.exports import MappingError, Reading, apply_mapping
from data_contracts.parsing import parse
from data_contracts.rules import judge
from pipelines.intake.identity import user_keys
from pipelines.intake.readers import BROKEN, read_file

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from data_contracts.contract import Contract
    from data_contracts.exports import Mapping


@dataclass(frozen=True)
class JudgedRows:
    """The rows of one file: typed columns of the contract, `_row`, `_reasons` and, where refused, `_record`."""

    frame: pl.DataFrame
    unused_headers: list[str]

    @property
    def refused(self) -> pl.DataFrame:
        """The rows that break the contract."""
        return self.frame.filter(pl.col("_reasons").list.len() > 0)


def judged_rows(
    path: Path, mapping: Mapping, siblings: dict[str, Path], /, *, secret: bytes, now: datetime
) -> JudgedRows:
    """Read one file and judge every row by the feed's contract.

    Raises UnreadableFileError or MappingError when the file as a whole does not fit.
    """
    feed = contract(mapping.feed)
    source = read_file(path, mapping.read)
    if mapping.query:
        tables = {alias: read_file(other, Reading()).drop("_row", BROKEN) for alias, other in siblings.items()}
        source = _joined(source, tables, mapping)
    source = source.sort("_row")
    mapped, unused = apply_mapping(source, mapping)
    mapped = _with_keys(mapped, feed, secret)
    judged = judge(parse(mapped, feed, time_zone=mapping.time_zone), feed, now=now)
    broken = pl.col(BROKEN).is_not_null()
    judged = judged.with_columns(
        _reasons=pl.when(broken).then(pl.concat_list(pl.format("row: {}", BROKEN))).otherwise("_reasons")
    )
    records = _records(source, mapped, judged, mapping, feed)
    return JudgedRows(judged.drop(BROKEN).with_columns(records, _date=_business_date(feed)), unused)


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
            raise MappingError(f"the query of the mapping {mapping.export} fails: {error}") from error
    if "_row" not in joined.columns or joined["_row"].n_unique() != joined.height:
        raise MappingError(f"the query of the mapping {mapping.export} must keep _row and give each row at most once")
    return joined if BROKEN in joined.columns else joined.with_columns(pl.lit(None, dtype=pl.String).alias(BROKEN))


def _with_keys(mapped: pl.DataFrame, feed: Contract, secret: bytes) -> pl.DataFrame:
    """Keyed hashes in the place of raw identifiers; a finished key in the file is kept."""
    for field in feed.fields:
        if field.keyed_from in mapped.columns:
            keys = user_keys(mapped[field.keyed_from], secret)
            finished = (
                mapped[field.name]
                if field.name in mapped.columns
                else pl.Series([None] * mapped.height, dtype=pl.String)
            )
            value = pl.select(pl.coalesce(finished.cast(pl.String), keys.cast(pl.String))).to_series()
            mapped = mapped.drop(field.keyed_from).with_columns(value.alias(field.name))
    return mapped


def _records(
    source: pl.DataFrame, mapped: pl.DataFrame, judged: pl.DataFrame, mapping: Mapping, feed: Contract
) -> pl.Series:
    """The original record of each refused row as JSON: the headers that the mapping uses, raw ids as their keys.

    A row of broken shape has no record, since a raw id may stand in any of its fields.
    """
    personal = {
        h for f in feed.fields if f.keyed_from in mapping.columns for h in mapping.columns[f.keyed_from].headers
    }
    used = {h for c in mapping.columns.values() for h in c.headers}
    shown = [c for c in source.columns if c in used - personal]
    keys = [f.name for f in feed.fields if f.personal and f.name in mapped.columns]
    wanted = (judged["_reasons"].list.len() > 0) & source[BROKEN].is_null()
    rows = source.select(shown).hstack(mapped.select(k for k in keys if k not in shown)).filter(wanted)
    texts = iter([orjson.dumps(r, default=str).decode() for r in rows.iter_rows(named=True)])
    return pl.Series("_record", [next(texts) if w else None for w in wanted], dtype=pl.String)
