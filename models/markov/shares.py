"""Conversions credited one by one, by removal effects that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like

if TYPE_CHECKING:
    from models.frames import AnyFrame, Frame


def markov_shares(paths: Frame, effects: AnyFrame, /, *, touch_column: str = "note_id") -> Frame:
    """The share of every touch in its own journey, by removal effects, so that conversions are credited one by one.

    `share = RE(note) / Σ RE of the distinct notes of the journey / touches of the note in the journey`. Notes whose
    effects are all 0 share a journey equally. Conservation: the shares of a journey sum to 1, so credits sum to
    the conversions exactly; per note they are not those of `markov`, which divides the total at once, but keep
    each conversion with the notes that it met.

    Args:
        paths: As for `markov`.
        effects: The touch column and `removal_effect`, of `markov`, `markov_effects` or an earlier period. A note
            that it lacks counts as 0.
        touch_column: What a touch is of.

    Returns:
        `paths` with `share` (Float64), sorted by journey and position; rows without touch are left out.

    Raises:
        ValueError: an effect is negative (when collected, if lazy).

    >>> paths = pl.DataFrame({"journey_id": [1, 1, 1], "note_id": ["A", "B", "A"], "position": [1, 2, 3]})
    >>> effects = pl.DataFrame({"note_id": ["A", "B"], "removal_effect": [0.6, 0.2]})
    >>> markov_shares(paths, effects)["share"].round(3).to_list()
    [0.375, 0.25, 0.375]
    """
    known = (
        effects.lazy()
        .select(pl.col(touch_column), pl.col("removal_effect").fill_null(0.0).alias("_effect"))
        .map_batches(_check_effects)
    )
    touches = pl.len().over("journey_id", touch_column)
    part = pl.col("_effect").fill_null(0.0) / touches
    total = pl.col("_part").sum().over("journey_id")
    equal = 1.0 / (touches * pl.col(touch_column).n_unique().over("journey_id"))
    shares = (
        paths.lazy()
        .filter(pl.col(touch_column).is_not_null())
        .join(known, on=touch_column, how="left")
        .with_columns(part.alias("_part"))
        .with_columns(pl.when(total > 0).then(pl.col("_part") / total).otherwise(equal).alias("share"))
        .drop("_effect", "_part")
        .sort("journey_id", "position")
    )
    return like(shares, paths)


def markov_weight(*, effects: pl.DataFrame) -> pl.Expr:
    """Removal effects as a rule, for `models.credits.credits`: `w = RE(note) / touches of the note in the journey`.

    Divided by their sum over the journey, the weights are the shares of `markov_shares`; bind `effects` by
    `functools.partial`. Source, conservation and limits as there.

    Args:
        effects: `note_id` (unique) and `removal_effect`; a note that it lacks counts as 0.

    Raises:
        ValueError: an effect is negative.

    >>> effects = pl.DataFrame({"note_id": ["n1", "n2"], "removal_effect": [0.6, 0.2]})
    >>> journey = pl.DataFrame({"note_id": ["n1", "n2", "n1"], "repeats": [2, 1, 2]})
    >>> journey.select(markov_weight(effects=effects)).to_series().to_list()
    [0.3, 0.2, 0.3]
    """
    known = _check_effects(effects.select("note_id", _effect=pl.col("removal_effect").fill_null(0.0)))
    effect = pl.col("note_id").replace_strict(known["note_id"], known["_effect"], default=0.0, return_dtype=pl.Float64)
    # Notes without effect share a journey of their own equally, and have next to nothing of any other.
    return effect.clip(lower_bound=1e-300) / pl.col("repeats")


def _check_effects(effects: pl.DataFrame) -> pl.DataFrame:
    if (negative := effects.filter(pl.col("_effect") < 0)).height:
        raise ValueError(
            f"{negative.height} of {effects.height} removal effects are negative, such as {negative.row(0)}: shares "
            "need effects >= 0. Use removal='null' or 'fail'"
        )
    return effects
