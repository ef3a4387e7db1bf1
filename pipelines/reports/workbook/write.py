"""Writing the workbook: a cover, the charts, a sheet for each table, and what the figures mean."""

from __future__ import annotations

from datetime import datetime, time
from io import BytesIO
from typing import TYPE_CHECKING

from xlsxwriter import Workbook

from pipelines.reports.workbook.charts import add_charts
from pipelines.reports.workbook.cover import write_cover, write_definitions
from pipelines.reports.workbook.look import Look
from pipelines.reports.workbook.sheets import Sheet, add_sheet

if TYPE_CHECKING:
    from datetime import date

    from pipelines.reports.content import Content

COVER, CHARTS, DEFINITIONS = "封面", "图表", "指标口径"
# No text becomes a formula or a link, whatever it begins with; what is no number stays empty.
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}


def workbook(content: Content, /) -> bytes:
    """The report as an Excel file, filtered to its newest date; the same content gives the same bytes.

    Raises ValueError when the content has no date.
    """
    if not content.dates:
        raise ValueError("the content has no date, so there is nothing to write")
    as_of = content.dates[0]
    target = BytesIO()
    with Workbook(target, OPTIONS) as book:
        book.set_properties(
            {
                "title": f"{content.brand} 种草归因日报 {as_of}",
                "subject": f"as of {as_of}",
                "author": "Redcat",
                "comments": " · ".join(f"{name} {value}" for name, value in sorted(content.basis.items())),
                "created": datetime.combine(as_of, time()),
            }
        )
        look = Look(book)
        cover, charts = book.add_worksheet(COVER), book.add_worksheet(CHARTS)
        basis = f"截至 {as_of} · 窗口 {content.basis.get('window_set', '—')} · 范围 {content.basis.get('scope', '—')}"
        sheets: dict[str, Sheet] = {}
        for section in content.sections:
            for table in section.tables:
                if table.name in content.frames:
                    sheets[table.name] = add_sheet(book, table, content, look, as_of=as_of, basis=basis)
        charts.hide_gridlines(2)
        charts.write_string(0, 0, f"图表 Charts · {basis}", look("title"))
        charts.write_string(1, 0, "图表随各表的筛选变化。The charts follow the filters of the sheets.", look("soft"))
        add_charts(book, sheets, events=_events(content), sheet=charts)
        charts.set_paper(9)
        charts.fit_to_pages(1, 1)
        listed = [
            (section.title.zh, section.question.zh, [sheets[t.name] for t in section.tables if t.name in sheets])
            for section in content.sections
        ]
        write_cover(cover, content, listed, look, as_of=as_of)
        columns = {column.name: column for sheet in sheets.values() for column in sheet.columns}
        write_definitions(book.add_worksheet(DEFINITIONS), content, list(columns.values()), look)
        cover.activate()
    return target.getvalue()


def _events(content: Content) -> dict[date, str]:
    """What the policy calendar says of days on which something began or ended."""
    if "policy_calendar" not in content.frames:
        return {}
    told: dict[date, list[str]] = {}
    for row in content.frames["policy_calendar"].to_dicts():
        for day, how in ((row["starts"], ""), (row["ends"], "（止）")):
            if day is not None:
                told.setdefault(day, []).append(content.label("entry", row["entry"]).zh + how)
    return {day: "、".join(names) for day, names in told.items()}
