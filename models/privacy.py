"""Small cells are suppressed before figures leave for readers who may not know single buyers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.sparse.linalg import lsqr

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROW, _HIDDEN = "__row", "__hidden"


def suppress(
    cells: pl.DataFrame,
    /,
    *,
    count: str,
    figures: Sequence[str],
    within: Sequence[Sequence[str]] = ((),),
    k: int = 10,
) -> pl.DataFrame:
    """Null the figures of cells of 1 to k − 1 people, and of as many more as would give them away.

    Where a total over cells is known, a suppressed cell is the total less the others. So in every group whose
    total is known, the suppressed cells together stand for at least k people and are at least two; the smallest
    cells that remain are suppressed until that holds or none is left (then the group as a whole is a small cell,
    and whoever publishes its total suppresses that). A cell of nobody stays: 0 tells of no one.

    Source: cell suppression as in Hundepool et al., Statistical Disclosure Control (2012), chapter 4, by the
    smallest complements.

    Args:
        cells: One row a cell.
        count: Column with the number of people in the cell; null is as unknown as its figures and stays.
        figures: Columns that become null; `count` itself is one of them where it is published.
        within: For each total that readers know, the columns by which it is grouped; `()` is the total of all.
        k: The least number of people that a published cell stands for; 1 suppresses nothing.

    Returns:
        The cells in their order, with `suppressed` Boolean added.

    Raises:
        ValueError: k is below 1.

    >>> shops = pl.DataFrame({"shop": ["a", "b", "c"], "buyers": [40, 12, 3], "gmv": [4000, 900, 250]})
    >>> suppress(shops, count="buyers", figures=["gmv"])["gmv"].to_list()
    [4000, None, None]
    """
    if k < 1:
        raise ValueError(f"k must be >= 1, got {k}")
    people = pl.col(count)
    table = cells.with_row_index(_ROW).with_columns(people.is_between(1, k - 1).fill_null(False).alias(_HIDDEN))
    while True:
        exposed = [_next_complements(table, by=list(by), people=people, k=k) for by in within]
        rows = pl.concat(exposed).unique() if exposed else pl.Series([], dtype=pl.UInt32)
        if rows.is_empty():
            break
        table = table.with_columns((pl.col(_HIDDEN) | pl.col(_ROW).is_in(rows.implode())).alias(_HIDDEN))
    kept = [pl.when(~pl.col(_HIDDEN)).then(pl.col(name)).alias(name) for name in figures]
    return table.with_columns(kept).rename({_HIDDEN: "suppressed"}).drop(_ROW)


def _next_complements(table: pl.DataFrame, *, by: list[str], people: pl.Expr, k: int) -> pl.Series:
    """The rows that have to be hidden next: in every exposed group the smallest cell that is still shown."""
    hidden = pl.col(_HIDDEN)
    groups = [pl.col(name) for name in by] or [pl.lit(0).alias("__all")]
    return (
        table.group_by(groups, maintain_order=True)
        .agg(
            exposed=hidden.any() & ((hidden.sum() < 2) | (people.filter(hidden).sum() < k)),
            smallest=pl.col(_ROW).filter(~hidden & (people > 0)).sort_by(people.filter(~hidden & (people > 0))).first(),
        )
        .filter("exposed")["smallest"]
        .drop_nulls()
    )


def only_solutions(terms: pl.DataFrame, /) -> set[int]:
    """Which unknowns follow from linear equations with known right-hand sides, whatever these are.

    An unknown follows when no change that keeps every equation moves it. One random change is taken, and what no
    equation allows is projected out of it: the unknowns that it leaves where they were follow (with probability 1).

    Source: the audit of Fellegi, On the Question of Statistical Confidentiality, JASA 67 (1972), by projection.

    Args:
        terms: `equation` and `unknown` (both Int64, from 0 on) and `factor` (Float64), a row a term.

    Returns:
        The numbers of the unknowns that follow.

    >>> terms = pl.DataFrame({"equation": [0, 0, 1, 1, 2], "unknown": [0, 1, 1, 2, 3], "factor": [1.0] * 5})
    >>> only_solutions(terms)
    {3}
    """
    if terms.is_empty():
        return set()
    rows, columns = terms["equation"].to_numpy(), terms["unknown"].to_numpy()
    matrix = csr_array((terms["factor"].to_numpy(), (rows, columns)), shape=(rows.max() + 1, columns.max() + 1))
    change = np.random.default_rng(0).uniform(1, 2, matrix.shape[1])
    kept_out = lsqr(matrix, matrix @ change, atol=1e-13, btol=1e-13, conlim=0, iter_lim=20 * max(matrix.shape))[0]
    return {int(number) for number in np.flatnonzero(np.abs(change - kept_out) < 1e-5)}
