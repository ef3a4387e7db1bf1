"""The absorbing chain: states, transitions and outcomes, counted from paths or given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from models.encoded import Encoded
    from models.frames import AnyFrame

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]


class SingularChainError(ValueError):
    """Journeys can enter states from which they never end, so nothing can be computed about them."""


@dataclass(frozen=True)
class Chain:
    """An absorbing Markov chain over n transient states.

    `transitions`: n × n, probability of the step i → j; a row sums to 1 less the probability of ending at i.
    `start`: n, probability that a journey begins in i. `outcomes`: n × 2, from i: the probability that the journey
    converts there and then, and the value that it brings. `visits`: n, expected visits per journey, None where they
    have to be solved for. The note `notes[note[k]]` holds the state `state[k]`: its own at order 1, all that
    contain it above. Sorted by note.
    """

    notes: pl.Series
    transitions: sparse.csr_array
    start: Floats
    outcomes: Floats
    visits: Floats | None
    note: Ints
    state: Ints

    @property
    def one_state_per_note(self) -> bool:
        return bool(np.array_equal(self.note, self.state)) and self.note.size == self.start.size


@dataclass(frozen=True)
class Steps:
    """The states that journeys pass, one entry per state passed, in order.

    `journey`, `state`: row in the weights, row in `keys`. `keys`: per state its notes + 1 as digits in base
    `base`, the newest last.
    """

    journey: Ints
    state: Ints
    keys: NDArray[np.uint64]
    base: int
    order: int

    def members(self) -> tuple[Ints, Ints]:
        """Which note is in which state, sorted by note."""
        digits = np.stack([self.keys // np.uint64(self.base**k) % np.uint64(self.base) for k in range(self.order)])
        _, state = np.nonzero(digits)
        pairs = np.unique(np.column_stack([digits[digits > 0].astype(np.int64) - 1, state]), axis=0)
        return pairs[:, 0], pairs[:, 1]


def steps_of(encoded: Encoded, /, *, order: int) -> Steps:
    """The states of order k: the last k notes. A journey of fewer touches passes one state, of all it has.

    Raises:
        ValueError: `(notes + 1) ** order` does not fit into 64 bits.
    """
    journey, n_notes = encoded.journey.astype(np.int64), encoded.notes.len()
    if order == 1:
        keys = np.arange(1, n_notes + 1, dtype=np.uint64)
        return Steps(journey, encoded.note.astype(np.int64), keys, n_notes + 1, order)
    base = n_notes + 1
    if base**order >= 2**64:
        raise ValueError(f"{n_notes} notes at order {order} do not fit into a 64-bit key: use a lower order")
    newest = encoded.note.astype(np.uint64) + np.uint64(1)
    code, whole = newest.copy(), _ends(journey)
    for back in range(1, order):
        same = journey[back:] == journey[:-back]
        code[back:][same] += newest[:-back][same] * np.uint64(base**back)
        if back == order - 1:
            whole[back:] |= same
    rank = pl.Series(code[whole]).rank("dense").to_numpy().astype(np.int64) - 1
    return Steps(journey[whole], rank, np.unique(code[whole]), base, order)


def count_chain(encoded: Encoded, steps: Steps, /) -> Chain:
    """The chain of observed frequencies, each journey weighed by conversions + nulls.

    Counted so, the expected visits of a state are its observed visits per journey (in every state flow in equals
    flow out), and the chance to convert from the start is the observed rate.
    """
    n, state = steps.keys.size, steps.state
    ends = _ends(steps.journey)
    begins = np.roll(ends, 1)
    weights = encoded.weights.select(pl.col("conversions") + pl.col("nulls"), won="conversions", value="value")
    weight, won, value = (weights[name].to_numpy() for name in weights.columns)

    per_touch = weight[steps.journey]
    visits = np.bincount(state, per_touch, n)
    per_visit = np.divide(1.0, visits, out=np.zeros(n), where=visits > 0)
    onward = ~ends[:-1]
    pairs = (per_touch[:-1][onward], (state[:-1][onward], state[1:][onward]))
    ended, at = steps.journey[ends], state[ends]
    outcomes = [np.bincount(at, amount[ended], n) * per_visit for amount in (won, value)]
    total = float(per_touch[begins].sum()) or 1.0
    note, held = steps.members()
    return Chain(
        notes=encoded.notes,
        transitions=(sparse.diags_array(per_visit) @ sparse.coo_array(pairs, shape=(n, n)).tocsr()).tocsr(),
        start=np.bincount(state[begins], per_touch[begins], n) / total,
        outcomes=np.column_stack(outcomes),
        visits=visits / total,
        note=note,
        state=held,
    )


def chain_of_transitions(
    transitions: AnyFrame,
    /,
    *,
    start: str = "(start)",
    conversion: str = "(conversion)",
    null: str = "(null)",
) -> Chain:
    """The chain of order 1 that a table of transitions describes, with no journeys at hand.

    Args:
        transitions: `from_state`, `to_state` (String), `weight` (Float64, probabilities or counts: each state's are
            scaled to sum to 1).
        start: The state in which journeys begin.
        conversion: The state that converts, worth 1.
        null: The state of no conversion.

    Raises:
        ValueError: a weight is null, not finite or negative, or nothing leaves `start`.
        SingularChainError: journeys can come to states that lead neither to `conversion` nor to `null`.
    """
    edges = transitions.lazy().select("from_state", "to_state", pl.col("weight").cast(pl.Float64)).collect()
    weight = pl.col("weight")
    if (wrong := edges.filter(weight.is_null() | ~weight.is_finite() | (weight < 0))).height:
        raise ValueError(f"{wrong.height} of {edges.height} transitions have a weight that is null, not finite or "
                         f"negative, the first {wrong.row(0)}: expected a probability or a count")  # fmt: skip
    edges = edges.filter(weight > 0, ~pl.col("from_state").is_in([conversion, null]))
    if not (edges["from_state"] == start).any():
        raise ValueError(f"no transition leaves {start!r}: name the state in which journeys begin")
    names = pl.concat([edges[end].unique().cast(pl.String) for end in ("from_state", "to_state")]).unique().sort()
    notes = names.filter(~names.is_in([start, conversion, null])).alias("note_id")
    states = [*notes.to_list(), start, conversion, null]
    codes = {end: edges[end].cast(pl.Enum(states)).to_physical().to_numpy() for end in ("from_state", "to_state")}
    n = len(states)
    counts = sparse.coo_array((edges["weight"].to_numpy(), (codes["from_state"], codes["to_state"])), shape=(n, n))
    row_sums = np.asarray(counts.sum(axis=1)).ravel()
    scale = np.divide(1.0, row_sums, out=np.zeros(n), where=row_sums > 0)
    probability = (sparse.diags_array(scale) @ counts.tocsr()).tocsr()
    _check_absorbing(probability, states)
    k = len(notes)
    own = np.arange(k, dtype=np.int64)
    won = probability[:k, [k + 1]].toarray().ravel()
    return Chain(
        notes=notes,
        transitions=probability[:k, :k],
        start=probability[[k], :k].toarray().ravel(),
        outcomes=np.column_stack([won, np.zeros(k)]),
        visits=None,
        note=own,
        state=own,
    )


def _check_absorbing(probability: sparse.csr_array, states: list[str]) -> None:
    """`states` ends with start, conversion, null. Every state that the start reaches must reach one of the last two."""
    n = len(states)
    reached = csgraph.breadth_first_order(probability, n - 3, return_predecessors=False)
    backward = probability.T.tocsr()
    leads_out = np.zeros(n, dtype=bool)
    for end in (n - 2, n - 1):
        leads_out[csgraph.breadth_first_order(backward, end, return_predecessors=False)] = True
    reached = reached[reached < n - 2]
    stuck = sorted(states[i] for i in reached if not leads_out[i])
    if stuck:
        raise SingularChainError(
            f"{len(stuck)} of {len(reached)} states lead neither to {states[-2]!r} nor to {states[-1]!r}: "
            f"{', '.join(stuck[:10])}. I − Q is singular. Add how journeys end there, or leave these states out"
        )


def _ends(journey: Ints) -> NDArray[np.bool_]:
    """Whether an entry is the last of its journey."""
    return np.append(journey[1:] != journey[:-1], True)[: journey.size]
