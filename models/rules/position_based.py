"""Position based (U-shaped)."""

from __future__ import annotations

import polars as pl


def position_based(*, first: float = 0.4, middle: float = 0.2, last: float = 0.4) -> pl.Expr:
    """Fixed parts to the first touch, to the last, and to those in the middle together: 40/20/40.

    `w = first`, `middle / (touches − 2)` each, `last`. Two touches share as `first : last` (50/50 by
    default), one touch gets all. Conservation: shares of a journey sum to 1. Source: industry convention
    (also U-shaped or bathtub). Limits: the parts are chosen, not learnt.

    Raises:
        ValueError: a part is negative, or `first + last` is 0 (two touches could not share).

    >>> journey = pl.DataFrame({"position": [1, 2, 3, 4], "touches": [4] * 4})
    >>> journey.select(position_based()).to_series().to_list()
    [0.4, 0.1, 0.1, 0.4]
    """
    if min(first, middle, last) < 0 or first + last == 0:
        raise ValueError(f"parts must be >= 0 and first + last > 0, got {first}, {middle}, {last}")
    position, touches = pl.col("position").cast(pl.Int64), pl.col("touches").cast(pl.Int64)
    return (
        pl.when(touches == 1)
        .then(1.0)
        .when(position == 1)
        .then(float(first))
        .when(position == touches)
        .then(float(last))
        .otherwise(middle / (touches - 2))
    )
