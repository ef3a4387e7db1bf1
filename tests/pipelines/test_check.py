"""Checking a file explains what would become of it, and says the same as taking it in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipelines.intake.check import CheckResult, check_file
from pipelines.reports.checked import print_check
from tests.pipelines.intake_files import IMPRESSION, RAW_ID, csv_bytes, ingest, land, memory, orders, parquet_bytes

if TYPE_CHECKING:
    from pathlib import Path


def check_one(path: Path, feed: str | None = None) -> CheckResult:
    """The result of a file that becomes one feed."""
    (result,) = check_file(path, feed)
    return result


def test_it_counts_what_taking_the_file_in_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    rows = [*orders(3), orders(1)[0], *orders(1, paid_amount="-1")]
    path = land(tmp_path, "shop_conversions/a.csv", csv_bytes(rows))
    found = check_one(path)
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
    assert check_one(land(tmp_path, f"a.{suffix}", content)).feed == "note_impressions"


def test_the_nearest_feed_and_header_are_named(tmp_path: Path) -> None:
    row = {"order_idx" if k == "order_id" else k: v for k, v in orders(1)[0].items()}
    found = check_one(land(tmp_path, "a.csv", csv_bytes([row])))
    assert found.refused
    assert "The nearest is shop_conversions, which also needs order_id (perhaps 'order_idx')" in found.message
    assert "--feed" in found.message
    named = check_one(tmp_path / "a.csv", "shop_conversions")
    assert "1 required column is missing: order_id" in named.message


def test_headers_that_are_data_are_not_repeated(tmp_path: Path) -> None:
    found = check_one(land(tmp_path, "a.csv", f"{RAW_ID},2026-09-01\n".encode()))
    assert "none of its 2 headers is known" in found.message
    assert RAW_ID not in found.message


def test_unknown_references_and_headers_are_notes(tmp_path: Path) -> None:
    found = check_one(land(tmp_path, "a.csv", csv_bytes(orders(2, category="spaceships", gift="yes"))))
    assert found.sound
    assert found.warnings[0] == "headers not used: gift"
    assert (
        "category: 2 rows have 1 value that reference.categories.category does not hold ('spaceships')"
        in (found.warnings[1])
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "empty (0 bytes)"),
        ("a.pdf", b"x", "format '.pdf' is not known"),
        ("a.parquet", b"PAR1", "truncated"),
        ("a.csv.part", b"note_id", "its name ends in .part, so its transfer is not finished"),
        ("none.csv", None, "cannot be opened (No such file or directory)"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name if content is None else land(tmp_path, name, content)
    for feed in (None, "notes"):
        found = check_one(path, feed)
        assert found.refused
        assert message in found.message


def test_an_unknown_feed_is_told_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"no feed 'orders'; the feeds are"):
        check_file(tmp_path, "orders")


def test_a_mapping_that_needs_other_files_names_them(tmp_path: Path) -> None:
    found = check_one(land(tmp_path, "campaigns.csv", b"campaign_id,household_id\n1,2\n"))
    assert "needs campaign_descriptions.parquet too; land it beside this one" in found.message


def test_plain_values(tmp_path: Path) -> None:
    plain = check_one(land(tmp_path, "a.csv", csv_bytes(orders(1, paid_amount="x")))).as_dict()
    assert plain["reasons"][0]["row"] == 2
    assert plain["quarantined"] == 1


def test_a_file_that_serves_to_be_joined_says_to_which(tmp_path: Path) -> None:
    found = check_one(land(tmp_path, "products.parquet", parquet_bytes(pl.DataFrame({"product_id": ["1"]}))))
    assert found.sound
    assert "1 mapping joins it to another file: completejourney_transactions_sample" in found.message
    # One that cannot be read is refused whatever it is for.
    assert check_one(land(tmp_path, "products.parquet", b"PAR1")).refused


TRANSACTION = {
    "household_id": "900", "basket_id": "31198570044", "product_id": "1095275", "quantity": "1", "sales_value": "0.5",
    "coupon_disc": "0", "transaction_timestamp": "2017-01-01 11:53:26",
}  # fmt: skip


def test_a_file_that_becomes_several_feeds_is_judged_for_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = land(tmp_path, "transactions_sample.parquet", parquet_bytes(pl.DataFrame([TRANSACTION])))
    land(
        tmp_path,
        "products.parquet",
        parquet_bytes(pl.DataFrame({"product_id": ["1095275"], "department": ["GROCERY"]})),
    )
    found = {result.feed: result for result in check_file(path)}
    assert set(found) == {"shop_conversions", "note_spend"}
    assert (found["shop_conversions"].rows, found["shop_conversions"].sound) == (1, True)
    assert "needs campaigns.parquet, campaign_descriptions.parquet, coupons.parquet too" in found["note_spend"].message
    print_check([*found.values()], as_json=True)
    assert {json.loads(line)["feed"] for line in capsys.readouterr().out.splitlines()} == set(found)
    print_check([*found.values()], as_json=False)
    shown = capsys.readouterr().out
    assert "for the feed shop_conversions: 1 row, 1 accepted" in shown
    assert "for the feed note_spend: refused. " in shown
    assert check_one(path, "shop_conversions") == found["shop_conversions"]


def test_a_header_is_proposed_only_where_it_is_alike(tmp_path: Path) -> None:
    row = {"orders" if k == "order_id" else k: v for k, v in orders(1)[0].items()}
    found = check_one(land(tmp_path, "a.csv", csv_bytes([row])))
    assert "which also needs order_id. " in found.message
    assert "perhaps" not in found.message


def test_one_row_is_not_said_to_be_rows(tmp_path: Path) -> None:
    found = check_one(land(tmp_path, "a.csv", csv_bytes(orders(1, category="spaceships"))))
    assert "category: 1 row has 1 value that" in found.warnings[0]


@pytest.mark.parametrize(
    ("numbers", "told"),
    [(["300100000000012000", "300100000000013000"], True), (["4000000000000010000", "4000000000000020000"], True),
     (["4000000000000000000", "4000000000000000001"], False), (["300100000000012000", "300100000000013456"], False),
     (["300100000000012000", "300100000000012000"], False), (["3001000000", "3002000000"], False)],
)  # fmt: skip
def test_order_numbers_that_all_end_in_zeros_are_told_and_taken(tmp_path: Path, numbers: list[str], told: bool) -> None:
    lines = [order | {"order_id": n} for order, n in zip(orders(2), numbers, strict=True)]
    found = check_one(land(tmp_path, "shop_conversions/a.csv", csv_bytes(lines)))
    assert found.quarantined == 0
    assert any("all 2 order numbers of 17 digits or more end in zeros" in w for w in found.warnings) == told
