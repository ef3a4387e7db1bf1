"""Rows are judged by what the contract states, and the Great Expectations suite agrees row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.contract import contract, feeds
from data_contracts.rules import ADVICE, UNREADABLE, judge, rules
from data_contracts.suites import suite
from pipelines.expectations import validate

if TYPE_CHECKING:
    from data_contracts.contract import Contract, Field

pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning")

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
EDGES = {
    "minimum": [datetime(2013, 5, 31, 16, tzinfo=UTC), datetime(2013, 5, 31, 15, 59, 59, 999999, tzinfo=UTC)],
    "now": [NOW, NOW + timedelta(microseconds=1), NOW - timedelta(days=1)],
}


def test_rules_are_those_that_the_contract_states() -> None:
    found = {rule.name: rule.bound for rule in rules(contract("shop_conversions"))}
    assert found["paid_amount_minimum"] == 0
    assert found["paid_at_minimum"] == datetime(2013, 5, 31, 16, tzinfo=UTC)
    assert found["paid_at_not_after"] == "exported_at"
    assert found["order_id_max_length"] == 64
    assert found["channel_required"] is None
    assert "quantity_required" not in found
    assert {r.bound for r in rules(contract("note_spend")) if r.name == "spend_date_minimum"} == {date(2013, 6, 1)}


@pytest.mark.parametrize("feed", feeds())
def test_names_of_rules_are_unique(feed: str) -> None:
    names = [rule.name for rule in rules(contract(feed))]
    assert len(names) == len(set(names))
    assert {rule.kind for rule in rules(contract(feed))} <= set(ADVICE)


GOOD: dict[str, Any] = {
    "channel": "tmall", "order_id": "1", "line_no": "1", "brand": "b", "user_key": 1, "paid_at": NOW - timedelta(1),
    "paid_amount": Decimal("1.00"), "currency": "CNY", "quantity": 1, "product_id": "p", "category": "lipstick",
    "click_id": None, "promo_code": None, "is_new_customer": True, "exported_at": NOW,
}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("order_id", None, "order_id: is missing, expected text; supply the value"),
        ("order_id", "1.23457E+18", "order_id: is '1.23457E+18', expected an id as text, not a number that a "
         "spreadsheet rounded; export again with the column formatted as text"),
        ("paid_amount", Decimal("-0.01"), "paid_amount: is '-0.01', expected at least 0; correct the value at its "
         "source"),
        ("paid_at", datetime(1970, 1, 1, tzinfo=UTC), "paid_at: is 1970-01-01T08:00:00+08:00, expected at least "
         "2013-06-01T00:00:00+08:00; correct the value at its source"),
        ("paid_at", datetime(2099, 1, 1, tzinfo=UTC), "paid_at: is 2099-01-01T08:00:00+08:00, expected not later than "
         "exported_at; check the clock and the date format of the source"),
        ("exported_at", NOW + timedelta(1), "exported_at: is 2026-11-21T16:00:00+08:00, expected not later than now "
         "(2026-11-20T16:00:00+08:00); check the clock and the date format of the source"),
        ("currency", "yuan", "currency: is 'yuan', expected text that matches ^[A-Z]{3}$; correct the value at its "
         "source"),
        ("order_id", "x" * 65, f"order_id: is '{'x' * 40}', expected at most 64 characters; shorten the text at its "
         "source"),
    ],
)  # fmt: skip
def test_a_reason_says_what_was_found_what_was_expected_and_what_to_do(column: str, value: Any, reason: str) -> None:
    terms = contract("shop_conversions")
    frame = pl.DataFrame([GOOD, GOOD | {column: value}, GOOD], schema=terms.schema)
    assert judge(frame, terms, now=NOW)["_reasons"].to_list() == [[], [reason], []]


def test_text_that_could_not_be_read_is_told_once_and_a_persons_value_never() -> None:
    terms = contract("note_impressions")
    row = {"note_id": "n", "user_key": None, "occurred_at": None, "payer": "brand", "exported_at": NOW}
    frame = pl.DataFrame([row], schema=terms.schema).with_columns(
        pl.lit("zhangsan").alias(UNREADABLE + "user_key"), pl.lit("gestern").alias(UNREADABLE + "occurred_at")
    )
    assert judge(frame, terms, now=NOW)["_reasons"].to_list() == [
        [
            "user_key: a value cannot be read as a whole number; correct the value at its source",
            "occurred_at: 'gestern' cannot be read as a date and time; correct the value at its source",
        ]
    ]


def test_no_rows_have_no_reasons() -> None:
    terms = contract("notes")
    judged = judge(pl.DataFrame(schema=terms.schema), terms, now=NOW)
    assert (judged.height, judged.schema["_reasons"]) == (0, pl.List(pl.String))


def _values(field: Field) -> st.SearchStrategy[Any]:
    """Values of the column's type, on the bounds of its rules and far from them."""
    instants = st.sampled_from([*EDGES["minimum"], *EDGES["now"]])
    texts = [
        "1.23457E+18",
        "6E23",
        "12345678901234567.0",
        "66f1a2b3c4d5e6f708091a2b",
        "CNY",
        "cny",
        "CNY\n",
        "",
        "é🤦🏼‍♂️",
    ]
    texts += [*list(field.enum)[:2], "x" * (field.max_length or 1), "界" * ((field.max_length or 0) + 1), "١e٥"]
    return {
        "VARCHAR": st.sampled_from(texts),
        "TIMESTAMPTZ": instants,
        "DATE": instants.map(lambda i: (i + timedelta(hours=8)).date()),
        "DECIMAL(18,2)": st.sampled_from([Decimal("-0.01"), Decimal("0.00"), Decimal("0.01"), Decimal("999.99")]),
        "BIGINT": st.sampled_from([-1, 0, 1, 2**63 - 1, -(2**63)]),
        "BOOLEAN": st.booleans(),
        "VARCHAR[]": st.lists(st.sampled_from(["p1", ""]), max_size=2),
    }[field.physical_type]


def _row(terms: Contract) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({f.name: st.one_of(st.none(), _values(f), _values(f)) for f in terms.fields})


def _extended(feed: str) -> Contract:
    """The contract, with kinds of rules that no feed states yet."""
    terms = contract(feed)
    more = {"amount": {"maximum": 1.5}, "quantity": {"maximum": 1}, "task_from": {"not_after": "now"}}
    return replace(terms, fields=tuple(replace(f, **more.get(f.name, {})) for f in terms.fields))


@pytest.mark.parametrize("feed", feeds())
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_suite_refuses_the_same_rows_rule_by_rule(feed: str, data: st.DataObject) -> None:
    terms = _extended(feed)
    rows = data.draw(st.lists(_row(terms), min_size=1, max_size=30))
    frame = pl.DataFrame(rows, schema=terms.schema, orient="row")
    judged = judge(frame.with_row_index("_row"), terms, now=NOW)
    with duckdb.connect() as connection:
        columns = ", ".join(f"{f.name} {f.physical_type}" for f in terms.fields)
        connection.execute(f"CREATE TABLE t (_row BIGINT, {columns})")
        connection.register("numbered", frame.with_row_index("_row").to_arrow())
        connection.execute("INSERT INTO t BY NAME SELECT * FROM numbered")
        outcomes = validate(connection, "t", suite(terms, now=NOW))
        reported = {
            o.name: {row for (row,) in connection.execute(f"SELECT _row FROM ({o.query})").fetchall()}
            for o in outcomes
            if o.rule != "unique"
        }
    for rule in rules(terms):
        alone = replace(terms, fields=tuple(_only(f, rule.column, rule.kind) for f in terms.fields))
        refused = judge(frame.with_row_index("_row"), alone, now=NOW).filter(pl.col("_reasons").list.len() > 0)
        assert set(refused["_row"]) == reported[rule.name], rule
    everything = judged.filter(pl.col("_reasons").list.len() > 0)
    assert set(everything["_row"]) == set().union(*reported.values())
    assert judged["_reasons"].list.len().sum() == sum(map(len, reported.values()))


def _only(field: Field, column: str, kind: str) -> Field:
    """The field without its rules, but for one kind on one column."""
    nothing = {"required": False, "identifier": False, "enum": {}}
    return replace(field, **{k: nothing.get(k) for k in ADVICE if (field.name, k) != (column, kind)})
