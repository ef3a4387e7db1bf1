"""Look-back windows: which one holds for a touch and a conversion, and which dates of payment touches can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like

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


def reached_dates(touched: Frame, sold: AnyFrame, notes: AnyFrame, windows: AnyFrame, /) -> Frame:
    """The dates of payment whose journeys can change when touches come, change or leave, and no others.

    That is each date on which the brand of a touched note sold something whose window, looking back from any instant
    of it, reaches an instant of the touch's date. A note that is unknown, or has no brand or lane, reaches nothing,
    as in `models.journeys.journeys`.

    Args:
        touched: `touch_date` Date, `note_id` String, `kind` String: of the touches that come, change or leave.
        sold: `paid_date` Date, `brand`, `category` String (null: of none).
        notes: `note_id`, `brand`, `lane`; several rows of a note count each, as before and after a change of it.
        windows: As for `models.journeys.journeys`.

    Returns:
        `paid_date` Date, distinct and ascending.

    >>> from datetime import date, timedelta
    >>> day = date(2026, 9, 1)
    >>> reached_dates(
    ...     pl.DataFrame({"touch_date": [day], "note_id": ["n"], "kind": ["click"]}),
    ...     pl.DataFrame({"paid_date": [day + timedelta(n) for n in range(5)], "brand": ["A"] * 5,
    ...         "category": [None, None, "food", None, "food"]}),
    ...     pl.DataFrame({"note_id": ["n"], "brand": ["A"], "lane": ["live"]}),
    ...     pl.DataFrame({"lane": ["live"] * 2, "kind": ["click"] * 2, "category": [None, "food"],
    ...         "window": [timedelta(hours=24), timedelta(hours=72)]}),
    ... )["paid_date"].dt.to_string().to_list()
    ['2026-09-01', '2026-09-02', '2026-09-03']
    """
    sold = sold.lazy()
    of_brand: list[str] = ["brand", "category"]
    spans = (
        touched.lazy()
        .join(notes.lazy().select("note_id", "brand", "lane"), on="note_id")
        .select("touch_date", "brand", "lane", "kind")
        .unique()
        .join(sold.select(of_brand).unique(), on="brand")
        .pipe(with_window, windows.lazy())
        .group_by("touch_date", *of_brand)
        .agg(days=(pl.col("window").max() / pl.duration(days=1)).ceil().cast(pl.Int64))
        .drop_nulls("days")
    )
    reach = spans.select(*of_brand, paid_date="touch_date", step=pl.int_ranges(0, pl.col("days") + 1)).explode("step")
    reach = reach.select(*of_brand, pl.col("paid_date") + pl.duration(days="step")).unique()
    dates = sold.join(reach, on=["paid_date", *of_brand], how="semi", nulls_equal=True).select("paid_date").unique()
    return like(dates.sort("paid_date"), touched)
