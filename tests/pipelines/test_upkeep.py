"""The warehouse forgets what its installation says, and its file does not keep the room of what is gone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.dates import enter_run
from pipelines.marts.mart import HISTORY_DAYS
from pipelines.settings import SettingError, kept_history_days, kept_quarantine_days, kept_restated_days
from pipelines.upkeep import compact, forget
from pipelines.warehouse import READABLE_BY, open_warehouse
from tests.pipelines.intake_files import csv_bytes, ingest, land, memory, orders, tables

if TYPE_CHECKING:
    from pathlib import Path

LAST = date(2026, 9, 30)
STORAGE = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal"


def test_of_older_figures_the_last_of_each_month_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_KEEP_HISTORY_DAYS", "10")
    with memory() as connection:
        enter_run(connection, LAST, LAST)
        connection.execute("""
            CREATE TABLE history.figures AS
            SELECT DATE '2026-07-15' + n::INTEGER AS as_of, part FROM range(78) AS d(n), range(2) AS p(part)""")
        assert forget(connection) == 2 * (78 - 10 - 2)
        kept = [day for (day,) in connection.sql("SELECT DISTINCT as_of FROM history.figures ORDER BY 1").fetchall()]
        assert kept == [date(2026, 7, 31), date(2026, 8, 31), *(LAST - timedelta(n) for n in range(9, -1, -1))]
        assert forget(connection) == 0


def test_what_was_said_of_dates_long_before_goes_but_for_the_last_two() -> None:
    with memory() as connection:
        enter_run(connection, LAST, LAST)
        for name in ("note_daily", "spend_daily"):
            connection.execute(f"""
                CREATE OR REPLACE TABLE history.{name} AS
                SELECT DATE '2026-09-30' - back::INTEGER AS as_of, as_of - before::INTEGER AS business_date
                FROM range(4) AS a(back), range(120) AS b(before)""")
        assert forget(connection) == 2 * (120 - HISTORY_DAYS)
        for name, kept in {"note_daily": [90, 90, 120, 120], "spend_daily": [120] * 4}.items():
            counts = connection.sql(f"SELECT count(*) FROM history.{name} GROUP BY as_of ORDER BY as_of").fetchall()
            assert [count for (count,) in counts] == kept
        assert forget(connection) == 0


def test_refused_rows_go_and_their_number_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_KEEP_QUARANTINE_DAYS", "30")
    with memory() as connection:
        enter_run(connection, LAST, LAST)
        for name in ("old", "new", "held"):
            rows = [*orders(1), *orders(1, paid_amount="x", order_id=name)]
            land(tmp_path, f"shop_conversions/{name}.csv", csv_bytes(rows))
        ingest(connection, tmp_path, "shop_conversions")
        connection.execute("UPDATE ops.files SET published = file NOT LIKE '%held%'")
        connection.execute("UPDATE ops.files SET ingested_at = now() - to_days(31) WHERE file NOT LIKE '%new%'")
        assert forget(connection) == 1
        left = connection.sql("SELECT file FROM quarantine.shop_conversions ORDER BY 1").fetchall()
        assert left == [("shop_conversions/held.csv",), ("shop_conversions/new.csv",)]
        assert connection.sql("SELECT sum(quarantined)::INT FROM ops.files").fetchall() == [(3,)]


def test_versions_go_when_they_have_been_replaced_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_KEEP_RESTATED_DAYS", "10")
    amounts = {date(2026, 9, 2): "10.00", date(2026, 9, 10): "20.00", date(2026, 9, 20): "30.00", LAST: "40.00"}
    with memory() as connection:
        enter_run(connection, LAST, LAST)
        for day, amount in amounts.items():
            rows = orders(1, paid_amount=amount, exported_at=f"{day} 00:30:00")
            land(tmp_path, f"shop_conversions/{day}.csv", csv_bytes(rows))
        land(tmp_path, "shop_conversions/once.csv", csv_bytes(orders(1, order_id="once")))
        ingest(connection, tmp_path, "shop_conversions")
        raw = connection.sql("FROM raw.shop_conversions ORDER BY ALL").fetchall()
        assert forget(connection) == 2, "those that 10 and 20 September replaced, ten days ago and more"
        kept = connection.sql("SELECT paid_amount::INTEGER FROM versions.shop_conversions ORDER BY 1").fetchall()
        assert kept == [(30,), (40,), (100,)]
        known = [
            connection.execute(f"""
                SELECT paid_amount::INTEGER FROM versions.shop_conversions_as_of(DATE '{LAST - timedelta(ago)}')
                WHERE order_id <> 'once'""").fetchall()
            for ago in (9, 1, 0)
        ]
        assert known == [[(30,)], [(30,)], [(40,)]]
        assert connection.sql("FROM raw.shop_conversions ORDER BY ALL").fetchall() == raw
        assert forget(connection) == 0


def test_nothing_of_forgotten_rows_can_be_read_out_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_KEEP_QUARANTINE_DAYS", "30")
    warehouse, planted = tmp_path / "redcat.duckdb", "not-an-amount-7f3a91c4"
    land(tmp_path / "landing", "shop_conversions/a.csv", csv_bytes([*orders(2000), *orders(1, paid_amount=planted)]))
    with open_warehouse(warehouse) as connection:
        enter_run(connection, LAST, LAST)
        ingest(connection, tmp_path / "landing", "shop_conversions")
        connection.execute("UPDATE ops.files SET published = true, ingested_at = now() - to_days(31)")
        connection.execute("UPDATE ops.files SET message = ''")
        connection.execute("CHECKPOINT")
    assert planted.encode() in warehouse.read_bytes()
    with open_warehouse(warehouse) as connection:
        assert forget(connection) == 1
    assert compact(warehouse), "deleted rows stay in a file until it is written anew"
    assert planted.encode() not in warehouse.read_bytes()
    assert not compact(warehouse)
    with open_warehouse(warehouse) as connection:
        assert connection.sql("FROM ops.forgotten").fetchall() == [(LAST, 1, True)]


def test_an_empty_warehouse_has_nothing_to_forget() -> None:
    with memory() as connection:
        assert forget(connection) == 0


@pytest.mark.parametrize("read", [kept_history_days, kept_quarantine_days, kept_restated_days])
def test_a_number_of_days_is_a_number(read, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"REDCAT_{read.__name__.upper().replace('KEPT', 'KEEP')}"
    for value in ("0", "-1", "ten", "1.5"):
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingError, match=f"{name} is '{value}'"):
            read()


def test_a_file_that_is_partly_empty_is_written_anew(tmp_path: Path) -> None:
    warehouse = tmp_path / "redcat.duckdb"
    with open_warehouse(warehouse) as connection:
        enter_run(connection, LAST, LAST)
        connection.execute("CREATE TABLE core.big AS SELECT hash(n) AS v, n FROM range(1000000) AS r(n)")
        connection.execute("CHECKPOINT")
        assert not _compact(connection, warehouse)
        connection.execute("DELETE FROM core.big WHERE n >= 1000")
        connection.execute("CREATE OR REPLACE TABLE core.big AS FROM core.big")
        connection.execute("CHECKPOINT")
        before = tables(connection)
    size = warehouse.stat().st_size
    assert compact(warehouse)
    assert warehouse.stat().st_size < size / 2
    assert not compact(warehouse), "it is compact now"
    assert [path.name for path in tmp_path.iterdir()] == [warehouse.name]
    with open_warehouse(warehouse) as connection:
        assert tables(connection) == before
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("INSERT INTO ops.days VALUES (?)", [LAST])


def _compact(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> bool:
    (total, free) = connection.execute("SELECT total_blocks, free_blocks FROM pragma_database_size()").fetchall()[0]
    return free / total >= 0.25


def test_debris_of_a_killed_compaction_is_cleared_away(tmp_path: Path) -> None:
    warehouse = tmp_path / "redcat.duckdb"
    with open_warehouse(warehouse):
        pass
    debris = tmp_path / ".redcat.duckdb.compact"
    debris.write_bytes(b"half a file")
    assert not compact(warehouse)
    assert not debris.exists()


def test_a_file_that_earlier_readers_could_not_open_is_written_anew(tmp_path: Path) -> None:
    warehouse = tmp_path / "redcat.duckdb"
    with duckdb.connect(warehouse, config={"storage_compatibility_version": "latest"}) as connection:
        connection.execute("CREATE TABLE figures AS FROM range(1000000)")
    assert compact(warehouse)
    with duckdb.connect(warehouse, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM figures").fetchall() == [(1_000_000,)]
        assert connection.execute(STORAGE).fetchall() == [(f"{READABLE_BY}+",)]
