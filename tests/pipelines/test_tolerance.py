"""When too many rows are quarantined, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.checks import TOLERANCE, check_results
from tests.pipelines.intake_files import csv_bytes, ingest, land, memory, orders

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

FEED = "shop_conversions"
BROKEN = csv_bytes(orders(20, paid_at="1970-01-01 12:00:00"))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


def passes(connection: duckdb.DuckDBPyConnection, landing: Path) -> bool:
    found = {result.check_name: result for result in check_results(connection, FEED, ingest(connection, landing, FEED))}
    return found[TOLERANCE].passed


def test_a_broken_file_counts_until_one_of_its_name_has_taken_its_place(tmp_path: Path) -> None:
    connection = memory()
    land(tmp_path, f"{FEED}/a.csv", BROKEN)
    assert not passes(connection, tmp_path)
    assert not passes(connection, tmp_path), "no new file has come"
    land(tmp_path, f"{FEED}/b.csv", csv_bytes(orders(3)))
    assert not passes(connection, tmp_path)
    land(tmp_path, f"{FEED}/a.csv", csv_bytes(orders(5)))
    assert passes(connection, tmp_path)
    land(tmp_path, f"{FEED}/a.csv", BROKEN + b"\n")
    assert not passes(connection, tmp_path)


def test_a_broken_file_counts_no_more_beside_as_many_good_rows(tmp_path: Path) -> None:
    connection = memory()
    land(tmp_path, f"{FEED}/a.csv", BROKEN)
    land(tmp_path, f"{FEED}/b.csv", csv_bytes(orders(20)))
    assert passes(connection, tmp_path)
