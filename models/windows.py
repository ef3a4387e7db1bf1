"""Look-back windows: which one holds for a touch and a conversion, and which dates of payment touches can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like
from models.reach import with_reach

if TYPE_CHECKING:
    from models.frames import AnyFrame, Frame


def with_window(pairs: pl.LazyFrame, windows: pl.LazyFrame, /) -> pl.LazyFrame:
    """Pairs of touch and conversion (`lane`, `kind`, `category` of the conversion) with their `window`, Duration(us).

    A window of the category overrides that of all others; null where the lane and kind have none.
    """
    general = windows.filter(pl.col("category").is_null()).select("lane", "kind", general="window")
    own = windows.filter(pl.col("category").is_not_null()).select("lane", "kind", "category", "window")
    return (
        pairs.join(general, on=["lane", "kind"], how="left")
        .join(own, on=["lane", "kind", "category"], how="left")
        .with_columns(pl.coalesce("window", "general"))
        .drop("general")
    )


def reached_dates(touched: Frame, sold: AnyFrame, windows: AnyFrame, /, *, reach: AnyFrame | None = None) -> Frame:
    """The dates of payment whose journeys can change when touches come, change or leave, and no others.

    That is each date on which the brand of a touched note sold something, in a channel that the note's lane reaches,
    whose window reaches from an instant of that date back to an instant of the touch's. A note without brand or lane
    reaches nothing, as in `models.journeys.journeys`; what its scope leaves out counts here.

    Args:
        touched: Of the touches that come, change or leave: `touch_date` Date, `kind` String, and of their notes
            `brand`, `lane` String, with `reach` also `exchange`. A note that changes is given as it was and as it is.
        sold: `paid_date` Date, `brand`, `category` String (null: of none), and with `reach` also `channel` String.
        windows: As for `models.journeys.journeys`.
        reach: Likewise; None: every lane reaches every channel.

    Returns:
        `paid_date` Date, distinct and ascending.

    >>> from datetime import date, timedelta
    >>> day = date(2026, 9, 1)
    >>> reached_dates(
    ...     pl.DataFrame({"touch_date": [day], "kind": ["click"], "brand": ["A"], "lane": ["live"]}),
    ...     pl.DataFrame({"paid_date": [day + timedelta(n) for n in range(5)], "brand": ["A"] * 5,
    ...         "category": [None, None, "food", None, "food"]}),
    ...     pl.DataFrame({"lane": ["live"] * 2, "kind": ["click"] * 2, "category": [None, "food"],
    ...         "window": [timedelta(hours=24), timedelta(hours=72)]}),
    ... )["paid_date"].dt.to_string().to_list()
    ['2026-09-01', '2026-09-02', '2026-09-03']
    """
    sold, notes = with_reach(sold.lazy(), touched.lazy(), None if reach is None else reach.lazy())
    of_order: list[str] = ["brand", "category", "reached_by"]
    spans = (
        notes.select("touch_date", "kind", "brand", "lane", "reaches")
        .unique()
        .join(sold.select(of_order).unique(), on="brand")
        .filter((pl.col("reaches") & pl.col("reached_by")) != 0)
        .pipe(with_window, windows.lazy())
        .group_by("touch_date", *of_order)
        .agg(days=(pl.col("window").max() / pl.duration(days=1)).ceil().cast(pl.Int64))
        .drop_nulls("days")
    )
    reached = spans.select(*of_order, paid_date="touch_date", step=pl.int_ranges(0, pl.col("days") + 1))
    reached = reached.explode("step").select(*of_order, pl.col("paid_date") + pl.duration(days="step")).unique()
    dates = sold.join(reached, on=["paid_date", *of_order], how="semi", nulls_equal=True).select("paid_date").unique()
    return like(dates.sort("paid_date"), touched)
