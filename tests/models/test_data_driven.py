"""Data-driven attribution: recovers what made journeys convert, and declines where nothing did."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from models.data_driven import NoBetterThanBaseRateError, data_driven, fit_data_driven

KINDS = np.array(["impression", "engagement", "click"])


def simulate(*, effect: float, n: int = 6_000, seed: int = 5) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Journeys in which a click adds `effect` to the logit of converting, and nothing else does."""
    rng = np.random.default_rng(seed)
    touches = rng.geometric(0.4, n)
    journey = np.repeat(np.arange(n), touches)
    kind = rng.integers(3, size=journey.size)
    hours = journey * 2 + rng.integers(0, 400, journey.size)
    clicked = np.bincount(journey, kind == 2, n) > 0
    won = (rng.random(n) < 1 / (1 + np.exp(1.5 - effect * clicked))).astype(float)
    start = np.datetime64(datetime(2026, 1, 1), "us")
    paths = pl.DataFrame(
        {
            "journey_id": journey,
            "note_id": pl.Series([f"{'ABC'[k]}{i}" for k, i in zip(kind, journey % 4, strict=True)]),
            "kind": KINDS[kind],
            "occurred_at": start + hours.astype("timedelta64[h]"),
        }
    ).sort("journey_id", "occurred_at")
    paths = paths.with_columns(position=pl.int_range(1, pl.len() + 1).over("journey_id"))
    weights = {"journey_id": np.arange(n), "conversions": won, "value": won * 50, "nulls": 1 - won}
    return paths, pl.DataFrame(weights)


@pytest.fixture(scope="module")
def clicks() -> tuple[pl.DataFrame, pl.DataFrame]:
    return simulate(effect=3.0)


def test_recovers_that_clicks_did_it(clicks: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    paths, weights = clicks
    shares = fit_data_driven(paths, weights).shares(paths)
    with_click = shares.join(weights.filter(pl.col("conversions") > 0), on="journey_id").filter(
        (pl.col("kind") == "click").any().over("journey_id")
    )
    credit = dict(with_click.group_by("kind").agg(pl.col("share").sum()).iter_rows())
    assert credit["click"] > 0.9 * sum(credit.values())


def test_recovers_the_chance_out_of_time(clicks: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    model = fit_data_driven(*clicks)
    assert model.better_than_base_rate
    assert model.log_loss < model.base_log_loss
    assert model.brier < model.base_brier
    assert model.gain == pytest.approx(model.base_log_loss - model.log_loss)
    assert model.calibration["journeys"].sum() == pytest.approx(0.25 * clicks[1].height, rel=0.02)
    gap = (model.calibration["predicted"] - model.calibration["observed"]).abs()
    assert (gap * model.calibration["journeys"]).sum() / model.calibration["journeys"].sum() < 0.06


def test_declines_where_touches_say_nothing() -> None:
    with pytest.raises(NoBetterThanBaseRateError, match="expected more than twice its error"):
        data_driven(*simulate(effect=0.0))
    assert not fit_data_driven(*simulate(effect=0.0)).better_than_base_rate


def test_conserves_and_is_never_negative(clicks: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    paths, weights = clicks
    found = data_driven(paths, weights)
    assert found["conversions"].sum() == pytest.approx(weights["conversions"].sum(), rel=1e-9)
    assert found["revenue"].sum() == pytest.approx(weights["value"].sum(), rel=1e-9)
    assert found["conversions"].min() >= 0
    assert found["removal_effect"].null_count() == found.height == 12
    shares = fit_data_driven(paths, weights).shares(paths.lazy()).collect()
    assert shares.drop("share").equals(paths.sort("journey_id", "position"))
    sums = shares.group_by("journey_id").agg(pl.col("share").sum())["share"]
    assert ((sums - 1).abs() < 1e-12).all()


def test_row_order_names_and_untouched_conversions_change_nothing(clicks: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    paths, weights = clicks
    expected = dict(data_driven(paths, weights).select("note_id", "conversions").iter_rows())
    untouched = pl.DataFrame({"journey_id": [-1], "conversions": [9.0], "value": [9.0], "nulls": [0.0]})
    renamed = paths.with_columns(note_id=pl.lit("x > ") + pl.col("note_id")).sample(fraction=1, shuffle=True, seed=1)
    found = data_driven(renamed.lazy(), pl.concat([weights, untouched]).reverse()).collect()
    assert {name[4:]: won for name, won in found.select("note_id", "conversions").iter_rows()} == pytest.approx(
        expected, rel=1e-6
    )


def test_without_kinds_notes_are_told_apart(clicks: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    paths, weights = clicks
    found = data_driven(paths.drop("kind"), weights)
    clicked = found.filter(pl.col("note_id").str.starts_with("C"))["conversions"].sum()
    assert clicked > 0.6 * found["conversions"].sum()


def test_rare_kinds_are_one_kind(clicks: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    paths, weights = clicks
    many = paths.with_columns(kind=pl.col("kind") + (pl.col("journey_id") % 40).cast(pl.String))
    model = fit_data_driven(many, weights)
    assert len(model.kinds) == 51
    assert "" in model.kinds
    sums = model.shares(many).group_by("journey_id").agg(pl.col("share").sum())["share"]
    assert ((sums - 1).abs() < 1e-12).all()


def test_needs_times() -> None:
    paths, weights = simulate(effect=3.0, n=50)
    with pytest.raises(ValueError, match="paths have no column 'occurred_at'"):
        data_driven(paths.drop("occurred_at"), weights)


@pytest.mark.parametrize("n", [0, 40])
def test_needs_both_outcomes(n: int) -> None:
    paths, weights = simulate(effect=3.0, n=40)
    all_won = weights.head(n).with_columns(conversions=pl.lit(1.0), nulls=pl.lit(0.0))
    with pytest.raises(ValueError, match=rf"{n} journeys with touches .* expected at least 2 of each"):
        data_driven(paths, all_won)


def test_datetimes_with_a_zone(clicks: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    paths, weights = clicks
    zoned = paths.with_columns(touched_at=pl.col("occurred_at").dt.replace_time_zone(str(UTC))).drop("occurred_at")
    found = data_driven(zoned, weights, time_column="touched_at")
    assert found["conversions"].sum() == pytest.approx(weights["conversions"].sum(), rel=1e-9)
