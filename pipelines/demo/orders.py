"""What users buy in the demo world: baseline orders, orders that notes cause, refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, DAYS, END, demand, hour_of_day
from pipelines.demo.notes import LANES, product_id
from pipelines.demo.population import (
    BRAND,
    CATALOGUE,
    CHANNELS,
    PRODUCT_PRICE,
    PRODUCTS_PER_CATEGORY,
    draw_users,
)
from pipelines.demo.touches import link_channel

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.population import Users

BASELINE_ORDERS_PER_USER = 0.40
CAUSED_ORDERS_PER_USER = 0.20
# What an exposure is worth by what the user did next.
VIEWED, ENGAGED, CLICKED = 1.0, 2.0, 6.0
LOYALTY_TO_LINK = 0.85  # caused orders that are placed where the note's link leads, else where by habit
PROMOTED_SHARE = 0.75  # caused orders of a product that the note promotes, else another of its category
SECOND_LINE = 0.12
CLICK_MEMORY = 7 * DAY  # a shop remembers for this long with which click a buyer came …
CARRIES_CLICK = 0.8  # … and writes it on this share of the orders
GUESTS = 0.10  # orders on tmall and jd that the export gives without user
ORDER_PREFIX = {
    "tmall": 4_100_000_000_000_000_000,
    "jd": 300_000_000_000,
    "in_app_shop": 700_000_000_000_000_000,
}


def effects(
    users: Users,
    notes: pl.DataFrame,
    exposures: pl.DataFrame,
    engagements: pl.DataFrame,
    clicks: pl.DataFrame,
    /,
) -> pl.Series:
    """Orders that each exposure is expected to cause, before scaling.

    effect of the note × response of the user × taste of the user (capped) × what the user did next, divided
    by the number of times that the user has seen the note by then.
    """
    note, user = exposures["note"].to_numpy(), exposures["user"].to_numpy()
    did = np.full(exposures.height, VIEWED)
    did[engagements["exposure"].to_numpy()] = ENGAGED
    did[clicks["exposure"].to_numpy()] = CLICKED
    taste = np.minimum(users.affinity[user, notes["category_at"].to_numpy()[note]], 4.0)
    effect = notes["effect"].to_numpy()[note]
    return pl.Series(effect * users.response[user] * taste * did / exposures["repeat"].to_numpy())


def orders(
    rng: Generator,
    users: Users,
    notes: pl.DataFrame,
    exposures: pl.DataFrame,
    clicks: pl.DataFrame,
    expected: pl.Series,
    /,
) -> pl.DataFrame:
    """Draw the order lines of the world, sorted by instant.

    Returns:
        `channel`, `order_id`, `line_no`, `user` (position), `guest`, `at` (seconds), `category_at`,
        `category`, `product_id`, `quantity`, `paid` (fen), `click_id`, `is_new_customer`, and the truth:
        `caused`, `note` and `exposed` (position of the note and instant of the exposure that caused it).
    """
    heads = pl.concat(
        [_baseline(rng, users), _caused(rng, users, notes, exposures, clicks, expected)],
        how="diagonal_relaxed",
    ).sort("at", "user", "category_at")
    heads = _numbered(_remembered(rng, heads, clicks))
    first = pl.col("at") == pl.col("at").min().over("user", "channel")
    heads = heads.with_columns(
        is_new_customer=first & pl.Series(rng.random(heads.height) < 0.6),
        guest=(pl.col("channel") != "in_app_shop") & pl.Series(rng.random(heads.height) < GUESTS),
    )
    return _lines(rng, heads)


def _baseline(rng: Generator, users: Users) -> pl.DataFrame:
    """Orders that happen anyway: a constant hazard per user and category, shaped by the calendar."""
    count = rng.poisson(BASELINE_ORDERS_PER_USER * len(users.ids))
    share, days = CATALOGUE["popularity"].to_numpy(), demand()
    category = rng.choice(CATALOGUE.height, count, p=share / share.sum())
    user = draw_users(rng, users.affinity * (0.8 + 0.2 * users.activity[:, None]), category)
    day = rng.choice(DAYS, count, p=days / days.sum())
    return pl.DataFrame(
        {
            "user": user,
            "category_at": category,
            "at": day * DAY + hour_of_day(rng, count),
            "channel": pl.Series(CHANNELS).gather(users.channel[user]),
            "product": rng.integers(0, PRODUCTS_PER_CATEGORY, count),
            "caused": np.zeros(count, dtype=bool),
        }
    )


def _caused(
    rng: Generator,
    users: Users,
    notes: pl.DataFrame,
    exposures: pl.DataFrame,
    clicks: pl.DataFrame,
    expected: pl.Series,
) -> pl.DataFrame:
    """Orders that exposures cause: Poisson in number, exponential in delay, none after the last day."""
    times = rng.poisson(expected.to_numpy())
    cause = exposures[np.repeat(np.arange(exposures.height), times)].join(
        clicks.select("exposure", clicked="at"), on="exposure", how="left", maintain_order="left"
    )
    count, note = cause.height, cause["note"].to_numpy()
    user, category = cause["user"].to_numpy(), notes["category_at"].to_numpy()[note]
    lane = notes["lane_at"].to_numpy()[note]
    live = notes["lane"].to_numpy()[note] == "live"
    days = LANES["delay_days"].to_numpy()[lane] * np.where(live, 1.0, CATALOGUE["cycle"].to_numpy()[category])
    by_habit = pl.Series(CHANNELS).gather(users.channel[user])
    by_link = link_channel(notes).gather(note)
    promoted = pl.Series(rng.random(count) < PROMOTED_SHARE)
    any_product = pl.Series(rng.integers(0, PRODUCTS_PER_CATEGORY, count))
    return cause.select(
        "user",
        "note",
        pl.Series("category_at", category),
        at=pl.max_horizontal("at", "clicked") + pl.Series((60 + rng.exponential(days * DAY)).astype(np.int64)),
        channel=by_link.zip_with(pl.Series(rng.random(count) < LOYALTY_TO_LINK), by_habit).fill_null(by_habit),
        product=notes["lead_product"].gather(note).zip_with(promoted, any_product).fill_null(any_product),
        caused=pl.lit(True),
        exposed="at",
    ).filter(pl.col("at") < END)


def after_clicks(heads: pl.DataFrame, clicks: pl.DataFrame, /) -> pl.DataFrame:
    """Orders, sorted by `at`, with the buyer's latest click to that channel before each, while a shop remembers it.

    `clicks` holds `user`, `channel`, `click_at` (sorted by it) and what is to be known of them.
    """
    return heads.join_asof(
        clicks,
        left_on="at",
        right_on="click_at",
        by=["user", "channel"],
        tolerance=CLICK_MEMORY,
        allow_exact_matches=False,
        check_sortedness=False,
    )


def _remembered(rng: Generator, heads: pl.DataFrame, clicks: pl.DataFrame) -> pl.DataFrame:
    """Write on most orders the buyer's latest click to that channel, caused or not: shops cannot tell."""
    known = clicks.select("click_id", "user", "channel", click_at="at").sort("click_at", "click_id")
    matched = after_clicks(heads, known).drop("click_at")
    written = pl.Series(rng.random(matched.height) < CARRIES_CLICK)
    return matched.with_columns(click_id=pl.when(written).then("click_id"))


def _numbered(heads: pl.DataFrame) -> pl.DataFrame:
    """Give orders their channel's numbers: 19 digits on tmall, 12 on jd, 18 behind a P in the app."""
    start = pl.col("channel").replace_strict(ORDER_PREFIX, return_dtype=pl.Int64)
    number = (start + pl.int_range(pl.len(), dtype=pl.Int64) * 1_010 + 17).cast(pl.String)
    prefix = pl.when(pl.col("channel") == "in_app_shop").then(pl.lit("P")).otherwise(pl.lit(""))
    return heads.with_columns(order_id=prefix + number)


def _lines(rng: Generator, heads: pl.DataFrame) -> pl.DataFrame:
    """Split orders into lines: some hold a second product of the same category, for the same reason."""
    second = heads.filter(pl.Series(rng.random(heads.height) < SECOND_LINE)).with_columns(
        product=(pl.col("product") + 1) % PRODUCTS_PER_CATEGORY, line_no=pl.lit("2")
    )
    lines = pl.concat([heads.with_columns(line_no=pl.lit("1")), second]).sort("at", "order_id", "line_no")
    quantity = pl.Series(rng.choice([1, 2, 3], lines.height, p=[0.82, 0.14, 0.04]))
    discount = pl.Series(rng.choice([1.0, 0.95, 0.9, 0.85], lines.height, p=[0.4, 0.2, 0.25, 0.15]))
    coupon = pl.Series(rng.integers(0, 500, lines.height))  # a few yuan of coupons make every amount its own
    list_price = CATALOGUE["price"].gather(lines["category_at"]) * 100
    price = list_price * pl.Series(PRODUCT_PRICE).gather(lines["product"])
    return lines.with_columns(
        brand=pl.lit(BRAND),
        category=CATALOGUE["category"].gather(lines["category_at"]),
        product_id=product_id(lines["category_at"], lines["product"]),
        quantity=quantity,
        paid=(price * quantity * discount).round().cast(pl.Int64) - coupon,
    )


def refunds(rng: Generator, orders: pl.DataFrame, /) -> pl.DataFrame:
    """Draw refunds until the last day.

    Returns:
        `channel`, `order_id`, `line_no`, `refund_id`, `at` (seconds), `refunded` (fen), and the truth:
        `caused` and `note` of the order line.
    """
    rate = CATALOGUE["refund_rate"].gather(orders["category_at"]).to_numpy()
    lines = orders.filter(pl.Series(rng.random(orders.height) < rate))
    partial = pl.Series(np.where(rng.random(lines.height) < 0.2, rng.uniform(0.3, 0.7, lines.height), 1.0))
    return (
        lines.select(
            "channel",
            "order_id",
            "line_no",
            "caused",
            "note",
            at=pl.col("at") + pl.Series((3_600 + rng.gamma(2.0, 2.0 * DAY, lines.height)).astype(np.int64)),
            refunded=(pl.col("paid") * partial).round().cast(pl.Int64),
        )
        .filter(pl.col("at") < END)
        .sort("at", "order_id", "line_no")
        .with_columns(refund_id=pl.lit("R") + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(8))
    )
