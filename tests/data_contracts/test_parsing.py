"""Text, and whatever Excel and Parquet make of it, becomes the contract's types, or is refused; never a guess."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.contract import contract, feeds
from data_contracts.parsing import MANY, MISSING_WORDS, as_text, identifiers, known, parse
from data_contracts.rules import SPREADSHEET_FLOAT, UNREADABLE

UNREAD = object()
NOON = datetime(2026, 9, 1, 4, tzinfo=UTC)  # 12:00 in Shanghai


def unreadable(frame: pl.DataFrame, column: str) -> pl.Series:
    """The text of a column that could not be read."""
    return frame.get_column(
        UNREADABLE + column, default=pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    )


def one(column: str, value: Any, feed: str, *, dtype: Any = None, time_zone: str = "Asia/Shanghai") -> Any:
    """What becomes of one value; UNREAD where it is refused."""
    frame = parse(pl.DataFrame({column: pl.Series([value], dtype=dtype)}), contract(feed), time_zone=time_zone)
    value, refused = frame[column][0], unreadable(frame, column)[0]
    assert value is None or refused is None
    return UNREAD if refused is not None else value.to_list() if isinstance(value, pl.Series) else value


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("99.9", "99.90"), ("1,234.56", "1234.56"), ("1，234", "1234"), ("¥1,234.5", "1234.50"), ("￥ -5", "-5"),
        ("-¥5", "-5"), ("100元", "100"), ("59.900", "59.90"), ("+3", "3"), (" 7 ", "7"), ("0", "0"),
        ("12,34", UNREAD), ("1,2345", UNREAD), ("5 0", UNREAD), ("12.345", UNREAD), ("1e3", UNREAD),
        ("1.2万", UNREAD), ("<100", UNREAD), ("10万+", UNREAD), ("待补录", UNREAD), ("１２", UNREAD),
        ("99999999999999999999", UNREAD), ("", None), ("--", None), ("#DIV/0!", None), ("NULL", None),
    ],
)  # fmt: skip
def test_amounts_from_text(text: str, amount: Any) -> None:
    expected = Decimal(amount) if isinstance(amount, str) else amount
    assert one("paid_amount", text, "shop_conversions") == expected


@pytest.mark.parametrize(
    ("value", "dtype", "amount"),
    [
        (59.900000000000006, pl.Float64, "59.90"), (0.1 + 0.2, pl.Float64, "0.30"), (1.005, pl.Float64, UNREAD),
        (float("inf"), pl.Float64, UNREAD), (float("nan"), pl.Float64, None), (99999.99, pl.Float32, "99999.99"),
        (Decimal("1.235"), None, UNREAD), (Decimal("2.000"), None, "2.00"), (7, pl.Int32, "7"),
        (date(2026, 9, 1), None, UNREAD), (True, None, UNREAD), ([1], None, UNREAD), ({"a": 1}, None, UNREAD),
    ],
)  # fmt: skip
def test_amounts_from_typed_columns(value: Any, dtype: Any, amount: Any) -> None:
    expected = Decimal(amount) if isinstance(amount, str) else amount
    assert one("paid_amount", value, "shop_conversions", dtype=dtype) == expected


@pytest.mark.parametrize(
    ("value", "dtype", "number"),
    [
        ("12", None, 12), ("1,234", None, 1234), ("3.0", None, 3), ("1.5", None, UNREAD), ("12,34", None, UNREAD),
        ("1e5", None, UNREAD), ("9223372036854775807", None, 2**63 - 1), ("9223372036854775808", None, UNREAD),
        (3.0, None, 3), (1.5, None, UNREAD), (Decimal("1.5"), None, UNREAD), (Decimal("2.0"), None, 2),
        (2**63, pl.UInt64, UNREAD), (float("nan"), None, None),
    ],
)  # fmt: skip
def test_whole_numbers(value: Any, dtype: Any, number: Any) -> None:
    assert one("quantity", value, "shop_conversions", dtype=dtype) == number


@pytest.mark.parametrize("key", [9.1e18, -1.2e16, 1e15])
def test_a_key_that_became_a_float_is_refused_since_its_last_digits_are_lost(key: float) -> None:
    assert one("user_key", key, "shop_conversions") is UNREAD


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (123.0, pl.Float64, "123"), ("123.0", None, "123"), (123, pl.Int64, "123"), (" a1 ", None, "a1"),
        ("0012", None, "0012"), (b"ab", None, "ab"), ("x", pl.Categorical, "x"), (Decimal("12"), None, "12"),
        (float("nan"), None, None), ("-", None, None),
    ],
)  # fmt: skip
def test_ids_are_one_text_whatever_held_them(value: Any, dtype: Any, text: str | None) -> None:
    assert one("order_id", value, "shop_conversions", dtype=dtype) == text


@given(st.integers(min_value=10**15, max_value=10**22).map(float))
def test_a_float_too_long_for_an_id_shows_as_one(value: float) -> None:
    assert identifiers(pl.Series([value])).str.contains(SPREADSHEET_FLOAT).all()
    assert as_text(pl.Series([2.0**30], dtype=pl.Float32)).str.contains(SPREADSHEET_FLOAT).all()


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
def test_a_short_whole_float_is_the_id_that_was_written(value: int) -> None:
    assert identifiers(pl.Series([float(value)])).to_list() == [str(value)]


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-09-01 12:00:00", NOON),
        ("2026-09-01T12:00", UNREAD),
        ("2026/9/1 12:00", NOON),
        ("2026-09-01T12:00:00+08:00", NOON),
        ("2026-09-01T04:00:00Z", NOON),
        ("2026-09-01 12:00:00.5", NOON + timedelta(seconds=0.5)),
        ("20260901", NOON - timedelta(hours=12)),
        ("2026年9月1日", NOON - timedelta(hours=12)),
        ("2026111", UNREAD),
        ("46266", UNREAD),
        ("09/01/2026", UNREAD),
        ("2026-02-30", UNREAD),
        (datetime(2026, 9, 1, 12), NOON),
        (datetime(2026, 9, 1, 4, tzinfo=UTC), NOON),
        (date(2026, 9, 1), NOON - timedelta(hours=12)),
        (46266, UNREAD),
        (timedelta(1), UNREAD),
    ],
)
def test_instants(value: Any, instant: Any) -> None:
    assert one("paid_at", value, "shop_conversions") == instant


def test_an_instant_without_offset_is_of_the_mappings_zone() -> None:
    in_new_york = one("paid_at", "2026-09-01 12:00:00", "shop_conversions", time_zone="America/New_York")
    assert in_new_york == datetime(2026, 9, 1, 16, tzinfo=UTC)
    skipped = one("paid_at", "2026-03-08 02:30:00", "shop_conversions", time_zone="America/New_York")
    repeated = one("paid_at", "2026-11-01 01:30:00", "shop_conversions", time_zone="America/New_York")
    assert (skipped, repeated) == (UNREAD, datetime(2026, 11, 1, 5, 30, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Tokyo", "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize(
    "text", ["2026-09-01", "2026/09/01", "20260901", "2026.9.1", "2026-09-01 00:00:00", "2026/9/1 0:00"]
)
def test_a_date_is_that_date_in_every_zone(text: str, zone: str) -> None:
    assert one("spend_date", text, "note_spend", time_zone=zone) == date(2026, 9, 1)


@pytest.mark.parametrize("text", ["2026-09-01 13", "2026-09-01 13:00", "2026/09/01 14:00:00", "2026-09-01T00:00:01"])
def test_the_row_of_an_hour_is_not_taken_for_its_day(text: str) -> None:
    assert one("spend_date", text, "note_spend") is UNREAD


def test_the_date_of_an_instant_is_its_business_date() -> None:
    assert one("spend_date", "2026-09-01T16:30:00Z", "note_spend") == date(2026, 9, 2)


@pytest.mark.parametrize(
    ("value", "answer"),
    [("是", True), ("否", False), ("TRUE", True), ("0", False), ("1.0", True), (1, True), ("2", UNREAD), (True, True)],
)
def test_yes_and_no(value: Any, answer: Any) -> None:
    assert one("is_new_customer", value, "shop_conversions") is answer


@pytest.mark.parametrize(
    ("value", "items"),
    [("p1|p2", ["p1", "p2"]), ("p1| p2||", ["p1", "p2"]), ("", None), ([1, 2], ["1", "2"]), (["a", None], ["a"])],
)
def test_lists(value: Any, items: Any) -> None:
    assert one("product_ids", value, "notes") == items


def test_labels_become_codes_and_the_default_fills_what_is_missing() -> None:
    frame = pl.DataFrame({"payer": ["平台付费", "brand", "-", None]})
    assert parse(frame, contract("note_impressions"))["payer"].to_list() == ["platform", "brand", "brand", "brand"]
    assert one("payer", None, "note_impressions", dtype=pl.Int64) == "brand"


@pytest.mark.parametrize("word", [*MISSING_WORDS, " - ", "NaN", "N/A", "None"])
def test_words_for_missing(word: str) -> None:
    assert known(pl.Series([word])).to_list() == [None]


@pytest.mark.parametrize("feed", feeds())
def test_every_column_comes_out_in_its_type_also_when_there_are_no_rows(feed: str) -> None:
    for rows in (0, 2):
        frame = parse(pl.DataFrame({"_row": pl.Series([7] * rows, dtype=pl.Int64)}), contract(feed))
        assert dict(frame.select(contract(feed).schema.names()).schema) == dict(contract(feed).schema)
        assert frame["_row"].to_list() == [7] * rows


@given(
    st.lists(
        st.one_of(
            st.none(), st.text(), st.decimals(allow_nan=False, allow_infinity=False).map(str), st.dates().map(str)
        ),
        min_size=1,
    ),
    st.sampled_from(feeds()),
)
def test_no_text_is_lost_or_makes_it_fall_over(texts: list[str | None], feed: str) -> None:
    terms = contract(feed)
    source = pl.DataFrame({f.name: pl.Series(texts, dtype=pl.String) for f in terms.fields})
    frame = parse(source, terms)
    missing = known(pl.Series(texts, dtype=pl.String)).is_null()
    for field in terms.fields:
        gone = frame[field.name].is_null() & unreadable(frame, field.name).is_null()
        assert not (gone & ~missing).any(), field.name


@given(st.decimals(min_value=Decimal("-9999999999999.99"), max_value=Decimal("9999999999999.99"), places=2))
def test_amounts_survive_text_float_and_grouping_to_the_fen(amount: Decimal) -> None:
    for value in (str(amount), f"{amount:,}", f"¥{amount}"):
        assert one("paid_amount", value, "shop_conversions") == amount
    if abs(amount) < 10**11:
        assert one("paid_amount", float(amount), "shop_conversions") == amount


@pytest.mark.parametrize("late", [[], ["9.5"], ["9.5", None, "no amount", ""]])
def test_a_long_column_of_few_values_is_read_like_each_of_them(late: list[str | None]) -> None:
    """Also where values come late, after those of which it is seen that they are few."""
    texts = [f"{number}.5" for number in range(7)] * MANY + late
    frame = parse(pl.DataFrame({"paid_amount": pl.Series(texts, dtype=pl.String)}), contract("shop_conversions"))
    few = parse(pl.DataFrame({"paid_amount": [*texts[:7], *late]}), contract("shop_conversions"))
    assert frame["paid_amount"].head(7 * MANY).to_list() == few["paid_amount"].head(7).to_list() * MANY
    assert frame["paid_amount"].tail(len(late)).to_list() == few["paid_amount"].tail(len(late)).to_list()
    assert unreadable(frame, "paid_amount").tail(len(late)).to_list() == (
        unreadable(few, "paid_amount").tail(len(late)).to_list()
    )
