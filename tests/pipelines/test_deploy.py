"""What stands in deploy/ is sound by the tools of its trade, and runs: a real daemon over a real PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pytest
import yaml
from dagster._core.scheduler.instigation import ScheduleInstigatorData

from pipelines.arrivals import BUSINESS_ZONE
from pipelines.partitions import dates_of
from pipelines.run import DAGSTER_SETTINGS
from tests.pipelines.postgres import postgres
from tests.pipelines.test_run import IMPRESSIONS, NOTES, ORDERS, SPEND

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
PATIENCE = 900  # seconds for two runs on a busy machine; it goes on as soon as they are done


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_the_settings_for_sqlite_are_those_of_a_new_home() -> None:
    stated, written = read("dagster-sqlite.yaml"), yaml.safe_load(DAGSTER_SETTINGS.format(history='"history"'))
    assert stated["event_log_storage"]["config"].pop("base_dir") == {"env": "REDCAT_DAGSTER_HISTORY"}
    assert written["event_log_storage"]["config"].pop("base_dir") == "history"
    assert stated == written


def test_the_settings_for_postgresql_differ_in_the_storage_alone() -> None:
    one, other = read("dagster-sqlite.yaml"), read("dagster-postgres.yaml")
    assert one.pop("event_log_storage")
    assert other.pop("storage") == {"postgres": {"postgres_url": {"env": "REDCAT_POSTGRES_URL"}}}
    assert one == other


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
    ],
    ids=lambda command: command[0],
)
def test_a_linter_accepts_it(command: list[str]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("needs systemd-analyze")
    units = []
    for unit in sorted(DEPLOY.glob("*.service")):
        units.append(tmp_path / unit.name)
        units[-1].write_text(unit.read_text().replace("/opt/redcat/.venv/bin", str(BIN)))
    done = subprocess.run(
        [tool, "verify", "--recursive-errors=no", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_holds_what_the_units_and_the_composition_start() -> None:
    composed = read("compose.yaml")["services"]
    started = {" ".join(composed[name]["command"][:3]) for name in ("daemon", "web")}
    units = {
        " ".join(Path(line.removeprefix("ExecStart=")).name.split()[:3])
        for unit in DEPLOY.glob("*.service")
        for line in unit.read_text().splitlines()
        if line.startswith("ExecStart=")
    }
    assert {line.split()[0] for line in started} == {line.split()[0] for line in units}
    assert composed["web"]["ports"] == ["127.0.0.1:3000:3000"], "on this machine only"


def test_the_composition_hands_on_every_setting() -> None:
    sources = (path.read_text() for path in (ROOT / "pipelines").rglob("*.py"))
    stated = {name for text in sources for name in re.findall(r'"((?:REDCAT|AWS)_[A-Z_]+)"', text)}
    in_image = {"REDCAT_HOME"}
    assert {"REDCAT_BRAND", "AWS_SECRET_ACCESS_KEY"} < stated
    for service in ("daemon", "web"):
        assert stated - in_image <= set(read("compose.yaml")["services"][service]["environment"])


def until(found: Callable[[], bool], daemon: subprocess.Popen[bytes], log: Path) -> None:
    """Go on when it is so; fail when the daemon ended, or when it takes too long."""
    end = time.monotonic() + PATIENCE
    while not found():
        assert daemon.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.2)


@pytest.mark.slow
def test_a_schedule_tick_and_a_sensor_tick_run_under_the_daemon_on_postgresql(tmp_path: Path, monkeypatch) -> None:
    home, place = tmp_path / "home", tmp_path / "dagster"
    place.mkdir()
    shutil.copy(DEPLOY / "dagster-postgres.yaml", place / "dagster.yaml")
    for feed, text in {
        "notes": NOTES, "note_impressions": IMPRESSIONS, "shop_conversions": ORDERS, "note_spend": SPEND,
    }.items():  # fmt: skip
        (home / "landing" / feed).mkdir(parents=True)
        (home / "landing" / feed / "good.csv").write_text(text)
    with postgres() as url:
        # An hour ago in Shanghai, so that a schedule that has been on since the day before yesterday is due once.
        due = datetime.now(BUSINESS_ZONE) - timedelta(hours=1)
        for name, value in {
            "REDCAT_HOME": str(home), "DAGSTER_HOME": str(place), "REDCAT_POSTGRES_URL": url,
            "REDCAT_SENSOR_SECONDS": "1", "REDCAT_SETTLE_SECONDS": "0",
            "REDCAT_RUN_AT": f"{due:%H:%M}", "PYTHONPATH": str(ROOT),
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            assert "Postgres" in type(instance.run_storage).__name__
            _start_schedule(instance, due, since=due - timedelta(hours=1))
            log = tmp_path / "log"
            with log.open("wb") as written:
                daemon = subprocess.Popen(
                    [BIN / "dagster-daemon", "run", "-m", "pipelines.definitions"], stdout=written, stderr=written
                )
            try:
                until(lambda: len(_succeeded(instance)) == 2, daemon, log)
            finally:
                daemon.send_signal(signal.SIGINT)
                daemon.wait()
            runs = _succeeded(instance)
    yesterday = str(due.date() - timedelta(days=1))
    scheduled, sensed = runs["everything"], runs["intake"]
    assert scheduled.tags["dagster/schedule_name"] == "yesterday_schedule"
    assert dates_of(scheduled.tags) == yesterday
    assert sensed.tags["dagster/sensor_name"] == "landing_sensor"
    with duckdb.connect(home / "published" / "analyst.duckdb", read_only=True) as connection:
        assert connection.sql("SELECT business_date::VARCHAR FROM ops.days").fetchall() == [(yesterday,)]
        assert connection.sql("SELECT count(*) FROM ops.files").fetchall() == [(4,)]


def _start_schedule(instance: dg.DagsterInstance, due: datetime, *, since: datetime) -> None:
    """Switch the schedule on as of an earlier instant, as if the daemon had been away since."""
    command = [BIN / "dagster", "schedule", "start", "-m", "pipelines.definitions", "yesterday_schedule"]
    by_hand = {name: value for name, value in os.environ.items() if name != "REDCAT_RUN_AT"}
    subprocess.run(command, check=True, capture_output=True, env=by_hand)
    (state,) = [s for s in instance.all_instigator_state() if s.instigator_name == "yesterday_schedule"]
    data = ScheduleInstigatorData(f"{due.minute} {due.hour} * * *", since.timestamp())
    instance.update_instigator_state(state.with_data(data))


def _succeeded(instance: dg.DagsterInstance) -> dict[str, dg.DagsterRun]:
    runs = instance.get_runs()
    failed = [run.job_name for run in runs if run.status == dg.DagsterRunStatus.FAILURE]
    assert failed == []
    return {run.job_name: run for run in runs if run.status == dg.DagsterRunStatus.SUCCESS}
