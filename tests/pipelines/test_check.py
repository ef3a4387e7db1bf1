"""Checking a file explains what would become of it, and says the same as taking it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipelines.intake.check import check_file
from tests.pipelines.intake_files import IMPRESSION, RAW_ID, csv_bytes, ingest, land, memory, orders, parquet_bytes

if TYPE_CHECKING:
    from pathlib import Path


def test_it_counts_what_taking_the_file_in_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    rows = [*orders(3), orders(1)[0], *orders(1, paid_amount="-1")]
    path = land(tmp_path, "shop_conversions/a.csv", csv_bytes(rows))
    found = check_file(path)
    (report,) = ingest(memory(), tmp_path, "shop_conversions")
    assert (found.feed, found.rows, found.accepted, found.duplicate, found.quarantined) == (
        "shop_conversions", report.rows_read, report.accepted, report.duplicate, report.quarantined,
    )  # fmt: skip
    assert (found.accepted, found.duplicate, found.quarantined) == (3, 1, 1)
    assert [row for row, _ in found.reasons] == [6]
    assert not found.sound


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_feed_is_recognised_by_the_headers(tmp_path: Path, suffix: str) -> None:
    content = {"csv": csv_bytes([IMPRESSION]), "parquet": parquet_bytes(pl.DataFrame([IMPRESSION]))}[suffix]
    assert check_file(land(tmp_path, f"a.{suffix}", content)).feed == "note_impressions"


def test_the_nearest_feed_and_header_are_named(tmp_path: Path) -> None:
    row = {"order_idx" if k == "order_id" else k: v for k, v in orders(1)[0].items()}
    found = check_file(land(tmp_path, "a.csv", csv_bytes([row])))
    assert found.refused
    assert "The nearest is shop_conversions, which also needs order_id (perhaps 'order_idx')" in found.message
    assert "--feed" in found.message
    named = check_file(tmp_path / "a.csv", "shop_conversions")
    assert "1 required column is missing: order_id" in named.message


def test_headers_that_are_data_are_not_repeated(tmp_path: Path) -> None:
    found = check_file(land(tmp_path, "a.csv", f"{RAW_ID},2026-09-01\n".encode()))
    assert "none of its 2 headers is known" in found.message
    assert RAW_ID not in found.message


def test_unknown_references_and_headers_are_notes(tmp_path: Path) -> None:
    found = check_file(land(tmp_path, "a.csv", csv_bytes(orders(2, category="spaceships", gift="yes"))))
    assert found.sound
    assert found.warnings[0] == "headers not used: gift"
    assert (
        "category: 2 rows have 1 values that reference.categories.category does not hold ('spaceships')"
        in (found.warnings[1])
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "empty (0 bytes)"),
        ("a.pdf", b"x", "format '.pdf' is not known"),
        ("a.parquet", b"PAR1", "truncated"),
        ("none.csv", None, "cannot be opened (No such file or directory)"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name if content is None else land(tmp_path, name, content)
    for feed in (None, "notes"):
        found = check_file(path, feed)
        assert found.refused
        assert message in found.message


def test_an_unknown_feed_is_told_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"no feed 'orders'; the feeds are"):
        check_file(tmp_path, "orders")


def test_a_mapping_that_needs_other_files_names_them(tmp_path: Path) -> None:
    found = check_file(land(tmp_path, "campaigns.csv", b"campaign_id,household_id\n1,2\n"))
    assert "needs campaign_descriptions.parquet too; land it beside this one" in found.message


def test_plain_values(tmp_path: Path) -> None:
    plain = check_file(land(tmp_path, "a.csv", csv_bytes(orders(1, paid_amount="x")))).as_dict()
    assert plain["reasons"][0]["row"] == 2
    assert plain["quarantined"] == 1
