"""What a visit to the shop cost, where an exchange states visits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like

if TYPE_CHECKING:
    from datetime import date

    from models.frames import AnyFrame, Frame


def cost_per_visit(claims: Frame, spend: AnyFrame, notes: AnyFrame, /, *, by: str, as_of: date) -> Frame:
    """CPUV: what the brand spent inside the task period of notes, for each day's visitor that an exchange claims.

    `cpuv = spend inside the task period / Σ daily visit UV`. An exchange states visitors by note and day: whoever
    comes on two days, or by two notes, stands in two of its figures. The sum is therefore one of daily visitors and
    no UV, and a visitor costs no less than this says. Only notes with claims count, above the line and below it; one
    whose task period is unknown has an unknown cost, and makes that of its row unknown.

    Args:
        claims: `note_id` String, `claim_date` Date, `visit_uv` Int64, of one attribution cycle; those after `as_of`
            are left out, and so are days without a figure.
        spend: `note_id`, `spend_date` Date, `payer` String, `amount_fen` Int64, `currency` String, `in_task` Boolean
            (null: unknown).
        notes: `note_id` (unique) and the column `by`.
        by: The column of notes by which rows are made.
        as_of: Last business date that counts.

    Returns:
        Sorted by key and currency: the column `by`, `currency`, `daily_visitors` Int64, `task_spend_fen` Int64 and
        `cpuv_fen` Float64, null where nobody visited or a task period is unknown.

    >>> from datetime import date
    >>> claims = pl.DataFrame({"note_id": "n1", "claim_date": [date(2026, 9, 1), date(2026, 9, 2)], "visit_uv": [3, 2]})
    >>> spend = pl.DataFrame({"note_id": "n1", "spend_date": [date(2026, 9, 1), date(2026, 9, 9)], "payer": "brand",
    ...     "amount_fen": [5_000, 7_000], "currency": "CNY", "in_task": [True, False]})
    >>> notes = pl.DataFrame({"note_id": ["n1"], "lane": ["seeding"]})
    >>> cost_per_visit(claims, spend, notes, by="lane", as_of=date(2026, 9, 30)).row(0)
    ('seeding', 'CNY', 5, 5000, 1000.0)
    """
    key = notes.lazy().select("note_id", key=by)
    visits = (
        claims.lazy()
        .filter(pl.col("claim_date") <= as_of)
        .group_by("note_id")
        .agg(daily_visitors=pl.col("visit_uv").sum())
        .filter(pl.col("daily_visitors") > 0)
    )
    in_task = pl.col("in_task")
    paid = (
        spend.lazy()
        .filter((pl.col("payer") == "brand") & (pl.col("spend_date") <= as_of))
        .join(key, on="note_id", how="semi")
        .group_by("note_id", "currency")
        .agg(
            task_spend_fen=pl.when(~in_task.is_null().any()).then(pl.col("amount_fen").filter(in_task).sum()),
        )
    )
    unknown = pl.col("task_spend_fen").is_null().any()
    rows = (
        paid.join(visits, on="note_id")
        .join(key, on="note_id")
        .group_by("key", "currency")
        .agg(pl.col("daily_visitors").sum(), task_spend_fen=pl.when(~unknown).then(pl.col("task_spend_fen").sum()))
        .with_columns(cpuv_fen=pl.col("task_spend_fen") / pl.col("daily_visitors"))
        .sort("key", "currency")
        .select(pl.col("key").alias(by), "currency", "daily_visitors", "task_spend_fen", "cpuv_fen")
    )
    return like(rows, claims)
