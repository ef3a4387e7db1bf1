"""The forms in which a report is written, and where its files lie."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.reports.content import Content

LONGEST_FOLDER = 60
INDEX = "index.html"
INDEX_PAGE = """<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>红猫归因 Redcat</title>
<style>
body {{ font: 1.05rem/2 system-ui, "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", sans-serif; color: #212529;
  max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }} a {{ color: #c2255c; font-weight: 600; margin-right: .75rem; overflow-wrap: anywhere; }}
</style>
<h1>种草归因日报 Morning reports</h1>
<ul>{links}</ul>
</html>
"""


@dataclass(frozen=True)
class Format:
    """A form of the report: its file's ending, what it is, and how a content becomes its bytes.

    What no figure changes may be kept from one run to the next in a folder, the second argument."""

    name: str
    suffix: str
    name_zh: str
    about_zh: str
    about_en: str
    made: Callable[[Content, Path], bytes]


def _page(content: Content, cache: Path) -> bytes:
    from pipelines.reports.page.write import page

    return page(content, cache=cache).encode()


def _workbook(content: Content, _cache: Path) -> bytes:
    from pipelines.reports.workbook.write import workbook

    return workbook(content)


PAGE = Format(
    "page",
    ".html",
    "日报页面",
    "营销每天早上打开的一页：一个 HTML 文件，不需要网络，可以转发、打印、在手机上看。",
    "The page that marketers open every morning: one HTML file that needs no network, to send, print and read on a "
    "phone.",
    _page,
)
WORKBOOK = Format(
    "workbook",
    ".xlsx",
    "日报工作簿",
    "与页面同样的内容，做成 Excel：每张表可筛选，图表为原生图表，附指标口径。",
    "The content of the page as an Excel file: sheets with filters, native charts, and what each figure means.",
    _workbook,
)
FORMATS = (PAGE, WORKBOOK)


def write_report(content: Content, form: Format, home: Home, out: Path | None = None, /) -> Path:
    """Write the report in one form, in the place of an earlier one of the same date, and return where it lies.

    By default `reports/<brand>/<as_of>.<ending>` in the home.
    """
    target = out or report_file(home, content.brand, content.dates[0], form)
    _replace(target, form.made(content, home.cache))
    return target


def write_reports(contents: Iterable[Content], form: Format, home: Home, /) -> list[Path]:
    """Write the report of each content in one form, and where there are several an index of the brands' pages."""
    written = [write_report(content, form, home) for content in contents]
    if len(written) > 1 and form is PAGE:
        _replace(home.reports / INDEX, _index(written).encode())
    return written


def first_file(folder: Path, /) -> Path | None:
    """What to open first: the index of the brands where there is one, else the newest page."""
    index = folder / INDEX
    return index if index.is_file() else newest_file(folder)


def report_file(home: Home, brand: str, as_of: date, form: Format = PAGE, /) -> Path:
    """The report of a brand as of a date."""
    return home.reports / _folder(brand) / f"{as_of}{form.suffix}"


def newest_file(folder: Path, form: Format = PAGE, /) -> Path | None:
    """The file of a form that was written last."""
    return max(folder.glob(f"*/*{form.suffix}"), key=lambda path: path.stat().st_mtime, default=None)


def _replace(target: Path, told: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(told)
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def _index(pages: Iterable[Path]) -> str:
    from html import escape
    from urllib.parse import quote

    links = "".join(
        f'<li><a href="{quote(f"{page.parent.name}/{page.name}")}">{escape(page.parent.name)}</a> {page.stem}'
        for page in pages
    )
    return INDEX_PAGE.format(links=links)


def _folder(brand: str) -> str:
    """A brand as the name of a folder on any system."""
    name = unicodedata.normalize("NFC", brand)
    plain = "".join(c if c.isalnum() or c in " -_&" else "_" for c in name).strip()[:LONGEST_FOLDER] or "_"
    # Two brands that differ in what is left out do not share a folder.
    return plain if plain == name else f"{plain} {sha256(name.encode()).hexdigest()[:6]}"
