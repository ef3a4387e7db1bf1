"""Business dates as partitions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from data_contracts.contract import BUSINESS_TIME_ZONE
from pipelines.settings import first_date

if TYPE_CHECKING:
    from collections.abc import Iterator

ONLY_OUTDATED = "redcat/only_outdated"
daily = dg.DailyPartitionsDefinition(start_date=first_date().isoformat(), timezone=BUSINESS_TIME_ZONE)


def business_dates(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last business date of the run, both included.

    A run that is tagged `ONLY_OUTDATED` has none of its own (the last lies before the first): of the dates that it
    names, what is outdated is made again, and no more.
    """
    keys = context.partition_key_range
    first, last = date.fromisoformat(keys.start), date.fromisoformat(keys.end)
    return (first, first - timedelta(days=1)) if ONLY_OUTDATED in context.run.tags else (first, last)


def range_tags(first: date, last: date, /) -> dict[str, str]:
    """The tags of a run over business dates, both included."""
    return {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}


def days(first: date, last: date) -> Iterator[date]:
    """Every date from the first to the last, both included."""
    return (first + timedelta(n) for n in range((last - first).days + 1))
