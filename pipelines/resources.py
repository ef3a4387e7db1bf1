"""What assets are given: the home folder's warehouse, and someone to tell about progress."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

import dagster as dg

from pipelines.home import Home
from pipelines.sole_run import COMMAND_LINE, hold
from pipelines.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb


class Progress(Protocol):
    """Whoever shows how far a run is."""

    def step(self, name: str) -> None:
        """A step of the run begins."""

    def detail(self, text: str) -> None:
        """What the step is doing just now."""


class Silence:
    """Shows nothing: what runs under a scheduler has."""

    def step(self, name: str) -> None:
        """Say nothing of a step."""

    def detail(self, text: str) -> None:
        """Say nothing of a detail."""


SILENCE = Silence()
progress: ContextVar[Progress] = ContextVar("progress", default=SILENCE)


class Warehouse(dg.ConfigurableResource):
    """The private warehouse under `REDCAT_HOME`. Whoever opens it belongs to the pool `duckdb`, which holds one."""

    @property
    def home(self) -> Home:
        """The folders of this installation."""
        return Home.from_environment()

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        """Hold the home for the length of a run; what the command line started holds it already."""
        run = context.run
        if run is None or COMMAND_LINE.items() <= run.tags.items():
            yield self
            return
        with hold(self.home.create(), wait=True):
            yield self

    @contextlib.contextmanager
    def open(self, context: dg.AssetExecutionContext) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, open for writing for the length of one step."""
        progress.get().step(context.asset_key.to_user_string())
        with open_warehouse(self.home.create().warehouse) as connection:
            yield connection
