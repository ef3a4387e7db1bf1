"""Evidence of orders beside clicks and users in the demo world: promotion codes, and accounts of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, FIRST_DATE, wall_clock
from pipelines.demo.exports import exported
from pipelines.demo.orders import CLICK_MEMORY

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.population import Users
    from pipelines.demo.world import World

CARRIES_CODE = 0.6  # of orders after a click on a link that do not carry the click itself
UNREGISTERED = 0.1  # of the codes that orders carry
SECOND_ACCOUNT = 0.03  # users who buy on jd with another account
FIRST_CODE = 2_900_000_000


def feeds(world: World, orders: pl.DataFrame, rng: Generator, /) -> dict[str, pl.DataFrame]:
    """The order lines with their codes and accounts, and the registers of both, as `pipelines.demo.exports.feeds`."""
    codes, accounts = order_codes(rng, world), second_accounts(rng, world.users)
    other = dict(accounts.select("user_id", "linked_user_id").iter_rows())
    on_jd = pl.col("channel") == "jd"
    return {
        "shop_conversions": orders.join(codes, on="order_id", how="left", maintain_order="left").with_columns(
            user_id=pl.when(on_jd).then(pl.col("user_id").replace(other)).otherwise("user_id")
        ),
        "promotion_codes": exported(rng, promotion_codes(world).drop("note")),
        "identity_links": exported(rng, accounts),
    }


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
    """The codes that orders carry: `order_id`, `promo_code`, of the buyer's last click on a link to that channel."""
    heads = world.orders.filter(pl.col("click_id").is_null()).unique("order_id", maintain_order=True)
    clicks = world.clicks.select("user", "channel", "note", click_at="at").sort("click_at", "note")
    clicked = (
        heads.select("order_id", "user", "channel", "at")
        .sort("at", "order_id")
        .join_asof(
            clicks,
            left_on="at",
            right_on="click_at",
            by=["user", "channel"],
            tolerance=CLICK_MEMORY,
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .join(promotion_codes(world).select("note", "code"), on="note", maintain_order="left")
    )
    carried = pl.Series(rng.random(clicked.height) < CARRIES_CODE)
    unknown = pl.Series(rng.random(clicked.height) < UNREGISTERED)
    code = pl.when(unknown).then(pl.lit("1") + pl.col("code")).otherwise("code")
    return clicked.select("order_id", promo_code=code).filter(carried)


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
