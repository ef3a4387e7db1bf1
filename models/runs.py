"""Rows that stand together, such as the touches of a journey: where they begin, and which of them recur."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.money import Ints


def starts(of: NDArray[Any], /) -> Ints:
    """The rows in which runs of equal values begin.

    >>> starts(np.array([7, 7, 3, 3, 3, 7])).tolist()
    [0, 2, 5]
    """
    return np.flatnonzero(np.append(True, of[1:] != of[:-1])[: of.size])


def occurrences(journey: NDArray[np.uint32], note: NDArray[np.uint32], /) -> tuple[Ints, Ints]:
    """For each touch the row in which its note is first touched in its journey, and how often it is.

    Args:
        journey: A number per touch, not falling.
        note: A number per touch.

    >>> first, repeats = occurrences(np.array([0, 0, 0, 1], np.uint32), np.array([5, 4, 5, 5], np.uint32))
    >>> first.tolist(), repeats.tolist()
    ([0, 1, 0, 3], [2, 1, 2, 1])
    """
    pair = journey.astype(np.int64) * (int(note.max(initial=0)) + 1) + note
    # Journeys stand in order already, which a stable sort makes use of.
    row = np.argsort(pair, kind="stable")
    begins = starts(pair[row])
    lengths = np.diff(begins, append=row.size)
    first, repeats = np.empty_like(row), np.empty_like(row)
    first[row], repeats[row] = np.repeat(row[begins], lengths), np.repeat(lengths, lengths)
    return first, repeats
