"""Dagster's own interface in a real browser: what a marketer sees on the page of an asset."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipelines.charts import WIDTH
from pipelines.home import Home
from pipelines.reports.figures import written
from pipelines.reports.query import reading
from pipelines.settings import reports_url
from tests.pipelines.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.pipelines.conftest import Redcat

pytestmark = pytest.mark.slow
SERVING = "Serving dagster-webserver on "
ERRORS = ("GraphQL error", "An unexpected error", "Error loading", "Could not load", "is not available")


@pytest.fixture(scope="module")
def address(demo: Redcat) -> Iterator[str]:
    """Where Dagster's webserver answers, with the home of the small demo."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    webserver = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    command = [*webserver, "-m", "pipelines.definitions"]
    environment = {
        "DAGSTER_HOME": str(Home(demo.home).dagster),
        "REDCAT_HOME": str(demo.home),
        "PYTHONPATH": str(ROOT),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    with subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout
        said = []
        for line in server.stdout:  # it says so when it answers
            said.append(line)
            if SERVING in line:
                break
        else:
            pytest.fail("".join(said))
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        server.stdout.read()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that is as large as a marketer's; what goes wrong on it fails the test."""
    page = browser.new_page(viewport={"width": 1440, "height": 2600}, locale="zh-CN")
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    yield page
    text = page.inner_text("body")
    assert [error for error in ERRORS if error in text] == []
    assert told == []
    page.close()


def test_the_page_of_an_asset_tells_a_marketer_what_it_holds(demo: Redcat, address: str, page: Page) -> None:
    page.goto(f"{address}/assets/mart/category_roi")
    page.get_by_text("每个类目的回报").wait_for()
    page.get_by_text("What each category returned").wait_for()
    chart = page.get_by_role("img", name="chart")
    chart.wait_for()
    assert chart.evaluate("async image => { await image.decode(); return image.naturalWidth }") == WIDTH
    with reading(Home(demo.home)) as connection:
        first = connection.execute("""
            SELECT name_zh, spend, credited_gmv, roas_gmv, roas_net FROM mart.category_roi
            WHERE model = 'linear' ORDER BY spend DESC LIMIT 1""").fetchall()[0]
    table = page.locator("table").filter(has_text="归因GMV").last
    shown = table.locator("tbody tr").first.locator("td").all_inner_texts()
    kinds = ("text", "yuan", "yuan", "ratio", "ratio")
    assert shown == [written(value, kind) for value, kind in zip(first, kinds, strict=True)]
    assert page.get_by_text("归因GMV credited_gmv", exact=True).is_visible()
    assert page.get_by_role("link", name=reports_url()).first.get_attribute("href") == reports_url()


def test_numbers_of_an_asset_plot_over_time(address: str, page: Page) -> None:
    page.goto(f"{address}/assets/mart/category_roi")
    page.get_by_role("button", name="Plots").click()
    page.get_by_text("花费 spend").first.wait_for()
    page.locator("canvas").first.wait_for()


@pytest.mark.parametrize("asset", ["raw/notes", "core/touches", "core/journeys", "core/credits", "published/analyst"])
def test_assets_on_the_way_have_their_chart(address: str, page: Page, asset: str) -> None:
    page.goto(f"{address}/assets/{asset}")
    chart = page.get_by_role("img", name="chart")
    chart.wait_for()
    assert chart.evaluate("async image => { await image.decode(); return image.naturalWidth }") == WIDTH


def test_the_graph_reads_as_the_way_of_the_data(address: str, page: Page) -> None:
    page.goto(f"{address}/asset-groups")
    places = []
    for group in ("feeds", "core", "attribution", "marts", "published", "reports"):
        node = page.locator("svg").get_by_text(group, exact=True).first
        node.wait_for()
        places.append((node.bounding_box() or {"x": 0})["x"])
    assert places == sorted(places)
