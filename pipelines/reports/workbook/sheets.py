"""A table of the report as a sheet: by all models, filtered to the one that is shown first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import quote_sheetname, xl_range_abs

from pipelines.reports.content import Column
from pipelines.reports.figures import KINDS, written
from pipelines.reports.wording import Text
from pipelines.reports.workbook.cells import shown_all, write
from pipelines.reports.workbook.look import width_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import polars as pl
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from pipelines.reports.content import Content, Table
    from pipelines.reports.workbook.look import Look

HEADER, HEADER_HEIGHT = 3, 58  # the row of the headings, below title, explanation and basis
LONGEST_NAME = 31
MEASURED = 500  # values by which a column is as wide as it is
ON_ONE_PAGE = 22  # columns
LONGEST_TIP = 255
#: Columns that say what a row rests on: shown where its values differ, and filtered to the first.
BASIS = (Column("as_of", "text"), Column("model", "code"), Column("currency", "text"))
MOST_CELLS = 60_000  # with earlier dates; the newest has its place whatever it holds
REMARK = Text("备注", "Remark")
SUPPRESSED = "人数低于隐私阈值，已隐去"
AGAINST_TARGET = "roas_gmv"


@dataclass
class Sheet:
    """A sheet that was written: where its rows are, what its columns are called, and the days of its rows, if any."""

    name: str
    rows: int = 0
    columns: list[Column] = field(default_factory=list)
    days: list[date | None] = field(default_factory=list)

    @property
    def headings(self) -> dict[str, str]:
        """The Chinese name of each column."""
        return {column.name: column.heading.zh for column in self.columns}

    def range_of(self, column: str) -> str:
        """The cells of a column, as a chart names them."""
        at = [c.name for c in self.columns].index(column)
        return f"={quote_sheetname(self.name)}!{xl_range_abs(HEADER + 1, at, HEADER + self.rows, at)}"


def add_sheet(book: Workbook, table: Table, content: Content, look: Look, *, as_of: date, basis: str) -> Sheet:
    """Write one table on a sheet of its own: rows of the newest date and shown model first, others filtered away."""
    rows = _rows(table, content)
    present = [column for column in BASIS if column.name in rows.columns and rows[column.name].n_unique() > 1]
    sheet = Sheet(sheet_name(table.title.zh), rows.height, [*table.columns, *present])
    sheet.days = rows["business_date"].to_list() if "business_date" in rows.columns else []
    page = book.add_worksheet(sheet.name)
    page.write_string(0, 0, f"{table.title.zh} {table.title.en}", look("title"))
    page.write_string(1, 0, f"{table.says.zh} {table.says.en}", look("soft"))
    page.write_string(2, 0, basis, look("soft"))
    hidden = rows["withheld"].is_not_null().to_list() if "withheld" in rows.columns else None
    page.set_row(HEADER, HEADER_HEIGHT)
    for at, column in enumerate(sheet.columns):
        values = shown_all(content, column, rows[column.name].to_list())
        _write_column(page, at, column, values, rows, look)
    width = len(sheet.columns)
    if hidden is not None:
        _write_heading(page, width, REMARK, look("header"), [SUPPRESSED])
        for row, is_hidden in enumerate(hidden, HEADER + 1):
            write(page, row, width, SUPPRESSED if is_hidden else None, look("cell"))
        width += 1
    _filter(page, sheet, width, rows, present, content)
    _against_target(book, page, sheet, content)
    _print(page, content, as_of, width)
    page.print_area(0, 0, HEADER + sheet.rows, width - 1)
    return sheet


def _rows(table: Table, content: Content) -> pl.DataFrame:
    """The rows of as many dates as have room; those of the newest, the shown model and the main currency first."""
    import polars as pl

    rows = content.frames[table.name]
    if "as_of" in rows.columns:
        sizes = dict(rows.group_by("as_of").len().iter_rows())
        room = MOST_CELLS // len(table.columns)
        filled = accumulate(sizes.get(day, 0) for day in content.dates)
        kept = [
            day for day, so_far in zip(content.dates, filled, strict=True) if so_far <= room or day == content.dates[0]
        ]
        rows = rows.filter(pl.col("as_of").is_in(kept)).with_columns(pl.col("as_of").cast(pl.String))
    firsts = {
        "as_of": str(content.dates[0]),
        "model": content.settings.model,
        "currency": _first_currency(rows),
    }
    present = {name: first for name, first in firsts.items() if name in rows.columns and first is not None}
    order = [(pl.col(name) != first).fill_null(True).alias(f"__{name}") for name, first in present.items()]
    return rows.with_columns(order).sort([f"__{name}" for name in present], maintain_order=True) if order else rows


def _first_currency(rows: pl.DataFrame) -> str | None:
    import polars as pl

    if "currency" not in rows.columns or not rows.height:
        return None
    counts = (
        rows.drop_nulls("currency")
        .group_by("currency")
        .agg(n=pl.len())
        .sort(["n", "currency"], descending=[True, False])
    )
    return counts["currency"].first()  # type: ignore[return-value]


def _write_column(page: Worksheet, at: int, column: Column, values: list[Any], rows: pl.DataFrame, look: Look) -> None:
    """A column with its heading, which says the formula when its cell is chosen."""
    maturing = (rows["maturity"] == "maturing").to_list() if "maturity" in rows.columns else [False] * len(values)
    for row, (value, moves) in enumerate(zip(values, maturing, strict=True), HEADER + 1):
        write(page, row, at, value, look("maturing" if moves else "cell", column.kind))
    style = "number_header" if KINDS[column.kind].is_number else "header"
    _write_heading(page, at, column.heading, look(style), (written(value, column.kind) for value in values[:MEASURED]))
    if column.tip:
        tip = {"validate": "any", "input_title": column.heading.zh[:32], "input_message": column.tip[:LONGEST_TIP]}
        page.data_validation(HEADER, at, HEADER, at, tip)


def _write_heading(page: Worksheet, at: int, heading: Text, form: Format, values: Iterable[str]) -> None:
    page.write_string(HEADER, at, f"{heading.zh}\n{heading.en}", form)
    page.set_column(at, at, width_of(heading, values))


def _filter(
    page: Worksheet, sheet: Sheet, width: int, rows: pl.DataFrame, present: list[Column], content: Content
) -> None:
    """Filters on every column, set to the first model and currency; frozen headings and the first column."""
    last = HEADER + sheet.rows
    page.freeze_panes(HEADER + 1, 1)
    if not sheet.rows:
        return
    page.autofilter(HEADER, 0, last, width - 1)
    page.ignore_errors({"number_stored_as_text": xl_range_abs(HEADER + 1, 0, last, width - 1).replace("$", "")})
    hidden: set[int] = set()
    for column in present:
        values = shown_all(content, column, rows[column.name].to_list())
        page.filter_column_list([c.name for c in sheet.columns].index(column.name), [str(values[0])])
        hidden |= {row for row, value in enumerate(values) if value != values[0]}
    for row in sorted(hidden):
        page.set_row(HEADER + 1 + row, None, None, {"hidden": True})


def _against_target(book: Workbook, page: Worksheet, sheet: Sheet, content: Content) -> None:
    """ROI at or above target and below the pause, told by a sign before the number."""
    names = [column.name for column in sheet.columns]
    if AGAINST_TARGET not in names or not sheet.rows:
        return
    at, targets = names.index(AGAINST_TARGET), content.settings.targets
    cells = (HEADER + 1, at, HEADER + sheet.rows, at)
    form = KINDS["ratio"].excel
    for criteria, value, sign in ((">=", targets.roas_target, "▲"), ("<", targets.roas_pause, "▼")):
        told = book.add_format({"num_format": f'"{sign}" {form}', "bold": sign == "▲"})
        page.conditional_format(*cells, {"type": "blanks", "stop_if_true": True})
        page.conditional_format(*cells, {"type": "cell", "criteria": criteria, "value": value, "format": told})


def _print(page: Worksheet, content: Content, as_of: date, width: int) -> None:
    """A4 across, the headings and the first column on every page."""
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1 if width <= ON_ONE_PAGE else 2, 0)
    page.repeat_rows(HEADER)
    page.repeat_columns(0)
    page.set_margins(0.4, 0.4, 0.5, 0.6)
    brand = content.brand.replace("&", "&&")[:100]
    page.set_footer(f"&L{brand} · {as_of}&C&A&R&P / &N")
    page.hide_gridlines(2)


def sheet_name(title: str) -> str:
    """A title as a name that Excel takes."""
    return re.sub(r"[\[\]:*?/\\]", " ", title).strip("' ")[:LONGEST_NAME]
