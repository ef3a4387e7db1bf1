"""Local commerce in the demo world: shops, notes tagged with them, vouchers, and the card of autumn 2025.

The card makes people post about the shops that take it and buys no visits: whoever has one would have come with a
voucher. On 2026-01-01 all cards are paid back.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, DAYS, FIRST_DATE, hour_of_day, wall_clock
from pipelines.demo.exports import exported

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

# city: shops, and whether the card is sold there
CITIES = pl.DataFrame(
    [
        ("shanghai", 8, True),
        ("hangzhou", 6, True),
        ("guangzhou", 6, True),
        ("beijing", 5, False),
        ("shenzhen", 5, False),
        ("chengdu", 4, False),
        ("nanjing", 3, False),
        ("wuhan", 3, False),
    ],
    schema=["city", "shops", "pilot"],
    orient="row",
)
# vertical: its bill in yuan
VERTICALS = {"coffee": 38, "dining": 128, "leisure": 96}
OPENED, LAUNCH, CLOSED = (
    (day - FIRST_DATE).days for day in (date(2025, 6, 1), date(2025, 9, 1), date(2026, 1, 1))
)  # in days from the world's first
NOTES_PER_DAY, VOUCHERS_PER_DAY = 0.08, 0.10  # of a shop
NOTES_RISE, VOUCHERS_LEFT = 2.2, 0.6  # of shops that take the card, while it lasts
CARDS, CARD_PRICE, CARD_VISITS = 120, 16_800, 0.6
VOUCHER_DAYS = 60
DISCOUNT, STORED_DISCOUNT = 0.10, 0.12
PAYMENTS = ("alipay", "wechat_pay", "platform_pay", "stored_value")


def feeds(rng: Generator, /) -> dict[str, pl.DataFrame]:
    """`local_shops` and `local_events`, as `pipelines.demo.exports.feeds`."""
    shops = _shops(rng)
    parts = [_notes(rng, shops), *_vouchers(rng, shops), *_cards(rng, shops)]
    events = (
        pl.concat(parts, how="diagonal_relaxed")
        .filter(pl.col("at") < DAYS * DAY)
        .sort("at", "event", "shop_id", "instrument_id", nulls_last=True)
        .with_columns(event_id=pl.lit("L") + pl.int_range(pl.len()).cast(pl.String).str.zfill(8))
    )
    return {
        "local_shops": exported(rng, shops.with_columns(at=pl.lit((DAYS - 1) * DAY, pl.Int64))),
        "local_events": exported(
            rng,
            events.with_columns(
                occurred_at=wall_clock("at"),
                currency=pl.when(pl.col("amount").is_not_null()).then(pl.lit("CNY")),
            ),
        ),
    }


def _shops(rng: Generator) -> pl.DataFrame:
    """One row per shop; `pilot` is whether its city has the card."""
    shops = CITIES.select(pl.all().repeat_by("shops").explode()).drop("shops").with_row_index("n", 1)
    verticals = list(VERTICALS)
    joins = shops["pilot"].to_numpy() & (rng.random(shops.height) < 0.75)
    certified = np.where(joins, LAUNCH - rng.integers(0, 14, shops.height), 0)
    return shops.select(
        "city",
        "pilot",
        shop_id=pl.format("S{}", pl.col("n").cast(pl.String).str.zfill(4)),
        shop_name=pl.format("{}号店", "n"),
        vertical=pl.Series(verticals).gather(rng.integers(0, len(verticals), shops.height)),
        is_curated=pl.Series(rng.random(shops.height) < 0.45),
        certified_on=pl.when(pl.Series(joins)).then(_date(pl.Series(certified))),
        valid_from=pl.lit(FIRST_DATE) + pl.duration(days=OPENED),
        valid_to=pl.lit(None, pl.Date),
    )


def _daily(
    rng: Generator, shops: pl.DataFrame, rate: float, during_card: float
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """How often something happens at each shop on each day: the shop of each event, and its second."""
    days = np.arange(OPENED, DAYS)
    takes = shops["certified_on"].is_not_null().to_numpy()
    lasts = (days >= LAUNCH) & (days < CLOSED)
    rates = rate * np.where(takes[:, None] & lasts[None, :], during_card, 1.0)
    counts = rng.poisson(rates)
    shop, day = np.nonzero(counts)
    times = counts[shop, day]
    at = np.repeat(days[day], times) * DAY + hour_of_day(rng, int(times.sum()))
    return shops[np.repeat(shop, times)], at


def _notes(rng: Generator, shops: pl.DataFrame) -> pl.DataFrame:
    of, at = _daily(rng, shops, NOTES_PER_DAY, NOTES_RISE)
    return of.select("shop_id", event=pl.lit("note"), at=pl.Series(at))


def _vouchers(rng: Generator, shops: pl.DataFrame) -> list[pl.DataFrame]:
    """Sales, and what became of each: redeemed, paid back, or expired after sixty days."""
    of, at = _daily(rng, shops, VOUCHERS_PER_DAY, VOUCHERS_LEFT)
    price = (_bills(rng, of) * 0.7).astype(np.int64)
    sold = of.select(
        "shop_id",
        at=pl.Series(at),
        amount=pl.Series(price),
        programme=pl.lit("group_buying"),
        instrument_id=pl.lit("V") + pl.int_range(pl.len()).cast(pl.String).str.zfill(9),
        payment_channel=pl.Series(PAYMENTS).gather(rng.choice(3, of.height, p=[0.45, 0.35, 0.2])),
    )
    fate = rng.choice(["voucher_redeemed", "voucher_refunded", "voucher_expired"], sold.height, p=[0.74, 0.12, 0.14])
    wait = np.minimum(3_600 + rng.exponential(9 * DAY, sold.height), (VOUCHER_DAYS - 1) * DAY).astype(np.int64)
    expired = pl.col("event") == "voucher_expired"
    ended = sold.with_columns(event=pl.Series(fate)).with_columns(
        at=pl.col("at") + pl.when(expired).then(VOUCHER_DAYS * DAY).otherwise(pl.Series(wait)),
        amount=pl.when(~expired).then("amount"),
        payment_channel=pl.lit(None, pl.String),
    )
    return [sold.with_columns(event=pl.lit("voucher_sold")), ended]


def _cards(rng: Generator, shops: pl.DataFrame) -> list[pl.DataFrame]:
    """Cards sold until Christmas, visits with them, a few paid back early and all others at the end."""
    takers = shops.filter(pl.col("certified_on").is_not_null())
    home = takers[rng.integers(0, takers.height, CARDS)]
    sold_day = LAUNCH + (rng.beta(1.0, 2.0, CARDS) * 115).astype(np.int64)
    sold = home.select(
        "city",
        shop_id=pl.when(pl.Series(rng.random(CARDS) < 0.6)).then("shop_id"),
        event=pl.lit("card_sold"),
        at=pl.Series(sold_day * DAY + hour_of_day(rng, CARDS)),
        amount=pl.lit(CARD_PRICE, pl.Int64),
        programme=pl.lit("xiaohongka"),
        instrument_id=pl.lit("K") + pl.int_range(pl.len()).cast(pl.String).str.zfill(9),
        payment_channel=pl.Series(PAYMENTS).gather(rng.choice(3, CARDS, p=[0.4, 0.3, 0.3])),
    )
    early = pl.Series(rng.random(CARDS) < 0.05)
    early_at = pl.min_horizontal(pl.col("at") + pl.Series(rng.integers(1, 20, CARDS)) * DAY, CLOSED * DAY - 1)
    refunded = sold.with_columns(
        event=pl.lit("card_refunded"),
        shop_id=pl.lit(None, pl.String),
        at=pl.when(early).then(early_at).otherwise(pl.lit(CLOSED * DAY + 10 * 3_600)),
    )
    return [sold, refunded, _card_visits(rng, sold.filter(~early), home.filter(~early))]


def _card_visits(rng: Generator, cards: pl.DataFrame, shops: pl.DataFrame) -> pl.DataFrame:
    times = rng.poisson(CARD_VISITS, cards.height)
    of = shops[np.repeat(np.arange(cards.height), times)]
    card = cards[np.repeat(np.arange(cards.height), times)]
    left = CLOSED * DAY - card["at"].to_numpy()
    bill = _bills(rng, of)
    stored = rng.random(of.height) < 0.25
    discount, own = (bill * DISCOUNT).astype(np.int64), np.where(stored, bill * STORED_DISCOUNT, 0).astype(np.int64)
    return of.select(
        "city",
        "shop_id",
        event=pl.lit("card_redeemed"),
        programme=pl.lit("xiaohongka"),
        instrument_id=card["instrument_id"],
        at=card["at"] + pl.Series((left * rng.random(of.height)).astype(np.int64)),
        amount=pl.Series(bill - np.maximum(discount, own)),
        discount=pl.Series(discount),
        shop_discount=pl.when(pl.Series(stored)).then(pl.Series(own)),
        payment_channel=pl.when(pl.Series(stored))
        .then(pl.lit("stored_value"))
        .otherwise(pl.Series(PAYMENTS).gather(rng.choice(3, of.height, p=[0.4, 0.4, 0.2]))),
    )


def _bills(rng: Generator, of: pl.DataFrame) -> NDArray[np.int64]:
    usual = of["vertical"].replace_strict(VERTICALS, return_dtype=pl.Int64).to_numpy()
    return np.rint(usual * 100 * rng.lognormal(0.0, 0.3, of.height)).astype(np.int64)


def _date(day: pl.Series) -> pl.Expr:
    return pl.lit(FIRST_DATE) + pl.duration(days=day)
