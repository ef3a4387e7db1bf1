"""Paths: treatments, and the frames that the fitted models read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.encoded import encode
from models.paths import (
    TREATMENTS,
    paths_from_aggregated,
    paths_from_touches,
    paths_of_users,
    treat,
)

NOON = datetime(2026, 9, 10, 4, tzinfo=UTC)


def path(*notes: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"journey_id": ["j"] * len(notes), "note_id": notes, "position": range(1, len(notes) + 1)},
        schema={"journey_id": pl.String, "note_id": pl.String, "position": pl.UInt32},
    )


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [("whole", "BBABA"), ("collapse", "BABA"), ("first", "BA"), ("unique", "AB")],
)
def test_treatments(treatment: str, expected: str) -> None:
    treated = treat(path(*"BBABA"), treatment=treatment)
    assert "".join(treated["note_id"]) == expected
    assert treated["position"].to_list() == list(range(1, len(expected) + 1))


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_a_treatment_never_joins_journeys_and_leaves_nulls_out(treatment: str) -> None:
    two = pl.concat([path("A", None), path("A").with_columns(journey_id=pl.lit("k"))])
    assert treat(two, treatment=treatment).select("journey_id", "note_id").rows() == [("j", "A"), ("k", "A")]


def test_unknown_treatment_is_named() -> None:
    with pytest.raises(ValueError, match=r"one of whole, collapse, first, unique, got 'last'"):
        treat(path("A"), treatment="last")


@given(st.lists(st.sampled_from("ABC"), max_size=12), st.sampled_from(TREATMENTS))
def test_treatments_are_idempotent_and_lazy_agrees(notes: list[str], treatment: str) -> None:
    once = treat(path(*notes), treatment=treatment)
    assert treat(once, treatment=treatment).equals(once)
    assert treat(path(*notes).lazy(), treatment=treatment).collect().equals(once)
    assert set(once["note_id"]) == set(notes)


def journeys(**columns: object) -> pl.DataFrame:
    return pl.DataFrame(
        {"journey_id": ["j"], "converted": [True], "revenue": [100.0], "converted_at": [NOON], **columns},
        schema_overrides={"converted_at": pl.Datetime("us", "UTC"), "revenue": pl.Float64},
    )


def touches(*rows: tuple[str | None, timedelta | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "journey_id": ["j"] * len(rows),
            "note_id": [note for note, _ in rows],
            "occurred_at": [None if age is None else NOON - age for _, age in rows],
        },
        schema={"journey_id": pl.String, "note_id": pl.String, "occurred_at": pl.Datetime("us", "UTC")},
    )


def test_touch_after_its_conversion_is_none_of_the_journey() -> None:
    rows = touches(("late", timedelta(microseconds=-1)), ("same", timedelta(0)), ("early", timedelta(days=400)))
    paths, weights = paths_from_touches(rows, journeys())
    assert paths["note_id"].to_list() == ["early", "same"]
    assert weights.rows() == [("j", 1.0, 100.0, 0.0)]


def test_equal_instants_have_one_order_whatever_the_order_of_rows() -> None:
    rows = touches(("b", timedelta(1)), ("a", timedelta(1)), ("c", timedelta(2)))
    for shuffled in (rows, rows.reverse()):
        assert paths_from_touches(shuffled, journeys())[0]["note_id"].to_list() == ["c", "a", "b"]


def test_nulls_in_touches_are_left_out_and_null_revenue_is_zero() -> None:
    rows = touches((None, timedelta(1)), ("a", None), ("b", timedelta(1)))
    paths, weights = paths_from_touches(rows, journeys(revenue=[None]))
    assert paths["note_id"].to_list() == ["b"]
    assert weights["value"].to_list() == [0.0]


def test_journey_without_touches_stays_and_one_that_did_not_convert_has_no_value() -> None:
    paths, weights = paths_from_touches(touches(), journeys(converted=[False], converted_at=[None]))
    assert paths.height == 0
    assert weights.rows() == [("j", 0.0, 0.0, 1.0)]


def test_an_instant_limits_only_what_converted() -> None:
    rows = touches(("late", timedelta(-1)), ("early", timedelta(1)))
    paths, _ = paths_from_touches(rows, journeys(converted=[False]))
    assert paths["note_id"].to_list() == ["early", "late"]
    paths, weights = paths_from_touches(rows, journeys(converted_at=[None]))
    assert paths["note_id"].to_list() == ["early", "late"]
    assert weights["conversions"].to_list() == [1.0]


def test_repeated_journey_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1 of 2 journeys have an id that is null or another's, such as \['j'\]"):
        paths_from_touches(touches(), pl.concat([journeys(), journeys()]))


def test_unknown_outcome_is_refused() -> None:
    unknown = journeys().with_columns(converted=pl.lit(None, pl.Boolean))
    with pytest.raises(ValueError, match=r"1 of 1 journeys have no `converted`"):
        paths_from_touches(touches(), unknown)


def test_aggregated_paths_as_lists_may_hold_any_name() -> None:
    lists = pl.DataFrame({"path": [["a > b", "c"], []], "total_conversions": [1, 1]})
    paths, weights = paths_from_aggregated(lists)
    assert paths.select("note_id", "position").rows() == [("a > b", 1), ("c", 2)]
    assert weights.height == 2


@pytest.mark.parametrize("nothing", ["", None])
def test_empty_path_is_a_journey_without_touches(nothing: str | None) -> None:
    rows = pl.DataFrame({"path": [nothing, "a"], "total_conversions": [1, 1]})
    paths, weights = paths_from_aggregated(rows)
    assert paths["note_id"].to_list() == ["a"]
    assert weights["conversions"].to_list() == [1.0, 1.0]


def test_restarting_journeys_hold_each_touch_once() -> None:
    seen = pl.DataFrame({"user_key": [1] * 4 + [2], "note_id": list("ABCDE"), "occurred_at": [1, 2, 3, 9, 5]})
    bought = pl.DataFrame({"user_key": [1, 1], "converted_at": [2, 4], "revenue": [10.0, 20.0]})
    paths, weights = paths_of_users(seen, bought)
    lists = paths.group_by("journey_id", maintain_order=True).agg("note_id").join(weights, on="journey_id")
    assert lists.select("note_id", "conversions", "value", "nulls").rows() == [
        (["A", "B"], 1.0, 10.0, 0.0),
        (["C"], 1.0, 20.0, 0.0),
        (["D"], 0.0, 0.0, 1.0),
        (["E"], 0.0, 0.0, 1.0),
    ]


def test_journeys_that_do_not_restart_hold_all_touches_before() -> None:
    seen = pl.DataFrame({"user_key": [1] * 4 + [2], "note_id": list("ABCDE"), "occurred_at": [1, 2, 3, 9, 5]})
    bought = pl.DataFrame({"user_key": [1, 1], "converted_at": [2, 4], "revenue": [10.0, 20.0]})
    paths, weights = paths_of_users(seen.lazy(), bought, restart=False)
    lists = paths.collect().group_by("journey_id", maintain_order=True).agg("note_id")["note_id"].to_list()
    assert lists == [["A", "B"], ["A", "B", "C"], ["E"]]
    assert weights.collect()["conversions"].sum() == 2


@pytest.mark.parametrize("weight", [None, float("nan"), float("inf"), -1.0])
def test_wrong_weights_are_refused(weight: float | None) -> None:
    wrong = pl.DataFrame({"journey_id": ["j"], "conversions": [weight], "value": [0.0], "nulls": [0.0]})
    with pytest.raises(ValueError, match="1 of 1 journeys have a weight that is null, not finite or negative"):
        encode(path("A"), wrong)


def test_order_of_rows_does_not_matter() -> None:
    paths, weights = paths_from_aggregated(pl.DataFrame({"path": ["B > A", "C"], "total_conversions": [1, 2]}))
    one, other = encode(paths, weights), encode(paths.reverse(), weights)
    assert one.note.tolist() == other.note.tolist() == [1, 0, 2]
