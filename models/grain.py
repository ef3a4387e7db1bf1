"""Earnings added up to the grain of the marts without the lines in between: the way for many conversions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import polars.selectors as cs

from models.deferred import deferred
from models.earnings import FEN, GRAIN, OF_CREDIT, OF_ORDER, ORDER_DECIMALS, paid
from models.frames import like
from models.money import LARGEST_FEN, refuse, split_runs
from models.runs import starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from models.frames import AnyFrame, Frame
    from models.money import Ints

_CELL = GRAIN[1:]
_OF_LINE = ("kind", *OF_CREDIT)
_OF_ORDER = tuple(name for name in OF_ORDER if name in _CELL)
_DAY = ("paid_date",)
_UNIT = 10**ORDER_DECIMALS
#: What is split of an order's refunds, and of what.
_REFUNDS = {"credited_refund_fen": "refund_fen", "platform_refund_fen": "platform_refund_fen"}

#: What a cell holds of each model, under `model|name`. `orders` are in units of 10^-10, so that they add up exactly.
_PER_MODEL: dict[str, pl.DataType] = {"paid_date": pl.Date(), "orders": pl.Int64(), **dict.fromkeys(FEN, pl.Int64())}


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
    return cells_by_model(earned_cells(credits, conversions, refunds, models=models, as_of=as_of), models=models)


def earned_cells(
    credits: Frame,  # noqa: A002
    conversions: AnyFrame,
    refunds: AnyFrame,
    /,
    *,
    models: Iterable[str],
    as_of: date,
    daily: bool = False,
) -> Frame:
    """The same with models side by side, for many buckets of users: cells add up (`add_cells`), and are few.

    Args:
        credits: As for `models.earnings.earned`; likewise `conversions`, `refunds`, `models` and `as_of`.
        daily: Whether cells of different dates of payment stay apart, so that a date can be made again alone.

    Returns:
        Per cell of the grain (`models.earnings.GRAIN` without the model) and model: `model|paid_date` (null where it
        has nothing in the cell), `model|orders` (in units of 10⁻¹⁰) and the `FEN`; if `daily`, `paid_date` of the
        cell before them. In no order, and a cell may have several rows.

    Raises:
        As `earned_at_grain`.
    """
    models = list(models)
    given = {**conversions.lazy().collect_schema(), **credits.lazy().collect_schema()}
    by = (*_OF_ORDER, *_DAY) if daily else _OF_ORDER
    schema = {name: given[name] for name in (*(_DAY if daily else ()), *_CELL)} | {
        _of(model, name): dtype for model in models for name, dtype in _PER_MODEL.items()
    }

    def compute() -> pl.DataFrame:
        orders, kinds = _orders(conversions, refunds, as_of, by=by)
        lines = _lines(credits.lazy().collect(), orders)
        # A model that does not credit every line has lines of its own.
        everywhere = [model for model in models if not lines[model].has_nulls()]
        parts = [(lines, everywhere)] if everywhere else []
        parts += [(lines.drop_nulls(model), [model]) for model in models if model not in everywhere]
        found = [pl.DataFrame(schema={"kind": kinds.schema["kind"], **schema}).drop(by)]
        found += [_credited(part, of) for part, of in parts]
        found += [_unattributed(part, orders, of) for part, of in parts]
        return pl.concat(found, how="diagonal").join(kinds, on="kind", how="left").select(*schema)

    return deferred(compute, credits, schema=schema)


def add_cells(cells: Frame, /) -> Frame:
    """Cells of several buckets, concatenated, as one row per cell, and per date of payment if they have one."""
    by = [name for name in (*_DAY, *_CELL) if name in cells.lazy().collect_schema()]
    keys = cs.by_name(by)
    added_up = cells.lazy().group_by(by).agg((cs.date() - keys).max(), (cs.all() - cs.date() - keys).sum())
    return like(added_up, cells)


def cells_by_model(cells: Frame, /, *, models: Iterable[str]) -> Frame:
    """Cells as `models.earnings.rollup` gives them: one row per model and cell."""
    models = sorted(models)
    given = cells.lazy().collect_schema()
    schema = {"model": pl.String(), **{name: given[name] for name in _CELL}, **_PER_MODEL, "orders": pl.Float64()}

    def compute() -> pl.DataFrame:
        ordered = cells.lazy().sort(_CELL).collect()
        parts = [_of_model(ordered, model) for model in models]
        return pl.concat(parts) if parts else pl.DataFrame(schema=schema)

    return deferred(compute, cells, schema=schema)


def _of(model: str, name: str) -> str:
    return f"{model}|{name}"


def _of_model(cells: pl.DataFrame, model: str) -> pl.DataFrame:
    columns = {name: pl.col(_of(model, name)) for name in _PER_MODEL}
    return cells.filter(columns["paid_date"].is_not_null()).select(
        pl.lit(model).alias("model"),
        *_CELL,
        paid_date=columns["paid_date"],
        orders=columns["orders"].fill_null(0) / _UNIT,
        **{name: columns[name].fill_null(0) for name in FEN},
    )


def _orders(
    conversions: AnyFrame, refunds: AnyFrame, as_of: date, *, by: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The conversions that count, numbered (`order`) and of a `kind`; and the kinds, by what a cell says of orders."""
    orders = paid(conversions, refunds, as_of=as_of).collect()
    kinds = orders.select(by).unique().with_row_index("kind")
    kind = orders.lazy().join(kinds.lazy(), on=by, how="left", nulls_equal=True, maintain_order="left")
    return kind.drop(_OF_ORDER).with_row_index("order").collect(), kinds


def _lines(credits: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:  # noqa: A002
    """Credits with what is known of their orders, one order after the other, each in touch order."""
    if not credits.select(pl.struct("conversion_id", "position").is_sorted()).item():
        credits = credits.sort("conversion_id", "position")  # noqa: A001
    # Lines of an order stand together: it is looked up once, and not for each of them.
    runs = credits["conversion_id"].rle().struct.unnest()
    found = runs.lazy().join(
        orders.lazy(), left_on="value", right_on="conversion_id", how="left", validate="m:1", maintain_order="left"
    )
    of_order = found.drop("len", "value").collect()[np.repeat(np.arange(runs.height), runs["len"])]
    return credits.hstack(of_order).filter(pl.col("order").is_not_null())


def _credited(lines: pl.DataFrame, models: list[str]) -> pl.DataFrame:
    """Per kind of order and of credit, what models credit that credit every line."""
    _check(lines, models)
    order, paid_fen = (lines[name].to_numpy() for name in ("order", "paid_fen"))
    begins = starts(order)
    refunds = [(name, *_refunded(lines[of].to_numpy(), order)) for name, of in _REFUNDS.items()]
    cell, line = _cells(lines)
    columns = []
    for model in models:
        share = lines[model].to_numpy()
        sums = {
            "orders": _sum(np.rint(share * _UNIT).astype(np.int64), cell, line.size),
            "credited_fen": _sum(split_runs(paid_fen, share, begins), cell, line.size),
            **{name: _sum(split_runs(fen, share[rows], at), cell[rows], line.size) for name, rows, fen, at in refunds},
        }
        columns += [pl.Series(_of(model, name), values) for name, values in sums.items()]
    latest = np.zeros(line.size, np.int32)
    np.maximum.at(latest, cell, lines["paid_date"].to_physical().to_numpy())
    dates = [pl.Series(_of(model, "paid_date"), latest).cast(pl.Date) for model in models]
    return lines.select(_OF_LINE)[line].with_columns(*columns, *dates)


def _cells(lines: pl.DataFrame) -> tuple[Ints, Ints]:
    """The number of the cell that each line falls into, and one line of each cell."""
    code = np.zeros(lines.height, np.int64)
    for column in lines.select(pl.col("note_id").cast(pl.Categorical), cs.by_name(_OF_LINE) - cs.by_name("note_id")):
        number = (column.to_physical().cast(pl.Int64) + 1).fill_null(0).to_numpy()
        code = code * (number.max(initial=0) + 1) + number
    _, line, cell = np.unique(code, return_index=True, return_inverse=True)
    return cell, line


def _sum(values: Ints, cell: Ints, cells: int) -> Ints:
    total = np.zeros(cells, np.int64)
    np.add.at(total, cell, values)
    return total


def _refunded(fen: Ints, order: NDArray[np.uint32]) -> tuple[Ints, Ints, Ints]:
    """The lines of orders that are refunded, the fen, and where their orders begin: nothing is split of the others."""
    rows = np.flatnonzero(fen)
    return rows, fen[rows], starts(order[rows])


def _unattributed(lines: pl.DataFrame, orders: pl.DataFrame, models: list[str]) -> pl.DataFrame:
    """Per kind of order, what models credit to no note that credit every line."""
    left = np.ones(orders.height, bool)
    left[lines["order"]] = False
    added_up = (
        orders.filter(left).group_by("kind").agg(pl.col("paid_date").max(), pl.col("paid_fen", "refund_fen").sum())
    )
    given = {"paid_date": "paid_date", "unattributed_fen": "paid_fen", "unattributed_refund_fen": "refund_fen"}
    return added_up.select(
        "kind", *(pl.col(column).alias(_of(model, name)) for model in models for name, column in given.items())
    )


def _check(lines: pl.DataFrame, models: list[str]) -> None:
    """Raise what `models.money.split_fen` would."""
    amounts = ("paid_fen", "refund_fen", "platform_refund_fen")
    in_range = lines.select((pl.col(amounts).abs() <= LARGEST_FEN).fill_null(value=False).all()).row(0)
    begins = starts(lines["order"].to_numpy())
    for model in models:
        share = lines[model]
        able = all(in_range) and share.is_finite().all() and (share >= 0).all()
        if not able or (begins.size and not np.add.reduceat(share.to_numpy(), begins).all()):
            for amount in amounts:
                refuse(lines.select("position", group="order", amount=amount, share=model))
