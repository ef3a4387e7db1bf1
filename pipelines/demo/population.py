"""Who lives in the demo world: users with tastes, creators of every tier, and the catalogue they meet."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

BRAND = "松屿日常"

CHANNELS = ("tmall", "jd", "in_app_shop")
CHANNEL_SHARES = (0.50, 0.30, 0.20)

# category: list price in yuan, share of baseline orders, strength of seeding, decision cycle, refund rate
CATALOGUE = pl.DataFrame(
    [
        ("facial_serum", 268, 0.15, 1.25, 1.3, 0.070),
        ("sunscreen", 99, 0.14, 0.90, 1.0, 0.075),
        ("lipstick", 129, 0.16, 1.50, 1.0, 0.075),
        ("baby_food", 79, 0.14, 1.00, 2.0, 0.040),
        ("running_shoes", 459, 0.09, 0.80, 1.2, 0.160),
        ("camping_gear", 389, 0.06, 0.30, 1.2, 0.130),
        ("probiotics", 168, 0.13, 1.30, 1.5, 0.055),
        ("vitamins", 119, 0.13, 0.70, 1.5, 0.045),
    ],
    schema=["category", "price", "popularity", "strength", "cycle", "refund_rate"],
    orient="row",
)
PRODUCTS_PER_CATEGORY = 4
PRODUCT_PRICE = (0.8, 1.0, 1.25, 1.6)  # of the category's list price

# tier: share of creators and notes, weight of reach, creator fee in yuan
TIERS = pl.DataFrame(
    [
        ("head", 0.03, 10.0, 34_000),
        ("mid", 0.17, 3.0, 7_500),
        ("tail", 0.35, 0.9, 1_800),
        ("koc", 0.45, 0.3, 320),
    ],
    schema=["tier", "share", "reach", "fee"],
    orient="row",
)


@dataclass(frozen=True)
class Users:
    """Users by position; every array has one row per user.

    `affinity` has one column per category with mean 1; `activity` and `response` have mean 1;
    `channel` is the position in `CHANNELS` of the shop where the user buys by habit.
    """

    ids: pl.Series
    activity: NDArray[np.float64]
    affinity: NDArray[np.float64]
    response: NDArray[np.float64]
    channel: NDArray[np.int64]


def users(rng: Generator, *, count: int) -> Users:
    """Draw users: skewed activity, sparse tastes, unequal response to notes."""
    affinity = rng.gamma(0.35, 1.0, (count, CATALOGUE.height))
    return Users(
        ids=pl.Series("user_id", np.arange(count)).cast(pl.String).str.zfill(6).str.replace("^", "u"),
        activity=_mean_one(rng.lognormal(0.0, 1.5, count)),
        affinity=affinity / affinity.mean(axis=0),
        response=_mean_one(rng.gamma(2.0, 1.0, count)),
        channel=rng.choice(len(CHANNELS), count, p=CHANNEL_SHARES),
    )


def creators(rng: Generator, *, count: int) -> pl.DataFrame:
    """Draw creators: `creator_id`, `creator_name`, `tier` (position in `TIERS`), `category` (position)."""
    category = shuffled(rng, np.arange(count) % CATALOGUE.height)
    names = category_names().gather(category)
    return pl.DataFrame(
        {
            "creator_id": hex_ids(rng, count),
            "creator_name": names + "研究所" + pl.Series(np.arange(1, count + 1)).cast(pl.String),
            "tier": quota(rng, TIERS["share"].to_numpy(), count),
            "category": category,
        }
    )


def category_names() -> pl.Series:
    """Chinese names of the catalogue's categories, from the reference table, in the catalogue's order."""
    path = files("data_contracts") / "reference" / "categories.csv"
    reference = pl.read_csv(path.read_bytes(), columns=["category", "name_zh"])
    return CATALOGUE.select("category").join(reference, on="category", maintain_order="left")["name_zh"]


def draw_users(rng: Generator, weights: NDArray[np.float64], category: NDArray[np.int64], /) -> NDArray[np.int64]:
    """Draw one user for each element of `category`; that category's column of `weights` gives the chances."""
    drawn = np.empty(len(category), dtype=np.int64)
    for position in range(weights.shape[1]):
        where = category == position
        cumulated = np.cumsum(weights[:, position])
        drawn[where] = np.searchsorted(cumulated, rng.random(where.sum()) * cumulated[-1], side="right")
    return drawn


def quota(rng: Generator, shares: NDArray[np.float64], count: int, /) -> NDArray[np.int64]:
    """Positions 0…len(shares)-1 in random order, each as often as its share says, and at least once."""
    ends = np.round(np.cumsum(shares) / np.sum(shares) * (count - len(shares))).astype(np.int64)
    times = np.diff(ends, prepend=0) + 1
    return shuffled(rng, np.repeat(np.arange(len(shares)), times))


def shuffled(rng: Generator, values: NDArray[np.int64], /) -> NDArray[np.int64]:
    """A copy of `values` in random order."""
    return rng.permutation(values)


def hex_ids(rng: Generator, count: int, /) -> pl.Series:
    """Distinct identifiers of 24 hexadecimal characters, as Xiaohongshu's."""
    tails = rng.integers(0, 1 << 63, count)
    return pl.Series([f"66{position:06x}{tail:016x}" for position, tail in enumerate(tails.tolist())])


def _mean_one(values: NDArray[np.float64], /) -> NDArray[np.float64]:
    return np.divide(values, values.mean())
