"""What notes are credited with, in the shape of an exchange's claims, so that the two can stand side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.earnings import ORDER_DECIMALS
from models.frames import like
from models.money import exact_sum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.frames import AnyFrame, Frame

#: What a row of `credited_within` is of.
KEY = ("model", "note_id", "channel", "currency", "paid_date", "cycle")


def credited_within(earned: Frame, ages: AnyFrame, /, *, cycles: Iterable[int]) -> Frame:
    """What each note is credited with by day of payment, of orders whose last touch of the note is young enough.

    An exchange that claims for a cycle of n days looks back n days from the order. So of what a model credits,
    only that counts whose last touch of the note lies at most n days before the payment. Shares stay those of
    the whole journey: nothing is credited anew, and what the cycle leaves out is nobody's here. Rows of
    different cycles overlap and are never added.

    Args:
        earned: As `models.earnings.earned` gives it.
        ages: `conversion_id`, `note_id` (unique together), `age` Duration(us): from the last touch to the payment.
        cycles: Days, such as 15 and 30.

    Returns:
        Sorted, the columns `KEY` (`cycle` Int64), then `orders` Float64 and `credited_fen` Int64.
    """
    spans = pl.LazyFrame({"cycle": list(cycles)}, {"cycle": pl.Int64})
    young = pl.col("age") <= pl.duration(days=pl.col("cycle"))
    sums = (
        earned.lazy()
        .filter(pl.col("note_id").is_not_null())
        .join(ages.lazy(), on=["conversion_id", "note_id"])
        .join(spans, how="cross")
        .filter(young)
        .group_by(KEY)
        .agg(exact_sum(pl.col("orders"), decimals=ORDER_DECIMALS), pl.col("credited_fen").sum())
        .sort(KEY)
    )
    return like(sums, earned)
