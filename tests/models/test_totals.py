"""What notes earned over all journeys: one pass over the rules, and every model."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from models import MODELS, RULES, attribute, by_position, credits, position_based, rule_totals  # noqa: A004
from models.paths import paths_from_aggregated, paths_from_touches
from models.totals import ATTRIBUTED

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 9, 10, 4, tzinfo=UTC)
EVERY_RULE = {name: MODELS[name].function for name in ATTRIBUTED if MODELS[name].kind == "rule"}
KINDS = ("impression", "engagement", "click", None)

#: Journeys: touches (note, hours before the conversion, kind, organic), conversions, value.
journeys = st.lists(
    st.tuples(
        st.lists(
            st.tuples(
                st.sampled_from(["A", "B", "a > b", "笔记"]),
                st.integers(0, 500),
                st.sampled_from(KINDS),
                st.sampled_from([True, False, None]),
            ),
            max_size=8,
        ),
        st.integers(0, 3),
        st.integers(0, 90),
    ),
    max_size=7,
)


def frames(rows: list) -> tuple[pl.DataFrame, pl.DataFrame]:
    touches = [
        (number, *touch, position)
        for number, (seen, *_) in enumerate(rows)
        for position, touch in enumerate(sorted(seen, key=lambda touch: -touch[1]), start=1)
    ]
    paths = pl.DataFrame(
        touches,
        schema={
            "journey_id": pl.Int64,
            "note_id": pl.String,
            "hours": pl.Int64,
            "kind": pl.String,
            "organic": pl.Boolean,
            "position": pl.UInt32,
        },
        orient="row",
    ).with_columns(occurred_at=pl.lit(NOON) - pl.duration(hours=pl.col("hours")))
    weights = pl.DataFrame(
        [(number, float(won), float(value * (won > 0)), 1.0) for number, (_, won, value) in enumerate(rows)],
        schema={"journey_id": pl.Int64, "conversions": pl.Float64, "value": pl.Float64, "nulls": pl.Float64},
        orient="row",
    )
    return paths.drop("hours"), weights


def earned(frame: pl.DataFrame, model: str, value: str = "conversions") -> dict[str, float]:
    return dict(frame.filter(pl.col("model") == model).select("note_id", value).iter_rows())


@given(journeys)
def test_one_pass_agrees_with_the_credits_of_every_conversion(rows: list) -> None:
    paths, weights = frames(rows)
    found = rule_totals(paths, weights, rules=EVERY_RULE)
    shares = credits(
        paths.with_columns(
            conversion_id=pl.col("journey_id").cast(pl.String),
            organic=pl.col("organic").fill_null(value=False),
            lane=pl.lit("seeding"),
            direct=pl.lit(value=True),
            age=pl.lit(NOON) - pl.col("occurred_at"),
            touches=pl.len().over("journey_id"),
        ),
        models=EVERY_RULE,
    ).join(weights.with_columns(pl.col("journey_id").cast(pl.String)), left_on="conversion_id", right_on="journey_id")
    for model in EVERY_RULE:
        for ours, theirs in (("conversions", "conversions"), ("revenue", "value")):
            sums = shares.group_by("note_id").agg((pl.col(model) * pl.col(theirs)).sum().alias("sum"))
            assert earned(found, model, ours) == pytest.approx(dict(sums.iter_rows()), rel=1e-9, abs=1e-9)


@given(journeys)
def test_additive_rules_conserve_and_none_is_negative(rows: list) -> None:
    paths, weights = frames(rows)
    found = rule_totals(paths, weights, rules=EVERY_RULE)
    touched = [row for row in rows if row[0]]
    for model in EVERY_RULE:
        amounts = found.filter(pl.col("model") == model)
        assert (amounts["conversions"] >= 0).all()
        assert set(amounts["note_id"]) == {touch[0] for seen, *_ in rows for touch in seen}
        if MODELS[model].additive:
            assert amounts["conversions"].sum() == pytest.approx(sum(won for _, won, _ in touched))
            assert amounts["revenue"].sum() == pytest.approx(sum(value for _, won, value in touched if won))


@given(journeys)
def test_participation_counts_the_conversions_of_each_note(rows: list) -> None:
    found = rule_totals(*frames(rows), rules={"participation": EVERY_RULE["participation"]})
    expected = {
        note: sum(won for seen, won, _ in rows if note in {touch[0] for touch in seen})
        for note in {touch[0] for seen, *_ in rows for touch in seen}
    }
    assert earned(found, "participation") == pytest.approx(expected)


@given(journeys, st.randoms())
def test_rows_names_laziness_and_untouched_conversions_do_not_matter(rows: list, random: object) -> None:
    paths, weights = frames(rows)
    expected = rule_totals(paths, weights, rules=EVERY_RULE)
    untouched = pl.DataFrame({"journey_id": [-1], "conversions": [2.0], "value": [9.0], "nulls": [0.0]})
    lazy = rule_totals(
        paths.sample(fraction=1, shuffle=True, seed=random.randint(0, 99)).lazy(),
        pl.concat([weights, untouched]).reverse().lazy(),
        rules=EVERY_RULE,
    )
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), expected)
    renamed = rule_totals(paths.with_columns(note_id="z" + pl.col("note_id")), weights, rules=EVERY_RULE)
    assert_frame_equal(renamed.with_columns(pl.col("note_id").str.slice(1)), expected)


def test_without_kind_or_organic_the_last_touch_counts() -> None:
    paths, weights = frames([([("A", 9, "click", False), ("B", 1, "impression", True)], 1, 10)])
    known = rule_totals(paths, weights, rules=EVERY_RULE)
    blind = rule_totals(paths.drop("kind", "organic"), weights, rules=EVERY_RULE)
    for model in ("last_click", "last_non_organic"):
        assert earned(known, model) == {"A": 1.0, "B": 0.0}
        assert earned(blind, model) == {"A": 0.0, "B": 1.0}


def test_rules_that_read_times_are_refused_without() -> None:
    paths, weights = frames([([("A", 9, None, None)], 1, 10)])
    with pytest.raises(ValueError, match="time_decay reads age, which the paths lack"):
        rule_totals(paths.drop("occurred_at"), weights)


def test_a_window_of_ages_or_dates_gives_the_same_as_instants() -> None:
    paths, weights = frames([([("A", 48, None, None), ("B", 24, None, None)], 1, 10)])
    expected = rule_totals(paths, weights)
    by_age = paths.with_columns(age=pl.lit(NOON) - pl.col("occurred_at")).drop("occurred_at")
    by_date = paths.with_columns(pl.col("occurred_at").dt.date())
    for same in (by_age, by_date):
        assert_frame_equal(rule_totals(same, weights), expected)


def test_options_and_rules_of_ones_own() -> None:
    paths, weights = paths_from_aggregated(pl.DataFrame({"path": ["A > B > C > D > E"], "total_conversions": [1]}))
    rules = {
        "W": partial(position_based, shape="W"),
        "J": partial(position_based, shape="J"),
        "inverse": partial(position_based, shape="inverse_J"),
        "U": partial(position_based, shape="U"),
        "mine": partial(by_position, weights=(3, 1)),
        "end": partial(by_position, weights=(4, 2, 0), from_end=True),
    }
    found = rule_totals(paths, weights, rules=rules)
    expected = {
        "W": [0.3, 0.05, 0.3, 0.05, 0.3],
        "J": [0.2, 0.2 / 3, 0.2 / 3, 0.2 / 3, 0.6],
        "inverse": [0.6, 0.2 / 3, 0.2 / 3, 0.2 / 3, 0.2],
        "U": [0.4, 0.2 / 3, 0.2 / 3, 0.2 / 3, 0.4],
        "mine": [3 / 7, 1 / 7, 1 / 7, 1 / 7, 1 / 7],
        "end": [0, 0, 0, 1 / 3, 2 / 3],
    }
    for model, shares in expected.items():
        assert list(earned(found, model).values()) == pytest.approx(shares), model


@pytest.mark.parametrize("shape", ["U", "W", "J", "inverse_J"])
@pytest.mark.parametrize("touches", [1, 2, 3, 4])
def test_shapes_of_short_journeys_sum_to_one(shape: str, touches: int) -> None:
    path = pl.DataFrame({"path": [" > ".join("ABCD"[:touches])], "total_conversions": [1]})
    found = rule_totals(*paths_from_aggregated(path), rules={"x": partial(position_based, shape=shape)})
    assert found["conversions"].sum() == pytest.approx(1.0)
    assert found["conversions"].min() > 0


def test_weights_that_give_a_journey_nothing_are_shared_equally() -> None:
    paths, weights = paths_from_aggregated(pl.DataFrame({"path": ["A", "B > C"], "total_conversions": [1, 1]}))
    found = rule_totals(paths, weights, rules={"second": partial(by_position, weights=(0, 1))})
    assert earned(found, "second") == {"A": 1.0, "B": 0.0, "C": 1.0}


@pytest.mark.parametrize("weights", [(), (0, 0), (1, -1), (float("nan"),), (float("inf"),)])
def test_weights_that_cannot_be_shared_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="weights must be >= 0, finite, and one above 0"):
        by_position(weights=weights)


def test_an_unknown_shape_is_named() -> None:
    with pytest.raises(ValueError, match="shape must be one of U, W, J, inverse_J, got 'X'"):
        position_based(shape="X")


def test_every_model_in_one_frame() -> None:
    paths, weights = frames(
        [([("A", 9, "click", False), ("B", 5, None, True)], 2, 10), ([("B", 5, None, None)], 0, 0), ([], 1, 5)]
    )
    models = [name for name in ATTRIBUTED if name != "data_driven"]
    found = attribute(paths, weights, models=models)
    assert found["model"].unique(maintain_order=True).to_list() == models
    assert found.columns == ["model", "note_id", "conversions", "revenue", "removal_effect"]
    assert found.height == 2 * len(models)
    assert not any(found.select(pl.col("conversions", "revenue").is_null().any()).row(0))
    assert found.filter(pl.col("removal_effect").is_not_null())["model"].unique().to_list() == ["markov"]
    assert_frame_equal(attribute(paths.lazy(), weights.lazy(), models=models).collect(), found)


@pytest.mark.parametrize("name", ["nothing", "by_position"])
def test_models_that_cannot_run_are_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"models must be of first_touch, .*got '{name}'"):
        attribute(*frames([]), models=["linear", name])


def test_no_journeys_give_no_rows_but_their_columns() -> None:
    assert attribute(*frames([]), models=["linear", "markov", "shapley"]).height == 0
    assert rule_totals(*frames([]), rules={}).columns == attribute(*frames([]), models=["linear"]).columns


def test_the_revenue_of_free_orders_is_zero_and_their_conversions_count() -> None:
    found = attribute(*frames([([("A", 9, None, None)], 3, 0)]), models=["linear", "markov", "shapley"])
    assert found["conversions"].to_list() == [3.0] * 3
    assert found["revenue"].to_list() == [0.0] * 3


def test_a_journey_of_ten_thousand_touches_is_exact() -> None:
    seen = pl.DataFrame({"journey_id": 1, "note_id": [f"n{number % 7}" for number in range(10_000)]}).with_columns(
        occurred_at=pl.lit(NOON) - pl.duration(seconds=pl.int_range(10_000))
    )
    outcome = pl.DataFrame({"journey_id": [1], "converted": [True], "revenue": [70.0], "converted_at": [NOON]})
    found = attribute(*paths_from_touches(seen, outcome), models=["linear", "shapley", "last_touch"])
    counts = dict(seen["note_id"].value_counts().iter_rows())
    assert earned(found, "linear") == pytest.approx({note: count / 10_000 for note, count in counts.items()})
    assert list(earned(found, "shapley", "revenue").values()) == pytest.approx([10.0] * 7)
    assert earned(found, "last_touch")["n0"] == 1.0


@pytest.mark.shared
def test_ten_thousand_public_paths_in_one_pass(shared_data: Path) -> None:
    folder = shared_data / "conformance" / "pathdata"
    found = rule_totals(
        *paths_from_aggregated(pl.read_csv(folder / "paths.csv")),
        rules={name: RULES[name] for name in ("first_touch", "last_touch", "linear")},
    )
    expected = pl.read_csv(folder / "channelattribution_heuristics.csv")
    for model, theirs in (("first_touch", "first_touch"), ("last_touch", "last_touch"), ("linear", "linear_touch")):
        for ours, what in (("conversions", "conversions"), ("revenue", "value")):
            answers = dict(expected.select("channel_name", f"{theirs}_{what}").iter_rows())
            assert earned(found, model, ours) == pytest.approx(answers, rel=1e-9, abs=1e-9)


@pytest.mark.shared
def test_the_worked_example_of_12000_from_touches(shared_data: Path) -> None:
    case = json.loads((shared_data / "conformance" / "worked_12k" / "case.json").read_text())
    days = case["touch_day"]
    start = NOON - timedelta(days=days[-1])
    seen = pl.DataFrame(
        {
            "journey_id": ["j"] * len(days),
            "note_id": [f"n{place}" for place in range(len(days))],
            "occurred_at": [start + timedelta(days=day) for day in days],
        }
    )
    outcome = pl.DataFrame(
        {"journey_id": ["j"], "converted": [1], "revenue": [case["revenue"]], "converted_at": [NOON]}
    )
    found = attribute(*paths_from_touches(seen, outcome), models=list(EVERY_RULE))
    for model, name in {
        "first_touch": "first",
        "last_touch": "last",
        "linear": "linear",
        "time_decay": "time_decay_exact",
        "position_based": "position",
    }.items():
        answers = case["expected"][name]
        assert list(earned(found, model, "revenue").values()) == pytest.approx(answers, rel=1e-9, abs=1e-9)


def test_a_rule_that_weighs_no_touch_of_a_journey_credits_it_to_none() -> None:
    def clicks_only() -> pl.Expr:
        return (pl.col("kind") == "click").cast(pl.Float64)

    rows = [([("A", 9, "click", None), ("B", 8, "impression", None)], 1, 50), ([("B", 9, "impression", None)], 1, 70)]
    found = rule_totals(*frames(rows), rules={"clicks_only": clicks_only})
    assert found.select("note_id", "conversions", "revenue").rows() == [("A", 1.0, 50.0), ("B", 0.0, 0.0)]
