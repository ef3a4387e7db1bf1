"""Evidence of orders beside clicks and users in the demo world: promotion codes, and accounts of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, FIRST_DATE, wall_clock
from pipelines.demo.exports import export_instant, exported
from pipelines.demo.orders import after_clicks

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.population import Users
    from pipelines.demo.world import World

CARRIES_CODE = 0.6  # of orders after a click on a link that do not carry the click itself
ORGANIC = 0.4  # of the exposures for which the platform did not pay
RECEIVED = 0.06  # of order lines of which the shop tells the receipt
RECEIVED_AFTER = 9  # days
UNREGISTERED = 0.1  # of the codes that orders carry
SECOND_ACCOUNT = 0.03  # users who buy on jd with another account
FIRST_CODE = 2_900_000_000


def feeds(world: World, made: dict[str, pl.DataFrame], rng: Generator, /) -> dict[str, pl.DataFrame]:
    """What the feeds made so far gain, and the feeds that are new, as `pipelines.demo.exports.feeds`.

    Exposures that nobody paid are told apart; order lines have their codes, their accounts and, some of them, a newer
    version with a later status; what the alliance tells of orders on tmall stands in a feed of its own.
    """
    accounts = second_accounts(rng, world.users)
    other = dict(accounts.select("user_id", "linked_user_id").iter_rows())
    codes = order_codes(rng, world)
    on_jd, seen = pl.col("channel") == "jd", made["note_impressions"]
    orders = made["shop_conversions"].join(codes, on="order_id", how="left", maintain_order="left")
    told = orders.filter((pl.col("channel") == "tmall") & pl.col("promo_code").is_not_null() & (pl.col("_trace") == ""))
    lines = orders.with_columns(
        user_id=pl.when(on_jd).then(pl.col("user_id").replace(other)).otherwise("user_id"),
        promo_code=pl.when(on_jd).then("promo_code"),
    ).drop("clicked_at")
    organic = pl.Series(rng.random(seen.height) < ORGANIC) & (seen["payer"] == "brand")
    return {
        "note_impressions": seen.with_columns(payer=pl.when(organic).then(pl.lit("nobody")).otherwise("payer")),
        "shop_conversions": _received(rng, lines),
        "promotion_codes": exported(rng, promotion_codes(world).drop("note")),
        "promotion_orders": told.select(
            "channel", "order_id", "line_no", "clicked_at", "paid_at", "paid_amount", "currency", "quantity",
            "product_id", "exported_at", "_day", "_trace", relation_id="promo_code", ordered_at="paid_at",
            status=pl.lit("paid"), is_commissionable=pl.lit(value=True),
        ),
        "identity_links": exported(rng, accounts),
    }  # fmt: skip


def _received(rng: Generator, lines: pl.DataFrame) -> pl.DataFrame:
    """The order lines, and of some a newer version that says that the buyer has received them."""
    newest = lines.sort("_day", maintain_order=True).unique(
        ["channel", "order_id", "line_no"], keep="last", maintain_order=True
    )
    received = newest.filter(pl.Series(rng.random(newest.height) < RECEIVED)).with_columns(
        pl.col("_day") + RECEIVED_AFTER, status=pl.lit("received"), _trace=pl.lit("restated")
    )
    first = lines.with_columns(status=pl.lit("paid"))
    return pl.concat([first, received.with_columns(exported_at=export_instant()).select(first.columns)])


def promotion_codes(world: World, /) -> pl.DataFrame:
    """The register of codes: one for the link of each note that leads to Tmall or JD, from its publication on.

    Returns:
        `note` (position), `note_id`, `code_kind`, `code`, `valid_from`, `valid_to`, `at` (seconds).
    """
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    to_jd = pl.col("exchange") == "red_jd"
    return (
        world.notes.with_columns(note=number)
        .filter(pl.col("lane") == "exchange_link")
        .select(
            "note",
            "note_id",
            code_kind=pl.when(to_jd).then(pl.lit("sub_union_id")).otherwise(pl.lit("relation_id")),
            code=pl.when(to_jd).then(pl.format("note{}", "note")).otherwise((FIRST_CODE + number * 17).cast(pl.String)),
            valid_from=pl.lit(FIRST_DATE) + pl.duration(days=pl.col("published") // DAY),
            valid_to=pl.lit(None, pl.Date),
            at="published",
        )
    )


def order_codes(rng: Generator, world: World, /) -> pl.DataFrame:
    """The codes that orders carry: `order_id`, `promo_code`, `clicked_at`, of the buyer's last click on a link."""
    heads = world.orders.filter(pl.col("click_id").is_null()).unique("order_id", maintain_order=True)
    clicks = world.clicks.select("user", "channel", "note", click_at="at").sort("click_at", "note")
    ordered = heads.select("order_id", "user", "channel", "at").sort("at", "order_id")
    codes = promotion_codes(world).select("note", "code")
    clicked = after_clicks(ordered, clicks).join(codes, on="note", maintain_order="left")
    carried = pl.Series(rng.random(clicked.height) < CARRIES_CODE)
    unknown = pl.Series(rng.random(clicked.height) < UNREGISTERED)
    code = pl.when(unknown).then(pl.lit("1") + pl.col("code")).otherwise("code")
    return clicked.select("order_id", promo_code=code, clicked_at=wall_clock("click_at")).filter(carried)


def second_accounts(rng: Generator, users: Users, /) -> pl.DataFrame:
    """Accounts with which some users buy on jd: `user_id`, `linked_user_id`, `linked_at` (on the first day)."""
    chosen = np.flatnonzero(rng.random(len(users.ids)) < SECOND_ACCOUNT)
    ids = users.ids.gather(chosen)
    return pl.DataFrame({"user_id": ids, "at": rng.integers(0, DAY, len(chosen))}).select(
        "user_id",
        "at",
        linked_user_id=pl.lit("u8") + pl.col("user_id").str.slice(1),
        linked_at=wall_clock("at"),
    )
