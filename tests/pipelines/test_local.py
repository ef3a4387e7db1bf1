"""Cards, vouchers, shops, payment and pilots: known answers from a handful of events."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tests.pipelines.mart_rows import mart, put, warehouse

if TYPE_CHECKING:
    import duckdb

NUMBER = count()
LAUNCH = date(2025, 9, 1)
CLOSED = date(2026, 1, 1)
SHOP = {"shop_id": "s1", "shop_name": "一号店", "city": "hangzhou", "vertical": "dining", "is_curated": True,
        "certified_on": LAUNCH, "valid_from": date(2025, 1, 1)}  # fmt: skip


def event(kind: str, day: date, **values: Any) -> dict[str, Any]:
    return {"event_id": f"e{next(NUMBER)}", "event": kind, "occurred_at": day, "currency": "CNY"} | values


def visit(day: date, **values: Any) -> dict[str, Any]:
    """A bill of 90 yuan after the card's 10 %."""
    return event("card_redeemed", day, programme="xiaohongka", shop_id="s1", amount=90.0, discount=10.0) | values


def card(key: int, day: date, **values: Any) -> dict[str, Any]:
    return event("card_sold", day, programme="xiaohongka", instrument_key=key, city="hangzhou", amount=168.0) | values


def paid_back(key: int, day: date) -> dict[str, Any]:
    return event("card_refunded", day, programme="xiaohongka", instrument_key=key, amount=168.0)


def voucher(kind: str, key: int, day: date, **values: Any) -> dict[str, Any]:
    return event(f"voucher_{kind}", day, programme="group_buying", instrument_key=key, city="hangzhou",
                 vertical="dining", amount=50.0) | values  # fmt: skip


def on(day: date) -> duckdb.DuckDBPyConnection:
    connection = warehouse(day)
    put(connection, "local_shops", [SHOP])
    return connection


def test_a_shops_fee_is_earned_back_by_the_contribution_of_its_visits() -> None:
    connection = on(date(2025, 12, 31))
    put(connection, "local_events", [visit(date(2025, 9, 2 + n)) for n in range(4)])
    (row,) = mart(connection, "card_shops")
    assert (row["card_visits"], row["visit_amount"], row["discount_cost"]) == (4, 360, 40)
    # A list price of 100 earns 55 at a margin of 0.55, less 10 of discount: 45 a visit, so 600 takes 14 visits.
    assert (row["certification_cost"], row["contribution_amount"], row["break_even_visits"]) == (600, 180, 14)
    assert row["is_broken_even"] is False


def test_the_fee_is_earned_back_at_exactly_so_many_visits() -> None:
    connection = on(date(2025, 12, 31))
    put(connection, "local_events", [visit(date(2025, 9, 2)) for _ in range(13)])
    assert mart(connection, "card_shops")[0]["is_broken_even"] is False
    put(connection, "local_events", [visit(date(2025, 9, 3))])
    (row,) = mart(connection, "card_shops")
    assert (row["break_even_visits"], row["is_broken_even"]) == (14, True)


def test_visits_that_earn_nothing_never_earn_the_fee_back() -> None:
    connection = on(date(2025, 12, 31))
    put(connection, "local_events", [visit(date(2025, 9, 2), amount=30.0, discount=70.0)])
    (row,) = mart(connection, "card_shops")
    assert (row["contribution_amount"], row["break_even_visits"], row["is_broken_even"]) == (-15, None, False)


@pytest.mark.parametrize(
    ("values", "cost", "contribution"),
    [
        ({"shop_discount": 20.0, "stacks": True}, 10, 36),  # list 120: 66 − 30
        ({"shop_discount": 20.0, "stacks": False}, 0, 40.5),  # the greater was given, list 110: 60.5 − 20
        ({"shop_discount": 5.0, "stacks": False}, 10, 45),
        ({"shop_discount": 20.0, "payment_channel": "stored_value"}, 0, 40.5),  # as the channel has it
        ({"shop_discount": 20.0, "payment_channel": "alipay"}, 10, 36),
        ({"shop_discount": 20.0}, 10, 36),  # nobody says: the higher cost
    ],
)
def test_a_discount_that_does_not_stack_is_not_deducted_twice(
    values: dict[str, Any], cost: float, contribution: float
) -> None:
    connection = on(date(2025, 12, 31))
    put(connection, "local_events", [visit(date(2025, 9, 2), **values)])
    (row,) = mart(connection, "card_shops")
    assert (row["discount_cost"], row["contribution_amount"]) == (cost, Decimal(str(contribution)))


def test_notes_rose_and_redemptions_did_not_is_told_of_a_shop() -> None:
    connection = on(date(2025, 12, 31))
    early = event("note", date(2025, 5, 1), shop_id="s1")  # so that the time before is known to have arrived
    before = [event("note", LAUNCH - timedelta(3), shop_id="s1")]
    after = [event("note", LAUNCH + timedelta(n), shop_id="s1") for n in range(3)]
    vouchers = [voucher("redeemed", n, LAUNCH + timedelta(d), shop_id="s1") for n, d in enumerate((-9, -2, 4))]
    put(connection, "local_events", [early, *before, *after, *vouchers])
    (row,) = mart(connection, "card_shops")
    assert [row[f"{what}_{when}"] for what in ("notes", "redemptions") for when in ("before", "after")] == [1, 3, 2, 1]
    assert row["notes_without_redemptions"] is True
    put(connection, "local_events", [visit(LAUNCH + timedelta(9)), visit(LAUNCH + timedelta(10))])
    assert mart(connection, "card_shops")[0]["notes_without_redemptions"] is False


def test_what_has_not_arrived_or_not_happened_yet_is_not_zero() -> None:
    connection = on(LAUNCH + timedelta(10))
    put(connection, "local_events", [visit(LAUNCH + timedelta(1))])
    (row,) = mart(connection, "card_shops")
    assert {row[k] for k in ("notes_before", "notes_after", "redemptions_before", "redemptions_after")} == {None}
    assert row["notes_without_redemptions"] is None


def test_revenue_is_earned_by_the_day_and_undone_by_the_full_refund() -> None:
    connection = on(date(2026, 1, 31))
    cards = [card(1, date(2025, 9, 1)), card(2, date(2025, 9, 21)), card(3, date(2025, 10, 5))]
    refunds = [paid_back(1, date(2025, 10, 10)), paid_back(2, CLOSED), paid_back(3, CLOSED)]
    put(connection, "local_events", [*cards, *refunds, visit(date(2025, 9, 30), instrument_key=1)])
    rows = {(r["cohort_month"], r["stated_on"]): r for r in mart(connection, "card_cohorts")}
    september, october = date(2025, 9, 1), date(2025, 10, 1)
    first = rows[september, date(2025, 9, 30)]
    assert (first["cards_sold"], first["cards_active"], first["cash_amount"]) == (2, 2, 336)
    # 30 and 10 of 365 days of 168 yuan.
    assert first["revenue_amount"] == Decimal("13.81") + Decimal("4.60")
    assert first["deferred_amount"] == first["cash_amount"] - first["revenue_amount"]
    assert (first["cards_used"], first["card_visits"], first["discount_cost"]) == (1, 1, 10)
    later = rows[september, date(2025, 10, 31)]
    assert (later["cards_active"], later["cash_amount"], later["revenue_amount"]) == (1, 168, Decimal("18.87"))
    assert rows[october, date(2025, 12, 31)]["cash_amount"] == 168
    for cohort in (september, october):
        closed = rows[cohort, CLOSED]
        assert [closed[k] for k in ("cards_active", "cash_amount", "revenue_amount", "deferred_amount")] == [0, 0, 0, 0]
    assert (october, date(2025, 9, 30)) not in rows


def test_the_state_before_the_refund_stays_readable_as_of_its_date() -> None:
    connection = on(date(2025, 12, 31))
    put(connection, "local_events", [card(1, date(2025, 11, 20))])
    mart(connection, "card_cohorts")
    connection.execute("INSERT INTO ops.days VALUES (?)", [CLOSED])
    put(connection, "local_events", [paid_back(1, CLOSED)])
    mart(connection, "card_cohorts")
    newest = "SELECT as_of, last(cash_amount ORDER BY stated_on) FROM history.card_cohorts GROUP BY ALL ORDER BY ALL"
    assert connection.sql(newest).fetchall() == [(date(2025, 12, 31), 168), (CLOSED, 0)]


def test_vouchers_of_a_month_are_redeemed_expired_refunded_or_open() -> None:
    connection = on(date(2025, 12, 31))
    sold = [voucher("sold", key, date(2025, 10, 2)) for key in range(5)]
    fate = [
        voucher("redeemed", 0, date(2025, 11, 3), shop_id="s1"),
        voucher("redeemed", 1, date(2025, 10, 3)),
        voucher("expired", 2, date(2025, 11, 30), amount=None),
        voucher("redeemed", 3, date(2025, 10, 4)),
        voucher("refunded", 3, date(2025, 10, 9)),  # after it was used: paid back counts
        voucher("redeemed", 99, date(2025, 10, 5)),  # sold by nobody that is known
    ]
    put(connection, "local_events", [*sold, *fate])
    (row,) = mart(connection, "vouchers")
    kinds = ("redeemed", "expired", "refunded", "open")
    assert [row[f"vouchers_{kind}"] for kind in kinds] == [2, 1, 1, 1]
    assert row["vouchers_sold"] == sum(row[f"vouchers_{kind}"] for kind in kinds) == 5
    assert (row["vouchers_unmatched"], row["redeemed_share"]) == (1, 0.4)
    assert [row[f"{what}_amount"] for what in ("sold", "redeemed", "refunded")] == [250, 100, 50]
    assert (row["city"], row["sold_month"], row["maturity"]) == ("hangzhou", date(2025, 10, 1), "maturing")


@pytest.mark.parametrize(
    ("day", "vertical", "rollout"),
    [
        (date(2023, 3, 31), "coffee", None),
        (date(2023, 4, 1), "coffee", "group_buying_coffee"),
        (date(2023, 4, 1), "dining", None),
        (date(2024, 9, 30), "dining", "group_buying_49_cities"),
        (date(2025, 8, 1), "dining", "group_buying_nationwide"),
        (date(2025, 8, 1), "leisure", "group_buying_leisure"),
    ],
)
def test_a_voucher_names_the_opening_under_which_it_was_sold(day: date, vertical: str, rollout: str | None) -> None:
    connection = on(date(2025, 12, 31))
    put(connection, "local_events", [voucher("sold", 1, day, vertical=vertical)])
    assert mart(connection, "vouchers")[0]["rollout"] == rollout


def test_coverage_counts_the_shops_as_they_are_and_redemptions_as_they_were() -> None:
    connection = on(date(2025, 12, 31))
    moved = [
        SHOP | {"shop_id": "s2", "is_curated": False, "valid_to": date(2025, 9, 30)},
        SHOP | {"shop_id": "s2", "valid_from": date(2025, 10, 1)},  # curated since
        SHOP | {"shop_id": "s3", "is_curated": None, "certified_on": None},
        SHOP | {"shop_id": "s4", "valid_to": date(2025, 6, 30)},  # closed
        SHOP | {"shop_id": "s5", "city": "beijing", "is_curated": False},
    ]
    put(connection, "local_shops", moved)
    days = (date(2025, 9, 30), date(2025, 10, 1))
    put(connection, "local_events", [visit(day, shop_id="s2") for day in days])
    beijing, hangzhou = sorted(mart(connection, "shop_coverage"), key=lambda row: row["city"])
    counts = ("shops", "curated_shops", "certified_shops", "redemptions")
    assert [hangzhou[k] for k in counts] == [3, 2, 2, 2]
    assert (hangzhou["curated_share"], hangzhou["curated_redemption_share"]) == (1.0, 0.5)
    assert [beijing[k] for k in counts] == [1, 0, 1, 0]
    assert (beijing["curated_share"], beijing["curated_redemption_share"]) == (0.0, None)


def test_an_event_counts_once_however_often_its_shop_changed() -> None:
    connection = on(date(2025, 12, 31))
    put(connection, "local_shops", [SHOP | {"valid_from": date(2025, m, 1)} for m in range(2, 9)])
    put(connection, "local_events", [visit(date(2025, 9, 2))])
    (row,) = mart(connection, "card_shops")
    assert row["card_visits"] == 1


def test_fees_are_reckoned_for_each_payment_and_scenario() -> None:
    connection = on(date(2025, 12, 31))
    put(connection, "local_events", [
        visit(date(2025, 9, 2), amount=10.0, payment_channel="platform_pay"),
        visit(date(2025, 9, 3), amount=10.0, payment_channel="platform_pay"),
        card(1, date(2025, 9, 1), payment_channel="alipay"),
        voucher("sold", 2, date(2025, 9, 1), payment_channel="alipay", amount=12.0),
        voucher("redeemed", 2, date(2025, 9, 2), payment_channel="alipay", amount=12.0),  # paid before
    ])  # fmt: skip
    rows = {(r["scenario"], r["payment_channel"]): r for r in mart(connection, "payment_channels")}
    own, other = rows["in_force", "platform_pay"], rows["in_force", "alipay"]
    assert (own["payments"], own["payment_amount"], own["payment_fees"]) == (2, 20, Decimal("0.12"))
    assert (other["payments"], other["payment_amount"]) == (2, 180)
    assert other["payment_fees"] == Decimal("1.01") + Decimal("0.07")
    assert own["payment_share"] + other["payment_share"] == 1
    assert rows["own_licence", "platform_pay"]["payment_fees"] == Decimal("0.06")
    assert (own["is_assumed"], rows["own_licence", "alipay"]["is_assumed"]) == (False, True)


def test_a_pilot_is_compared_with_the_cities_that_had_none() -> None:
    connection = on(date(2025, 12, 31))
    daily = {"hangzhou": (1, 4), "shanghai": (2, 4), "nanjing": (3, 4), "beijing": (1, 1)}  # notes a day
    events = [
        event("note", LAUNCH + timedelta(day), city=city)
        for city, (before, after) in daily.items()
        for day in range(-28, 28)
        for _ in range(after if day >= 0 else before)
    ]
    put(connection, "local_events", events)
    rows = {row["outcome"]: row for row in mart(connection, "city_pilots")}
    notes = rows["notes"]
    assert (notes["pilot"], notes["treated_units"], notes["control_units"]) == ("xiaohongka_pilot", 2, 2)
    assert (notes["treated_before"], notes["treated_after"], notes["effect"]) == (1.5, 4, 2.5 - 0.5)
    assert notes["effect_low"] < 2 < notes["effect_high"]
    assert (rows["redemptions"]["effect"], rows["redemptions"]["treated_units"]) == (0, 2)


@pytest.mark.parametrize("as_of", [date(2025, 8, 1), date(2025, 9, 15)])
def test_a_pilot_that_has_not_run_its_time_has_no_effect_yet(as_of: date) -> None:
    connection = on(as_of)
    put(connection, "local_events", [event("note", date(2025, 7, 1), city="hangzhou")])
    assert {row["effect"] for row in mart(connection, "city_pilots")} <= {None}
