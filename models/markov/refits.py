"""Removal by changing the journeys and counting the chain anew: three published strategies, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.encoded import Encoded
    from models.markov.chain import Floats, Ints, Steps


def refit_effects(encoded: Encoded, steps: Steps, /, *, removal: str) -> Floats:
    """Removal effects of all notes, notes × 2 (by conversions, by value), for `fail`, `fail_refit` or `detour`.

    A chain counted from journeys converts from its start at exactly the rate that was observed. So what a chain
    refitted without a note would give needs no chain: with T journeys, V of them converting, and for a note V⁺ the
    converting ones that hold it, E the journeys that nothing is left of (E⁺ converting),

    | removal | journeys with the note | refitted rate r' | effect |
    |---|---|---|---|
    | `fail` | fail, and all count | (V − V⁺) / T | 1 − r' / r = V⁺ / V |
    | `fail_refit` | fail; empty ones are dropped | (V − V⁺) / (T − E) | 1 − r' / r |
    | `detour` | pass it by, and keep their outcome; empty ones are dropped | (V − E⁺) / (T − E) | r' / r − 1 |

    where r = V / T. Where no journey is left the effect is 1. Source: do-attribution 0.0.2, whose names these are.
    `fail` is never negative; the others may be, and then have no shares. The order matters to `fail_refit` alone:
    a journey is empty when every state that it passes holds the note.
    """
    n_notes, n_journeys = encoded.notes.len(), encoded.weights.height
    journey, note, touches = _count(encoded.journey.astype(np.int64), encoded.note.astype(np.int64), n_notes)
    passed = np.bincount(encoded.journey, minlength=n_journeys)
    empty = touches == passed[journey]
    if removal == "fail_refit" and steps.order > 1:
        empty = _empty_by_states(steps, journey, note, n_notes, n_journeys)

    present = passed > 0
    weighed = encoded.weights
    number = np.where(present, (weighed["conversions"] + weighed["nulls"]).to_numpy(), 0.0)
    effects = np.zeros((n_notes, 2))
    total = number.sum()
    dropped = np.zeros(n_notes) if removal == "fail" else np.bincount(note[empty], number[journey[empty]], n_notes)
    kept = total - dropped
    for k, name in enumerate(("conversions", "value")):
        won = np.where(present, weighed[name].to_numpy(), 0.0)
        lost = empty if removal == "detour" else np.ones_like(empty)
        left = won.sum() - np.bincount(note[lost], won[journey[lost]], n_notes)
        if won.sum() > 0:
            ratio = np.divide(left * total, kept * won.sum(), out=np.zeros(n_notes), where=kept > 0)
            effect = ratio - 1 if removal == "detour" else 1 - ratio
            effects[:, k] = np.where(kept > 0, effect, 1.0)
    return np.where(np.abs(effects) < 1e-14, 0.0, effects)


def _count(journey: Ints, note: Ints, n_notes: int) -> tuple[Ints, Ints, Ints]:
    """Each pair of journey and note once, with how often it occurs."""
    pair, times = np.unique(journey * n_notes + note, return_counts=True)
    return pair // n_notes, pair % n_notes, times


def _empty_by_states(steps: Steps, journey: Ints, note: Ints, n_notes: int, n_journeys: int) -> Ints:
    """Whether every state that a journey passes holds the note, for each pair of journey and note."""
    held_note, held_state = steps.members()
    by_state = np.argsort(held_state, kind="stable")
    sizes = np.bincount(held_state, minlength=steps.keys.size)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    repeats = sizes[steps.state]
    offset = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    held = held_note[by_state][np.repeat(starts[steps.state], repeats) + offset]
    _, _, states_with = _count(np.repeat(steps.journey, repeats), held, n_notes)
    return np.asarray(states_with == np.bincount(steps.journey, minlength=n_journeys)[journey])
