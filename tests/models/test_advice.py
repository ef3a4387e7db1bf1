"""Known notes get the advice that a marketer would give."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.advice import ACTIONS, NO_ADVICE, Targets, advise

SOUND = {
    "note_id": "n",
    "model": "linear",
    "currency": "CNY",
    "age_days": 40,
    "spend": 1_000.0,
    "orders": 20.0,
    "roas_gmv": 3.0,
    "roas_net": 2.8,
    "cpuv": 20.0,
    "maturity": "mature",
}
SCHEMA = {
    "note_id": pl.String,
    "model": pl.String,
    "currency": pl.String,
    "age_days": pl.Int64,
    "spend": pl.Float64,
    "orders": pl.Float64,
    "roas_gmv": pl.Float64,
    "roas_net": pl.Float64,
    "cpuv": pl.Float64,
    "maturity": pl.String,
}


def advised(*changes: dict[str, Any], targets: Targets | None = None) -> pl.DataFrame:
    return advise(pl.DataFrame([SOUND | c for c in changes], schema=SCHEMA), targets=targets or Targets())


@pytest.mark.parametrize(
    ("note", "action", "reason"),
    [
        ({}, "boost", "above_target"),
        ({"cpuv": None}, "boost", "above_target"),
        ({"roas_gmv": 2.5, "roas_net": 2.5, "cpuv": 35.0}, "boost", "above_target"),
        ({"roas_net": 2.4}, "keep", "refunds"),
        ({"cpuv": 36.0}, "keep", "visits_above_target"),
        ({"cpuv": 90.0}, "keep", "visits_above_target"),
        ({"roas_gmv": 2.4}, "watch", "between"),
        ({"roas_gmv": 1.5}, "watch", "between"),
        ({"roas_gmv": 1.4}, "stop", "low_roas"),
        ({"roas_gmv": 1.4, "maturity": "settling"}, "stop", "low_roas"),
        ({"roas_gmv": 1.4, "maturity": "maturing"}, "watch", "low_roas_open"),
        ({"roas_gmv": 2.0, "cpuv": 51.0}, "stop", "dear_visits"),
        ({"roas_gmv": 2.0, "cpuv": 51.0, "maturity": "maturing"}, "watch", "dear_visits_open"),
        ({"age_days": 14, "roas_gmv": 0.1}, None, "too_young"),
        ({"age_days": None}, None, "unknown_age"),
        ({"spend": 799.99}, None, "low_spend"),
        ({"spend": None, "roas_gmv": None}, None, "low_spend"),
        ({"orders": 4.99, "roas_gmv": 0.0}, None, "few_orders"),
    ],
)
def test_a_known_note(note: dict[str, Any], action: str | None, reason: str) -> None:
    row = advised(note).row(0, named=True)
    assert (row["action"], row["reason"]) == (action, reason)


def test_it_says_how_many_models_agree() -> None:
    found = advised({"model": "a"}, {"model": "b"}, {"model": "c", "roas_gmv": 1.0}, {"note_id": "m", "age_days": 3})
    assert found["models_agree"].to_list() == [2, 2, 1, None]
    dated = pl.concat([found.drop("models_agree").with_columns(as_of=pl.lit(day)) for day in (1, 2)])
    assert advise(dated, targets=Targets())["models_agree"].to_list() == [2, 2, 1, None] * 2, "each date by itself"


def test_targets_are_the_brands_own() -> None:
    assert advised({}, targets=Targets(roas_target=4.0))["action"].to_list() == ["watch"]


@pytest.mark.parametrize("wrong", [{"roas_pause": 3.0}, {"cpuv_pause": 10.0}, {"min_orders": -1.0}])
def test_targets_that_contradict_each_other_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Targets(**wrong)  # type: ignore[arg-type]


NUMBERS = st.one_of(st.none(), st.floats(0, 100))
NOTE = st.fixed_dictionaries(
    {
        "age_days": st.one_of(st.none(), st.integers(0, 60)),
        "spend": st.floats(0, 5_000),
        "orders": st.floats(0, 30),
        "roas_gmv": NUMBERS,
        "roas_net": NUMBERS,
        "cpuv": NUMBERS,
        "maturity": st.sampled_from(["maturing", "settling", "mature"]),
    }
)


@given(NOTE)
def test_no_note_is_stopped_young_small_or_open(note: dict[str, Any]) -> None:
    row = advised(note).row(0, named=True)
    assert (row["action"] is None) == (row["reason"] in NO_ADVICE)
    assert row["action"] in (None, *ACTIONS)
    if row["action"] is not None:
        assert row["age_days"] >= 15
        assert row["spend"] >= 800
        assert row["orders"] >= 5
    if row["action"] == "stop":
        assert row["maturity"] != "maturing"


@given(NOTE, st.floats(0, 50))
def test_a_higher_return_never_earns_worse_advice(note: dict[str, Any], more: float) -> None:
    if note["roas_gmv"] is None:
        return
    better = note | {"roas_gmv": note["roas_gmv"] + more}
    worse_at, better_at = (row["action"] for row in advised(note, better).iter_rows(named=True))
    if worse_at is not None:
        assert ACTIONS.index(better_at) <= ACTIONS.index(worse_at)
