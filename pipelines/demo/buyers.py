"""Who buys in the demo world: members, businesses, how they pay, own packs of a channel, and who bears refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator

MEMBERS = {"tmall": 0.25, "jd": 0.30}  # of buyers; the in-app shop has no membership
BUSINESS = 0.006  # of orders
EXCLUSIVE_ON = "jd"  # whose fourth product of each category is a pack of its own
# How orders of a channel are paid: alipay, wechat_pay, platform_pay.
PAYMENTS = ("alipay", "wechat_pay", "platform_pay")
BORNE = {"in_app_shop": 0.15}  # of refunds: a guarantee of the platform pays them, not the shop
PAID_BY = {"tmall": (0.92, 0.08, 0.0), "jd": (0.0, 0.62, 0.38), "in_app_shop": (0.4, 0.35, 0.25)}


def with_buyers(orders: pl.DataFrame, rng: Generator, /) -> pl.DataFrame:
    """The order lines with `buyer_kind`, `is_member`, `is_exclusive` and `payment_channel`, alike in every version."""
    heads = orders.select("channel", "order_id").unique(maintain_order=True)
    draw = rng.random(heads.height)
    paid = pl.concat([_payments(rng, heads.filter(channel=channel), shares) for channel, shares in PAID_BY.items()])
    users = orders.select("user_id").drop_nulls().unique(maintain_order=True)
    chance = users.with_columns(_chance=pl.Series(rng.random(users.height)))
    member = pl.col("_chance") < pl.col("channel").replace_strict(MEMBERS, default=None, return_dtype=pl.Float64)
    return (
        orders.join(
            heads.with_columns(_draw=pl.Series(draw)), on=["channel", "order_id"], how="left", maintain_order="left"
        )
        .join(paid, on="order_id", how="left", maintain_order="left")
        .join(chance, on="user_id", how="left", maintain_order="left")
        .with_columns(
            buyer_kind=pl.when(pl.col("_draw") < BUSINESS).then(pl.lit("business")),
            is_member=member,
            is_exclusive=pl.col("product_id").str.ends_with("4") & (pl.col("channel") == EXCLUSIVE_ON),
        )
        .drop("_draw", "_chance")
    )


def with_bearers(refunds: pl.DataFrame, rng: Generator, /) -> pl.DataFrame:
    """The refunds with `borne_by`, where the channel's export says it."""
    share = pl.col("channel").replace_strict(BORNE, default=None, return_dtype=pl.Float64)
    by_platform = pl.Series(rng.random(refunds.height)) < share
    return refunds.with_columns(
        borne_by=pl.when(by_platform).then(pl.lit("platform")).when(~by_platform).then(pl.lit("brand"))
    )


def _payments(rng: Generator, heads: pl.DataFrame, shares: tuple[float, ...]) -> pl.DataFrame:
    paid_by = rng.choice(len(PAYMENTS), heads.height, p=shares)
    return heads.select("order_id", payment_channel=pl.Series(PAYMENTS).gather(paid_by))
