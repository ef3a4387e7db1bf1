"""What is overdue is missing, never zero; what is not due, closed or rightly empty raises no alarm."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from data_contracts.reference import TABLES, channels
from pipelines.arrivals import feed_days, overdue
from pipelines.dates import enter_run
from pipelines.settings import SettingError, expected_feeds
from pipelines.warehouse import create_tables
from tests.pipelines.intake_files import IMPRESSION, ORDER, csv_bytes, ingest, land, memory, tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

FIRST = date(2026, 9, 1)
FEEDS = ("shop_conversions", "refunds", "exchange_note_daily", "note_impressions")
NEXT_MORNING = "06:00:00"


def on(day: int, clock: str) -> str:
    return f"{FIRST + timedelta(day)} {clock}"


def shanghai(day: int, hour: int) -> datetime:
    return datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=day, hours=hour - 8)


def order(day: int, *, number: int = 0, exported: str | None = None, **changes: str) -> dict[str, str]:
    stated = {"order_id": f"o{day}-{number}", "paid_at": on(day, "12:00:00")}
    return ORDER | stated | {"exported_at": exported or on(day + 1, NEXT_MORNING)} | changes


def refund(day: int) -> dict[str, str]:
    return {
        "channel": "tmall",
        "refund_id": f"r{day}",
        "order_id": "o0-0",
        "line_no": "1",
        "refunded_at": on(day, "12:00:00"),
        "refund_amount": "1.00",
        "currency": "CNY",
        "exported_at": on(day + 1, NEXT_MORNING),
    }


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with memory() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        enter_run(connection, FIRST, FIRST + timedelta(3))
        yield connection


def states(connection: duckdb.DuckDBPyConnection, now: datetime, feed: str = "shop_conversions") -> list[str]:
    return feed_days(connection, now=now).filter(feed=feed)["state"].to_list()


def rows(connection: duckdb.DuckDBPyConnection, now: datetime, feed: str = "shop_conversions") -> list[int | None]:
    return feed_days(connection, now=now).filter(feed=feed)["rows"].to_list()


def test_a_day_is_not_due_then_missing_then_late_and_never_zero(warehouse, tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(0), order(1)]))
    ingest(warehouse, tmp_path, *FEEDS)
    assert states(warehouse, shanghai(3, 9)) == ["arrived", "arrived", "not_due", "not_due"]
    assert states(warehouse, shanghai(3, 10)) == ["arrived", "arrived", "missing", "not_due"]
    assert rows(warehouse, shanghai(3, 10)) == [1, 1, None, None]
    land(tmp_path, "shop_conversions/b.csv", csv_bytes([order(2, exported=on(3, "10:00:01"))]))
    ingest(warehouse, tmp_path, *FEEDS)
    assert states(warehouse, shanghai(4, 9)) == ["arrived", "arrived", "late", "not_due"]
    assert rows(warehouse, shanghai(4, 9)) == [1, 1, 1, None]


def test_a_day_that_was_exported_before_it_ended_has_rows_and_is_not_there_yet(warehouse, tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(0, exported=on(0, "18:00:00"))]))
    ingest(warehouse, tmp_path, *FEEDS)
    assert states(warehouse, shanghai(1, 12))[0] == "missing"
    assert rows(warehouse, shanghai(1, 12))[0] == 1
    evening = order(0, number=1, exported=on(1, NEXT_MORNING))
    land(tmp_path, "shop_conversions/b.csv", csv_bytes([order(0), evening]))
    ingest(warehouse, tmp_path, *FEEDS)
    assert states(warehouse, shanghai(1, 12))[0] == "arrived"
    assert rows(warehouse, shanghai(1, 12))[0] == 2


def test_a_day_without_refunds_has_arrived_with_none_once_a_later_export_came(warehouse, tmp_path: Path) -> None:
    land(tmp_path, "refunds/a.csv", csv_bytes([refund(0), refund(2)]))
    ingest(warehouse, tmp_path, *FEEDS)
    assert states(warehouse, shanghai(9, 0), "refunds") == ["arrived", "late", "arrived", "missing"]
    assert rows(warehouse, shanghai(9, 0), "refunds") == [1, 0, 1, None]


def test_channels_arrive_each_on_its_own(warehouse, tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/tmall.csv", csv_bytes([order(d) for d in range(4)]))
    land(tmp_path, "shop_conversions/jd.csv", csv_bytes([order(d, channel="jd") for d in (1, 2)]))
    ingest(warehouse, tmp_path, *FEEDS)
    found = feed_days(warehouse, now=shanghai(9, 0)).filter(feed="shop_conversions", state="missing")
    assert found.select("source", "business_date").rows() == [("jd", FIRST + timedelta(3))]


def test_the_exchange_has_a_day_more(warehouse, tmp_path: Path) -> None:
    claim = {
        "claim_id": "c", "exchange": "red_cat", "level": "content", "note_id": "n", "claim_date": str(FIRST),
        "cycle": 15, "visit_uv": 1, "currency": "CNY", "exported_at": on(2, NEXT_MORNING),
    }  # fmt: skip
    land(tmp_path, "exchange_note_daily/a.csv", csv_bytes([claim]))
    assert [r.message for r in ingest(warehouse, tmp_path, *FEEDS)] == [""]
    assert states(warehouse, shanghai(3, 9), "exchange_note_daily")[:2] == ["arrived", "not_due"]
    assert states(warehouse, shanghai(3, 10), "exchange_note_daily")[:3] == ["arrived", "missing", "not_due"]


def test_a_channel_that_has_closed_raises_no_alarm(warehouse, tmp_path: Path, monkeypatch) -> None:
    closed = channels().with_columns(
        valid_to=pl.when(pl.col("channel") == "jd").then(pl.lit(FIRST + timedelta(1))).otherwise("valid_to")
    )
    monkeypatch.setitem(TABLES, "channels", lambda: closed)
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(d, channel="jd") for d in (0, 1)]))
    ingest(warehouse, tmp_path, *FEEDS)
    assert states(warehouse, shanghai(9, 0)) == ["arrived", "arrived"]
    assert overdue(warehouse, now=shanghai(9, 12)).is_empty()


def test_a_feed_that_never_came_is_not_waited_for(warehouse) -> None:
    assert feed_days(warehouse, now=shanghai(9, 0)).is_empty()


def test_a_feed_that_is_expected_is_missing_though_it_never_came(warehouse, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("REDCAT_EXPECTED_FEEDS", "shop_conversions, note_spend")
    assert states(warehouse, shanghai(3, 10)) == ["missing", "missing", "missing", "not_due"]
    assert states(warehouse, shanghai(3, 10), "note_spend")[0] == "missing"
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(1)]))
    ingest(warehouse, tmp_path, *FEEDS)
    assert states(warehouse, shanghai(3, 9)) == ["arrived", "not_due", "not_due"]
    monkeypatch.setenv("REDCAT_EXPECTED_FEEDS", "orders")
    with pytest.raises(SettingError, match="REDCAT_EXPECTED_FEEDS names 'orders'; set it to feeds"):
        expected_feeds()


def test_what_is_overdue_reaches_to_yesterday_though_no_run_has_made_it(warehouse, tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(d) for d in range(4)]))
    ingest(warehouse, tmp_path, *FEEDS)
    assert overdue(warehouse, now=shanghai(5, 9)).is_empty()
    assert overdue(warehouse, now=shanghai(5, 10))["business_date"].to_list() == [FIRST + timedelta(4)]


def test_rows_duplicates_and_quarantine_do_not_depend_on_the_order_of_files(tmp_path: Path) -> None:
    bad = order(0, number=7, paid_amount="-1.00")
    files = {
        "a.csv": [order(0), order(0, number=1), bad],
        "b.csv": [order(0, exported=on(3, NEXT_MORNING), paid_amount="5.00"), order(1)],
        "c.csv": [order(1, exported=on(2, NEXT_MORNING)), order(1, number=1)],
    }
    found = []
    for names in ("abc", "bca", "cba"):
        with memory() as connection:
            enter_run(connection, FIRST, FIRST + timedelta(1))
            for letter in names:
                name = f"{letter}.csv"
                folder = tmp_path / names
                land(folder, f"shop_conversions/{name}", csv_bytes(files[name]))
                ingest(connection, folder, *FEEDS)
            found.append(feed_days(connection, now=shanghai(9, 0)).rows())
    assert all(rows == found[0] for rows in found)
    by_day = [(row[4], row[5], row[6]) for row in found[0]]
    assert by_day == [(2, 1, 1), (2, 1, 0)]


def test_a_warehouse_from_before_knows_its_days(warehouse, tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/a.csv", csv_bytes([order(d) for d in range(4)]))
    land(tmp_path, "note_impressions/a.csv", csv_bytes([IMPRESSION]))
    ingest(warehouse, tmp_path, *FEEDS)
    warehouse.execute("DELETE FROM ops.outdated")  # what waits is entered again, to be safe
    before = tables(warehouse)
    warehouse.execute("DROP TABLE ops.arrivals")
    warehouse.execute("DROP TABLE ops.raw_days")
    create_tables(warehouse)
    assert tables(warehouse) == before
