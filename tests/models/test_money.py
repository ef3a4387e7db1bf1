from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.money import LARGEST_FEN, exact_sum, split_fen
from tests.models.worlds import reference_split

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=12).filter(lambda shares: max(shares) > 1e-6)
AMOUNTS = st.integers(0, LARGEST_FEN)


def split(amount: int, shares: list[float]) -> list[int]:
    lines = pl.DataFrame({"order": "o1", "amount": amount, "share": shares}, schema_overrides={"amount": pl.Int64})
    lines = lines.with_row_index("position")
    return lines.select(split_fen("amount", "share", over="order", order="position")).to_series().to_list()


@given(AMOUNTS, SHARES)
def test_fen_agree_with_the_reference_in_fractions(amount: int, shares: list[float]) -> None:
    assert split(amount, [share / sum(shares) for share in shares]) == reference_split(
        amount, [share / sum(shares) for share in shares]
    )


@given(AMOUNTS, SHARES)
def test_fen_sum_to_the_amount_and_none_is_further_than_a_fen_from_its_quota(amount: int, shares: list[float]) -> None:
    fen = split(amount, shares)
    assert sum(fen) == amount
    assert min(fen) >= 0
    # Shares count to nine decimals, so a quota may move by that part of the amount.
    for got, share in zip(fen, shares, strict=True):
        assert abs(got - amount * share / sum(shares)) <= 1 + amount * 1e-9 * len(shares)


@given(AMOUNTS, SHARES)
def test_what_is_given_back_is_split_like_what_was_paid(amount: int, shares: list[float]) -> None:
    assert split(-amount, shares) == [-fen for fen in split(amount, shares)]


@given(st.lists(st.tuples(AMOUNTS, SHARES), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_orders_do_not_disturb_each_other_whatever_the_order_of_rows(orders: list, random) -> None:  # type: ignore[no-untyped-def]
    rows = [
        {"order": number, "amount": amount, "share": share, "position": position}
        for number, (amount, shares) in enumerate(orders)
        for position, share in enumerate(shares)
    ]
    expected = [fen for amount, shares in orders for fen in split(amount, shares)]
    random.shuffle(rows)
    lines = pl.DataFrame(rows, schema_overrides={"amount": pl.Int64})
    fen = split_fen("amount", "share", over="order", order="position").alias("fen")
    for engine in ("in-memory", "streaming"):
        result = lines.lazy().with_columns(fen).collect(engine=engine)
        assert result.sort("order", "position")["fen"].to_list() == expected


def test_ties_go_to_the_earlier_touch() -> None:
    lines = pl.DataFrame({"order": "o1", "amount": 101, "share": [0.25] * 4, "position": [4, 2, 1, 3]})
    fen = lines.select(split_fen("amount", "share", over="order", order="position")).to_series()
    assert fen.to_list() == [25, 25, 26, 25]


def test_the_largest_remainder_goes_before_the_earlier_touch() -> None:
    # Quotas 3.3, 3.3 and 3.4 of ten fen.
    assert split(10, [0.33, 0.33, 0.34]) == [3, 3, 4]


def test_nothing_is_split_into_nothings() -> None:
    assert split(0, [0.5, 0.5]) == [0, 0]


@pytest.mark.parametrize(
    ("amount", "shares", "message"),
    [
        (LARGEST_FEN + 1, [0.5, 0.5], "2 rows have amounts that are null or beyond ±9000000000000000000 fen"),
        (-LARGEST_FEN - 1, [1.0], "1 rows have amounts that are null or beyond ±9000000000000000000 fen"),
        (None, [1.0], "1 rows have amounts that are null or beyond"),
        (100, [1.5, -0.5], "1 rows have shares that are negative, null or not finite"),
        (100, [1.0, None], "1 rows have shares that are negative, null or not finite"),
        (100, [1.0, float("nan")], "rows have shares that are negative, null or not finite"),
        (100, [0.0, 0.0], "2 rows have shares of a group that sums to 0"),
    ],
)
def test_what_cannot_be_split_exactly_is_refused(amount: int | None, shares: list[float | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(amount, shares)  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 10**10), max_size=50), st.randoms(use_true_random=False))
def test_an_exact_sum_is_the_sum_in_any_order(units: list[int], random) -> None:  # type: ignore[no-untyped-def]
    expected = sum(units) / 10**10
    random.shuffle(units)
    shares = pl.DataFrame({"x": [unit / 10**10 for unit in units]}, schema={"x": pl.Float64})
    assert shares.select(exact_sum(pl.col("x"), decimals=10)).item() == expected
