"""Counts since publication become counts by day, by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.core.views import bounds
from tests.pipelines.built import built
from tests.pipelines.intake_files import csv_bytes, land

if TYPE_CHECKING:
    from pathlib import Path

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
COUNT = {"note_id": "n1", "source": "pugongying", "is_cumulative": "true", "exported_at": "2026-10-01 06:00:00"}
NOTE = {"note_id": "n1", "brand": "b", "lane": "seeding", "published_at": "2026-09-03 20:00:00",
        "exported_at": "2026-10-01 06:00:00"}  # fmt: skip


def counted(
    landing: Path, monkeypatch: pytest.MonkeyPatch, *snapshots: dict[str, Any], note: bool = True
) -> list[dict[str, Any]]:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    land(
        landing,
        "note_metrics_daily/c.csv",
        csv_bytes([COUNT | {"impressions": None, "reads": None, "likes": None} | s for s in snapshots]),
    )
    if note:
        land(landing, "notes/n.csv", csv_bytes([NOTE]))
    connection = built(landing, FIRST, LAST, "note_daily")
    return connection.sql("FROM mart.note_daily ORDER BY business_date, part").pl().to_dicts()


def test_what_came_between_two_snapshots_is_not_spread_over_the_days_between(tmp_path: Path, monkeypatch) -> None:
    rows = counted(
        tmp_path, monkeypatch,
        {"metric_date": "2026-09-05", "impressions": "1000"},
        {"metric_date": "2026-09-06", "impressions": "1500"},
        {"metric_date": "2026-09-10", "impressions": "1900"},
    )  # fmt: skip
    assert [(row["covers_from"], row["business_date"], row["days"], row["impressions"]) for row in rows] == [
        (date(2026, 9, 3), date(2026, 9, 5), 3, 1000),
        (date(2026, 9, 6), date(2026, 9, 6), 1, 500),
        (date(2026, 9, 7), date(2026, 9, 10), 4, 400),
    ]
    assert sum(row["impressions"] for row in rows) == 1900, "the differences add up to the last count"


def test_a_difference_below_zero_is_kept_and_flagged(tmp_path: Path, monkeypatch) -> None:
    rows = counted(
        tmp_path, monkeypatch,
        {"metric_date": "2026-09-05", "likes": "30", "impressions": "9"},
        {"metric_date": "2026-09-06", "likes": "27", "impressions": "9"},
        {"metric_date": "2026-09-07", "likes": "40", "impressions": "9"},
    )  # fmt: skip
    assert [(row["likes"], row["impressions"], row["fell"]) for row in rows] == [
        (30, 9, []), (-3, 0, ["likes"]), (13, 0, []),
    ]  # fmt: skip


def test_an_interval_stays_an_interval(tmp_path: Path, monkeypatch) -> None:
    rows = counted(
        tmp_path, monkeypatch,
        {"metric_date": "2026-09-05", "reads": "<100"},
        {"metric_date": "2026-09-06", "reads": "150"},
        {"metric_date": "2026-09-07", "reads": "160"},
    )  # fmt: skip
    assert [(row["reads"], row["reads_lower"], row["reads_upper"]) for row in rows] == [
        (None, 0, 99), (None, 51, 150), (10, 10, 10),
    ]  # fmt: skip
    assert [row["fell"] for row in rows] == [[], [], []]


def test_a_snapshot_without_a_figure_leaves_a_gap_in_that_figure_alone(tmp_path: Path, monkeypatch) -> None:
    rows = counted(
        tmp_path, monkeypatch,
        {"metric_date": "2026-09-05", "reads": "10", "impressions": "100"},
        {"metric_date": "2026-09-06", "impressions": "200"},
        {"metric_date": "2026-09-07", "reads": "25", "impressions": "300"},
    )  # fmt: skip
    found = [(row["business_date"].day, row["days"], row["impressions"], row["reads"]) for row in rows]
    assert sorted(found, key=str) == sorted(
        [(5, 3, 100, 10), (6, 1, 100, None), (7, 1, 100, None), (7, 2, None, 15)], key=str
    )


def test_daily_counts_stay_and_the_first_snapshot_of_an_unknown_note_covers_nobody_knows_what(
    tmp_path: Path, monkeypatch
) -> None:
    rows = counted(
        tmp_path, monkeypatch,
        {"metric_date": "2026-09-05", "part": "ads", "is_cumulative": "false", "impressions": "10"},
        {"metric_date": "2026-09-09", "part": "ads", "is_cumulative": "false", "impressions": "7"},
        {"metric_date": "2026-09-09", "part": "all", "impressions": "99"},
        note=False,
    )  # fmt: skip
    assert [(row["part"], row["covers_from"], row["days"], row["impressions"]) for row in rows] == [
        ("ads", date(2026, 9, 5), 1, 10),
        ("ads", date(2026, 9, 9), 1, 7),
        ("all", None, None, 99),
    ]


def test_a_count_that_moved_from_one_run_to_the_next_is_restated(tmp_path: Path, monkeypatch) -> None:
    counted(tmp_path, monkeypatch, {"metric_date": "2026-09-05", "impressions": "1000"})
    connection = built(tmp_path, FIRST, LAST - timedelta(days=1), "note_daily")
    later = COUNT | {"metric_date": "2026-09-05", "impressions": "1200", "exported_at": "2026-10-02 06:00:00"}
    land(tmp_path, "note_metrics_daily/later.csv", csv_bytes([later]))
    built(tmp_path, LAST, LAST, "note_daily", "restatements", into=connection)
    query = "SELECT note_id, was, became, currency FROM mart.restatements WHERE figure = 'impressions'"
    assert connection.execute(query).fetchall() == [("n1", 1000, 1200, None)]


@pytest.mark.parametrize(
    ("figure", "stated", "expected"),
    [
        (None, ["likes<100"], (0, 99)),
        (7, ["likes<100"], (7, 7)),
        (None, ["shares<10", "likes<" + "9" * 18], (0, 10**18 - 2)),
        (None, None, (None, None)),
        *[
            (None, [text], (None, None))
            for text in ("likes<", "likes<abc", "likes<1e9", "likes<" + "9" * 20, f"likes<{-(2**63)}", "<5", "likes 5")
        ],
    ],
)
def test_what_states_no_interval_says_nothing_of_a_figure(figure, stated, expected) -> None:
    query = f"SELECT {', '.join(bounds('likes'))} FROM (SELECT ?::BIGINT AS likes, ?::VARCHAR[] AS censored)"
    assert duckdb.execute(query, [figure, stated]).fetchone() == expected
