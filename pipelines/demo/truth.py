"""The truth of the demo world, written aside: which order each note caused."""

from __future__ import annotations

from inspect import getdoc
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE
from pipelines.demo import orders as ordering
from pipelines.demo import world as causal
from pipelines.demo.clock import FIRST_DATE, LAST_DATE, wall_clock
from pipelines.demo.population import BRAND

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.demo.world import World


def orders(world: World, /) -> pl.DataFrame:
    """One row per order line: `channel`, `order_id`, `line_no`, `caused` (Boolean), `note_id` (null for the
    baseline), `user_id` (the true buyer, also of guests), `paid_at` and `exposed_at` (UTC; the exposure that
    caused the order), `category`, `paid_amount` (DECIMAL yuan).
    """
    return world.orders.select(
        "channel",
        "order_id",
        "line_no",
        "caused",
        note_id=world.notes["note_id"].gather(world.orders["note"]),
        user_id=world.users.ids.gather(world.orders["user"]),
        paid_at=_utc("at"),
        exposed_at=_utc("exposed"),
        category="category",
        paid_amount=_yuan("paid"),
    )


def notes(world: World, /) -> pl.DataFrame:
    """One row per note: what it is, its `effect` (orders that a first, merely seen exposure of a user of
    average taste and response is expected to cause) and what it truly added: `caused_orders` (lines),
    `incremental_gmv` and `incremental_net` (after refunds), DECIMAL yuan.
    """
    added = world.orders.filter("caused").group_by("note").agg(caused_orders=pl.len(), gmv=pl.col("paid").sum())
    returned = world.refunds.filter("caused").group_by("note").agg(refunded=pl.col("refunded").sum())
    return (
        world.notes.with_columns(note=pl.int_range(pl.len(), dtype=pl.Int64))
        .join(added, on="note", how="left", maintain_order="left")
        .join(returned, on="note", how="left", maintain_order="left")
        .with_columns(pl.col("caused_orders", "gmv", "refunded").fill_null(0))
        .with_columns(net=pl.col("gmv") - pl.col("refunded"))
        .select(
            "note_id",
            "category",
            "lane",
            "creator_tier",
            "archetype",
            "effect",
            pl.col("caused_orders").cast(pl.Int64),
            incremental_gmv=_yuan("gmv"),
            incremental_net=_yuan("net"),
        )
    )


def write(world: World, folder: Path, /) -> None:
    """Write `orders.parquet`, `notes.parquet` and `README.md` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    orders(world).write_parquet(folder / "orders.parquet")
    notes(world).write_parquet(folder / "notes.parquet")
    (folder / "README.md").write_text(_readme(world), encoding="utf-8")


def _readme(world: World) -> str:
    caused = world.orders["caused"].sum()
    worth = (
        f"An exposure is worth {ordering.VIEWED:g} when only seen, {ordering.ENGAGED:g} after an engagement, "
        f"{ordering.CLICKED:g} after a click."
    )
    return f"""# The truth behind the demo

{BRAND}, {FIRST_DATE} to {LAST_DATE} (Asia/Shanghai). Nothing here is input: it is what attribution is
measured against. {caused:,} of {world.orders.height:,} order lines were caused by a note.

## orders.parquet
{getdoc(orders)}

## notes.parquet
{getdoc(notes)}

## The rule
{getdoc(causal)}

{worth}
Refunds and restatements change amounts, never causes; amounts here are the final ones.
"""


def _utc(seconds: str) -> pl.Expr:
    return wall_clock(seconds).dt.replace_time_zone(BUSINESS_TIME_ZONE).dt.convert_time_zone("UTC")


def _yuan(fen: str) -> pl.Expr:
    # Through text: exact where a division in floats would not be.
    whole, rest = pl.col(fen) // 100, pl.col(fen) % 100
    return pl.format("{}.{}", whole, rest.cast(pl.String).str.zfill(2)).cast(pl.Decimal(18, 2))
