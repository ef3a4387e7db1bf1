"""Which dates a late file outdates: those that it can change, and no others."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.warehouse import create_tables
from tests.pipelines.built import built
from tests.pipelines.intake_files import ingest
from tests.pipelines.test_recomputation import FIRST, at

if TYPE_CHECKING:
    import duckdb

DAYS = 80
LAST = FIRST + timedelta(DAYS - 1)
ABOUT = {"brand": "b", "published_at": at(0), "category": "lipstick"}
LINE = {"channel": "tmall", "line_no": "1", "brand": "b", "paid_amount": "1.00", "currency": "CNY"}


@pytest.fixture(autouse=True, scope="module")
def at_once() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDCAT_SETTLE_SECONDS", "0")
        yield


def landed(folder: Path, feed: str, rows: list[dict[str, Any]], *, exported: int = 0) -> None:
    """Land the rows of a feed in a file of its own, as of so many days after the last date."""
    (folder / feed).mkdir(parents=True, exist_ok=True)
    name = f"{len(list((folder / feed).iterdir()))}.csv"
    frame = pl.DataFrame(rows, infer_schema_length=None)
    frame.with_columns(exported_at=pl.lit(at(DAYS + exported))).write_csv(folder / feed / name)


def sold(**also: Any) -> list[dict[str, Any]]:
    """An order on every day."""
    return [
        LINE | {"order_id": f"{also.get('brand', 'b')}{day}", "user_id": "u", "paid_at": at(day, "20:00:00")} | also
        for day in range(DAYS)
    ]


def outdated(connection: duckdb.DuckDBPyConnection, asset: str = "journeys") -> list[int]:
    """The dates that wait for a step, as days since the first."""
    rows = connection.execute("SELECT business_date FROM ops.outdated WHERE asset = ? ORDER BY 1", [asset]).fetchall()
    return [(day - FIRST).days for (day,) in rows]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    lanes = {"room": "live", "shop": "in_app", "seed": "seeding", "link": "exchange_link"}
    notes = [ABOUT | {"note_id": note, "lane": lane} for note, lane in lanes.items()]
    others = {"other": {"brand": "silent", "lane": "seeding"}, "far": {"brand": "far", "lane": "live"}}
    landed(tmp_path, "notes", [*notes, *(ABOUT | {"note_id": note} | about for note, about in others.items())])
    for channel, brand in (("tmall", "b"), ("in_app_shop", "b"), ("tmall", "far")):
        landed(tmp_path, "shop_conversions", sold(category="lipstick", channel=channel, brand=brand))
    return tmp_path


def touch(note: str, day: int, **also: Any) -> dict[str, Any]:
    return {"note_id": note, "user_id": "somebody", "occurred_at": at(day)} | also


REACHED = {
    "a live room": ("note_impressions", touch("room", 10), range(10, 12)),
    "a live room again, of a brand that sells elsewhere": ("note_impressions", touch("far", 10), range(0)),
    "a shop in the app": ("note_impressions", touch("shop", 10), range(10, 18)),
    "a note that seeds": ("note_impressions", touch("seed", 10), range(10, 41)),
    "seen, of a note with a link": ("note_impressions", touch("link", 10), range(10, 26)),
    "liked, of a note with a link": ("note_engagements", touch("link", 10, action="like"), range(10, 41)),
    "clicked": ("link_clicks", touch("link", 10, click_id="c"), range(10, 41)),
    "near the end": ("note_impressions", touch("seed", DAYS - 2), range(DAYS - 2, DAYS)),
    "of no known note": ("note_impressions", touch("unknown", 10), range(0)),
    "of a brand that sells nothing": ("note_impressions", touch("other", 10), range(0)),
    "of a day that no run has made": ("note_impressions", touch("seed", DAYS + 1), range(0)),
}


@pytest.mark.parametrize("case", REACHED)
def test_a_late_touch_outdates_what_the_window_of_its_lane_reaches(landing: Path, case: str) -> None:
    feed, row, expected = REACHED[case]
    connection = built(landing, FIRST, LAST)
    landed(landing, feed, [row], exported=2)
    ingest(connection, landing, feed)
    assert outdated(connection) == list(expected)
    assert len(outdated(connection, "touches")) == 1


def test_the_window_of_a_category_counts_where_the_brand_sells_it(landing: Path) -> None:
    landed(landing, "shop_conversions", sold(category="baby_food", order_id="x")[45:46])
    connection = built(landing, FIRST, LAST)
    landed(landing, "note_impressions", [touch("link", 10)])
    ingest(connection, landing)
    assert outdated(connection) == [*range(10, 26), 45]


def test_a_click_that_moves_outdates_what_it_reached_and_what_it_reaches_now(landing: Path) -> None:
    landed(landing, "link_clicks", [touch("room", 10, click_id="c")])
    connection = built(landing, FIRST, LAST)
    landed(landing, "link_clicks", [touch("shop", 30, click_id="c")], exported=1)
    ingest(connection, landing)
    assert outdated(connection) == [10, 11, *range(30, 38)]
    assert outdated(connection, "touches") == [10, 30]


def test_a_note_that_changes_outdates_what_its_touches_reached_and_reach_now(landing: Path) -> None:
    landed(landing, "note_impressions", [touch("shop", day) for day in (10, 50)])
    connection = built(landing, FIRST, LAST)
    landed(landing, "notes", [ABOUT | {"note_id": "shop", "lane": "live"}], exported=1)
    ingest(connection, landing)
    assert outdated(connection) == [*range(10, 18), *range(50, 58)]


def test_a_note_that_changes_while_touches_wait_counts_for_them_too(landing: Path) -> None:
    connection = built(landing, FIRST, LAST)
    landed(landing, "note_impressions", [touch("room", 10)])
    ingest(connection, landing)
    landed(landing, "notes", [ABOUT | {"note_id": "room", "lane": "in_app"}], exported=1)
    ingest(connection, landing)
    assert outdated(connection) == list(range(10, 18))


def test_an_order_that_an_alliance_means_rather_outdates_the_one_that_stood_for_it(landing: Path) -> None:
    told = {"channel": "tmall", "order_id": "part", "line_no": "1", "parent_order_id": "b5", "ordered_at": at(4)}
    landed(landing, "promotion_orders", [told | {"click_id": "c", "currency": "CNY"}])
    connection = built(landing, FIRST, LAST)
    landed(landing, "shop_conversions", [LINE | {"order_id": "part", "user_id": "u", "paid_at": at(7)}])
    ingest(connection, landing)
    assert outdated(connection, "conversions") == outdated(connection, "code_matches") == [5, 7]


def test_touches_that_waited_when_redcat_was_upgraded_reach_what_any_window_does(landing: Path) -> None:
    connection = built(landing, FIRST, LAST)
    connection.execute("INSERT INTO ops.outdated VALUES ('touches', ?)", [FIRST + timedelta(5)])
    create_tables(connection)
    assert outdated(connection) == list(range(5, 76))


def pieces(seed: int) -> list[tuple[str, list[dict[str, Any]], int]]:
    """Files of a world in which whatever can change does: feed, rows, and when they were exported."""
    rng = random.Random(seed)
    users, names = ["u0", "u1", "u2"], [f"n{n}" for n in range(4)]
    days = range(0, DAYS, 3)

    def note(name: str) -> dict[str, Any]:
        return {
            "note_id": name, "brand": rng.choice("bc"), "published_at": at(0), "lane": rng.choice(
            ["live", "in_app", "seeding", "exchange_link"]), "category": rng.choice(["lipstick", "baby_food"])
        }  # fmt: skip

    def order(number: int) -> dict[str, Any]:
        return LINE | {
            "order_id": f"o{number}", "brand": rng.choice("bc"), "user_id": rng.choice(users),
            "paid_at": at(rng.choice(days), "20:00:00"), "category": rng.choice(["lipstick", "baby_food"]),
            "click_id": rng.choice(["c0", "c1", None]), "channel": rng.choice(["tmall", "jd", "in_app_shop"]),
        }  # fmt: skip

    def touched(**also: Any) -> dict[str, Any]:
        return touch(rng.choice(names), rng.choice(days), user_id=rng.choice(users)) | also

    def promoted(number: int) -> dict[str, Any]:
        return {
            "channel": "tmall", "order_id": f"o{number}", "line_no": "1", "currency": "CNY", "ordered_at": at(0),
            "parent_order_id": rng.choice([f"o{rng.randrange(12)}", None]), "click_id": rng.choice(["c2", "c3", None]),
            "relation_id": rng.choice(["r0", "r1", "r2", None]),
        }  # fmt: skip

    def code(number: int) -> dict[str, Any]:
        about = {"code_kind": "relation_id", "code": f"r{number}", "valid_from": str(FIRST)}
        return about | {"note_id": rng.choice(names)}

    def refund(number: int) -> dict[str, Any]:
        return {
            "channel": rng.choice(["tmall", "jd"]), "refund_id": f"f{number}", "order_id": f"o{rng.randrange(12)}",
            "line_no": "1", "refunded_at": at(rng.choice(days)), "refund_amount": "0.25", "currency": "CNY",
        }  # fmt: skip

    made: list[tuple[str, list[dict[str, Any]], int]] = []
    for version in range(3):
        made.append(("notes", [note(name) for name in rng.sample(names, 3)], version))
        made.append(("shop_conversions", [order(number) for number in rng.sample(range(12), 8)], version))
        made.append(("link_clicks", [touched(click_id=f"c{n}") for n in rng.sample(range(4), 2)], version))
        made.append(("note_impressions", [touched() for _ in range(4)], version))
        made.append(("note_engagements", [touched(action="like") for _ in range(2)], version))
        made.append(("promotion_orders", [promoted(number) for number in rng.sample(range(12), 4)], version))
        made.append(("promotion_codes", [code(number) for number in rng.sample(range(3), 2)], version))
        made.append(("refunds", [refund(number) for number in rng.sample(range(12), 3)], version))
    links = [dict(zip(("user_id", "linked_user_id"), rng.sample(users, 2), strict=True)) | {"linked_at": at(1)}]
    return [*made, ("identity_links", links, 0)]


def core(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    names = ("touches", "conversions", "journeys", "credits", "touched_notes", "ways", "readers", "earned")
    return {name: connection.sql(f"FROM core.{name} ORDER BY ALL").fetchall() for name in names}


def of_order(seed: int) -> None:
    """Files come in any order, with and without a run between them: the core is that of one run over all of them."""
    rng = random.Random(seed)
    files = pieces(seed)
    late = rng.sample(range(len(files)), rng.randint(1, 6))
    with TemporaryDirectory() as folder:
        at_once, by_and_by = Path(folder, "at once"), Path(folder, "by and by")
        for feed, rows, version in files:
            landed(at_once, feed, rows, exported=version)
        for number, (feed, rows, version) in enumerate(files):
            if number not in late:
                landed(by_and_by, feed, rows, exported=version)
        connection = built(by_and_by, FIRST, LAST)
        for number in late:
            feed, rows, version = files[number]
            landed(by_and_by, feed, rows, exported=version)
            ingest(connection, by_and_by, feed)
            if rng.random() < 0.3:
                built(by_and_by, LAST, LAST, into=connection)
        built(by_and_by, LAST, LAST, into=connection)
        found, expected = core(connection), core(built(at_once, FIRST, LAST))
        for name, rows in expected.items():
            assert found[name] == rows, name


@given(st.integers(0, 10**6))
@settings(max_examples=5)
def test_files_that_come_late_end_in_the_same_core(seed: int) -> None:
    of_order(seed)


@pytest.mark.slow
@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_files_that_come_late_end_in_the_same_core_at_length(seed: int) -> None:
    of_order(seed)
