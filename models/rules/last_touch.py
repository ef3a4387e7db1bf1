"""Last touch."""

from __future__ import annotations

import polars as pl


def last_touch() -> pl.Expr:
    """All credit to the last touch before the payment: `w = 1` where `position = touches`, else 0.

    Conservation: one touch per journey has weight 1. Source: industry convention, the default of most ad
    platforms. Limits: rewards whoever stands nearest to the till, whether or not it caused the purchase.

    >>> pl.DataFrame({"position": [1, 2], "touches": [2, 2]}).select(last_touch()).to_series().to_list()
    [0.0, 1.0]
    """
    return (pl.col("position") == pl.col("touches")).cast(pl.Float64)
