"""Rows of touches are forgotten where an installation wishes it, and no figure changes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.settings import SettingError, kept_raw_days
from tests.pipelines.built import built
from tests.pipelines.test_recomputation import DAYS, FIRST, at, at_home, everything_landed, landed, run, state

if TYPE_CHECKING:
    from pathlib import Path

KEPT = 10
LAST = FIRST + timedelta(DAYS - 1)
LATE = {"note_id": "n0", "user_id": "u1"}


def asked(home: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(home / "published" / "analyst.duckdb", read_only=True) as connection:
        return connection.execute(query).fetchall()


def figures(home: Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows for table, rows in state(home).items() if table != "raw.note_impressions"}


def test_the_number_of_days_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept_raw_days() is None
    monkeypatch.setenv("REDCAT_KEEP_RAW_DAYS", "400")
    assert kept_raw_days() == 400
    monkeypatch.setenv("REDCAT_KEEP_RAW_DAYS", "0")
    with pytest.raises(SettingError, match="REDCAT_KEEP_RAW_DAYS is '0'"):
        kept_raw_days()


def test_a_click_stays_on_the_closed_day_on_which_it_stands(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    click = {"note_id": "n0", "user_id": "u1", "click_id": "c"}
    landed(tmp_path, "link_clicks", "a.csv", [click | {"occurred_at": at(3)}])
    connection = built(tmp_path, FIRST, LAST)
    connection.execute("INSERT INTO ops.closed_days VALUES (?)", [FIRST + timedelta(3)])
    moved = [click | {"click_id": name, "occurred_at": at(9)} for name in ("c", "d")]
    landed(tmp_path, "link_clicks", "b.csv", moved)
    built(tmp_path, LAST, LAST, into=connection)
    touched = connection.execute("SELECT click_id, touch_date FROM core.touches ORDER BY ALL").fetchall()
    assert touched == [("c", FIRST + timedelta(3)), ("d", FIRST + timedelta(9))]
    told = "SELECT accepted, ignored, message FROM ops.files WHERE file = 'link_clicks/b.csv'"
    ((accepted, ignored, message),) = connection.execute(told).fetchall()
    assert (accepted, ignored) == (1, 1)
    assert "1 row left out: its day is closed" in message


@pytest.mark.slow
def test_figures_stay_when_the_rows_that_they_were_made_of_are_forgotten(tmp_path: Path, monkeypatch) -> None:
    whole = at_home(tmp_path / "whole", monkeypatch)
    everything_landed(whole / "landing")
    landed(whole / "landing", "note_impressions", "in_time.csv", [LATE | {"occurred_at": at(DAYS - 3, "01:02:03")}])
    run(whole, 0, DAYS - 1)
    expected = figures(whole)

    home = at_home(tmp_path / "home", monkeypatch)
    monkeypatch.setenv("REDCAT_KEEP_RAW_DAYS", str(KEPT))
    everything_landed(home / "landing")
    run(home, 0, DAYS - 1)
    first_kept = FIRST + timedelta(DAYS - KEPT)
    assert asked(home, "SELECT min(_date) FROM raw.note_impressions") == [(first_kept,)]
    assert asked(home, "SELECT max(business_date) FROM ops.closed_days") == [(first_kept - timedelta(1),)]

    late = [LATE | {"occurred_at": at(day, "01:02:03")} for day in (DAYS - 3, 5)]
    landed(home / "landing", "note_impressions", "later.csv", late)
    run(home, 0, DAYS - 1)  # all days again, also those that are closed
    assert figures(home) == expected
    told = asked(home, "SELECT rows_read, accepted, ignored, message FROM ops.files WHERE file LIKE '%later.csv'")
    assert [row[:3] for row in told] == [(2, 1, 1)]
    assert "1 row left out: its day is closed" in str(told[0][3])
    assert asked(home, "SELECT count(*) FROM ops.outdated WHERE asset = 'touches'") == [(0,)]
    assert asked(home, "SELECT min(touch_date) FROM core.touches") == [(date(2026, 9, 1),)]
