"""Lanes: what each reaches, on which evidence, and what the reference tables say of channels, fees and scopes."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest

from data_contracts.reference import channels, eligibility, fees, lane_channels, lanes, settlements
from pipelines.core.tables import CORE
from tests.pipelines.built import built
from tests.pipelines.test_recomputation import FIRST, at, landed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.pipelines.conftest import Redcat

LAST = FIRST + timedelta(6)
CHECKS = {check.name: check for table in CORE for check in table.checks}


@pytest.fixture(scope="module")
def warehouse(demo: Redcat) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(demo.home / "published" / "analyst.duckdb", read_only=True) as connection:
        yield connection


def sold(folder: Path, *lines: dict[str, Any]) -> None:
    """Order lines, one each, of a reader of note n1."""
    line = {"channel": "tmall", "line_no": "1", "brand": "b", "user_id": "reader", "paid_at": at(5),
            "paid_amount": "100.00", "currency": "CNY", "category": "lipstick", "product_id": "p1"}  # fmt: skip
    rows = [line | {"order_id": f"o{number}"} | changes for number, changes in enumerate(lines)]
    landed(folder, "shop_conversions", "orders.csv", rows)


def note(folder: Path, **about: Any) -> None:
    """Note n1, read and clicked."""
    row = {"note_id": "n1", "brand": "b", "published_at": at(0), "category": "lipstick", "product_ids": "p1"}
    landed(folder, "notes", "notes.csv", [row | about])
    touch = {"note_id": "n1", "user_id": "reader", "occurred_at": at(3)}
    landed(folder, "note_impressions", "seen.csv", [touch])
    landed(folder, "link_clicks", "clicks.csv", [touch | {"click_id": "c1", "occurred_at": at(4)}])


@pytest.mark.parametrize(
    ("lane", "exchange", "earns_in"),
    [
        ("in_app", None, {"in_app_shop"}),
        ("live", None, {"in_app_shop"}),
        ("exchange_link", "red_cat", {"tmall"}),
        ("exchange_link", "red_jd", {"jd"}),
        ("local", None, {"store"}),
        ("seeding", None, {"tmall", "taobao", "jd", "in_app_shop", "store"}),
    ],
)
def test_a_note_earns_only_in_channels_that_its_lane_reaches(
    tmp_path: Path, lane: str, exchange: str | None, earns_in: set[str]
) -> None:
    note(tmp_path, lane=lane, exchange=exchange)
    # A live session earns within 24 hours.
    sold(
        tmp_path,
        *({"channel": c, "paid_at": at(4)[:-1] + "9"} for c in ("tmall", "taobao", "jd", "in_app_shop", "store")),
    )
    found = built(tmp_path, FIRST, LAST, "reconciliation")
    credited = found.execute("SELECT DISTINCT channel FROM core.journeys JOIN core.conversions USING (conversion_id)")
    assert {channel for (channel,) in credited.fetchall()} == earns_in
    sums = found.execute("SELECT DISTINCT credited_gmv, credited_gmv + unattributed_gmv FROM mart.reconciliation")
    assert sums.fetchall() == [(Decimal(100 * len(earns_in)), Decimal(500))]


def test_who_bears_a_refund_is_told_by_its_row_else_by_the_settlement_of_the_channel(tmp_path: Path) -> None:
    note(tmp_path, lane="in_app")
    sold(tmp_path, {"channel": "in_app_shop"}, {"channel": "in_app_market"}, {"channel": "in_app_shop"})
    spent = {"spend_id": "s1", "note_id": "n1", "kind": "ads", "payer": "brand", "amount": "50.00", "currency": "CNY"}
    landed(tmp_path, "note_spend", "spend.csv", [spent | {"spend_date": str(FIRST)}])
    backs = [("o0", "in_app_shop", "platform"), ("o1", "in_app_market", None), ("o2", "in_app_shop", None)]
    rows = [
        {"channel": channel, "refund_id": f"r{order}", "order_id": order, "line_no": "1", "refunded_at": at(6),
         "refund_amount": "40.00", "currency": "CNY", "borne_by": borne_by}
        for order, channel, borne_by in backs
    ]  # fmt: skip
    landed(tmp_path, "refunds", "refunds.csv", rows)
    found = built(tmp_path, FIRST, LAST, "channel_roi", "note_roi", "lane_roi")
    told = found.execute("""
        SELECT channel, credited_gmv, credited_refunds, platform_refunds FROM mart.channel_roi
        WHERE model = 'linear' ORDER BY 1""").fetchall()
    assert told == [
        ("in_app_market", *map(Decimal, (100, 40, 40))),  # fully managed: the platform bears them
        ("in_app_shop", *map(Decimal, (200, 80, 40))),
    ]
    (row,) = found.execute("""
        SELECT credited_net, platform_refunds, roas_net, roi_profit FROM mart.note_roi WHERE model = 'linear'
        """).fetchall()
    # 180 + 80 of 300 stay with the brand; of what the market takes no fee is known, so the profit is not either.
    assert row == (Decimal(180), Decimal(80), 3.6, None)


def test_a_refund_that_the_platform_bears_is_no_loss_of_the_brand(tmp_path: Path) -> None:
    spent = {"spend_id": "s1", "note_id": "n1", "kind": "ads", "payer": "brand", "amount": "50.00", "currency": "CNY"}
    back = {"channel": "in_app_shop", "refund_id": "r1", "order_id": "o0", "line_no": "1", "refunded_at": at(6),
            "refund_amount": "100.00", "currency": "CNY"}  # fmt: skip
    found = {}
    for borne_by in ("brand", "platform"):
        folder = tmp_path / borne_by
        note(folder, lane="in_app")
        sold(folder, {"channel": "in_app_shop"})
        landed(folder, "note_spend", "spend.csv", [spent | {"spend_date": str(FIRST)}])
        landed(folder, "refunds", "refunds.csv", [back | {"borne_by": borne_by}])
        made = built(folder, FIRST, LAST, "note_roi")
        (found[borne_by],) = made.execute("""
            SELECT roas_net, roi_profit, (SELECT margin - fee_rate FROM core.conversions) FROM mart.note_roi
            WHERE model = 'linear'""").fetchall()
    assert found["brand"][:2] == (0.0, -1.0)
    left = found["platform"][2]
    assert found["platform"][:2] == (0.0, pytest.approx((100 * left - 50) / 50))


def test_orders_outside_the_dates_of_their_channel_are_flagged_and_stay(tmp_path: Path) -> None:
    sold(tmp_path, {"channel": "fulishe"}, {"channel": "fulishe", "paid_at": at(6)}, {"channel": "tmall"})
    found = built(tmp_path, FIRST, LAST)
    assert found.execute(CHECKS["channel_in_force"].query).fetchall() == [("fulishe", 2)]
    assert found.execute("SELECT count(*) FROM core.conversions").fetchall() == [(3,)]


def test_products_that_an_exchange_does_not_take_are_flagged_and_stay(tmp_path: Path) -> None:
    note(tmp_path, lane="exchange_link", exchange="red_cat", product_ids="p1|p2")
    lines = [("tmall", "lipstick", "p1"), ("tmall", "clothing", "p2"), ("tmall", "food", "p3"),
             ("taobao", "lipstick", "p1"), ("in_app_shop", "clothing", "p2"), ("tmall", None, "p2")]  # fmt: skip
    sold(tmp_path, *({"channel": c, "category": k, "product_id": p} for c, k, p in lines))
    found = built(tmp_path, FIRST, LAST, "product_eligibility")
    eligible = dict(found.execute("SELECT order_id, is_eligible FROM core.conversions").fetchall())
    assert [eligible[f"o{n}"] for n in range(6)] == [True, False, False, False, None, None]
    assert sorted(found.execute(CHECKS["linked_product_eligible"].query).fetchall()) == [("p1", 1), ("p2", 1)]
    rows = found.execute("""
        SELECT product_id, channel, eligible_orders, ineligible_orders, ineligible_gmv, linked_notes
        FROM mart.product_eligibility ORDER BY ALL""").fetchall()
    hundred = Decimal(100)
    assert rows == [
        ("p1", "taobao", 0, 1, hundred, 1), ("p1", "tmall", 1, 0, Decimal(0), 1),
        ("p2", "tmall", 0, 1, hundred, 1), ("p3", "tmall", 0, 1, hundred, 0),
    ]  # fmt: skip


def test_clicks_and_orders_of_the_in_app_loop_and_whose_link_it_was(tmp_path: Path) -> None:
    note(tmp_path, lane="in_app")
    click = {"note_id": "n1", "user_id": "reader", "occurred_at": at(4)}
    links = [
        click | {"click_id": "c2", "link_owner": "own_note"},
        click | {"click_id": "c3", "link_owner": "other_user"},
    ]
    landed(tmp_path, "link_clicks", "more.csv", links)
    event = {"user_id": "reader", "occurred_at": at(5)}
    events = [{"event_id": f"e{n}", "channel": c, "event": kind} for n, (c, kind) in enumerate(
        [("in_app_shop", "visit"), ("in_app_shop", "visit"), ("in_app_shop", "cart"), ("tmall", "visit")])]  # fmt: skip
    landed(tmp_path, "shop_events", "events.csv", [event | each for each in events])
    sold(tmp_path, {"channel": "in_app_shop"}, {"channel": "tmall"})
    back = {"channel": "in_app_shop", "refund_id": "r1", "order_id": "o0", "line_no": "1", "refunded_at": at(6),
            "refund_amount": "30.00", "currency": "CNY"}  # fmt: skip
    landed(tmp_path, "refunds", "refunds.csv", [back])
    found = built(tmp_path, FIRST, LAST, "in_app_loop")
    row = found.execute("""
        SELECT clicks, own_link_clicks, other_link_clicks, click_uv, visit_uv, cart_uv, buyer_uv, paid_orders, paid_gmv,
            paid_refunds, paid_net FROM mart.in_app_loop""").fetchall()
    assert row == [(3, 1, 1, 1, 1, 1, 1, 1, Decimal(100), Decimal(30), Decimal(70))]


def test_fees_of_services_and_payment_are_those_of_the_day() -> None:
    assert fees().filter(channel="in_app_shop", kind="service")["fee_rate"].to_list() == [0.025, 0.006]
    assert fees().filter(kind="payment")["fee_rate"].to_list() == [0.006]


def test_the_fee_of_an_order_is_the_sum_over_kinds(tmp_path: Path) -> None:
    sold(tmp_path, {"channel": "in_app_shop"}, {"channel": "tmall"}, {"channel": "douyin"})
    found = built(tmp_path, FIRST, LAST).execute("SELECT channel, fee_rate FROM core.conversions ORDER BY 1").fetchall()
    assert found == [("douyin", None), ("in_app_shop", 0.012), ("tmall", 0.006)]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (fees, ["channel", "kind"]),
        (eligibility, ["exchange", "category", "shop_type"]),
        (lane_channels, ["lane", "exchange", "channel"]),
    ],
)
def test_on_no_day_two_rows_of_a_dated_table_say_different_things(table: Any, key: list[str]) -> None:
    ends = pl.col("valid_to").fill_null(date.max)
    rows = table().sort(*key, "valid_from").with_columns(before=ends.shift().over(key))
    assert rows.filter(pl.col("valid_from") <= pl.col("before")).is_empty()


def test_reference_tables_name_only_what_others_hold() -> None:
    known = set(channels()["channel"])
    assert set(lane_channels()["channel"]) <= known
    assert set(fees()["channel"]) <= known
    assert set(lane_channels()["lane"]) == set(lanes()["lane"])
    assert set(channels()["settlement"]) == set(settlements()["settlement"])
    assert set(eligibility()["look_back_days"]) == {30, 45, 70}
    reached = lane_channels().filter(pl.col("lane").is_in(["in_app", "live"]))["channel"]
    assert not {"tmall", "jd", "taobao"} & set(reached)


def test_each_lane_of_the_demo_has_data_of_its_own_kind(warehouse) -> None:
    rows = warehouse.sql("SELECT * FROM mart.lane_roi WHERE model = 'linear' AND lane IS NOT NULL").pl()
    by_lane = {row["lane"]: row for row in rows.iter_rows(named=True)}
    assert set(by_lane) == set(lanes()["lane"])
    for lane in ("exchange_link", "in_app", "live"):
        assert by_lane[lane]["click_gmv"] > 0, lane
    assert by_lane["live"]["commission"] > 0
    assert (by_lane["seeding"]["evidence"], by_lane["seeding"]["click_gmv"]) == ("mixed", 0)
    assert 0 < by_lane["seeding"]["evidenced_spend"] < by_lane["seeding"]["spend"]
    assert by_lane["seeding"]["cpuv"] > 0
    claimed = warehouse.sql(
        "SELECT roas_gmv, roi_profit, lanes, cpuv FROM mart.note_roi WHERE evidence = 'claim'"
    ).fetchall()
    assert claimed
    assert {row[:3] for row in claimed} == {(None, None, None)}
    assert any(row[3] for row in claimed)


def test_no_lane_of_the_demo_earned_where_it_does_not_reach(warehouse) -> None:
    astray = warehouse.sql("""
        FROM core.journeys JOIN core.conversions USING (conversion_id) JOIN raw.notes AS note USING (note_id)
        ANTI JOIN reference.lane_channels AS reach ON reach.lane = note.lane AND reach.channel = conversions.channel
            AND coalesce(reach.exchange, note.exchange, '') = coalesce(note.exchange, '')""")
    assert astray.fetchall() == []


def test_exchanges_stand_side_by_side_and_days_hold_fewer_days(warehouse) -> None:
    rows = warehouse.sql("SELECT * FROM mart.exchange_roi WHERE model = 'linear'").pl()
    assert rows["exchange"].to_list() == ["red_cat", "red_jd"]
    assert (rows["click_gmv_7d"] <= rows["click_gmv_15d"]).all()
    assert (rows["click_gmv_15d"] <= rows["click_gmv_30d"]).all()
    lane = warehouse.sql(
        "SELECT credited_gmv, spend FROM mart.lane_roi WHERE model = 'linear' AND lane = 'exchange_link'"
    )
    assert lane.fetchall() == [(rows["credited_gmv"].sum(), rows["spend"].sum())]


def test_users_of_the_in_app_loop_click_before_they_buy(warehouse) -> None:
    rows = warehouse.sql("FROM mart.in_app_loop").pl()
    assert Counter(rows["note_id"]).most_common(1)[0][1] == 1
    assert (rows["own_link_clicks"] + rows["other_link_clicks"] <= rows["clicks"]).all()
    assert (rows["own_link_clicks"] > 0).any()
    assert (rows["other_link_clicks"] > 0).any()
    assert (rows["buyer_uv"] <= rows["click_uv"]).all()
    assert (rows["paid_gmv"] - rows["paid_refunds"] == rows["paid_net"]).drop_nulls().all()
