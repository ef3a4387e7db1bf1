"""What Dagster is told: one snapshot of the whole, and the rules that it keeps."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from data_contracts.contract import feeds
from pipelines.definitions import defs
from pipelines.marts.tables import MARTS
from pipelines.partitions import daily

SNAPSHOT = Path(__file__).with_name("definitions.json")


def described() -> dict[str, object]:
    """Assets with what they are made of, checks, jobs, schedules, sensors and partitions, as plain values."""
    repository = defs.get_repository_def()
    graph = repository.asset_graph
    return {
        "assets": {
            spec.key.to_user_string(): {
                "group": spec.group_name,
                "kinds": sorted(spec.kinds),
                "owners": list(spec.owners),
                "daily": spec.partitions_def is not None,
                "made of": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
            }
            for spec in sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)
        },
        "checks": sorted(f"{key.asset_key.to_user_string()}: {key.name}" for key in graph.asset_check_keys),
        "jobs": sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
        "partitions": {
            "first": daily.start.date().isoformat(),
            "time zone": daily.timezone,
            "schedule": daily.cron_schedule,
        },
    }


def test_definitions_are_as_recorded() -> None:
    found = json.dumps(described(), indent=2, ensure_ascii=False) + "\n"
    assert found == SNAPSHOT.read_text(encoding="utf-8"), (
        "the definitions changed; if they should, write them anew: python -m tests.pipelines.test_definitions"
    )


def test_every_asset_tells_a_marketer_what_it_is() -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.owners, spec.key
        assert spec.kinds, spec.key
        _, point, about = (spec.description or "").partition(" · ")
        assert point, f"{spec.key} lacks a Chinese name before its description"
        assert re.search("[\u4e00-\u9fff]{2}.*[a-z]{3}", about, re.DOTALL), f"{spec.key} is not told in both languages"


def test_every_mart_has_a_chart_and_a_preview() -> None:
    assert [mart.name for mart in MARTS if not (mart.chart and mart.preview and mart.about_zh)] == []


def test_only_one_step_at_a_time_opens_the_warehouse() -> None:
    assert {assets.op.pool for assets in defs.resolve_asset_graph().assets_defs} == {"duckdb"}


def test_a_range_of_dates_is_one_run() -> None:
    for assets in defs.resolve_asset_graph().assets_defs:
        if assets.partitions_def is not None:
            assert assets.backfill_policy == dg.BackfillPolicy.single_run()


@pytest.mark.parametrize("feed", feeds())
def test_a_feed_blocks_what_is_downstream_when_it_breaks_its_contract(feed: str) -> None:
    checks = {spec.name: spec for assets in defs.resolve_asset_graph().assets_defs for spec in assets.check_specs
              if spec.asset_key == dg.AssetKey(["raw", feed])}  # fmt: skip
    assert checks["within_tolerance"].blocking
    assert "required" in checks
    assert "unique" in checks


# At the edge of a day, what counts is the clock in Shanghai, eight hours ahead of UTC.
CLOCKS = {
    datetime(2026, 9, 1, 15, 59, 59, tzinfo=UTC): "2026-08-31",
    datetime(2026, 9, 1, 16, 0, 0, tzinfo=UTC): "2026-09-01",
    datetime(2026, 9, 2, 0, 0, 0, tzinfo=UTC): "2026-09-01",
    datetime(2026, 9, 2, 15, 59, 59, tzinfo=UTC): "2026-09-01",
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_last_partition_is_the_last_day_that_has_ended_in_shanghai(clock: datetime) -> None:
    with partition_loading_context(effective_dt=clock):
        assert daily.get_last_partition_key() == CLOCKS[clock]


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(described(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
