"""How orders find their notes: by click, code, user and linked user, and what is said of those that find none."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.pipelines.built import built
from tests.pipelines.intake_files import ingest
from tests.pipelines.test_recomputation import FIRST, at, landed

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

LAST = FIRST + timedelta(6)

# What each order carries beside its number, and how it must be matched.
ORDERS = {
    "click": ({"user_id": None, "click_id": "c1"}, "click_id", None),
    "code": ({"user_id": None, "promo_code": "2900000017"}, "promotion_code", None),
    "reader": ({"user_id": "reader"}, "user_key", None),
    "second": ({"user_id": "second"}, "identity_link", None),
    "lapsed": ({"user_id": None, "promo_code": "lapsed"}, "none", "unknown_code"),
    "foreign": ({"user_id": None, "promo_code": "foreign"}, "none", "outside_rules"),
    "lost": ({"user_id": None, "click_id": "c404"}, "none", "unknown_click"),
    "guest": ({"user_id": None}, "none", "no_key"),
    "stranger": ({"user_id": "stranger"}, "none", "no_touch"),
}
CODES = [
    ("relation_id", "2900000017", "n1", at(0)[:10], None),
    ("relation_id", "lapsed", "n1", at(0)[:10], at(4)[:10]),
    ("relation_id", "foreign", "n9", at(0)[:10], None),
]


def notes_and_touches(folder: Path) -> None:
    about = {"published_at": at(0), "category": "lipstick", "lane": "exchange_link"}
    landed(
        folder, "notes", "notes.csv", [{"note_id": n, "brand": b, **about} for n, b in (("n1", "b"), ("n9", "other"))]
    )
    touch = {"note_id": "n1", "user_id": "reader"}
    landed(folder, "note_impressions", "seen.csv", [touch | {"occurred_at": at(3)}])
    landed(folder, "link_clicks", "clicks.csv", [touch | {"user_id": None, "click_id": "c1", "occurred_at": at(3)}])


def orders(folder: Path) -> None:
    line = {"channel": "tmall", "line_no": "1", "brand": "b", "paid_at": at(5), "paid_amount": "100.00",
            "currency": "CNY", "category": "lipstick", "click_id": None, "promo_code": None}  # fmt: skip
    landed(
        folder, "shop_conversions", "orders.csv", [line | {"order_id": o} | has for o, (has, _, _) in ORDERS.items()]
    )


def registers(folder: Path) -> None:
    names = ("code_kind", "code", "note_id", "valid_from", "valid_to")
    landed(folder, "promotion_codes", "codes.csv", [dict(zip(names, row, strict=True)) for row in CODES])
    links = [{"user_id": "reader", "linked_user_id": "second", "linked_at": at(6)}]
    landed(folder, "identity_links", "links.csv", links)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    folder = tmp_path / "home"
    notes_and_touches(folder / "landing"), orders(folder / "landing"), registers(folder / "landing")
    return folder


def test_every_order_is_matched_by_its_strongest_evidence_and_what_found_nothing_is_listed(home: Path) -> None:
    connection = built(home / "landing", FIRST, LAST, "match_rates", "unmatched_orders")
    found = connection.sql("SELECT order_id, matched_by, unmatched_because FROM core.matches").fetchall()
    rates = connection.sql("""
        SELECT matched_by, orders, paid_gmv, order_share, gmv_share FROM mart.match_rates ORDER BY 1""").fetchall()
    missing = connection.sql(
        "SELECT unmatched_because, orders, paid_gmv FROM mart.unmatched_orders ORDER BY 1"
    ).fetchall()
    credited = connection.sql("""
        SELECT order_id, note_id FROM core.credits JOIN core.conversions USING (conversion_id)""").fetchall()
    assert {order: why for order, *why in found} == {order: list(why) for order, (_, *why) in ORDERS.items()}
    one, five = (1, Decimal("100.00"), 1 / 9, 1 / 9), (5, Decimal("500.00"), 5 / 9, 5 / 9)
    assert [row[0] for row in rates] == ["click_id", "identity_link", "none", "promotion_code", "user_key"]
    assert [row[1:] for row in rates] == [pytest.approx(five if row[0] == "none" else one) for row in rates]
    reasons = ("no_key", "no_touch", "outside_rules", "unknown_click", "unknown_code")
    assert missing == [(why, 1, Decimal(100)) for why in reasons]
    assert sorted(credited) == [(order, "n1") for order in ("click", "code", "reader", "second")]


PROMOTED = {
    # order and line of the alliance, its parent, the shop's lines, and those that it must stand for
    "the same line": (("o", "2", None), (("o", "1"), ("o", "2")), (("o", "2"),)),
    "lines that are numbered differently": (("o", "88", None), (("o", "1"), ("o", "2")), (("o", "1"), ("o", "2"))),
    "a part of the shop's order": (("o-1", "88", "o"), (("o", "1"), ("p", "1")), (("o", "1"),)),
    "an order that the shop does not have": (("x", "1", None), (("o", "1"),), ()),
}


@pytest.mark.parametrize("case", PROMOTED)
def test_an_order_of_the_alliance_stands_for_the_shops_own(tmp_path: Path, monkeypatch, case: str) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    (order, line, parent), sold, expected = PROMOTED[case]
    notes_and_touches(tmp_path), registers(tmp_path)
    of_shop = {"channel": "tmall", "brand": "b", "paid_at": at(5), "paid_amount": "9.00", "currency": "CNY"}
    landed(tmp_path, "shop_conversions", "o.csv", [of_shop | {"order_id": o, "line_no": n} for o, n in sold])
    told = {"channel": "tmall", "order_id": order, "line_no": line, "parent_order_id": parent, "currency": "CNY",
            "relation_id": "2900000017", "clicked_at": at(4), "ordered_at": at(5)}  # fmt: skip
    landed(tmp_path, "promotion_orders", "p.csv", [told])
    connection = built(tmp_path, FIRST, LAST)
    found = connection.sql("""
        SELECT order_id, line_no, note_id, matched_by, age_us / 86400e6 FROM core.journeys
        JOIN core.conversions USING (conversion_id) ORDER BY ALL""").fetchall()
    assert found == [(*sale, "n1", "promotion_code", 1.0) for sale in expected]


def test_registers_that_come_late_change_the_orders_that_they_concern(home: Path, tmp_path: Path) -> None:
    """The final state does not depend on when they come, and nothing else is made again."""
    whole = core(built(home / "landing", FIRST, LAST))
    later = tmp_path / "later"
    notes_and_touches(later), orders(later)
    connection = built(later, FIRST, LAST)
    assert core(connection) != whole
    outdated = "SELECT asset, business_date FROM ops.outdated"
    before = set(connection.sql(outdated).fetchall())
    registers(later)
    ingest(connection, later)
    entered = set(connection.sql(outdated).fetchall()) - before
    assert entered == {(asset, FIRST + timedelta(5)) for asset in ("code_matches", "journeys")}
    assert core(built(later, LAST, LAST, into=connection)) == whole


def test_a_note_that_comes_late_takes_the_orders_of_its_codes(home: Path, tmp_path: Path) -> None:
    whole = core(built(home / "landing", FIRST, LAST))
    notes = home / "landing" / "notes" / "notes.csv"
    aside = notes.rename(tmp_path / "notes.csv")
    (home / "landing" / "note_impressions" / "seen.csv").unlink()
    connection = built(home / "landing", FIRST, LAST)
    assert core(connection)[1] == []
    aside.rename(notes)
    found = core(built(home / "landing", LAST, LAST, into=connection))
    assert [row for row in whole[1] if row[1] in ("click_id", "promotion_code")] == found[1]


def core(connection: duckdb.DuckDBPyConnection) -> list[list[tuple[object, ...]]]:
    queries = (
        "SELECT * FROM core.code_matches ORDER BY ALL",
        "SELECT conversion_id, matched_by, note_id, touched_at FROM core.journeys ORDER BY ALL",
        "SELECT * FROM core.credits ORDER BY ALL",
    )
    return [connection.sql(query).fetchall() for query in queries]
