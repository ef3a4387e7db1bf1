"""What a core table is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.charts import Chart
    from pipelines.core.kept import Kept
    from pipelines.row_checks import RowCheck


@dataclass(frozen=True)
class CoreTable:
    """One core table: the query that gives its rows for the dates in the table `dates`, and what is made of it.

    `feeds_journeys`: its rows of a date decide which journeys there are on it. `changes_earned`: its rows change what
    was earned on the dates on which their orders were paid. `added_up`: tables of what marts ask of its rows by date,
    as `pipelines.core.added_up` makes them; `kept`: tables of sums over all dates. `also_outdated` is the query of
    dates that are to be made again besides those that intake has outdated. `preview`, `chart` and `figures` say what
    Dagster shows of it, as `table_metadata` takes them.
    """

    name: str
    description: str
    date: str
    query: str
    made_of: tuple[str, ...]
    feeds_journeys: bool
    changes_earned: bool = False
    added_up: dict[str, str] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()
    also_outdated: str | None = None
    checks: tuple[RowCheck, ...] = ()
    preview: str | None = None
    chart: Chart | None = None
    figures: str | None = None
