"""Which business dates a run makes that names none: those that no run has made yet."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb

from pipelines.demo.stage import is_demo
from pipelines.settings import first_date

if TYPE_CHECKING:
    from datetime import date

    from pipelines.home import Home

#: As far back a run goes by itself; who wants older dates names them.
MOST_DAYS = 90
UNMADE = """
    SELECT day::DATE FROM generate_series((SELECT min(business_date) FROM ops.days), $until, INTERVAL 1 DAY) AS d(day)
    WHERE day NOT IN (FROM ops.days) ORDER BY 1"""


def unmade(connection: duckdb.DuckDBPyConnection, until: date, /) -> list[date]:
    """The dates from the first that was ever made up to `until` that no run has made, such as those of failed runs."""
    return [day for (day,) in connection.execute(UNMADE, {"until": until}).fetchall()]


def due(home: Home, yesterday: date, /) -> tuple[date, date]:
    """First and last business date of a run that names none, both included.

    From the first date that is not published yet, `MOST_DAYS` at most, to yesterday: a run that failed, or was never
    started, is made up for. Yesterday alone where nothing is published, where it cannot be read, and in the demo's
    home, whose days are over.
    """
    if is_demo(home) or not home.published.exists():
        return yesterday, yesterday
    try:
        with duckdb.connect(home.published, read_only=True) as connection:
            missing = unmade(connection, yesterday)
    except duckdb.Error:  # what ails it is for `redcat doctor` to say; new dates are made all the same
        return yesterday, yesterday
    farthest = max(first_date(), yesterday - timedelta(days=MOST_DAYS - 1))
    return min((day for day in missing if day >= farthest), default=yesterday), yesterday
