"""One run of the command line at a time in a home, and no trace of those that were killed."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from pipelines.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagster as dg

    from pipelines.home import Home

COMMAND_LINE = {"redcat/started by": "command line"}


@contextlib.contextmanager
def sole_run(home: Home) -> Iterator[None]:
    """Hold the home for one run that can open the private warehouse.

    Raises BlockingIOError when another run holds it, or something else has the private warehouse open.
    """
    with hold(home):
        with open_warehouse(home.warehouse):
            pass  # said now rather than by every step
        yield


@contextlib.contextmanager
def hold(home: Home, *, wait: bool = False) -> Iterator[None]:
    """Hold the home; the operating system lets go of it when the process ends, however it ends.

    Raises BlockingIOError when another process holds it, unless it is to `wait` until that one ends.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    path = home.root / "run.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BlockingIOError(
                f"another run is at work in {home.root}; wait until it ends, then try again"
            ) from None
        yield


def bury_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Enter runs of the command line that never ended as cancelled, and free the pool that they still hold.

    Only who holds `sole_run` may call this: then no such run is alive. Returns the ids of these runs.
    """
    import dagster as dg

    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED],
        tags=COMMAND_LINE,
    )
    killed = instance.get_runs(filters=unfinished)
    for run in killed:
        instance.report_run_canceled(run, message="The process of this run ended before the run did.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in killed]
