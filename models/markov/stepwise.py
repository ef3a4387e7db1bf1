"""Removal effects of large chains of order 2 and 3, step by step, each with a bound on its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.markov.bounded import solve_values

if TYPE_CHECKING:
    from models.markov.chain import Chain, Floats

#: Numbers held at a time.
BLOCK = 2**25

#: Steps after which what is left is left to the bound.
MOST_STEPS = 10_000

#: Multiplications that are worth waiting for: some ten minutes of one core.
MOST_WORK = 5e10


def stepwise_effects(chain: Chain, /, *, tolerance: float, most_work: float = MOST_WORK) -> tuple[Floats, Floats]:
    """Removal effects of all notes, notes × 2, and bounds on their absolute error, at most `tolerance`.

    Journeys are followed from the start, all notes of a block at once, each until it hits a state of its note. After
    k steps, with h the hits so far and a what is still on its way, `h · b <= RE · b[s] <= h · b + a · b`, as from
    state i no more than b[i] can still be lost. The middle is given, and half the distance as the bound; steps go
    on until that is below `tolerance`. Exact in the limit, at any order.

    Time ~ transitions × notes × steps (a step leaves the share of journeys that go on; some 60 for 1e-6).

    Raises:
        ValueError: that is expected to be more than `most_work`.
    """
    n, n_notes = chain.start.size, chain.notes.len()
    if (work := _expected_work(chain, tolerance)) > most_work:
        raise ValueError(
            f"{n_notes:,} notes pass {n:,} states of more than one note: {work:.0e} multiplications are expected, more "
            f"than {most_work:.0e} (some ten minutes). Lower the order, credit creators or campaigns (touch_column), "
            "collapse repeats (models.paths.treat), or allow a larger tolerance"
        )
    values = solve_values(chain)
    base = chain.start @ values
    per_state = np.divide(values, base, out=np.zeros_like(values), where=base > 0)
    onward = chain.transitions.T.tocsr()
    bounds = np.searchsorted(chain.note, np.arange(n_notes + 1))
    least, left = np.zeros((n_notes, 2)), np.zeros((n_notes, 2))
    width = max(BLOCK // max(n, 1), 1)
    for first in range(0, n_notes, width):
        notes = slice(first, min(first + width, n_notes))
        held = slice(bounds[notes.start], bounds[notes.stop])
        state, column = chain.state[held], chain.note[held] - first
        way = np.repeat(chain.start[:, None], notes.stop - notes.start, axis=1)
        for _ in range(MOST_STEPS):
            hits = way[state, column]
            for k in range(2):
                least[notes, k] += np.bincount(column, hits * per_state[state, k], notes.stop - notes.start)
            way[state, column] = 0.0
            left[notes] = way.T @ per_state
            if left[notes].max(initial=0.0) <= 2 * tolerance:
                break
            way = onward @ way
    return least + left / 2, left / 2


def _expected_work(chain: Chain, tolerance: float) -> float:
    """Transitions × notes × steps until the share of journeys that are still on their way is below `tolerance`."""
    length = 1.0 if chain.visits is None else max(float(chain.visits.sum()), 1.0)
    steps = np.log(tolerance) / np.log1p(-1 / (length + 1))
    return float(chain.transitions.nnz * chain.notes.len() * steps)
