"""The workbook, opened by readers that did not write it: figures are the warehouse's, text stays text."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import polars as pl
import pytest

from pipelines.home import Home
from pipelines.reports.content import Content, read_content
from pipelines.reports.figures import KINDS
from pipelines.reports.formats import WORKBOOK, newest_file, report_file
from pipelines.reports.newest import newest_content
from pipelines.reports.query import reading
from pipelines.reports.sections import SECTIONS
from pipelines.reports.workbook.charts import CHARTS
from pipelines.reports.workbook.sheets import HEADER, REMARK, SUPPRESSED
from pipelines.reports.workbook.write import workbook
from pipelines.targets import report_settings

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl.worksheet.worksheet import Worksheet

    from tests.pipelines.conftest import Redcat

TABLES = {table.name: table for section in SECTIONS for table in section.tables}
HOSTILE = [
    '=HYPERLINK("http://example.invalid","x")',
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "https://example.invalid/",
    "<script>alert(1)</script>",
    "😀 表情",
    "\u202e从右到左",
    "长" * 500,
    "\t制表",
    "123456789012345678",
]


@pytest.fixture(scope="module")
def content(demo: Redcat) -> Content:
    """The report's content of the small demo."""
    home = Home(demo.home)
    with reading(home) as connection:
        return read_content(connection, SECTIONS, brand="R&D 品牌", settings=report_settings(home), dates=8)


@pytest.fixture(scope="module")
def written(content: Content) -> bytes:
    """The workbook of that content."""
    return workbook(content)


@pytest.fixture(scope="module")
def opened(written: bytes) -> openpyxl.Workbook:
    """The workbook as openpyxl reads it."""
    return openpyxl.load_workbook(io.BytesIO(written))


def sheet(opened: openpyxl.Workbook, table: str) -> Worksheet:
    """The sheet of a table."""
    return opened[TABLES[table].title.zh]


def column(page: Worksheet, heading: str) -> list[Any]:
    """The values below a Chinese heading."""
    at = next(cell.column for cell in page[HEADER + 1] if str(cell.value).split("\n")[0] == heading)
    return [row[at - 1].value for row in page.iter_rows(min_row=HEADER + 2)]


def expected(content: Content, table: str) -> pl.DataFrame:
    """The rows that a sheet holds: of the newest date, the shown model first."""
    rows = content.frames[table]
    if "as_of" in rows.columns:
        rows = rows.filter(pl.col("as_of") == content.dates[0])
    if "model" in rows.columns:
        rows = rows.sort(pl.col("model") != content.settings.model, maintain_order=True)
    return rows


def test_earlier_dates_stand_on_the_sheets_and_are_filtered_away(content: Content) -> None:
    newest = content.dates[0]
    before = newest - timedelta(days=7)
    frames = {
        name: pl.concat([rows, rows.with_columns(pl.lit(before).alias("as_of"))]) if "as_of" in rows.columns else rows
        for name, rows in content.frames.items()
    }
    book = workbook(replace(content, dates=[newest, before], frames=frames))
    page = sheet(openpyxl.load_workbook(io.BytesIO(book)), "lane_returns")
    dates, models = column(page, "截至日期"), column(page, "归因模型")
    assert set(dates) == {str(newest), str(before)}
    assert len(dates) == 2 * len(content.frames["lane_returns"])
    shown = [not page.row_dimensions[HEADER + 2 + row].hidden for row in range(len(dates))]
    assert shown == [(day, model) == (str(newest), models[0]) for day, model in zip(dates, models, strict=True)]


def test_events_of_the_policy_calendar_are_told_on_their_days(content: Content) -> None:
    day = content.frames["daily"]["business_date"].drop_nulls().sort()[5]
    calendar = content.frames["policy_calendar"].head(1).with_columns(pl.lit(day).alias("starts"))
    book = workbook(replace(content, frames=content.frames | {"policy_calendar": calendar}))
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        charts = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/charts/chart")]
    event = content.label("entry", calendar["entry"][0]).zh
    assert [text.count(f"▾{event}") for text in charts if event in text] == [1]


@pytest.mark.parametrize("table", TABLES)
def test_figures_are_those_of_the_content(content: Content, opened: openpyxl.Workbook, table: str) -> None:
    if table not in content.frames:
        assert table in content.missing
        return
    page, rows = sheet(opened, table), expected(content, table)
    assert page.max_row == HEADER + 1 + rows.height
    for shown in TABLES[table].columns:
        if KINDS[shown.kind].is_number:
            numbers = rows[shown.name].cast(pl.Float64, strict=False).to_list()
            read = [float(v) if v is not None else None for v in column(page, shown.heading.zh)]
            exact = rows.schema[shown.name].is_decimal() or rows.schema[shown.name].is_integer()
            assert [v is None for v in read] == [v is None for v in numbers], shown.name
            told = [(a, b) for a, b in zip(read, numbers, strict=True) if a is not None]
            # A file holds 16 digits: money is exact, the last bit of a ratio is not.
            assert all(a == b if exact else a == pytest.approx(b, rel=1e-14) for a, b in told), shown.name


def test_another_reader_finds_the_sums_of_the_warehouse(demo: Redcat, written: bytes, content: Content) -> None:
    title = TABLES["lane_returns"].title.zh
    read = pl.read_excel(
        written, sheet_name=title, engine="calamine", read_options={"header_row": HEADER}, infer_schema_length=None
    )
    named = {name.split("\n")[1]: name for name in read.columns}
    linear = read.filter(pl.col(named["Model"]) == content.label("model", "linear").zh)
    with reading(Home(demo.home)) as connection:
        query = "SELECT sum(spend)::DOUBLE FROM mart.lane_roi WHERE model = 'linear'"
        (spend,) = connection.execute(query).fetchall()[0]
    assert linear[named["Spend"]].cast(pl.Float64).sum() == pytest.approx(spend, abs=0.005)


def test_what_is_unknown_or_suppressed_is_blank_and_says_why(content: Content, opened: openpyxl.Workbook) -> None:
    page, rows = sheet(opened, "note_returns"), expected(content, "note_returns")
    withheld = [(names or "").split("|") for names in rows["withheld"].to_list()]
    assert [value == SUPPRESSED for value in column(page, REMARK.zh)] == [names != [""] for names in withheld]
    credited = column(page, "归因GMV")
    hidden = ["credited_gmv" in names for names in withheld]
    assert any(hidden)
    assert all(value is None for value, is_hidden in zip(credited, hidden, strict=True) if is_hidden)


def test_only_rows_of_the_shown_model_are_visible(content: Content, opened: openpyxl.Workbook) -> None:
    page, rows = sheet(opened, "category_returns"), expected(content, "category_returns")
    shown = [not page.row_dimensions[HEADER + 2 + n].hidden for n in range(rows.height)]
    assert shown == (rows["model"] == content.settings.model).to_list()
    assert page.auto_filter.ref
    assert page.freeze_panes == f"B{HEADER + 2}"


def test_maturity_is_told_by_a_sign_and_by_slant(content: Content, opened: openpyxl.Workbook) -> None:
    page, rows = sheet(opened, "category_returns"), expected(content, "category_returns")
    told = column(page, "成熟度")
    signs = {"maturing": "◔ ", "settling": "◑ ", "mature": "● "}
    assert [value[:2] for value in told] == [signs[m] for m in rows["maturity"].to_list()]
    assert [page.cell(HEADER + 2 + n, 1).font.italic for n in range(rows.height)] == [
        m == "maturing" for m in rows["maturity"].to_list()
    ]


def test_every_sheet_has_a_chinese_name_and_the_definitions_tell_every_column(
    content: Content, opened: openpyxl.Workbook
) -> None:
    assert all(re.search("[\u4e00-\u9fff]", name) for name in opened.sheetnames)
    assert opened.sheetnames[0] == "封面"
    defined = {row[2].value for row in opened[opened.sheetnames[-1]].iter_rows(min_row=2)}
    shown = {c.name for name in content.frames for c in TABLES[name].columns}
    assert shown <= defined


def test_charts_are_native_and_stand_on_rows_that_are_there(content: Content, opened: openpyxl.Workbook) -> None:
    charts = opened["图表"]._charts
    drawn = [chart for chart in CHARTS if chart.table in content.frames]
    assert len(charts) == len(drawn) >= 6
    for native, chart in zip(charts, drawn, strict=True):
        for series in native.series:
            name, cells = series.val.numRef.f.rsplit("!", 1)
            assert name.strip("'") == TABLES[chart.table].title.zh
            first, last = (int(n) for n in re.findall(r"\$[A-Z]+\$(\d+)", cells))
            assert (first, last) == (HEADER + 2, HEADER + 1 + expected(content, chart.table).height)


def test_the_same_content_gives_the_same_bytes(content: Content, written: bytes) -> None:
    assert workbook(content) == written


def test_a_run_leaves_the_workbook_beside_the_page(demo: Redcat) -> None:
    home = Home(demo.home)
    content = newest_content(home)
    file = newest_file(home.reports, WORKBOOK)
    assert file == report_file(home, content.brand, content.dates[0], WORKBOOK)
    assert file.with_suffix(".html").is_file()
    assert file.read_bytes() == workbook(content)


def test_the_command_line_writes_it_where_it_is_told(demo: Redcat, tmp_path: Path) -> None:
    done = demo("report", "--xlsx", "--no-page", "--out", str(tmp_path / "own.xlsx"))
    assert done.stdout.splitlines()[-1] == f"Workbook: {tmp_path / 'own.xlsx'}"
    assert [path.name for path in tmp_path.iterdir()] == ["own.xlsx"]
    assert openpyxl.load_workbook(tmp_path / "own.xlsx").sheetnames[0] == "封面"


def hostile(content: Content) -> bytes:
    """A workbook in which every note has a title that tries something."""
    notes = content.frames["note_returns"]
    titles = [HOSTILE[n % len(HOSTILE)] for n in range(notes.height)]
    frames = content.frames | {"note_returns": notes.with_columns(title=pl.Series(titles))}
    return workbook(replace(content, frames=frames, brand="=1+1"))


def test_nothing_from_outside_can_execute(content: Content) -> None:
    book = hostile(content)
    titles = column(sheet(openpyxl.load_workbook(io.BytesIO(book)), "note_returns"), "标题")
    assert set(titles) == set(HOSTILE)
    page = sheet(openpyxl.load_workbook(io.BytesIO(book)), "note_returns")
    at = next(cell.column for cell in page[HEADER + 1] if str(cell.value).startswith("标题"))
    assert {row[at - 1].data_type for row in page.iter_rows(min_row=HEADER + 2)} == {"s"}
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        for name in parts.namelist():
            text = parts.read(name).decode()
            if name.startswith("xl/worksheets/"):
                assert not re.search("<f[ >]", text), name
            assert 'TargetMode="External"' not in text, name
            assert not re.search("externalLink|vbaProject|ddeLink|oleObject", name)


def test_a_text_longer_than_a_cell_is_cut_and_not_lost(content: Content) -> None:
    notes = content.frames["note_returns"].head(3).with_columns(title=pl.lit("字" * 40_000))
    book = workbook(replace(content, frames=content.frames | {"note_returns": notes}))
    titles = column(sheet(openpyxl.load_workbook(io.BytesIO(book)), "note_returns"), "标题")
    assert {len(title) for title in titles} == {32_767}


def test_a_content_without_a_date_is_refused(content: Content) -> None:
    with pytest.raises(ValueError, match="no date"):
        workbook(replace(content, dates=[]))


@pytest.fixture(scope="session")
def soffice() -> str:
    """LibreOffice; without it the test is skipped, and in CI it fails."""
    found = shutil.which("soffice")
    if found is None:
        message = "needs LibreOffice (apt-get install libreoffice-calc), which is not there"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.mark.slow
def test_libreoffice_opens_it_without_a_warning(content: Content, soffice: str, tmp_path: Path) -> None:
    (tmp_path / "report.xlsx").write_bytes(hostile(content))
    profile, form = f"-env:UserInstallation=file://{tmp_path}/profile", "xlsx:Calc MS Excel 2007 XML"
    done = subprocess.run(
        [soffice, profile, "--headless", "--convert-to", form, "--outdir", "again", "report.xlsx"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line for line in done.stderr.splitlines() if line.strip() and "javaldx" not in line] == []
    files = [tmp_path / "report.xlsx", tmp_path / "again" / "report.xlsx"]
    options = {"header_row": HEADER}
    for name, heading in (("category_returns", "花费\nSpend"), ("note_returns", "标题\nNote")):
        title, rows = TABLES[name].title.zh, expected(content, name).height
        first, again = (
            pl.read_excel(file, sheet_name=title, engine="calamine", read_options=options)[heading].head(rows)
            for file in files
        )
        assert first.to_list() == again.to_list()
    parts = [{part for part in zipfile.ZipFile(file).namelist() if "charts/chart" in part} for file in files]
    assert len(parts[0]) == len(parts[1])
