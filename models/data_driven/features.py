"""What the data-driven model sees of a journey: kinds, recency and repetition of its touches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Days before the last touch of the journey at which the weight of a touch may change.
RECENCY_DAYS = (1.0, 7.0)

#: Stands for any recency: whether a kind was met at all.
ANY_RECENCY = -1

#: Kinds that are told apart; rarer ones are one kind.
MOST_KINDS = 50

KEYS = ("journey_id", "kind", "recency")


def kinds_of(rows: pl.LazyFrame, kind_column: str) -> tuple[str, ...]:
    """The commonest kinds, and "" for the rest if there are more."""
    kind = pl.col(kind_column).cast(pl.String).fill_null("").alias("kind")
    found = rows.group_by(kind).len().sort(["len", "kind"], descending=[True, False]).collect()["kind"]
    rest = {""} if found.len() > MOST_KINDS else set()
    return tuple(sorted({*found.head(MOST_KINDS), *rest}))


def touches_of(
    rows: pl.LazyFrame, touch_column: str, kind_column: str, time_column: str, kinds: Sequence[str]
) -> pl.LazyFrame:
    """One row per touch: `journey_id`, `note`, `kind` ("" if rare), `recency` (Int32), `time`."""
    time = pl.col(time_column)
    days = (time.max().over("journey_id") - time).dt.total_seconds() / 86_400
    recency = pl.sum_horizontal((days > limit).cast(pl.Int32) for limit in RECENCY_DAYS)
    kind = pl.col(kind_column).cast(pl.String)
    return rows.select(
        "journey_id",
        pl.col(touch_column).alias("note"),
        pl.when(kind.is_in(list(kinds))).then(kind).otherwise(pl.lit("")).alias("kind"),
        recency.fill_null(len(RECENCY_DAYS)).cast(pl.Int32).alias("recency"),
        time.alias("time"),
    )


def counts(touches: pl.LazyFrame, name: str, *by: str) -> pl.LazyFrame:
    """Touches of each kind, by recency and at any."""
    by_recency = touches.group_by(*by, "kind", "recency").agg(pl.len().cast(pl.Int64).alias(name))
    at_any = by_recency.group_by(*by, "kind").agg(pl.lit(ANY_RECENCY, pl.Int32).alias("recency"), pl.col(name).sum())
    return pl.concat([by_recency, at_any])


def feature(count: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("recency") == ANY_RECENCY).then((count > 0).cast(pl.Float64)).otherwise(count.log1p())


def repeats(touches: pl.LazyFrame) -> pl.LazyFrame:
    return touches.group_by("journey_id").agg((pl.len() - pl.col("note").n_unique()).cast(pl.Int64).alias("repeats"))


def design_of(touches: pl.LazyFrame, weights: pl.DataFrame, cells: list[tuple[str, int]]) -> Any:
    """The features of the journeys as a sparse matrix, rows as in `weights`, columns as in `cells`, then repeats."""
    columns = pl.DataFrame(
        {"kind": [kind for kind, _ in cells], "recency": [recency for _, recency in cells]},
        schema={"kind": pl.String, "recency": pl.Int32},
    ).with_row_index("column")
    rows = weights.lazy().select("journey_id", "row")
    counted = (
        counts(touches, "n", "journey_id")
        .join(rows, on="journey_id")
        .join(columns.lazy(), on=["kind", "recency"])
        .select("row", "column", feature(pl.col("n")).alias("x"))
    )
    again = (
        repeats(touches)
        .join(rows, on="journey_id")
        .select("row", pl.lit(len(cells), pl.get_index_type()).alias("column"), pl.col("repeats").log1p().alias("x"))
    )
    entries = pl.concat([counted, again]).sort("row", "column").collect()
    shape = (weights.height, len(cells) + 1)
    return sparse.csr_matrix((entries["x"], (entries["row"], entries["column"])), shape=shape)
