"""Credits in the shape of an exchange's claims."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from models.claims import KEY, credited_within
from models.credits import credits  # noqa: A004
from models.earnings import earned
from models.journeys import journeys
from models.register import RULES
from tests.models.worlds import DAY, frames, world

PAID = date(2026, 9, 10)


def lines(**shares: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": "linear",
            "conversion_id": "o1",
            "note_id": list(shares),
            "channel": "tmall",
            "currency": "CNY",
            "paid_date": PAID,
            "orders": list(shares.values()),
            "credited_fen": [round(share * 10_000) for share in shares.values()],
        }
    )


def test_a_note_counts_in_the_cycles_that_reach_back_to_its_last_touch() -> None:
    ages = pl.DataFrame({"conversion_id": "o1", "note_id": ["a", "b", "c"], "age": [15 * DAY, 16 * DAY, 31 * DAY]})
    found = credited_within(lines(a=0.5, b=0.3, c=0.2), ages, cycles=(15, 30))
    assert found.columns == [*KEY, "orders", "credited_fen"]
    assert found.select("note_id", "cycle", "orders", "credited_fen").rows() == [
        ("a", 15, 0.5, 5_000),
        ("a", 30, 0.5, 5_000),
        ("b", 30, 0.3, 3_000),
    ]


@given(seed=st.integers(0, 2**32))
def test_a_longer_cycle_never_credits_less_and_an_endless_one_everything(seed: int) -> None:
    whole = frames(world(seed))
    found = journeys(*(whole[name] for name in ("touches", "conversions", "notes", "windows")))
    ages = found.group_by("conversion_id", "note_id").agg(pl.col("age").min())
    of_all = earned(credits(found), whole["conversions"], whole["refunds"], models=RULES, as_of=date(2026, 12, 31))
    sums = credited_within(of_all, ages, cycles=(1, 5, 4_000))
    by_cycle = {cycle: dict(_by_model(sums.filter(cycle=cycle))) for cycle in (1, 5, 4_000)}
    for model, credited in _by_model(of_all):
        short, middle, endless = (by_cycle[cycle].get(model, 0) for cycle in (1, 5, 4_000))
        assert short <= middle <= endless == credited
    assert timedelta(0) <= (ages["age"].min() or timedelta(0))


def _by_model(frame: pl.DataFrame) -> list[tuple[str, int]]:
    return frame.group_by("model").agg(pl.col("credited_fen").sum()).rows()
