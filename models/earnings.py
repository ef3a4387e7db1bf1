"""Earnings: each conversion's fen, divided between the notes that earned it and what no note earned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like
from models.money import exact_sum, split_fen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from models.frames import AnyFrame, Frame

#: What a line of earnings takes over from its conversion.
OF_ORDER = ("category", "channel", "currency", "paid_date", "margin", "fee_rate")

#: What a line of earnings takes over from its credit.
OF_CREDIT = ("note_id", "direct", "clicked", "within_days")

#: What stands in their place where no note earned.
NOBODY = tuple(
    pl.lit(None, kind).alias(name)
    for name, kind in zip(OF_CREDIT, (pl.String, pl.Boolean, pl.Boolean, pl.Int64), strict=True)
)

#: The money of a line: what a note earned, or what no note earned. `platform_refund_fen` is the part of the note's
#: refunds that the platform bears.
FEN = ("credited_fen", "credited_refund_fen", "platform_refund_fen", "unattributed_fen", "unattributed_refund_fen")

#: The finest grain that figures by level need.
GRAIN = ("model", *OF_CREDIT, "category", "channel", "currency", "margin", "fee_rate")

#: Decimals to which shares of orders are added up (exactly, see `models.money.exact_sum`).
ORDER_DECIMALS = 10


def earned(
    credits: Frame,  # noqa: A002
    conversions: AnyFrame,
    refunds: AnyFrame,
    /,
    *,
    models: Iterable[str],
    as_of: date,
) -> Frame:
    """Each conversion's fen, by model: what each note earned of it, or that no note did.

    Paid fen, refunded fen (cumulative up to `as_of`) and the part of these that the platform bears are split with
    the same shares (`models.money.split_fen`).
    Conservation: per model and conversion, credited + unattributed fen are exactly the paid fen, and likewise
    the refunds. The result adds up: that of several buckets of users is the `concat` of theirs.

    Args:
        credits: As `models.credits.credits` gives it. A null share means that the model does not credit the
            conversion, which is unattributed if all its shares are null.
        conversions: `conversion_id` String (unique), `paid_fen` Int64, `paid_date` Date, `category`,
            `channel`, `currency` String, `margin`, `fee_rate` Float64; those paid after `as_of` are left out.
        refunds: `conversion_id`, `refund_date` Date, `refund_fen` Int64, `borne_by` String (`brand`, `platform`;
            null is the brand); those after `as_of`, and those of conversions that are not there, are left out.
        models: Names of the share columns.
        as_of: Last business date that counts.

    Returns:
        One row per model, conversion and note, and one per model and conversion that no note earned:
        `model`, `conversion_id`, the columns `OF_CREDIT` (null where no note earned) and `OF_ORDER`,
        `orders` (Float64, the share; 0 where no note earned) and Int64 `credited_fen`, `credited_refund_fen`,
        `platform_refund_fen` (of the credited refunds), `unattributed_fen`, `unattributed_refund_fen`.

    Raises:
        polars.exceptions.ComputeError: `conversion_id` is not unique in `conversions`, or `split_fen`
            refuses.
    """
    orders = paid(conversions, refunds, as_of=as_of)
    lines = credits.lazy().join(orders, on="conversion_id", validate="m:1")
    parts = [part(lines, orders, model) for model in models for part in (_credited, _unattributed)]
    return like(pl.concat(parts), credits)


def rollup(earned: Frame, /) -> Frame:
    """`earned` added up to the grain (`GRAIN`) that `models.roi.returns` needs: as good as the whole, and
    small.

    Keeps the sums and the last `paid_date`. Rolling up twice changes nothing, so buckets of users may be
    rolled up one by one, concatenated, and handed on.
    """
    sums = (
        earned.lazy()
        .group_by(GRAIN)
        .agg(
            pl.col("paid_date").max(),
            exact_sum(pl.col("orders"), decimals=ORDER_DECIMALS),
            pl.col(FEN).sum(),
        )
        .sort(GRAIN)
    )
    return like(sums, earned)


def sold(conversions: Frame, refunds: AnyFrame, /, *, as_of: date) -> Frame:
    """What the shop sold up to `as_of`, and what it paid back of that, per currency: the totals, whatever earned them.

    Args:
        conversions: `conversion_id` (unique), `paid_fen`, `paid_date`, `currency`.
        refunds: As for `earned`.
        as_of: Last business date that counts.

    Returns:
        Sorted: `currency`, Int64 `total_fen`, `total_refund_fen`. Adds up over buckets of users.

    >>> from datetime import date
    >>> orders = pl.DataFrame({"conversion_id": ["a", "b"], "paid_fen": [500, 700], "paid_date": [date(2026, 9, 1)] * 2,
    ...     "currency": "CNY"})
    >>> back = pl.DataFrame({"conversion_id": ["a"], "refund_date": [date(2026, 9, 2)], "refund_fen": [200],
    ...     "borne_by": ["brand"]})
    >>> sold(orders, back, as_of=date(2026, 9, 9)).rows()
    [('CNY', 1200, 200)]
    """
    totals = (
        conversions.lazy()
        .filter(pl.col("paid_date") <= as_of)
        .join(_refunded(refunds, as_of), on="conversion_id", how="left")
        .group_by("currency")
        .agg(total_fen=pl.col("paid_fen").sum(), total_refund_fen=pl.col("refund_fen").sum())
        .sort("currency")
    )
    return like(totals, conversions)


def reconciliation(earned: Frame, sold: AnyFrame, /, *, models: Iterable[str]) -> Frame:
    """What the shop sold, and where every model put it, per model and currency.

    The totals come from the conversions, the rest from what was split: that credited + unattributed = total is for a
    check to find, not assumed.

    Args:
        earned: As `earned` or `rollup` gives it.
        sold: As `sold` gives it, or several of its frames, concatenated.
        models: Names of the models; each has every row, also where it credits nothing.

    Returns:
        Sorted: `model`, `currency`, Int64 `total_fen`, `credited_fen`, `unattributed_fen`,
        `total_refund_fen`, `credited_refund_fen`, `unattributed_refund_fen`.
    """
    totals = (
        sold.lazy()
        .group_by("currency")
        .sum()
        .join(pl.LazyFrame({"model": list(models)}, {"model": pl.String}), how="cross")
    )
    divided = earned.lazy().group_by("model", "currency").agg(pl.col(FEN).sum())
    columns = [f"{part}_{fen}" for fen in ("fen", "refund_fen") for part in ("total", "credited", "unattributed")]
    result = totals.join(divided, on=["model", "currency"], how="left").select("model", "currency", *columns)
    return like(result.sort("model", "currency"), earned)


def paid(conversions: AnyFrame, refunds: AnyFrame, /, *, as_of: date) -> pl.LazyFrame:
    """Conversions paid up to `as_of`, with `refund_fen`, what was paid back of them up to then, and of that
    `platform_refund_fen`, what the platform bears."""
    return (
        conversions.lazy()
        .filter(pl.col("paid_date") <= as_of)
        .select("conversion_id", "paid_fen", *OF_ORDER)
        .join(_refunded(refunds, as_of), on="conversion_id", how="left")
        .with_columns(pl.col("refund_fen", "platform_refund_fen").fill_null(0))
    )


def _refunded(refunds: AnyFrame, as_of: date) -> pl.LazyFrame:
    by_platform = pl.col("refund_fen").filter(pl.col("borne_by") == "platform")
    return (
        refunds.lazy()
        .filter(pl.col("refund_date") <= as_of)
        .group_by("conversion_id")
        .agg(pl.col("refund_fen").sum(), platform_refund_fen=by_platform.sum())
    )


def _credited(lines: pl.LazyFrame, _orders: pl.LazyFrame, model: str) -> pl.LazyFrame:
    """What `model` credits to notes."""
    lines = lines.filter(pl.col(model).is_not_null())
    return lines.select(
        pl.lit(model).alias("model"),
        "conversion_id",
        *OF_CREDIT,
        *OF_ORDER,
        pl.col(model).alias("orders"),
        credited_fen=split_fen("paid_fen", model, over="conversion_id", order="position"),
        credited_refund_fen=split_fen("refund_fen", model, over="conversion_id", order="position"),
        platform_refund_fen=split_fen("platform_refund_fen", model, over="conversion_id", order="position"),
        unattributed_fen=pl.lit(0, pl.Int64),
        unattributed_refund_fen=pl.lit(0, pl.Int64),
    )


def _unattributed(lines: pl.LazyFrame, orders: pl.LazyFrame, model: str) -> pl.LazyFrame:
    """The conversions that `model` credits to no note."""
    credited = lines.filter(pl.col(model).is_not_null())
    return orders.join(credited, on="conversion_id", how="anti").select(
        pl.lit(model).alias("model"),
        "conversion_id",
        *NOBODY,
        *OF_ORDER,
        orders=pl.lit(0.0),
        credited_fen=pl.lit(0, pl.Int64),
        credited_refund_fen=pl.lit(0, pl.Int64),
        platform_refund_fen=pl.lit(0, pl.Int64),
        unattributed_fen="paid_fen",
        unattributed_refund_fen="refund_fen",
    )
