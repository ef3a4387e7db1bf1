"""README claims only what a reader can reproduce."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.pipelines.conftest import Redcat

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COLUMNS = "130"


def block() -> str:
    """The output that README shows."""
    found = re.search(r"\n```\n(.*?)\n```\n", README, flags=re.S)
    assert found is not None
    return found[1]


def unspaced(text: str) -> list[str]:
    """The lines of a table, however wide its columns are."""
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


@pytest.mark.slow
def test_the_demo_prints_the_table_that_readme_shows(redcat: Redcat) -> None:
    shown = unspaced(redcat("demo", COLUMNS=COLUMNS).stdout)
    assert [line for line in unspaced(block()) if line not in shown] == []


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_to_a_file(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("target", re.findall(r"^    make ([a-z-]+)", README, flags=re.M))
def test_every_make_target_exists_and_explains_itself(target: str) -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^  make {target} +\S", shown, flags=re.M)


def test_ci_calls_the_test_command_of_the_readme() -> None:
    assert "make test\n" in (ROOT / ".ci" / "run").read_text()
    assert "make test " in README
