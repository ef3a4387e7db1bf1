"""The forms in which a report is written, and where its files lie."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.reports.content import Content

LONGEST_FOLDER = 60


@dataclass(frozen=True)
class Format:
    """A form of the report: its file's ending, what it is, and how a content becomes its bytes."""

    name: str
    suffix: str
    name_zh: str
    about_zh: str
    about_en: str
    made: Callable[[Content], bytes]


def _page(content: Content) -> bytes:
    from pipelines.reports.page.write import page

    return page(content).encode()


def _workbook(content: Content) -> bytes:
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
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(form.made(content))
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    return target


def report_file(home: Home, brand: str, as_of: date, form: Format = PAGE, /) -> Path:
    """The report of a brand as of a date."""
    return home.reports / _folder(brand) / f"{as_of}{form.suffix}"


def newest_file(folder: Path, form: Format = PAGE, /) -> Path | None:
    """The file of a form that was written last."""
    return max(folder.glob(f"*/*{form.suffix}"), key=lambda path: path.stat().st_mtime, default=None)


def _folder(brand: str) -> str:
    """A brand as the name of a folder on any system."""
    plain = "".join(c if c.isalnum() or c in " -_&" else "_" for c in unicodedata.normalize("NFC", brand))
    return plain.strip()[:LONGEST_FOLDER] or "_"
