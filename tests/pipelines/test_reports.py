"""What is printed of the published warehouse, of a run, and kept for the asset graph."""

from __future__ import annotations

import json
import re
import time
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pytest
from rich.cells import cell_len

from pipelines.console import SHOWN_PROBLEMS, print_summary
from pipelines.event_log import OPEN_SHARDS, OpenSqliteEventLogStorage
from pipelines.home import Home
from pipelines.reports.query import BATCH, QueryError, print_query
from pipelines.reports.terminal import WIDEST_LABEL, print_report
from pipelines.run import RunSummary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TITLE = "换季维稳精华怎么选"
NOTES = [("66f0a1b2c3d4e5f60718293a", TITLE), ("66f0a1b2c3d4e5f60718293b", TITLE), ("n3", None), (None, None)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which the returns of two notes of one title, of one without a title and of none are published."""
    home = Home(tmp_path / "home").create()
    with duckdb.connect(home.published) as connection:
        connection.execute("""
            CREATE SCHEMA mart; CREATE SCHEMA raw; CREATE SCHEMA core;
            CREATE TABLE raw.notes (brand VARCHAR); CREATE TABLE core.conversions (brand VARCHAR);
            CREATE TABLE mart.note_roi (note_id VARCHAR, title VARCHAR, currency VARCHAR, model VARCHAR,
                spend DECIMAL(18,2), evidenced_spend DECIMAL(18,2), credited_gmv DECIMAL(18,2), lanes VARCHAR,
                as_of DATE, window_set VARCHAR, scope VARCHAR);
            CREATE TABLE mart.reconciliation (model VARCHAR, currency VARCHAR, credited_gmv DECIMAL(18,2),
                unattributed_gmv DECIMAL(18,2), total_gmv DECIMAL(18,2), total_refunds DECIMAL(18,2))""")
        for note in NOTES:
            row = [*note, "CNY", "linear", 10, 10, 20, "live", "2026-09-01", "v1", "brand"]
            connection.execute(f"INSERT INTO mart.note_roi VALUES ({', '.join('?' * len(row))})", row)
        connection.execute("INSERT INTO mart.reconciliation VALUES ('linear', 'CNY', 80, 0, 80, 0)")
    return home


def test_notes_of_one_title_are_told_apart_by_their_whole_id(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    print_report(home, level="note", model="linear", limit=20)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for note_id, title in NOTES[:2]:
        (line,) = (line for line in lines if str(note_id) in line)
        (label,) = re.findall(rf"^\S.* · {note_id}", line)
        assert label[:3] == str(title)[:3]
        assert cell_len(label) <= WIDEST_LABEL
    assert sum(line.startswith("n3 ") for line in lines) == 1
    assert sum(line.startswith("无笔记 No note ") for line in lines) == 1


@pytest.mark.parametrize("style", ["table", "csv", "json"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_instants_are_printed_in_utc_whatever_the_zone_of_the_machine(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], zone: str, style: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        print_query(home, "SELECT TIMESTAMPTZ '2026-09-01 00:00:00+08' AS at", style=style, limit=10)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "2026-08-31 16:00:00+00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "the query is empty"),
        (" -- nothing\n;", "the query is empty"),
        ("SELECT 1; SELECT 2", "the query holds 2 statements, and one is run at a time"),
        ("SELEC 1", "syntax error"),
        ("CREATE TABLE t (a INT)", "read-only"),
        ("FROM read_text('/etc/passwd')", "disabled"),
        ("SET TimeZone = 'Asia/Shanghai'", "locked"),
    ],
)
@pytest.mark.parametrize("style", ["table", "csv"])
def test_what_is_not_one_query_is_refused(home: Home, query: str, message: str, style: str) -> None:
    with pytest.raises(QueryError, match=message) as refusal:
        print_query(home, query, style=style, limit=10)
    assert "\n" not in str(refusal.value)


def test_an_answer_of_several_batches_is_whole(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    query, rows = f"SELECT i, ';' AS mark FROM range({2 * BATCH + 1}) t(i) ORDER BY i;", 2 * BATCH + 1
    print_query(home, query, style="csv", limit=10)
    assert capsys.readouterr().out.splitlines() == ["i,mark", *(f"{i},;" for i in range(rows))]
    print_query(home, query, style="json", limit=10)
    assert [json.loads(line)["i"] for line in capsys.readouterr().out.splitlines()] == list(range(rows))


def test_an_empty_answer_still_has_its_columns(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    print_query(home, "SELECT 1 AS a WHERE false", style="csv", limit=10)
    assert capsys.readouterr().out == "a\n"


DAY = date(2026, 9, 1)
COUNTS = ("files", "rows read", "rows accepted", "rows duplicate", "rows quarantined")


def intake(**files: int) -> dict[str, dict[str, int]]:
    """The figures of feeds, each file with one row."""
    return {feed: dict(zip(COUNTS, (n, n, n, 0, 0), strict=True)) for feed, n in files.items()}


def test_feeds_without_new_files_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(RunSummary(intake=intake(notes=2, refunds=0)), DAY, DAY)
    shown = capsys.readouterr().out
    assert "notes" in shown
    assert "refunds" not in shown
    print_summary(RunSummary(intake=intake(notes=0)), DAY, DAY)
    assert capsys.readouterr().out == "Intake, 2026-09-01 to 2026-09-01: no new files\n"


@pytest.mark.parametrize(("kind", "place"), [("problems", "FROM ops.files"), ("warnings", "redcat ui")])
def test_what_is_not_shown_is_said_where_it_stands(capsys: pytest.CaptureFixture[str], kind: str, place: str) -> None:
    found = [f"f{n}" if kind == "problems" else (f"a{n}", "odd") for n in range(SHOWN_PROBLEMS + 3)]
    print_summary(RunSummary(**{kind: found}), DAY, DAY)
    last = capsys.readouterr().out.splitlines()[-1]
    assert "… and 3 more" in last
    assert place in last


@pytest.fixture
def event_log(tmp_path: Path) -> Iterator[OpenSqliteEventLogStorage]:
    """An event log of its own."""
    storage = OpenSqliteEventLogStorage(str(tmp_path))
    yield storage
    storage.dispose()


def test_the_event_log_keeps_few_databases_open(event_log: OpenSqliteEventLogStorage) -> None:
    for run in range(3 * OPEN_SHARDS):
        assert event_log.get_logs_for_run(f"run{run}") == []
        assert event_log.get_logs_for_run("run0") == []
    assert len(event_log._engines) == OPEN_SHARDS
    assert "run0" in event_log._engines
