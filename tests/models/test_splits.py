"""The parts of a split add up to the return of the whole, on the spend whose orders are evidenced."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.splits import split_returns

DAY, LATER = date(2026, 9, 1), date(2026, 9, 2)
NOTES = pl.DataFrame({"note_id": ["n1", "n2", "claimed"], "evidence": ["order", "order", "claim"]})
SPEND = pl.DataFrame(
    [
        ("n1", DAY, "brand", 150, "CNY"),
        (None, DAY, "brand", 50, "CNY"),  # for no single note
        ("claimed", DAY, "brand", 10_000, "CNY"),  # whose orders nobody knows
        ("n2", DAY, "platform", 10_000, "CNY"),
        ("n2", LATER, "brand", 10_000, "CNY"),
        ("claimed", DAY, "brand", 100, "HKD"),
    ],
    schema=["note_id", "spend_date", "payer", "amount_fen", "currency"],
    orient="row",
)


def parts(*rows: tuple[str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["currency", "seeded_fen", "seeded_net_fen"], orient="row")


def test_a_part_is_divided_by_the_brands_evidenced_spend_in_all() -> None:
    found = split_returns(parts(("CNY", 300, 100), ("USD", 5, 5), ("HKD", 5, 5)), SPEND, NOTES, as_of=DAY)
    assert found["roas_seeded"].to_list() == [1.5, None, None]
    assert found["roas_seeded_net"].to_list() == [0.5, None, None]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=5))
def test_parts_add_up_to_the_whole(seeded: list[int]) -> None:
    found = split_returns(parts(*[("CNY", fen, fen) for fen in seeded]).lazy(), SPEND, NOTES, as_of=DAY).collect()
    assert found["roas_seeded"].sum() == pytest.approx(sum(seeded) / 200, abs=1e-9)
    assert found["seeded_fen"].to_list() == seeded
