"""Shapley value: what a note adds, averaged over every order in which notes could join."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.deferred import deferred
from models.encoded import RESULT, encode, result
from models.frames import like

if TYPE_CHECKING:
    from models.frames import AnyFrame, Frame


def shapley(paths: Frame, journeys: AnyFrame, /, *, touch_column: str = "note_id") -> Frame:
    """The exact Shapley value of every note, in one pass, for any number of notes.

    The game: `v(S)` = the conversions (or revenue) of the journeys whose notes all lie in S. That is a sum of
    unanimity games, one per journey, and the value of a unanimity game is split equally over its players. So

        φ(c) = Σ over journeys j with c in S(j) of v(j) / |S(j)|,  S(j) = the distinct notes of j

    exactly, with no coalition ever enumerated. Source: Shapley (1953), "A value for n-person games", for the value and
    its additivity, from which this follows; as a simplified calculation for attribution: Zhao, Mahboobi and Bagheri
    (2018), "Shapley Value Methods for Attribution Modeling in Online Advertising", arXiv:1804.05327.

    Conservation: credits sum to the conversions, and to the revenue, of the journeys that have a touch; each is
    non-negative. Limits: journeys that did not convert, repeats and order count for nothing. Other packages call
    other games Shapley (of conversion rates, or of the largest coalitions only); their figures differ. A journey
    without touches changes nothing; a note without conversions has 0.

    Args:
        paths: `journey_id`, the touch column, `position` (see `models.paths`).
        journeys: `journey_id`, `conversions`, `value`, `nulls`.
        touch_column: What a touch is of.

    Returns:
        Sorted by name: the touch column (String), `conversions`, `revenue` (Float64, the unit of `value`),
        `removal_effect` (null: this model has none).

    Raises:
        ValueError: a weight is null, not finite or negative, or a journey id occurs twice.

    >>> from models.paths import paths_from_aggregated
    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["A > B > A", "A"],
    ...     "total_conversions": [2, 3], "total_conversion_value": [20.0, 30.0]}))
    >>> shapley(paths, journeys).rows()
    [('A', 4.0, 40.0, None), ('B', 1.0, 10.0, None)]
    """

    def compute() -> pl.DataFrame:
        encoded = encode(paths, journeys, touch_column=touch_column, with_nulls=False)
        n_notes = np.uint64(max(encoded.notes.len(), 1))
        # One integer per journey and note: sorted, the notes of a journey stand together.
        pair = pl.Series(encoded.journey.astype(np.uint64) * n_notes + encoded.note).unique().sort().to_numpy()
        journey, note = (pair // n_notes).astype(np.int64), (pair % n_notes).astype(np.int64)
        players = np.bincount(journey, minlength=encoded.weights.height)[journey]
        credit = {
            name: np.bincount(note, encoded.weights[name].to_numpy()[journey] / players, encoded.notes.len()).astype(
                np.float64
            )
            for name in ("conversions", "value")
        }
        return result(encoded.notes, conversions=credit["conversions"], revenue=credit["value"])

    return deferred(compute, paths, schema={touch_column: pl.String(), **RESULT})


def shapley_ordered(
    paths: Frame, journeys: AnyFrame, /, *, touch_column: str = "note_id", by_position: bool = False
) -> Frame:
    """The ordered Shapley value: the same credit, told apart by the position at which a note stood.

        φ(c, i) = Σ over journeys j with c at position i of v(j) / (|S(j)| · n(c, j))

    where n(c, j) counts the positions of c in j: a note that stands at several splits its part equally over them.
    Source: the ordered Shapley value of Zhao, Mahboobi and Bagheri (2018), arXiv:1804.05327. Conservation:
    `Σ over i of φ(c, i) = φ(c)`: per note the ordered variant sums to `shapley`, as the paper intends; what it adds
    is the stage of the journey, so ask for it `by_position`. Limits, errors and edges as for `shapley`; positions
    are those of the paths as given, so `models.paths.treat` changes them.

    Args:
        paths: As for `shapley`.
        journeys: As for `shapley`.
        touch_column: What a touch is of.
        by_position: One row per note and position, instead of one per note.

    Returns:
        As `shapley`; `by_position` adds `position` after the touch column and leaves out pairs that never occur.

    >>> from models.paths import paths_from_aggregated
    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["A > B > A"], "total_conversions": [2]}))
    >>> shapley_ordered(paths, journeys, by_position=True).select("note_id", "position", "conversions").rows()
    [('A', 1, 0.5), ('A', 3, 0.5), ('B', 2, 1.0)]
    """
    if not by_position:
        return shapley(paths, journeys, touch_column=touch_column)
    position = paths.lazy().collect_schema()["position"]
    credited = (
        shapley_shares(paths.lazy(), touch_column=touch_column)
        .join(journeys.lazy().select("journey_id", "conversions", "value"), on="journey_id")
        .group_by(pl.col(touch_column).cast(pl.String), "position")
        .agg(
            (pl.col("share") * pl.col("conversions")).sum().alias("conversions"),
            (pl.col("share") * pl.col("value")).sum().alias("revenue"),
        )
        .sort(touch_column, "position")
        .with_columns(pl.col("position").cast(position), pl.lit(None, pl.Float64).alias("removal_effect"))
    )
    return like(credited, paths)


def shapley_shares(paths: Frame, /, *, touch_column: str = "note_id") -> Frame:
    """The Shapley share of every touch in its journey: `1 / (|S| · n)`, the n touches of a note sharing its part.

    Summed over journeys, times their conversions, this is `shapley` exactly; so a conversion can be credited
    one by one, to the fen. Conservation: the shares of a journey sum to 1.

    Returns:
        `paths` with `share` (Float64), in the order of its rows; rows without touch are left out.

    >>> shapley_shares(pl.DataFrame({"journey_id": [1] * 3, "note_id": ["A", "B", "A"], "position": [1, 2, 3]}))[
    ...     "share"].to_list()
    [0.25, 0.5, 0.25]
    """
    players = pl.col(touch_column).n_unique().over("journey_id")
    repeats = pl.len().over("journey_id", touch_column)
    shares = (
        paths.lazy().filter(pl.col(touch_column).is_not_null()).with_columns((1.0 / (players * repeats)).alias("share"))
    )
    return like(shares, paths)


def shapley_weight() -> pl.Expr:
    """The Shapley value as a rule, for `models.credits.credits`: `w = 1 / touches of the note in the journey`.

    Divided by their sum over the journey, the weights are the shares of `shapley_shares`. Source, conservation and
    limits as for `shapley`.

    >>> journey = {"note_id": ["n1", "n2", "n1"], "repeats": [2, 1, 2]}
    >>> pl.DataFrame(journey).select(shapley_weight()).to_series().to_list()
    [0.5, 1.0, 0.5]
    """
    return 1.0 / pl.col("repeats")
