"""The Markov model: removal effects, credits, and shares of every touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.deferred import deferred, on_own_thread
from models.encoded import RESULT, encode, result
from models.frames import like
from models.markov.bounded import bounded_effects
from models.markov.chain import chain_of_transitions, count_chain, steps_of
from models.markov.exact import exact_effects
from models.markov.refits import refit_effects
from models.markov.stepwise import stepwise_effects

if TYPE_CHECKING:
    from models.encoded import Encoded
    from models.frames import AnyFrame, Frame
    from models.markov.chain import Chain, Floats

#: What becomes of journeys that would pass a removed note.
REMOVALS = ("null", "fail", "fail_refit", "detour")

#: Chains of more states are not factored, but bounded.
EXACT_STATES = 10_000

_EFFECTS = {
    "removal_effect": pl.Float64(),
    "removal_effect_error": pl.Float64(),
    "value_effect": pl.Float64(),
    "value_effect_error": pl.Float64(),
}


def markov(
    paths: Frame,
    journeys: AnyFrame,
    /,
    *,
    order: int = 1,
    removal: str = "null",
    with_nulls: bool = True,
    touch_column: str = "note_id",
    revenue_by: str = "conversions",
    exact_states: int = EXACT_STATES,
    tolerance: float = 1e-6,
) -> Frame:
    """Credits by removal effects in an absorbing Markov chain, exact and without simulation.

    Journeys are a chain from a start through states (the last `order` notes) to a conversion or to null, whose
    transition probabilities are the observed frequencies. The removal effect of a note is the share of conversions
    that the chain loses when journeys that come to any state holding the note go to null instead:

        RE(c) = 1 − P(conversion without c) / P(conversion),  credit(c) = conversions · RE(c) / Σ RE

    Source: Anderl, Becker, von Wangenheim and Schumann (2016), "Mapping the customer journey", IJRM 33 (3). How it
    is computed stands in `markov_effects`. A result agrees with every exact implementation; simulated ones come
    near it.

    Conservation: credits sum to the conversions, and to the revenue, of the journeys that have a touch; each is
    non-negative. A journey without touches changes nothing: it stays unattributed. Limits: an effect is no causal
    estimate; order 1 forgets all but the last note; repeats in a row change nothing at order 1.

    Edges: of one note, RE = 1. If all journeys convert (or `with_nulls=False`), RE is the chance to meet the note.
    If none converts, all effects and credits are 0; so is all revenue if the value is 0. A note in no journey that
    weighs anything has effect 0 and stays in the result. Journeys that end cannot make an absorbing loop; a table
    of transitions can, see `markov_transition_effects`. `fail_refit` and `detour` may give effects of both signs:
    then there are no shares, and conversions and revenue are null.

    Args:
        paths: `journey_id`, the touch column, `position` (see `models.paths`).
        journeys: `journey_id`, `conversions`, `value`, `nulls`.
        order: How many notes a state remembers: 1, 2 or 3.
        removal: `null`, as above; `fail`, `fail_refit`, `detour`: see `models.markov.refits`.
        with_nulls: Whether journeys that did not convert count.
        touch_column: What a touch is of: note, creator, campaign, category, lane.
        revenue_by: `conversions`: revenue is split as conversions are. `value`: by the removal effects on value,
            where a state is worth the revenue of the conversions after it, as ChannelAttribution does.
        exact_states: Up to so many states the chain is factored (8 bytes × states², time ~ states³).
        tolerance: At order 2 and 3 beyond that: the largest error of an effect.

    Returns:
        Sorted by name: the touch column (String), `conversions`, `revenue` (Float64, the unit of `value`),
        `removal_effect`.

    Raises:
        ValueError: an option is none of those named, a weight is null, not finite or negative, or a journey id
            occurs twice.

    >>> from models.paths import paths_from_aggregated
    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["C1 > C2 > C3", "C1", "C2 > C3"],
    ...     "total_conversions": [1, 0, 0], "total_conversion_value": [1000.0, 0.0, 0.0], "total_null": [0, 1, 1]}))
    >>> markov(paths, journeys).with_columns(pl.col(pl.Float64).round(9)).rows()
    [('C1', 0.2, 200.0, 0.5), ('C2', 0.4, 400.0, 1.0), ('C3', 0.4, 400.0, 1.0)]
    """
    _check_options(order=order, removal=removal)
    if revenue_by not in ("conversions", "value"):
        raise ValueError(f"revenue_by must be conversions or value, got {revenue_by!r}")

    def compute() -> pl.DataFrame:
        encoded = encode(paths, journeys, touch_column=touch_column, with_nulls=with_nulls)
        effects, _ = _effects(encoded, order=order, removal=removal, exact_states=exact_states, tolerance=tolerance)
        touched = encoded.touched()
        conversions, revenue = (float(touched[name].sum()) for name in ("conversions", "value"))
        by_conversions = _shares(effects[:, 0])
        by_revenue = by_conversions if revenue_by == "conversions" else _shares(effects[:, 1])
        return result(
            encoded.notes,
            conversions=None if by_conversions is None else by_conversions * conversions,
            revenue=None if by_revenue is None else by_revenue * revenue,
            removal_effect=effects[:, 0],
        )

    return deferred(compute, paths, schema={touch_column: pl.String(), **RESULT})


def markov_effects(
    paths: Frame,
    journeys: AnyFrame,
    /,
    *,
    order: int = 1,
    removal: str = "null",
    with_nulls: bool = True,
    touch_column: str = "note_id",
    exact_states: int = EXACT_STATES,
    tolerance: float = 1e-6,
) -> Frame:
    """Removal effects with the bounds of their errors.

    Up to `exact_states` states one factorisation gives all effects (`models.markov.exact`), error 0. Beyond,
    order 1 is bounded by the leading directions of the chain (`models.markov.bounded`), and orders 2 and 3 are
    followed step by step until `tolerance` (`models.markov.stepwise`). Options as for `markov`.

    Returns:
        Sorted by name: the touch column, `removal_effect`, `removal_effect_error`, `value_effect`,
        `value_effect_error` (Float64): the effects on conversions and on value, and how far at most the exact ones
        are from them.

    >>> from models.paths import paths_from_aggregated
    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["A > B", "A"], "total_conversions": [1, 0],
    ...     "total_null": [0, 1]}))
    >>> markov_effects(paths, journeys).select("note_id", "removal_effect", "removal_effect_error").rows()
    [('A', 1.0, 0.0), ('B', 1.0, 0.0)]
    """
    _check_options(order=order, removal=removal)

    def compute() -> pl.DataFrame:
        encoded = encode(paths, journeys, touch_column=touch_column, with_nulls=with_nulls)
        return _effects_frame(
            encoded.notes,
            *_effects(encoded, order=order, removal=removal, exact_states=exact_states, tolerance=tolerance),
        )

    return deferred(compute, paths, schema={touch_column: pl.String(), **_EFFECTS})


def markov_transition_effects(
    transitions: Frame,
    /,
    *,
    start: str = "(start)",
    conversion: str = "(conversion)",
    null: str = "(null)",
    exact_states: int = EXACT_STATES,
) -> Frame:
    """Removal effects (to null) of a chain of order 1 that is given as a table of transitions.

    Args:
        transitions: `from_state`, `to_state` (String), `weight` (probabilities or counts, scaled per state).
        start: The state in which journeys begin.
        conversion: The state that converts.
        null: The state of no conversion.
        exact_states: As for `markov`.

    Returns:
        As `markov_effects`, by `note_id`; value effects are 0. States that no journey comes to have effect 0.

    Raises:
        ValueError: a weight is null, not finite or negative, or nothing leaves `start`.
        SingularChainError: journeys can come to states that lead to no end; the message names them.

    >>> table = pl.DataFrame({"from_state": ["(start)", "A", "A"], "to_state": ["A", "(conversion)", "(null)"],
    ...     "weight": [1.0, 0.25, 0.75]})
    >>> markov_transition_effects(table).select("note_id", "removal_effect").rows()
    [('A', 1.0)]
    """

    def compute() -> pl.DataFrame:
        chain = chain_of_transitions(transitions, start=start, conversion=conversion, null=null)
        return _effects_frame(chain.notes, *_chain_effects(chain, exact_states=exact_states, tolerance=1e-6))

    return deferred(compute, transitions, schema={"note_id": pl.String(), **_EFFECTS})


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
    >>> journey = pl.DataFrame({"conversion_id": ["a"] * 3, "note_id": ["n1", "n2", "n1"]})
    >>> journey.select(markov_weight(effects=effects)).to_series().to_list()
    [0.3, 0.2, 0.3]
    """
    known = _check_effects(effects.select("note_id", _effect=pl.col("removal_effect").fill_null(0.0)))
    effect = pl.col("note_id").replace_strict(known["note_id"], known["_effect"], default=0.0, return_dtype=pl.Float64)
    # Notes without effect share a journey of their own equally, and have next to nothing of any other.
    return effect.clip(lower_bound=1e-300) / pl.len().over("conversion_id", "note_id")


def markov_transitions(paths: Frame, journeys: AnyFrame, /, *, touch_column: str = "note_id") -> Frame:
    """The transitions of order 1 counted as a table, for `markov_transition_effects`.

    It adds up: the tables of several buckets of users, concatenated, are the table of all.

    Args:
        paths: As for `markov`.
        journeys: As for `markov`.
        touch_column: What a touch is of; none may be named like one of the three ends.

    Returns:
        Sorted: `from_state`, `to_state` (String; `(start)`, `(conversion)` and `(null)` beside the touches), `weight`
        (Float64, how often).

    >>> from models.paths import paths_from_aggregated
    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["A > B", "A"], "total_conversions": [2, 0],
    ...     "total_null": [1, 4]}))
    >>> markov_transitions(paths, journeys).rows()
    [('(start)', 'A', 7.0), ('A', '(null)', 4.0), ('A', 'B', 3.0), ('B', '(conversion)', 2.0), ('B', '(null)', 1.0)]
    """
    here, there = pl.col("from_state"), pl.col("to_state")
    last = pl.col("journey_id").ne_missing(pl.col("journey_id").shift(-1))
    steps = (
        paths.lazy()
        .filter(pl.col(touch_column).is_not_null())
        .join(journeys.lazy().select("journey_id", "conversions", "nulls"), on="journey_id")
        .sort("journey_id", "position")
        .select(
            "journey_id",
            "conversions",
            "nulls",
            from_state=pl.col(touch_column).cast(pl.String),
            to_state=pl.col(touch_column).cast(pl.String).shift(-1),
            first=pl.col("journey_id").ne_missing(pl.col("journey_id").shift(1)),
            last=last,
        )
    )
    number = pl.col("conversions") + pl.col("nulls")
    begun = steps.filter("first").group_by(to_state=here).agg(weight=number.sum())
    ended = steps.filter("last").group_by("from_state")
    parts = [
        begun.select(pl.lit("(start)").alias("from_state"), there, "weight"),
        steps.filter(~pl.col("last")).group_by("from_state", "to_state").agg(weight=number.sum()),
        ended.agg(weight=pl.col("conversions").sum()).select(here, pl.lit("(conversion)").alias("to_state"), "weight"),
        ended.agg(weight=pl.col("nulls").sum()).select(here, pl.lit("(null)").alias("to_state"), "weight"),
    ]
    return like(pl.concat(parts).filter(pl.col("weight") > 0).sort("from_state", "to_state"), paths)


def _effects(
    encoded: Encoded, *, order: int, removal: str, exact_states: int, tolerance: float
) -> tuple[Floats, Floats]:
    steps = steps_of(encoded, order=order)
    if removal != "null":
        effects = refit_effects(encoded, steps, removal=removal)
        return effects, np.zeros_like(effects)
    return _chain_effects(count_chain(encoded, steps), exact_states=exact_states, tolerance=tolerance)


def _chain_effects(chain: Chain, *, exact_states: int, tolerance: float) -> tuple[Floats, Floats]:
    if chain.start.size <= exact_states:
        return on_own_thread(exact_effects, chain)
    if chain.one_state_per_note:
        return on_own_thread(bounded_effects, chain, tolerance=tolerance)
    return on_own_thread(stepwise_effects, chain, tolerance=tolerance)


def _effects_frame(notes: pl.Series, effects: Floats, errors: Floats) -> pl.DataFrame:
    columns = (effects[:, 0], errors[:, 0], effects[:, 1], errors[:, 1])
    return pl.DataFrame([notes.cast(pl.String), *map(pl.Series, _EFFECTS, columns)])


def _shares(effects: Floats) -> Floats | None:
    """Effects as shares of their sum, None where they have both signs; 0 where all are 0."""
    if (effects > 0).any() and (effects < 0).any():
        return None
    total = effects.sum()
    return effects / total if total else np.zeros_like(effects)


def _check_options(*, order: int, removal: str) -> None:
    if order not in (1, 2, 3):
        raise ValueError(f"order must be 1, 2 or 3, got {order}")
    if removal not in REMOVALS:
        raise ValueError(f"removal must be one of {', '.join(REMOVALS)}, got {removal!r}")


def _check_effects(effects: pl.DataFrame) -> pl.DataFrame:
    if (negative := effects.filter(pl.col("_effect") < 0)).height:
        raise ValueError(
            f"{negative.height} of {effects.height} removal effects are negative, such as {negative.row(0)}: shares "
            "need effects >= 0. Use removal='null' or 'fail'"
        )
    return effects
