from __future__ import annotations

import json
import random
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from models.credits import credits  # noqa: A004
from models.journeys import journeys
from models.register import MODELS, RULES
from models.rules.by_position import by_position
from models.rules.position_based import position_based
from models.rules.time_decay import time_decay
from tests.models.worlds import DAY, START, WINDOWS, frame, frames, reference_journeys, reference_shares, world

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = st.integers(0, 2**32)


def journeys_of(rows: dict[str, list[dict[str, Any]]]) -> pl.DataFrame:
    whole = frames(rows)
    return journeys(whole["touches"], whole["conversions"], whole["notes"], whole["windows"])


def journey(*notes: str, kinds: list[str] | None = None, ages: list[timedelta] | None = None) -> pl.DataFrame:
    """One journey through `notes`, a day apart unless `ages` says otherwise."""
    count = len(notes)
    return pl.DataFrame(
        {
            "conversion_id": "o1",
            "note_id": notes,
            "lane": "seeding",
            "kind": kinds or ["impression"] * count,
            "age": ages or [(count - place) * DAY for place in range(count)],
            "organic": False,
            "direct": True,
            "position": pl.Series(range(1, count + 1), dtype=pl.UInt32),
            "touches": pl.Series([count] * count, dtype=pl.UInt32),
        }
    )


@pytest.mark.parametrize("model", RULES)
@given(seed=SEEDS)
def test_credits_agree_with_the_reference(model: str, seed: int) -> None:
    rows = world(seed)
    result = credits(journeys_of(rows))
    expected = reference_shares(reference_journeys(rows), model)
    assert [(order, note) for order, notes in expected.items() for note in notes] == result.select(
        "conversion_id", "note_id"
    ).rows()
    shares = [share for notes in expected.values() for share in notes.values()]
    assert result[model].to_list() == pytest.approx(shares, rel=1e-9, abs=1e-12)


@given(seed=SEEDS)
def test_shares_are_not_negative_and_sum_to_one(seed: int) -> None:
    result = credits(journeys_of(world(seed)))
    for model in RULES:
        sums = result.group_by("conversion_id").agg(pl.col(model).sum(), least=pl.col(model).min())
        assert ((sums[model] - 1).abs() <= 1e-12).all()
        assert (sums["least"] >= 0).all()


@given(seed=SEEDS)
def test_the_order_of_rows_does_not_matter_nor_whether_frames_are_lazy(seed: int) -> None:
    given_journeys = journeys_of(world(seed))
    shuffled = given_journeys.sample(fraction=1, shuffle=True, seed=seed)
    expected = credits(given_journeys)
    assert_frame_equal(credits(shuffled), expected, check_exact=True)
    lazy = credits(shuffled.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    for engine in ("in-memory", "streaming"):
        assert_frame_equal(lazy.collect(engine=engine), expected, rel_tol=1e-12)


@given(seed=SEEDS)
def test_other_names_for_users_and_orders_change_no_share(seed: int) -> None:
    rows = world(seed)
    expected = credits(journeys_of(rows)).with_columns(pl.col("conversion_id").str.replace("o", "x"))
    for table in ("touches", "conversions"):
        rows[table] = [{**row, "user_key": row["user_key"] and row["user_key"] - 2**63} for row in rows[table]]
    for order in rows["conversions"]:
        order["conversion_id"] = order["conversion_id"].replace("o", "x")
    assert_frame_equal(credits(journeys_of(rows)), expected)


@given(seed=SEEDS)
def test_a_conversion_without_touches_changes_nothing_else(seed: int) -> None:
    rows = world(seed)
    before = credits(journeys_of(rows))
    stranger = {"conversion_id": "o99", "user_key": 99, "paid_at": START + 5 * DAY}
    rows["conversions"].append(stranger)
    assert_frame_equal(credits(journeys_of(rows)), before)


@given(st.lists(st.sampled_from(["n1", "n2", "n3"]), min_size=1, max_size=12))
def test_a_journey_of_one_note_gives_it_all(notes: list[str]) -> None:
    result = credits(journey(*(["n1"] * len(notes))))
    assert result.select(*RULES).row(0) == pytest.approx([1.0] * len(RULES), rel=1e-12)


@pytest.mark.parametrize(
    ("kinds", "winner"),
    [
        (["click", "impression", "click", "engagement"], "n3"),
        (["click", "impression", "impression", "engagement"], "n1"),
        (["impression", "engagement", "impression", "engagement"], "n4"),
    ],
)
def test_last_click_falls_back_to_the_last_view(kinds: list[str], winner: str) -> None:
    result = credits(journey("n1", "n2", "n3", "n4", kinds=kinds))
    assert result.filter(pl.col("last_click") == 1)["note_id"].to_list() == [winner]


def test_two_touches_share_equally_by_position() -> None:
    assert credits(journey("n1", "n2"))["position_based"].to_list() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("organic", "winner"),
    [([True, False, False, True], "n3"), ([False, True, True, None], "n4"), ([True] * 4, "n4")],
)
def test_the_last_touch_that_is_not_organic_wins(organic: list[bool | None], winner: str) -> None:
    touches = journey("n1", "n2", "n3", "n4").with_columns(organic=pl.Series(organic, dtype=pl.Boolean))
    result = credits(touches, models={"last_non_organic": MODELS["last_non_organic"].function})
    assert result.filter(pl.col("last_non_organic") == 1)["note_id"].to_list() == [winner]


def test_participation_gives_every_note_the_whole_and_stays_out_of_what_adds_up() -> None:
    result = credits(journey("n1", "n2", "n1"), models={"participation": MODELS["participation"].function})
    assert result["participation"].to_list() == [1.0, 1.0]
    assert "participation" not in RULES


@pytest.mark.parametrize("parts", [{"first": -0.1}, {"middle": -1}, {"first": 0, "last": 0}, {"centre": -1}])
def test_parts_that_cannot_be_shared_are_refused(parts: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="parts must be >= 0 and first \\+ last > 0, got"):
        position_based(**parts)


def test_a_half_life_must_be_positive() -> None:
    with pytest.raises(ValueError, match="half_life must be above 0, got 0:00:00"):
        time_decay(half_life=timedelta(0))


def test_time_decay_halves_with_each_half_life() -> None:
    models = {"slow": time_decay, "fast": partial(time_decay, half_life=DAY)}
    result = credits(journey("n1", "n2", ages=[8 * DAY, DAY]), models=models)
    assert result["slow"].to_list() == pytest.approx([1 / 3, 2 / 3])
    assert result["fast"].to_list() == pytest.approx([1 / 129, 128 / 129])


def test_time_decay_of_old_touches_does_not_vanish() -> None:
    models = {"fast": partial(time_decay, half_life=timedelta(minutes=1))}
    assert credits(journey("n1", "n2", ages=[71 * DAY, 70 * DAY]), models=models)["fast"].to_list() == [0.0, 1.0]


def test_a_model_may_not_be_named_like_a_key() -> None:
    with pytest.raises(ValueError, match=r"1 models are named like key columns: lane\. Rename them"):
        credits(journey("n1"), models={"lane": RULES["linear"]})


def test_the_register_names_every_rule_in_both_languages() -> None:
    of_kind = [model for model in MODELS.values() if model.kind == "rule" and model.additive and not model.needs]
    assert list(RULES) == [model.name for model in of_kind]
    for model in MODELS.values():
        assert model.name_zh
        assert model.name_en
    for rule in RULES.values():
        for promised in ("Conservation:", "Source:", "Limits:"):
            assert promised in (rule.__doc__ or "")


def test_the_note_that_alone_makes_people_buy_earns_most() -> None:
    """Recovery: people who saw `cause` buy, nobody else does; the other notes are seen by everyone alike."""
    rng = random.Random(7)
    touches, orders = [], []
    for user in range(600):
        seen = rng.sample(["noise1", "noise2", "noise3"], 2) + ["cause"] * (rng.random() < 0.4)
        rng.shuffle(seen)
        touches += [
            {"note_id": note, "user_key": user, "touched_at": START + (10 + place) * DAY}
            for place, note in enumerate(seen)
        ]
        if "cause" in seen:
            orders.append({"conversion_id": f"o{user}", "user_key": user, "paid_at": START + 14 * DAY})
    notes = [{"note_id": note} for note in ("cause", "noise1", "noise2", "noise3")]
    found = journeys(
        frame("touches", touches), frame("conversions", orders), frame("notes", notes), frame("windows", WINDOWS)
    )
    every = {name: model.function for name, model in MODELS.items() if model.kind == "rule" and not model.needs}
    every |= {"mine": partial(by_position, weights=(3, 2, 1))}
    organic = found.with_columns(organic=pl.col("note_id") != "cause")
    totals = credits(organic, models=every).group_by("note_id").agg(pl.col(*every).sum())
    for model in every:
        assert totals.sort(model, descending=True)["note_id"][0] == "cause"
    # Everybody who bought saw the cause and two of the three others.
    assert totals.filter(pl.col("note_id") == "cause")["linear"].item() == pytest.approx(len(orders) / 3)


@pytest.mark.shared
def test_the_worked_example_of_12000_is_reproduced(shared_data: Path) -> None:
    case = json.loads((shared_data / "conformance" / "worked_12k" / "case.json").read_text())
    days, expected = case["touch_day"], case["expected"]
    # The last touch is at the conversion itself, which for this software only a click of the order can be.
    touches = [
        {
            "note_id": f"n{place}",
            "user_key": 1,
            "touched_at": START + day * DAY,
            "kind": "click",
            "click_id": f"c{place}",
        }
        for place, day in enumerate(days)
    ]
    paid = START + days[-1] * DAY
    order = {"conversion_id": "o1", "user_key": 1, "paid_at": paid, "paid_date": date(2026, 10, 9), "click_id": "c4"}
    found = journeys(
        frame("touches", touches),
        frame("conversions", [order]),
        frame("notes", [{"note_id": f"n{place}"} for place in range(len(days))]),
        frame("windows", [{"kind": "click", "window": 60 * DAY}]),
    )
    result = credits(found)
    names = {
        "first_touch": "first",
        "last_touch": "last",
        "linear": "linear",
        "time_decay": "time_decay_exact",
        "position_based": "position",
    }
    for model, name in names.items():
        assert (result[model] * case["revenue"]).to_list() == pytest.approx(expected[name], rel=1e-9, abs=1e-9)


@pytest.mark.shared
def test_ten_thousand_public_paths_give_the_known_totals(shared_data: Path) -> None:
    folder = shared_data / "conformance" / "pathdata"
    paths = pl.read_csv(folder / "paths.csv").with_row_index("path_no").filter(pl.col("total_conversions") > 0)
    steps = (
        paths.select(conversion_id=pl.format("o{}", "path_no"), note_id=pl.col("path").str.split(" > "))
        .explode("note_id")
        .with_columns(
            lane=pl.lit("seeding"),
            kind=pl.lit("impression"),
            organic=pl.lit(value=False),
            direct=pl.lit(value=True),
            position=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("conversion_id"),
            touches=pl.len().over("conversion_id"),
        )
        .with_columns(age=pl.duration(days=pl.col("touches") - pl.col("position") + 1))
    )
    totals = (
        credits(steps)
        .join(paths.select(pl.format("o{}", "path_no").alias("conversion_id"), "^total_.*$"), on="conversion_id")
        .group_by(channel_name="note_id")
        .agg(
            (pl.col(model) * pl.col(f"total_{of}")).sum().alias(f"{name}_{what}")
            for model, name in (
                ("first_touch", "first_touch"),
                ("last_touch", "last_touch"),
                ("linear", "linear_touch"),
            )
            for what, of in (("conversions", "conversions"), ("value", "conversion_value"))
        )
        .sort("channel_name")
    )
    expected = pl.read_csv(folder / "channelattribution_heuristics.csv").sort("channel_name")
    assert_frame_equal(totals, expected, rel_tol=1e-9, abs_tol=1e-9, check_column_order=False)
