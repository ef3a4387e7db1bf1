"""The presale before 11-11 in the demo world: deposits that became sales, that still wait for it, and that lapsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.demo.clock import DAY, FIRST_DATE
from pipelines.demo.exports import export_instant

if TYPE_CHECKING:
    from numpy.random import Generator

BALANCES_FROM = 54  # the day on which the first balances are paid
PRESOLD = 0.20  # of the orders on Tmall from then on
WAITING = 0.10  # and as many deposits, of those, whose balance has not come
LAPSED = 0.3  # of them were called off
DEPOSIT = 10  # of a hundred, in whole yuan
NUMBERS = 4_900_000_000_000_000_000
TERMS = ("deposit_paid_at", "deposit_amount", "balance_amount")


def with_presales(lines: pl.DataFrame, rng: Generator, /) -> pl.DataFrame:
    """The order lines, some of which begin as a deposit, and deposits that are no sales by the end.

    What is sold, and when, stays as it was: a sale has its terms and an earlier version that only is a deposit.
    """
    key = ["channel", "order_id", "line_no"]
    since = pl.lit(FIRST_DATE).cast(pl.Datetime("us")) + pl.duration(days=BALANCES_FROM)
    plain = (pl.len().over(key) == 1) & (pl.col("_trace") == "") & (pl.col("channel") == "tmall")
    able = lines.filter(plain & (pl.col("paid_at") >= since))
    draw = pl.Series(rng.random(able.height))
    ahead = pl.duration(seconds=pl.Series(rng.integers(3 * DAY, 5 * DAY, able.height)))
    terms = able.with_columns(
        deposit_paid_at=pl.col("paid_at") - ahead,
        deposit_amount=pl.col("paid_amount") * DEPOSIT // 10_000 * 100,
    ).with_columns(balance_amount=pl.col("paid_amount") - pl.col("deposit_amount"))
    whole = terms.filter(draw < PRESOLD)
    waiting = terms.filter((draw >= PRESOLD) & (draw < PRESOLD + WAITING)).with_columns(
        order_id=(NUMBERS + pl.int_range(pl.len(), dtype=pl.Int64) * 1_010 + 17).cast(pl.String)
    )
    lapsed = waiting.filter(pl.Series(rng.random(waiting.height) < LAPSED))
    sales = lines.join(whole.select(*key, *TERMS), on=key, how="left", maintain_order="left").with_columns(
        _trace=pl.when(pl.col("deposit_paid_at").is_not_null()).then(pl.lit("restated")).otherwise("_trace")
    )
    called_off = _deposits(lapsed).with_columns(
        pl.col("_day") + 2, status=pl.lit("cancelled"), _trace=pl.lit("restated")
    )
    parts = [sales, _deposits(whole), _deposits(waiting), called_off.with_columns(exported_at=export_instant())]
    return pl.concat([part.select(sales.columns) for part in parts])


def _deposits(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines as the shop told them on the morning after their deposit."""
    day = (pl.col("deposit_paid_at") - pl.lit(FIRST_DATE).cast(pl.Datetime("us"))).dt.total_days()
    return lines.with_columns(
        status=pl.lit("deposit"),
        paid_at="deposit_paid_at",
        paid_amount="deposit_amount",
        _day=day,
    ).with_columns(exported_at=export_instant())
