from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from models.evidence import evidenced
from models.visits import cost_per_visit

DAY = date(2026, 9, 2)
NOTE = {"note_id": "n1", "lane": "seeding"}
BOOKED = {"note_id": "n1", "spend_date": DAY, "payer": "brand", "amount_fen": 1_000, "currency": "CNY", "in_task": True}
CLAIM = {"note_id": "n1", "claim_date": DAY, "visit_uv": 4}
TYPES = {"visit_uv": pl.Int64, "in_task": pl.Boolean}


def cpuv(
    claims: list[dict[str, Any]], spend: list[dict[str, Any]], notes: list[dict[str, Any]], as_of: date = DAY
) -> list[tuple[Any, ...]]:
    frames = [
        pl.DataFrame([base | row for row in rows], schema_overrides=TYPES)
        for base, rows in ((CLAIM, claims), (BOOKED, spend), (NOTE, notes))
    ]
    return cost_per_visit(frames[0], frames[1], frames[2], by="lane", as_of=as_of).rows()


def test_only_what_the_brand_spent_inside_the_task_counts() -> None:
    spend = [{}, {"payer": "platform"}, {"in_task": False}, {"spend_date": date(2026, 9, 3)}]
    assert cpuv([{}], spend, [{}]) == [("seeding", "CNY", 4, 1_000, 250.0)]
    assert cpuv([{}], spend, [{}], date(2026, 9, 30)) == [("seeding", "CNY", 4, 2_000, 500.0)]


def test_a_note_without_claims_counts_neither_above_nor_below_the_line() -> None:
    assert cpuv([{}], [{}, {"note_id": "n2"}], [{}, {"note_id": "n2"}]) == [("seeding", "CNY", 4, 1_000, 250.0)]
    assert cpuv([{"visit_uv": None}], [{}], [{}]) == []
    assert cpuv([{"visit_uv": 0}], [{}], [{}]) == []


def test_what_is_not_known_to_be_in_a_task_makes_the_cost_unknown_not_zero() -> None:
    notes, spend = [{}, {"note_id": "n2"}], [{}, {"note_id": "n2", "in_task": None}]
    assert cpuv([{}, {"note_id": "n2"}], spend, notes) == [("seeding", "CNY", 8, None, None)]


def test_currencies_stand_apart() -> None:
    rows = cpuv([{}], [{}, {"currency": "USD", "amount_fen": 400}], [{}])
    assert rows == [("seeding", "CNY", 4, 1_000, 250.0), ("seeding", "USD", 4, 400, 100.0)]


@given(keyed=st.lists(st.sampled_from(["n1", "n2", "n3", "n4", "n5"])))
def test_a_note_is_claimed_only_where_its_lane_says_so_and_no_order_can_find_it(keyed: list[str]) -> None:
    lanes = {"n1": "seeding", "n2": "seeding", "n3": "live", "n4": None, "n5": "unheard of"}
    notes = pl.DataFrame({"note_id": list(lanes), "lane": list(lanes.values())})
    declared = pl.DataFrame({"lane": ["seeding", "live"], "evidence": ["claim", "order"]})
    found = evidenced(notes, declared, pl.DataFrame({"note_id": keyed}, {"note_id": pl.String}))
    assert found["note_id"].to_list() == list(lanes)
    expected = ["claim" if lane == "seeding" and note not in keyed else "order" for note, lane in lanes.items()]
    assert found["evidence"].to_list() == expected
