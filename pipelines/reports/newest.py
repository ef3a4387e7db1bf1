"""The newest report of a home, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.reports.content import Content, read_content
from pipelines.reports.query import QueryError, reading
from pipelines.reports.sections import SECTIONS
from pipelines.settings import own_brand
from pipelines.targets import report_settings

if TYPE_CHECKING:
    import duckdb

    from pipelines.home import Home

BRANDS = "SELECT brand FROM raw.notes WHERE brand IS NOT NULL GROUP BY brand ORDER BY count(*) DESC, brand"


def newest_content(home: Home, /) -> Content:
    """What the published warehouse has to say, on its newest date and as many before it as the settings name.

    Raises:
        QueryError: nothing is published, or nothing has been run yet.
        SettingError: `targets.yaml` cannot be used.
    """
    settings = report_settings(home)
    with reading(home) as connection:
        content = read_content(connection, SECTIONS, brand=_brand(connection), settings=settings, dates=settings.dates)
    if not content.dates:
        raise QueryError("no date has been run yet, so there is nothing to report; run: redcat run")
    return content


def _brand(connection: duckdb.DuckDBPyConnection) -> str:
    """The brand of the notes, of most of them where there are several; the installation's where no note says."""
    found = connection.execute(BRANDS).fetchall()
    return str(found[0][0]) if found else own_brand()
