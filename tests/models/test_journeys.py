from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from models.journeys import KINDS, MATCHES, SCOPES, journeys
from tests.models.worlds import (
    DAY,
    INSTANT,
    START,
    WINDOWS,
    frame,
    frames,
    other_evidence,
    reference_journeys,
    world,
)

PAID = START + 40 * DAY
INSTANT_LATER = timedelta(microseconds=1)
SCHEMA = {
    "conversion_id": pl.String,
    "note_id": pl.String,
    "lane": pl.String,
    "kind": pl.String,
    "touched_at": INSTANT,
    "age": pl.Duration("us"),
    "matched_by": pl.String,
    "organic": pl.Boolean,
    "direct": pl.Boolean,
    "position": pl.UInt32,
    "touches": pl.UInt32,
}


def of(
    touches: list[dict[str, Any]],
    orders: list[dict[str, Any]] | None = None,
    notes: list[dict[str, Any]] | None = None,
    windows: list[dict[str, Any]] | None = None,
    **options: Any,
) -> pl.DataFrame:
    """Journeys of a world that says only what matters: user 1 reads note n1 and pays at `PAID`."""
    return journeys(
        frame("touches", [{"note_id": "n1", "user_key": 1, **touch} for touch in touches]),
        frame("conversions", orders or [{"conversion_id": "o1", "user_key": 1}]),
        frame("notes", notes or [{"note_id": "n1"}]),
        frame("windows", windows or WINDOWS),
        **options,
    )


@pytest.mark.parametrize("scope", SCOPES)
@given(seed=st.integers(0, 2**32))
def test_journeys_agree_with_the_reference(scope: str, seed: int) -> None:
    rows = world(seed)
    given_frames = [frames(rows)[name] for name in ("touches", "conversions", "notes", "windows")]
    expected = pl.DataFrame(reference_journeys(rows, scope), schema=SCHEMA)
    assert_frame_equal(journeys(*given_frames, scope=scope), expected)


@pytest.mark.parametrize("scope", SCOPES)
@given(seed=st.integers(0, 2**32))
def test_journeys_by_code_and_by_linked_user_agree_with_the_reference(scope: str, seed: int) -> None:
    rows = world(seed)
    rows |= other_evidence(seed, rows)
    whole = frames(rows)
    given_frames = [whole[name] for name in ("touches", "conversions", "notes", "windows")]
    expected = pl.DataFrame(reference_journeys(rows, scope), schema=SCHEMA)
    found = journeys(*given_frames, codes=whole["codes"], links=whole["links"], scope=scope)
    assert_frame_equal(found, expected)
    assert set(found["matched_by"]) <= set(MATCHES)


def code(**changes: Any) -> pl.DataFrame:
    return frame("codes", [changes])


def test_a_code_finds_its_note_without_any_user() -> None:
    guest = [{"conversion_id": "o1", "user_key": None}]
    row = of([], guest, codes=code(clicked_at=PAID - 2 * DAY)).row(0, named=True)
    assert (row["note_id"], row["kind"], row["age"], row["matched_by"]) == ("n1", "click", 2 * DAY, "promotion_code")
    assert of([], guest, codes=code()).select("age", "matched_by").rows() == [(timedelta(0), "promotion_code")]


def test_a_code_counts_once_beside_the_click_that_it_is_evidence_of() -> None:
    click = {"kind": "click", "touched_at": PAID - DAY, "click_id": "c1"}
    found = of([click], codes=code(clicked_at=PAID - 2 * DAY))
    assert found.select("kind", "age", "matched_by").rows() == [("click", DAY, "user_key")]
    seen = of([{"touched_at": PAID - DAY}], codes=code(clicked_at=PAID - 2 * DAY))
    assert seen["matched_by"].to_list() == ["promotion_code", "user_key"], "an impression is no click"


@pytest.mark.parametrize("late", [INSTANT_LATER, -30 * DAY - INSTANT_LATER])
def test_a_click_after_the_payment_or_before_the_window_is_no_evidence(late: timedelta) -> None:
    assert of([], codes=code(clicked_at=PAID + late)).is_empty()


def test_a_code_of_another_brands_note_or_out_of_scope_finds_nothing() -> None:
    assert of([], notes=[{"note_id": "n1", "brand": "B"}], codes=code()).is_empty()
    assert of([], notes=[{"note_id": "n1", "category": "toys"}], codes=code(), scope="category").is_empty()


def test_links_find_the_touches_of_the_linked_user_and_are_not_chained() -> None:
    links = frame("links", [{"user_key": 1, "linked_key": 2}, {"user_key": 2, "linked_key": 3}])
    touches = [{"user_key": user, "touched_at": PAID - user * DAY} for user in (1, 2, 3)]
    assert of(touches, links=links).select("age", "matched_by").rows() == [
        (2 * DAY, "identity_link"),
        (DAY, "user_key"),
    ]


@given(seed=st.integers(0, 2**32))
def test_a_lane_reaches_only_its_channels_and_agrees_with_the_reference(seed: int) -> None:
    rows = world(seed)
    whole = frames(rows)
    given_frames = [whole[name] for name in ("touches", "conversions", "notes", "windows")]
    expected = pl.DataFrame(reference_journeys(rows, reach=True), schema=SCHEMA)
    assert_frame_equal(journeys(*given_frames, reach=whole["reach"]), expected)
    lazy = journeys(*(each.lazy() for each in given_frames), reach=whole["reach"].lazy())
    for engine in ("in-memory", "streaming"):
        assert_frame_equal(lazy.collect(engine=engine), expected)


@pytest.mark.parametrize(
    ("lane", "exchange", "channel", "counts"),
    [
        ("in_app", None, "in_app_shop", True),
        ("in_app", None, "tmall", False),
        ("in_app", None, "jd", False),
        ("exchange_link", "red_cat", "tmall", True),
        ("exchange_link", "red_cat", "jd", False),
        ("exchange_link", "red_jd", "jd", True),
        ("exchange_link", None, "jd", True),
        ("exchange_link", None, "in_app_shop", False),
        ("seeding", "red_jd", "tmall", True),
        ("seeding", None, None, False),
        (None, None, "tmall", False),
    ],
)
def test_a_link_to_one_shop_earns_nothing_in_another(
    lane: str | None, exchange: str | None, channel: str | None, counts: bool
) -> None:
    reach = [
        {"lane": "in_app", "channel": "in_app_shop"},
        {"lane": "exchange_link", "exchange": "red_cat", "channel": "tmall"},
        {"lane": "exchange_link", "exchange": "red_jd", "channel": "jd"},
        *({"lane": "seeding", "channel": each} for each in ("tmall", "jd", "in_app_shop")),
    ]
    result = of(
        [{"touched_at": PAID - DAY}],
        [{"conversion_id": "o1", "user_key": 1, "channel": channel}],
        [{"note_id": "n1", "lane": lane, "exchange": exchange}],
        [{"lane": each, "kind": "impression"} for each in ("in_app", "exchange_link", "seeding")],
        reach=frame("reach", reach),
    )
    assert result.height == counts


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "counts"),
    [
        (date(2026, 10, 11), date(2026, 10, 11), True),
        (None, date(2026, 10, 10), False),
        (date(2026, 10, 12), None, False),
        (None, None, True),
    ],
)
def test_a_lane_reaches_a_channel_on_the_dates_in_force(
    valid_from: date | None, valid_to: date | None, counts: bool
) -> None:
    reach = [{"lane": "seeding", "channel": "tmall", "valid_from": valid_from, "valid_to": valid_to}]
    orders = [{"conversion_id": "o1", "user_key": 1, "paid_date": date(2026, 10, 11)}]
    assert of([{"touched_at": PAID - DAY}], orders, reach=frame("reach", reach)).height == counts


@given(seed=st.integers(0, 2**32))
def test_the_order_of_rows_does_not_matter_nor_whether_frames_are_lazy(seed: int) -> None:
    given_frames = [frames(world(seed))[name] for name in ("touches", "conversions", "notes", "windows")]
    shuffled = [each.sample(fraction=1, shuffle=True, seed=seed) for each in given_frames]
    lazy = journeys(*(each.lazy() for each in shuffled))
    assert isinstance(lazy, pl.LazyFrame)
    eager = journeys(*given_frames)
    assert_frame_equal(journeys(*shuffled), eager)
    for engine in ("in-memory", "streaming"):
        assert_frame_equal(lazy.collect(engine=engine), eager)


@given(seed=st.integers(0, 2**32))
def test_buckets_of_users_together_are_the_whole(seed: int) -> None:
    rows = world(seed)
    for table in ("touches", "conversions"):
        for row in rows[table]:
            row["click_id"] = None
    whole = frames(rows)
    parts = [
        journeys(
            whole["touches"].filter(pl.col("user_key") % 2 == bucket),
            whole["conversions"].filter(pl.col("user_key") % 2 == bucket),
            whole["notes"],
            whole["windows"],
        )
        for bucket in (0, 1)
    ]
    every = journeys(*(whole[name] for name in ("touches", "conversions", "notes", "windows")))
    assert_frame_equal(pl.concat(parts).sort("conversion_id", "position"), every)


def test_a_world_without_touches_or_conversions_has_no_journeys_but_their_columns() -> None:
    result = journeys(*(frame(name, []) for name in ("touches", "conversions", "notes", "windows")))
    assert result.schema == SCHEMA
    assert result.is_empty()


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        (30 * DAY, True),
        (30 * DAY + INSTANT_LATER, False),
        (INSTANT_LATER, True),
        (timedelta(0), False),
        (-INSTANT_LATER, False),
    ],
)
def test_the_window_includes_its_beginning_and_excludes_the_payment(before: timedelta, counts: bool) -> None:
    assert of([{"touched_at": PAID - before}]).height == counts


@pytest.mark.parametrize(
    ("kind", "click_id", "counts"),
    [("click", "c1", True), ("click", "c2", False), ("click", None, False), ("engagement", "c1", False)],
)
def test_at_the_payment_itself_only_a_click_with_the_orders_click_id_counts(
    kind: str, click_id: str | None, counts: bool
) -> None:
    order = {"conversion_id": "o1", "user_key": 1, "click_id": "c1"}
    result = of([{"touched_at": PAID, "kind": kind, "click_id": click_id}], [order])
    assert result["matched_by"].to_list() == ["click_id"] * counts


def test_windows_are_spans_of_instants_whatever_the_clocks_do() -> None:
    # Shanghai turned its clocks back an hour on 1991-09-15: the calendar has 24 hours more than time does.
    shanghai = ZoneInfo("Asia/Shanghai")
    paid = datetime(1991, 9, 16, 12, tzinfo=shanghai).astimezone(UTC)
    orders = [{"conversion_id": "o1", "user_key": 1, "paid_at": paid}]
    windows = [{"kind": "impression", "window": 2 * DAY}]
    by_clock = datetime(1991, 9, 14, 12, tzinfo=shanghai).astimezone(UTC)
    assert of([{"touched_at": paid - 2 * DAY}], orders, windows=windows).height == 1
    assert of([{"touched_at": by_clock}], orders, windows=windows).height == 0


def test_a_category_overrides_the_window_for_its_own_conversions_only() -> None:
    orders = [
        {"conversion_id": "o1", "user_key": 1, "category": "baby_food"},
        {"conversion_id": "o2", "user_key": 1, "category": "lipstick"},
        {"conversion_id": "o3", "user_key": 1, "category": None},
    ]
    windows = [{"kind": "impression"}, {"kind": "impression", "category": "baby_food", "window": 70 * DAY}]
    early = of([{"touched_at": PAID - 31 * DAY}], orders, windows=windows)
    assert early["conversion_id"].to_list() == ["o1"]
    shorter = [{"kind": "impression"}, {"kind": "impression", "category": "baby_food", "window": DAY}]
    late = of([{"touched_at": PAID - 2 * DAY}], orders, windows=shorter)
    assert late["conversion_id"].to_list() == ["o2", "o3"]


def test_a_lane_and_kind_without_window_match_nothing() -> None:
    touches = [{"touched_at": PAID - DAY}, {"touched_at": PAID - DAY, "kind": "click"}]
    assert of(touches, windows=[{"kind": "click"}])["kind"].to_list() == ["click"]
    assert of(touches, notes=[{"note_id": "n1", "lane": None}]).is_empty()


def test_null_keys_match_nothing() -> None:
    touches = [{"touched_at": PAID - DAY, "user_key": None, "click_id": None}]
    assert of(touches, [{"conversion_id": "o1", "user_key": None, "click_id": None}]).is_empty()


def test_a_conversion_without_user_is_found_by_its_click() -> None:
    touches = [{"touched_at": PAID - DAY, "kind": "click", "click_id": "c1", "user_key": 2}]
    result = of(touches, [{"conversion_id": "o1", "user_key": None, "click_id": "c1"}])
    assert result["matched_by"].to_list() == ["click_id"]


def test_a_touch_that_user_and_click_find_counts_once_and_by_click() -> None:
    touch = {"touched_at": PAID - DAY, "kind": "click", "click_id": "c1"}
    result = of([touch, touch], [{"conversion_id": "o1", "user_key": 1, "click_id": "c1"}])
    assert result.select("matched_by", "position", "touches").rows() == [("click_id", 1, 1)]


@pytest.mark.parametrize(
    ("said", "organic"),
    [([True], True), ([False], False), ([None], False), ([True, None], False), ([True, True], True)],
)
def test_a_touch_is_organic_if_every_row_of_it_says_so(said: list[bool | None], organic: bool) -> None:
    touch = {"touched_at": PAID - DAY}
    for rows in (said, said[::-1]):
        assert of([{**touch, "organic": one} for one in rows])["organic"].to_list() == [organic]


def test_touches_of_one_instant_stand_by_kind_then_by_note() -> None:
    notes = [{"note_id": "n1"}, {"note_id": "n2"}]
    touches = [
        {"note_id": note, "kind": kind, "touched_at": PAID - DAY} for kind in reversed(KINDS) for note in ("n2", "n1")
    ]
    result = of(touches, notes=notes)
    assert result.select("kind", "note_id").rows() == [(kind, note) for kind in KINDS for note in ("n1", "n2")]
    assert result["position"].to_list() == [1, 2, 3, 4, 5, 6]
    assert result["touches"].unique().to_list() == [6]


def test_touches_of_unknown_notes_and_of_other_brands_are_left_out() -> None:
    notes = [{"note_id": "n1", "brand": "B"}, {"note_id": "n2", "brand": None}, {"note_id": "n3"}]
    touches = [{"note_id": f"n{number}", "touched_at": PAID - DAY} for number in range(1, 5)]
    assert of(touches, notes=notes)["note_id"].to_list() == ["n3"]


@pytest.mark.parametrize(
    ("products", "category", "is_direct"),
    [
        (["p1", "p2"], "sunscreen", True),
        (["p2"], "lipstick", False),
        ([], "lipstick", True),
        (None, "sunscreen", False),
        (None, None, True),
    ],
)
def test_a_note_promotes_its_products_else_its_category_else_its_brand(
    products: list[str] | None, category: str | None, is_direct: bool
) -> None:
    notes = [{"note_id": "n1", "product_ids": products, "category": category}]
    touches = [{"touched_at": PAID - DAY}]
    assert of(touches, notes=notes)["direct"].to_list() == [is_direct]
    assert of(touches, notes=notes, scope="product").height == is_direct
    assert of(touches, notes=notes, scope="category").height == (category != "sunscreen")


def test_what_a_conversion_does_not_say_is_not_promoted() -> None:
    orders = [{"conversion_id": "o1", "user_key": 1, "category": None, "product_id": None}]
    notes = [{"note_id": "n1", "product_ids": ["p1"]}, {"note_id": "n2"}]
    touches = [{"note_id": note, "touched_at": PAID - DAY} for note in ("n1", "n2")]
    assert of(touches, orders, notes)["direct"].to_list() == [False, False]


def test_an_unknown_scope_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"scope 'shop' is unknown: expected one of 'brand', 'category', 'product'"):
        of([], scope="shop")


HEAVY = """
import polars as pl
from datetime import timedelta
from benchmarks.measuring import peak_gigabytes
from models import credits, journeys
from tests.models.worlds import DAY, START, frame

seen = [{"note_id": f"n{k % 40}", "user_key": 1, "touched_at": START + k * 300 * DAY / 10_000} for k in range(10_000)]
bought = [
    {"conversion_id": f"o{k:03}", "user_key": 1, "paid_at": START + (k + 1) * 300 * DAY / 500} for k in range(500)
]
found = journeys(
    frame("touches", seen),
    frame("conversions", bought),
    frame("notes", [{"note_id": f"n{k}"} for k in range(40)]),
    frame("windows", [{"lane": "seeding", "kind": "impression", "window": 30 * DAY}]),
)
earned = credits(found)["linear"].sum()
print(found.height, round(earned, 6), peak_gigabytes())
"""


def test_a_user_with_10000_touches_and_500_orders_is_exact_and_bounded_in_memory() -> None:
    """Alone in a process, whose peak is its own. A touch comes every 2,592 s, an order every 20 touches."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", HEAVY], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pairs, earned, gigabytes = map(float, done.stdout.split())
    # An order at instant 20 (k + 1) sees the touches of the 1,000 instants before it, as far as there are any.
    assert pairs == sum(min(20 * (k + 1), 1_000) for k in range(500))
    assert earned == 500
    assert gigabytes < 1.5
