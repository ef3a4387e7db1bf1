"""Touches, orders, notes, spend and windows as they lie stored: one Parquet file per bucket of users."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.journeys import KINDS

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000_000
START = datetime(2026, 6, 1, tzinfo=UTC)
LAST_DATE = date(2026, 8, 31)
LANES = ("exchange_link", "seeding", "in_app", "live", "local")
CATEGORIES = ("facial_serum", "sunscreen", "lipstick", "baby_food", "probiotics")
CHANNEL = "tmall"
INSTANT = pl.Datetime("us", "UTC")
PRODUCTS = [f"p{number}" for number in range(200)]
NOTES = 2_000
TOUCHES_PER_USER = 20
ORGANIC = 0.3
SEED = 20260910


def synthesise(folder: Path, touches: int, conversions: int, buckets: int) -> None:
    """90 days of touches and the orders of the last 60, by users of 20 touches on average; windows are 30 days."""
    notes = _notes(folder)
    for bucket in range(buckets):
        rng = np.random.default_rng([SEED, bucket])
        users = rng.integers(-(2**56), 2**56, max(touches // buckets // TOUCHES_PER_USER, 1)) * 64 + bucket
        _touches(rng, users, notes, touches // buckets, bucket).write_parquet(folder / f"touches-{bucket:02}.parquet")
        orders = _orders(rng, users, conversions // buckets, bucket)
        orders.write_parquet(folder / f"conversions-{bucket:02}.parquet")


def _notes(folder: Path) -> pl.Series:
    rng = np.random.default_rng(SEED)
    notes = pl.DataFrame(
        {
            "note_id": [f"{value:024x}" for value in rng.integers(0, 2**63, NOTES)],
            "brand": "A",
            "lane": rng.choice(LANES, NOTES),
            "category": rng.choice(CATEGORIES, NOTES),
            "product_ids": [list(pair) for pair in rng.choice(PRODUCTS, (NOTES, 2))],
            "creator_id": [f"k{number}" for number in rng.integers(0, 300, NOTES)],
            "campaign_id": [f"m{number}" for number in rng.integers(0, 20, NOTES)],
        }
    ).with_columns(exchange=pl.lit(None, pl.String), evidence=pl.lit("order"))
    pl.DataFrame({"lane": LANES}).with_columns(
        exchange=pl.lit(None, pl.String),
        channel=pl.lit(CHANNEL),
        valid_from=pl.lit(date(2013, 6, 1)),
        valid_to=pl.lit(None, pl.Date),
    ).write_parquet(folder / "reach.parquet")
    notes.write_parquet(folder / "notes.parquet")
    windows = [(lane, kind, category) for lane in LANES for kind in KINDS for category in (None, "baby_food")]
    pl.DataFrame(windows, schema=["lane", "kind", "category"], orient="row").with_columns(
        window=pl.duration(days=30)
    ).write_parquet(folder / "windows.parquet")
    notes.select(
        "note_id",
        spend_date=pl.lit(date(2026, 6, 15)),
        kind=pl.lit("ads"),
        payer=pl.lit("brand"),
        amount_fen=pl.Series(rng.integers(50_000, 5_000_000, NOTES)),
        currency=pl.lit("CNY"),
        in_task=pl.lit(value=True),
    ).write_parquet(folder / "spend.parquet")
    return notes["note_id"]


def _instants(rng: np.random.Generator, count: int, first: int, days: int) -> pl.Series:
    micros = rng.integers(0, days * DAY, count) + first * DAY + int(START.timestamp() * 1_000_000)
    return pl.Series(micros).cast(INSTANT)


def _touches(rng: np.random.Generator, users: np.ndarray, notes: pl.Series, count: int, bucket: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "note_id": notes.gather(rng.integers(0, notes.len(), count)),
            "user_key": users[rng.integers(0, len(users), count)],
            "touched_at": _instants(rng, count, 0, 90),
            "kind": pl.Series(KINDS).gather(rng.choice(3, count, p=(0.8, 0.15, 0.05))),
        }
    ).with_columns(
        organic=pl.Series(rng.random(count) < ORGANIC),
        click_id=pl.when(pl.col("kind") == "click").then(pl.format("c{}-{}", pl.lit(bucket), pl.int_range(pl.len()))),
    )


def _orders(rng: np.random.Generator, users: np.ndarray, count: int, bucket: int) -> pl.DataFrame:
    paid_at = _instants(rng, count, 30, 60)
    return pl.DataFrame(
        {
            "conversion_id": [f"tmall|{bucket:02}{number:08}|1" for number in range(count)],
            "user_key": users[rng.integers(0, len(users), count)],
            "paid_at": paid_at,
            "brand": "A",
            "category": rng.choice(CATEGORIES, count),
            "product_id": rng.choice(PRODUCTS, count),
            "paid_fen": rng.integers(1_000, 100_000, count),
            "paid_date": paid_at.dt.convert_time_zone("Asia/Shanghai").dt.date(),
            "channel": CHANNEL,
            "currency": "CNY",
            "margin": 0.6,
            "fee_rate": 0.05,
        }
    ).with_columns(click_id=pl.lit(None, pl.String))
