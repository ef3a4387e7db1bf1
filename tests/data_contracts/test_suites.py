"""The suite of a contract has one expectation for each rule that the contract states, and no more."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import yaml

from data_contracts.contract import FEEDS, contract, feeds
from data_contracts.suites import SPREADSHEET_FLOAT, suite

# Great Expectations imports modules of the standard library that are going away.
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning")

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def _rules(feed: str) -> dict[str, tuple[str, dict]]:
    found = suite(contract(feed), now=NOW).expectation_configurations
    return {e.meta["name"]: (e.type, e.kwargs) for e in found}


def _stated_in_file(feed: str) -> Counter:
    """(column, rule) pairs, counted straight from the contract's file."""
    (table,) = yaml.safe_load((FEEDS / f"{feed}.yaml").read_text(encoding="utf-8"))["schema"]
    names = {"minimum": "minimum", "maximum": "maximum", "maxLength": "max_length", "pattern": "pattern"}
    stated: Counter = Counter()
    for column in table["properties"]:
        rules = [names[option] for option in column.get("logicalTypeOptions", {})]
        rules += ["required"] * bool(column.get("required"))
        rules += ["enum"] * bool(column.get("enum"))
        rules += ["identifier"] * ("identifier" in column.get("tags", []))
        rules += ["not_after" for p in column.get("customProperties", []) if p["property"] == "notAfter"]
        stated.update((column["name"], rule) for rule in rules)
    key = [c for c in table["properties"] if c.get("primaryKey")]
    ordered = sorted(key, key=lambda c: c["primaryKeyPosition"])
    stated[",".join(c["name"] for c in ordered), "unique"] += 1
    return stated


@pytest.mark.parametrize("feed", feeds())
def test_one_expectation_per_stated_rule(feed: str) -> None:
    found = Counter(
        (e.meta["column"], e.meta["rule"]) for e in suite(contract(feed), now=NOW).expectation_configurations
    )
    assert found == _stated_in_file(feed)


@pytest.mark.parametrize("feed", feeds())
def test_names_are_unique_and_fit_a_check_name(feed: str) -> None:
    names = [e.meta["name"] for e in suite(contract(feed), now=NOW).expectation_configurations]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in names)


@pytest.mark.parametrize("feed", feeds())
def test_every_expectation_says_what_it_expects(feed: str) -> None:
    for expectation in suite(contract(feed), now=NOW).expectation_configurations:
        assert expectation.description.endswith(".")
        assert all(column in expectation.description for column in expectation.meta["column"].split(","))


@pytest.mark.parametrize("feed", feeds())
def test_names_do_not_depend_on_the_instant(feed: str) -> None:
    later = suite(contract(feed), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert [e.meta for e in later.expectation_configurations] == [
        e.meta for e in suite(contract(feed), now=NOW).expectation_configurations
    ]


@pytest.mark.parametrize(
    ("name", "kind", "arguments"),
    [
        ("channel_required", "expect_column_values_to_not_be_null", {"column": "channel"}),
        (
            "paid_amount_minimum",
            "expect_column_values_to_be_between",
            {"column": "paid_amount", "min_value": 0},
        ),
        (
            "paid_at_minimum",
            "expect_column_values_to_be_between",
            {"column": "paid_at", "min_value": datetime(2013, 5, 31, 16, tzinfo=UTC)},
        ),
        (
            "exported_at_not_after",
            "expect_column_values_to_be_between",
            {"column": "exported_at", "max_value": NOW},
        ),
        (
            "order_id_max_length",
            "expect_column_value_lengths_to_be_between",
            {"column": "order_id", "max_value": 64},
        ),
        (
            "currency_pattern",
            "expect_column_values_to_match_regex",
            {"column": "currency", "regex": "^[A-Z]{3}$"},
        ),
        (
            "order_id_identifier",
            "expect_column_values_to_not_match_regex",
            {"column": "order_id", "regex": SPREADSHEET_FLOAT},
        ),
    ],
)
def test_rules_of_conversions(name: str, kind: str, arguments: dict) -> None:
    assert _rules("shop_conversions")[name] == (kind, arguments)


def test_dates_are_bounded_by_dates() -> None:
    _, arguments = _rules("note_spend")["spend_date_minimum"]
    assert arguments["min_value"] == date(2013, 6, 1)


def test_a_maximum_bounds_from_above() -> None:
    stated = contract("note_spend")
    fields = tuple(replace(f, maximum=1000) if f.name == "amount" else f for f in stated.fields)
    found = {
        e.meta["name"]: e.kwargs for e in suite(replace(stated, fields=fields), now=NOW).expectation_configurations
    }
    assert found["amount_maximum"] == {"column": "amount", "max_value": 1000}


def test_a_date_may_not_be_after_the_business_date_of_now() -> None:
    stated = contract("note_spend")
    fields = tuple(replace(f, not_after="now") if f.name == "spend_date" else f for f in stated.fields)
    half_past_midnight_in_shanghai = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    found = suite(replace(stated, fields=fields), now=half_past_midnight_in_shanghai)
    (bound,) = [
        e.kwargs["max_value"] for e in found.expectation_configurations if e.meta["name"] == "spend_date_not_after"
    ]
    assert bound == date(2026, 11, 21)


def test_now_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match=r"must have a time zone.*pass datetime.now\(UTC\)"):
        suite(contract("notes"), now=datetime(2026, 11, 20))


@pytest.mark.parametrize("text", ["6.61E+23", "6E+23", "1.2e5", "9E23"])
def test_a_spreadsheet_float_is_recognised(text: str) -> None:
    assert re.search(SPREADSHEET_FLOAT, text)


@pytest.mark.parametrize("text", ["66f1a2b3c4d5e6f708091a2b", "p101", "12E+3", "E5", "1.2.3e4", "1e5a"])
def test_an_identifier_is_not_taken_for_a_float(text: str) -> None:
    assert not re.search(SPREADSHEET_FLOAT, text)
