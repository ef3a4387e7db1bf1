"""Running the product as its users do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Redcat:
    """The command line with a home folder of its own."""

    home: Path

    def __call__(self, *arguments: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the home's parent folder; fails unless it ends with the status."""
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", *arguments],
            cwd=self.home.parent,
            env=os.environ
            | {"REDCAT_HOME": str(self.home), "PYTHONPATH": str(ROOT), "REDCAT_SETTLE_SECONDS": "0", "COLUMNS": "200"}
            | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture
def redcat(tmp_path: Path) -> Redcat:
    """The command line with an empty home."""
    return Redcat(tmp_path / "home")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Redcat:
    """The command line with a home in which the small demo has run; tests only read it."""
    redcat = Redcat(tmp_path_factory.mktemp("demo") / "home")
    redcat("demo", "--size", "s", "--no-week")
    return redcat


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium without a window; without one a test is skipped, and in CI it fails."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        message = "needs Chromium (apt-get install chromium fonts-wqy-microhei), which is not there"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
