"""Rule 3: the final state does not depend on the order of files, on repeats, or on the runs that took them in."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import polars as pl
import pytest

from pipelines.definitions import defs, everything
from pipelines.home import Home
from pipelines.partitions import range_tags

if TYPE_CHECKING:
    from pathlib import Path

FIRST, DAYS = date(2026, 9, 1), 40
EXPORTED = "2026-11-01 06:00:00"


def at(day: int, clock: str = "12:00:00") -> str:
    return f"{FIRST + timedelta(day)} {clock}"


def landed(folder: Path, feed: str, name: str, rows: list[dict[str, object]]) -> None:
    (folder / feed).mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows).with_columns(exported_at=pl.lit(EXPORTED)).write_csv(folder / feed / name)


def notes(folder: Path) -> None:
    rows = [
        {"note_id": f"n{i}", "brand": "b", "creator_id": f"c{i % 2}", "published_at": at(0, "00:00:01"),
         "category": "lipstick", "lane": "seeding"}
        for i in range(3)
    ]  # fmt: skip
    landed(folder, "notes", "notes.csv", rows)


def impressions(folder: Path, name: str, days: range) -> None:
    rows = [
        {"note_id": f"n{(day + user) % 3}", "user_id": f"u{user}", "occurred_at": at(day, f"0{user}:00:00")}
        for day in days for user in range(4) if (day + user) % 2
    ]  # fmt: skip
    landed(folder, "note_impressions", name, rows)


def orders(folder: Path, name: str, days: range) -> None:
    rows = [
        {"channel": "tmall", "order_id": f"o{day}", "line_no": "1", "brand": "b", "user_id": f"u{day % 4}",
         "paid_at": at(day, "20:00:00"), "paid_amount": f"{100 + day}.01", "currency": "CNY", "category": "lipstick"}
        for day in days
    ]  # fmt: skip
    landed(folder, "shop_conversions", name, rows)


def refunds(folder: Path) -> None:
    rows = [
        {"channel": "tmall", "refund_id": f"r{day}", "order_id": f"o{day}", "line_no": "1", "refunded_at": at(day + 3),
         "refund_amount": "10.00", "currency": "CNY"}
        for day in range(0, DAYS - 5, 7)
    ]  # fmt: skip
    landed(folder, "refunds", "refunds.csv", rows)


def spend(folder: Path) -> None:
    rows = [
        {"spend_id": f"s{day}", "note_id": f"n{day % 3}", "spend_date": str(FIRST + timedelta(day)), "kind": "ads",
         "payer": "brand", "amount": "12.34", "currency": "CNY"}
        for day in range(DAYS)
    ]  # fmt: skip
    landed(folder, "note_spend", "spend.csv", rows)


def everything_landed(folder: Path) -> None:
    notes(folder)
    impressions(folder, "early.csv", range(20))
    impressions(folder, "late.csv", range(20, DAYS))
    orders(folder, "orders.csv", range(DAYS))
    refunds(folder)
    spend(folder)


def run(home: Path, first: int, last: int) -> dg.ExecuteInProcessResult:
    """One run over days counted from the first, with nothing kept of Dagster's own."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def(everything.name).execute_in_process(
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags=range_tags(FIRST + timedelta(first), FIRST + timedelta(last)),
        )
    assert result.success
    return result


def state(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of what a reader sees, but for the books of files and of arrivals, the lineage of rows, and what moved
    between runs."""
    tables = {}
    with duckdb.connect(home / "published" / "analyst.duckdb", read_only=True) as connection:
        for (table,) in connection.sql("""
            SELECT schema_name || '.' || table_name FROM duckdb_tables()
            WHERE schema_name IN ('raw', 'core', 'mart')
                AND table_name NOT IN ('feed_days', 'restatements')
            ORDER BY 1""").fetchall():
            rows = connection.sql(f"SELECT COLUMNS(lambda c: c NOT IN ('_file', '_row')) FROM {table} ORDER BY ALL")
            tables[table] = rows.fetchall()
    return tables


def made_again(result: dg.ExecuteInProcessResult, step: str) -> object:
    """How many dates outside the run a step made again; of what is earned, how many it made in all."""
    told = result.asset_materializations_for_node(step)[-1].metadata
    return next(told[name].value for name in ("late dates made again", "dates made") if name in told)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REDCAT_HOME", str(folder))
    monkeypatch.setenv("REDCAT_SECRET", "the same in every home")
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    Home(folder).create()
    return folder


@pytest.fixture
def undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[object, ...]]]:
    """What one run over everything gives."""
    folder = at_home(tmp_path / "undisturbed", monkeypatch)
    everything_landed(folder / "landing")
    run(folder, 0, DAYS - 1)
    return state(folder)


def test_late_touches_change_the_conversions_that_they_can_reach(undisturbed, home: Path) -> None:
    landing = home / "landing"
    notes(landing), orders(landing, "orders.csv", range(DAYS)), refunds(landing), spend(landing)
    impressions(landing, "late.csv", range(20, DAYS))
    run(home, 0, 24)
    run(home, 25, DAYS - 1)
    assert state(home)["core.credits"] != undisturbed["core.credits"]
    impressions(landing, "early.csv", range(20))
    result = run(home, DAYS - 1, DAYS - 1)
    assert state(home) == undisturbed
    assert made_again(result, "core__journeys") == DAYS - 1, (
        "a touch of day t reaches conversions up to t + 30 days, here all days before the run's"
    )


@pytest.mark.slow
def test_late_files_leave_other_dates_alone(undisturbed, home: Path) -> None:
    landing = home / "landing"
    everything_landed(landing)
    (landing / "refunds" / "refunds.csv").rename(home / "refunds.csv")
    run(home, 0, DAYS - 1)
    (home / "refunds.csv").rename(landing / "refunds" / "refunds.csv")
    result = run(home, DAYS - 1, DAYS - 1)
    assert state(home) == undisturbed
    made = {step: made_again(result, step) for step in ("core__journeys", "core__credits", "core__earned")}
    refunded = len(range(0, DAYS - 5, 7))
    assert made == {"core__journeys": 0, "core__credits": 0, "core__earned": refunded + 1}, "and the run's own day"
    landed(
        landing, "note_impressions", "one.csv", [{"note_id": "n0", "user_id": "u1", "occurred_at": at(37, "01:02:03")}]
    )
    result = run(home, DAYS - 1, DAYS - 1)
    assert made_again(result, "core__journeys") == 2, "days 37 and 38; day 39 is the run's own"
    assert made_again(result, "core__earned") == 3


@pytest.mark.slow
def test_restated_and_late_orders_are_taken_over(undisturbed, home: Path) -> None:
    landing = home / "landing"
    notes(landing), refunds(landing), spend(landing)
    impressions(landing, "late.csv", range(20, DAYS)), impressions(landing, "early.csv", range(20))
    wrong = [
        {"channel": "tmall", "order_id": "o3", "line_no": "1", "brand": "b", "user_id": "u0", "paid_at": at(5),
         "paid_amount": "1.00", "currency": "CNY", "category": "lipstick", "exported_at": "2026-10-01 06:00:00"}
    ]  # fmt: skip
    (landing / "shop_conversions").mkdir()
    pl.DataFrame(wrong).write_csv(landing / "shop_conversions" / "first.csv")
    run(home, 0, DAYS - 1)
    orders(landing, "orders.csv", range(DAYS))
    run(home, 0, 0)
    assert state(home) == undisturbed


@pytest.mark.slow
def test_a_note_that_changes_its_lane_changes_what_it_earned_before(undisturbed, home: Path) -> None:
    landing = home / "landing"
    everything_landed(landing)
    shutil.move(landing / "notes" / "notes.csv", home / "notes.csv")
    rows = [
        {"note_id": f"n{i}", "brand": "b", "creator_id": f"c{i % 2}", "published_at": at(0, "00:00:01"),
         "category": "lipstick", "lane": "live", "exported_at": "2026-10-01 06:00:00"}
        for i in range(3)
    ]  # fmt: skip
    pl.DataFrame(rows).write_csv(landing / "notes" / "first.csv")
    run(home, 0, DAYS - 1)
    assert state(home)["core.credits"] != undisturbed["core.credits"]
    shutil.move(home / "notes.csv", landing / "notes" / "notes.csv")
    run(home, DAYS - 1, DAYS - 1)
    assert state(home) == undisturbed


@pytest.mark.slow
def test_what_a_figure_was_stays_readable(home: Path) -> None:
    landing = home / "landing"
    everything_landed(landing)
    run(home, 0, 9)
    run(home, 10, DAYS - 1)
    with duckdb.connect(home / "published" / "analyst.duckdb", read_only=True) as connection:
        now = connection.sql("SELECT DISTINCT as_of FROM mart.category_roi").fetchall()
        then = connection.sql("SELECT DISTINCT as_of FROM history.category_roi ORDER BY 1").fetchall()
    assert now == [(FIRST + timedelta(DAYS - 1),)]
    assert then == [(FIRST + timedelta(9),), *now]


@pytest.mark.slow
def test_figures_are_made_again_when_what_they_rest_on_changes(home: Path, tmp_path: Path, monkeypatch) -> None:
    everything_landed(home / "landing")
    run(home, 0, DAYS - 1)
    monkeypatch.setenv("REDCAT_SCOPE", "product")
    run(home, DAYS - 1, DAYS - 1)
    found = state(home)
    fresh = at_home(tmp_path / "fresh", monkeypatch)
    everything_landed(fresh / "landing")
    run(fresh, 0, DAYS - 1)
    assert found == state(fresh)


@pytest.mark.slow
def test_a_note_that_comes_late_earns_from_its_first_touch_on(undisturbed, home: Path) -> None:
    landing = home / "landing"
    everything_landed(landing)
    (landing / "notes" / "notes.csv").rename(home / "notes.csv")
    run(home, 0, DAYS - 1)
    assert state(home)["core.credits"] == []
    (home / "notes.csv").rename(landing / "notes" / "notes.csv")
    run(home, DAYS - 1, DAYS - 1)
    assert state(home) == undisturbed


@pytest.mark.slow
def test_refunds_in_another_currency_or_of_no_order_are_listed_and_never_added(home: Path) -> None:
    landing = home / "landing"
    everything_landed(landing)
    odd = [
        {"channel": "tmall", "refund_id": f"x{n}", "order_id": order, "line_no": "1", "refunded_at": at(30),
         "refund_amount": amount, "currency": currency}
        for n, (order, amount, currency) in enumerate((("o1", "10.00", "USD"), ("nobody", "33.00", "CNY")))
    ]  # fmt: skip
    run(home, 0, DAYS - 1)
    currencies = "SELECT DISTINCT currency FROM mart.reconciliation"
    with duckdb.connect(home / "published" / "analyst.duckdb", read_only=True) as connection:
        before = connection.sql(currencies).fetchall()
    landed(landing, "refunds", "odd.csv", odd)
    run(home, 0, DAYS - 1)
    with duckdb.connect(home / "published" / "analyst.duckdb", read_only=True) as connection:
        rows = connection.sql("""
            SELECT currency, total_gmv, total_refunds, unmatched_refunds::INT FROM mart.reconciliation
            WHERE model = 'linear' ORDER BY 1""").fetchall()
        old = connection.sql("SELECT sum(refund_amount) FROM raw.refunds WHERE refund_id LIKE 'r%'").fetchall()[0][0]
    assert before == [("CNY",)]
    assert [row[0] for row in rows] == ["CNY", "USD"]
    assert rows[0][2:] == (old, 33)
    assert rows[1][1:] == (0, 0, 10)


@pytest.mark.slow
def test_creator_names_do_not_depend_on_the_order_of_files(tmp_path: Path, monkeypatch) -> None:
    found = []
    for order in ((0, 1), (1, 0)):
        folder = at_home(tmp_path / f"home{order[0]}", monkeypatch)
        for place, number in enumerate(order):
            rows = [{"note_id": f"n{number}", "brand": "b", "creator_id": "c", "creator_name": f"name {number}",
                     "published_at": at(0), "lane": "seeding"}]  # fmt: skip
            landed(folder / "landing", "notes", f"{place}.csv", rows)
        run(folder, 0, 0)
        found.append(state(folder)["mart.creator_roi"])
    assert found[0] == found[1]
