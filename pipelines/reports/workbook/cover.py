"""The first and the last sheets: what the workbook rests on, and what its figures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlsxwriter.utility import quote_sheetname

from pipelines.reports.figures import written
from pipelines.reports.workbook.cells import SIGNS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from xlsxwriter.worksheet import Worksheet

    from pipelines.reports.content import Column, Content
    from pipelines.reports.workbook.look import Look
    from pipelines.reports.workbook.sheets import Sheet

GLANCE = ("spend", "credited_gmv", "roas_gmv", "roas_net", "new_customer_share", "cac")
BASIS = {
    "window_set": "回溯窗口版本 Windows",
    "scope": "竞争范围 Scope",
    "program": "程序版本 Program",
    "reference": "参考表版本 Reference tables",
    "files": "数据文件数 Files",
    "newest_file": "最新文件入库 Newest file",
}
SETTINGS = {
    "roas_target": "ROI 目标 ROAS target",
    "roas_pause": "ROI 停投线 ROAS pause",
    "cpuv_target": "进店成本目标（元） CPUV target",
    "cpuv_pause": "进店成本停投线（元） CPUV pause",
    "min_age_days": "给建议的最少天数 Least age, days",
    "min_spend": "给建议的最少花费（元） Least spend",
    "min_orders": "参加排名的最少订单 Least orders",
    "privacy_k": "隐私阈值（人） Privacy threshold",
}
SIGNS_TOLD = (
    (SIGNS["maturing"], "未成熟：窗口还开着，数字还会变（斜体）。Maturing: windows are open (italic)."),
    (SIGNS["settling"], "结算中：窗口已关，退款还会来。Settling: refunds may still come."),
    (SIGNS["mature"], "已成熟：不再变。Mature."),
    ("▲ ", "ROI 达到目标。ROAS at target or above."),
    ("▼ ", "ROI 低于停投线。ROAS below the pause."),
    ("", "空白：未知或被隐去，从不当作 0。Blank: unknown or suppressed, never 0."),
    ("", "每张表含全部归因模型与近期的截至日期，已筛选为默认模型与最新日期；用列上的筛选切换，图表随之变化。"
         "Every sheet holds all models and recent dates and is filtered to one; change the filter and charts follow."),
)  # fmt: skip


def write_cover(
    page: Worksheet, content: Content, contents: Sequence[tuple[str, str, Sequence[Sheet]]], look: Look, *, as_of: date
) -> None:
    """Brand, date, the figures that are asked for first, what they rest on, signs, and what stands where."""
    page.hide_gridlines(2)
    page.set_column(0, 0, 34)
    page.set_column(1, 5, 20)
    page.write_string(0, 0, content.brand, look("brand"))
    page.set_row(0, 34)
    model = content.label("model", content.settings.model)
    page.write_string(1, 0, f"种草归因日报 Morning report · 截至 {as_of} · {model.zh} {model.en}", look("soft"))
    row = _glance(page, content, look, as_of, 3)
    row = _heading(page, row, "依据 Basis", look)
    for name, told in BASIS.items():
        page.write_string(row, 0, told, look("soft"))
        page.write_string(row, 1, content.basis.get(name, "—"), look("cell"))
        row += 1
    for name, number in content.settings.as_numbers().items():
        page.write_string(row, 0, SETTINGS.get(name, name), look("soft"))
        page.write_string(row, 1, number, look("cell"))
        row += 1
    row = _heading(page, row + 1, "标记 Signs", look)
    for sign, told in SIGNS_TOLD:
        page.write_string(row, 0, sign, look("cell"))
        page.write_string(row, 1, told, look("cell"))
        row += 1
    row = _heading(page, row + 1, "目录 Contents", look)
    for title, question, sheets in contents:
        page.write_string(row, 0, title, look("soft"))
        page.write_string(row, 1, question, look("soft"))
        row += 1
        for sheet in sheets:
            page.write_url(row, 1, f"internal:{quote_sheetname(sheet.name)}!A1", look("link"), sheet.name)
            row += 1
    if content.missing:
        titles = {table.name: table.title.zh for section in content.sections for table in section.tables}
        page.write_string(row + 1, 0, "尚无数据 Not there yet", look("soft"))
        page.write_string(row + 1, 1, "、".join(titles[name] for name in content.missing), look("soft"))
    page.set_portrait()
    page.set_paper(9)
    page.fit_to_pages(1, 1)


def write_definitions(page: Worksheet, content: Content, columns: Sequence[Column], look: Look) -> None:
    """What each figure is called and how it is made, then the words for codes."""
    head = ("中文", "English", "列名 Column", "口径 Meaning and formula")
    for at, (text, width) in enumerate(zip(head, (22, 22, 22, 90), strict=True)):
        page.write_string(0, at, text, look("header"))
        page.set_column(at, at, width)
    page.freeze_panes(1, 0)
    row = 1
    for column in columns:
        for at, text in enumerate((column.heading.zh, column.heading.en, column.name, column.tip)):
            page.write_string(row, at, text, look("wrapped"))
        row += 1
    for name in ("model", "maturity", "action", "reason", "state"):
        row += 1
        for code in content.labels.get(name, {}):
            words = content.label(name, code)
            for at, text in enumerate((words.zh, words.en, f"{name} = {code or '—'}")):
                page.write_string(row, at, text, look("wrapped"))
            row += 1
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.hide_gridlines(2)


def _glance(page: Worksheet, content: Content, look: Look, as_of: date, row: int) -> int:
    """The totals by the shown model, a column each and a row of figures for each currency."""
    if "totals" not in content.frames:
        return row
    table = next(t for section in content.sections for t in section.tables if t.name == "totals")
    columns = [column for name in GLANCE for column in table.columns if column.name == name]
    for at, column in enumerate(columns):
        page.write_string(row, at, f"{column.heading.zh} {column.heading.en}", look("soft"))
    for total in content.rows("totals", model=content.settings.model, as_of=as_of).iter_rows(named=True):
        row += 1
        page.set_row(row, 28)
        for at, column in enumerate(columns):
            page.write_string(row, at, written(total[column.name], column.kind), look("big"))
        maturity = f"{SIGNS.get(total['maturity'], '')}{content.label('maturity', total['maturity']).zh}"
        page.write_string(row + 1, 0, f"{total['currency']} · {maturity}", look("soft"))
        row += 1
    return row + 2


def _heading(page: Worksheet, row: int, text: str, look: Look) -> int:
    for at in range(6):
        page.write_blank(row, at, None, look("section"))
    page.write_string(row, 0, text, look("section"))
    return row + 1
