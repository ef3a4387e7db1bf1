"""Running the graph over a range of business dates, in this process."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.demo.stage import is_demo
from pipelines.resources import progress
from pipelines.sole_run import COMMAND_LINE, bury_killed_runs, sole_run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from pipelines.home import Home
    from pipelines.resources import Progress

DAGSTER_SETTINGS = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: op
    default_limit: 1
run_monitoring:
  enabled: true
run_retries:
  enabled: true
  max_retries: 2
  retry_on_asset_or_op_failure: false
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      started: 90
      failure: 90
      success: 90
event_log_storage:
  module: pipelines.event_log
  class: OpenSqliteEventLogStorage
  config:
    base_dir: {history}
"""


FOR_READERS = {"published", "reports"}  # groups of assets
GOES_ON = "The next run goes on where this one stopped; what was published before stays."
# What to do, by the words of the operating system.
REMEDIES = {
    "No space left on device": f"Free some space, or lower REDCAT_KEEP_VERSIONS. {GOES_ON}",
    "File too large": f"Raise the limit on the size of files of this user (ulimit -f). {GOES_ON}",
    "Permission denied": f"Run as the owner of that folder, or give this user the right to write there. {GOES_ON}",
    "Read-only file system": f"Let that folder be written to. {GOES_ON}",
}


@dataclass
class RunSummary:
    """What a run did: intake figures by feed, what needs attention, and why it stopped if it did."""

    intake: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def after(self, earlier: RunSummary) -> RunSummary:
        """What this run and the one before it did together: files are taken in once, the last word is the later's."""
        taken_in = {feed: counts for feed, counts in earlier.intake.items() if counts["files"]}
        problems = list(dict.fromkeys([*earlier.problems, *self.problems]))
        return RunSummary(self.intake | taken_in, problems, self.warnings, self.failures)

    @property
    def success(self) -> bool:
        """Whether the published warehouse is this run's."""
        return not self.failures


def run_range(
    home: Home, first: date, last: date, /, *, shown: Progress | None = None, readers: bool = True
) -> RunSummary:
    """Materialise every asset for the business dates from first to last, both included, as one run.

    Without `readers` nothing is published and no report written: only the marts are made, and remembered as of `last`.

    Raises BlockingIOError when another run is at work, PermissionError for files of one's own in the demo's home.
    """
    import dagster as dg

    if is_demo(home) and home.landing != home.root / "landing":
        raise PermissionError(f"{home.root} holds the demo; set REDCAT_HOME to another folder for files of your own")
    prepare_dagster(home)
    if shown is not None:
        progress.set(shown)
    with sole_run(home), dg.DagsterInstance.get() as instance:
        from pipelines.definitions import defs, everything
        from pipelines.partitions import range_tags

        bury_killed_runs(instance)
        result = defs.resolve_job_def(everything.name).execute_in_process(
            instance=instance,
            asset_selection=None if readers else [spec.key for spec in _specs() if spec.group_name not in FOR_READERS],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags=COMMAND_LINE | range_tags(first, last),
            raise_on_error=False,
        )
    return summary_of(result.all_events)


def prepare_dagster(home: Home) -> None:
    """Make Dagster's home with its settings, and point this process to it."""
    home.create()
    settings = home.dagster / "dagster.yaml"
    wanted = DAGSTER_SETTINGS.format(history=json.dumps(str(home.dagster / "history" / "runs")))
    if not settings.exists():  # from then on it is the installation's own
        settings.write_text(wanted)
    os.environ.setdefault("DAGSTER_HOME", str(home.dagster))
    os.environ["REDCAT_HOME"] = str(home.root)


def steps(*, readers: bool = True) -> int:
    """How many steps a run has, with or without what readers open."""
    return sum(readers or spec.group_name not in FOR_READERS for spec in _specs())


def _specs() -> list[Any]:
    from pipelines.definitions import defs

    return list(defs.resolve_all_asset_specs())


def summary_of(events: Iterable[Any], /) -> RunSummary:
    """What Dagster's events tell of a run."""
    summary = RunSummary()
    for event in events:
        if event.is_step_failure and event.step_failure_data.error.cls_name != "DagsterAssetCheckFailedError":
            summary.failures.append(_reason(event))
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            _add_check(summary, event.asset_check_evaluation_data)
        elif event.is_step_materialization:
            _add_materialization(summary, event.step_materialization_data.materialization)
    return summary


def _reason(event: Any) -> str:
    """The first line of what the step's own code raised, and what to do where the machine is at fault."""
    error = event.step_failure_data.error
    error = error.cause or error
    told = error.message.strip().splitlines()[0]
    remedy = next((remedy for sign, remedy in REMEDIES.items() if sign in told), None)
    return f"{event.step_key}: {told}" + (f". {remedy}" if remedy else "")


def _add_check(summary: RunSummary, evaluation: Any) -> None:
    if evaluation.passed:
        return
    figures = {name: value.value for name, value in evaluation.metadata.items()}
    told = ", ".join(f"{name} {value}" for name, value in figures.items() if value not in ("—", 0))
    name = evaluation.asset_key.to_user_string()
    if evaluation.blocking and evaluation.severity.value == "ERROR":
        summary.failures.append(
            f"{name}: {evaluation.check_name} failed ({told}). Nothing downstream was made; what was published stays."
        )
    else:
        summary.warnings.append((name, evaluation.description or f"{evaluation.check_name} ({told})"))


def _add_materialization(summary: RunSummary, materialization: Any) -> None:
    layer, name = materialization.asset_key.path[0], materialization.asset_key.path[-1]
    figures = {key: value.value for key, value in materialization.metadata.items()}
    if layer == "raw":
        counts = ("files", "rows read", "rows accepted", "rows duplicate", "rows quarantined", "rows ignored")
        summary.intake[name] = {key: int(figures[key]) for key in counts}
        if figures["problems"] != "none":
            summary.problems += _listed(figures["problems"])
    elif name == "landing" and figures["unknown files"]:
        told = _listed(figures["left alone"])
        more = int(figures["unknown files"]) - len(told)
        summary.problems += [*told, *([f"{more} more files fit no mapping and were left alone"] if more else [])]


def _listed(markdown: Any) -> list[str]:
    return [line.removeprefix("- ") for line in str(markdown).splitlines()]
