"""What the demo's warehouse says of the systems around seeding: every mart of them has a story to tell."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from pipelines.demo import dirt
from pipelines.demo.comments import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pipelines.conftest import Redcat


@pytest.fixture(scope="module")
def warehouse(demo: Redcat) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(demo.home / "published" / "analyst.duckdb", read_only=True) as connection:
        yield connection


def rows(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return warehouse.execute(query).fetchall()


def test_the_card_made_people_post_and_bought_no_visits(warehouse) -> None:
    effects = "SELECT outcome, effect, effect_low, effect_high FROM mart.city_pilots"
    found = {row[0]: row[1:] for row in rows(warehouse, effects)}
    effect, low, _ = found["notes"]
    assert effect > low > 0
    _, low, high = found["redemptions"]
    assert low < 0 < high
    shops = rows(warehouse, "SELECT count(*), count(*) FILTER (notes_without_redemptions) FROM mart.card_shops")
    assert shops[0][1] >= shops[0][0] / 3
    assert rows(warehouse, "FROM mart.card_shops WHERE is_broken_even OR break_even_visits <= card_visits") == []


def test_all_cards_are_paid_back_on_the_last_day_and_the_day_before_stays_readable(warehouse) -> None:
    stated = dict(rows(warehouse, "SELECT stated_on, sum(cash_amount) FROM mart.card_cohorts GROUP BY ALL"))
    assert stated[date(2025, 12, 31)] > 0 == stated[date(2026, 1, 1)]
    whole = "FROM mart.card_cohorts WHERE cash_amount <> revenue_amount + deferred_amount"
    assert rows(warehouse, whole) == []
    sold = rows(warehouse, "SELECT sum(amount) FROM raw.local_events WHERE event = 'card_sold'")
    paid_back = rows(warehouse, "SELECT sum(amount) FROM raw.local_events WHERE event = 'card_refunded'")
    assert sold == paid_back


def test_every_voucher_sold_is_redeemed_expired_refunded_or_open(warehouse) -> None:
    wrong = """FROM mart.vouchers WHERE vouchers_sold
        <> vouchers_redeemed + vouchers_expired + vouchers_refunded + vouchers_open OR vouchers_unmatched > 0"""
    assert rows(warehouse, wrong) == []
    sold = rows(warehouse, "SELECT count(*) FROM raw.local_events WHERE event = 'voucher_sold'")
    assert rows(warehouse, "SELECT sum(vouchers_sold)::BIGINT FROM mart.vouchers") == sold
    assert rows(warehouse, "SELECT count(DISTINCT rollout) FROM mart.vouchers") == [(2,)]


@pytest.mark.parametrize("split", ["buyer", "member", "exclusive"])
def test_the_parts_of_every_split_add_up_to_the_shops_total_and_its_roi(warehouse, split: str) -> None:
    parts = rows(warehouse, f"SELECT sum(total_gmv), sum(seeded_gmv) FROM mart.order_splits WHERE split = '{split}'")
    credited = "SELECT total_gmv, credited_gmv FROM mart.reconciliation WHERE model = 'linear'"
    assert parts == rows(warehouse, credited)
    ((ratio,),) = rows(warehouse, f"SELECT sum(roas_seeded) FROM mart.order_splits WHERE split = '{split}'")
    whole = "SELECT sum(credited_gmv) / sum(evidenced_spend) FROM mart.lane_roi WHERE model = 'linear'"
    assert ratio == pytest.approx(float(rows(warehouse, whole)[0][0]))


def test_memberships_businesses_and_payments_occur(warehouse) -> None:
    parts = {part for (part,) in rows(warehouse, "SELECT DISTINCT part FROM mart.order_splits")}
    assert parts == {"consumer", "business", "88vip", "jd_plus", "non_member", None, "exclusive", "everywhere"}
    sources = rows(
        warehouse, "SELECT payment_source, count(DISTINCT payment_channel) FROM mart.payment_channels GROUP BY 1"
    )
    assert dict(sources) == {"local": 4, "shop": 3}


def test_notes_stand_in_every_quadrant_and_the_others_say_why_not(warehouse) -> None:
    found = rows(warehouse, "SELECT quadrant, count(*) FROM mart.note_quadrant GROUP BY ALL")
    assert set(dict(found)) == {"star", "liked_but_no_visits", "quiet_seller", "weak", None}
    assert rows(warehouse, "FROM mart.note_quadrant WHERE (quadrant IS NULL) = (not_judged IS NULL)") == []


def test_readers_search_back_and_each_counts_once(warehouse) -> None:
    falling = """FROM (
        SELECT search_back_rate, lag(search_back_rate) OVER (PARTITION BY category ORDER BY lag_days) AS l
        FROM mart.search_back) WHERE l > search_back_rate"""
    assert rows(warehouse, falling) == []
    assert rows(warehouse, "FROM mart.search_back WHERE search_uv_to_date > read_uv") == []
    assert rows(warehouse, "SELECT sum(search_uv)::BIGINT > 0 FROM mart.search_back") == [(True,)]


def test_comments_are_classed_and_their_texts_are_nowhere(demo: Redcat, warehouse) -> None:
    landed = pl.read_csv(next((demo.home / "landing" / "note_comments").iterdir()), infer_schema=False)
    good = landed.filter(pl.col("评论时间") != dirt.MISSING)
    asked = good.filter(pl.col("评论内容").is_in(TEXTS["asks"]))["评论ID"].n_unique()
    assert rows(warehouse, "SELECT sum(link_requests)::BIGINT FROM mart.link_requests") == [(asked,)]
    text = TEXTS["plain"][-1]
    assert text in set(landed["评论内容"])
    for schema in ("raw", "quarantine"):
        found = f"SELECT count(*) FROM {schema}.note_comments AS t WHERE t::VARCHAR LIKE '%{text}%'"
        assert rows(warehouse, found) == [(0,)]


def test_guardrails_stand_beside_every_category(warehouse) -> None:
    assert rows(warehouse, "SELECT count(*) FROM mart.guardrails WHERE ad_share IS NOT NULL") == [(8,)]
    ((negative, complaints),) = rows(
        warehouse, "SELECT sum(negative_comments)::BIGINT, sum(complaints)::BIGINT FROM mart.guardrails"
    )
    assert negative > 0
    assert complaints > 0
