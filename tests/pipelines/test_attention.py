"""Visits, searches, requests for the link and guardrails: known answers from a handful of events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.content_checks import CONTENT_CHECKS
from pipelines.row_checks import row_check_results
from tests.pipelines.mart_rows import mart, put, warehouse

if TYPE_CHECKING:
    import duckdb

NUMBER = count()
AS_OF = date(2026, 10, 30)
PUBLISHED = date(2026, 9, 1)
START = datetime(2026, 9, 2, tzinfo=UTC)


def note(note_id: str, **values: Any) -> dict[str, Any]:
    return {"note_id": note_id, "brand": "花间", "published_at": PUBLISHED, "category": "lipstick", "lane": "seeding",
            "title": "口红"} | values  # fmt: skip


def touched(connection: duckdb.DuckDBPyConnection, note_id: str, users: range, kind: str = "impression") -> None:
    connection.execute(
        "INSERT INTO core.touches BY NAME SELECT ? AS note_id, unnest(range(?, ?)) AS user_key, ? AS touched_at, "
        "? AS kind, '2026-09-02'::DATE AS touch_date",
        [note_id, users.start, users.stop, START, kind],
    )


def did(what: str, user: int, after: timedelta, keyword: str | None = None) -> dict[str, Any]:
    return {"event_id": f"e{next(NUMBER)}", "channel": "tmall", "user_key": user, "event": what,
            "occurred_at": START + after, "keyword": keyword}  # fmt: skip


def comment(note_id: str, user: int, day: date = PUBLISHED, **classes: bool) -> dict[str, Any]:
    kinds = dict.fromkeys(("asks_link", "is_negative", "is_complaint", "diverts_off_platform"), False)
    return (
        {"comment_id": f"c{next(NUMBER)}", "note_id": note_id, "user_key": user, "commented_at": day} | kinds | classes
    )


def quadrants(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    return {row["note_id"]: row for row in mart(connection, "note_quadrant")}


# note: readers, engagements, readers who visited
NOTES = {"star": (200, 40, 40), "liked": (200, 40, 0), "quiet": (200, 2, 40), "weak": (200, 2, 0)}


def quadrant_world(connection: duckdb.DuckDBPyConnection, notes: dict[str, tuple[int, int, int]] = NOTES) -> None:
    put(connection, "notes", [note(name) for name in notes])
    for nth, (name, (readers, likes, visitors)) in enumerate(notes.items()):
        first = nth * 1_000
        touched(connection, name, range(first, first + readers))
        touched(connection, name, range(first, first + likes), "engagement")
        put(connection, "shop_events", [did("visit", first + n, timedelta(days=n % 14)) for n in range(visitors)])


def test_notes_fall_into_quadrants_by_the_medians_of_their_rates() -> None:
    connection = warehouse(AS_OF)
    quadrant_world(connection)
    rows = quadrants(connection)
    expected = {"star": "star", "liked": "liked_but_no_visits", "quiet": "quiet_seller", "weak": "weak"}
    assert {name: row["quadrant"] for name, row in rows.items()} == expected
    assert (rows["liked"]["engagement_rate"], rows["liked"]["visit_rate"]) == (0.2, 0.0)
    assert rows["star"]["engagement_rate_from"] == pytest.approx((0.2 + 0.01) / 2)


def test_young_and_small_notes_are_flagged_and_move_no_median() -> None:
    connection = warehouse(AS_OF)
    quadrant_world(connection, NOTES | {"small": (99, 99, 90)})
    put(connection, "notes", [note("young", published_at=AS_OF - timedelta(14))])
    put(connection, "notes", [note("old_enough", published_at=AS_OF - timedelta(15))])
    touched(connection, "young", range(9_000, 9_200))
    rows = quadrants(connection)
    assert [(rows[n]["not_judged"], rows[n]["quadrant"]) for n in ("young", "small")] == [
        ("young", None),
        ("small", None),
    ]
    assert rows["old_enough"]["not_judged"] == "small"
    assert rows["star"]["engagement_rate_from"] == pytest.approx((0.2 + 0.01) / 2)
    assert (rows["young"]["maturity"], rows["star"]["maturity"]) == ("maturing", "mature")


def test_a_stated_threshold_takes_the_place_of_the_median() -> None:
    connection = warehouse(AS_OF)
    quadrant_world(connection)
    stated = "UPDATE reference.thresholds SET value = {} WHERE threshold = 'quadrant_engagement_rate'"
    connection.execute(stated.format("0.5"))
    try:
        assert {row["quadrant"] for row in quadrants(connection).values()} == {"quiet_seller", "weak"}
    finally:
        connection.execute(stated.format("NULL"))


def test_visits_count_within_their_days_and_without_the_feed_they_are_unknown() -> None:
    connection = warehouse(AS_OF)
    put(connection, "notes", [note("n1")])
    touched(connection, "n1", range(200))
    assert quadrants(connection)["n1"]["not_judged"] == "visits_unknown"
    assert quadrants(connection)["n1"]["visitor_uv"] is None
    second = timedelta(seconds=1)
    put(connection, "shop_events", [
        did("visit", 1, timedelta(0)), did("visit", 1, timedelta(1)),  # once, however often
        did("visit", 2, timedelta(15) - second), did("visit", 3, timedelta(15)), did("visit", 4, -second),
        did("cart", 5, timedelta(1)), did("visit", 777, timedelta(1)),
        did("visit", 6, timedelta(1)) | {"category": "sunscreen"},
    ])  # fmt: skip
    assert quadrants(connection)["n1"]["visitor_uv"] == 2


def test_link_requests_are_counted_without_naming_anybody() -> None:
    connection = warehouse(AS_OF)
    put(connection, "notes", [note("n1"), note("n2", lane="in_app")])
    asked = {"asks_link": True}
    put(connection, "note_comments", [
        comment("n1", 1, **asked), comment("n1", 1, AS_OF, **asked), comment("n1", 2, AS_OF - timedelta(7), **asked),
        comment("n1", 3), comment("n1", 4, asks_link=None),
        comment("n2", 5, **asked),
    ])  # fmt: skip
    rows = {row["note_id"]: row for row in mart(connection, "link_requests")}
    one = rows["n1"]
    assert (one["comments"], one["link_requests"], one["link_request_uv"]) == (5, 3, 2)
    assert (one["link_requests_last_7d"], one["link_request_share"]) == (1, 0.75)
    assert (one["has_link"], rows["n2"]["has_link"]) == (False, True)
    assert not {"user_key", "comment_id"} & set(one)


def test_search_back_counts_each_reader_once_at_the_lag_of_the_first_search() -> None:
    connection = warehouse(AS_OF)
    put(connection, "notes", [note("n1"), note("n2", category="sunscreen")])
    touched(connection, "n1", range(10))
    touched(connection, "n2", range(4))
    put(connection, "shop_events", [
        did("search", 0, timedelta(hours=23), "花间 口红"),
        did("search", 0, timedelta(days=3), "花间"),  # not the first
        did("search", 1, timedelta(days=2, hours=1), "花间口红"),
        did("search", 5, timedelta(days=29, hours=23), "花间"),
        did("search", 6, timedelta(days=30), "花间"),  # too late
        did("search", 7, -timedelta(hours=1), "花间"),  # before reading
        did("search", 8, timedelta(days=1), "别家口红"),  # another brand
        did("visit", 9, timedelta(days=1)),
    ])  # fmt: skip
    rows = [row for row in mart(connection, "search_back") if row["category"] == "lipstick"]
    assert [row["lag_days"] for row in rows] == list(range(30))
    assert {row["lag_days"]: row["search_uv"] for row in rows if row["search_uv"]} == {0: 1, 2: 1, 29: 1}
    assert (rows[0]["search_back_rate"], rows[1]["search_back_rate"], rows[29]["search_back_rate"]) == (0.1, 0.1, 0.3)
    assert {row["read_uv"] for row in rows} == {10}
    other = [row for row in mart(connection, "search_back") if row["category"] == "sunscreen"]
    assert other[-1]["search_back_rate"] == 0.5


def test_guardrails_count_ads_negative_comments_complaints_and_diversion() -> None:
    connection = warehouse(AS_OF)
    titles = {"n1": "口红试色", "n2": "加微信领券", "n3": "口红合集", "n4": None}
    put(connection, "notes", [note(n, title=t, diverts_off_platform=n == "n3") for n, t in titles.items()])
    put(connection, "notes", [note("n5", category="sunscreen")])
    paid = [("n1", "ads", "brand"), ("n1", "boost", "brand"), ("n2", "ads", "platform"), ("n3", "creator_fee", "brand"),
            ("n4", "boost", "brand")]  # fmt: skip
    for note_id, kind, payer in paid:
        connection.execute(
            "INSERT INTO core.spend VALUES (?, ?, ?, ?, 100, 'CNY', NULL)",
            [AS_OF, note_id, kind, payer],
        )
    put(connection, "note_comments", [
        *(comment("n1", n) for n in range(16)), comment("n2", 20, is_negative=True, is_complaint=True),
        comment("n2", 21, is_negative=True), comment("n3", 22, diverts_off_platform=True), comment("n3", 23),
    ])  # fmt: skip
    rows = {row["category"]: row for row in mart(connection, "guardrails")}
    one = rows["lipstick"]
    assert (one["notes"], one["ad_notes"], one["ad_share"], one["is_ad_share_high"]) == (4, 2, 0.5, False)
    assert (one["comments"], one["negative_share"], one["is_negative_share_high"]) == (20, 0.1, True)
    assert (one["complaint_share"], one["is_complaint_share_high"]) == (0.05, True)
    assert (one["diverting_notes"], one["diverting_comments"]) == (2, 1)
    other = rows["sunscreen"]
    assert (other["comments"], other["negative_share"], other["is_negative_share_high"]) == (None, None, None)


def test_a_note_that_leads_off_the_platform_is_named_by_its_check() -> None:
    connection = warehouse(AS_OF)
    put(connection, "notes", [note("n1"), note("n2", title="加微信领券"), note("n3", diverts_off_platform=True)])
    (check,) = CONTENT_CHECKS["notes"]
    (result,) = row_check_results(connection, "raw.notes", [check])
    assert (result.passed, result.severity.value) == (False, "WARN")
    assert (result.description or "").startswith(
        "2 rows: 2 notes that lead off the platform (n2, n3); change their text"
    )
