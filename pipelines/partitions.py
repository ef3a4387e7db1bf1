"""Business dates as partitions."""

from __future__ import annotations

from datetime import date, timedelta
from textwrap import shorten
from typing import TYPE_CHECKING

import dagster as dg

from data_contracts.contract import BUSINESS_TIME_ZONE
from pipelines.settings import first_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ONE = "dagster/partition"
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
OUTDATED = "redcat/outdated"
LONGEST_NAMED = 200  # characters; the metadata of ops/affected name all
daily = dg.DailyPartitionsDefinition(start_date=first_date().isoformat(), timezone=BUSINESS_TIME_ZONE)


def business_dates(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last business date of the run, both included.

    A run that is tagged `OUTDATED` has none of its own (the last lies before the first): it makes again what is
    outdated, and no more.
    """
    keys = context.partition_key_range
    first, last = date.fromisoformat(keys.start), date.fromisoformat(keys.end)
    return (first, first - timedelta(days=1)) if OUTDATED in context.run.tags else (first, last)


def range_tags(first: date, last: date, /) -> dict[str, str]:
    """The tags of a run over business dates, both included."""
    return dict(zip(RANGE, map(str, (first, last)), strict=True))


def outdated_tags(dates: str, first: date, last: date, /) -> dict[str, str]:
    """The tags of a run over outdated dates, named in words; those from first to last are one stretch of them.

    Dagster enters every date of a run's range as made, so that the range holds no date that is not outdated. Those of
    other stretches are entered one by one, as they are made.
    """
    return range_tags(first, last) | {OUTDATED: shorten(dates, LONGEST_NAMED, placeholder=" …")}


def dates_of(tags: Mapping[str, str], /) -> str:
    """The dates that a run with these tags is there for, in words; empty where it names none."""
    return tags.get(OUTDATED) or " – ".join(dict.fromkeys(tags[name] for name in (ONE, *RANGE) if name in tags))


def days(first: date, last: date) -> Iterator[date]:
    """Every date from the first to the last, both included."""
    return (first + timedelta(n) for n in range((last - first).days + 1))


def stretches(dates: Iterable[date], /) -> list[tuple[date, date]]:
    """Sorted dates as stretches without a gap, each by its first and its last date."""
    found: list[tuple[date, date]] = []
    for day in dates:
        first = found.pop()[0] if found and found[-1][1] == day - timedelta(days=1) else day
        found.append((first, day))
    return found


def in_words(dates: Iterable[date], /) -> str:
    """Sorted dates as people write them: `2026-10-01, 2026-10-05 – 2026-10-07`."""
    return ", ".join(" – ".join(map(str, dict.fromkeys(ends))) for ends in stretches(dates))
