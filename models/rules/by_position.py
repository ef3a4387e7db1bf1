"""A rule of one's own: weights by position."""

from __future__ import annotations

from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence


def by_position(*, weights: Sequence[float], from_end: bool = False) -> pl.Expr:
    """A custom rule: the touch at position i has weight `weights[i − 1]`; those beyond the list have the last one.

    Where no touch of a journey has weight, as in one touch under `(0, 1)`, all share equally. Conservation: shares of
    a journey sum to 1. Source: one's own. Limits: the weights are chosen, not learnt.

    Args:
        weights: One or more, none negative, at least one above 0.
        from_end: Count positions from the last touch: `weights[0]` is the last touch's.

    Raises:
        ValueError: there are no weights, one is negative or not finite, or all are 0.

    >>> journey = pl.DataFrame({"position": [1, 2, 3], "touches": [3] * 3})
    >>> journey.select(by_position(weights=(5, 1), from_end=True)).to_series().to_list()
    [1.0, 1.0, 5.0]
    """
    if not weights or not all(isfinite(weight) and weight >= 0 for weight in weights) or not any(weights):
        raise ValueError(f"weights must be >= 0, finite, and one above 0, got {list(weights)}")
    position, touches = pl.col("position").cast(pl.Int64), pl.col("touches").cast(pl.Int64)
    place = touches - position if from_end else position - 1
    weightless = sum(1 for total in accumulate(weights) if not total)
    listed = pl.lit(pl.Series(weights, dtype=pl.Float64)).gather(place.clip(upper_bound=len(weights) - 1))
    return pl.when(touches <= weightless).then(1.0).otherwise(listed)
