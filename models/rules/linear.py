"""Linear."""

from __future__ import annotations

import polars as pl


def linear() -> pl.Expr:
    """The same credit to every touch: `w = 1`.

    Conservation: weights of a journey sum to its number of touches, so each touch gets `1 / touches`. Source:
    industry convention. Limits: a note that is shown ten times outweighs one that is read once.

    >>> pl.DataFrame({"position": [1, 2]}).select(linear()).to_series().to_list()
    [1.0, 1.0]
    """
    return pl.col("position").is_not_null().cast(pl.Float64)
