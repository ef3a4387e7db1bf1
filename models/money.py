"""Money: shares to fen, to the last fen, in integers."""

from __future__ import annotations

import polars as pl

#: Shares are quantised to whole parts of this. `LARGEST_FEN * PARTS` is just below the largest Int64.
PARTS = 10**9
LARGEST_FEN = 9 * 10**9


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
        amount_fen: Int64, the same in all rows of a group; at most ± 9·10⁹ fen (90 million yuan).
        share: Float64, not negative, above 0 somewhere in a group.
        over: What the rows of a group have in common, such as `conversion_id`.
        order: Distinct in a group, such as the position of the note's first touch.

    Returns:
        An Int64 expression over a frame.

    Raises:
        polars.exceptions.ComputeError: an amount beyond the limit; a share that is negative, null or not
            finite; or a group whose shares sum to 0. Raised when the expression is evaluated.

    >>> notes = pl.DataFrame({"order": "a", "paid": 100, "share": 1 / 3, "position": [2, 1, 3]})
    >>> notes.select(split_fen("paid", "share", over="order", order="position")).to_series().to_list()
    [33, 34, 33]
    """
    amount, weight = _column(amount_fen), _column(share)
    checked = pl.struct(amount=amount.cast(pl.Int64), share=weight, whole=weight.sum().over(over)).map_batches(
        _checked, return_dtype=pl.Int64, is_elementwise=True
    )
    size = checked.abs()
    parts = (weight / weight.sum().over(over) * PARTS).round().cast(pl.Int64)
    whole = parts.sum().over(over)
    floor = size * parts // whole
    remainder = size * parts % whole
    left = size - floor.sum().over(over)
    # An ordinal rank breaks ties by the order of rows, which `order_by` sets.
    rank = remainder.rank("ordinal", descending=True).over(over, order_by=order)
    return (floor + (rank <= left).cast(pl.Int64)) * checked.sign()


def exact_sum(values: pl.Expr, /, *, decimals: int) -> pl.Expr:
    """The sum of floats rounded to `decimals`, added as integers: the same in whatever order they come.

    >>> pl.DataFrame({"x": [0.1, 0.2, 0.3]}).select(exact_sum(pl.col("x"), decimals=10)).item()
    0.6
    """
    unit: int = 10**decimals
    return (values * unit).round().cast(pl.Int64).sum() / unit


def _column(column: str | pl.Expr) -> pl.Expr:
    return pl.col(column) if isinstance(column, str) else column


def _checked(rows: pl.Series) -> pl.Series:
    """The amounts, if amounts and shares are such that integer arithmetic holds."""
    frame = rows.struct.unnest()
    wrong = {
        f"amounts that are null or beyond ±{LARGEST_FEN} fen, which Int64 cannot split exactly": (
            (pl.col("amount").abs() > LARGEST_FEN).fill_null(value=True)
        ),
        "shares that are negative, null or not finite": ~(
            (pl.col("share") >= 0) & pl.col("share").is_finite()
        ).fill_null(value=False),
        "shares of a group that sums to 0": pl.col("whole") == 0,
    }
    for what, condition in wrong.items():
        found = frame.filter(condition)
        if found.height:
            raise ValueError(
                f"split_fen: {found.height} rows have {what}; the first: {found.row(0, named=True)}"
            )
    return frame["amount"]
