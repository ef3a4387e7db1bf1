"""The chain of order 1 as a table that adds up over buckets of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import sparse

from models.deferred import deferred
from models.encoded import encode
from models.runs import starts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.encoded import Encoded
    from models.frames import AnyFrame, Frame

ENDS = ("(start)", "(conversion)", "(null)")

#: A table of transitions names few states in many rows.
_TABLE = {"from_state": pl.Categorical(), "to_state": pl.Categorical(), "weight": pl.Float64()}


def markov_transitions(paths: Frame, journeys: AnyFrame, /, *, touch_column: str = "note_id") -> Frame:
    """The transitions of order 1 counted as a table, for `markov_transition_effects`.

    It adds up: the tables of several buckets of users, concatenated or summed (`TransitionSum`), are the table of all.

    Args:
        paths: As for `markov`.
        journeys: As for `markov`.
        touch_column: What a touch is of; none may be named like one of the three ends.

    Returns:
        Sorted, ends last: `from_state`, `to_state` (Categorical; `(start)`, `(conversion)` and `(null)` beside the
        touches), `weight` (Float64, how often).

    Raises:
        ValueError: a weight is null, not finite or negative, a journey id occurs twice, or a touch is named like an
            end.

    >>> from models.paths import paths_from_aggregated
    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["A > B", "A"], "total_conversions": [2, 0],
    ...     "total_null": [1, 4]}))
    >>> markov_transitions(paths, journeys).rows()
    [('A', 'B', 3.0), ('A', '(null)', 4.0), ('B', '(conversion)', 2.0), ('B', '(null)', 1.0), ('(start)', 'A', 7.0)]
    """

    def compute() -> pl.DataFrame:
        encoded: Encoded = encode(paths, journeys, touch_column=touch_column)
        if taken := sorted({*ENDS} & {*encoded.notes}):
            raise ValueError(f"{len(taken)} touches are named like an end of journeys: {', '.join(taken)}. Rename them")
        names = pl.concat([encoded.notes.rename("name"), pl.Series("name", ENDS)])
        start, conversion, null = range(encoded.notes.len(), names.len())
        note, first = encoded.note.astype(np.int64), starts(encoded.journey)
        last = np.append(first[1:], note.size)[: first.size] - 1
        same = encoded.journey[1:] == encoded.journey[:-1]
        won, lost = (encoded.weights[name].to_numpy()[encoded.journey] for name in ("conversions", "nulls"))
        steps = [
            (np.full(first.size, start), note[first], (won + lost)[first]),
            (note[:-1][same], note[1:][same], (won + lost)[:-1][same]),
            (note[last], np.full(last.size, conversion), won[last]),
            (note[last], np.full(last.size, null), lost[last]),
        ]
        here, there, weight = (np.concatenate(column) for column in zip(*steps, strict=True))
        counts = sparse.coo_array((weight, (here, there)), shape=(names.len(), names.len())).tocsr()
        counts.eliminate_zeros()
        table = counts.tocoo()
        states = names.cast(pl.Categorical)
        ends = {"from_state": states.gather(table.row), "to_state": states.gather(table.col)}
        return pl.DataFrame({**ends, "weight": table.data})

    return deferred(compute, paths, schema=_TABLE)


class TransitionSum:
    """The sum of tables of transitions that come one after the other, such as those of buckets of users.

    It is held as a sparse matrix, so that memory is that of the transitions there are, however many touches made them.

    >>> total = TransitionSum()
    >>> for _ in range(3):
    ...     total.add(pl.DataFrame({"from_state": ["(start)", "A"], "to_state": ["A", "(null)"], "weight": [1.0, 2.0]}))
    >>> total.result().rows()
    [('(start)', 'A', 3.0), ('A', '(null)', 6.0)]
    """

    def __init__(self) -> None:
        self._states = pl.Series(dtype=pl.Categorical)
        self._counts = sparse.csr_array((0, 0), dtype=np.float64)

    def add(self, transitions: pl.DataFrame, /) -> None:
        """Add `from_state`, `to_state` (Categorical or String) and `weight` (Float64)."""
        here, there = (transitions[end].cast(_TABLE[end]) for end in ("from_state", "to_state"))
        self._states = pl.concat([self._states, here.unique(), there.unique()]).unique()
        n = _code(self._states).max(initial=-1) + 1
        self._counts.resize((n, n))
        steps = sparse.coo_array((transitions["weight"].to_numpy(), (_code(here), _code(there))), shape=(n, n))
        self._counts = self._counts + steps.tocsr()

    def result(self) -> pl.DataFrame:
        """The sum of all that was added, as `markov_transitions` gives it, in no order."""
        row = np.zeros(self._counts.shape[0], np.uint32)
        row[_code(self._states)] = np.arange(self._states.len())
        table = self._counts.tocoo()
        ends = {"from_state": table.row, "to_state": table.col}
        return pl.DataFrame(
            {end: self._states.gather(row[code]) for end, code in ends.items()} | {"weight": table.data}
        )


def _code(states: pl.Series) -> NDArray[np.int32]:
    """What stands for the same names in every table."""
    return states.to_physical().cast(pl.Int32).to_numpy()
