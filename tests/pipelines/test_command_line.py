"""What a newcomer types, and mistypes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from tests.pipelines.conftest import Redcat

COMMANDS = ("demo", "run", "report", "check", "sql", "ui")


def test_help_names_every_command(redcat: Redcat) -> None:
    shown = redcat("--help").stdout
    for command in COMMANDS:
        assert command in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(redcat: Redcat, command: str) -> None:
    assert "Usage" in redcat(command, "--help").stdout
    assert not redcat.home.exists()


def test_help_loads_nothing_heavy(redcat: Redcat) -> None:
    import os
    import subprocess
    import sys

    code = "import sys; import pipelines.cli; print([m for m in ('dagster', 'duckdb', 'polars') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"


TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()

MISTAKES = {
    "no date": (("run", "--from", "soon"), "--from 'soon' is no date; write it as YYYY-MM-DD"),
    "impossible date": (("run", "--from", "2026-02-30"), "is no date"),
    "wrong order": (("run", "--from", "2026-09-02", "--to", "2026-09-01"), "lies before --from"),
    "today": (("run", "--from", str(TODAY), "--to", str(TODAY)), "has not ended in Shanghai yet"),
    "too early": (("run", "--landing", ".", "--from", "1999-01-01"), "lies before the first date"),
    "no folder": (("run", "--landing", "nowhere", "--from", "2026-09-01"), "the landing folder nowhere does not exist"),
    "no landing": (("run", "--from", "2026-09-01"), "does not exist; create it"),
    "nothing published": (("report",), "nothing is published"),
    "nothing to query": (("sql", "SELECT 1"), "nothing is published"),
    "no file": (("check", "nowhere.csv"), "the file nowhere.csv does not exist"),
    "no feed": (
        ("check", __file__, "--feed", "nothing"),
        "there is no feed 'nothing'; the feeds are exchange_note_daily",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_status_2(redcat: Redcat, mistake: str) -> None:
    arguments, message = MISTAKES[mistake]
    done = redcat(*arguments, status=2)
    assert message in done.stderr
    assert done.stderr.startswith("redcat: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_the_demo_does_not_touch_a_home_with_files_of_its_own(redcat: Redcat) -> None:
    own = redcat.home / "landing" / "notes" / "mine.csv"
    own.parent.mkdir(parents=True)
    own.write_text("note_id\n")
    done = redcat("demo", status=2)
    assert "holds data that is not the demo's" in done.stderr
    assert own.read_text() == "note_id\n"
    assert list(redcat.home.rglob("*.csv")) == [own]
