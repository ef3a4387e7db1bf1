"""A day that is incomplete is published as such, never as zeros."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.pipelines.built import built
from tests.pipelines.intake_files import IMPRESSION, ORDER, csv_bytes, land

if TYPE_CHECKING:
    from pathlib import Path

FIRST = date(2026, 9, 1)
EVENT = {"channel": "tmall", "event": "visit", "user_id": "u1"}


def at(day: int, clock: str = "12:00:00") -> str:
    return f"{FIRST + timedelta(day)} {clock}"


def exported(day: int) -> dict[str, str]:
    return {"exported_at": at(day + 1, "06:00:00")}


def impression(day: int, **changes: str) -> dict[str, str]:
    return IMPRESSION | {"occurred_at": at(day)} | exported(day) | changes


def order(day: int, **changes: str) -> dict[str, str]:
    return ORDER | {"order_id": f"o{day}", "paid_at": at(day)} | exported(day) | changes


def event(day: int, **changes: str) -> dict[str, str]:
    return EVENT | {"event_id": f"e{day}", "occurred_at": at(day)} | exported(day) | changes


def funnel(landing: Path, columns: str, days: int = 2) -> list[tuple[object, ...]]:
    connection = built(landing, FIRST, FIRST + timedelta(days - 1), "funnel_daily")
    return connection.sql(f"SELECT {columns} FROM mart.funnel_daily ORDER BY business_date").fetchall()


def test_a_day_of_a_missing_feed_is_null_and_the_feed_is_named(tmp_path: Path) -> None:
    land(tmp_path, "note_impressions/a.csv", csv_bytes([impression(0), impression(1)]))
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(0)]))
    assert funnel(tmp_path, "impressions, orders, buyer_uv, paid_gmv::INT, clicks, awaited") == [
        (1, 1, 1, 100, None, []),
        (1, None, None, None, None, ["shop_conversions tmall"]),
    ]


def test_what_an_arrived_feed_did_not_count_is_zero(tmp_path: Path) -> None:
    land(tmp_path, "note_impressions/a.csv", csv_bytes([impression(0)]))
    land(tmp_path, "shop_events/a.csv", csv_bytes([event(0)]))
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(0, status="cancelled")]))
    assert funnel(tmp_path, "organic_impressions, visits, carts, orders, paid_gmv, awaited", 1) == [
        (0, 1, 0, 0, None, [])
    ]


def test_a_day_of_which_a_part_is_there_says_what_it_lacks(tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/tmall.csv", csv_bytes([order(0), order(1)]))
    land(tmp_path, "shop_conversions/jd.csv", csv_bytes([order(0, channel="jd")]))
    land(tmp_path, "note_impressions/a.csv", csv_bytes([impression(0), impression(1, exported_at=at(1, "15:00:00"))]))
    assert funnel(tmp_path, "orders, impressions, awaited") == [
        (2, 1, []),
        (1, 1, ["note_impressions", "shop_conversions jd"]),
    ]


def test_users_of_a_day_stand_with_the_brand_that_their_note_is_of_now(tmp_path: Path, monkeypatch) -> None:
    """Also where the note becomes known, or changes hands, after its touches were added up."""
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    seen = [impression(0, note_id=note, user_id=user) for note, user in (("a", "u1"), ("a", "u2"), ("b", "u2"))]
    land(tmp_path, "note_impressions/a.csv", csv_bytes(seen))
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(0, brand="ours"), order(0, brand="theirs", line_no="2")]))
    connection, query = None, "SELECT brand, impression_uv FROM mart.funnel_daily ORDER BY brand"
    found = []
    for number, brands in enumerate(({}, {"a": "ours", "b": "ours"}, {"a": "ours", "b": "theirs"})):
        notes = [{"note_id": n, "brand": brand, "lane": "seeding"} | exported(number) for n, brand in brands.items()]
        if notes:
            land(tmp_path, f"notes/{number}.csv", csv_bytes([note | {"published_at": at(0)} for note in notes]))
        connection = built(tmp_path, FIRST, FIRST, "funnel_daily", into=connection)
        found.append(connection.sql(query).fetchall())
    assert found == [
        [("ours", 0), ("theirs", 0)],
        [("ours", 2), ("theirs", 0)],
        [("ours", 2), ("theirs", 1)],
    ]
