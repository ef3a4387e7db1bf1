"""What is wrong with real exports, put into the demo's files on purpose.

Each trait adds rows that are copies of good ones with one bad value (and a key of their own), so the good
rows lose nothing. A *quarantined* row is refused for the reason that the contract's rule is named after; a
*flagged* row is accepted and its unknown reference reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

Outcome = Literal["quarantined", "flagged"]

MISSING = "--"
UNFILLED = "待补录"
EXCEL_FLOAT = "1.23457E+18"
FOREIGN_NOTE = "65ffffffffffffffffffff01"


@dataclass(frozen=True)
class Trait:
    """`count` rows (at the usual size) of the export `export` that carry `value` in `column`."""

    feed: str
    export: str
    column: str
    value: str
    count: int
    reason: str
    outcome: Outcome = "quarantined"


TRAITS = (
    Trait("notes", "notes", "lane", "微信私域", 1, "lane_enum"),
    Trait("note_impressions", "impressions", "note_id", MISSING, 3, "note_id_required"),
    Trait("note_impressions", "impressions", "occurred_at", "2099-12-31 23:59:59", 2, "occurred_at_not_after"),
    Trait("note_impressions", "impressions", "note_id", FOREIGN_NOTE, 8, "note_id_reference", "flagged"),
    Trait("note_engagements", "engagements", "action", "弹幕", 3, "action_enum"),
    Trait("link_clicks", "clicks", "occurred_at", "1970-01-01 08:00:00", 2, "occurred_at_minimum"),
    Trait("link_clicks", "clicks", "click_id", MISSING, 2, "click_id_required"),
    Trait("link_clicks", "clicks", "note_id", FOREIGN_NOTE, 5, "note_id_reference", "flagged"),
    Trait("shop_events", "events", "event", "pageview", 3, "event_enum"),
    Trait("shop_events", "events", "category", "home_fragrance", 6, "category_reference", "flagged"),
    Trait("shop_conversions", "orders_tmall", "order_id", EXCEL_FLOAT, 4, "order_id_identifier"),
    Trait("shop_conversions", "orders_tmall", "paid_amount", "-59.00", 3, "paid_amount_minimum"),
    Trait("shop_conversions", "orders_tmall", "paid_amount", UNFILLED, 3, "paid_amount_unreadable"),
    Trait("shop_conversions", "orders_tmall", "paid_at", "1970-01-01 08:00:00", 2, "paid_at_minimum"),
    Trait("shop_conversions", "orders_jd", "paid_at", "2099-12-31 23:59:59", 2, "paid_at_not_after"),
    Trait("shop_conversions", "orders_jd", "paid_at", MISSING, 2, "paid_at_required"),
    Trait("refunds", "refunds", "refund_amount", "-12.00", 1, "refund_amount_minimum"),
    Trait("refunds", "refunds", "order_id", EXCEL_FLOAT, 2, "order_id_identifier"),
    Trait("note_spend", "spend", "kind", "其他费用", 3, "kind_enum"),
    Trait("note_spend", "spend", "amount", UNFILLED, 4, "amount_unreadable"),
    Trait("note_spend", "spend", "amount", "-100.00", 2, "amount_minimum"),
    Trait("note_spend", "spend", "spend_date", MISSING, 1, "spend_date_required"),
    Trait("note_spend", "spend", "note_id", FOREIGN_NOTE, 3, "note_id_reference", "flagged"),
    Trait("local_events", "local", "amount", "-168.00", 2, "amount_minimum"),
    Trait("note_comments", "comments", "commented_at", MISSING, 1, "commented_at_required"),
)

# The key column that keeps an added row apart from the good row that it copies.
OWN_KEY = {
    "notes": "note_id",
    "link_clicks": "click_id",
    "shop_events": "event_id",
    "shop_conversions": "order_id",
    "refunds": "refund_id",
    "note_spend": "spend_id",
    "local_events": "event_id",
    "note_comments": "comment_id",
}


@dataclass(frozen=True)
class Spot:
    """One dirty row: the `nth` overall, of a trait, in one file of its export."""

    trait: Trait
    nth: int


def plan(*, users: int, files: dict[str, int]) -> dict[tuple[str, int], list[Spot]]:
    """Spread the dirty rows evenly over the files of each export: (export, position of the file) → rows.

    Small worlds get fewer of each, and at least one.
    """
    spots: dict[tuple[str, int], list[Spot]] = {}
    for nth, trait in enumerate(_rows(users)):
        count = files[trait.export]
        # The last snapshot of the notes holds the most; elsewhere every file takes its turn.
        position = count - 1 - (0 if trait.export == "notes" else nth % count)
        spots.setdefault((trait.export, position), []).append(Spot(trait, nth))
    return spots


def _rows(users: int) -> Iterator[Trait]:
    for trait in TRAITS:
        for _ in range(max(1, round(trait.count * min(1.0, users / 20_000)))):
            yield trait


def soil(frame: pl.DataFrame, spots: list[Spot], /) -> pl.DataFrame:
    """Add the dirty rows to a frame of text columns, evenly spread among the good ones."""
    if not spots:
        return frame
    dirty = [_dirty(frame[(spot.nth * 31 + 7) % frame.height], spot) for spot in spots]
    step = frame.height / (len(spots) + 1)
    good = frame.with_columns(_order=pl.int_range(pl.len()).cast(pl.Float64))
    placed = [row.with_columns(_order=pl.lit(step * (n + 1) - 0.5)) for n, row in enumerate(dirty)]
    return pl.concat([good, *placed]).sort("_order", maintain_order=True).drop("_order")


def _dirty(row: pl.DataFrame, spot: Spot) -> pl.DataFrame:
    values = {spot.trait.column: spot.trait.value}
    key = OWN_KEY.get(spot.trait.feed)
    if key and key != spot.trait.column:
        values[key] = f"9{spot.nth:023d}"
    return row.with_columns(**{name: pl.lit(value) for name, value in values.items()})
