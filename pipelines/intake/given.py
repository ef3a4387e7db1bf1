"""What is known of a file beside its content: when it was exported, and whose it is."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE
from data_contracts.mapping import GIVEN
from pipelines.settings import own_brand

if TYPE_CHECKING:
    from pathlib import Path

    from data_contracts.mapping import Mapping

ZONE = ZoneInfo(BUSINESS_TIME_ZONE)
WITH_YEAR = r"(?<!\d)(20\d\d)[-_.年/]?(\d\d?)[-_.月/]?(\d\d?)(?!\d)"
# `report 9.8` and `report 9.11`: the greater date is the newer version, whatever the time of the file says.
WITHOUT_YEAR = r"(?<![\d.])(1[0-2]|0?[1-9])[.月](3[01]|[12]\d|0?[1-9])(?![\d.]\d)"


def with_given(frame: pl.DataFrame, path: Path, mapping: Mapping, /) -> pl.DataFrame:
    """The frame with a column `_given_<name>` (String) for each thing that the mapping takes from outside the file."""
    wanted = {c.given for columns in mapping.variants for c in columns.values() if c.given}
    known = {"exported_at": lambda: exported_at(path).isoformat(), "brand": own_brand}
    return frame.with_columns([pl.lit(known[name]()).alias(GIVEN + name) for name in sorted(wanted)])


def exported_at(path: Path, /) -> datetime:
    """When the file was exported: on the last date that its name states, else when it was last written.

    Of a day that the name states it is the instant of the last writing, when that lies within it, else its end.
    """
    written = datetime.fromtimestamp(path.stat().st_mtime, tz=ZONE)
    named = named_date(path.name, not_after=written.date())
    if named is None:
        return written
    begin = datetime.combine(named, time.min, tzinfo=ZONE)
    return min(begin + timedelta(days=1, microseconds=-1), max(written, begin))


def named_date(name: str, /, *, not_after: date) -> date | None:
    """The last date in a name, such as 20260902, 2026-09-02 or 9.2 (of the last such day up to `not_after`)."""
    stated = [_date(*map(int, parts)) for parts in re.findall(WITH_YEAR, name)]
    if not any(stated):
        short = [tuple(map(int, parts)) for parts in re.findall(WITHOUT_YEAR, name)]
        stated = [_last_such(*parts, not_after=not_after) for parts in short]
    return max((d for d in stated if d), default=None)


def _last_such(month: int, day: int, *, not_after: date) -> date | None:
    dates = (_date(year, month, day) for year in (not_after.year, not_after.year - 1))
    return next((d for d in dates if d and d <= not_after), None)


def version(path: Path, digest: str, mapping: Mapping, /) -> str:
    """What tells a file from those taken in before: its content and, where it dates the rows, the date in its name.

    The content of Monday that comes again on Wednesday, after another on Tuesday, is a newer version.
    """
    dated = any(c.given == "exported_at" for columns in mapping.variants for c in columns.values())
    return _dated(path, digest) if dated else digest


def versions(path: Path, digest: str, /) -> set[str]:
    """The versions as which mappings of either kind would enter the file."""
    return {digest, _dated(path, digest)}


def _dated(path: Path, digest: str) -> str:
    named = named_date(path.name, not_after=exported_at(path).date())
    return hashlib.sha256(f"{digest} {named}".encode()).hexdigest() if named else digest


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
