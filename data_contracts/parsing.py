"""Reading text, as exports write it, into the types of a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE
from data_contracts.rules import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from data_contracts.contract import Contract, Field

MISSING_WORDS = ("", "-", "--", "—", "null", "none", "nan", "n/a", "#n/a", "#div/0!")
YES, NO = ("true", "1", "yes", "y", "是"), ("false", "0", "no", "n", "否")
UTC_INSTANT = pl.Datetime("us", "UTC")

OFFSET_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")
LOCAL_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
)
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日")


def parse(frame: pl.DataFrame, contract: Contract, /, *, time_zone: str = BUSINESS_TIME_ZONE) -> pl.DataFrame:
    """Read the contract's columns into their types.

    Args:
        frame: columns named as in the contract, as text or as any type that holds the value; columns that
            the contract does not name are kept as they are, columns that are absent become null.
        contract: the feed's contract.
        time_zone: the zone of instants that carry no offset.

    Returns:
        The contract's columns in their types and, beside each, `_unreadable_<name>` (String): the text that
        is not of the type, null where it is.
    """
    typed: list[pl.Series] = []
    for field in contract.fields:
        source = _cleaned(frame, field)
        value = _READERS[field.physical_type](source, field, time_zone).alias(field.name)
        bad = source.is_not_null() & value.is_null()
        text = (
            source.cast(pl.List(pl.String)).list.join("|")
            if source.dtype.is_nested()
            else source.cast(pl.String)
        )
        typed += [value, pl.select(pl.when(bad).then(text)).to_series().alias(UNREADABLE + field.name)]
    others = [column for column in frame if column.name not in contract.schema]
    return pl.DataFrame(others + typed)


def _cleaned(frame: pl.DataFrame, field: Field) -> pl.Series:
    """The column, with the words for "missing" as nulls and the contract's default in their place."""
    if field.name not in frame.columns:
        source = pl.Series(field.name, [None] * frame.height, dtype=pl.String)
    else:
        source = frame[field.name]
    if source.dtype == pl.String:
        stripped = source.str.strip_chars()
        missing = stripped.str.to_lowercase().is_in(MISSING_WORDS)
        source = pl.select(pl.when(~missing).then(stripped)).to_series()
    if source.dtype == pl.Null:
        source = source.cast(pl.String)
    return source.fill_null(field.default) if field.default is not None else source


def _text(source: pl.Series, field: Field, _zone: str) -> pl.Series:
    if (
        source.dtype.is_float()
    ):  # a spreadsheet's number: whole ones lose their ".0", long ones stay recognisable
        whole = source == source.floor()
        short = source.abs() < 1e15
        as_int = source.cast(pl.Int64, strict=False).cast(pl.String)
        as_float = pl.Series([f"{v:.5E}" if v is not None else None for v in source], dtype=pl.String)
        return pl.select(
            pl.when(whole & short).then(as_int).when(short).then(source.cast(pl.String)).otherwise(as_float)
        ).to_series()
    text = source.cast(pl.String)
    if not field.enum:
        return text
    return text.replace({label: value for value, label in field.enum.items()})


def _instant(source: pl.Series, _field: Field, zone: str) -> pl.Series:
    if source.dtype == pl.String:
        return _first_reading(
            source,
            [
                lambda text, f=f: text.str.to_datetime(f, time_unit="us", time_zone="UTC", strict=False)
                for f in OFFSET_FORMATS
            ]
            + [
                lambda text, f=f: _local(text.str.to_datetime(f, time_unit="us", strict=False), zone)
                for f in LOCAL_FORMATS
            ]
            + [
                lambda text, f=f: _local(text.str.to_date(f, strict=False).cast(pl.Datetime("us")), zone)
                for f in DATE_FORMATS
            ],
            UTC_INSTANT,
        )
    if isinstance(source.dtype, pl.Datetime) and source.dtype.time_zone:
        return source.dt.cast_time_unit("us").dt.convert_time_zone("UTC")
    if source.dtype.is_temporal() and source.dtype != pl.Time():
        return _local(source.cast(pl.Datetime("us")), zone)
    return _nothing(source, UTC_INSTANT)


def _date(source: pl.Series, field: Field, zone: str) -> pl.Series:
    if source.dtype == pl.Date():
        return source
    instants = _instant(source, field, zone)
    return instants.dt.convert_time_zone(BUSINESS_TIME_ZONE).dt.date()


def _money(source: pl.Series, _field: Field, _zone: str) -> pl.Series:
    if source.dtype == pl.String:
        plain = source.str.replace_all(r"[,，¥￥\s]|元$", "")
        exact = plain.str.contains(r"^[+-]?\d{1,15}(\.\d{1,2}0*)?$")
        source = pl.select(pl.when(exact).then(plain)).to_series()
        return source.cast(pl.Decimal(18, 2), strict=False)
    if source.dtype.is_float():  # what a float cannot hold exactly is noise below a hundredth of a fen
        cents = source * 100
        exact = source.is_finite() & (source.abs() < 1e13) & ((cents - cents.round()).abs() < 0.01)
        return (
            pl.select(pl.when(exact).then(source.round(2))).to_series().cast(pl.Decimal(18, 2), strict=False)
        )
    return (
        source.cast(pl.Decimal(18, 2), strict=False)
        if source.dtype.is_numeric()
        else _nothing(source, pl.Decimal(18, 2))
    )


def _integer(source: pl.Series, _field: Field, _zone: str) -> pl.Series:
    if source.dtype == pl.String:
        plain = source.str.replace_all(r"[,，\s]", "").str.replace(r"\.0+$", "")
        return plain.cast(pl.Int64, strict=False)
    if source.dtype.is_float():
        source = pl.select(pl.when(source == source.floor()).then(source)).to_series()
    return source.cast(pl.Int64, strict=False) if source.dtype.is_numeric() else _nothing(source, pl.Int64())


def _boolean(source: pl.Series, _field: Field, _zone: str) -> pl.Series:
    if source.dtype == pl.Boolean():
        return source
    words = source.cast(pl.String).str.to_lowercase().str.replace(r"\.0$", "")
    return pl.select(pl.when(words.is_in(YES)).then(True).when(words.is_in(NO)).then(False)).to_series()


def _list(source: pl.Series, _field: Field, _zone: str) -> pl.Series:
    if source.dtype.is_nested():
        return source.cast(pl.List(pl.String))
    return source.cast(pl.String).str.split("|")


def _local(naive: pl.Series, zone: str) -> pl.Series:
    """Instants of wall-clock times; of a time that a clock change skips or repeats, the earliest that exists."""
    return naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
        "UTC"
    )


def _first_reading(
    source: pl.Series, readings: list[Callable[[pl.Series], pl.Series]], dtype: pl.DataType
) -> pl.Series:
    """The first reading that succeeds, row by row; later ones are tried only on what is left."""
    result = _nothing(source, dtype)
    for reading in readings:
        left = result.is_null() & source.is_not_null()
        if not left.any():
            break
        found = source.filter(left)
        indexes = left.arg_true()
        result = result.scatter(indexes, reading(found).cast(dtype))
    return result


def _nothing(source: pl.Series, dtype: pl.DataType) -> pl.Series:
    return pl.Series(source.name, [None], dtype=dtype).new_from_index(0, source.len())


_READERS: dict[str, Callable[[pl.Series, Field, str], pl.Series]] = {
    "VARCHAR": _text,
    "TIMESTAMPTZ": _instant,
    "DATE": _date,
    "DECIMAL(18,2)": _money,
    "BIGINT": _integer,
    "BOOLEAN": _boolean,
    "VARCHAR[]": _list,
}
