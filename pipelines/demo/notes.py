"""The notes of the demo world: who posted them, in which lane, and how well each one truly sells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, hour_of_day
from pipelines.demo.population import (
    CATALOGUE,
    PRODUCTS_PER_CATEGORY,
    TIERS,
    category_names,
    hex_ids,
    quota,
    shuffled,
)

if TYPE_CHECKING:
    from numpy.random import Generator

LAST_PUBLICATION_DAY = 52

# lane: share of notes, days in which exposures come, clicks per impression, days from exposure to purchase
LANES = pl.DataFrame(
    [
        ("exchange_link", 0.40, 6.0, 0.120, 3.0),
        ("seeding", 0.25, 8.0, 0.0, 8.0),
        ("in_app", 0.20, 5.0, 0.140, 1.0),
        ("live", 0.10, 0.06, 0.200, 0.15),
        ("local", 0.05, 6.0, 0.0, 5.0),
    ],
    schema=["lane", "share", "exposure_days", "click_rate", "delay_days"],
    orient="row",
)

# archetype: share of notes, multipliers of effect, engagement and reach
ARCHETYPES = pl.DataFrame(
    [
        ("star", 0.08, 2.6, 1.4, 1.3),
        ("solid", 0.57, 1.0, 1.0, 1.0),
        ("quiet_seller", 0.15, 2.6, 0.35, 0.7),
        ("liked_but_empty", 0.12, 0.0, 2.2, 1.2),
        ("flop", 0.08, 0.0, 0.4, 0.02),
    ],
    schema=["archetype", "share", "effect", "appeal", "reach"],
    orient="row",
)

HOOKS = ("空瓶记录", "一周实测", "新手怎么选", "回购第三次", "平价替代", "避雷清单", "通勤好物", "换季必备")

# Titles are text of any kind: these two must survive spreadsheets, terminals and web pages unharmed.
HOSTILE_TITLES = ('=HYPERLINK("#A1","点我")', "<script>alert('种草')</script>")


def notes(rng: Generator, creators: pl.DataFrame, /, *, count: int) -> pl.DataFrame:
    """Draw the notes.

    Returns:
        One row per note, by position: the contract's columns of the feed `notes` (without `exported_at`;
        `published` in seconds since the first midnight) and the truth: `archetype`, `effect` (relative
        strength of an exposure), `appeal`, `reach` (relative), `lead_product` (position in the category) and
        positions `category_at`, `lane_at`, `tier_at`.
    """
    lane = quota(rng, LANES["share"].to_numpy(), count)
    archetype = quota(rng, ARCHETYPES["share"].to_numpy(), count)
    posted_by = creators[_creators_by_tier(rng, creators, count)]
    # Seven notes in ten are in the creator's own field.
    category = np.where(rng.random(count) < 0.7, posted_by["category"].to_numpy(), np.arange(count) % CATALOGUE.height)
    day = rng.integers(0, LAST_PUBLICATION_DAY + 1, count)
    hour = np.where(LANES["lane"].gather(lane).to_numpy() == "live", 20 * 3_600, hour_of_day(rng, count))
    kind = ARCHETYPES[archetype]
    tier = posted_by["tier"].to_numpy()

    def noise(spread: float) -> pl.Series:
        return pl.Series(rng.lognormal(-spread * spread / 2, spread, count))

    return pl.DataFrame(
        {
            "note_id": hex_ids(rng, count),
            "creator_id": posted_by["creator_id"],
            "creator_name": posted_by["creator_name"],
            "creator_tier": TIERS["tier"].gather(tier),
            "note_type": np.where(rng.random(count) < 0.45, "video", "image"),
            "title": _titles(rng, category),
            "published": day * DAY + hour,
            "category": CATALOGUE["category"].gather(category),
            **_promoted(rng, category),
            "lane": LANES["lane"].gather(lane),
            "exchange": _exchange(rng, lane),
            "archetype": kind["archetype"],
            "effect": CATALOGUE["strength"].gather(category) * kind["effect"] * noise(0.5),
            "appeal": kind["appeal"] * noise(0.3),
            "reach": TIERS["reach"].gather(tier) * kind["reach"] * noise(0.4),
            "category_at": category,
            "lane_at": lane,
            "tier_at": tier,
        }
    ).with_columns(
        campaign_id=pl.col("category")
        + pl.when(pl.col("published") < 35 * DAY).then(pl.lit("-autumn")).otherwise(pl.lit("-double11"))
    )


def _creators_by_tier(rng: Generator, creators: pl.DataFrame, count: int) -> pl.Series:
    """A creator for each note, so that notes spread over tiers as creators do, and everybody posts."""
    return pl.Series(shuffled(rng, np.arange(count) % creators.height))


def _titles(rng: Generator, category: np.ndarray) -> pl.Series:
    hook = pl.Series(HOOKS).gather(rng.integers(0, len(HOOKS), len(category)))
    titles = category_names().gather(category) + "｜" + hook
    return titles.scatter(range(len(HOSTILE_TITLES)), HOSTILE_TITLES)


def _exchange(rng: Generator, lane: np.ndarray) -> pl.Series:
    """Outbound links always run through an exchange, half of the seeding notes are measured by one."""
    name = LANES["lane"].gather(lane).to_numpy()
    measured = (name == "exchange_link") | ((name == "seeding") & (rng.random(len(lane)) < 0.5))
    exchange = np.where(rng.random(len(lane)) < 0.65, "red_cat", "red_jd")
    return pl.Series(exchange).set(pl.Series(~measured), None)


def product_id(category: pl.Series, product: pl.Series, /) -> pl.Series:
    """Product ids such as `p103`: the third product of the first category."""
    return "p" + (100 * (category + 1) + product + 1).cast(pl.String)


def _promoted(rng: Generator, category: np.ndarray) -> dict[str, pl.Series]:
    """What each note promotes: one product, two, or (both columns null) its whole category."""
    at = pl.Series(category)
    lead = pl.Series(rng.integers(0, PRODUCTS_PER_CATEGORY, len(category)))
    chance = pl.Series(rng.random(len(category)))
    one = product_id(at, lead)
    two = one + "|" + product_id(at, (lead + 1) % PRODUCTS_PER_CATEGORY)
    return {
        "lead_product": lead.set(chance < 0.15, None),
        "product_ids": two.zip_with(chance > 0.6, one).set(chance < 0.15, None),
    }
