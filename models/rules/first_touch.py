"""First touch."""

from __future__ import annotations

import polars as pl


def first_touch() -> pl.Expr:
    """All credit to the first touch: `w = 1` where `position = 1`, else 0.

    Conservation: one touch per journey has weight 1. Source: industry convention. Limits: answers who began
    the journey, as far as the window reaches, and nothing else; a longer window moves the credit.

    >>> pl.DataFrame({"position": [1, 2, 3]}).select(first_touch()).to_series().to_list()
    [1.0, 0.0, 0.0]
    """
    return (pl.col("position") == 1).cast(pl.Float64)
