"""Business dates as partitions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from data_contracts.contract import BUSINESS_TIME_ZONE
from pipelines.settings import first_date

if TYPE_CHECKING:
    from collections.abc import Iterator

daily = dg.DailyPartitionsDefinition(start_date=first_date().isoformat(), timezone=BUSINESS_TIME_ZONE)


def business_dates(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last business date of the run, both included."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)


def days(first: date, last: date) -> Iterator[date]:
    """Every date from the first to the last, both included."""
    return (first + timedelta(n) for n in range((last - first).days + 1))
