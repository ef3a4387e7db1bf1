"""Last touch that was not organic."""

from __future__ import annotations

import polars as pl

from models.rules.marks import last_where


def last_non_organic() -> pl.Expr:
    """All credit to the last touch that is not organic; to the last touch where all are.

    `w = 1` where `position = max(position of touches that are not organic)`, or `touches` if there is none. What
    last non-direct is to web traffic: a touch that brand or platform paid for goes before one that merely happened.
    `organic` (Boolean): nobody paid for the touch. Null, not known, counts as not organic, so that no note loses a
    conversion to what a feed leaves out; where all touches are such this is last touch, as it is where a frame lacks
    the column (`models.totals.rule_totals`). Conservation: one touch per journey has weight 1. Source: industry
    convention (last non-direct click of Google Analytics). Limits: a paid touch long ago beats everything that came
    after it by itself.

    >>> journey = {"organic": [False, False, True], "position": [1, 2, 3], "touches": [3, 3, 3]}
    >>> pl.DataFrame(journey).select(last_non_organic()).to_series().to_list()
    [0.0, 1.0, 0.0]
    """
    return last_where(~pl.col("organic").fill_null(value=False))
