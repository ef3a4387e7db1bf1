"""Removal effects from one dense factorisation: exact, for chains of up to about 10,000 states."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack, lu_solve

if TYPE_CHECKING:
    from models.markov.chain import Chain, Floats, Ints

#: Rows of the inverse that are formed at a time.
BLOCK = 256


def exact_effects(chain: Chain, /) -> tuple[Floats, Floats]:
    """Removal effects of all notes, notes × 2 (by conversions, by value), and their error bounds (0).

    With `N = (I − Q)⁻¹`, x = start · N the expected visits and b = N · outcomes, let C be the states that contain a
    note. Visits to C come from first hits f: `x_C = f · N_CC`. A journey without the note loses what its first
    hit would have led to, so

        RE = f · b_C / (start · b),  f = x_C · N_CC⁻¹

    exactly, at any order; at order 1 it is N[s,c] / N[c,c] · b[c] / b[s]. N is never formed: I − Q = P L U is
    factored once, L and U are inverted in place, and only the blocks N_CC of `U⁻¹ L⁻¹ Pᵀ` are multiplied out.
    Time ~ 4/3 n³, memory 8 n² bytes. I − Q is an M-matrix, on which this is accurate in every entry.
    """
    n = chain.start.size
    if n == 0:
        return np.zeros((chain.notes.len(), 2)), np.zeros((chain.notes.len(), 2))
    matrix = (-chain.transitions).toarray(order="F")
    matrix[np.diag_indices(n)] += 1.0
    factors, pivots, _ = lapack.dgetrf(matrix, overwrite_a=True)
    values = lu_solve((factors, pivots), chain.outcomes)
    visits = lu_solve((factors, pivots), chain.start, trans=1) if chain.visits is None else chain.visits
    column = _column_of(pivots)
    lapack.dtrtri(factors, lower=1, unitdiag=1, overwrite_c=True)
    lapack.dtrtri(factors, lower=0, overwrite_c=True)

    if chain.one_state_per_note:
        hits = visits / _diagonal(factors, column)
    else:
        hits = _first_hits(factors, column, visits, chain)
    lost = np.column_stack(
        [np.bincount(chain.note, hits * values[chain.state, k], chain.notes.len()) for k in range(2)]
    )
    base = chain.start @ values
    effects = np.divide(lost, base, out=np.zeros_like(lost), where=base > 0)
    return effects, np.zeros_like(effects)


def _column_of(pivots: Ints) -> Ints:
    """For each state, the column of L⁻¹ that Pᵀ puts at it."""
    rows = np.arange(pivots.size)
    for i, pivot in enumerate(pivots):
        if i != pivot:
            rows[[i, pivot]] = rows[[pivot, i]]
    return np.argsort(rows)


def _block(factors: Floats, rows: Ints, columns: Ints) -> tuple[Floats, Floats]:
    """Rows of U⁻¹ and columns of L⁻¹, taken from the array that holds both."""
    index = np.arange(factors.shape[0])
    upper = np.where(index[None, :] >= rows[:, None], factors[rows], 0.0)
    lower = np.where(index[:, None] > columns[None, :], factors[:, columns], 0.0)
    lower[columns, np.arange(columns.size)] = 1.0
    return upper, lower


def _diagonal(factors: Floats, column: Ints) -> Floats:
    n = factors.shape[0]
    diagonal = np.empty(n)
    for first in range(0, n, BLOCK):
        rows = np.arange(first, min(first + BLOCK, n))
        upper, lower = _block(factors, rows, column[rows])
        diagonal[rows] = np.einsum("ij,ji->i", upper, lower)
    return diagonal


def _first_hits(factors: Floats, column: Ints, visits: Floats, chain: Chain) -> Floats:
    hits = np.empty(chain.state.size)
    bounds = np.searchsorted(chain.note, np.arange(chain.notes.len() + 1))
    for first, end in pairwise(bounds):
        held = chain.state[first:end]
        upper, lower = _block(factors, held, column[held])
        hits[first:end] = np.linalg.solve((upper @ lower).T, visits[held])
    return hits
