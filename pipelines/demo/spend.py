"""What the brand (and sometimes the platform) pays for notes in the demo world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, DAYS
from pipelines.demo.population import CATALOGUE, TIERS

if TYPE_CHECKING:
    from numpy.random import Generator

# kind, share of notes that it falls on, share of the creator fee, paid on the day of publication
AT_PUBLICATION = (
    ("creator_fee", 1.0, 1.00),
    ("service_fee", 0.8, 0.10),
    ("production", 0.25, 0.08),
)
ADVERTISED_LANES = ("exchange_link", "seeding", "in_app")
ADVERTISED = 0.75
SUPPORTED = 0.5  # of red_cat link notes: the shop platform buys exposure on the brand's behalf
TASK_FEE = 0.15  # of the creator fee, in weekly parts
COMMISSION = 0.10  # of orders that came by a click on a live or in-app note
UNASSIGNED_WEEKLY = 150_000  # fen of production that belongs to no single note


def spend(
    rng: Generator, notes: pl.DataFrame, orders: pl.DataFrame, clicks: pl.DataFrame, /, *, scale: float
) -> pl.DataFrame:
    """Draw every booking of spend; `scale` fits fees to the number of users that a note can reach.

    Returns:
        `spend_id`, `note` (position, null for spend of no single note), `day`, `kind`, `payer`,
        `amount` (fen), sorted by day.
    """
    base = notes.select(
        "lane",
        "exchange",
        "category_at",
        "creator_tier",
        note=pl.int_range(pl.len(), dtype=pl.Int64),
        day=pl.col("published") // DAY,
        fee=TIERS["fee"].gather(notes["tier_at"]) * 100 * scale * pl.Series(rng.lognormal(0.0, 0.35, notes.height)),
    )
    bookings = [
        *_at_publication(rng, base),
        _samples(base),
        _boost(rng, base, scale),
        _ads(
            rng,
            base,
            payer="brand",
            share=ADVERTISED,
            longest=32,
            where=pl.col("lane").is_in(ADVERTISED_LANES),
        ),
        _ads(rng, base, payer="platform", share=SUPPORTED, longest=21, where=_link_to_tmall()),
        _task_fee(base),
        _commission(notes, orders, clicks),
        _unassigned(scale),
    ]
    return (
        pl.concat([_booking(part) for part in bookings])
        .filter((pl.col("day") < DAYS) & (pl.col("amount") > 0))
        .sort("day", "kind", "payer", "note", nulls_last=True)
        .with_columns(spend_id=pl.lit("s") + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(7))
    )


def _booking(part: pl.DataFrame) -> pl.DataFrame:
    payer = pl.col("payer") if "payer" in part.columns else pl.lit("brand")
    return part.select(
        pl.col("note").cast(pl.Int64),
        pl.col("day").cast(pl.Int64),
        "kind",
        payer.alias("payer"),
        pl.col("amount").round().cast(pl.Int64),
    )


def _at_publication(rng: Generator, base: pl.DataFrame) -> list[pl.DataFrame]:
    return [
        base.filter(pl.Series(rng.random(base.height) < falls_on)).with_columns(
            kind=pl.lit(kind), amount=pl.col("fee") * of_fee
        )
        for kind, falls_on, of_fee in AT_PUBLICATION
    ]


def _samples(base: pl.DataFrame) -> pl.DataFrame:
    return base.with_columns(kind=pl.lit("samples"), amount=CATALOGUE["price"].gather(base["category_at"]) * 40)


def _boost(rng: Generator, base: pl.DataFrame, scale: float) -> pl.DataFrame:
    chosen = base.filter(pl.Series(rng.random(base.height) < 0.35))
    amount = pl.Series(rng.choice([7_500, 15_000, 30_000], chosen.height)) * scale
    return chosen.with_columns(kind=pl.lit("boost"), amount=amount, day=pl.col("day") + 1)


def _link_to_tmall() -> pl.Expr:
    return (pl.col("lane") == "exchange_link") & (pl.col("exchange") == "red_cat")


def _ads(rng: Generator, base: pl.DataFrame, *, payer: str, share: float, longest: int, where: pl.Expr) -> pl.DataFrame:
    """Daily ads for a week or more after publication: a budget that follows the fee and fades slowly."""
    chosen = base.filter(where).filter(pl.Series(rng.random(base.filter(where).height) < share))
    days = rng.integers(7, longest, chosen.height)
    runs = chosen[np.repeat(np.arange(chosen.height), days)]
    nth = pl.Series(np.arange(days.sum()) - np.repeat(np.cumsum(days) - days, days))
    jitter = pl.Series(rng.lognormal(0.0, 0.3, runs.height))
    return runs.with_columns(
        kind=pl.lit("ads"),
        payer=pl.lit(payer),
        day=pl.col("day") + nth,
        amount=(pl.col("fee") * 0.02 + 2_500) * (-nth / 20).exp() * jitter,
    )


def _task_fee(base: pl.DataFrame) -> pl.DataFrame:
    measured = base.filter(pl.col("exchange").is_not_null())
    weekly = measured.with_columns(week=pl.int_ranges(0, 4)).explode("week") if measured.height else measured
    return weekly.with_columns(
        kind=pl.lit("task_fee"), day=pl.col("day") + 7 * pl.col("week"), amount=pl.col("fee") * TASK_FEE / 4
    )


def _commission(notes: pl.DataFrame, orders: pl.DataFrame, clicks: pl.DataFrame) -> pl.DataFrame:
    by_click = orders.select("click_id", "paid", day=pl.col("at") // DAY).join(
        clicks.select("click_id", "note"), on="click_id"
    )
    earning = notes["lane"].is_in(["live", "in_app"]).gather(by_click["note"])
    return (
        by_click.filter(earning)
        .group_by("note", "day")
        .agg(amount=pl.col("paid").sum() * COMMISSION)
        .with_columns(kind=pl.lit("commission"))
    )


def _unassigned(scale: float) -> pl.DataFrame:
    days = np.arange(0, DAYS, 7)
    return pl.DataFrame({"day": days}).with_columns(
        note=pl.lit(None, dtype=pl.Int64), kind=pl.lit("production"), amount=pl.lit(UNASSIGNED_WEEKLY * scale)
    )
