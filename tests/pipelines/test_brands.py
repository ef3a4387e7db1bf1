"""Two brands in one installation: each sees its own, and together they are the whole."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.brands import brands, seen_by
from pipelines.core.tables import FEW_BRANDS, MOST_BRANDS
from pipelines.home import Home
from pipelines.marts.tables import MARTS
from pipelines.publish import filled, publish
from pipelines.reports.formats import FORMATS, INDEX, PAGE, first_file, report_file, write_reports
from pipelines.reports.newest import newest_contents
from pipelines.reports.page.payload import as_json, payload
from pipelines.reports.query import OF_NO_BRAND, QueryError
from pipelines.row_checks import row_check_results
from tests.pipelines.built import built
from tests.pipelines.intake_files import csv_bytes, land

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 20)
EXPORTED = "2026-09-21 06:00:00"
OURS, THEIRS = "松屿's", "远山"
BY_BRAND = [mart.name for mart in MARTS if mart.by_brand]
USERS = 16


def day(number: int, clock: str = "12:00:00") -> str:
    return f"2026-09-{number:02} {clock}"


def rows(brand: str, *, mark: str, price: int) -> dict[str, list[dict[str, Any]]]:
    """What a brand has: notes that the same users read as the other's, and what they bought of it."""
    note = {"brand": brand, "lane": "seeding", "category": "lipstick", "published_at": day(1, "08:00:00"),
            "exchange": "red_cat", "task_from": "2026-09-01", "task_to": "2026-09-10"}  # fmt: skip
    notes = [note | {"note_id": f"{mark}{n}", "title": f"title-{mark}{n}", "creator_id": f"c-{mark}{n}",
                     "product_ids": f"p-{mark}"} for n in range(2)]  # fmt: skip
    order = {"channel": "tmall", "line_no": "1", "brand": brand, "category": "lipstick", "product_id": f"p-{mark}",
             "currency": "CNY", "paid_amount": f"{price}.01"}  # fmt: skip
    claim = {"exchange": "red_cat", "task_id": f"t-{mark}", "claim_date": "2026-09-12", "cycle": 30, "currency": "CNY",
             "visit_uv": "40", "shop_gmv": f"{price}.00"}  # fmt: skip
    return {
        "notes": notes,
        "note_impressions": [
            {"note_id": f"{mark}{u % 2}", "user_id": f"u{u}", "occurred_at": day(2 + u % 5)} for u in range(USERS)
        ],
        "shop_conversions": [
            order | {"order_id": f"o-{mark}{u}", "user_id": f"u{u}", "paid_at": day(8 + u % 7)} for u in range(USERS)
        ],
        "refunds": [{"channel": "tmall", "refund_id": f"r-{mark}", "order_id": f"o-{mark}1", "line_no": "1",
                     "refunded_at": day(16), "refund_amount": "3.00", "currency": "CNY"}],
        "note_spend": [{"spend_id": f"s-{mark}{n}", "note_id": f"{mark}{n}", "spend_date": f"2026-09-0{3 + n}",
                        "kind": "ads", "payer": "brand", "amount": f"{price // 10}.50", "currency": "CNY"}
                       for n in range(2)],
        "shop_events": [{"event_id": f"e-{mark}{u}", "channel": "tmall", "user_id": f"u{u}", "event": "visit",
                         "occurred_at": day(7, f"1{u % 10}:00:00"), "product_id": f"p-{mark}"} for u in range(USERS)],
        "exchange_note_daily": [
            claim | {"claim_id": f"{mark}0", "level": "content", "note_id": f"{mark}0"},
            claim | {"claim_id": f"{mark}t", "level": "task", "note_id": None, "shop_gmv": "1.00"},
        ],
    }  # fmt: skip


OF_NOBODY = {
    "note_spend": [{"spend_id": "s-none", "note_id": None, "spend_date": "2026-09-05", "kind": "ads", "payer": "brand",
                    "amount": "7.00", "currency": "CNY"}],
    "wallet_flows": [{"account_id": "a", "flow_date": "2026-09-05", "fund": "cash", "amount": "7.00",
                      "currency": "CNY"}],
}  # fmt: skip
IN_COMMON = {
    "shop_events": [{"event_id": "e-all", "channel": "tmall", "user_id": "u1", "event": "visit",
                     "occurred_at": day(9), "product_id": None}],
}  # fmt: skip


def warehouse(
    folder: Path, *worlds: dict[str, list[dict[str, Any]]], marts: Iterable[str] = ("feed_days", *BY_BRAND)
) -> duckdb.DuckDBPyConnection:
    for feed in {feed for world in worlds for feed in world}:
        told = [row for world in worlds for row in world.get(feed, [])]
        land(folder, f"{feed}/rows.csv", csv_bytes([row | {"exported_at": EXPORTED} for row in told]))
    return built(folder, FIRST, LAST, *marts)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    ours, theirs = rows(OURS, mark="a", price=100), rows(THEIRS, mark="b", price=70)
    ours["notes"].append(ours["notes"][0] | {"note_id": "a9", "title": "title-a9"})
    return _settled(tmp_path_factory.mktemp("both"), ours, theirs, OF_NOBODY, IN_COMMON)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return _settled(tmp_path_factory.mktemp("alone"), rows(THEIRS, mark="b", price=70), IN_COMMON)


def _settled(folder: Path, *worlds: dict[str, list[dict[str, Any]]]) -> duckdb.DuckDBPyConnection:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDCAT_SETTLE_SECONDS", "0")
        return warehouse(folder, *worlds)


@pytest.fixture(scope="module")
def home(both: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("brands") / "home").create()
    levels = {home.published.stem: filled(both, lambda c, level: c.execute(f"COPY FROM DATABASE memory TO {level}"))}
    publish(home.published.parent, levels)
    return home


def test_the_brand_of_most_notes_comes_first_and_what_is_of_none_last(both: duckdb.DuckDBPyConnection) -> None:
    assert brands(both) == [OURS, THEIRS, None]


@pytest.mark.parametrize("mart", BY_BRAND)
def test_a_brand_beside_another_has_the_figures_that_it_has_alone(
    both: duckdb.DuckDBPyConnection, alone: duckdb.DuckDBPyConnection, mart: str
) -> None:
    query = f"SELECT * FROM mart.{mart} WHERE brand = ? ORDER BY ALL"
    assert both.execute(query, [THEIRS]).fetchall() == alone.execute(query, [THEIRS]).fetchall()


def test_brands_and_what_is_of_none_add_up_to_the_whole(both: duckdb.DuckDBPyConnection) -> None:
    of = {
        brand: (total, credited + left)
        for brand, total, credited, left in both.execute("""
            SELECT brand, total_gmv, credited_gmv, unattributed_gmv FROM mart.reconciliation
            WHERE model = 'linear'""").fetchall()
    }
    assert of == {
        OURS: (Decimal("1600.16"), Decimal("1600.16")),
        THEIRS: (Decimal("1120.16"), Decimal("1120.16")),
        None: (0, 0),
    }
    spent = both.execute("""
        SELECT brand, sum(spend) FROM mart.category_roi WHERE model = 'linear' GROUP BY ALL ORDER BY 1""").fetchall()
    assert dict(spent) == {OURS: Decimal(21), THEIRS: Decimal(15), None: Decimal(7)}
    assert both.execute("SELECT brand, face_spend FROM mart.wallet_daily").fetchall() == [(None, Decimal(7))]


def test_a_query_sees_one_brand_only_while_it_is_asked_for(both: duckdb.DuckDBPyConnection) -> None:
    with seen_by(both, THEIRS):
        assert both.execute("SELECT DISTINCT brand FROM core.conversions").fetchall() == [(THEIRS,)]
        assert both.execute("SELECT count(*) FROM raw.exchange_note_daily").fetchall() == [(2,)], "its task among them"
        assert both.execute("SELECT count(*) FROM raw.shop_events").fetchall() == [(USERS + 1,)]
    assert both.execute("SELECT count(DISTINCT brand) FROM core.conversions").fetchall() == [(2,)]


def test_every_brand_has_a_page_and_a_workbook_of_its_own(home: Home) -> None:
    (home.root / "targets.yaml").write_text("privacy_k: 1\n")
    contents = list(newest_contents(home))
    assert [content.brand for content in contents] == [OURS, THEIRS, OF_NO_BRAND]
    for form in FORMATS:
        files = write_reports(contents, form, home)
        assert files == [report_file(home, content.brand, LAST, form) for content in contents]
        assert len(set(files)) == len(contents)
    index = (home.reports / INDEX).read_text()
    assert first_file(home.reports) == home.reports / INDEX
    assert index.count('<li><a href="') == len(contents)
    told = {content.brand: as_json(payload(content, content.dates)) for content in contents}
    for mark, brand in (("a", OURS), ("b", THEIRS)):
        for n in range(2):
            assert [name for name, page in told.items() if f"title-{mark}{n}" in page] == [brand]
    paid = {content.brand: content.frames["daily"]["paid_gmv"].sum() for content in contents}
    assert paid == {OURS: Decimal("1600.16"), THEIRS: Decimal("1120.16"), OF_NO_BRAND: 0}


def test_one_brand_can_be_asked_for(home: Home) -> None:
    (content,) = newest_contents(home, brand=THEIRS)
    assert content.brand == THEIRS
    assert write_reports([content], PAGE, home) == [report_file(home, THEIRS, LAST)]
    with pytest.raises(QueryError, match=f"there is no brand '远'; the brands are {OURS}, {THEIRS}"):
        next(newest_contents(home, brand="远"))


@pytest.mark.parametrize("more", [0, 1])
def test_a_column_that_was_taken_for_the_brand_is_warned_of(tmp_path: Path, more: int) -> None:
    ours = rows(OURS, mark="a", price=100)
    line = ours["shop_conversions"][0]
    sold = [line | {"order_id": f"o{n}", "brand": f"brand {n:03}"} for n in range(MOST_BRANDS - 1 + more)]
    found = warehouse(tmp_path, {"notes": ours["notes"][:1], "shop_conversions": sold}, marts=())
    (result,) = row_check_results(found, "core.conversions", [FEW_BRANDS])
    assert result.passed is not bool(more)
    if more:
        assert "101 rows: 101 brands, more than 100" in str(result.description)
