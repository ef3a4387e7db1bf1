"""Reading text, as exports write it, into the types of a contract."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE
from data_contracts.instants import UTC_INSTANT, business_dates, instants
from data_contracts.rules import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from data_contracts.contract import Contract, Field

MISSING_WORDS = ("", "-", "--", "—", "null", "none", "nan", "n/a", "#n/a", "#div/0!")
LONGEST_MISSING_WORD = max(len(word.encode()) for word in MISSING_WORDS)
# Numbers as people and exports group them: 1234.5 or 1,234.5, never 12,34 (which elsewhere means 12.34).
GROUPED = r"^[+-]?([0-9]+|[0-9]{1,3}([,，][0-9]{3})+)(\.[0-9]+)?$"
YES, NO = ("true", "1", "yes", "y", "是"), ("false", "0", "no", "n", "否")
# A column of at least so many rows is read value by value where each of them stands so many times among its first ones.
MANY, REPEATS = 20_000, 4
INTERVAL = r"^\s*[<＜]\s*([0-9]+)\s*$"

OFFSET_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")
LOCAL_FORMATS = (
    "%Y-%m-%d %H:%M:%S",  # the next one would read it too, and take five times as long
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
)
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日")
FORMATS = OFFSET_FORMATS + LOCAL_FORMATS + DATE_FORMATS


def parse(frame: pl.DataFrame, contract: Contract, /, *, time_zone: str = BUSINESS_TIME_ZONE) -> pl.DataFrame:
    """Read the contract's columns into their types.

    Args:
        frame: columns named as in the contract, as text or as any type that holds the value; columns that
            the contract does not name are kept as they are, columns that are absent become null.
        contract: the feed's contract.
        time_zone: the zone of instants that carry no offset.

    Returns:
        The contract's columns in their types and, beside each that holds text that is not of its type,
        `_unreadable_<name>` (String): that text, null where the value could be read.
    """
    frame = _with_intervals_apart(frame, contract)
    typed = [series for field in contract.fields for series in _parsed(frame, field, time_zone)]
    others = [column for column in frame if column.name not in contract.schema]
    return pl.DataFrame(others + typed)


def _parsed(frame: pl.DataFrame, field: Field, zone: str) -> list[pl.Series]:
    """The values of a column in their type and, where there is some, the text that is not of it."""
    if field.name in frame.columns:
        given, places = _distinct(frame[field.name])
    else:
        given, places = pl.Series([None], dtype=pl.String), pl.Series([0]).new_from_index(0, frame.height)
    source = _source(given, field)
    value = _READERS[field.physical_type](source, field, zone)
    found = {field.name: value}
    unreadable = source.is_not_null() & value.is_null()
    if unreadable.any():
        found[UNREADABLE + field.name] = pl.select(pl.when(unreadable).then(as_text(source))).to_series()
    return [(v if places is None else v.gather(places)).alias(name) for name, v in found.items()]


def _distinct(column: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Of a long text column that says few things over and over, each of them once, and where each row's stands.

    Of any other the column itself, and None.
    """
    if column.dtype != pl.String or column.len() < MANY:
        return column, None
    distinct = column.head(MANY).drop_nulls().unique()  # nearly all there are
    if distinct.len() * REPEATS > MANY:
        return column, None
    places = _among(distinct, column)
    if (left := places.is_null() & column.is_not_null()).any():
        rest = column.filter(left)
        others = rest.unique()
        places = places.scatter(left.arg_true(), _among(others, rest) + distinct.len())
        distinct.append(others)
    if not column.null_count():
        return distinct, places
    return distinct.append(pl.Series([None], dtype=pl.String)), places.fill_null(distinct.len() - 1)


def _among(distinct: pl.Series, column: pl.Series) -> pl.Series:
    """Where each text stands among distinct ones (UInt32), null where it does not."""
    return column.cast(pl.Enum(distinct), strict=False).to_physical().cast(pl.UInt32)


def known(column: pl.Series, /) -> pl.Series:
    """The column with nulls where it only says that something is missing, and text without surrounding space."""
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.Null:
        return column.cast(pl.String)
    if column.dtype == pl.Binary:
        column = pl.Series(column.name, [v and v.decode(errors="replace") for v in column], dtype=pl.String)
    if column.dtype.is_float():
        return column.fill_nan(None)
    if column.dtype != pl.String:
        return column
    stripped = column.str.strip_chars()
    if not (stripped.str.len_bytes() <= LONGEST_MISSING_WORD).any():
        return stripped
    missing = stripped.str.to_lowercase().is_in(MISSING_WORDS)
    return pl.select(pl.when(~missing).then(stripped)).to_series().alias(column.name)


def as_text(column: pl.Series, /) -> pl.Series:
    """The values as text.

    Floats are read as the ids that they may have been: whole ones lose their ".0"; those that have more digits
    than a spreadsheet keeps (15; 7 in 32 bits) come out as 1.23457E+18, which no identifier is.
    """
    if isinstance(column.dtype, (pl.List, pl.Array)):
        joined = [None if v is None else "|".join(str(item) for item in v if item is not None) for v in column]
        return pl.Series(column.name, joined, dtype=pl.String)
    if column.dtype == pl.Struct:
        return column.struct.json_encode()
    if column.dtype == pl.Duration:
        return column.dt.to_string()
    if not column.dtype.is_float():
        return column.cast(pl.String)
    short = column.abs() < (1e7 if column.dtype == pl.Float32 else 1e15)
    whole = pl.when(column == column.floor()).then(column).cast(pl.Int64, strict=False).cast(pl.String)
    written = pl.select(pl.when(short).then(pl.coalesce(whole, column.cast(pl.String)))).to_series()
    if written.null_count() == column.null_count():
        return written
    rounded = pl.Series([None if v is None else f"{v:.5E}" for v in column], dtype=pl.String)
    return pl.select(pl.coalesce(written, rounded)).to_series()


def identifiers(column: pl.Series, /) -> pl.Series:
    """The values as ids: text, without the ".0" that a float left behind on ids of up to 15 digits."""
    text = as_text(known(column))
    if not text.str.contains(".0", literal=True).any():  # as nearly always, and quickly seen
        return text
    return text.str.replace(r"^([+-]?[0-9]{1,15})\.0+$", "$1")


def _with_intervals_apart(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Numbers printed as <100 as nulls, and `name<100` in the feed's column for them, where it has one."""
    if contract.censored is None or contract.censored in frame.columns:
        return frame
    numbers = [f.name for f in contract.fields if f.physical_type in ("BIGINT", "DECIMAL(18,2)")]
    texts = [c for c in numbers if c in frame.columns and frame.schema[c] == pl.String]
    bounds = {c: frame[c].str.extract(INTERVAL) for c in texts}
    told = [pl.select(pl.format("{}<{}", pl.lit(c), b)).to_series() for c, b in bounds.items() if b.count()]
    if not told:
        return frame
    apart = [pl.select(pl.when(b.is_null()).then(frame[c])).to_series().alias(c) for c, b in bounds.items()]
    listed = pl.select(pl.concat_str(told, separator="|", ignore_nulls=True)).to_series()
    return frame.with_columns(*apart, listed.alias(contract.censored))


def canonical(column: pl.Series, field: Field, zone: str, /) -> pl.Series:
    """The values as the feed writes them, in text: of one date in several spellings, the same; unreadable ones null."""
    return _READERS[field.physical_type](known(column), field, zone).cast(pl.String)


def _source(column: pl.Series, field: Field) -> pl.Series:
    """The known values, with the contract's default in the place of missing ones."""
    source = known(column)
    return as_text(source).fill_null(field.default) if field.default is not None else source


def _text(source: pl.Series, field: Field, _zone: str) -> pl.Series:
    text = identifiers(source) if field.identifier else as_text(source)
    return text.replace({label: value for value, label in field.enum.items()}) if field.enum else text


def _instant(source: pl.Series, _field: Field, zone: str) -> pl.Series:
    if source.dtype == pl.String:
        return _first_reading(source, [partial(_read_instant, form=f, zone=zone) for f in FORMATS], UTC_INSTANT)
    if isinstance(source.dtype, pl.Datetime) and source.dtype.time_zone:
        return source.dt.cast_time_unit("us").dt.convert_time_zone("UTC")
    if source.dtype == pl.Date or isinstance(source.dtype, pl.Datetime):
        return instants(source, zone)
    return _nothing(source, UTC_INSTANT)


def _read_instant(text: pl.Series, *, form: str, zone: str) -> pl.Series:
    if form in OFFSET_FORMATS:
        return text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
    if form in LOCAL_FORMATS:  # what is read here rarely repeats, so that remembering it takes longer than reading it
        return instants(text.str.to_datetime(form, time_unit="us", strict=False, cache=False), zone)
    return instants(_read_date(text, form=form), zone)


def _read_date(text: pl.Series, *, form: str) -> pl.Series:
    if form == "%Y%m%d":  # the parser would also read 2026111, which is two dates
        text = pl.select(pl.when(text.str.contains("^[0-9]{8}$")).then(text)).to_series()
    return text.str.to_date(form, strict=False)


def _date(source: pl.Series, field: Field, zone: str) -> pl.Series:
    """Dates as they stand; of instants, the business date.

    A time of day in text, without an offset, is no date: an hour's row is not taken for its day's.
    """
    if source.dtype == pl.Date():
        return source
    if source.dtype == pl.String:
        source = source.str.replace(r"[ T]0?0:00(:00(\.0+)?)?$", "")  # as a workbook's dates come out, in whatever zone
        dates = _first_reading(source, [partial(_read_date, form=f) for f in DATE_FORMATS], pl.Date())
        if dates.null_count() == source.null_count():
            return dates
        told = _first_reading(source, [partial(_read_instant, form=f, zone=zone) for f in OFFSET_FORMATS], UTC_INSTANT)
        return pl.select(pl.coalesce(dates, business_dates(told))).to_series()
    return business_dates(_instant(source, field, zone))


def _money(source: pl.Series, _field: Field, _zone: str) -> pl.Series:
    yuan = pl.Decimal(18, 2)
    if source.dtype == pl.Float32:  # the shortest text of a float is what was written before it became one
        source = source.cast(pl.String)
    if source.dtype == pl.String:
        plain = source.str.replace(r"^([+-]?)\s*[¥￥]\s*", "$1").str.replace(r"\s*元$", "")
        exact = plain.str.contains(GROUPED) & plain.str.contains(r"^[^.]{1,20}(\.[0-9]{1,2}0*)?$")
        digits = plain.str.replace_all("[,，]", "")
        return pl.select(pl.when(exact).then(digits)).to_series().cast(yuan, strict=False)
    if source.dtype.is_float():  # what a float cannot hold exactly is noise below a hundredth of a fen
        fen = source * 100
        exact = source.is_finite() & (source.abs() < 1e13) & ((fen - fen.round()).abs() < 0.01)
        return pl.select(pl.when(exact).then(source.round(2))).to_series().cast(yuan, strict=False)
    if source.dtype == pl.Decimal:
        fits = source.cast(yuan, strict=False)
        return pl.select(pl.when(fits == source).then(fits)).to_series()
    return source.cast(yuan, strict=False) if source.dtype.is_integer() else _nothing(source, yuan)


def _integer(source: pl.Series, _field: Field, _zone: str) -> pl.Series:
    if source.dtype.is_integer():
        return source.cast(pl.Int64, strict=False)
    if source.dtype == pl.String or source.dtype.is_numeric():
        text = identifiers(source) if source.dtype.is_float() else source.cast(pl.String)
        whole = text.str.replace(r"\.0*$", "")
        plain = pl.when(whole.str.contains(GROUPED)).then(whole.str.replace_all("[,，]", ""))
        return pl.select(plain).to_series().cast(pl.Int64, strict=False)
    return _nothing(source, pl.Int64())


def _boolean(source: pl.Series, _field: Field, _zone: str) -> pl.Series:
    if source.dtype == pl.Boolean():
        return source
    words = as_text(source).str.to_lowercase().str.replace(r"\.0$", "")
    return pl.select(pl.when(words.is_in(YES)).then(True).when(words.is_in(NO)).then(False)).to_series()


def _list(source: pl.Series, _field: Field, _zone: str) -> pl.Series:
    """The items of each list, without empty ones and surrounding space."""
    items = as_text(source).str.split("|").list.eval(pl.element().str.strip_chars())
    return items.list.eval(pl.element().filter(pl.element() != ""))


def _first_reading(
    source: pl.Series, readings: list[Callable[[pl.Series], pl.Series]], dtype: pl.DataType
) -> pl.Series:
    """The first reading that succeeds, row by row; later ones are tried only on what is left.

    Two of them read no text as different values, so one that reads the first value goes first: mostly it reads all.
    """
    first = source.drop_nulls().head(1)
    likely = next((reading for reading in readings if reading(first).count()), None) if first.len() else None
    result = likely(source).cast(dtype) if likely else _nothing(source, dtype)
    for reading in readings:
        left = result.is_null() & source.is_not_null()
        if not left.any():
            break
        if reading is not likely:
            result = result.scatter(left.arg_true(), reading(source.filter(left)).cast(dtype))
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
