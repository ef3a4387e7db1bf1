"""Writing the page: what is to be shown, the scripts and the charts become one file that needs nothing else."""

from __future__ import annotations

import base64
import gzip
import os
import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment

from pipelines.reports.newest import newest_content
from pipelines.reports.page.charts import specifications
from pipelines.reports.page.payload import as_json, payload
from pipelines.reports.page.where import page_file

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Template

    from pipelines.home import Home
    from pipelines.reports.content import Content

LARGEST = 3_000_000  # bytes that are light enough to send around
SCRIPTS = ("text.js", "data.js", "tables.js", "charts.js", "views.js", "page.js")
HERE = files("pipelines.reports.page")


def write_page(home: Home, out: Path | None = None, /) -> Path:
    """Write the page of the published warehouse, and return where it lies.

    By default `reports/<brand>/<as_of>.html` in the home, which replaces that of an earlier run of the same date.

    Raises:
        QueryError: nothing is published, or nothing has been run yet.
        SettingError: `targets.yaml` cannot be used.
    """
    content = newest_content(home)
    target = out or page_file(home, content.brand, content.dates[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        fresh.write_text(page(content), encoding="utf-8")
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    return target


def page(content: Content, /, *, largest: int = LARGEST) -> str:
    """The page as HTML; of as many dates as keep it below the largest size, and of one at least."""
    for dates in range(len(content.dates), 0, -1):
        html = _rendered(content, dates)
        if len(html.encode()) <= largest:
            break
    return html


def _rendered(content: Content, dates: int) -> str:
    data = payload(content, content.dates[:dates]) | {"charts": specifications()}
    packed = base64.b64encode(gzip.compress(as_json(data).encode(), mtime=0)).decode()
    scripts = [_library(), _own_script()]
    return _template().render(
        brand=content.brand,
        as_of=content.dates[0],
        style=_part("page.css"),
        scripts=scripts,
        hashes=[base64.b64encode(sha256(script.encode()).digest()).decode() for script in scripts],
        packed=packed,
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("page.html"))


@cache
def _own_script() -> str:
    body = "\n".join(_part(name) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{body}\n}})();\n'


@cache
def _library() -> str:
    """Vega with its compiler and its interpreter of expressions, which needs no eval."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return str(re.sub("</(?=script)", r"<\\/", bundle, flags=re.IGNORECASE))


def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
