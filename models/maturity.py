"""Maturity: whether a figure can still change, because windows or refunds are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import date

DAY_US = 86_400_000_000


def closes(credit: pl.LazyFrame, spend: pl.LazyFrame, notes: pl.LazyFrame, windows: pl.LazyFrame, /) -> pl.LazyFrame:
    """The date on which the windows of each note close: `note_id`, `closes` Date.

    A note is last active on the day of its last brand spend, or where it has none on the day of its last
    credited order. Its windows close after the longest window of its lane, in whole days: the default's or
    that of its own category. A note that is unknown, or whose lane has no window, takes the longest of all.

    Args:
        credit: `note_id`, `paid_date` of credited orders.
        spend: `note_id`, `spend_date`, `payer`.
        notes: `note_id`, `lane`, `category`.
        windows: `lane`, `category`, `window`.
    """
    spent = spend.filter(pl.col("payer") == "brand").select("note_id", spent="spend_date")
    active = (
        pl.concat([spent, credit.select("note_id", credited="paid_date")], how="diagonal")
        .group_by("note_id")
        .agg(active=pl.coalesce(pl.col("spent").max(), pl.col("credited").max()))
    )
    span = (
        notes.join(windows.select("lane", "window", of="category"), on="lane")
        .filter(pl.col("of").is_null() | (pl.col("of") == pl.col("category")))
        .group_by("note_id")
        .agg(pl.col("window").max())
    )
    days = (pl.coalesce("window", "longest").dt.total_microseconds() / DAY_US).ceil().fill_null(0)
    return (
        active.join(span, on="note_id", how="left")
        .join(windows.select(longest=pl.col("window").max()), how="cross")
        .select("note_id", closes=pl.col("active").dt.offset_by(pl.format("{}d", days.cast(pl.Int64))))
    )


def maturity(closes: pl.Expr, /, *, as_of: date, refund_days: int) -> pl.Expr:
    """`maturing` before `closes` (and where it is null), `settling` for `refund_days` from it, then `mature`.

    >>> from datetime import date
    >>> figures = pl.DataFrame({"closes": [date(2026, 9, 9), date(2026, 9, 10), date(2026, 8, 26), None]})
    >>> rule = maturity(pl.col("closes"), as_of=date(2026, 9, 10), refund_days=15)
    >>> figures.select(rule).to_series().to_list()
    ['settling', 'settling', 'mature', 'maturing']
    """
    return (
        pl.when(closes.dt.offset_by(f"{refund_days}d") <= as_of)
        .then(pl.lit("mature"))
        .when(closes <= as_of)
        .then(pl.lit("settling"))
        .otherwise(pl.lit("maturing"))
    )
