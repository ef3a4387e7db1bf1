"""The page as a person uses it, in a real browser."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from models.register import RULES
from pipelines.home import Home
from pipelines.marts.columns import COLUMNS
from pipelines.reports.formats import PAGE, newest_file, report_file, write_report
from pipelines.reports.newest import newest_content
from pipelines.reports.page.write import LARGEST, _by_need
from pipelines.reports.page.write import page as render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from tests.pipelines.conftest import Redcat

DAYS_AGO = timedelta(days=7)
HOSTILE = [
    "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>",
    "种草 🐈‍⬛ & <b>bold</b> \"quoted\" 'single' </script>",
    "\u202eright to left\u202c שלום",
    "长" * 500,
    "={{7*7}}${7*7}=cmd|' /C calc'!A0",
]


@pytest.fixture(scope="module")
def home(demo: Redcat, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The demo's published warehouse with titles that do harm elsewhere, and with the figures of a week ago."""
    home = Home(tmp_path_factory.mktemp("page") / "home").create()
    shutil.copyfile(Home(demo.home).published, home.published)
    with duckdb.connect(home.published) as connection:
        notes = "SELECT DISTINCT note_id FROM history.note_roi WHERE note_id IS NOT NULL ORDER BY 1"
        for (note,), title in zip(connection.execute(notes).fetchall(), HOSTILE, strict=False):
            connection.execute("UPDATE history.note_roi SET title = ? WHERE note_id = ?", [title, note])
        day = "(SELECT max(as_of) - 20 FROM history.reconciliation)"
        connection.execute(f"UPDATE reference.policy_calendar SET starts = {day} WHERE entry = 'red_jd_effective'")
        query = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'history'"
        for (name,) in connection.execute(query).fetchall():
            halved = ", (spend / 2)::DECIMAL(18, 2) AS spend" if name == "category_roi" else ""
            connection.execute(
                f"INSERT INTO history.{name} SELECT * REPLACE (as_of - 7 AS as_of{halved}) FROM history.{name}"
            )
    return home


@pytest.fixture(scope="module")
def file(home: Home) -> Path:
    return write_report(newest_content(home), PAGE, home)


@pytest.fixture(scope="module")
def opened(browser: Browser, file: Path) -> Iterator[Page]:
    """The page, opened once; nothing may be logged, nothing may leave it, whatever a test does."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.on("request", lambda request: None if request.url == file.as_uri() else told.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")
    yield page
    assert told == []
    assert page.evaluate("window.hacked") is None
    page.close()


@pytest.fixture
def page(opened: Page, home: Home) -> Page:
    """The page as it opens: newest date, usual model, Chinese; what a reader did to its tables stays."""
    opened.set_viewport_size({"width": 1440, "height": 900})
    opened.emulate_media(media="screen")
    opened.select_option("#as-of", str(newest(home)))
    opened.select_option("#model", "linear")
    opened.click("[data-language=zh]")
    opened.evaluate("document.querySelectorAll('details[open]').forEach(fold => { fold.open = false; })")
    return opened


def drawn(page: Page) -> None:
    """Wait until every chart is drawn."""
    page.wait_for_selector("body[data-charts=drawn]")


def rows(page: Page, table: str) -> Locator:
    return page.locator(f"[data-table={table}] tbody tr")


def column(page: Page, table: str, name: str) -> list[str]:
    return page.locator(f"[data-table={table}] tbody [data-column={name}]").all_inner_texts()


def values(page: Page, table: str, name: str) -> list[float | None]:
    cells = page.locator(f"[data-table={table}] :is(tbody [data-column={name}], [data-figure={name}])")
    found = cells.evaluate_all("cells => cells.map(cell => cell.dataset.value ?? null)")
    return [None if value is None else float(value) for value in found]


def stored(home: Home, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect(home.published, read_only=True) as connection:
        return connection.execute(query, list(parameters)).fetchall()


def newest(home: Home) -> Any:
    return stored(home, "SELECT max(as_of) FROM history.reconciliation")[0][0]


def test_it_is_one_light_file_that_needs_no_network(file: Path, home: Home) -> None:
    html = file.read_text(encoding="utf-8")
    own = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert file.stat().st_size < LARGEST
    assert file == report_file(home, "松屿日常", newest(home)) == newest_file(home.reports)
    assert re.findall(r"(?:src|href)=\"(?!#)|url\(|@import", own) == []
    assert "default-src 'none'" in own
    assert "unsafe-eval" not in own


def test_figures_are_those_of_the_warehouse_by_every_model(page: Page, home: Home) -> None:
    day, names = newest(home), ("spend", "credited_gmv", "direct_gmv", "roas_gmv", "roi_profit")
    query = f"""
        SELECT {", ".join(f"{name}::DOUBLE" for name in names)} FROM history.category_roi
        WHERE model = ? AND as_of = ? ORDER BY spend DESC"""
    for model in RULES:
        page.select_option("#model", model)
        shown = list(zip(*(values(page, "category_returns", name) for name in names), strict=True))
        expected = stored(home, query, model, day)
        assert len(shown) == len(expected) > 0
        for one, other in zip(shown, expected, strict=True):
            assert one == pytest.approx(other, abs=1e-4)
        query_of_all = "SELECT credited_gmv::DOUBLE FROM history.reconciliation WHERE model = ? AND as_of = ?"
        ((credited,),) = stored(home, query_of_all, model, day)
        (told,) = values(page, "totals", "credited_gmv")
        assert told == pytest.approx(credited)


def test_a_switch_of_the_date_shows_what_figures_were(page: Page, home: Home) -> None:
    now = values(page, "category_returns", "spend")
    assert page.locator(".figure .beside", has_text="较").count() > 0
    page.select_option("#as-of", str(newest(home) - DAYS_AGO))
    then = values(page, "category_returns", "spend")
    assert then == [pytest.approx(value / 2, abs=0.02) for value in now if value is not None]


def test_a_switch_of_the_language_says_the_same_in_english(page: Page) -> None:
    before = values(page, "note_returns", "spend")
    assert "类目与链路" in page.inner_text("nav")
    page.click("[data-language=en]")
    assert page.get_attribute("html", "lang") == "en"
    assert "Categories and lanes" in page.inner_text("nav")
    assert page.get_attribute("[data-language=en]", "aria-pressed") == "true"
    assert values(page, "note_returns", "spend") == before
    said = re.sub(r"[（(].*?[)）]", "", page.inner_text("section h2 >> nth=0"))
    assert not re.search("[\u4e00-\u9fff]", said)
    page.click("[data-language=zh]")
    assert page.get_attribute("html", "lang") == "zh-CN"


def test_a_table_sorts_by_a_click_and_back_by_another(page: Page) -> None:
    head = page.locator("[data-table=creator_returns] [data-sort=spend]")
    head.click()
    falling = values(page, "creator_returns", "spend")
    assert falling == sorted(falling, reverse=True, key=float)  # type: ignore[arg-type]
    assert page.locator("[data-table=creator_returns] th[aria-sort=descending]").count() == 1
    head.click()
    rising = values(page, "creator_returns", "spend")
    assert rising == sorted(rising, key=float)  # type: ignore[arg-type]
    assert page.evaluate("document.activeElement.dataset.sort") == "spend"


def test_unknown_values_are_dashes_and_come_last(page: Page) -> None:
    page.locator("[data-table=creator_returns] [data-sort=roas_gmv]").click()
    texts = column(page, "creator_returns", "roas_gmv")
    dashes = [text.startswith("—") for text in texts]
    assert any(dashes)
    assert dashes == sorted(dashes)


def test_filters_and_search_leave_what_fits(page: Page) -> None:
    page.locator("summary", has_text="未排名").click()
    apart = page.locator("[data-table=notes_apart]")
    everything = rows(page, "notes_apart").count()
    apart.locator("[data-filter=lane]").select_option(label="种草直达")
    assert set(column(page, "notes_apart", "lane")) == {"种草直达"}
    apart.locator("[data-filter=lane]").select_option(value="")
    assert rows(page, "notes_apart").count() == everything
    apart.locator("input[type=search]").fill("right to left")
    assert (
        rows(page, "notes_apart").count() + page.locator("[data-table=note_returns] tbody", has_text="right to").count()
        <= 1
    )
    apart.locator("input[type=search]").fill("nothing is called so")
    assert apart.inner_text().strip().endswith("没有数据")
    apart.locator("input[type=search]").fill("")


def test_hostile_titles_are_text(page: Page) -> None:
    page.locator("summary", has_text="未排名").click()
    while (more := page.locator("[data-table=notes_apart] .more")).count():
        more.click()
    shown = {text for name in ("note_returns", "notes_apart") for text in column_content(page, name, "title")}
    assert set(HOSTILE) <= shown
    assert page.locator("main b, main img").count() == 0


def column_content(page: Page, table: str, name: str) -> list[str]:
    return page.locator(f"[data-table={table}] tbody [data-column={name}]").all_text_contents()


def test_a_figure_tells_its_formula_on_hover(page: Page) -> None:
    for where in ("[data-table=category_returns] [data-sort=roas_gmv]", "[data-table=totals] .figure.lead .name"):
        page.hover(where)
        assert page.inner_text("#tip") == COLUMNS["roas_gmv"]
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_small_cells_are_hidden_and_say_why(page: Page) -> None:
    hidden = page.locator(".hidden-figure").first
    assert hidden.inner_text() == "—*"
    hidden.hover()
    assert "少于 10 人" in page.inner_text("#tip")


def test_what_may_still_change_looks_different(page: Page) -> None:
    open_ones = page.locator("[data-table=category_returns] tr", has_text="未成熟")
    assert open_ones.count() > 0
    assert open_ones.first.locator(".open-figure").count() > 0
    settled = page.locator("[data-table=creator_returns] tr", has_text="结算中").or_(
        page.locator("[data-table=creator_returns] tr", has_text="已成熟")
    )
    assert settled.locator(".open-figure").count() == 0


def test_a_ratio_of_a_total_is_that_of_the_sums(page: Page, home: Home) -> None:
    query = """
        SELECT sum(spend)::DOUBLE, sum(credited_gmv)::DOUBLE / sum(evidenced_spend)::DOUBLE FROM history.category_roi
        WHERE model = 'linear' AND as_of = ?"""
    expected = stored(home, query, newest(home))[0]
    foot = page.locator("[data-table=category_returns] tfoot")
    cells = [foot.locator(f"[data-column={name}]").get_attribute("data-value") for name in ("spend", "roas_gmv")]
    assert [float(cell or "nan") for cell in cells] == pytest.approx(list(expected))


def test_a_break_in_the_days_is_explained_on_the_chart(page: Page) -> None:
    for language, told in (("zh", "红京计划生效"), ("en", "The exchange with JD takes effect")):
        page.click(f"[data-language={language}]")
        page.locator("[data-chart=daily]").scroll_into_view_if_needed()
        page.locator("[data-chart=daily] svg text", has_text=told).wait_for()
        assert told in page.inner_text(".events")


def test_a_folded_table_opens_by_a_click(page: Page) -> None:
    table = page.locator("[data-table=vouchers] table")
    assert table.is_hidden()
    page.locator("summary", has_text="团购券").click()
    assert table.is_visible()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_overflows_and_everybody_can_read_it(page: Page, width: int, language: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 844})
    page.click(f"[data-language={language}]")
    for fold in page.locator("summary").all():
        fold.click()
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """width => [...document.querySelectorAll('main *')].filter(element => !element.closest('.scroll, svg')
            && element.getClientRects().length && element.getBoundingClientRect().right > width + 1)
            .map(element => element.outerHTML.slice(0, 200))""",
        width,
    )
    assert outside == []
    found = Axe().run(page)
    assert [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in found.response["violations"]] == []


@pytest.mark.slow
def test_it_prints(page: Page) -> None:
    drawn(page)
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator(".tools").first.is_hidden()
    assert page.locator(".chart svg").count() >= 4
    printed = page.pdf(format="A4", landscape=True)
    assert printed.startswith(b"%PDF")


def test_a_page_too_large_leaves_out_dates_and_the_week_ago_last(home: Home) -> None:
    content = newest_content(home)
    both, one = render(content), render(content, largest=1)
    assert len(one) < len(both)
    days = [content.dates[0] - timedelta(days=n) for n in range(10)]
    assert _by_need(days)[:3] == [days[0], days[7], days[1]]
    assert _by_need(days[:3]) == days[:3]


def test_a_brand_of_any_name_has_a_folder(tmp_path: Path) -> None:
    from datetime import date

    home, day = Home(tmp_path), date(2026, 9, 1)
    assert report_file(home, "红猫 & Co-1", day) == home.reports / "红猫 & Co-1" / "2026-09-01.html"
    strange = report_file(home, "../../etc", day)
    assert strange.parent.parent == home.reports
    assert strange.parent.name.startswith("______etc ")
    assert report_file(home, "A/B", day) != report_file(home, "A_B", day), "each brand has a folder of its own"
    assert report_file(home, " ", day).parent.parent == home.reports
    assert report_file(home, "花" * 300, day).parent.name.startswith("花" * 60)
    assert newest_file(home.reports) is None
