"""Writing the page: what is to be shown, the scripts and the charts become one file that needs nothing else."""

from __future__ import annotations

import base64
import gzip
from datetime import timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment

from pipelines.reports.page.compiled import compiled
from pipelines.reports.page.payload import as_json, payload

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from jinja2 import Template

    from pipelines.reports.content import Content
    from pipelines.reports.page.compiled import Compiled

WEEK = 7
LARGEST = 3_000_000  # bytes that are light enough to send around
SCRIPTS = ("text.js", "data.js", "tables.js", "charts.js", "views.js", "page.js")
HERE = files("pipelines.reports.page")


def page(content: Content, /, *, largest: int = LARGEST, cache: Path | None = None) -> str:
    """The page as HTML; of as many dates as keep it below the largest size, and of one at least.

    Charts are compiled once for all pages, and for all runs where there is a folder `cache`.

    The newest date and that of a week ago, with which it is compared, are the last to be left out.
    """
    dates = _by_need(content.dates)
    while True:
        html, packed = _rendered(content, sorted(dates, reverse=True), compiled(cache))
        excess = len(html.encode()) - largest
        if excess <= 0 or len(dates) == 1:
            return html
        # What is packed grows with the dates, so this comes close from above.
        fit = int(len(dates) * (packed - excess) / packed)
        dates = dates[: max(1, min(fit, len(dates) - 1))]


def _by_need(dates: Sequence[date]) -> list[date]:
    """Dates, newest first, in the order in which a reader needs them."""
    if not dates:
        return []
    week_ago = next((day for day in dates if day <= dates[0] - timedelta(days=WEEK)), None)
    first = [dates[0]] + ([week_ago] if week_ago else [])
    return first + [day for day in dates if day not in first]


def _rendered(content: Content, dates: Sequence[date], drawing: Compiled) -> tuple[str, int]:
    """The page of these dates, and the size of what is packed in it."""
    data = payload(content, dates) | {"charts": drawing.charts}
    packed = base64.b64encode(gzip.compress(as_json(data).encode(), mtime=0)).decode()
    scripts = [drawing.library, _own_script()]
    html = _template().render(
        brand=content.brand,
        as_of=content.dates[0],
        style=_part("page.css"),
        scripts=scripts,
        hashes=[base64.b64encode(sha256(script.encode()).digest()).decode() for script in scripts],
        packed=packed,
    )
    return html, len(packed)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("page.html"))


@cache
def _own_script() -> str:
    body = "\n".join(_part(name) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{body}\n}})();\n'


def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
