"""Last click, or the last view where nobody clicked."""

from __future__ import annotations

import polars as pl

from models.rules.marks import last_where


def last_click() -> pl.Expr:
    """All credit to the last click; to the last touch where the journey has no click.

    `w = 1` where `position = max(position of clicks)`, or `touches` if there is none. Conservation: one touch
    per journey has weight 1. Source: industry convention (click-through before view-through). Limits: seeding
    is mostly read and not clicked, so clicks that merely fetch the product outweigh the notes that convinced.
    Where no touch has a kind, this is last touch.

    >>> journey = {"kind": ["click", "click", "impression"],
    ...     "position": [1, 2, 3], "touches": [3, 3, 3]}
    >>> pl.DataFrame(journey).select(last_click()).to_series().to_list()
    [0.0, 1.0, 0.0]
    """
    return last_where(pl.col("kind") == "click")
