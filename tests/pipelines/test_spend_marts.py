"""Who paid for what, in which task, and with what money, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.pipelines.built import built
from tests.pipelines.test_claims import FIRST, LAST, rows_of, world

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


def test_spend_in_task_out_of_task_and_unknown_add_up_by_day_and_by_note(tmp_path: Path) -> None:
    world(tmp_path)
    connection = built(tmp_path, FIRST, LAST, "spend_daily", "note_roi")
    columns = "spend, in_task_spend, out_of_task_spend, unknown_task_spend, platform_spend"
    by_day = connection.sql(f"SELECT business_date, {columns} FROM mart.spend_daily ORDER BY 1").fetchall()
    assert by_day == [
        (date(2026, 9, 25), *map(Decimal, (50, 50, 0, 0, 7))),
        (date(2026, 9, 26), *map(Decimal, (50, 0, 50, 0, 0))),
    ]
    by_note = connection.sql(f"""
        SELECT note_id, {columns} FROM mart.note_roi WHERE model = 'linear' ORDER BY 1""").fetchall()
    assert by_note == [("n1", *map(Decimal, (0, 0, 0, 0, 0))), ("n2", *map(Decimal, (100, 50, 50, 0, 7)))]


def test_spend_on_a_note_without_a_task_is_of_no_known_task(tmp_path: Path) -> None:
    rows_of(tmp_path, "note_spend", {"spend_id": "s", "note_id": "n404", "kind": "ads", "currency": "CNY",
                                     "amount": "9.00", "payer": "brand", "spend_date": "2026-09-25"})  # fmt: skip
    found = built(tmp_path, FIRST, LAST, "spend_daily").sql("SELECT spend, unknown_task_spend FROM mart.spend_daily")
    assert found.fetchall() == [(Decimal(9), Decimal(9))]


def test_what_an_export_says_of_the_task_goes_before_its_days(tmp_path: Path) -> None:
    booked = {"note_id": "n2", "kind": "ads", "payer": "brand", "currency": "CNY", "amount": "1.00"}
    notes = {"note_id": "n2", "brand": "b", "published_at": "2026-09-01 10:00:00", "lane": "seeding",
             "task_from": "2026-09-01", "task_to": "2026-09-25"}  # fmt: skip
    rows_of(tmp_path, "notes", notes)
    days = [("2026-09-25", None), ("2026-09-25", "false"), ("2026-09-26", None), ("2026-09-26", "true")]
    rows_of(tmp_path, "note_spend", *(
        booked | {"spend_id": f"s{n}", "spend_date": day, "is_in_task": told} for n, (day, told) in enumerate(days)
    ))  # fmt: skip
    found = built(tmp_path, FIRST, LAST, "spend_daily").sql("""
        SELECT business_date, in_task_spend::INTEGER, out_of_task_spend::INTEGER FROM mart.spend_daily ORDER BY 1""")
    assert found.fetchall() == [(date(2026, 9, 25), 1, 1), (date(2026, 9, 26), 1, 1)]


def test_roi_on_real_money_stands_beside_that_at_face_value(tmp_path: Path) -> None:
    world(tmp_path)  # 100 yuan credited, 100 yuan spent
    funds = {"cash": "40.00", "credit": "20.00", "rebate": "25.00", "coupon": "10.00", "compensation": "5.00"}
    flow = {"account_id": "a", "flow_date": "2026-09-25", "currency": "CNY"}
    rows_of(tmp_path, "wallet_flows", *(flow | {"fund": fund, "amount": amount} for fund, amount in funds.items()))
    connection = built(tmp_path, FIRST, LAST, "wallet_daily", "real_returns")
    daily = connection.sql("""
        SELECT cash_spend, credit_spend, rebate_spend, coupon_spend, compensation_spend, face_spend, real_spend,
            real_share
        FROM mart.wallet_daily""").fetchall()
    assert daily == [(*map(Decimal, (40, 20, 25, 10, 5, 100, 60)), 0.6)]
    returns = connection.sql("""
        SELECT DISTINCT spend, wallet_face_spend, wallet_real_spend, real_spend, roas_gmv, roas_real
        FROM mart.real_returns""").fetchall()
    assert returns == [(*map(Decimal, (100, 100, 60, 60)), 1.0, pytest.approx(100 / 60))]


def test_without_account_flows_real_money_is_unknown(tmp_path: Path) -> None:
    world(tmp_path)
    found = built(tmp_path, FIRST, LAST, "real_returns").sql("""
        SELECT DISTINCT spend, wallet_face_spend, real_spend, roas_gmv, roas_real FROM mart.real_returns""")
    assert found.fetchall() == [(Decimal(100), None, None, 1.0, None)]


def test_exposure_that_the_brand_paid_the_platform_paid_or_nobody_paid_stands_apart(tmp_path: Path) -> None:
    payers = ("brand", "brand", "platform", "nobody")
    seen = [{"note_id": "n1", "user_id": f"u{n}", "occurred_at": "2026-09-05 12:00:00", "payer": payer}
            for n, payer in enumerate(payers)]  # fmt: skip
    rows_of(tmp_path, "note_impressions", *seen)
    found = built(tmp_path, FIRST, LAST, "funnel_daily").sql("""
        SELECT impressions, brand_impressions, platform_impressions, organic_impressions FROM mart.funnel_daily
        WHERE business_date = '2026-09-05'""")
    assert found.fetchall() == [(4, 2, 1, 1)]
