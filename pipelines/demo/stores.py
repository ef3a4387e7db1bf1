"""Store orders of the demo world: members show their account at the till, so local notes are credited one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, DAYS, END, demand, hour_of_day
from pipelines.demo.exports import exported, order_lines
from pipelines.demo.notes import LANES, product_id
from pipelines.demo.population import BRAND, CATALOGUE, PRODUCT_PRICE, PRODUCTS_PER_CATEGORY, draw_users

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.world import World

BASELINE_PER_USER = 0.08
CAUSED_PER_USER = 0.006  # spread over readers of local notes by how well each note sells
DELAY = LANES.filter(lane="local")["delay_days"].item()
PREFIX = 600_000_000_000


def opened(world: World, rng: Generator, /) -> World:
    """The world with its store orders, in the form of all others: baseline, and those that local notes cause."""
    lines = pl.concat([_baseline(rng, world), _caused(rng, world)], how="diagonal_relaxed").sort("at", "user")
    price = CATALOGUE["price"].gather(lines["category_at"]) * 100 * pl.Series(PRODUCT_PRICE).gather(lines["product"])
    coupon = pl.Series(rng.integers(0, 500, lines.height))
    finished = lines.with_columns(
        channel=pl.lit("store"),
        order_id=pl.lit("S") + (PREFIX + pl.int_range(pl.len(), dtype=pl.Int64) * 1_009 + 17).cast(pl.String),
        line_no=pl.lit("1"),
        brand=pl.lit(BRAND),
        category=CATALOGUE["category"].gather(lines["category_at"]),
        product_id=product_id(lines["category_at"], lines["product"]),
        quantity=pl.lit(1, pl.Int64),
        paid=price.round().cast(pl.Int64) - coupon,
        guest=pl.lit(value=False),
        is_new_customer=pl.Series(rng.random(lines.height) < 0.3),
    )
    return replace(world, orders=pl.concat([world.orders, finished], how="diagonal_relaxed"))


def sold(world: World, rng: Generator, /) -> pl.DataFrame:
    """The store's lines of `shop_conversions`, as `pipelines.demo.exports.feeds`."""
    lines = order_lines(world, world.orders.filter(channel="store"))
    return exported(rng, lines.with_columns(status=pl.lit("paid")))


def _baseline(rng: Generator, world: World) -> pl.DataFrame:
    users = world.users
    count = rng.poisson(BASELINE_PER_USER * len(users.ids))
    share, days = CATALOGUE["popularity"].to_numpy(), demand()
    category = rng.choice(CATALOGUE.height, count, p=share / share.sum())
    return pl.DataFrame(
        {
            "user": draw_users(rng, users.affinity * (0.8 + 0.2 * users.activity[:, None]), category),
            "category_at": category,
            "at": rng.choice(DAYS, count, p=days / days.sum()) * DAY + hour_of_day(rng, count),
            "product": rng.integers(0, PRODUCTS_PER_CATEGORY, count),
            "caused": np.zeros(count, dtype=bool),
        }
    )


def _caused(rng: Generator, world: World) -> pl.DataFrame:
    """Visits after reading a local note that sells, a few days later; none after the last day."""
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    notes = world.notes.select("category_at", "lead_product", "lane", "effect", note=number).filter(lane="local")
    read = world.exposures.select("note", "user", "repeat", exposed="at").join(notes, on="note")
    sells = (read["effect"] / read["repeat"]).to_numpy()
    chance = sells / max(sells.sum(), 1e-12) * len(world.users.ids) * CAUSED_PER_USER
    came = read.filter(pl.Series(rng.random(read.height) < chance))
    any_product = pl.Series(rng.integers(0, PRODUCTS_PER_CATEGORY, came.height))
    wait = pl.Series((3_600 + rng.exponential(DELAY * DAY, came.height)).astype(np.int64))
    return came.select(
        *("user", "note", "category_at", "exposed"),
        at=pl.col("exposed") + wait,
        product=pl.col("lead_product").fill_null(any_product),
        caused=pl.lit(value=True),
    ).filter(pl.col("at") < END)
