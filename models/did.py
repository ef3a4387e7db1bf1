"""What an event added in some places: difference in differences against the places that had none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from models.frames import AnyFrame

__all__ = ["difference_in_differences"]

#: The result, by column.
SCHEMA = {
    "treated_units": pl.Int64(),
    "control_units": pl.Int64(),
    "treated_before": pl.Float64(),
    "treated_after": pl.Float64(),
    "control_before": pl.Float64(),
    "control_after": pl.Float64(),
    "effect": pl.Float64(),
    "effect_low": pl.Float64(),
    "effect_high": pl.Float64(),
    "relative_effect": pl.Float64(),
    "placebo": pl.Float64(),
}


def difference_in_differences(
    outcomes: AnyFrame, /, *, treated: Collection[str], start: date, days: int, level: float = 0.95
) -> pl.DataFrame:
    """How much more the treated units changed at `start` than the others did.

    Formula: with Δ(u) = mean daily outcome of unit u in the `days` days from `start` on, less its mean in the `days`
    days before, effect = mean of Δ over treated units − mean of Δ over the others. Every unit counts once, whatever
    its size. The interval is Welch's for two groups of units: days of one unit are no independent observations, so
    only the differences between units count, and fewer than two units on a side give none.

    `placebo` is the same arithmetic within the time before, its second half against its first: far from 0, the
    units were already drifting apart, and the effect is not to be believed.

    Source: D. Card, A. Krueger, "Minimum Wages and Employment", AER 84(4), 1994; units as the observations after
    M. Bertrand, E. Duflo, S. Mullainathan, "How Much Should We Trust Differences-in-Differences Estimates?", QJE
    119(1), 2004.

    Sign: positive when the treated units rose more, or fell less. Adding any amount to all days of a unit, or any
    path over time to all units, changes nothing.

    Limits: it takes the others for what the treated would have been. It cannot tell the event from something else that
    happened to the same units on the same day.

    Args:
        outcomes: `unit` String, `day` Date, `value` (number, none missing), one row per unit and day.
        treated: the units that had the event; those that are not in `outcomes` have no part in it.
        start: the first day of the event.
        days: length of the time before and of the time after, at least 2.
        level: of the interval, between 0 and 1.

    Returns:
        One row: units and mean daily outcomes of both groups before and after, `effect` a day and its interval
        `effect_low` to `effect_high`, `relative_effect` = effect / (treated_before + control_after −
        control_before) where that is positive, `placebo`. Without a unit on one side what needs it is null.

    Raises:
        ValueError: `days` or `level` is out of range, or a unit lacks one of the days.

    >>> from datetime import date, timedelta
    >>> start = date(2025, 9, 1)
    >>> daily = {"hangzhou": (2, 5), "nanjing": (3, 4)}  # outcome of a day before, and after
    >>> rows = [(unit, start + timedelta(d), after if d >= 0 else before)
    ...         for unit, (before, after) in daily.items() for d in range(-4, 4)]
    >>> table = pl.DataFrame(rows, schema=["unit", "day", "value"], orient="row")
    >>> found = difference_in_differences(table, treated=["hangzhou"], start=start, days=4)
    >>> found.select("effect", "relative_effect", "placebo").row(0)
    (2.0, 0.6666666666666666, 0.0)
    """
    if days < 2:
        raise ValueError(f"days must be >= 2, got {days}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    first, after = start - timedelta(days), start + timedelta(days)
    window = outcomes.lazy().filter(pl.col("day").is_between(first, after, closed="left")).collect()
    _demand_whole(window, days)
    changes = _by_unit(window, treated, start)
    early = window.filter(pl.col("day") < start)
    two, other = (_Group.of(changes, is_treated) for is_treated in (True, False))
    effect = _less(two.change, other.change)
    low, high = _interval(two, other, effect, level)
    expected = None if two.before is None or other.change is None else two.before + other.change
    halves = _by_unit(early, treated, start - timedelta(days // 2))
    placebo = _less(_Group.of(halves, True).change, _Group.of(halves, False).change)
    return pl.DataFrame(
        [
            (
                two.units,
                other.units,
                two.before,
                two.after,
                other.before,
                other.after,
                effect,
                low,
                high,
                effect / expected if effect is not None and expected is not None and expected > 0 else None,
                placebo,
            )
        ],
        schema=SCHEMA,
        orient="row",
    )


@dataclass(frozen=True)
class _Group:
    """Means over the units of one side; `variance` is that of their changes, null for fewer than two."""

    units: int
    before: float | None
    after: float | None
    change: float | None
    variance: float | None

    @classmethod
    def of(cls, changes: pl.DataFrame, treated: bool) -> _Group:
        own = changes.filter(pl.col("treated") == treated)
        row = own.select(
            pl.col("before").mean(), pl.col("after").mean(), pl.col("change").mean(), variance=pl.col("change").var()
        ).row(0)
        return cls(own.height, *row)


def _demand_whole(window: pl.DataFrame, days: int) -> None:
    known = pl.col("day").filter(pl.col("value").is_not_null()).n_unique()
    lacking = window.group_by("unit").agg(known).filter(pl.col("day") < 2 * days)["unit"].sort().to_list()
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {window['unit'].n_unique()} units lack some of the {2 * days} days around the start "
            f"({', '.join(lacking[:5])}); give a value for each, 0 where nothing happened, or leave the unit out"
        )


def _by_unit(window: pl.DataFrame, treated: Collection[str], split: date) -> pl.DataFrame:
    later = pl.col("day") >= split
    return (
        window.sort("unit", "day")
        .group_by("unit", maintain_order=True)
        .agg(
            before=pl.col("value").filter(~later).cast(pl.Float64).mean(),
            after=pl.col("value").filter(later).cast(pl.Float64).mean(),
        )
        .with_columns(change=pl.col("after") - pl.col("before"), treated=pl.col("unit").is_in(list(treated)))
    )


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _interval(one: _Group, other: _Group, effect: float | None, level: float) -> tuple[float | None, float | None]:
    """Welch's interval of a difference of means, with Satterthwaite's degrees of freedom."""
    if effect is None or one.variance is None or other.variance is None:
        return None, None
    parts = [(group.variance or 0.0) / group.units for group in (one, other)]
    if not sum(parts):
        return effect, effect
    freedom = sum(parts) ** 2 / sum(
        part**2 / (group.units - 1) for part, group in zip(parts, (one, other), strict=True)
    )
    from scipy.special import stdtrit  # here, since it takes longer to import than all else takes to compute

    reach = float(stdtrit(freedom, (1 + level) / 2)) * sum(parts) ** 0.5
    return effect - reach, effect + reach
