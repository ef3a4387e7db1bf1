"""Who bought, and who bought again: known answers from a handful of orders."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.pipelines.mart_rows import mart, put, warehouse

if TYPE_CHECKING:
    import duckdb

DAY = date(2026, 9, 10)


def sold(connection: duckdb.DuckDBPyConnection, order: str, **values: Any) -> None:
    """One paid line of 100 yuan, as the feed and as the core have it."""
    line: dict[str, Any] = {
        "channel": "tmall", "order_id": order, "line_no": "1", "brand": "b", "paid_at": DAY, "paid_amount": 100.0,
        "currency": "CNY", "quantity": 1, "user_key": 1,
    } | values  # fmt: skip
    seeded, refunded = line.pop("seeded", False), line.pop("refunded", 0)
    put(connection, "shop_conversions", [line])
    key = f"{line['channel']}|{order}|{line['line_no']}"
    connection.execute(
        """INSERT INTO core.conversions BY NAME SELECT $day::DATE AS paid_date, $key AS conversion_id,
        $channel AS channel, $order AS order_id, $line AS line_no, $user AS user_key, $fen AS paid_fen,
        $cur AS currency, $quantity AS quantity, $category AS category, $new AS is_new_customer""",
        {"day": line["paid_at"], "key": key, "line": line["line_no"], "channel": line["channel"], "order": order,
         "user": line["user_key"], "fen": round(line["paid_amount"] * 100), "cur": line["currency"],
         "quantity": line["quantity"], "category": line.get("category"), "new": line.get("is_new_customer")},
    )  # fmt: skip
    if seeded:
        for note in ("n1", "n2"):
            connection.execute(
                "INSERT INTO core.journeys BY NAME SELECT ?::DATE AS paid_date, ? AS conversion_id, ? AS note_id",
                [line["paid_at"], key, note],
            )
    if refunded:
        connection.execute("INSERT INTO core.refunds VALUES (?, ?, ?, 'CNY', NULL)", [line["paid_at"], key, refunded])


def spent(connection: duckdb.DuckDBPyConnection, payer: str, fen: int) -> None:
    connection.execute(
        "INSERT INTO core.spend BY NAME SELECT ? AS spend_date, 'n1' AS note_id, 'ads' AS kind, ? AS payer, "
        "? AS amount_fen, 'CNY' AS currency",
        [DAY, payer, fen],
    )


def splits(connection: duckdb.DuckDBPyConnection, split: str) -> dict[str | None, dict[str, Any]]:
    return {row["part"]: row for row in mart(connection, "order_splits") if row["split"] == split}


def test_business_orders_are_split_off_and_the_parts_add_up() -> None:
    connection = warehouse(date(2026, 9, 30))
    spent(connection, "brand", 20000)
    spent(connection, "platform", 50000)
    sold(connection, "o1", seeded=True, is_new_customer=True)
    sold(connection, "o2", is_new_customer=False)
    sold(connection, "o3", quantity=19, seeded=True, refunded=4_000)
    sold(connection, "o4", quantity=20, paid_amount=1_500.0, seeded=True)
    sold(connection, "o5", quantity=20, buyer_kind="consumer")  # the shop knows better than the quantity
    sold(connection, "o6", quantity=1, buyer_kind="business")
    parts = splits(connection, "buyer")
    consumer, business = parts["consumer"], parts["business"]
    assert (consumer["order_lines"], consumer["total_gmv"], consumer["seeded_gmv"]) == (4, 400, 200)
    assert (business["order_lines"], business["total_gmv"], business["seeded_gmv"]) == (2, 1600, 1500)
    assert (consumer["roas_seeded"], business["roas_seeded"]) == (1.0, 7.5)
    assert (consumer["seeded_net"], consumer["roas_seeded_net"]) == (160, 0.8)
    assert (consumer["new_customer_line_share"], business["new_customer_line_share"]) == (0.5, None)
    assert (consumer["aov"], consumer["part_gmv_share"] + business["part_gmv_share"]) == (100, 1)


def test_spend_on_notes_that_an_exchange_only_claims_orders_for_lowers_no_ratio() -> None:
    connection = warehouse(date(2026, 9, 30))
    put(connection, "notes", [{"note_id": "n1", "lane": "seeding", "published_at": DAY}])
    sold(connection, "o1", is_exclusive=True)
    spent(connection, "brand", 20000)
    assert splits(connection, "exclusive")["exclusive"]["roas_seeded"] is None
    put(connection, "notes", [{"note_id": "n2", "lane": "live", "published_at": DAY}])
    connection.execute("UPDATE core.spend SET note_id = 'n2', amount_fen = 5000")
    spent(connection, "brand", 20000)
    sold(connection, "o2", is_exclusive=True, seeded=True)
    assert splits(connection, "exclusive")["exclusive"]["roas_seeded"] == 2.0


def test_members_are_named_by_their_channel_and_unknown_is_a_part_of_its_own() -> None:
    connection = warehouse(date(2026, 9, 30))
    sold(connection, "o1", is_member=True)
    sold(connection, "o2", is_member=True, channel="jd")
    sold(connection, "o3", is_member=True, channel="store")
    sold(connection, "o4", is_member=False)
    sold(connection, "o5")
    counts = {part: row["order_lines"] for part, row in splits(connection, "member").items()}
    assert counts == {"88vip": 1, "jd_plus": 1, "member": 1, "non_member": 1, None: 1}


def test_an_order_of_several_days_and_kinds_is_one_of_each_part_that_it_has_lines_in() -> None:
    connection = warehouse(date(2026, 9, 30))
    lines = [
        {"line_no": "1", "quantity": 20, "is_exclusive": True},
        {"line_no": "2", "paid_at": date(2026, 9, 12), "is_exclusive": True, "seeded": True},
        {"line_no": "3", "paid_at": date(2026, 9, 12), "is_exclusive": False},
    ]
    for line in lines:
        sold(connection, "o1", **line)
    sold(connection, "o1", channel="jd", is_exclusive=True)  # another shop's number
    parts = splits(connection, "buyer") | splits(connection, "exclusive")
    told = {part: (row["order_lines"], row["paid_orders"], row["buyers"]) for part, row in parts.items()}
    assert told == {"business": (1, 1, 1), "consumer": (3, 2, 1), "exclusive": (3, 2, 1), "everywhere": (1, 1, 1)}
    assert [parts["consumer"][name] for name in ("seeded_lines", "seeded_buyers", "unseeded_buyers")] == [1, 1, 1]


def test_currencies_are_never_added() -> None:
    connection = warehouse(date(2026, 9, 30))
    spent(connection, "brand", 20000)
    sold(connection, "o1", seeded=True, is_exclusive=True)
    sold(connection, "o2", seeded=True, is_exclusive=True, currency="USD")
    rows = {r["currency"]: r for r in mart(connection, "order_splits") if r["part"] == "exclusive"}
    assert {currency: row["total_gmv"] for currency, row in rows.items()} == {"CNY": 100, "USD": 100}
    assert (rows["CNY"]["roas_seeded"], rows["USD"]["roas_seeded"]) == (0.5, None)


def test_buyers_of_a_month_who_bought_again() -> None:
    connection = warehouse(date(2026, 9, 30))
    july, august, september = date(2026, 7, 5), date(2026, 8, 5), date(2026, 9, 5)
    purchases = [
        (1, july), (1, date(2026, 7, 20)), (1, september),  # again in the same month, and in the second after
        (2, july), (2, august),
        (3, july),
        (4, august),
    ]  # fmt: skip
    for nth, (user, day) in enumerate(purchases):
        sold(connection, f"o{nth}", user_key=user, paid_at=day)
    sold(connection, "full", user_key=3, paid_at=august, refunded=10_000)  # came back whole
    sold(connection, "bulk", user_key=3, paid_at=august, quantity=50)  # business
    sold(connection, "guest", user_key=None, paid_at=august)
    rows = {(r["cohort_month"].month, r["months_since"]): r for r in mart(connection, "repurchase")}
    july_row = [rows[7, since] for since in range(3)]
    assert [r["cohort_buyers"] for r in july_row] == [3, 3, 3]
    assert [r["repeat_buyers"] for r in july_row] == [1, 1, 1]
    assert [r["repeat_buyers_to_date"] for r in july_row] == [1, 2, 2]
    assert july_row[2]["repeat_to_date_share"] == pytest.approx(2 / 3)
    assert (rows[8, 0]["cohort_buyers"], rows[8, 1]["repeat_buyers"]) == (1, 0)
    assert (7, 3) not in rows
    assert [r["maturity"] for r in july_row] == ["mature", "mature", "settling"]


def test_two_lines_of_one_order_are_one_purchase() -> None:
    connection = warehouse(date(2026, 9, 30))
    sold(connection, "o1")
    connection.execute("UPDATE core.conversions SET line_no = '1'")
    put(connection, "shop_conversions", [{"channel": "tmall", "order_id": "o1", "line_no": "2", "paid_at": DAY}])
    connection.execute(
        "INSERT INTO core.conversions BY NAME SELECT * REPLACE ('2' AS line_no, 'tmall|o1|2' AS conversion_id) "
        "FROM core.conversions"
    )
    (row,) = mart(connection, "repurchase")
    assert (row["cohort_buyers"], row["repeat_buyers"]) == (1, 0)


def test_cohorts_of_an_exclusive_first_product_stand_apart() -> None:
    connection = warehouse(date(2026, 9, 30))
    for user, exclusive in ((1, True), (2, False), (3, None)):
        sold(connection, f"o{user}", user_key=user, is_exclusive=exclusive)
    sold(connection, "again", user_key=1, paid_at=date(2026, 9, 20))
    rows = {r["first_exclusive"]: r["repeat_share"] for r in mart(connection, "repurchase")}
    assert rows == {True: 1.0, False: 0.0, None: 0.0}
