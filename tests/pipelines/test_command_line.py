"""What a newcomer types, and mistypes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import dagster
import duckdb
import pytest

from pipelines.cli import app, main
from pipelines.console import run_shown
from pipelines.home import Home
from pipelines.run import RunSummary
from pipelines.settings import SettingError
from tests.pipelines.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipelines.conftest import Redcat

COMMANDS = ("demo", "run", "report", "check", "sql", "ui", "attribute", "doctor")


def test_help_names_every_command(redcat: Redcat) -> None:
    shown = redcat("--help").stdout
    for command in COMMANDS:
        assert command in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(redcat: Redcat, command: str) -> None:
    assert "Usage" in redcat(command, "--help").stdout
    assert not redcat.home.exists()


def test_help_loads_nothing_heavy(redcat: Redcat) -> None:
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
    "no folder": (("run", "--landing", "nowhere", "--from", "2026-09-01"), "nowhere does not exist; create it"),
    "no landing": (("run", "--from", "2026-09-01"), "does not exist; create it"),
    "nothing published": (("report",), "nothing is published"),
    "nothing to query": (("sql", "SELECT 1"), "nothing is published"),
    "no file": (("check", "nowhere.csv"), "the file nowhere.csv does not exist"),
    "date by week": (("run", "--from", "2026-W36-1"), "--from '2026-W36-1' is no date; write it as YYYY-MM-DD"),
    "a folder": (("check", "."), "is a folder; name one of the files in it"),
    "no feed": (
        ("check", __file__, "--feed", "nothing"),
        "there is no feed 'nothing'; the feeds are ad_claims_daily, exchange_note_daily",
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


SETTINGS = {
    "scope": ("REDCAT_SCOPE", "foo", "set it to one of"),
    "first date": ("REDCAT_FIRST_DATE", "foo", "set it to a date, YYYY-MM-DD"),
    "settling": ("REDCAT_SETTLE_SECONDS", "nan", "set it to a number of seconds"),
    "home at a file": ("REDCAT_HOME", __file__, "is a file; set REDCAT_HOME to a folder"),
    "home below a file": ("REDCAT_HOME", f"{__file__}/home", f"but {__file__} is a file"),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("command", [("demo", "--size", "s"), ("run", "--to", "2026-09-01")])
def test_a_setting_that_cannot_be_used_is_one_line_and_nothing_starts(
    redcat: Redcat, command: tuple[str, ...], setting: str
) -> None:
    name, value, advice = SETTINGS[setting]
    done = redcat(*command, status=2, **{name: value})
    assert done.stderr.startswith(f"redcat: {name} is ")
    assert advice in done.stderr
    assert done.stderr.count("\n") == 1
    assert not redcat.home.exists()


def test_an_end_alone_is_a_range_of_one_date(redcat: Redcat, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setenv("REDCAT_HOME", str(redcat.home))
    monkeypatch.setattr("pipelines.console.run_shown", lambda _home, first, last: asked.append((first, last)))
    (redcat.home / "landing").mkdir(parents=True)
    for option in ("--to", "--from"):
        app(["run", option, "2026-09-01"], standalone_mode=False)
    assert asked == [(date(2026, 9, 1), date(2026, 9, 1))] * 2


@pytest.mark.parametrize("command", [("report",), ("sql", "SELECT 1")])
def test_a_damaged_published_file_is_one_line(redcat: Redcat, command: tuple[str, ...]) -> None:
    published = redcat.home / "published" / "analyst.duckdb"
    published.parent.mkdir(parents=True)
    published.write_bytes(b"damaged" * 1000)
    done = redcat(*command, status=2)
    assert done.stderr.startswith("redcat: ")
    assert "not a valid DuckDB database file" in done.stderr
    assert done.stderr.endswith("publish it anew with: redcat run\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "/d/a"), "/d/a: No space left on device"),
        (BlockingIOError("another run\nis at work"), "another run is at work"),
        (duckdb.IOException("IO Error:\nthe disk"), "IO Error: the disk"),
    ],
)
def test_what_goes_wrong_outside_the_program_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, line: str
) -> None:
    monkeypatch.setattr("pipelines.cli.app", Mock(side_effect=error))
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err == f"redcat: {line}\n"


def test_a_mistake_in_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.cli.app", Mock(side_effect=KeyError("column")))
    with pytest.raises(KeyError):
        main()


def test_an_interrupt_says_that_the_same_command_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["redcat", "check", __file__])
    monkeypatch.setattr("pipelines.intake.check.check_file", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert "Nothing is lost; the same command goes on" in capsys.readouterr().err


def test_an_interrupt_that_a_step_met_is_one_too(redcat: Redcat, monkeypatch: pytest.MonkeyPatch) -> None:
    met = dagster.DagsterExecutionInterruptedError
    told = RunSummary(failures=[f"raw__notes: {met.__module__}.{met.__name__}"])
    for ending in ({"return_value": told}, {"side_effect": met()}):
        monkeypatch.setattr("pipelines.run.run_range", Mock(**ending))
        with pytest.raises(KeyboardInterrupt):
            run_shown(Home(redcat.home), date(2026, 9, 1), date(2026, 9, 1))


def test_a_port_that_is_taken_is_one_line(redcat: Redcat) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = redcat("ui", "--port", str(port), status=2)
    assert done.stderr.startswith(f"redcat: port {port} cannot be used (Address already in use)")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_the_interface_loads_the_installed_package_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Mock()
    monkeypatch.setenv("REDCAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REDCAT_REPORTS_URL", "https://reports.example/")  # served elsewhere
    for name in ("DAGSTER_HOME", "PYTHONPATH", "PYTHONSAFEPATH"):
        monkeypatch.setenv(name, "")  # so that what is set is taken back
    monkeypatch.setattr("os.execv", asked)
    monkeypatch.chdir(tmp_path)
    app(["ui", "--port", "45999"], standalone_mode=False)
    arguments = asked.call_args.args[1]
    assert arguments[arguments.index("-d") + 1] == str(ROOT)
    assert "pipelines.definitions" in arguments
    # In a folder with other `pipelines`, what Dagster's processes import is still this package.
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "__init__.py").touch()
    code = [sys.executable, "-m", "pipelines.home"]
    assert subprocess.run(code, cwd=tmp_path, env=os.environ, check=False).returncode == 0


def test_a_secret_is_made_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDCAT_SECRET", raising=False)
    home = Home(tmp_path / "home")
    monkeypatch.setattr("os.fsync", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        home.secret()
    assert list(home.root.iterdir()) == []  # no part of a key is left under its name
    monkeypatch.undo()
    monkeypatch.delenv("REDCAT_SECRET", raising=False)
    key = home.secret()
    assert len(key) == 64
    assert home.secret() == key
    assert [path.name for path in home.root.iterdir()] == ["secret"]
    assert (home.root / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "\n", "a1b2c3"])
def test_a_secret_that_was_cut_short_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.delenv("REDCAT_SECRET", raising=False)
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "secret").write_text(content)
    with pytest.raises(SettingError, match="restore it from a backup; if no file was taken in with it yet, delete it"):
        Home(tmp_path).secret()


def test_the_demo_does_not_touch_a_home_with_files_of_its_own(redcat: Redcat) -> None:
    own = redcat.home / "landing" / "notes" / "mine.csv"
    own.parent.mkdir(parents=True)
    own.write_text("note_id\n")
    done = redcat("demo", status=2)
    assert "holds data that is not the demo's" in done.stderr
    assert own.read_text() == "note_id\n"
    assert list(redcat.home.rglob("*.csv")) == [own]
