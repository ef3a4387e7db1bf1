"""A deposit is no sale: from the export of the shop to the totals, by hand."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.pipelines.built import built
from tests.pipelines.test_samples import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

DEPOSITS, BALANCES = date(2026, 9, 1), date(2026, 9, 10)


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


def landed(folder: Path, *names: str) -> Path:
    for name in names:
        folder.mkdir(exist_ok=True)
        shutil.copy2(SAMPLES / name, folder)
    return folder


def sold(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, date, int]]:
    return connection.sql("SELECT order_id[-2:], paid_date, paid_fen FROM core.conversions ORDER BY 1").fetchall()


SHOP = "qianniu_orders/预售订单_20260912.csv"


def test_only_a_presale_whose_balance_is_paid_is_a_sale_at_its_full_price_and_on_that_day(tmp_path: Path) -> None:
    connection = built(landed(tmp_path, SHOP), DEPOSITS, BALANCES, "presales", "reconciliation")
    assert sold(connection) == [("12", BALANCES, 20_000), ("14", BALANCES, 19_000), ("15", DEPOSITS, 20_000)]
    assert connection.sql("SELECT DISTINCT total_gmv FROM mart.reconciliation").fetchall() == [(Decimal(590),)]
    rows = connection.sql("""
        SELECT business_date, channel, presale_lines, balance_paid_lines, open_lines, lapsed_lines, balance_paid_share,
            deposit_amount, presale_gmv, due_amount, maturity FROM mart.presales""").fetchall()
    assert rows == [(DEPOSITS, "tmall", 4, 2, 1, 1, 0.5, *map(Decimal, (80, 390, 180)), "maturing")]


def test_a_day_on_which_the_balance_is_not_paid_yet_shows_it_as_open(tmp_path: Path) -> None:
    connection = built(landed(tmp_path, SHOP), DEPOSITS, DEPOSITS, "presales")
    assert sold(connection) == [("15", DEPOSITS, 20_000)]
    rows = connection.sql("SELECT balance_paid_lines, open_lines, lapsed_lines, presale_gmv, due_amount "
                          "FROM mart.presales").fetchall()  # fmt: skip
    assert rows == [(0, 3, 1, Decimal(0), Decimal(540))]


def test_when_a_deposit_became_a_sale_is_kept_and_the_deposit_is_readable_as_of_its_day(tmp_path: Path) -> None:
    whole = (SAMPLES / SHOP).read_bytes()
    lines = whole.split(b"\r\n")
    (paid,) = (n for n, line in enumerate(lines) if line.startswith(b"4000000000000000012"))
    before = lines[1].replace(b"4000000000000000011", b"4000000000000000012")
    (tmp_path / "预售_20260902.csv").write_bytes(b"\r\n".join([lines[0], before, b""]))
    (tmp_path / "预售_20260911.csv").write_bytes(b"\r\n".join([lines[0], lines[paid], b""]))
    connection = built(tmp_path, DEPOSITS, BALANCES, "presales")
    assert sold(connection) == [("12", BALANCES, 20_000)]
    changes = connection.sql("SELECT status_before, status, since FROM core.order_status ORDER BY since").fetchall()
    assert [(*row[:2], row[2].astimezone(UTC).date()) for row in changes] == [
        (None, "deposit", datetime(2026, 9, 2, tzinfo=UTC).date()),
        ("deposit", "paid", datetime(2026, 9, 11, tzinfo=UTC).date()),
    ]
    known = "SELECT status, paid_amount FROM versions.shop_conversions_as_of(DATE '{}')"
    assert connection.sql(known.format("2026-09-05")).fetchall() == [("deposit", Decimal(20))]
    assert connection.sql(known.format("2026-09-12")).fetchall() == [("paid", Decimal(200))]


def test_deposits_that_an_alliance_states_are_no_sales_where_its_orders_are_taken_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "exports").mkdir(parents=True)
    (home / "exports" / "tb.yaml").write_text("extends: taobao_alliance_orders\ntake: [shop_conversions]\n")
    monkeypatch.setenv("REDCAT_HOME", str(home))
    sample = landed(tmp_path / "landing", "taobao_alliance_orders/order_details_20260909.json")
    connection = built(sample, DEPOSITS, BALANCES, "presales")
    lines = "SELECT line_no[-2:], paid_date, paid_fen FROM core.conversions WHERE line_no LIKE '%2_' ORDER BY 1"
    assert connection.sql(lines).fetchall() == [("22", date(2026, 9, 3), 18_900)]
    rows = connection.sql("""
        SELECT presale_lines, balance_paid_lines, open_lines, lapsed_lines, deposit_amount, presale_gmv, due_amount
        FROM mart.presales""").fetchall()
    assert rows == [(3, 1, 1, 1, Decimal(60), Decimal(189), None)]
