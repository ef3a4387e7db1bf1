"""Instants and business dates are what the zone's clocks say, whether one offset holds for all of them or not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.contract import BUSINESS_TIME_ZONE
from data_contracts.instants import business_dates, instants

CLOCKS = st.lists(st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), max_size=4)
NEAR = st.lists(st.datetimes(datetime(2026, 3, 27), datetime(2026, 3, 31)), max_size=4)


@given(st.one_of(CLOCKS, NEAR), st.sampled_from([BUSINESS_TIME_ZONE, "UTC", "Europe/Berlin", "America/New_York"]))
def test_instants_are_those_of_the_zone_whatever_else_stands_in_the_column(
    clocks: list[datetime | None], zone: str
) -> None:
    series = pl.Series(clocks, dtype=pl.Datetime("us"))
    general = series.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    assert instants(series, zone).to_list() == general.to_list()


@given(st.one_of(CLOCKS, NEAR))
def test_business_dates_are_those_of_shanghai(clocks: list[datetime | None]) -> None:
    series = pl.Series([c and c.replace(tzinfo=UTC) for c in clocks], dtype=pl.Datetime("us", "UTC"))
    general = series.dt.convert_time_zone(BUSINESS_TIME_ZONE).dt.date()
    assert business_dates(series).to_list() == general.to_list()


@pytest.mark.parametrize(
    ("clock", "found"),
    {
        datetime(2026, 3, 29, 1, 59, 59): datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30): None,  # which the clocks skip
        datetime(2026, 3, 29, 3): datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30): datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # the first of two
    }.items(),
)
def test_where_clocks_change_each_time_is_read_by_itself(clock: datetime, found: datetime | None) -> None:
    assert instants(pl.Series([clock]), "Europe/Berlin").to_list() == [found]


def test_days_begin_at_midnight_in_shanghai() -> None:
    midnight = datetime(2026, 9, 1, tzinfo=ZoneInfo(BUSINESS_TIME_ZONE)).astimezone(UTC)
    times = pl.Series([midnight - timedelta(microseconds=1), midnight, None])
    assert business_dates(times).to_list() == [date(2026, 8, 31), date(2026, 9, 1), None]
