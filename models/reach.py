"""Which channels a lane can reach: a link to one shop earns nothing in another."""

from __future__ import annotations

import polars as pl

EVER, STILL = pl.date(1, 1, 1), pl.date(9999, 12, 31)

#: Conversions that differ in neither are reached by the same lanes.
MARKET = ("channel", "paid_date")

#: Notes that differ in neither reach the same conversions, as the row of `reach` says.
WAY = ("lane", "exchange")


def with_reach(
    conversions: pl.LazyFrame, notes: pl.LazyFrame, reach: pl.LazyFrame | None, /
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Conversions with `reached_by`, notes with `reaches` (Int64): one can reach the other where they share a bit.

    There is a bit for each pair of lane and exchange in `reach` (as for `models.journeys.journeys`). A note has
    those of its lane and exchange, a conversion those that lead to its channel on its day. So many pairs of note
    and conversion are judged by one integer operation each. Without `reach` all have the same bit.
    """
    if reach is None:
        same = pl.lit(1, pl.Int64)
        return conversions.with_columns(reached_by=same), notes.with_columns(reaches=same)
    ways = reach.select("lane", "exchange").unique().sort("lane", "exchange")
    ways = ways.with_columns(bit=pl.lit(2, pl.Int64).pow(pl.int_range(pl.len())))
    in_force = pl.col("paid_date").is_between(pl.col("valid_from").fill_null(EVER), pl.col("valid_to").fill_null(STILL))
    reached_by = (
        conversions.select(MARKET)
        .unique()
        .join(reach.join(ways, on=["lane", "exchange"], nulls_equal=True), on="channel")
        .filter(in_force)
        .group_by(MARKET)
        .agg(reached_by=pl.col("bit").bitwise_or())
    )
    not_another_exchange = (pl.col("exchange") == pl.col("exchange_right")).fill_null(value=True)
    reaches = (
        notes.select(WAY)
        .unique()
        .join(ways, on="lane")
        .filter(not_another_exchange)
        .group_by(WAY)
        .agg(reaches=pl.col("bit").bitwise_or())
    )
    return (
        conversions.join(reached_by, on=MARKET, how="left"),
        notes.join(reaches, on=WAY, how="left", nulls_equal=True),
    )
