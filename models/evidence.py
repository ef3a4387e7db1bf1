"""Evidence: whether the orders of a note are known one by one, or only claimed in sum by an exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like

if TYPE_CHECKING:
    from models.frames import AnyFrame, Frame


def evidenced(notes: Frame, lanes: AnyFrame, keyed: AnyFrame, /) -> Frame:
    """The notes with `evidence`: `order` or `claim`.

    A lane declares its evidence. Where it declares `claim`, a note that is touched by keyed users, or credited by a
    code or click, is evidenced order by order all the same; the others have only what an exchange claims.

    Args:
        notes: `note_id` (unique), `lane` String, and others, which are kept.
        lanes: `lane` (unique), `evidence` String.
        keyed: `note_id` of notes that have touches which an order can find, or credits.

    Returns:
        `notes` in their order, with `evidence`. A note of no known lane claims nothing: `order`.

    >>> notes = pl.DataFrame({"note_id": ["n1", "n2", "n3"], "lane": ["seeding", "seeding", "live"]})
    >>> lanes = pl.DataFrame({"lane": ["seeding", "live"], "evidence": ["claim", "order"]})
    >>> evidenced(notes, lanes, pl.DataFrame({"note_id": ["n2"]}))["evidence"].to_list()
    ['claim', 'order', 'order']
    """
    declared = lanes.lazy().select("lane", "evidence")
    known = keyed.lazy().select("note_id", is_keyed=pl.lit(value=True)).unique()
    judged = (
        notes.lazy()
        .join(declared, on="lane", how="left", maintain_order="left", validate="m:1")
        .join(known, on="note_id", how="left", maintain_order="left")
    )
    claimed = (pl.col("evidence") == "claim") & pl.col("is_keyed").is_null()
    evidence = pl.when(claimed).then(pl.lit("claim")).otherwise(pl.lit("order"))
    return like(judged.with_columns(evidence=evidence).drop("is_keyed"), notes)
