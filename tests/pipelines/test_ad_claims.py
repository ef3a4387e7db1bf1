"""What 聚光 claims for clicks, beside what models credit to the same clicks, by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.pipelines.built import built
from tests.pipelines.test_lanes import LAST, note, sold
from tests.pipelines.test_recomputation import EXPORTED, FIRST, at, landed

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


def claimed(folder: Path, *claims: dict[str, Any]) -> None:
    claim = {"platform": "juguang", "note_id": "n1", "claim_date": str(FIRST + timedelta(4)), "currency": "CNY",
             "claim_kind": "outbound_paid", "cycle": 30, "orders": 3, "gmv": "250.00"}  # fmt: skip
    rows = [claim | {"ad_claim_id": f"c{number}"} | changes for number, changes in enumerate(claims)]
    landed(folder, "ad_claims_daily", "claims.csv", rows)


def rows(connection: duckdb.DuckDBPyConnection, *, model: str = "last_click") -> list[tuple[Any, ...]]:
    return connection.sql(f"""
        SELECT claim_kind, cycle, claimed_orders, claimed_gmv, credited_orders, credited_gmv, claim_difference_gmv
        FROM mart.ad_claims WHERE model = '{model}' ORDER BY ALL""").fetchall()


def test_claims_of_a_click_stand_beside_what_is_credited_to_the_same_click(tmp_path: Path) -> None:
    note(tmp_path, lane="exchange_link", exchange="red_cat")  # seen on day 3, clicked on day 4
    sold(tmp_path, {}, {"paid_at": at(6)}, {"channel": "jd"})
    claimed(tmp_path, {}, {"cycle": 1, "orders": 1, "gmv": "100.00"}, {"part": "102", "orders": 1, "gmv": "9.00"})
    found = rows(built(tmp_path, FIRST, LAST, "ad_claims"))
    assert found == [
        # The order of day 6 came two days after the click; that on JD is out of the link's reach.
        ("outbound_paid", 1, 1, Decimal(100), 1.0, Decimal(100), Decimal(0)),
        ("outbound_paid", 30, 4, Decimal(259), 2.0, Decimal(200), Decimal(-59)),
    ]


def test_what_no_click_brought_on_that_day_is_credited_nothing(tmp_path: Path) -> None:
    note(tmp_path, lane="exchange_link", exchange="red_cat")
    sold(tmp_path, {})
    claimed(tmp_path, {"claim_date": str(FIRST + timedelta(5))}, {"note_id": "n2"})
    found = rows(built(tmp_path, FIRST, LAST, "ad_claims"))
    assert [row[4:] for row in found] == [(0.0, Decimal(0), Decimal(-250))] * 2


def test_orders_that_are_not_paid_have_no_counterpart_and_unknown_claims_stay_unknown(tmp_path: Path) -> None:
    note(tmp_path, lane="in_app")
    sold(tmp_path, {"channel": "in_app_shop"})
    claimed(
        tmp_path,
        {"claim_kind": "in_app_paid", "cycle": 7, "gmv": None},
        {"claim_kind": "in_app_ordered", "cycle": 7},
        {"claim_kind": "in_app_presale", "cycle": 7},
    )
    found = rows(built(tmp_path, FIRST, LAST, "ad_claims"))
    assert found == [
        ("in_app_ordered", 7, 3, Decimal(250), None, None, None),
        ("in_app_paid", 7, 3, None, 1.0, Decimal(100), None),
        ("in_app_presale", 7, 3, Decimal(250), None, None, None),
    ]


def test_a_claim_that_was_restated_is_named_with_what_it_was(tmp_path: Path) -> None:
    note(tmp_path, lane="exchange_link", exchange="red_cat")
    sold(tmp_path, {})
    for day, orders in ((5, 3), (6, 4)):
        claimed(tmp_path, {"orders": orders})
        file = tmp_path / "ad_claims_daily" / "claims.csv"
        text = file.read_text(encoding="utf-8").replace(EXPORTED, at(day))
        file.rename(file.with_name(f"claims {day}.csv")).write_text(text, encoding="utf-8")
    connection = built(tmp_path, FIRST, LAST, "ad_claims", "restatements")
    assert [row[2] for row in rows(connection)] == [4]
    found = connection.sql("""
        SELECT note_id, part_of, cycle, figure, was::INTEGER, became::INTEGER FROM mart.restatements
        WHERE restated_in = 'ad_claims_daily'""").fetchall()
    assert found == [("n1", "juguang · outbound_paid", 30, "orders", 3, 4)]
