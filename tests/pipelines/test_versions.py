"""What was known on a date stays readable: versions of restated rows, statuses of orders, and what was restated."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.warehouse import create_tables
from tests.pipelines.built import built
from tests.pipelines.intake_files import ORDER, csv_bytes, ingest, land, memory, orders

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

DAY = date(2026, 9, 1)
CLAIM = {
    "claim_id": "red_cat-t1-n1-20260901-15", "exchange": "red_cat", "level": "content", "task_id": "t1",
    "note_id": "n1", "claim_date": "2026-09-01", "cycle": "15", "currency": "CNY",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


def exported(day: int) -> str:
    return f"{DAY + timedelta(day)} 06:00:00"


def claims(landing: Path, day: int, **figures: Any) -> None:
    row = CLAIM | figures | {"exported_at": exported(day)}
    land(landing, f"exchange_note_daily/report {day}.csv", csv_bytes([row]))


def test_an_order_line_keeps_when_its_status_changed_and_which_file_said_so(tmp_path: Path) -> None:
    for day, status in ((1, "deposit"), (2, "deposit"), (5, "paid"), (9, "received")):
        row = ORDER | {"status": status, "exported_at": exported(day)}
        land(tmp_path, f"shop_conversions/{day}.csv", csv_bytes([row]))
    connection = memory()
    ingest(connection, tmp_path)
    found = connection.sql("""
        SELECT status_before, status, since, until, file FROM core.order_status ORDER BY since""").fetchall()

    def instant(day: int) -> datetime:
        return datetime(2026, 8, 31, 22, tzinfo=UTC) + timedelta(day)

    assert [(*row[:2], row[2].astimezone(UTC), row[3] and row[3].astimezone(UTC), row[4]) for row in found] == [
        (None, "deposit", instant(1), instant(5), "shop_conversions/1.csv"),
        ("deposit", "paid", instant(5), instant(9), "shop_conversions/5.csv"),
        ("paid", "received", instant(9), None, "shop_conversions/9.csv"),
    ]


STATUSES = {
    "unpaid": False, "deposit": False, "cancelled": False, "split": False,
    "paid": True, "received": True, "settled": True, "closed": True, None: True,
}  # fmt: skip


def test_what_is_a_sale(tmp_path: Path) -> None:
    """A parent that was split is not counted beside its children, a deposit is no price, and a sale without commission
    is a sale."""
    rows = [
        row | {"status": status, "is_commissionable": "false"}
        for row, status in zip(orders(len(STATUSES), paid_amount="10.00"), STATUSES, strict=True)
    ]
    land(tmp_path, "shop_conversions/o.csv", csv_bytes(rows))
    connection = built(tmp_path, DAY, DAY)
    counted = connection.sql("""
        SELECT status, conversion_id IS NOT NULL FROM raw.shop_conversions
        LEFT JOIN core.conversions USING (channel, order_id, line_no)""").fetchall()
    assert dict(counted) == STATUSES


def test_the_order_and_repetition_of_files_do_not_change_the_versions(tmp_path: Path) -> None:
    files = [(2, {"visit_uv": "10"}), (3, {"visit_uv": "12"}), (9, {"visit_uv": "10"})]
    found = []
    for number, order in enumerate((files, files[::-1], [files[1], files[0], files[2], files[0]])):
        connection, landing = memory(), tmp_path / str(number)
        for step, (day, figures) in enumerate(order):
            row = CLAIM | figures | {"exported_at": exported(day)}
            land(landing, f"exchange_note_daily/{step} {'x' * step}.csv", csv_bytes([row]))
            ingest(connection, landing)
        query = "SELECT visit_uv, exported_at FROM versions.exchange_note_daily ORDER BY ALL"
        found.append(
            (
                connection.sql(query).fetchall(),
                connection.sql("SELECT visit_uv FROM raw.exchange_note_daily").fetchall(),
            )
        )
    assert all(each == found[0] for each in found)
    assert [row[0] for row in found[0][0]] == [10, 10, 12]
    assert found[0][1] == [(10,)]


def test_the_older_version_stays_readable_as_of_its_date(tmp_path: Path) -> None:
    claims(tmp_path, 2, visit_uv="10")
    claims(tmp_path, 5, visit_uv="12")
    connection = memory()
    ingest(connection, tmp_path)
    known = {
        day: connection.sql(
            f"SELECT visit_uv FROM versions.exchange_note_daily_as_of(DATE '{DAY + timedelta(day)}')"
        ).fetchall()
        for day in (1, 2, 4, 5, 90)
    }
    assert known == {1: [], 2: [(10,)], 4: [(10,)], 5: [(12,)], 90: [(12,)]}


def test_a_warehouse_that_kept_no_versions_begins_with_those_it_has(tmp_path: Path) -> None:
    claims(tmp_path, 2, visit_uv="10")
    connection = memory()
    ingest(connection, tmp_path)
    connection.execute("DROP TABLE versions.exchange_note_daily")
    create_tables(connection)
    create_tables(connection)
    assert connection.sql("SELECT visit_uv FROM versions.exchange_note_daily").fetchall() == [(10,)]


def test_restatements_say_what_a_claim_was_and_became(tmp_path: Path) -> None:
    claims(tmp_path, 2, visit_uv="10", shop_gmv="99.00", read_uv="<100")
    claims(tmp_path, 5, visit_uv="12", shop_gmv="99.00", read_uv="120")
    connection = built(tmp_path, DAY, DAY + timedelta(8), "restatements")
    of = ("exchange_note_daily", "n1", "red_cat · content · t1 · 全部流量", 15, DAY)
    assert restated(connection) == [
        (*of, "read_uv", None, Decimal(120), None),
        (*of, "visit_uv", Decimal(10), Decimal(12), Decimal(2)),
    ]
    assert {row[0] for row in connection.sql("SELECT restated_on FROM mart.restatements").fetchall()} == {
        DAY + timedelta(5)
    }


def test_restatements_are_shown_for_a_week_and_kept(tmp_path: Path) -> None:
    claims(tmp_path, 2, visit_uv="10")
    claims(tmp_path, 5, visit_uv="12")
    connection = built(tmp_path, DAY, DAY + timedelta(12), "restatements")
    assert restated(connection) == []
    assert connection.sql("SELECT count(*) FROM versions.exchange_note_daily").fetchall() == [(2,)]


def test_restatements_say_which_figures_of_past_dates_moved(tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/a.csv", csv_bytes(orders(1, paid_amount="100.00")))
    connection = built(tmp_path, DAY, DAY, "funnel_daily", "restatements")
    assert restated(connection) == []
    (order,) = orders(1)
    refund = {"channel": "tmall", "refund_id": "r", "order_id": order["order_id"], "line_no": "1", "currency": "CNY",
              "refunded_at": "2026-09-02 12:00:00", "refund_amount": "40.00", "exported_at": exported(3)}  # fmt: skip
    land(tmp_path, "refunds/r.csv", csv_bytes([refund]))
    built(tmp_path, DAY + timedelta(1), DAY + timedelta(1), "funnel_daily", "restatements", into=connection)
    assert restated(connection) == [
        ("funnel_daily", None, "", None, DAY, "kept_gmv", Decimal(100), Decimal(60), Decimal(-40)),
    ]


def restated(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.sql("""
        SELECT restated_in, note_id, part_of, cycle, business_date, figure, was, became, change
        FROM mart.restatements ORDER BY figure""").fetchall()
