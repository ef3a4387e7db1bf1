"""What happens by itself: yesterday at its hour, and late files with exactly the dates that they can change."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pytest

from pipelines.automation import affected_sensor, everything, figures, intake, landing_sensor, yesterday_schedule
from pipelines.definitions import defs
from pipelines.due import MOST_DAYS, due
from pipelines.home import Home
from pipelines.partitions import OUTDATED, RANGE
from pipelines.settings import SettingError, run_at, sensor_seconds
from tests.pipelines.test_recomputation import DAYS, FIRST, at, at_home, everything_landed, landed, orders, state

if TYPE_CHECKING:
    from pathlib import Path

START, END = RANGE
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


def execute(instance: dg.DagsterInstance, job: Any, tags: dict[str, str]) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job.name).execute_in_process(instance=instance, run_config=QUIET, tags=tags)


def span(first: int, last: int) -> dict[str, str]:
    return {START: str(FIRST + timedelta(first)), END: str(FIRST + timedelta(last))}


def sensed(cursor: str | None = None) -> tuple[list[dg.RunRequest], str | None]:
    found = landing_sensor(dg.build_sensor_context(cursor=cursor))
    if isinstance(found, dg.SkipReason):
        return [], cursor
    return list(found.run_requests or []), found.cursor


@pytest.mark.parametrize(
    ("tick", "expected"),
    [
        (datetime(2026, 9, 2, 15, 59, tzinfo=UTC), "2026-09-01"),
        (datetime(2026, 9, 2, 16, 0, tzinfo=UTC), "2026-09-02"),
    ],
)
def test_the_schedule_makes_the_day_that_has_ended_in_shanghai(home, tick: datetime, expected: str) -> None:
    request = yesterday_schedule(dg.build_schedule_context(scheduled_execution_time=tick))
    assert isinstance(request, dg.RunRequest)
    assert (request.run_key, request.tags[START], request.tags[END]) == (expected, expected, expected)
    assert yesterday_schedule.execution_timezone == "Asia/Shanghai"
    assert yesterday_schedule.cron_schedule == "30 10 * * *"
    assert yesterday_schedule.job_name == everything.name


def published_with(home: Path, days: list[int]) -> None:
    """A published warehouse that holds these days."""
    file = Home.from_environment().create().published
    file.unlink(missing_ok=True)
    with duckdb.connect(file) as connection:
        connection.execute("CREATE SCHEMA ops; CREATE TABLE ops.days (business_date DATE)")
        connection.execute("INSERT INTO ops.days SELECT unnest(?::DATE[])", [[FIRST + timedelta(n) for n in days]])


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([0, 1, 2], (3, 3)),
        ([0, 1], (2, 3)),
        ([0, 2], (1, 3)),
        ([0, 1, 2, 3], (3, 3)),
        ([-200, 2], (3 - MOST_DAYS + 1, 3)),
        ([], (3, 3)),
    ],
    ids=["as every day", "a tick was missed", "a run failed", "made already", "too long ago", "nothing made"],
)
def test_the_schedule_makes_up_for_days_that_no_run_has_made(home: Path, made: list[int], expected) -> None:
    published_with(home, made)
    tick = datetime.combine(FIRST + timedelta(4), time(2, 30), UTC)
    request = yesterday_schedule(dg.build_schedule_context(scheduled_execution_time=tick))
    assert isinstance(request, dg.RunRequest)
    assert {k: request.tags[k] for k in (START, END)} == span(*expected)


def test_a_published_file_that_cannot_be_read_does_not_stop_the_schedule(home: Path) -> None:
    Home.from_environment().create().published.write_bytes(b"no database")
    assert due(Home.from_environment(), FIRST) == (FIRST, FIRST)


@pytest.mark.slow
def test_days_made_up_for_end_in_the_same_warehouse(home: Path, tmp_path: Path, monkeypatch) -> None:
    everything_landed(home / "landing")
    last = FIRST + timedelta(9)
    with dg.DagsterInstance.ephemeral() as instance:
        execute(instance, everything, span(0, 3))
        first, until = due(Home.from_environment(), last)
        assert (first, until) == (FIRST + timedelta(4), last)
        execute(instance, everything, span(4, 9))
        assert due(Home.from_environment(), last) == (last, last)
    found = state(home)
    fresh = at_home(tmp_path / "fresh", monkeypatch)
    everything_landed(fresh / "landing")
    with dg.DagsterInstance.ephemeral() as instance:
        execute(instance, everything, span(0, 9))
    assert found == state(fresh)


def test_the_hour_is_a_setting_and_without_it_nothing_runs_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_at() is None
    assert yesterday_schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    monkeypatch.setenv("REDCAT_RUN_AT", "07:05")
    assert run_at() == (7, 5)
    for name, value, read in (
        ("RUN_AT", "7:05", run_at),
        ("RUN_AT", "24:00", run_at),
        ("SENSOR_SECONDS", "0", sensor_seconds),
    ):
        monkeypatch.setenv(f"REDCAT_{name}", value)
        with pytest.raises(SettingError, match=f"REDCAT_{name} is '{value}'"):
            read()


def test_the_sensor_asks_once_for_what_is_new_or_changed_and_settled(home: Path, monkeypatch) -> None:
    landing = home / "landing"
    assert sensed() == ([], None)
    orders(landing, "a.csv", range(2))
    first, cursor = sensed()
    assert len(first) == 1
    assert first[0].tags["redcat/files"] == "shop_conversions/a.csv"
    assert sensed()[0][0].run_key == first[0].run_key, "a tick that is repeated asks for the same run"
    assert sensed(cursor) == ([], cursor)
    orders(landing, "b.csv", range(2, 4))
    (landing / "shop_conversions" / "c.csv.part").write_text("half")
    (landing / "shop_conversions" / "~$d.xlsx").write_text("lock")
    (landing / "shop_conversions" / "d.xlsx").write_text("open in a spreadsheet")
    second, cursor = sensed(cursor)
    assert [r.tags["redcat/files"] for r in second] == ["shop_conversions/b.csv"]
    (landing / "shop_conversions" / "a.csv").write_text("changed")
    third, cursor = sensed(cursor)
    assert [r.tags["redcat/files"] for r in third] == ["shop_conversions/a.csv"]
    (landing / "shop_conversions" / "b.csv").unlink()
    assert sensed(cursor) == ([], cursor), "a file that is taken away is nothing new"
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "3600")
    orders(landing, "e.csv", range(4, 6))
    assert sensed(cursor) == ([], cursor), "it may still be written to"


def test_the_cursor_of_the_sensor_stays_short_and_what_it_names_may_be_lost(home: Path) -> None:
    orders(home / "landing", "a.csv", range(2))
    (first,), cursor = sensed()
    for number in range(50):
        (home / "landing" / "shop_conversions" / f"{number}.csv").write_text(str(number))
    (second,), later = sensed(cursor)
    assert len(str(cursor)) == len(str(later)) == 16
    assert sensed(cursor)[0][0].run_key == second.run_key, "a tick that is repeated asks for the same run"
    assert sensed(later) == ([], later)
    shutil.rmtree(home / "cache")
    (again,), found = sensed(later)
    assert again.run_key not in (first.run_key, second.run_key)
    assert found == later
    assert len(sensed("a cursor as it was written before" * 100)[0]) == 1


def test_a_copy_that_keeps_an_old_time_is_new_all_the_same(home: Path) -> None:
    orders(home / "landing", "a.csv", range(2))
    _, cursor = sensed()
    orders(home / "landing", "b.csv", range(2))
    os.utime(home / "landing" / "shop_conversions" / "b.csv", (0, 0))
    assert len(sensed(cursor)[0]) == 1


def requested(instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult) -> list[dg.RunRequest]:
    event = next(e for e in run.all_events if e.event_type == dg.DagsterEventType.RUN_SUCCESS)
    context = dg.build_run_status_sensor_context("affected_sensor", event, instance, run.dagster_run)
    return [found for found in affected_sensor(context) if isinstance(found, dg.RunRequest)]


@pytest.mark.slow
def test_a_late_file_makes_the_dates_again_that_it_can_change_and_no_others(home: Path, tmp_path, monkeypatch) -> None:
    room = {"note_id": "room", "brand": "b", "published_at": at(0), "category": "lipstick", "lane": "live"}
    in_app = [
        {"channel": "in_app_shop", "order_id": f"i{day}", "line_no": "1", "brand": "b", "user_id": "u2",
         "paid_at": at(day, "20:00:00"), "paid_amount": "9.00", "currency": "CNY", "category": "lipstick"}
        for day in (9, 10, 11, 12, 20)
    ]  # fmt: skip
    late = [{"note_id": "room", "user_id": "u2", "occurred_at": at(day, "01:02:03")} for day in (10, 20)]

    def landed_before(folder: Path) -> None:
        everything_landed(folder)
        landed(folder, "notes", "room.csv", [room])
        landed(folder, "shop_conversions", "in app.csv", in_app)

    landing = home / "landing"
    landed_before(landing)
    with dg.DagsterInstance.ephemeral() as instance:
        assert requested(instance, execute(instance, intake, {})) == [], "no day has been made before"
        execute(instance, everything, span(0, DAYS - 1))
        assert requested(instance, execute(instance, intake, {})) == [], "nothing new has landed"
        landed(landing, "note_impressions", "one.csv", late)
        (request,) = requested(instance, execute(instance, intake, {}))
        affected = [FIRST + timedelta(n) for n in (10, 11, 20)]
        named = f"{affected[0]} – {affected[1]}, {affected[2]}"
        assert request.tags == span(20, 20) | {OUTDATED: named}, "the window of a live room is a day"
        done = execute(instance, figures, dict(request.tags))
        made = {
            name: done.asset_materializations_for_node(f"core__{name}")[-1].metadata["late dates made again"].value
            for name in ("touches", "conversions", "journeys", "credits")
        }
        assert made == {"touches": 2, "conversions": 0, "journeys": 3, "credits": 3}
        entered = {e.partition for e in done.asset_materializations_for_node("core__credits") if e.partition}
        assert entered == set(map(str, affected)), "what lies between them is not entered as made"
        assert not any(e.asset_key and e.asset_key.path[0] == "raw" for e in done.get_asset_materialization_events())
    found = state(home)
    fresh = at_home(tmp_path / "fresh", monkeypatch)
    landed_before(fresh / "landing")
    landed(fresh / "landing", "note_impressions", "one.csv", late)
    with dg.DagsterInstance.ephemeral() as instance:
        execute(instance, everything, span(0, DAYS - 1))
    assert found == state(fresh)
    assert any("room" in row for row in found["core.credits"])


@pytest.mark.slow
def test_ninety_days_are_one_run(home: Path) -> None:
    everything_landed(home / "landing")
    with dg.DagsterInstance.ephemeral() as instance:
        done = execute(instance, everything, span(-20, 69))
        assert instance.get_runs_count() == 1
        partitions = instance.get_materialized_partitions(dg.AssetKey(["core", "credits"]))
    assert done.success
    assert partitions == {str(FIRST + timedelta(n)) for n in range(-20, 70)}
    assert len(partitions) == 90
