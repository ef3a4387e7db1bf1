"""What was spent on notes, by who paid and by how the orders of a note are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import date

    from models.frames import AnyFrame

BY_BRAND = pl.col("payer") == "brand"

#: Columns of spend, and which bookings each adds up. What the brand spent is in a task, out of it, or nobody knows.
SPENT = {
    "spend_fen": BY_BRAND,
    "in_task_spend_fen": BY_BRAND & pl.col("in_task"),
    "out_of_task_spend_fen": BY_BRAND & ~pl.col("in_task"),
    "unknown_task_spend_fen": BY_BRAND & pl.col("in_task").is_null(),
    # Where orders are only claimed in sum, nothing is credited: the spend would lower the ratio of notes whose orders
    # are known.
    "evidenced_spend_fen": BY_BRAND & pl.col("evidence").ne_missing("claim"),
    "commission_fen": BY_BRAND & (pl.col("kind") == "commission"),
    "platform_spend_fen": pl.col("payer") == "platform",
}


def booked(spend: AnyFrame, notes: AnyFrame, /, *, as_of: date) -> pl.LazyFrame:
    """Bookings up to `as_of`, each with the `lane` and `evidence` of its note.

    Args:
        spend: `note_id` String (null: no single note), `spend_date` Date, and others, which are kept.
        notes: `note_id` (unique), and of `lane`, `evidence` those that there are.
        as_of: Last business date that counts.
    """
    facts = notes.lazy().select("note_id", "^lane$", "^evidence$")
    return spend.lazy().filter(pl.col("spend_date") <= as_of).join(facts, on="note_id", how="left", validate="m:1")


def spent(which: pl.Expr) -> pl.Expr:
    """The sum of the bookings, such as those of `SPENT`, for which `which` holds; 0 where there is none."""
    return pl.col("amount_fen").filter(which).sum()
