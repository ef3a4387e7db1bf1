from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from models.added import RunningSum
from models.credits import credits  # noqa: A004
from models.grain import add_cells, cells_by_model, earned_at_grain, earned_cells
from models.journeys import journeys
from models.register import RULES
from models.roi import LEVELS, earned, reconciliation, returns, rollup, sold
from tests.models.worlds import (
    DAY,
    START,
    WINDOWS,
    frame,
    frames,
    promotes,
    reference_journeys,
    reference_shares,
    reference_split,
    world,
)

SEEDS = st.integers(0, 2**32)
AS_OF = date(2026, 9, 9)
MONEY = ["credited_fen", "direct_fen", "halo_fen", "credited_refund_fen", "net_fen"]


def credits_of(whole: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return credits(journeys(*(whole[name] for name in ("touches", "conversions", "notes", "windows"))))


def earned_of(whole: dict[str, pl.DataFrame], as_of: date = AS_OF, models: Any = RULES) -> pl.DataFrame:
    return earned(credits_of(whole), whole["conversions"], whole["refunds"], models=models, as_of=as_of)


def reconciled(
    whole: dict[str, pl.DataFrame], lines: pl.DataFrame, as_of: date = AS_OF, models: Any = RULES
) -> pl.DataFrame:
    return reconciliation(lines, sold(whole["conversions"], whole["refunds"], as_of=as_of), models=models)


def returns_of(
    whole: dict[str, pl.DataFrame],
    level: str,
    as_of: date = AS_OF,
    models: Any = RULES,
    lines: pl.DataFrame | None = None,
) -> pl.DataFrame:
    lines = earned_of(whole, as_of, models) if lines is None else lines
    others = [whole[name] for name in ("spend", "notes", "windows")]
    return returns(lines, *others, level=level, models=models, as_of=as_of)


def shop(**rows: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """A world that says only what matters: user 1 reads note n1, orders o1 of 100 yuan, and n1 cost 50."""
    given_rows: dict[str, list[dict[str, Any]]] = {
        "touches": [{"note_id": "n1", "user_key": 1, "touched_at": START + 39 * DAY}],
        "conversions": [{"conversion_id": "o1", "user_key": 1}],
        "notes": [{"note_id": "n1"}],
        "windows": WINDOWS,
        "refunds": [],
        "spend": [{"note_id": "n1", "amount_fen": 5_000}],
    }
    return {name: frame(name, given_rows[name]) for name in given_rows} | {
        name: frame(name, some) for name, some in rows.items()
    }


LATE = date(2026, 12, 31)


def row_of(level: str, as_of: date = LATE, **rows: list[dict[str, Any]]) -> dict[str, Any]:
    result = returns_of(shop(**rows), level, as_of, ["linear"])
    assert result.height == 1
    return result.row(0, named=True)


@pytest.mark.parametrize("model", RULES)
@given(seed=SEEDS)
def test_fen_of_every_order_and_note_agree_with_the_reference(model: str, seed: int) -> None:
    rows = world(seed)
    result = earned_of(frames(rows), models=[model]).filter(pl.col("note_id").is_not_null())
    orders = {order["conversion_id"]: order for order in rows["conversions"] if order["paid_date"] <= AS_OF}
    back, by_platform = dict.fromkeys(orders, 0), dict.fromkeys(orders, 0)
    for refund in rows["refunds"]:
        if refund["conversion_id"] in orders and refund["refund_date"] <= AS_OF:
            back[refund["conversion_id"]] += refund["refund_fen"]
            by_platform[refund["conversion_id"]] += refund["refund_fen"] * (refund["borne_by"] == "platform")
    expected = {}
    for order, notes in reference_shares(reference_journeys(rows), model).items():
        if order in orders:
            amounts = (orders[order]["paid_fen"], back[order], by_platform[order])
            split = [reference_split(amount, list(notes.values())) for amount in amounts]
            expected |= {(order, note): fen for note, *fen in zip(notes, *split, strict=True)}
    columns = ("conversion_id", "note_id", "credited_fen", "credited_refund_fen", "platform_refund_fen")
    assert {(order, note): fen for order, note, *fen in result.select(columns).rows()} == expected


@given(seed=SEEDS)
def test_credited_and_unattributed_are_the_total_to_the_fen(seed: int) -> None:
    rows = world(seed)
    whole = frames(rows)
    result = reconciled(whole, earned_of(whole))
    for prefix in ("", "refund_"):
        parts = result[f"credited_{prefix}fen"] + result[f"unattributed_{prefix}fen"]
        assert (parts == result[f"total_{prefix}fen"]).all()
    paid = [order for order in rows["conversions"] if order["paid_date"] <= AS_OF]
    touched = {touch["conversion_id"] for touch in reference_journeys(rows)}
    for model, currency, total, credited in result.select("model", "currency", "total_fen", "credited_fen").rows():
        assert model in RULES
        of_currency = [order for order in paid if order["currency"] == currency]
        assert total == sum(order["paid_fen"] for order in of_currency)
        assert credited == sum(order["paid_fen"] for order in of_currency if order["conversion_id"] in touched)
    assert result.height == len(RULES) * len({order["currency"] for order in paid})


@given(seed=SEEDS)
@settings(max_examples=50)
def test_every_level_adds_up_to_the_reconciliation_and_to_what_was_spent(seed: int) -> None:
    whole = frames(world(seed))
    lines = earned_of(whole)
    expected = reconciled(whole, lines)
    spent = whole["spend"].filter(pl.col("spend_date") <= AS_OF)
    for level, shape in LEVELS.items():
        result = returns_of(whole, level, lines=lines)
        assert not result.select("model", shape.key, "currency").is_duplicated().any()
        assert (result["direct_fen"] + result["halo_fen"] == result["credited_fen"]).all()
        assert (result["click_fen"] + result["view_fen"] == result["credited_fen"]).all()
        assert (result["credited_fen"] - result["credited_refund_fen"] == result["net_fen"]).all()
        sums = ["credited_fen", "credited_refund_fen"]
        if shape.of_order:
            for prefix in ("", "refund_"):
                parts = result[f"credited_{prefix}fen"] + result[f"unattributed_{prefix}fen"]
                assert (parts == result[f"total_{prefix}fen"]).all()
            sums = [column for column in expected.columns if column.endswith("_fen")]
        totals = result.group_by("model", "currency").agg(pl.col(sums).sum())
        both = expected.join(totals, on=["model", "currency"], how="full", coalesce=True).fill_null(0)
        for column in sums:
            assert (both[column] == both[f"{column}_right"]).all()
        for payer, column in (("brand", "spend_fen"), ("platform", "platform_spend_fen")):
            wanted = spent.filter(payer=payer)["amount_fen"].sum()
            found = result.group_by("model").agg(pl.col(column).sum())[column]
            if shape.of_note:
                assert found.to_list() == [wanted] * len(RULES)
            else:
                assert result[column].null_count() == result.height


@given(seed=SEEDS)
@settings(max_examples=40)
def test_rows_buckets_and_laziness_do_not_matter(seed: int) -> None:
    whole = frames(world(seed))
    lines = earned_of(whole)
    shuffled = {name: each.sample(fraction=1, shuffle=True, seed=seed) for name, each in whole.items()}
    again = earned_of(shuffled).sample(fraction=1, shuffle=True, seed=seed)
    halves = pl.concat([rollup(lines.filter(pl.col("conversion_id").hash() % 2 == half)) for half in (0, 1)])
    others = [whole[name].lazy() for name in ("spend", "notes", "windows")]
    for level in LEVELS:
        expected = returns_of(whole, level, lines=lines)
        assert_frame_equal(returns_of(shuffled, level, lines=again), expected, check_exact=True)
        assert_frame_equal(returns_of(whole, level, lines=halves), expected, check_exact=True)
        lazy = returns(lines.lazy(), *others, level=level, models=RULES, as_of=AS_OF)
        assert isinstance(lazy, pl.LazyFrame)
        assert_frame_equal(lazy.collect(), expected, check_exact=True)


@given(seed=SEEDS)
def test_halo_out_is_what_notes_of_a_category_earned_on_orders_of_others(seed: int) -> None:
    rows = world(seed)
    whole = frames(rows)
    notes = {note["note_id"]: note for note in rows["notes"]}
    lines = earned_of(whole, models=["linear"]).filter(pl.col("note_id").is_not_null())
    expected: dict[tuple[str, str], int] = {}
    for line in lines.rows(named=True):
        own = notes[line["note_id"]]["category"]
        if own is not None and own != line["category"]:
            key = (own, line["currency"])
            expected[key] = expected.get(key, 0) + line["credited_fen"]
    result = returns_of(whole, "category", models=["linear"])
    found = result.filter(pl.col("halo_out_fen") > 0).select("category", "currency", "halo_out_fen").rows()
    assert {(own, currency): fen for own, currency, fen in found} == {key: fen for key, fen in expected.items() if fen}


@given(seed=SEEDS)
def test_direct_is_what_notes_earned_on_what_they_promote(seed: int) -> None:
    rows = world(seed)
    notes = {note["note_id"]: note for note in rows["notes"]}
    orders = {order["conversion_id"]: order for order in rows["conversions"]}
    lines = earned_of(frames(rows), models=["linear"]).filter(pl.col("note_id").is_not_null())
    expected = sum(
        line["credited_fen"]
        for line in lines.rows(named=True)
        if promotes(notes[line["note_id"]], orders[line["conversion_id"]], "product")
    )
    assert returns_of(frames(rows), "note", models=["linear"])["direct_fen"].sum() == expected


@given(seed=SEEDS)
def test_a_full_refund_leaves_no_net_anywhere(seed: int) -> None:
    rows = world(seed)
    rows["refunds"] = [
        {"conversion_id": order["conversion_id"], "refund_date": order["paid_date"], "refund_fen": order["paid_fen"]}
        for order in rows["conversions"]
    ]
    lines = earned_of(frames(rows))
    for level in LEVELS:
        assert not returns_of(frames(rows), level, lines=lines)["net_fen"].cast(pl.Boolean).any()


def test_spend_in_a_task_out_of_it_and_unknown_stand_apart() -> None:
    amounts = {True: 1_000, False: 200, None: 30}
    spend = [{"note_id": "n1", "amount_fen": fen, "in_task": task} for task, fen in amounts.items()]
    spend += [{"note_id": "n1", "amount_fen": 4, "in_task": True, "payer": "platform"}]
    row = row_of("note", spend=spend)
    parts = [row[f"{part}_spend_fen"] for part in ("in_task", "out_of_task", "unknown_task", "platform")]
    assert parts == [1_000, 200, 30, 4]
    assert row["spend_fen"] == 1_230


def test_the_ratios_are_what_their_names_say() -> None:
    row = row_of("note", refunds=[{"conversion_id": "o1", "refund_fen": 2_000}])
    assert row == {
        "model": "linear",
        "note_id": "n1",
        "currency": "CNY",
        "orders": 1.0,
        "credited_fen": 10_000,
        "direct_fen": 10_000,
        "halo_fen": 0,
        "click_fen": 0,
        "view_fen": 10_000,
        "credited_refund_fen": 2_000,
        "net_fen": 8_000,
        "platform_refund_fen": 0,
        "spend_fen": 5_000,
        "evidenced_spend_fen": 5_000,
        "commission_fen": 0,
        "in_task_spend_fen": 0,
        "out_of_task_spend_fen": 0,
        "unknown_task_spend_fen": 5_000,
        "platform_spend_fen": 0,
        "roas_gmv": 2.0,
        "roas_direct": 2.0,
        "roas_net": 1.6,
        # 8,000 × (0.50 − 0.01) − 5,000 over 5,000.
        "roi_profit": pytest.approx(-0.216),
        "evidence": "order",
        "lanes": "seeding",
        "maturity": "mature",
    }


def test_profit_deducts_only_the_refunds_that_the_brand_bears() -> None:
    refunds = [
        {"conversion_id": "o1", "refund_fen": 2_000, "borne_by": "platform"},
        {"conversion_id": "o1", "refund_fen": 1_000, "borne_by": "brand"},
    ]
    row = row_of("note", refunds=refunds)
    assert (row["credited_refund_fen"], row["platform_refund_fen"], row["net_fen"]) == (3_000, 2_000, 7_000)
    assert row["roas_net"] == 1.4
    # 9,000 × (0.50 − 0.01) − 5,000 over 5,000.
    assert row["roi_profit"] == pytest.approx(-0.118)


def test_commission_is_a_part_of_what_was_spent() -> None:
    bookings = [("ads", 4_000, "brand"), ("commission", 1_000, "brand"), ("commission", 9_000, "platform")]
    spend = [{"note_id": "n1", "kind": kind, "amount_fen": fen, "payer": payer} for kind, fen, payer in bookings]
    row = row_of("lane", spend=spend)
    assert (row["spend_fen"], row["commission_fen"], row["platform_spend_fen"]) == (5_000, 1_000, 9_000)
    assert row["roas_gmv"] == 2.0


def of_two_notes(level: str, evidence: tuple[str, str], **of_second: Any) -> pl.DataFrame:
    """Note n1 earned 100 yuan for 50, note n2 of lane live nothing for 30."""
    notes = [{"note_id": "n1", "evidence": evidence[0]}, {"note_id": "n2", "lane": "live", "evidence": evidence[1]}]
    spend = [{"note_id": "n1", "amount_fen": 5_000}, {"note_id": "n2", "amount_fen": 3_000}]
    notes[1] |= of_second
    return returns_of(shop(notes=notes, spend=spend), level, LATE, ["linear"])


def test_a_total_adds_only_lanes_whose_orders_are_evidenced_one_by_one_and_names_them() -> None:
    figures = ("spend_fen", "evidenced_spend_fen", "roas_gmv", "evidence", "lanes")
    known = of_two_notes("campaign", ("order", "order")).select(figures).row(0)
    assert known == (8_000, 8_000, 1.25, "order", "live|seeding")
    claimed = of_two_notes("campaign", ("order", "claim")).select(figures).row(0)
    assert claimed == (8_000, 5_000, 2.0, "mixed", "seeding")
    apart = of_two_notes("lane", ("order", "claim")).select("lane", *figures).rows()
    assert apart == [("live", 3_000, 0, None, "claim", None), ("seeding", 5_000, 5_000, 2.0, "order", "seeding")]


@pytest.mark.parametrize("ratio", ["roas_gmv", "roas_direct", "roas_net", "roi_profit"])
def test_where_orders_are_only_claimed_there_is_no_ratio(ratio: str) -> None:
    assert of_two_notes("note", ("order", "claim")).filter(note_id="n2")[ratio].to_list() == [None]
    assert of_two_notes("note", ("order", "order")).filter(note_id="n2")[ratio][0] is not None


def test_an_idle_note_says_how_its_orders_would_be_evidenced() -> None:
    result = returns_of(shop(notes=[{"note_id": "n1"}, {"note_id": "n2", "evidence": "claim"}]), "note")
    assert set(result.filter(note_id="n2").select("evidence", "lanes").rows()) == {("claim", None)}


def test_click_through_stands_apart_from_view_through_and_by_days() -> None:
    touches = [
        # o1: n1 clicked 10 days before, seen again the day before; n2 only seen, 20 days before.
        {"note_id": "n1", "user_key": 1, "touched_at": START + 30 * DAY, "kind": "click"},
        {"note_id": "n1", "user_key": 1, "touched_at": START + 39 * DAY},
        {"note_id": "n2", "user_key": 1, "touched_at": START + 20 * DAY},
    ]
    notes = [{"note_id": name, "exchange": "red_cat"} for name in ("n1", "n2")]
    row = row_of("exchange", touches=touches, notes=notes)
    assert (row["exchange"], row["credited_fen"]) == ("red_cat", 10_000)
    assert (row["click_fen"], row["view_fen"]) == (6_667, 3_333)
    assert [row[f"click_{days}d_fen"] for days in (7, 15, 30)] == [0, 6_667, 6_667]
    assert [row[f"click_orders_{days}d"] for days in (7, 15, 30)] == [0, *[pytest.approx(2 / 3)] * 2]
    assert [row[f"roas_click_{days}d"] for days in (7, 15, 30)] == [0, *[pytest.approx(6_667 / 5_000)] * 2]


@given(seed=SEEDS)
@settings(max_examples=40)
def test_more_days_hold_what_fewer_do_and_never_more_than_the_whole(seed: int) -> None:
    rows = returns_of(frames(world(seed)), "exchange")
    sums = [rows[f"click_{days}d_fen"] for days in (7, 15, 30)] + [rows["click_fen"]]
    assert all((fewer <= more).all() for fewer, more in pairwise(sums))


def test_refunds_and_spend_after_as_of_and_orders_paid_after_it_do_not_count_yet() -> None:
    later = {"refunds": [{"conversion_id": "o1", "refund_fen": 2_000, "refund_date": date(2026, 10, 12)}]}
    assert row_of("note", date(2026, 10, 11), **later)["credited_refund_fen"] == 0
    assert row_of("note", date(2026, 10, 12), **later)["credited_refund_fen"] == 2_000
    assert row_of("note", date(2026, 10, 10))["credited_fen"] == 0
    assert row_of("note", date(2026, 9, 9))["spend_fen"] == 0


@pytest.mark.parametrize("level", ["note", "creator", "campaign", "category", "lane"])
def test_losers_keep_their_rows_and_show_as_a_loss(level: str) -> None:
    row = row_of(level, touches=[], conversions=[])
    assert (row["credited_fen"], row["spend_fen"], row["roas_gmv"], row["roi_profit"]) == (0, 5_000, 0.0, -1.0)


def test_idle_notes_keep_their_rows_with_zeros_and_unknown_ratios() -> None:
    result = returns_of(shop(notes=[{"note_id": "n1"}, {"note_id": "n2"}]), "note", models=["linear"])
    row = result.filter(note_id="n2").row(0, named=True)
    assert [row[column] for column in (*MONEY, "orders", "spend_fen")] == [0] * 7
    assert [row[column] for column in ("roas_gmv", "roas_net", "roi_profit")] == [None] * 3
    assert (row["currency"], row["maturity"]) == ("CNY", "maturing")


def test_notes_that_cost_nothing_have_no_ratio() -> None:
    row = row_of("note", spend=[{"note_id": "n1", "amount_fen": 700, "payer": "platform"}])
    assert (row["spend_fen"], row["platform_spend_fen"], row["credited_fen"]) == (0, 700, 10_000)
    assert [row[ratio] for ratio in ("roas_gmv", "roas_direct", "roas_net", "roi_profit")] == [None] * 4


@pytest.mark.parametrize("level", ["note", "creator", "campaign", "category", "lane"])
def test_spend_of_no_note_and_of_unknown_notes_is_unassigned(level: str) -> None:
    spend = [{"note_id": note, "amount_fen": fen} for note, fen in (("n1", 5_000), (None, 30), ("gone", 4))]
    result = returns_of(shop(spend=spend), level, LATE, models=["linear"])
    assert result.select(LEVELS[level].key, "spend_fen", "credited_fen").rows()[0] == (None, 34, 0)
    assert result["spend_fen"].sum() == 5_034


def test_currencies_are_apart() -> None:
    whole = shop(
        touches=[{"note_id": "n1", "user_key": user, "touched_at": START + 39 * DAY} for user in (1, 2)],
        conversions=[
            {"conversion_id": "o1", "user_key": 1},
            {"conversion_id": "o2", "user_key": 2, "currency": "USD", "paid_fen": 300},
        ],
        spend=[
            {"note_id": "n1", "amount_fen": 5_000},
            {"note_id": "n1", "amount_fen": 100, "currency": "USD"},
            {"note_id": "n1", "amount_fen": 7, "currency": "JPY"},
        ],
    )
    result = returns_of(whole, "note", LATE, models=["linear"])
    assert result.select("currency", "credited_fen", "spend_fen", "roas_gmv").rows() == [
        ("CNY", 10_000, 5_000, 2.0),
        ("JPY", 0, 7, 0.0),
        ("USD", 300, 100, 3.0),
    ]


def test_an_unknown_margin_makes_profit_unknown_but_only_where_it_was_credited() -> None:
    orders = [{"conversion_id": "o1", "user_key": 1, "margin": None}, {"conversion_id": "o2", "user_key": 2}]
    whole = shop(conversions=orders)
    assert returns_of(whole, "note", LATE, models=["linear"])["roi_profit"].to_list() == [None]
    orders = [{"conversion_id": "o1", "user_key": 1}, {"conversion_id": "o2", "user_key": 2, "margin": None}]
    assert returns_of(shop(conversions=orders), "category", LATE, models=["linear"])["roi_profit"].to_list() == [
        pytest.approx(-0.02)
    ]


def test_category_rows_hold_the_orders_category_and_the_notes_spend() -> None:
    whole = shop(conversions=[{"conversion_id": "o1", "user_key": 1, "category": "sunscreen", "product_id": "p9"}])
    columns = ("category", "total_fen", "credited_fen", "direct_fen", "halo_fen", "halo_out_fen", "spend_fen")
    assert returns_of(whole, "category", LATE, models=["linear"]).select(columns).rows() == [
        ("lipstick", 0, 0, 0, 0, 10_000, 5_000),
        ("sunscreen", 10_000, 10_000, 0, 10_000, 0, 0),
    ]


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        (date(2026, 10, 9), "maturing"),
        (date(2026, 10, 10), "settling"),
        (date(2026, 10, 24), "settling"),
        (date(2026, 10, 25), "mature"),
    ],
)
@pytest.mark.parametrize("level", ["note", "creator", "campaign", "category", "lane"])
def test_figures_mature_a_window_and_the_refunds_after_the_last_spend(level: str, as_of: date, state: str) -> None:
    # The last brand spend is of 2026-09-10, the longest window 30 days, refunds are expected for 15 more.
    assert row_of(level, as_of, conversions=[])["maturity"] == state


def test_maturity_without_spend_counts_from_the_last_credited_order() -> None:
    # Paid on 2026-10-11.
    no_spend: dict[str, Any] = {"spend": []}
    assert row_of("note", date(2026, 11, 9), **no_spend)["maturity"] == "maturing"
    assert row_of("note", date(2026, 11, 10), **no_spend)["maturity"] == "settling"
    assert row_of("channel", date(2026, 11, 24), **no_spend)["maturity"] == "settling"
    assert row_of("channel", date(2026, 11, 25), **no_spend)["maturity"] == "mature"


def test_maturity_takes_the_override_of_the_notes_own_category_and_hours_as_a_day() -> None:
    windows = [
        {"kind": "click", "window": timedelta(hours=24)},
        {"kind": "click", "category": "lipstick", "window": timedelta(hours=25)},
        {"kind": "click", "category": "baby_food", "window": 70 * DAY},
    ]
    assert row_of("note", date(2026, 9, 11), windows=windows)["maturity"] == "maturing"
    assert row_of("note", date(2026, 9, 12), windows=windows)["maturity"] == "settling"


def test_a_row_is_as_mature_as_the_last_of_its_notes() -> None:
    spend = [
        {"note_id": "n1", "amount_fen": 1},
        {"note_id": "n2", "amount_fen": 1, "spend_date": date(2026, 9, 20)},
    ]
    whole = shop(notes=[{"note_id": "n1"}, {"note_id": "n2"}], spend=spend, conversions=[])
    as_of = date(2026, 10, 19)
    assert returns_of(whole, "note", as_of, models=["linear"])["maturity"].to_list() == ["settling", "maturing"]
    assert returns_of(whole, "creator", as_of, models=["linear"])["maturity"].to_list() == ["maturing"]


def test_a_model_that_credits_nothing_leaves_everything_unattributed() -> None:
    whole = shop()
    silent = credits_of(whole).with_columns(markov=pl.lit(None, pl.Float64))
    both = ["linear", "markov"]
    lines = earned(silent, whole["conversions"], whole["refunds"], models=both, as_of=LATE)
    result = reconciled(whole, lines, LATE, both)
    assert result.select("credited_fen", "unattributed_fen").rows() == [(10_000, 0), (0, 10_000)]


def test_a_conversion_given_twice_is_refused_and_not_counted_twice() -> None:
    order = {"conversion_id": "o1", "user_key": 1}
    with pytest.raises(pl.exceptions.ComputeError, match="m:1"):
        earned(
            credits_of(shop()),
            frame("conversions", [order, order]),
            frame("refunds", []),
            models=["linear"],
            as_of=LATE,
        )


def test_an_unknown_level_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="level 'shop' is unknown: expected one of 'note', 'creator'"):
        returns_of(shop(), "shop")


@given(seed=SEEDS)
def test_the_short_way_to_the_grain_is_the_long_way(seed: int) -> None:
    rows = world(seed)
    whole = frames(rows)
    given_credits = credits_of(whole).with_columns(
        # A model may credit some conversions only.
        some=pl.when(pl.col("conversion_id") != "o3").then("linear")
    )
    for models in (list(RULES), ["linear", "some"]):
        others = {"models": models, "as_of": AS_OF}
        expected = rollup(earned(given_credits, whole["conversions"], whole["refunds"], **others))
        short = earned_at_grain(given_credits, whole["conversions"], whole["refunds"], **others)
        assert_frame_equal(short, expected)
        shuffled = given_credits.sample(fraction=1, shuffle=True, seed=seed).lazy()
        lazy = earned_at_grain(shuffled, whole["conversions"].lazy(), whole["refunds"], **others)
        assert_frame_equal(lazy.collect(), expected)


@given(seed=SEEDS)
@settings(max_examples=40)
def test_cells_of_buckets_add_up_to_the_whole(seed: int) -> None:
    whole = frames(world(seed))
    lines = credits_of(whole).with_columns(some=pl.when(pl.col("conversion_id") != "o3").then("linear"))
    others = {"models": [*RULES, "some"], "as_of": AS_OF}
    sums = RunningSum(add_cells)
    for bucket in range(5):
        here = pl.col("conversion_id").hash() % 5 == bucket
        part = whole["conversions"].filter(here)
        sums.add(earned_cells(lines.filter(here), part, whole["refunds"], **others))
    found = cells_by_model(sums.result(), models=others["models"])
    assert_frame_equal(found, earned_at_grain(lines, whole["conversions"], whole["refunds"], **others))


@given(seed=SEEDS)
@settings(max_examples=20)
def test_a_date_can_be_made_again_alone(seed: int) -> None:
    whole = frames(world(seed))
    lines, orders = credits_of(whole), whole["conversions"]
    others = {"models": list(RULES), "as_of": AS_OF}
    found = add_cells(earned_cells(lines, orders, whole["refunds"], **others, daily=True))
    for day in orders["paid_date"].unique():
        of_day = orders.filter(paid_date=day)
        alone = earned_cells(lines.join(of_day, on="conversion_id", how="semi"), of_day, whole["refunds"], **others)
        assert_frame_equal(found.filter(paid_date=day).drop("paid_date"), add_cells(alone), check_row_order=False)
    summed = cells_by_model(add_cells(found.drop("paid_date")), models=list(RULES))
    assert_frame_equal(summed, earned_at_grain(lines, orders, whole["refunds"], **others))


@pytest.mark.parametrize(
    ("amount", "share", "message"),
    [
        (9 * 10**18 + 1, 1.0, "amounts that are null or beyond"),
        (None, 1.0, "amounts that are null or beyond"),
        (100, -0.5, "shares that are negative"),
        (100, float("nan"), "shares that are negative, null or not finite"),
        (100, 0.0, "sums to 0"),
    ],
)
def test_what_cannot_be_split_is_refused_and_named(amount: int | None, share: float, message: str) -> None:
    whole = shop(conversions=[{"conversion_id": "o1", "user_key": 1, "paid_fen": amount}])
    lines = credits_of(whole).with_columns(linear=pl.lit(share))
    with pytest.raises(ValueError, match=message):
        earned_at_grain(lines, whole["conversions"], whole["refunds"], models=["linear"], as_of=LATE)
