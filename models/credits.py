"""Credits: the share of a conversion that each note gets, by every rule at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.deferred import deferred
from models.register import RULES, is_additive
from models.runs import occurrences, starts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.frames import Frame
    from models.money import Floats, Ints
    from models.register import Rule

#: Days between click and payment by which platforms report what a link sold; each includes those before it.
HORIZONS = (7, 15, 30)

#: Columns that a model may not be named after.
KEYS = ("conversion_id", "note_id", "lane", "direct", "clicked", "within_days", "position")
_OF_TOUCH = tuple(name for name in KEYS if name not in ("clicked", "within_days"))


def credits(journeys: Frame, /, *, models: Mapping[str, Rule] = RULES) -> Frame:  # noqa: A001
    """The share of each conversion that each note gets, one row per conversion and note.

    `share = Σ w of the note's touches / Σ w of all touches of the journey`, for the weight `w` of each rule. A rule
    that is not additive (participation) is not divided, and its shares do not sum to 1: keep it out of totals.

    Args:
        journeys: As `models.journeys.journeys` gives it, whole journeys only (a bucket of users will do).
        models: Name of the share's column → rule. Options are given by `functools.partial`:
            `{"time_decay_3d": partial(time_decay, half_life=timedelta(days=3))}`.

    Returns:
        Sorted by conversion and first touch: `conversion_id`, `note_id`, `lane`, `direct`, `clicked` (Boolean:
        the journey holds a click of the note, so that its credit is click-through, else view-through),
        `within_days` (Int64: the least of `HORIZONS` that reaches from the payment back to the note's last click;
        null beyond them and where there is no click), `position` (UInt32, of the note's first
        touch: the order in which ties are broken), and per model a Float64
        share. The shares of a conversion are non-negative and, of an additive rule, sum to 1 (within 1e-12).

    Raises:
        ValueError: a model is named like one of the key columns.

    >>> from datetime import timedelta
    >>> journey = pl.DataFrame({"conversion_id": "a", "note_id": ["n1", "n2", "n1"], "lane": "seeding",
    ...     "kind": ["click", "impression", "impression"], "age": [timedelta(days=d) for d in (9, 5, 1)],
    ...     "direct": True, "position": [1, 2, 3], "touches": 3})
    >>> shares = credits(journey, models={"linear": RULES["linear"]})
    >>> shares.select("note_id", "clicked", "within_days", "linear").rows()
    [('n1', True, 15, 0.6666666666666666), ('n2', False, None, 0.3333333333333333)]
    """
    if taken := sorted(set(models) & set(KEYS)):
        raise ValueError(f"{len(taken)} models are named like key columns: {', '.join(taken)}. Rename them")

    def compute() -> pl.DataFrame:
        touches = journeys.lazy().collect()
        if not touches.select(pl.struct("conversion_id", "position").is_sorted()).item():
            touches = touches.sort("conversion_id", "position")
        journey = touches["conversion_id"].rle_id().to_numpy()
        first, repeats = occurrences(journey, touches["note_id"].cast(pl.Categorical).to_physical().to_numpy())
        counted = touches.with_columns(pl.Series("repeats", repeats, dtype=pl.UInt32))
        weights = counted.select(rule().cast(pl.Float64).alias(name) for name, rule in models.items())
        lines = _Lines.of(journey, first)
        shares = [
            pl.Series(name, lines.shares(weights[name].to_numpy(), divided=is_additive(rule)))
            for name, rule in models.items()
        ]
        clicks = _last_clicks(touches.select("kind", "age", line=pl.Series(first)))
        named = touches.select(pl.int_range(pl.len()).alias("line"), *_OF_TOUCH).filter(lines.kept)
        kept = named.join(clicks, on="line", how="left", maintain_order="left")
        return kept.select(KEYS).with_columns(shares, clicked=pl.col("clicked").fill_null(value=False))

    given = {**journeys.lazy().collect_schema(), "clicked": pl.Boolean(), "within_days": pl.Int64()}
    schema = {**{name: given[name] for name in KEYS}, **dict.fromkeys(models, pl.Float64())}
    return deferred(compute, journeys, schema=schema)


def _last_clicks(touches: pl.DataFrame) -> pl.DataFrame:
    """The lines of credit whose note was clicked, and within how many days before the payment it last was."""
    age = pl.col("age").min()
    reaching = [pl.when(age <= pl.duration(days=days)).then(pl.lit(days, pl.Int64)) for days in HORIZONS]
    clicks = touches.filter(pl.col("kind") == "click")
    return clicks.group_by("line").agg(clicked=pl.lit(value=True), within_days=pl.coalesce(reaching))


@dataclass(frozen=True)
class _Lines:
    """How touches become lines of credit, one for each note of a journey, where it is first touched.

    `kept`: whether a touch is the first of its note. `again`: the touches that are not, and `to`: the first ones of
    their notes. `starts`, `lengths`: of the journeys among the lines.
    """

    kept: NDArray[np.bool_]
    again: Ints
    to: Ints
    starts: Ints
    lengths: Ints

    @classmethod
    def of(cls, journey: NDArray[np.uint32], first: Ints) -> _Lines:
        kept = first == np.arange(first.size)
        again = np.flatnonzero(~kept)
        journey = journey[kept]
        begins = starts(journey)
        return cls(kept, again, first[again], begins, np.diff(begins, append=journey.size))

    def shares(self, weight: Floats, *, divided: bool) -> Floats:
        """The weight of each line, `divided` by the sum over its journey or not."""
        if self.again.size:
            weight = weight.copy()
            np.add.at(weight, self.to, weight[self.again])
            weight = weight[self.kept]
        if not divided or not weight.size:
            return weight
        shares: Floats = weight / np.repeat(np.add.reduceat(weight, self.starts), self.lengths)
        return shares
