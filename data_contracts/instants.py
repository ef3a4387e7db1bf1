"""Instants, the wall clocks that show them, and the business dates on which they lie."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE

DAY = 86_400_000_000  # microseconds
MOST_DAYS = 20_000  # over which it is looked whether a zone changes its clocks
UTC_INSTANT = pl.Datetime("us", "UTC")


def instants(clock: pl.Series, zone: str, /) -> pl.Series:
    """Instants (Datetime UTC) of what the zone's wall clocks showed (Datetime without a zone).

    Of a time that a clock change repeats it is the earlier one; of one that it skips there is none.
    """
    clock = clock.cast(pl.Datetime("us"))
    ahead = _ahead(clock, zone)
    if ahead is not None:
        return (clock.to_physical() - ahead).cast(UTC_INSTANT)
    return clock.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")


def business_dates(instants: pl.Series, /) -> pl.Series:
    """The business dates (Date) of instants (Datetime UTC); dates are their own."""
    if instants.dtype == pl.Date():
        return instants
    ahead = _ahead(instants, BUSINESS_TIME_ZONE)
    if ahead is not None:
        return (instants.to_physical() + ahead).cast(pl.Datetime("us")).dt.date()
    return instants.dt.convert_time_zone(BUSINESS_TIME_ZONE).dt.date()


def _ahead(times: pl.Series, zone: str) -> int | None:
    """By how many microseconds the zone's clocks are ahead of UTC at all these times; None where that changes.

    It is seen quickly, and time is then moved by one number, where else the zone is asked about every instant.
    """
    first, last = times.to_physical().min(), times.to_physical().max()
    if first is None or last is None:
        return 0
    return _ahead_between(int(first) // DAY - 1, int(last) // DAY + 2, zone)  # type: ignore[arg-type]


@lru_cache(maxsize=1_000)
def _ahead_between(first: int, last: int, zone: str) -> int | None:
    """The same from one day (since 1970) to another: no zone changes its clocks and back within a day."""
    if last - first > MOST_DAYS:
        return None
    days = (pl.int_range(first, last + 1, eager=True) * DAY).cast(UTC_INSTANT)
    shown = days.dt.convert_time_zone(zone).dt.replace_time_zone(None).to_physical()
    found = (shown - days.to_physical()).unique()
    return found.item() if found.len() == 1 else None
