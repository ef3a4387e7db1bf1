"""The newest reports of a home, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.brands import seen_by
from pipelines.reports.content import Content, read_content
from pipelines.reports.query import QueryError, named_brands, reading
from pipelines.reports.sections import SECTIONS
from pipelines.targets import report_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.home import Home


def newest_content(home: Home, /) -> Content:
    """That of the brand with most notes; raises as `newest_contents`."""
    return next(newest_contents(home))


def newest_contents(home: Home, /, *, brand: str | None = None) -> Iterator[Content]:
    """What the published warehouse says of each brand, or of one, on as many dates as the settings name.

    That of most notes comes first, and what is of no brand last.

    Raises:
        QueryError: nothing is published, nothing has been run yet, or there is no such brand.
        SettingError: `targets.yaml` cannot be used.
    """
    settings = report_settings(home)
    with reading(home) as connection:
        for name, of in named_brands(connection, brand).items():
            with seen_by(connection, of):
                content = read_content(connection, SECTIONS, brand=name, settings=settings, dates=settings.dates)
            if not content.dates:
                raise QueryError("no date has been run yet, so there is nothing to report; run: redcat run")
            yield content
