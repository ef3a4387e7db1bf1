"""Difference in differences: known answers, laws, and what was simulated comes back."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.did import difference_in_differences

START = date(2025, 9, 1)
DAYS = 14


def table(values: dict[str, np.ndarray]) -> pl.DataFrame:
    """Values of each unit for the days around the start."""
    days = [START + timedelta(d) for d in range(-DAYS, DAYS)]
    return pl.concat([pl.DataFrame({"unit": unit, "day": days, "value": v}) for unit, v in values.items()])


def estimate(values: dict[str, np.ndarray], treated: list[str]) -> dict[str, float]:
    return difference_in_differences(table(values), treated=treated, start=START, days=DAYS).row(0, named=True)


def steps(before: float, after: float) -> np.ndarray:
    return np.repeat([before, after], DAYS).astype(float)


def test_known_answer_with_units_of_unequal_size() -> None:
    found = estimate({"a": steps(10, 16), "b": steps(20, 22), "c": steps(100, 101), "d": steps(1, 4)}, ["a", "b"])
    assert (found["treated_units"], found["control_units"]) == (2, 2)
    assert (found["treated_before"], found["treated_after"]) == (15, 19)
    assert (found["control_before"], found["control_after"]) == (50.5, 52.5)
    assert found["effect"] == 4 - 2
    assert found["relative_effect"] == pytest.approx(2 / 17)
    assert found["placebo"] == 0


def test_the_interval_is_welchs_over_units() -> None:
    values = {"a": steps(0, 6), "b": steps(0, 2), "c": steps(0, 1), "d": steps(0, 3), "e": steps(0, -1)}
    found = estimate(values, ["a", "b"])
    low, high = stats.ttest_ind([6, 2], [1, 3, -1], equal_var=False).confidence_interval(0.95)
    assert (found["effect_low"], found["effect_high"]) == (pytest.approx(low), pytest.approx(high))


def test_what_was_simulated_comes_back_and_its_interval_holds_it_as_often_as_it_says() -> None:
    """Units of unequal size, a common season, noise of units and of days, and 3 more a day where the event is."""
    rng, truth, held, effects = np.random.default_rng(5), 3.0, 0, []
    treated = [f"t{i}" for i in range(5)]
    for _ in range(200):
        season = 4 * np.sin(np.arange(2 * DAYS) / 4)
        values = {}
        for unit in [*treated, *(f"c{i}" for i in range(7))]:
            change = rng.normal(0, 1) + (truth if unit in treated else 0)
            values[unit] = rng.uniform(20, 60) + season + rng.normal(0, 2, 2 * DAYS) + steps(0, change)
        found = estimate(values, treated)
        effects.append(found["effect"])
        held += found["effect_low"] <= truth <= found["effect_high"]
    assert np.mean(effects) == pytest.approx(truth, abs=0.15)
    assert 0.90 <= held / 200 <= 0.99


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=4, max_size=4), st.integers(0, 2**32 - 1))
def test_levels_of_units_and_a_path_that_all_share_change_nothing(levels: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = {unit: rng.integers(0, 9, 2 * DAYS).astype(float) for unit in "abcd"}
    path = rng.integers(-9, 9, 2 * DAYS)
    moved = {unit: v + path + level for (unit, v), level in zip(values.items(), levels, strict=True)}
    one, other = estimate(values, ["a", "b"]), estimate(moved, ["a", "b"])
    for name in ("effect", "effect_low", "effect_high", "placebo"):
        assert one[name] == pytest.approx(other[name])


def test_units_that_drifted_apart_before_are_told_by_the_placebo() -> None:
    drift = np.arange(2 * DAYS, dtype=float)
    found = estimate({"a": drift, "b": drift * 0}, ["a"])
    assert found["effect"] == DAYS
    assert found["placebo"] == DAYS / 2


def test_one_unit_on_a_side_has_no_interval_and_none_no_effect() -> None:
    alone = estimate({"a": steps(1, 2), "b": steps(1, 1), "c": steps(1, 1)}, ["a"])
    assert (alone["effect"], alone["effect_low"], alone["effect_high"]) == (1, None, None)
    none = estimate({"b": steps(1, 1), "c": steps(1, 1)}, ["a"])
    assert (none["treated_units"], none["control_before"]) == (0, 1)
    assert (none["effect"], none["treated_before"], none["placebo"]) == (None, None, None)


def test_a_unit_with_missing_days_is_named() -> None:
    rows = table({"hangzhou": steps(1, 2), "nanjing": steps(1, 1)})
    gap = rows.filter((pl.col("unit") != "nanjing") | (pl.col("day") != START))
    with pytest.raises(ValueError, match=r"1 of 2 units lack some of the 28 days around the start \(nanjing\)"):
        difference_in_differences(gap, treated=["hangzhou"], start=START, days=DAYS)


@pytest.mark.parametrize(("options", "told"), [({"days": 1}, "days must be >= 2"), ({"level": 1.0}, "level must lie")])
def test_options_out_of_range_are_refused(options: dict[str, float], told: str) -> None:
    rows = table({"a": steps(1, 2)})
    with pytest.raises(ValueError, match=told):
        difference_in_differences(rows, treated=["a"], start=START, **({"days": DAYS} | options))
