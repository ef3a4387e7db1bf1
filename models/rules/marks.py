"""Where the last touch of some kind stands, without a window function: rows of a journey stand together, in order."""

from __future__ import annotations

import polars as pl

_ROW = pl.int_range(pl.len(), dtype=pl.UInt32)
#: The row in which the journey of a touch ends.
END = _ROW + pl.col("touches").cast(pl.UInt32) - pl.col("position").cast(pl.UInt32)


def last_where(condition: pl.Expr, /) -> pl.Expr:
    """1.0 at the last touch of a journey for which `condition` holds, or at its last touch if it holds for none.

    >>> journey = pl.DataFrame({"of": ["a", "b", "b", "c"], "position": [1, 2, 3, 1], "touches": [3, 3, 3, 1]})
    >>> journey.select(last_where(pl.col("of") == "a")).to_series().to_list()
    [1.0, 0.0, 0.0, 1.0]
    """
    # Counted from 1, so that 0 is a row before all others.
    row = _ROW + 1
    latest = pl.when(condition).then(row).otherwise(0).cum_max().gather(END)
    none = latest <= row - pl.col("position").cast(pl.UInt32)
    return ((latest == row) | (none & (END == _ROW))).cast(pl.Float64)
