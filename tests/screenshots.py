"""The README's pictures, taken of a home in which the demo has run: `python -m tests.screenshots HOME docs/images`.

Needs Debian's chromium, libreoffice-calc, poppler-utils and fonts-wqy-microhei.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from pipelines.home import Home
from pipelines.reports.formats import PAGE, WORKBOOK, write_report
from pipelines.reports.newest import newest_content

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DESK, PHONE = {"width": 1440, "height": 1010}, {"width": 390, "height": 844}
READY = "body[data-charts=drawn]"
SERVING = "Serving dagster-webserver on "
#: The sheets that are shown together: by the text that stands on them, how large a part of them is seen (in pixels),
#: and where it begins on the sheet, of which width.
SHEETS = (
    ("Morning report", 600, 620, (90, 110), 1210),
    ("图表 Charts", 760, 620, (55, 60), 862),
    ("类目回报 Returns by category", 1372, 250, (45, 50), 1462),
)
COMPOSED = """<style>
    body { margin: 14px; display: flex; flex-wrap: wrap; gap: 12px; background: #e9ecef; }
    div { background: #fff no-repeat; border-radius: 4px; box-shadow: 0 1px 3px #0003; }
</style>"""


def main() -> None:
    """Take all pictures."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("home", type=Path)
    given.add_argument("folder", type=Path)
    options = given.parse_args()
    home = Home(options.home.resolve())
    content = newest_content(home)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        of_page(browser, write_report(content, PAGE, home), options.folder)
        of_workbook(browser, write_report(content, WORKBOOK, home), options.folder)
        of_dagster(browser, home, options.folder)
        browser.close()


def of_page(browser: Browser, file: Path, folder: Path) -> None:
    """The page at a glance on a desk, and its beginning on a phone."""
    desk = browser.new_page(viewport=DESK, locale="zh-CN")
    desk.goto(file.as_uri())
    desk.wait_for_selector(READY)
    desk.locator("#glance").evaluate("section => window.scrollTo(0, section.offsetTop - 90)")
    desk.screenshot(path=folder / "page-glance.png")
    phone = browser.new_page(viewport=PHONE, device_scale_factor=2, locale="zh-CN")
    phone.goto(file.as_uri())
    phone.wait_for_selector(READY)
    phone.locator("#glance").evaluate("section => window.scrollTo(0, section.offsetTop - 16)")
    phone.screenshot(path=folder / "page-phone.png")


def of_workbook(browser: Browser, file: Path, folder: Path) -> None:
    """Three of the workbook's sheets, as LibreOffice prints them."""
    with tempfile.TemporaryDirectory() as scratch:
        profile = f"-env:UserInstallation=file://{scratch}/profile"
        convert = ["soffice", "--headless", profile, "--convert-to", "pdf", "--outdir", scratch, str(file)]
        subprocess.run(convert, check=True, capture_output=True)
        pdf = Path(scratch) / f"{file.stem}.pdf"
        pages = subprocess.run(["pdftotext", pdf, "-"], check=True, capture_output=True, text=True).stdout.split("\f")
        parts = []
        for text, width, height, (left, top), whole in SHEETS:
            wanted = re.sub(r"\s", "", text)
            number = next(n for n, page in enumerate(pages, start=1) if wanted in re.sub(r"\s", "", page))
            image = Path(scratch) / f"{number}"
            one = ["-f", str(number), "-l", str(number), "-singlefile"]
            subprocess.run(["pdftoppm", "-r", "170", "-png", *one, pdf, image], check=True)
            shown = f"width:{width}px;height:{height}px;background-image:url({image.as_uri()}.png)"
            placed = f"background-position:-{left}px -{top}px;background-size:{whole}px auto"
            parts.append(f'<div style="{shown};{placed}"></div>')
        composed = Path(scratch) / "composed.html"
        composed.write_text(COMPOSED + "".join(parts), encoding="utf-8")
        page = browser.new_page(viewport={"width": 1400, "height": 920})
        page.goto(composed.as_uri())
        page.screenshot(path=folder / "workbook.jpg", quality=85)


def of_dagster(browser: Browser, home: Home, folder: Path) -> None:
    """The page of an asset."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-m", "pipelines.definitions"]
    environment = {"DAGSTER_HOME": str(home.dagster), "REDCAT_HOME": str(home.root), "DAGSTER_DISABLE_TELEMETRY": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            assert server.stdout
            next(line for line in server.stdout if SERVING in line)
            page = browser.new_page(viewport={"width": 1280, "height": 1180}, locale="zh-CN")
            page.goto(f"http://127.0.0.1:{port}/assets/mart/category_roi")
            page.get_by_role("img", name="chart").wait_for()
            page.get_by_text("Columns", exact=True).first.click()  # folded, so that what is below is seen
            page.wait_for_timeout(1000)
            page.screenshot(path=folder / "dagster-asset.png")
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
