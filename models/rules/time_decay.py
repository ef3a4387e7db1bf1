"""Time decay."""

from __future__ import annotations

from datetime import timedelta
from math import log

import polars as pl

from models.rules.marks import END


def time_decay(*, half_life: timedelta = timedelta(days=7)) -> pl.Expr:
    """More credit the nearer to the payment: `w = 2^(−age / half_life)`, relative to the journey's newest
    touch.

    Taken relative to the newest touch the shares are the same, and that touch has weight 1 however old it is,
    so that nothing underflows to zero. Conservation: shares of a journey sum to 1. Source: industry
    convention; 7 days is the half-life that Google Analytics used. Limits: assumes that influence fades at
    one speed, for all categories and kinds of touch.

    Raises:
        ValueError: `half_life` is not above 0.

    >>> ages = {"age": [timedelta(days=17), timedelta(days=10)], "position": [1, 2], "touches": [2, 2]}
    >>> pl.DataFrame(ages).select(time_decay()).to_series().round(9).to_list()
    [0.5, 1.0]
    """
    if half_life <= timedelta(0):
        raise ValueError(f"half_life must be above 0, got {half_life}")
    age = pl.col("age").dt.total_microseconds()
    return ((age.gather(END) - age) * (log(2) / (half_life / timedelta(microseconds=1)))).exp()
