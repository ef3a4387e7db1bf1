"""The Markov model: removal effects and credits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.deferred import deferred, on_own_thread
from models.encoded import RESULT, encode, result
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
        ValueError: an option is none of those named, a weight is null, not finite or negative, a journey id
            occurs twice, or order 2 or 3 meets so many states and notes that it would take more than some ten
            minutes (`models.markov.stepwise.MOST_WORK`).

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
