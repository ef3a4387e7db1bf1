"""The steps of a run that write the warehouse, one after the other, without Dagster, checks and reports."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from data_contracts.contract import feeds
from pipelines.arrivals import BUSINESS_ZONE
from pipelines.basis import demand_same_basis, demand_same_key, store_reference
from pipelines.core.attributed import make_earned, replace_credits, replace_journeys
from pipelines.core.buyers import make_buyers
from pipelines.core.make import replace_dates
from pipelines.core.tables import CORE
from pipelines.dates import enter_run, take_back_future
from pipelines.intake.ingest import ingest_feed
from pipelines.marketer import marketer
from pipelines.marts.store import mart_rows, store_mart
from pipelines.marts.tables import MARTS
from pipelines.publish import everything, part, publish
from pipelines.targets import report_settings
from pipelines.upkeep import compact, forget
from pipelines.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import duckdb

    from pipelines.home import Home

STAGES = ("intake", "core", "marts", "publish")


def stage_of(step: str) -> str:
    """The stage that a step of a whole run belongs to."""
    return {"core": "core", "mart": "marts", "published": "publish", "report": "publish"}.get(
        step.split("/")[0], "intake"
    )


def run_steps(home: Home, first: date, last: date, say: Callable[[str], None] = lambda _: None, /) -> None:
    """Take in what has landed, make the dates and publish; says the name of each stage before it begins."""
    say("intake")
    with open_warehouse(home.warehouse) as connection:
        _intake(connection, home)
    say("core")
    with open_warehouse(home.warehouse) as connection:
        make_core(connection, first, last)
    say("marts")
    with open_warehouse(home.warehouse) as connection:
        for mart in MARTS:
            store_mart(connection, mart.name, mart_rows(connection, mart))
    say("publish")
    with open_warehouse(home.warehouse) as connection:
        connection.execute("UPDATE ops.files SET published = true WHERE NOT published")
        forget(connection)
        connection.execute("CHECKPOINT")
    compact(home.warehouse)
    marts = part(home.warehouse, marketer(report_settings(home).privacy_k))
    publish(home.published.parent, {home.published.stem: everything(home.warehouse), "marketer": marts})


def _intake(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    demand_same_key(connection, home.secret())
    store_reference(connection)
    take_back_future(connection, datetime.now(BUSINESS_ZONE).date())
    demand_same_basis(connection)
    for feed in feeds():
        for _ in ingest_feed(connection, home.landing, feed, secret=home.secret()):
            pass


def make_core(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> None:
    """Make the core for the dates, of what was taken in."""
    enter_run(connection, first, last)
    for table in CORE:
        replace_dates(connection, table, first, last)
    replace_journeys(connection, first, last)
    replace_credits(connection, first, last)
    make_earned(connection)
    make_buyers(connection)
