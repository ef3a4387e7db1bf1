"""Sensors that tell people: how scheduled runs ended, and which feeds are overdue."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import duckdb

from pipelines.alerts.news import alert_of, alert_of_overdue
from pipelines.alerts.places import places
from pipelines.alerts.send import Told, tell
from pipelines.arrivals import overdue
from pipelines.automation import everything, figures, intake
from pipelines.demo.stage import is_demo
from pipelines.home import Home
from pipelines.partitions import dates_of
from pipelines.run import summary_of
from pipelines.settings import SettingError
from pipelines.sole_run import COMMAND_LINE

OVERDUE_SECONDS = 600
JOBS = [everything, figures, intake]


def _status() -> dg.DefaultSensorStatus:
    """On where a place is configured; what cannot be read is on too, and says so at its first tick."""
    with contextlib.suppress(OSError, SettingError):
        if not places(Home.from_environment()):
            return dg.DefaultSensorStatus.STOPPED
    return dg.DefaultSensorStatus.RUNNING


def _tell_of(context: dg.RunStatusSensorContext) -> dg.SkipReason:
    run = context.dagster_run
    if COMMAND_LINE.items() <= run.tags.items():
        return dg.SkipReason("the command line has told of it itself")
    events = [e.dagster_event for e in context.instance.all_logs(run.run_id) if e.dagster_event]
    summary = summary_of(events)
    if context.dagster_event.is_failure and not summary.failures:
        summary.failures.append(f"{run.job_name}: {context.dagster_event.message}")
    told = tell(Home.from_environment(), alert_of(summary, dates_of(run.tags) or run.job_name))
    return dg.SkipReason("; ".join(told.failed) or "told")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    monitored_jobs=JOBS,
    default_status=_status(),
    description="Tells of runs that failed. 运行失败时通知。",
)
def failed_run_sensor(context: dg.RunStatusSensorContext) -> dg.SkipReason:
    return _tell_of(context)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[everything, figures],
    default_status=_status(),
    description="Tells of runs that are done, where a place wants to know. 运行完成时通知。",
)
def finished_run_sensor(context: dg.RunStatusSensorContext) -> dg.SkipReason:
    return _tell_of(context)


@dg.sensor(
    minimum_interval_seconds=OVERDUE_SECONDS,
    default_status=_status(),
    description="Tells once of every day of a feed that is overdue. 数据到期未到时通知一次。",
)
def overdue_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason]:
    home = Home.from_environment()
    if is_demo(home) or not home.published.exists():
        yield dg.SkipReason("nothing is published yet, or this is the demo")
        return
    with duckdb.connect(home.published, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = overdue(connection, now=datetime.now(UTC))
    marks = [" ".join(map(str, row)) for row in found.select("feed", "source", "business_date").iter_rows()]
    known = set(json.loads(context.cursor or "[]"))
    news = found.filter([mark not in known for mark in marks])
    told = tell(home, alert_of_overdue(news)) if news.height else Told(0, [])
    # Where no place took it, it is told at the next tick; where one did, it is not told there again and again.
    if told.reached or not told.failed:
        context.update_cursor(json.dumps(marks))
    yield dg.SkipReason("; ".join(told.failed) or f"{news.height} new of {found.height} overdue")


watchers = [failed_run_sensor, finished_run_sensor, overdue_sensor]
