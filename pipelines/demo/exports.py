"""The demo world as its platforms would export it: the feeds' columns, late, restated and repeated rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.demo.clock import DAY, FIRST_DATE, START, wall_clock
from pipelines.demo.population import BRAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from pipelines.demo.world import World

EXPORT_HOUR = 6  # of the day after, in Shanghai
LATE_SHARE = 0.012
LATE_DAYS = (2, 7)
RESTATED_AFTER = 7  # days
RESTATED = {"shop_conversions": 0.010, "note_spend": 0.040}
SNAPSHOT_DAYS = (19, 39, 59)  # last business day of each snapshot of the notes
TASK_DAYS = 21


def feeds(world: World, rng: Generator, /) -> dict[str, pl.DataFrame]:
    """Every feed with the columns of its contract, users as raw `user_id`.

    Instants are naive on Shanghai's clock, money is fen (Int64). The helper column `_day` is the last
    business day that the export of the row covers, `_trace` marks rows that are `late` or the older or newer
    version of a `restated` one. Where a row was restated both versions are there.
    """
    return {name: make(world, rng) for name, make in _MAKERS.items()}


def _notes(world: World, _rng: Generator) -> pl.DataFrame:
    """Full snapshots that overlap: each holds every note published by then."""
    facts = world.notes.select(
        "note_id",
        "creator_id",
        "creator_name",
        "creator_tier",
        "note_type",
        "title",
        "campaign_id",
        "category",
        "product_ids",
        "lane",
        "exchange",
        "published",
        brand=pl.lit(BRAND),
        published_at=wall_clock("published"),
        task_from=_date(pl.col("published") // DAY),
        task_to=_date(pl.col("published") // DAY + TASK_DAYS),
    )
    snapshots = [
        facts.filter(pl.col("published") < (day + 1) * DAY).with_columns(_day=pl.lit(day, dtype=pl.Int64))
        for day in SNAPSHOT_DAYS
    ]
    return pl.concat(snapshots).drop("published").with_columns(exported_at=export_instant(), _trace=pl.lit(""))


def _impressions(world: World, rng: Generator) -> pl.DataFrame:
    frame = _ids(world, world.exposures).select("note_id", "user_id", "at", "payer", occurred_at=wall_clock("at"))
    return exported(rng, frame)


def _engagements(world: World, rng: Generator) -> pl.DataFrame:
    frame = _ids(world, world.engagements).select("note_id", "user_id", "at", "action", occurred_at=wall_clock("at"))
    return exported(rng, frame.sort("at", maintain_order=True))


def _clicks(world: World, rng: Generator) -> pl.DataFrame:
    frame = _ids(world, world.clicks).select(
        "click_id",
        "note_id",
        "at",
        "channel",
        "payer",
        user_id=pl.when(~pl.col("keyless")).then("user_id"),
        occurred_at=wall_clock("at"),
    )
    return exported(rng, frame.sort("at", maintain_order=True))


def _events(world: World, rng: Generator) -> pl.DataFrame:
    frame = _ids(world, world.events).select(
        "event_id",
        "channel",
        "user_id",
        "event",
        "at",
        "product_id",
        "category",
        "keyword",
        occurred_at=wall_clock("at"),
    )
    return exported(rng, frame)


def order_lines(world: World, orders: pl.DataFrame, /) -> pl.DataFrame:
    """Order lines of the world under the names of the feed."""
    return _ids(world, orders.drop("note")).select(
        "channel",
        "order_id",
        "line_no",
        "brand",
        "at",
        "quantity",
        "product_id",
        "category",
        "click_id",
        "is_new_customer",
        user_id=pl.when(~pl.col("guest")).then("user_id"),
        paid_at=wall_clock("at"),
        paid_amount="paid",
        currency=pl.lit("CNY"),
    )


def _conversions(world: World, rng: Generator) -> pl.DataFrame:
    frame = exported(rng, order_lines(world, world.orders))
    return _restated(rng, frame, "paid_amount", share=RESTATED["shop_conversions"])


def _refunds(world: World, rng: Generator) -> pl.DataFrame:
    frame = world.refunds.select(
        "channel",
        "refund_id",
        "order_id",
        "line_no",
        "at",
        refunded_at=wall_clock("at"),
        refund_amount="refunded",
        currency=pl.lit("CNY"),
    )
    return exported(rng, frame)


def _spend(world: World, rng: Generator) -> pl.DataFrame:
    frame = world.spend.select(
        "spend_id",
        "kind",
        "payer",
        "amount",
        at=pl.col("day") * DAY,
        note_id=world.notes["note_id"].gather(world.spend["note"]),
        spend_date=_date(pl.col("day")),
        currency=pl.lit("CNY"),
    )
    return _restated(rng, exported(rng, frame), "amount", share=RESTATED["note_spend"])


_MAKERS: dict[str, Callable[[World, Generator], pl.DataFrame]] = {
    "notes": _notes,
    "note_impressions": _impressions,
    "note_engagements": _engagements,
    "link_clicks": _clicks,
    "shop_events": _events,
    "shop_conversions": _conversions,
    "refunds": _refunds,
    "note_spend": _spend,
}


def _ids(world: World, frame: pl.DataFrame) -> pl.DataFrame:
    """Put identifiers beside positions."""
    columns = [world.users.ids.gather(frame["user"]).alias("user_id")]
    if "note" in frame.columns:
        columns.append(world.notes["note_id"].gather(frame["note"]).alias("note_id"))
    return frame.with_columns(columns)


def exported(rng: Generator, frame: pl.DataFrame, /) -> pl.DataFrame:
    """Give each row the instant of its export: at six the next morning, some days later for a few."""
    late = pl.Series(rng.random(frame.height) < LATE_SHARE)
    lag = pl.Series(rng.integers(*LATE_DAYS, frame.height))
    return frame.with_columns(
        _day=pl.col("at") // DAY + pl.when(late).then(lag).otherwise(0),
        _trace=pl.when(late).then(pl.lit("late")).otherwise(pl.lit("")),
    ).select(pl.exclude("at"), exported_at=export_instant())


def _restated(rng: Generator, frame: pl.DataFrame, amount: str, *, share: float) -> pl.DataFrame:
    """Let a few amounts be known wrongly at first: the world's own amount comes a week later."""
    wrong = pl.Series(rng.random(frame.height) < share) & (frame["_trace"] == "")
    factor = pl.Series(rng.uniform(0.85, 1.15, frame.height))
    first = frame.with_columns(
        pl.when(wrong).then((pl.col(amount) * factor).round().cast(pl.Int64) + 1).otherwise(amount).alias(amount)
    )
    newer = frame.filter(wrong).with_columns(pl.col("_day") + RESTATED_AFTER, _trace=pl.lit("restated"))
    return pl.concat([first, newer.with_columns(exported_at=export_instant())])


def export_instant() -> pl.Expr:
    return pl.lit(START).cast(pl.Datetime("us")) + pl.duration(
        days=pl.col("_day") + 1, hours=EXPORT_HOUR, time_unit="us"
    )


def _date(day: pl.Expr) -> pl.Expr:
    return pl.lit(FIRST_DATE) + pl.duration(days=day)
