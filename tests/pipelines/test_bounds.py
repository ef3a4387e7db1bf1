"""What a contract lets in, every table can carry: the largest amounts and counts, in every feed at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from data_contracts.contract import Field, contract, feeds
from pipelines.marts.tables import MARTS
from tests.pipelines.built import built
from tests.pipelines.test_recomputation import DAYS, FIRST, at, everything_landed, landed

if TYPE_CHECKING:
    from pathlib import Path

DAY, ROWS = 7, 3
LAST = FIRST + timedelta(DAYS - 1)
NUMBERS = ("BIGINT", "DECIMAL(18,2)")
# What ties the rows of the feeds together; of what a contract lists the first, of ids a number.
TIES = {"note_id": "n0", "brand": "b", "channel": "tmall", "currency": "CNY", "category": "lipstick", "line_no": "1",
        "status": "paid"}  # fmt: skip


def value(field: Field, number: int) -> object:
    if field.name in TIES:
        return TIES[field.name]
    if field.maximum is not None:
        return f"{field.maximum:.0f}"
    if field.enum:
        return next(iter(field.enum))
    kinds = {"TIMESTAMPTZ": at(DAY, f"20:00:0{number}"), "DATE": at(DAY)[:10], "BOOLEAN": "true", "VARCHAR[]": "p1"}
    return kinds.get(field.physical_type, str(number + 1))


def rows(feed: str) -> list[dict[str, Any]]:
    fields = [field for field in contract(feed).fields if field.name != "exported_at"]
    return [{field.name: value(field, number) for field in fields} for number in range(ROWS)]


@pytest.mark.parametrize("feed", feeds())
def test_every_number_of_a_feed_has_a_largest_value(feed: str) -> None:
    numbers = [f for f in contract(feed).fields if f.physical_type in NUMBERS and not f.name.endswith("_key")]
    assert [field.name for field in numbers if field.maximum is None or field.minimum is None] == []


def test_the_largest_values_of_all_feeds_are_carried_by_every_mart(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    everything_landed(tmp_path)
    for feed in feeds():
        landed(tmp_path, feed, "largest.csv", rows(feed))
    # Refunds of one order add up to more than any of them may be.
    landed(
        tmp_path, "refunds", "again.csv", [row | {"refund_id": f"again{n}"} for n, row in enumerate(rows("refunds"))]
    )
    connection = built(tmp_path, FIRST, LAST, *(mart.name for mart in MARTS))
    largest = "SELECT feed, accepted, quarantined, message FROM ops.files WHERE file LIKE '%largest%'"
    stored = {feed: told for feed, *told in connection.execute(largest).fetchall()}
    assert {feed for feed, (accepted, *_) in stored.items() if accepted} == set(feeds()), stored
    gmv, attributed = connection.execute(
        "SELECT total_gmv, credited_gmv + unattributed_gmv FROM mart.reconciliation WHERE model = 'linear'"
    ).fetchall()[0]
    assert gmv == attributed > ROWS * 10**10, "they are sales"
