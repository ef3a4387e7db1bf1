"""The reference tables of the systems around seeding: what each says, and that they agree with one another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from data_contracts.contract import contract
from data_contracts.reference import TABLES, channels
from data_contracts.systems import (
    SYSTEMS,
    business_orders,
    cities,
    fee_scenarios,
    local_programmes,
    member_programmes,
    payment_channels,
    policy_calendar,
    text_patterns,
    thresholds,
    verticals,
)

KEYS = {
    "cities": ["city"],
    "verticals": ["vertical"],
    "local_programmes": ["programme"],
    "payment_channels": ["payment_channel"],
    "fee_scenarios": ["scenario", "payment_channel"],
    "member_programmes": ["channel"],
    "business_orders": ["channel", "category"],
    "thresholds": ["threshold"],
    "text_patterns": ["text_class", "pattern"],
    "policy_calendar": ["entry"],
}
CLASSED_FEEDS = ("notes", "note_comments")


@pytest.mark.parametrize("name", SYSTEMS)
def test_keys_are_unique_and_every_name_is_in_both_languages(name: str) -> None:
    table = SYSTEMS[name]()
    assert TABLES[name] is SYSTEMS[name]
    assert not table.is_empty()
    assert not table.select(KEYS[name]).is_duplicated().any()
    if name != "business_orders":
        assert table.select(pl.col("name_zh", "name_en").null_count()).row(0) == (0, 0)


def test_the_card_is_as_it_was() -> None:
    card = local_programmes().row(by_predicate=pl.col("programme") == "xiaohongka", named=True)
    assert (card["valid_from"], card["valid_to"]) == (date(2025, 9, 1), date(2026, 1, 1))
    assert (card["price"], card["certification_fee"]) == (Decimal("168.00"), Decimal("600.00"))
    assert (card["discount_rate"], card["valid_days"]) == (0.10, 365)
    assert card["cities"] == ["shanghai", "hangzhou", "guangzhou"]


def test_group_buying_opened_in_dated_steps() -> None:
    steps = policy_calendar().filter(kind="rollout").sort("starts")
    assert steps.select("starts", "verticals").rows() == [
        (date(2023, 4, 1), ["coffee"]),
        (date(2024, 9, 1), ["coffee", "dining"]),
        (date(2025, 1, 1), ["coffee", "dining"]),
        (date(2025, 7, 1), ["leisure"]),
    ]


def test_the_calendar_names_known_cities_and_verticals_and_ends_after_it_starts() -> None:
    calendar = policy_calendar()
    assert set(calendar["cities"].explode().drop_nulls()) <= set(cities()["city"])
    assert set(calendar["verticals"].explode().drop_nulls()) <= set(verticals()["vertical"])
    assert calendar.filter(pl.col("ends") < pl.col("starts")).is_empty()
    assert set(calendar["precision"]) <= {"day", "month", "year"}
    bans = calendar.filter(kind="link_ban").sort("starts")
    assert bans["platform"].to_list() == ["douyin", "xiaohongshu", "kuaishou"]


def test_every_scenario_has_a_rate_for_every_payment_channel_and_says_whether_it_is_assumed() -> None:
    rates = fee_scenarios()
    for (scenario,), rows in rates.group_by("scenario"):
        assert set(rows["payment_channel"]) == set(payment_channels()["payment_channel"]), scenario
        assert rows["assumed"].n_unique() == 1
    assert rates.filter(~pl.col("assumed"))["scenario"].unique().to_list() == ["in_force"]
    assert payment_channels().filter(~pl.col("stacks"))["payment_channel"].to_list() == ["stored_value"]


def test_memberships_are_those_of_known_channels_and_rules_have_quantities() -> None:
    assert set(member_programmes()["channel"]) <= set(channels()["channel"])
    assert set(member_programmes()["name_en"]) == {"88VIP", "JD PLUS"}
    assert (business_orders()["min_quantity"] > 1).all()


def test_a_text_class_is_a_column_that_is_made_of_a_text() -> None:
    made = {f.name for feed in CLASSED_FEEDS for f in contract(feed).fields if f.matched_from}
    assert made == set(text_patterns()["text_class"])


def test_medians_part_notes_unless_a_value_is_stated() -> None:
    values = dict(thresholds().select("threshold", "value").iter_rows())
    assert (values["quadrant_engagement_rate"], values["quadrant_visit_rate"]) == (None, None)
    assert values["quadrant_min_age_days"] == 15
