"""Other ways in which exports write dates and numbers, rewritten into those that every feed reads.

A mapping names the forms that its export uses: `46266` is a date in one file and a number in another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

DATES = ("DATE", "TIMESTAMPTZ")
NUMBERS = ("BIGINT", "DECIMAL(18,2)")
# Days of 2013-06-01 and 2073-01-01, and milliseconds of about the same span: outside of it a number is no date.
SERIALS = r"^(4[1-9]|5[0-9]|6[0-2])[0-9]{3}(\.[0-9]+)?$"
MILLISECONDS = r"^(1[3-9]|2[0-9]|3[0-2])[0-9]{11}$"
ON_THE_CLOCK = r"^(.*[0-9日])[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$"
TEN_THOUSANDS = r"^[+-]?[0-9]+(\.[0-9]+)?\s*[万wW]$"


def _of_serial(text: pl.Expr) -> pl.Expr:
    """The day and time that a spreadsheet counts in days from 1899-12-30, to the second."""
    seconds = (text.cast(pl.Float64, strict=False) * 86_400).round().cast(pl.Int64)
    moment = pl.lit("1899-12-30").str.to_datetime("%Y-%m-%d", time_unit="us") + pl.duration(seconds=seconds)
    whole = moment.dt.to_string("%Y-%m-%d %H:%M:%S").str.replace(" 00:00:00$", "")
    return pl.when(text.str.contains(SERIALS)).then(whole).otherwise(text)


def _of_milliseconds(text: pl.Expr) -> pl.Expr:
    """The instant of milliseconds since 1970, in UTC."""
    instant = pl.from_epoch(text.cast(pl.Int64, strict=False), time_unit="ms")
    whole = instant.dt.to_string("%Y-%m-%dT%H:%M:%S%.3f") + pl.lit("+00:00")
    return pl.when(text.str.contains(MILLISECONDS)).then(whole).otherwise(text)


def _of_time(text: pl.Expr) -> pl.Expr:
    """The day of a time without an offset, where a day is meant: of what began then, or was counted then."""
    return text.str.replace(ON_THE_CLOCK, "$1")


def _of_ten_thousands(text: pl.Expr) -> pl.Expr:
    """1.2万 and 1.2w as 12000.00, without going through a float; `10万+` is a bound and stays unreadable."""
    amount = text.str.replace(r"\s*[万wW]$", "").cast(pl.Decimal(30, 8), strict=False) * 10_000
    plain = amount.cast(pl.Decimal(30, 6)).cast(pl.String).str.replace(r"\.?0+$", "")
    return pl.when(text.str.contains(TEN_THOUSANDS)).then(plain).otherwise(text)


class Form(NamedTuple):
    """The types of columns that may be written in a form, and how it is rewritten."""

    types: tuple[str, ...]
    rewrite: Callable[[pl.Expr], pl.Expr]


FORMS: dict[str, Form] = {
    "excel_serial": Form(DATES, _of_serial),
    "epoch_ms": Form(DATES, _of_milliseconds),
    "time_of_day": Form(("DATE",), _of_time),
    "wan": Form(NUMBERS, _of_ten_thousands),
}


def rewritten(text: pl.Series, physical_type: str, forms: tuple[str, ...], /) -> pl.Series:
    """A text column (String) of the type with every value in one of the named forms rewritten; others stay."""
    wanted = [FORMS[name].rewrite for name in forms if physical_type in FORMS[name].types]
    if text.dtype != pl.String or not wanted:
        return text
    expression = pl.col(text.name)
    for rewrite in wanted:
        expression = rewrite(expression)
    return text.to_frame().select(expression.alias(text.name)).to_series()
