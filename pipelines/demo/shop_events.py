"""What users do in shops beside buying: visits, searches, favourites and carts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, DAYS, END, hour_of_day
from pipelines.demo.population import BRAND, CATALOGUE, CHANNELS, category_names, draw_users

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.population import Users

SEARCH_BACK = 0.012  # searches per exposure of a note of usual effect


def events(
    rng: Generator,
    users: Users,
    notes: pl.DataFrame,
    exposures: pl.DataFrame,
    clicks: pl.DataFrame,
    orders: pl.DataFrame,
    /,
) -> pl.DataFrame:
    """Draw visits, searches, favourites and carts around clicks, notes and orders, and organic ones.

    Returns:
        `event_id`, `channel`, `user`, `event`, `at`, `category`, `product_id`, `keyword`, sorted by instant.
    """
    heads = orders.filter(line_no="1")
    parts = [
        _after_clicks(rng, notes, clicks),
        _before_orders(rng, heads, "visit", share=1.0, earlier=(300, 2_400)),
        _before_orders(rng, heads, "cart", share=0.6, earlier=(30, 300)),
        _before_orders(rng, heads, "favourite", share=0.12, earlier=(1_800, 3 * DAY)),
        _search_back(rng, users, notes, exposures),
        _organic(rng, users),
    ]
    return (
        pl.concat(parts, how="diagonal_relaxed")
        .filter(pl.col("at").is_between(0, END - 1))
        .sort("at", "user", "event", "channel", "category")
        .with_columns(event_id=pl.lit("e") + pl.int_range(pl.len()).cast(pl.String).str.zfill(9))
    )


def _after_clicks(rng: Generator, notes: pl.DataFrame, clicks: pl.DataFrame) -> pl.DataFrame:
    arrived = clicks.filter(pl.Series(rng.random(clicks.height) < 0.8))
    return arrived.select(
        "user",
        "channel",
        event=pl.lit("visit"),
        at=pl.col("at") + pl.Series(rng.integers(2, 30, arrived.height)),
        category=notes["category"].gather(arrived["note"]),
    )


def _before_orders(
    rng: Generator, heads: pl.DataFrame, event: str, *, share: float, earlier: tuple[int, int]
) -> pl.DataFrame:
    chosen = heads.filter(pl.Series(rng.random(heads.height) < share))
    lead = pl.Series(rng.integers(*earlier, chosen.height))
    return chosen.select("user", "channel", "category", "product_id", event=pl.lit(event), at=pl.col("at") - lead)


def _search_back(rng: Generator, users: Users, notes: pl.DataFrame, exposures: pl.DataFrame) -> pl.DataFrame:
    """Readers of notes that work search the brand in the shop within two days."""
    effect = notes["effect"].to_numpy()[exposures["note"].to_numpy()]
    chosen = exposures.filter(pl.Series(rng.random(exposures.height) < SEARCH_BACK * np.minimum(effect, 3.0)))
    category = notes["category_at"].gather(chosen["note"])
    return chosen.select(
        "user",
        event=pl.lit("search"),
        channel=pl.Series(CHANNELS).gather(users.channel[chosen["user"].to_numpy()]),
        at=pl.col("at") + pl.Series(rng.integers(600, 2 * DAY, chosen.height)),
        category=CATALOGUE["category"].gather(category),
        keyword=pl.lit(BRAND) + category_names().gather(category),
    )


def _organic(rng: Generator, users: Users) -> pl.DataFrame:
    count = int(0.6 * len(users.ids))
    category = rng.integers(0, CATALOGUE.height, count)
    user = draw_users(rng, users.affinity, category)
    return pl.DataFrame(
        {
            "user": user,
            "event": rng.choice(["visit", "favourite", "cart", "search"], count, p=[0.7, 0.12, 0.1, 0.08]),
            "channel": pl.Series(CHANNELS).gather(users.channel[user]),
            "at": rng.integers(0, DAYS, count) * DAY + hour_of_day(rng, count),
            "category": CATALOGUE["category"].gather(category),
        }
    ).with_columns(keyword=pl.when(pl.col("event") == "search").then(pl.lit(BRAND) + category_names().gather(category)))
