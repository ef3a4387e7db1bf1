"""Earnings added up to the grain of the marts without the lines in between: the way for many conversions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.deferred import deferred
from models.earnings import GRAIN, ORDER_DECIMALS, earned, paid, rollup
from models.money import LARGEST_FEN, split_runs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from models.frames import AnyFrame, Frame
    from models.money import Ints

_CELL = GRAIN[1:]
_UNIT = 10**ORDER_DECIMALS


def earned_at_grain(
    credits: Frame,  # noqa: A002
    conversions: AnyFrame,
    refunds: AnyFrame,
    /,
    *,
    models: Iterable[str],
    as_of: date,
) -> Frame:
    """`rollup(earned(…))`, equal to the fen, in a fraction of the time and memory.

    All models are split side by side and added up at once, so that no line per model and note is ever made.

    Args:
        credits: As for `models.earnings.earned`; likewise `conversions`, `refunds`, `models` and `as_of`.

    Returns:
        As `models.earnings.rollup`.

    Raises:
        polars.exceptions.ComputeError: `conversion_id` is not unique in `conversions`.
        ValueError: an amount or a share is such as `models.money.split_fen` refuses.
    """
    models = list(models)
    step_by_step = rollup(earned(credits.lazy(), conversions, refunds, models=models, as_of=as_of))

    def compute() -> pl.DataFrame:
        orders = paid(conversions, refunds, as_of=as_of).collect()
        lines = credits.lazy().join(orders.lazy(), on="conversion_id", validate="m:1", maintain_order="left").collect()
        if not lines.select(pl.struct("conversion_id", "position").is_sorted()).item():
            lines = lines.sort("conversion_id", "position")
        if not models or not lines.height or not _plain(lines, models):
            return step_by_step.collect()
        of_nobody = _unattributed(orders.join(lines, on="conversion_id", how="anti"))
        cells = pl.concat([_added_up(lines, models), of_nobody], how="diagonal").sort(_CELL)
        return pl.concat(_of_model(cells, model) for model in sorted(models))

    return deferred(compute, credits, schema=step_by_step.collect_schema())


def _plain(lines: pl.DataFrame, models: list[str]) -> bool:
    """Whether every share and amount can be split; what cannot goes the long way, which credits or refuses it."""
    amounts = pl.col("paid_fen", "refund_fen")
    shares = pl.col(models)
    able = lines.select(
        (amounts.is_not_null() & (amounts.abs() <= LARGEST_FEN)).all().name.suffix("|amount"),
        (shares.is_not_null() & shares.is_finite() & (shares >= 0)).all(),
    )
    return all(able.row(0)) and not _wholes(lines, models).eq(0.0).any()


def _wholes(lines: pl.DataFrame, models: list[str]) -> pl.Series:
    """The least sum of shares of every conversion, over the models."""
    starts = _starts(lines)
    sums = [np.add.reduceat(lines[model].to_numpy(), starts) for model in models]
    return pl.Series(np.min(sums, axis=0))


def _starts(lines: pl.DataFrame) -> Ints:
    """The rows in which conversions begin."""
    of = pl.col("conversion_id")
    return np.flatnonzero(lines.select(of.ne_missing(of.shift())).to_series().to_numpy())


def _added_up(lines: pl.DataFrame, models: list[str]) -> pl.DataFrame:
    """Per cell, for every model: units of orders, fen credited, and fen of it refunded."""
    paid_fen, refund_fen = (lines[name].to_numpy() for name in ("paid_fen", "refund_fen"))
    starts = _starts(lines)
    # Few orders are refunded, and nothing is split of those that are not.
    refunded = np.flatnonzero(refund_fen)
    refund_starts = _starts(lines[refunded])
    columns = []
    for model in models:
        share = lines[model].to_numpy()
        back = np.zeros(share.size, np.int64)
        back[refunded] = split_runs(refund_fen[refunded], share[refunded], refund_starts)
        columns += [
            (pl.col(model) * _UNIT).round().cast(pl.Int64).alias(f"{model}|orders"),
            pl.Series(f"{model}|credited_fen", split_runs(paid_fen, share, starts)),
            pl.Series(f"{model}|credited_refund_fen", back),
        ]
    sums = [f"{model}|{name}" for model in models for name in ("orders", "credited_fen", "credited_refund_fen")]
    cells = lines.select(*_CELL, "paid_date", *columns).group_by(_CELL)
    return cells.agg(pl.col("paid_date").max(), pl.col(sums).sum())


def _unattributed(orders: pl.DataFrame) -> pl.DataFrame:
    """Per cell, the orders that no note has touched."""
    nobody = {"note_id": pl.lit(None, pl.String), "direct": pl.lit(None, pl.Boolean)}
    cells = orders.with_columns(**nobody).group_by(_CELL)
    return cells.agg(
        pl.col("paid_date").max(),
        unattributed_fen=pl.col("paid_fen").sum(),
        unattributed_refund_fen=pl.col("refund_fen").sum(),
    )


def _of_model(cells: pl.DataFrame, model: str) -> pl.DataFrame:
    return cells.select(
        pl.lit(model).alias("model"),
        *_CELL,
        "paid_date",
        (pl.col(f"{model}|orders").fill_null(0) / _UNIT).alias("orders"),
        pl.col(f"{model}|credited_fen").fill_null(0).alias("credited_fen"),
        pl.col(f"{model}|credited_refund_fen").fill_null(0).alias("credited_refund_fen"),
        pl.col("unattributed_fen", "unattributed_refund_fen").fill_null(0),
    )
