"""The native charts of the workbook: which columns of which tables, in what form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.reports.workbook.look import APART, FONT, INK, LINE

if TYPE_CHECKING:
    from datetime import date

    from xlsxwriter import Workbook
    from xlsxwriter.chart import Chart as NativeChart

    from pipelines.reports.workbook.sheets import Sheet

WIDTH, HEIGHT = 620, 340
GRID = {"visible": True, "line": {"color": LINE}}
WEEKS = ({}, {"date_axis": True, "num_format": "mm-dd", "major_unit": 7, "major_unit_type": "days"})


@dataclass(frozen=True)
class Chart:
    """A chart of a table: its form, the column of its labels, those of its figures, and one on an axis of its own.

    `marked`: the figure at which events of the policy calendar are told on their days.
    """

    table: str
    title: str
    form: str
    labels: str
    figures: tuple[str, ...]
    subtype: str = ""
    line: str = ""
    marked: str = ""


SPENT, EARNED = ("spend", "credited_gmv"), ("credited_gmv", "unattributed_gmv")
CHARTS = (
    Chart("daily", "每日花费与付款GMV", "line", "business_date", ("spend", "paid_gmv"), marked="paid_gmv"),
    Chart("category_returns", "类目：花费、归因GMV与ROI", "column", "category", SPENT, line="roas_gmv"),
    Chart("lane_returns", "链路：花费、归因GMV与ROI（并列，不相加）", "column", "lane", SPENT, line="roas_gmv"),
    Chart("category_returns", "类目：直接与带动", "column", "category", ("direct_gmv", "halo_gmv"), "stacked"),
    Chart("funnel", "近28天漏斗（次数）", "bar", "step", ("events",)),
    Chart("by_maturity", "按成熟度：花费与归因GMV", "column", "maturity", SPENT),
    Chart("channel_returns", "渠道：归因与未归因", "column", "channel", EARNED, "stacked"),
    Chart("reconciliation", "对账：每个模型归因 + 未归因 = 总额", "column", "by_model", EARNED, "stacked"),
)


def add_charts(book: Workbook, sheets: dict[str, Sheet], *, events: dict[date, str], sheet: Any) -> int:
    """Put the charts whose tables have rows two in a row on a sheet; returns how many."""
    drawn = [chart for chart in CHARTS if chart.table in sheets and sheets[chart.table].rows]
    for number, chart in enumerate(drawn):
        native = _native(book, chart, sheets[chart.table], events)
        sheet.insert_chart(3 + 18 * (number // 2), 10 * (number % 2), native, {"object_position": 2})
    return len(drawn)


def _native(book: Workbook, chart: Chart, sheet: Sheet, events: dict[date, str]) -> NativeChart:
    """A chart over all rows of its sheet; Excel leaves out those that a filter hides."""
    native = book.add_chart({"type": chart.form} | ({"subtype": chart.subtype} if chart.subtype else {}))
    for colour, figure in zip(APART, chart.figures, strict=False):
        fill = {"line": {"color": colour, "width": 2}} if chart.form == "line" else {"fill": {"color": colour}}
        told = _told(sheet, events) if figure == chart.marked else {}
        native.add_series(_series(sheet, chart, figure) | fill | told | {"gap": 60})
    if chart.line:
        line = book.add_chart({"type": "line"})
        line.add_series(
            _series(sheet, chart, chart.line)
            | {
                "y2_axis": True,
                "line": {"none": True},
                "marker": {"type": "diamond", "size": 9, "fill": {"color": INK}, "border": {"color": "#ffffff"}},
                "data_labels": {"value": True, "position": "above", "num_format": "0.00", "font": _font(8)},
            }
        )
        line.set_y2_axis({"num_font": _font(9), "num_format": "0.0", "min": 0, "line": {"none": True}})
        native.combine(line)
    native.set_title({"name": chart.title, "name_font": _font(12, bold=True), "overlay": False})
    native.set_legend({"none": True} if len(chart.figures) == 1 else {"position": "bottom", "font": _font(9)})
    across, up = (
        (native.set_y_axis, native.set_x_axis) if chart.form == "bar" else (native.set_x_axis, native.set_y_axis)
    )
    across(
        {"num_font": _font(9), "line": {"color": LINE}, "reverse": chart.form == "bar"} | WEEKS[chart.form == "line"]
    )
    up({"num_font": _font(9), "num_format": "#,##0", "major_gridlines": GRID, "line": {"none": True}})
    native.show_blanks_as("gap")
    native.set_size({"width": WIDTH, "height": HEIGHT})
    native.set_chartarea({"border": {"color": LINE}})
    return native


def _series(sheet: Sheet, chart: Chart, figure: str) -> dict[str, Any]:
    """The ranges of a figure and its labels; the name is that of its heading."""
    return {
        "name": sheet.headings[figure],
        "categories": sheet.range_of(chart.labels),
        "values": sheet.range_of(figure),
    }


def _told(sheet: Sheet, events: dict[date, str]) -> dict[str, Any]:
    """The events of the days of a sheet as labels of their points, and of no other."""
    labels = [{"value": f"▾{events[day]}"} if day in events else {"delete": True} for day in sheet.days]
    if not any("value" in label for label in labels):
        return {}
    return {"data_labels": {"value": True, "custom": labels, "position": "above", "font": _font(8)}}


def _font(size: int, *, bold: bool = False) -> dict[str, Any]:
    return {"name": FONT, "size": size, "bold": bold, "color": INK}
