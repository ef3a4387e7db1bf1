"""Money: shares to fen, to the last fen, in integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]

#: Shares are quantised to whole parts of this. `LARGEST_PRODUCT * PARTS` is just below the largest Int64.
PARTS = 10**9
LARGEST_PRODUCT = 9 * 10**9
#: Also just below it, so that what is added up stays within.
LARGEST_FEN = LARGEST_PRODUCT * PARTS

#: Remainders are below `PARTS` and a half per row: 31 bits hold them.
REMAINDER_BITS = 31


def split_fen(
    amount_fen: str | pl.Expr,
    share: str | pl.Expr,
    /,
    *,
    over: str | pl.Expr,
    order: str | pl.Expr,
) -> pl.Expr:
    """Split an amount over the rows that share it, by largest remainder (Hamilton's method).

    Shares, divided by their sum, are rounded to whole parts of 10⁹: from there all is integer arithmetic, so
    that every engine gives the same fen. Each row gets `amount · parts // Σ parts`; the fen that are left go
    one each to the rows with the largest remainders, ties to the earlier by `order`. Conservation: the rows
    sum to exactly the amount. A negative amount is split like its absolute value.

    Args:
        amount_fen: Int64, the same in all rows of a group; at most ± 9·10¹⁸ fen.
        share: Float64, not negative, above 0 somewhere in a group.
        over: What the rows of a group have in common, such as `conversion_id`.
        order: Distinct in a group, such as the position of the note's first touch.

    Returns:
        An Int64 expression over a frame.

    Raises:
        ValueError: an amount beyond the limit; a share that is negative, null or not
            finite; or a group whose shares sum to 0. Raised when the expression is evaluated.

    >>> notes = pl.DataFrame({"order": "a", "paid": 100, "share": 1 / 3, "position": [2, 1, 3]})
    >>> notes.select(split_fen("paid", "share", over="order", order="position")).to_series().to_list()
    [33, 34, 33]
    """
    lines = pl.struct(
        group=_column(over),
        order=_column(order),
        amount=_column(amount_fen).cast(pl.Int64),
        share=_column(share),
    )
    # Not one expression: polars would compute what its steps have in common again for each of them.
    return lines.map_batches(_split, return_dtype=pl.Int64)


def exact_sum(values: pl.Expr, /, *, decimals: int) -> pl.Expr:
    """The sum of floats rounded to `decimals`, added as integers: the same in whatever order they come.

    >>> pl.DataFrame({"x": [0.1, 0.2, 0.3]}).select(exact_sum(pl.col("x"), decimals=10)).item()
    0.6
    """
    unit: int = 10**decimals
    return (values * unit).round().cast(pl.Int64).sum() / unit


def _column(column: str | pl.Expr) -> pl.Expr:
    return pl.col(column) if isinstance(column, str) else column


def split_runs(amount_fen: Ints, share: Floats, starts: Ints, /) -> Ints:
    """`split_fen` over rows that stand group by group, each in its order: what is split, how, and where groups start.

    For amounts and shares that are known to be such as `split_fen` accepts.

    >>> split_runs(np.array([100, 100, 100, 7]), np.array([1 / 3, 1 / 3, 1 / 3, 1]), np.array([0, 3])).tolist()
    [34, 33, 33, 7]
    """
    if not starts.size:
        return np.zeros(0, np.int64)
    lengths = np.diff(starts, append=share.size)
    total = np.repeat(np.add.reduceat(share, starts), lengths)
    takes_all = share == total
    if np.all(takes_all | (share == 0)):
        return np.where(takes_all, amount_fen, 0)
    part = np.rint(share / total * PARTS).astype(np.int64)
    whole = np.repeat(np.add.reduceat(part, starts), lengths)
    amount = np.abs(amount_fen)
    # Of more than a product can hold each part gets its whole parts first: what is left is split like any amount.
    before, rest = np.divmod(amount, whole) if amount.max() > LARGEST_PRODUCT else (np.zeros_like(amount), amount)
    product = rest * part
    fen = product // whole
    remainder = product - fen * whole
    left = rest[starts] - np.add.reduceat(fen, starts)
    # What is left is the sum of the remainders, each below a whole: a row without remainder never gets of it.
    contested = np.flatnonzero(remainder)
    group = np.repeat(np.arange(starts.size), lengths)[contested]
    by_remainder = np.argsort((group << REMAINDER_BITS) - remainder[contested], kind="stable")
    first = np.flatnonzero(np.diff(group, prepend=-1))
    rank = np.arange(group.size) - np.repeat(first, np.diff(first, append=group.size))
    fen[contested[by_remainder[rank < left[group]]]] += 1
    signed: Ints = (before * part + fen) * np.sign(amount_fen)
    return signed


def _split(series: pl.Series) -> pl.Series:
    """`split_fen` over a series of `group`, `order`, `amount` and `share`."""
    lines = series.struct.unnest()
    refuse(lines)
    lines = lines.with_row_index("row").sort("group", "order")
    starts = lines.select(pl.col("group").ne_missing(pl.col("group").shift()) | (pl.col("row").cum_count() == 1))
    fen = split_runs(
        lines["amount"].to_numpy(), lines["share"].to_numpy(), np.flatnonzero(starts.to_series().to_numpy())
    )
    return lines.select("row", fen=pl.Series(fen, dtype=pl.Int64)).sort("row")["fen"]


def refuse(lines: pl.DataFrame, /) -> None:
    """Raise if an `amount` or `share` of `lines` is such that integer arithmetic would not hold for its `group`."""
    lines = lines.with_columns(total=pl.col("share").sum().over("group"))
    share = pl.col("share")
    wrong = {
        f"amounts that are null or beyond ±{LARGEST_FEN} fen, which Int64 cannot split exactly": (
            (pl.col("amount").abs() > LARGEST_FEN).fill_null(value=True)
        ),
        "shares that are negative, null or not finite": ~((share >= 0) & share.is_finite()).fill_null(value=False),
        "shares of a group that sums to 0": pl.col("total") == 0,
    }
    for what, condition in wrong.items():
        found = lines.filter(condition)
        if found.height:
            raise ValueError(f"split_fen: {found.height} rows have {what}; the first: {found.row(0, named=True)}")
