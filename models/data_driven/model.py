"""The fitted chance to convert, and the shares that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from models.data_driven.features import ANY_RECENCY, KEYS, counts, feature, repeats, touches_of
from models.frames import like

if TYPE_CHECKING:
    from models.frames import Frame


class NoBetterThanBaseRateError(ValueError):
    """The model tells converting journeys from others no better than their average rate: it credits nobody."""


@dataclass(frozen=True)
class DataDrivenModel:
    """A fitted chance to convert, and how well it did out of time.

    `coefficients`: `kind`, `recency` (0 is the newest, −1 any), `coefficient`. `repeats`: the coefficient of
    `log(1 + touches of a note already met)`. `calibration`: held-out journeys in ten equal parts by predicted
    chance: `predicted`, `observed` (mean chance, rate), `journeys`. `log_loss`, `base_log_loss`, `brier`,
    `base_brier`: of the model, and of the rate of the earlier journeys, both on the held-out ones. `gain`,
    `gain_error`: mean log loss saved per journey, and its standard error.
    """

    touch_column: str
    kind_column: str
    time_column: str
    kinds: tuple[str, ...]
    intercept: float
    repeats: float
    coefficients: pl.DataFrame
    calibration: pl.DataFrame
    log_loss: float
    base_log_loss: float
    brier: float
    base_brier: float
    gain: float
    gain_error: float

    @property
    def better_than_base_rate(self) -> bool:
        """Whether the gain is above twice its standard error."""
        return self.gain > 2 * self.gain_error

    def shares(self, paths: Frame, /) -> Frame:
        """The share of every touch in its journey.

        With p the chance to convert after the whole journey and p₋c after the journey without note c, the note's
        part is `max(p − p₋c, 0)`, divided by the sum over the notes of the journey, and split equally over the
        note's touches. Where no note adds anything they share equally. The shares of a journey sum to 1.

        Returns:
            `paths` with `share` (Float64), sorted by journey and position; rows without touch are left out.
        """
        rows = paths.lazy().filter(pl.col(self.touch_column).is_not_null())
        touches = touches_of(rows, self.touch_column, self.kind_column, self.time_column, self.kinds)
        counted = counts(touches, "n", "journey_id")
        cell = counts(touches, "own", "journey_id", "note")
        coefficient = pl.col("coefficient").fill_null(0.0)
        weighed = counted.join(self.coefficients.lazy(), on=["kind", "recency"], how="left")
        logit = weighed.group_by("journey_id").agg((coefficient * feature(pl.col("n"))).sum().alias("linear"))
        without = (
            cell.join(weighed, on=KEYS)
            .group_by("journey_id", "note")
            .agg(
                (coefficient * (feature(pl.col("n") - pl.col("own")) - feature(pl.col("n")))).sum().alias("change"),
                pl.col("own").filter(pl.col("recency") == ANY_RECENCY).sum(),
            )
            .join(repeats(touches), on="journey_id")
            .join(logit, on="journey_id")
        )
        fewer = pl.col("repeats") - pl.col("own") + 1
        whole = self.intercept + pl.col("linear") + self.repeats * pl.col("repeats").log1p()
        left = self.intercept + pl.col("linear") + pl.col("change") + self.repeats * fewer.log1p()
        adds = (_chance(whole) - _chance(left)).clip(lower_bound=0.0)
        total = pl.col("adds").sum().over("journey_id")
        parts = without.with_columns(adds.alias("adds")).select(
            "journey_id",
            pl.col("note").alias(self.touch_column),
            (
                pl.when(total > 0).then(pl.col("adds") / total).otherwise(1.0 / pl.len().over("journey_id"))
                / pl.col("own")
            ).alias("share"),
        )
        shares = rows.join(parts, on=["journey_id", self.touch_column], how="left").sort("journey_id", "position")
        return like(shares, paths)


def _chance(logit: pl.Expr) -> pl.Expr:
    return 1.0 / (1.0 + (-logit).exp())
