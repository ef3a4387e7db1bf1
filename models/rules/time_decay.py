"""Time decay."""

from __future__ import annotations

from datetime import timedelta

import polars as pl


def time_decay(*, half_life: timedelta = timedelta(days=7)) -> pl.Expr:
    """More credit the nearer to the payment: `w = 2^(−age / half_life)`, relative to the journey's newest
    touch.

    Taken relative to the newest touch the shares are the same, and that touch has weight 1 however old it is,
    so that nothing underflows to zero. Conservation: shares of a journey sum to 1. Source: industry
    convention; 7 days is the half-life that Google Analytics used. Limits: assumes that influence fades at
    one speed, for all categories and kinds of touch.

    Raises:
        ValueError: `half_life` is not above 0.

    >>> ages = pl.DataFrame({"conversion_id": ["a", "a"], "age": [timedelta(days=17), timedelta(days=10)]})
    >>> ages.select(time_decay()).to_series().to_list()
    [0.5, 1.0]
    """
    if half_life <= timedelta(0):
        raise ValueError(f"half_life must be above 0, got {half_life}")
    since_newest = pl.col("age") - pl.col("age").min().over("conversion_id")
    return pl.lit(2.0).pow(-since_newest.dt.total_microseconds() / (half_life / timedelta(microseconds=1)))
