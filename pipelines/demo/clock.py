"""The demo world's time: 60 business days, counted in whole seconds from the first midnight in Shanghai."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

DAYS = 60
LAST_DATE = date(2026, 10, 30)
FIRST_DATE = LAST_DATE - timedelta(days=DAYS - 1)
START = datetime(FIRST_DATE.year, FIRST_DATE.month, FIRST_DATE.day)
DAY = 86_400
END = DAYS * DAY

# Weight of each hour from midnight: quiet nights, a small peak at noon, the large one at ten in the evening.
HOURS = np.array([6, 3, 2, 1, 1, 1, 2, 4, 6, 7, 8, 9, 11, 10, 8, 8, 8, 8, 9, 11, 14, 16, 16, 11], dtype=float)


def hour_of_day(rng: Generator, count: int, /) -> NDArray[np.int64]:
    """Draw `count` times of day in seconds after midnight."""
    return rng.choice(24, count, p=HOURS / HOURS.sum()) * 3_600 + rng.integers(0, 3_600, count)


def demand() -> NDArray[np.float64]:
    """Weight of each business day in the baseline: weekends, a quiet Golden Week, the run-up to 11-11."""
    days = [FIRST_DATE + timedelta(days=offset) for offset in range(DAYS)]
    weekend = np.array([1.2 if day.weekday() >= 5 else 1.0 for day in days])
    golden_week = np.array([0.85 if date(2026, 10, 1) <= day <= date(2026, 10, 7) else 1.0 for day in days])
    presale = np.array([1.35 if day >= date(2026, 10, 20) else 1.0 for day in days])
    return np.prod([weekend, golden_week, presale], axis=0)


def wall_clock(seconds: str, /) -> pl.Expr:
    """The column `seconds` as a naive instant on Shanghai's clock."""
    return pl.lit(START).cast(pl.Datetime("us")) + pl.duration(seconds=pl.col(seconds), time_unit="us")
