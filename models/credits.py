"""Credits: the share of a conversion that each note gets, by every rule at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like
from models.register import RULES, is_additive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.frames import Frame
    from models.register import Rule

#: Columns that a model may not be named after.
KEYS = ("conversion_id", "note_id", "lane", "direct", "position")


def credits(journeys: Frame, /, *, models: Mapping[str, Rule] = RULES) -> Frame:  # noqa: A001
    """The share of each conversion that each note gets, one row per conversion and note.

    `share = Σ w of the note's touches / Σ w of all touches of the journey`, for the weight `w` of each rule. A rule
    that is not additive (participation) is not divided, and its shares do not sum to 1: keep it out of totals.

    Args:
        journeys: As `models.journeys.journeys` gives it, whole journeys only (a bucket of users will do).
        models: Name of the share's column → rule. Options are given by `functools.partial`:
            `{"time_decay_3d": partial(time_decay, half_life=timedelta(days=3))}`.

    Returns:
        Sorted by conversion and first touch: `conversion_id`, `note_id`, `lane`, `direct`, `position`
        (UInt32, of the note's first touch: the order in which ties are broken), and per model a Float64
        share. The shares of a conversion are non-negative and, of an additive rule, sum to 1 (within 1e-12).

    Raises:
        ValueError: a model is named like one of the key columns.

    >>> journey = pl.DataFrame({"conversion_id": "a", "note_id": ["n1", "n2", "n1"], "lane": "seeding",
    ...     "direct": True, "position": [1, 2, 3], "touches": 3})
    >>> credits(journey, models={"linear": RULES["linear"]}).select("note_id", "position", "linear").rows()
    [('n1', 1, 0.6666666666666666), ('n2', 2, 0.3333333333333333)]
    """
    if taken := sorted(set(models) & set(KEYS)):
        raise ValueError(f"{len(taken)} models are named like key columns: {', '.join(taken)}. Rename them")
    additive = [name for name, rule in models.items() if is_additive(rule)]
    shares = (
        journeys.lazy()
        .sort("conversion_id", "position")
        .with_columns(rule().alias(name) for name, rule in models.items())
        .group_by("conversion_id", "note_id", maintain_order=True)
        .agg(pl.col("lane", "direct", "position").first(), pl.col(*models).sum())
        .with_columns(pl.col(additive) / pl.col(additive).sum().over("conversion_id"))
        .select(*KEYS, *models)
    )
    return like(shares, journeys)
