from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from models.journeys import journeys
from models.windows import reached_dates
from tests.models.worlds import DAY, START, frames, other_evidence, world

if TYPE_CHECKING:
    from datetime import datetime

SEEDS = st.integers(0, 10**6)
SHANGHAI = pl.duration(hours=8)
TOUCHED = {"touch_date": pl.Date, "kind": pl.String, "brand": pl.String, "lane": pl.String}


def midnight(instant: datetime) -> datetime:
    """The beginning of its business date."""
    first = START - timedelta(hours=8)
    return first + (instant - first) // DAY * DAY


def found(rows: dict[str, list[dict[str, Any]]]) -> pl.DataFrame:
    given_frames = frames(rows)
    return journeys(
        *(given_frames[name] for name in ("touches", "conversions", "notes", "windows")),
        codes=given_frames["codes"],
        links=given_frames["links"],
        reach=given_frames["reach"],
    )


def reached(touches: pl.DataFrame, rows: dict[str, list[dict[str, Any]]]) -> set[object]:
    """The dates that the touches reach in a world."""
    given_frames = frames({name: rows[name] for name in ("conversions", "notes", "windows", "reach")})
    touched = touches.select("note_id", "kind", touch_date=(pl.col("touched_at") + SHANGHAI).dt.date())
    touched = touched.join(given_frames["notes"], on="note_id")
    found_dates = reached_dates(
        touched, given_frames["conversions"], given_frames["windows"], reach=given_frames["reach"]
    )
    return set(found_dates["paid_date"])


@given(SEEDS)
@example(0)
def test_no_other_dates_have_journeys_that_change_with_the_touches(seed: int) -> None:
    rows = world(seed)
    rows |= other_evidence(seed, rows)
    rng = random.Random(seed)
    late = [touch for touch in rows["touches"] if rng.random() < 0.5]
    without = rows | {"touches": [touch for touch in rows["touches"] if touch not in late]}
    before, after = found(without), found(rows)
    either = pl.concat([before, after])
    changed = either.filter(~pl.struct(pl.all()).is_duplicated())
    paid_on = {order["conversion_id"]: order["paid_date"] for order in rows["conversions"]}
    dates = {paid_on[conversion] for conversion in changed["conversion_id"]}
    assert dates <= reached(frames({"touches": late})["touches"], rows)


@given(SEEDS)
@example(0)
def test_every_date_has_an_instant_that_a_touch_of_that_date_can_reach(seed: int) -> None:
    """A touch at the end of its date, and payments at the beginning of theirs, or after the touch on its own."""
    rows = world(seed)
    instant = timedelta(microseconds=1)
    for touch in rows["touches"][:3]:
        ends = midnight(touch["touched_at"]) + DAY
        late = touch | {"user_key": 1, "touched_at": ends - 2 * instant}
        orders = [order | {"user_key": 1, "click_id": None} for order in rows["conversions"]]
        for order in orders:
            begins = midnight(order["paid_at"])
            order["paid_at"] = ends - instant if begins + DAY == ends else begins
        paid_on = {order["conversion_id"]: order["paid_date"] for order in orders}
        journeys_of_late = found(rows | {"touches": [late], "conversions": orders, "codes": [], "links": []})
        dates = {paid_on[conversion] for conversion in journeys_of_late["conversion_id"]}
        assert dates == reached(frames({"touches": [touch]})["touches"], rows)


def test_a_note_reaches_what_it_did_before_a_change_and_what_it_does_now() -> None:
    day = START.date()
    sold = pl.DataFrame({"paid_date": [day + timedelta(n) for n in range(40)], "brand": ["A", "B"] * 20})
    lanes = {"live": timedelta(hours=24), "seeding": 30 * DAY}
    windows = pl.DataFrame({"lane": list(lanes), "kind": "click", "category": None, "window": list(lanes.values())})

    def dates(*notes: tuple[str | None, str | None]) -> list[int]:
        touched = pl.DataFrame([(day, "click", *note) for note in notes], orient="row", schema=TOUCHED)
        category = pl.lit(None, pl.String).alias("category")
        found_dates = reached_dates(touched, sold.with_columns(category), windows.with_columns(category))
        return [(date - day).days for date in found_dates["paid_date"]]

    assert dates(("A", "live")) == [0]
    assert dates(("B", "live")) == [1]
    assert dates(("A", "seeding")) == list(range(0, 31, 2))
    assert dates(("A", "seeding"), ("B", "live")) == sorted([*range(0, 31, 2), 1])
    assert dates((None, "seeding"), ("A", None)) == []
