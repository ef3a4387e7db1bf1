"""Files are read one ahead: in their order, at most two at a time, each error in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.intake.ahead import ahead
from tests.pipelines.intake_files import csv_bytes, ingest, land, memory, orders

if TYPE_CHECKING:
    from pathlib import Path


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(ahead(map(str, range(5)))) == list("01234")
    assert list(ahead([])) == []


def test_no_more_than_the_next_one_is_worked_on() -> None:
    begun: list[int] = []
    results = ahead(map(begun.append, range(5)))
    next(results)
    results.close()  # waits for what has begun
    assert begun in ([0], [0, 1])


def test_an_error_is_raised_in_its_place() -> None:
    results = ahead(6 // divisor for divisor in [3, 0, 2])
    assert next(results) == 2
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_of_two_files_with_the_same_content_in_one_run_one_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    for name in ("a", "b", "c"):
        land(tmp_path, f"shop_conversions/{name}.csv", csv_bytes(orders(3)))
    reports = ingest(memory(), tmp_path, "shop_conversions")
    assert [(report.file, report.accepted) for report in reports] == [("shop_conversions/a.csv", 3)]
