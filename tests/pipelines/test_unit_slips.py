"""A slip of the unit shows against the days before, whichever way it went; what sells better does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.content_checks import CONTENT_CHECKS
from pipelines.row_checks import row_check_results
from tests.pipelines.intake_files import ORDER, csv_bytes, ingest, land, memory

if TYPE_CHECKING:
    from pathlib import Path

    import dagster as dg

LAST = date(2026, 9, 20)


def of_day(days_before: int, yuan: float, *, rows: int = 10, **values: str) -> list[dict[str, Any]]:
    """Orders of a day that cost about so much."""
    day = f"{LAST - timedelta(days=days_before)}"
    same = ORDER | {"paid_at": f"{day} 10:00:00", "exported_at": "2026-09-21 06:00:00"} | values
    return [
        same | {"order_id": f"{same['channel']} {day} {n}", "paid_amount": f"{yuan * (1 + n / 100):.2f}"}
        for n in range(rows)
    ]


def found(landing: Path, *files: list[dict[str, Any]]) -> dg.AssetCheckResult:
    for number, rows in enumerate(files):
        land(landing, f"shop_conversions/{number}.csv", csv_bytes(rows))
    connection = memory()
    ingest(connection, landing, "shop_conversions")
    (result,) = row_check_results(connection, "raw.shop_conversions", CONTENT_CHECKS["shop_conversions"])
    return result


HISTORY = [row for days_before in range(1, 10) for row in of_day(days_before, 100.0)]


@pytest.mark.parametrize("yuan", [1.0, 10.0, 1_000.0, 10_000.0, 1_500.0])
def test_amounts_off_by_a_power_of_ten_are_named(tmp_path: Path, yuan: float) -> None:
    result = found(tmp_path, HISTORY, of_day(0, yuan))
    assert not result.passed
    assert result.metadata["rows"].value == 10
    assert "2026-09-20 tmall CNY of shop_conversions" in result.description
    assert "usually 104.50" in result.description
    assert "unit: fen" in result.description


@pytest.mark.parametrize(
    "rows",
    {
        "as ever": of_day(0, 100.0),
        "a sale of three times the price": of_day(0, 300.0),
        "too few rows to tell": of_day(0, 10_000.0, rows=9),
        "a channel without a history": of_day(0, 10_000.0, channel="jd"),
        "another currency": of_day(0, 10_000.0, currency="JPY"),
        "nothing was paid": of_day(0, 0.0, rows=1) * 20,
    }.items(),
    ids=lambda pair: pair[0],
)
def test_other_days_are_left_alone(tmp_path: Path, rows: tuple[str, list[dict[str, Any]]]) -> None:
    assert found(tmp_path, HISTORY, rows[1]).passed


def test_a_short_history_tells_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, HISTORY[:60], of_day(0, 10_000.0)).passed


def test_it_is_gone_with_the_corrected_file(tmp_path: Path) -> None:
    corrected = [row | {"exported_at": "2026-09-21 07:00:00"} for row in of_day(0, 100.0)]
    assert found(tmp_path, HISTORY, of_day(0, 10_000.0), corrected).passed


def test_every_check_of_contents_passes_where_there_is_nothing() -> None:
    connection = memory()
    for feed, checks in CONTENT_CHECKS.items():
        assert all(result.passed for result in row_check_results(connection, f"raw.{feed}", checks))
