"""The exchange's claims beside credits, and sales that are claimed twice, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from models.register import RULES
from tests.pipelines.built import built
from tests.pipelines.intake_files import csv_bytes, land

if TYPE_CHECKING:
    from pathlib import Path

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
EXPORTED = "2026-10-01 06:00:00"


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


def rows_of(landing: Path, feed: str, *rows: dict[str, Any]) -> None:
    columns = dict.fromkeys(name for row in rows for name in row)
    whole = [dict.fromkeys(columns) | row | {"exported_at": EXPORTED} for row in rows]
    land(landing, f"{feed}/rows.csv", csv_bytes(whole))


def claim(
    note: str | None, *, day: int = 25, cycle: int = 30, exchange: str = "red_cat", **figures: Any
) -> dict[str, Any]:
    return {"claim_id": f"{exchange}-{note}-{day}-{cycle}", "exchange": exchange, "task_id": "t1", "note_id": note,
            "level": "content" if note else "task", "claim_date": f"2026-09-{day:02}", "cycle": cycle,
            "currency": "CNY"} | figures  # fmt: skip


def world(landing: Path) -> None:
    """Reader u1 saw n1 on the 5th and n2 on the 20th, and paid 100 yuan on the 25th: 20 and 5 days later."""
    note = {"brand": "b", "lane": "seeding", "published_at": "2026-09-01 08:00:00", "exchange": "red_cat",
            "task_from": "2026-09-24", "task_to": "2026-09-25"}  # fmt: skip
    rows_of(landing, "notes", note | {"note_id": "n1"}, note | {"note_id": "n2"})
    seen = {"n1": "2026-09-05 12:00:00", "n2": "2026-09-20 12:00:00"}
    impressions = [{"note_id": note, "user_id": "u1", "occurred_at": at} for note, at in seen.items()]
    rows_of(landing, "note_impressions", *impressions)
    rows_of(
        landing, "shop_conversions",
        {"channel": "tmall", "order_id": "o1", "line_no": "1", "brand": "b", "user_id": "u1", "currency": "CNY",
         "paid_at": "2026-09-25 12:00:00", "paid_amount": "100.00"},
    )  # fmt: skip
    spend = {"note_id": "n2", "kind": "ads", "currency": "CNY", "amount": "50.00", "payer": "brand"}
    rows_of(
        landing, "note_spend",
        spend | {"spend_id": "in", "spend_date": "2026-09-25"},
        spend | {"spend_id": "support", "spend_date": "2026-09-25", "payer": "platform", "amount": "7.00"},
        spend | {"spend_id": "out", "spend_date": "2026-09-26"},
    )  # fmt: skip


def test_claims_stand_beside_what_models_credit_in_the_same_shop_day_and_cycle(tmp_path: Path) -> None:
    world(tmp_path)
    figures = {"visit_uv": "25", "order_uv": "<100", "shop_gmv": "100.00"}
    rows_of(
        tmp_path, "exchange_note_daily",
        *(claim(note, cycle=cycle, **figures) for note in ("n1", "n2") for cycle in (15, 30)),
        claim("n2", day=24, **figures), claim("n2", exchange="red_jd", **figures), claim(None, **figures),
    )  # fmt: skip
    connection = built(tmp_path, FIRST, LAST, "claims")
    found = connection.sql("""
        SELECT model, note_id, exchange, business_date, cycle, credited_orders, credited_gmv, claim_difference_gmv
        FROM mart.claims WHERE model IN ('linear', 'last_touch')""").fetchall()
    of = {
        (model, note, exchange, day.day, cycle): tuple(map(float, rest))
        for model, note, exchange, day, cycle, *rest in found
    }
    assert of["linear", "n1", "red_cat", 25, 15] == (0, 0, -100), "its last touch was 20 days before"
    assert of["linear", "n1", "red_cat", 25, 30] == (0.5, 50, -50)
    assert of["linear", "n2", "red_cat", 25, 15] == of["linear", "n2", "red_cat", 25, 30] == (0.5, 50, -50)
    assert of["last_touch", "n2", "red_cat", 25, 30] == (1, 100, 0)
    assert of["linear", "n2", "red_cat", 24, 30] == (0, 0, -100), "another day"
    assert of["linear", "n2", "red_jd", 25, 30] == (0, 0, -100), "another shop"
    assert len(found) == 12, "the task's own row is no claim of a note"
    bounds = connection.sql("""
        SELECT DISTINCT claimed_order_uv, claimed_order_uv_lower, claimed_order_uv_upper, claimed_visit_uv_lower
        FROM mart.claims""").fetchall()
    assert bounds == [(None, 0, 99, 25)]
    cost = connection.sql("""
        SELECT DISTINCT in_task_spend, cpuv FROM mart.claims
        WHERE note_id = 'n2' AND business_date = '2026-09-25'""").fetchall()
    assert cost == [(Decimal("50.00"), 2.0)], "what the platform paid, and other days, cost nothing here"
    assert {row[0] for row in connection.sql("SELECT model FROM mart.claims").fetchall()} == set(RULES)


def test_the_funnel_that_an_exchange_claims_stands_in_each_row_with_its_rates(tmp_path: Path) -> None:
    world(tmp_path)
    figures = {"read_uv": "200", "visit_uv": "50", "favourite_uv": "<100", "cart_uv": "10", "order_uv": "5"}
    rows_of(tmp_path, "exchange_note_daily", claim("n1", **figures), claim("n2", **figures | {"visit_uv": "0"}))
    found = (
        built(tmp_path, FIRST, LAST, "claims")
        .sql("""
        SELECT DISTINCT note_id, claimed_favourite_uv, claimed_favourite_uv_upper, claimed_cart_uv, claimed_visit_rate,
            claimed_cart_rate, claimed_conversion_rate FROM mart.claims ORDER BY 1""")
        .fetchall()
    )
    assert found == [("n1", None, 99, 10, 0.25, 0.2, 0.1), ("n2", None, 99, 10, 0.0, None, None)]


def test_a_claim_matures_when_its_cycle_and_the_refunds_after_it_are_over(tmp_path: Path) -> None:
    world(tmp_path)
    cycles = {(2, 1): "mature", (2, 15): "settling", (20, 1): "settling", (20, 30): "maturing"}
    rows_of(tmp_path, "exchange_note_daily", *(claim("n1", day=day, cycle=cycle) for day, cycle in cycles))
    connection = built(tmp_path, FIRST, date(2026, 10, 10), "claims")
    found = connection.sql("SELECT DISTINCT business_date, cycle, maturity FROM mart.claims").fetchall()
    assert {(day.day, cycle): state for day, cycle, state in found} == cycles


def doubled(landing: Path, *claims: dict[str, Any]) -> list[dict[str, Any]]:
    world(landing)
    if claims:
        rows_of(landing, "exchange_note_daily", *claims)
    connection = built(landing, FIRST, LAST, "double_claims")
    return connection.sql("FROM mart.double_claims").pl().to_dicts()


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    money = ("claimed_gmv", "basis_gmv", "twice_at_least_gmv", "twice_at_most_gmv")
    return row["claimed_by"], row["claims"], *(row[name] if row[name] is None else float(row[name]) for name in money)


def test_the_same_sale_in_two_windows(tmp_path: Path) -> None:
    (row,) = doubled(tmp_path, claim("n1", cycle=15, shop_gmv="60.00"), claim("n1", cycle=30, shop_gmv="80.00"))
    assert told(row) == ("windows", 2, 140, 80, 60, 60)


def test_a_note_that_two_exchanges_claim(tmp_path: Path) -> None:
    (row,) = doubled(tmp_path, claim("n1", shop_gmv="60.00"), claim("n1", exchange="red_jd", shop_gmv="30.00"))
    assert told(row) == ("exchanges", 2, 90, None, 0, 30)
    assert row["exchange"] == "red_cat+red_jd"


def test_two_notes_that_claim_more_than_their_task_or_the_shop(tmp_path: Path) -> None:
    rows = doubled(
        tmp_path,
        claim("n1", shop_gmv="90.00", order_uv="3"),
        claim("n2", shop_gmv="80.00", order_uv="2"),
        claim(None, shop_gmv="95.00", order_uv="4"),
    )
    assert sorted(map(told, rows)) == [("notes_of_shop", 2, 170, 100, 70, 80), ("notes_of_task", 2, 170, 95, 75, 80)]
    of_task = next(row for row in rows if row["claimed_by"] == "notes_of_task")
    assert (of_task["claimed_order_uv"], of_task["basis_order_uv"]) == (5, 4)


def test_claims_within_the_task_and_the_shop_are_no_double_ones(tmp_path: Path) -> None:
    rows = doubled(
        tmp_path,
        claim("n1", shop_gmv="50.00", order_uv="1"),
        claim("n2", shop_gmv="50.00", order_uv="1"),
        claim(None, shop_gmv="100.00", order_uv="2"),
    )
    assert rows == []


def test_an_order_line_with_codes_of_two_notes(tmp_path: Path) -> None:
    codes = [{"code_kind": kind, "code": "77", "note_id": note, "valid_from": "2026-09-01"}
             for kind, note in (("relation_id", "n1"), ("adzone_id", "n2"))]  # fmt: skip
    rows_of(tmp_path, "promotion_codes", *codes)
    rows_of(
        tmp_path, "promotion_orders",
        {"channel": "tmall", "order_id": "o1", "line_no": "1", "relation_id": "77", "adzone_id": "77",
         "ordered_at": "2026-09-25 11:00:00", "currency": "CNY"},
    )  # fmt: skip
    (row,) = doubled(tmp_path)
    assert told(row) == ("orders", 2, 200, 100, 100, 100)
