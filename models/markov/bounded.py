"""Removal effects of chains too large to factor, each with a bound on its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.markov.chain import Chain, Floats

#: Leading directions of the chain that are treated exactly.
RANK = 16

#: Rounds of subspace iteration that find them. More make the bounds tighter, none makes them wrong.
ROUNDS = 4

#: Relative tolerance of the Lanczos norms, and the margin by which they are raised: finer where near 1.
LANCZOS = ((1e-2, 5e-2), (1e-5, 1e-3))

#: Up to so many states norms are computed densely: Lanczos has nothing to start from where T is all but empty.
DENSE, ROUNDING = 200, 1e-12

#: Multiplications spent on tighter bounds (some 10 s), and notes refined at a time.
WORK, BLOCK = 1e10, 64


def bounded_effects(
    chain: Chain, /, *, tolerance: float, rank: int = RANK, work: float = WORK
) -> tuple[Floats, Floats]:
    """Removal effects of all notes at order 1, notes × 2, and bounds on their absolute error.

    `RE(c) = x[c] / N[c,c] · b[c] / b[s]` (see `exact_effects`): x is counted, b takes one iterative solve, and only
    the diagonal of N is out of reach. Scaled by visits, `A = X^½ Q X^-½` has the same diagonals of powers, and norm
    at most 1, as both its row sums and its column sums are sub-stochastic. With self-loops removed,

        N[c,c] = 1 + u · M · v,   u = row c of A,  v = column c of A,  M = (I − A)⁻¹

    M is split at the leading `rank` singular directions P of A: on P exactly, by the Schur complement; on the rest
    T, M is S = (I − B)⁻¹ with `B = A_TT + A_TP (I − A_PP)⁻¹ A_PT`. With u', v' what of u and v is left to S,

        N[c,c] = 1 + u_P (I − A_PP)⁻¹ v_P + u' · (v' + B v' + … + B^k v') ± κ |u'| |B^k v'|,   κ >= ‖S − I‖

    where κ is the smaller of ‖B‖ / (1 − ‖B‖) and ‖B‖ / (1 − λmax of the symmetric part of B): finite, as journeys
    end. k is 0 at first; then, the loosest notes first, as large as `tolerance` asks for, while `work` lasts. The
    norms come from Lanczos iterations to 1 %, raised by 5 % (finer where near 1); up to that the bound is certain.
    It is tight where notes mix (relative to the effect about notes / journeys), wide where few notes form loops of
    their own.

    Time ~ transitions × rank + work, memory ~ transitions + notes × (rank + block).
    """
    visits = _solve(_system(chain).T.tocsr(), chain.start) if chain.visits is None else chain.visits
    values = solve_values(chain)
    base = chain.start @ values
    per_hit = np.divide(values, base, out=np.zeros_like(values), where=base > 0)
    reached = np.flatnonzero(visits > 0)

    stays = chain.transitions.diagonal()[reached]
    entries = visits[reached] * (1 - stays)
    split = _split(chain.transitions[reached][:, reached], stays, entries, rank=rank)
    _refine(split, entries * per_hit[reached].max(axis=1), tolerance=tolerance, work=work)
    low = np.maximum(split.middle - split.slack, split.least)
    most = np.minimum(entries / low, 1.0)
    least = np.minimum(entries / np.maximum(split.middle + split.slack, low), most)
    effects, errors = np.zeros_like(values), np.zeros_like(values)
    effects[reached] = ((most + least) / 2)[:, None] * per_hit[reached]
    errors[reached] = ((most - least) / 2)[:, None] * per_hit[reached]
    return effects, errors


@dataclass
class _Split:
    """A, its split at P, and `middle ± slack` around N[c,c], which is at least `least`."""

    a: sparse.csr_array
    at: sparse.csr_array
    p: Floats
    ap: Floats
    atp: Floats
    into: Floats
    through: Floats
    left: Floats
    right: Floats
    kappa: float
    middle: Floats
    slack: Floats
    least: Floats

    def rest(self, x: Floats) -> Floats:
        return x - self.p @ (self.p.T @ x)

    def b(self, x: Floats) -> Floats:
        """B x, for x in T."""
        return self.rest(self.a @ x) + self.through @ (self.into.T @ x)

    def bt(self, x: Floats) -> Floats:
        return self.rest(self.at @ x) + self.into @ (self.through.T @ x)


def _split(q: sparse.csr_array, stays: Floats, entries: Floats, *, rank: int) -> _Split:
    root = np.sqrt(entries)
    a = sparse.diags_array(root / (1 - stays)) @ (q - sparse.diags_array(stays)) @ sparse.diags_array(1 / root)
    a = a.tocsr()
    a.eliminate_zeros()
    at = a.T.tocsr()
    p = _directions(a, at, root, rank=rank)
    ap, atp = a @ p, at @ p
    app = p.T @ ap
    inner = np.linalg.inv(np.eye(app.shape[0]) - app)
    into, through = atp - p @ app.T, (ap - p @ app) @ inner
    left, right = into @ inner.T - p, through - p
    two_steps = _rows(a.multiply(at))
    middle = 1 + _dot(ap @ inner, atp) + two_steps
    middle += _dot(a @ right, atp) + _dot(ap, at @ left) + _dot(ap @ (left.T @ right), atp)
    u = _rows(a.power(2)) + 2 * _dot(a @ left, ap) + _dot(ap @ (left.T @ left), ap)
    v = _rows(at.power(2)) + 2 * _dot(at @ right, atp) + _dot(atp @ (right.T @ right), atp)
    split = _Split(a, at, p, ap, atp, into, through, left, right, np.inf, middle, u, 1 + two_steps)
    split.kappa = _kappa(split)
    product = np.sqrt(np.maximum(u, 0) * np.maximum(v, 0))
    split.slack = np.where(product > 0, split.kappa, 0.0) * np.where(product > 0, product, 1.0)
    return split


def _directions(a: sparse.csr_array, at: sparse.csr_array, root: Floats, *, rank: int) -> Floats:
    """An orthonormal basis of the leading left and right singular directions. Deterministic."""
    n = a.shape[0]
    rank = min(rank, max(n // 3, 1))
    right = np.random.default_rng(0).standard_normal((n, rank))
    right[:, 0] = root
    for _ in range(ROUNDS):
        left = np.linalg.qr(a @ right)[0]
        right = np.linalg.qr(at @ left)[0]
    return np.linalg.qr(np.column_stack([left, right]))[0]


def _kappa(split: _Split) -> float:
    """An upper bound on ‖S − I‖."""
    n = split.a.shape[0]
    if n <= DENSE:
        whole = split.b(split.rest(np.eye(n)))
        norm = float(np.linalg.norm(whole, 2)) + ROUNDING if n else 0.0
        gap = min(norm, float(np.linalg.eigvalsh((whole + whole.T) / 2).max(initial=0.0)) + ROUNDING)
    else:
        norm = _largest(split, lambda x: split.bt(split.b(x)), power=2)
        gap = norm if norm < 0.5 else min(norm, _largest(split, lambda x: (split.b(x) + split.bt(x)) / 2, power=1))
    return norm / (1 - gap) if gap < 1 else np.inf


def _largest(split: _Split, product: Callable[[Floats], Floats], *, power: int) -> float:
    """The largest eigenvalue of a symmetric product on T, to the given root, raised by its margin."""
    n = split.a.shape[0]
    operator = linalg.LinearOperator((n, n), matvec=lambda x: product(split.rest(x.ravel())), dtype=np.float64)
    seed = np.random.default_rng(0).standard_normal(n)
    raised = np.inf
    for tolerance, margin in LANCZOS:
        try:
            found = linalg.eigsh(operator, k=1, which="LA", v0=seed, tol=tolerance, return_eigenvectors=False)
        except linalg.ArpackError:
            return np.inf  # Nothing is known, so nothing is promised: the bounds are as wide as they go.
        raised = max(float(found[0]), 0.0) ** (1 / power) * (1 + margin)
        if raised < 0.9:
            break
    return raised


def _refine(split: _Split, weight: Floats, *, tolerance: float, work: float) -> None:
    """Add terms `u' · B^k v'` to `middle`, the loosest notes first, until errors are below `tolerance`."""
    if not np.isfinite(split.kappa):
        return
    n = split.a.shape[0]
    error = weight * split.slack / split.least**2
    loose = np.argsort(-error, kind="stable")[: np.count_nonzero(error > tolerance)]
    cost = split.a.nnz + 4 * n * split.p.shape[1]
    for first in range(0, loose.size, BLOCK):
        notes = loose[first : first + BLOCK]
        u = split.a[notes].toarray().T + split.left @ split.ap[notes].T
        v = split.at[notes].toarray().T + split.right @ split.atp[notes].T
        reach = split.kappa * np.linalg.norm(u, axis=0)
        enough = tolerance * split.least[notes] ** 2 / weight[notes]
        while (split.slack[notes] > enough).any() and work > 0:
            v = split.b(v)
            split.middle[notes] += np.einsum("ij,ij->j", u, v)
            split.slack[notes] = reach * np.linalg.norm(v, axis=0)
            work -= cost * notes.size
        if work <= 0:
            break


def solve_values(chain: Chain, /) -> Floats:
    """b, n × 2: from each state, the chance to convert and the value to come."""
    return np.column_stack([_solve(_system(chain), chain.outcomes[:, k]) for k in range(2)])


def _system(chain: Chain) -> sparse.csr_array:
    return (sparse.eye_array(chain.start.size) - chain.transitions).tocsr()


def _solve(system: sparse.csr_array, right: Floats) -> Floats:
    if not right.any():
        return np.zeros_like(right)
    solution, failed = linalg.gmres(system, right, rtol=1e-13, atol=0.0, restart=60, maxiter=200)
    if failed:
        gap = np.linalg.norm(system @ solution - right) / np.linalg.norm(right)
        if gap > 1e-9:
            raise ArithmeticError(
                f"the chain of {right.size} states was solved to {gap:.1e} only, expected 1e-9: journeys of extreme "
                "length. Collapse repeats (models.paths.treat), or raise exact_states"
            )
    return np.asarray(solution)


def _rows(matrix: sparse.csr_array) -> Floats:
    return np.asarray(matrix.sum(axis=1)).ravel()


def _dot(left: Floats, right: Floats) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", left, right))
