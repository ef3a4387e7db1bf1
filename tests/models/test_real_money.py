"""Returns on real money, by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from models.real_money import real_returns

DAY = date(2026, 9, 2)
EARNED = {"model": "linear", "currency": "CNY", "note_id": "n1", "credited_fen": 30_000, "paid_date": DAY}
BOOKED = {"note_id": "n1", "spend_date": DAY, "kind": "ads", "payer": "brand", "amount_fen": 8_000, "currency": "CNY",
          "in_task": None}  # fmt: skip
FLOW = {"flow_date": DAY, "fund": "cash", "amount_fen": 6_000, "currency": "CNY"}
NOTES = pl.DataFrame({"note_id": ["n1", "n2"], "evidence": ["order", "claim"]})


def returned(spend: list[dict[str, Any]], flows: list[dict[str, Any]], as_of: date = DAY) -> list[dict[str, Any]]:
    frames = [
        pl.DataFrame([base | row for row in rows], schema_overrides={"in_task": pl.Boolean})
        for base, rows in ((BOOKED, spend), (FLOW, flows))
    ]
    return real_returns(pl.DataFrame([EARNED]), frames[0], NOTES, frames[1], as_of=as_of).to_dicts()


def test_what_accounts_were_given_is_taken_from_the_ads_of_notes_that_earned() -> None:
    # 8,000 of ads on the evidenced note, 2,000 on one of which only claims are known, 1,000 of samples.
    spend = [{}, {"note_id": "n2", "amount_fen": 2_000}, {"kind": "samples", "amount_fen": 1_000}]
    flows = [{}, {"fund": "rebate", "amount_fen": 3_000}, {"fund": "coupon", "amount_fen": 1_000}]
    (row,) = returned(spend, flows)
    assert (row["spend_fen"], row["evidenced_spend_fen"]) == (11_000, 9_000)
    assert (row["wallet_face_fen"], row["wallet_real_fen"]) == (10_000, 6_000)
    assert row["real_spend_fen"] == 9_000 - 4_000 * 8 // 10
    assert row["roas_gmv"] == pytest.approx(30_000 / 9_000)
    assert row["roas_real"] == pytest.approx(30_000 / 5_800)


def test_what_the_platform_paid_or_what_came_later_is_no_spend_of_the_brand() -> None:
    later = {"spend_date": date(2026, 9, 3)}
    (row,) = returned([{}, {"payer": "platform"}, later], [{}, {"flow_date": date(2026, 9, 3), "fund": "rebate"}])
    assert (row["spend_fen"], row["real_spend_fen"], row["wallet_to"]) == (8_000, 8_000, DAY)


def test_without_ads_it_is_not_known_what_the_accounts_were_given_for() -> None:
    (row,) = returned([{"kind": "samples"}], [{}, {"fund": "rebate"}])
    assert (row["real_spend_fen"], row["roas_real"]) == (None, None)
    assert row["roas_gmv"] == 3.75
    (row,) = returned([{"kind": "samples"}], [{}])
    assert row["real_spend_fen"] == 8_000


@pytest.mark.parametrize("flow", [{"currency": "USD"}, {"flow_date": date(2026, 9, 3)}])
def test_without_flows_of_its_currency_and_days_real_money_is_unknown(flow: dict[str, Any]) -> None:
    (row,) = returned([{}], [flow])
    assert row["roas_gmv"] == 3.75
    assert (row["wallet_face_fen"], row["real_spend_fen"], row["roas_real"], row["wallet_from"]) == (None,) * 4
