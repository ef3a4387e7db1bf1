"""What each mart tells of people, and so what is suppressed in it for readers who may not know single buyers.

One entry a mart, so that a mart without one is no mart: what it tells of people has to be thought of. The marketers'
level of the warehouse and the tables of the reports are both made by these entries.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.marts.mart import Mart


@dataclass(frozen=True)
class Few:
    """Figures of a mart that are suppressed where few people stand behind a row.

    `people` is SQL for their number over the rows `m` of the mart: the least, where the figures tell of several crowds.
    In it {buyers} is the table of buyers of these rows, and {same} says that a row `b` of it is of the same date, brand
    and currency. `within` are the groups whose totals readers know, each beside those of `BASIS`; none where nothing
    is added up. `under` are marts whose rows, by columns of both, are sums of these: where one of them is suppressed,
    all of its parts are, or they would tell it. `audit` is the key of a row where, besides, no small one may follow
    from all of these sums together. With `drop` a suppressed row is left out: that it is there tells what a figure
    would.

    Of figures, groups and sums those count that the rows at hand have: a report's rows are of fewer columns or coarser
    than the mart, and have ratios more.
    """

    people: str
    figures: tuple[str, ...]
    within: tuple[tuple[str, ...], ...] = ((),)
    under: tuple[tuple[str, tuple[str, ...]], ...] = ()
    audit: str = ""
    drop: bool = False


#: Every row belongs to one of each: nothing is added over them.
BASIS = ("model", "as_of", "brand", "currency")

ALONE: tuple[tuple[str, ...], ...] = ()  # of figures that nobody adds up, such as unique visitors

EARNED = (
    *("orders", "credited_gmv", "direct_gmv", "halo_gmv", "click_gmv", "view_gmv", "credited_refunds", "credited_net"),
    *("platform_refunds", "roas_gmv", "roas_direct", "roas_net", "roi_profit", "credited_share", "buyers"),
    *("roas_low", "roas_high", "direct_low", "direct_high"),
)
#: Feeds of notes, of money and of what platforms sum up: how many rows a day has tells of nobody.
OF_NO_PEOPLE = (
    *("notes", "note_spend", "note_metrics_daily", "note_comments", "wallet_flows", "exchange_note_daily"),
    *("ad_claims_daily", "promotion_codes", "local_shops"),
)
OF_NEW = ("new_customers", "new_customer_share", "cac")
OF_ORDERS = ("total_gmv", "unattributed_gmv", "total_refunds", "unattributed_refunds")
VISITS = ("daily_visitors", "cpuv")
MATCHED = ("order_lines", "order_share", "paid_gmv", "gmv_share")
COMPARED = ("credited_gmv", "claim_difference")
DAYS = ("7d", "15d", "30d")
CLICKED = tuple(f"{figure}_{days}" for figure in ("click_orders", "click_gmv", "roas_click") for days in DAYS)


def _least(*crowds: str) -> str:
    """The least of several crowds, of which one of nobody tells of nobody; 0 where there is none."""
    return f"coalesce(least({', '.join(f'nullif({crowd}, 0)' for crowd in crowds)}), 0)"


def _buyers(
    level: str, key: str, crowd: str = _least("b.buyers", "b.unattributed_buyers"), *, uncounted: int = 0
) -> str:
    """The least number of buyers behind a key by any model, since figures of all models stand beside one another.

    `uncounted` is told of a key of which none are known.
    """
    return f"""coalesce((SELECT min(nullif({crowd}, 0)) FROM {{buyers}} AS b
        WHERE b.level = '{level}' AND b.key IS NOT DISTINCT FROM {key} AND {{same}}), {uncounted})"""


def _parts(level: str, key: str, figure: str) -> str:
    """The fewest buyers of any part of the orders of a key: rows that hold each other tell of what is between them."""
    return f"""CASE WHEN {figure} > 0 THEN coalesce((
        SELECT min(b.buyers) FROM {{buyers}} AS b WHERE b.level = '{level}' AND b.buyers > 0
            AND starts_with(b.key, {key} || '|') AND {{same}}
    ), 1) ELSE 0 END"""


# How an exchange's orders are told: those within 7 days of the click are among those within 15, and so on up to all.
_CHAIN = ("7", "15", "30", "later", "view")


def _chained(length: int) -> str:
    """The fewest buyers of what the first parts of the chain make, or by which anything longer is more; 0 for nobody.

    A union of parts has no fewer buyers than the one with most.
    """
    parts = [f"coalesce(max(b.buyers) FILTER (split_part(b.key, '|', 2) = '{part}'), 0)" for part in _CHAIN]
    spans = [(0, length), *((length, end) for end in range(length + 1, len(parts) + 1))]
    crowds = _least(*(f"greatest({', '.join(parts[first:last])})" for first, last in spans))
    return f"""CASE WHEN m.orders > 0 THEN coalesce((
        SELECT min(nullif(fewest, 0)) FROM (
            SELECT {crowds} AS fewest FROM {{buyers}} AS b
            WHERE b.level = 'exchange_part' AND split_part(b.key, '|', 1) = coalesce(m.exchange, '') AND {{same}}
            GROUP BY b.model
        )
    ), 1) ELSE 0 END"""


# The fewer of a crowd, the new ones or the known others: each is what the share tells of the other.
_NEW = _least("b.new_customers", "round(b.new_customers / nullif(b.new_customer_share, 0))::BIGINT - b.new_customers")


def _returned(
    level: str, *more: str, within: tuple[tuple[str, ...], ...] = ((),), **options: object
) -> tuple[Few, ...]:
    key = f"m.{level}" if level in ("category", "channel", "lane") else f"m.{level}_id"
    return (
        Few(_buyers(level, key), (*EARNED, *more), within, **options),  # type: ignore[arg-type]
        Few("daily_visitors", VISITS, within, **options),  # type: ignore[arg-type]
        Few(_buyers(level, key, _NEW), OF_NEW, within),
    )


SPLIT = (
    *("order_lines", "paid_orders", "total_gmv", "total_refunds", "seeded_lines", "seeded_gmv", "seeded_net"),
    *("buyers", "seeded_buyers", "unseeded_buyers"),
    *("new_customer_line_share", "part_gmv_share", "aov", "roas_seeded", "roas_seeded_net"),
)
PRESOLD = (
    *("presale_lines", "balance_paid_lines", "open_lines", "lapsed_lines", "balance_paid_share", "deposit_amount"),
    *("presale_gmv", "due_amount"),
)
COHORT = (
    *("cards_sold", "cards_refunded", "cards_active", "cards_used", "card_visits", "discount_cost", "cash_amount"),
    *("revenue_amount", "deferred_amount"),
)
CARDS = (
    *("cards_sold", "card_visits", "visit_amount", "discount_cost", "contribution_amount", "break_even_visits"),
    *("is_broken_even", "redemptions_before", "redemptions_after", "notes_without_redemptions"),
)
VOUCHERS = (
    *("vouchers_sold", "vouchers_redeemed", "vouchers_expired", "vouchers_refunded", "vouchers_open"),
    *("vouchers_unmatched", "redeemed_share", "sold_amount", "redeemed_amount", "refunded_amount"),
)
_ALL = ("all", "'all'")
IMPRESSIONS = ("impressions", "brand_impressions", "platform_impressions", "organic_impressions")
FUNNEL_DAY = (
    Few("buyer_uv", ("buyer_uv", "orders", "paid_gmv", "kept_orders", "kept_gmv")),
    Few("impression_uv", ("impression_uv", *IMPRESSIONS)),
    Few("engagement_uv", ("engagement_uv", "engagements")),
    Few("click_uv", ("click_uv", "clicks")),
    Few("visit_uv", ("visit_uv", "visits", "searches", "favourites")),
    Few("cart_uv", ("cart_uv", "carts")),
)
_NEXT = "lead(search_uv_to_date) OVER (PARTITION BY as_of, category ORDER BY lag_days)"
TOTAL = _buyers(*_ALL)
LEVELS = (
    *(("campaign_roi", ("campaign_id",)), ("creator_roi", ("creator_id",)), ("lane_roi", ("lane",))),
    ("exchange_roi", ("lane", "exchange")),
)
#: What all rows of a mart have in common, and so have no column for.
IN_COMMON = {"exchange_roi": {"lane": "exchange_link"}}

#: By mart: () where nothing tells of people, None where marketers do not get it at all. A mart stands after those that
#: it is `under`.
PRIVATE: dict[str, tuple[Few, ...] | None] = {
    "reconciliation": (
        Few(TOTAL, (*EARNED, *OF_ORDERS, "unmatched_refunds"), ALONE),
        Few(_buyers(*_ALL, _NEW), OF_NEW, ALONE),
    ),
    "real_returns": (Few(TOTAL, ("credited_gmv", "roas_gmv", "roas_face", "roas_real"), ALONE),),
    "category_roi": _returned("category", *OF_ORDERS, "halo_out_gmv"),
    "channel_roi": _returned("channel", *OF_ORDERS),
    "lane_roi": _returned("lane"),
    "creator_roi": _returned("creator"),
    "campaign_roi": _returned("campaign"),
    "exchange_roi": (
        Few(_buyers("exchange", "m.exchange"), (*EARNED, *CLICKED)),
        Few(_chained(4), ("click_gmv", "view_gmv"), ALONE),
        *(Few(_chained(n), CLICKED[n - 1 :: 3], ALONE) for n in (1, 2, 3)),
        Few("daily_visitors", VISITS),
    ),
    "note_roi": (
        *_returned(
            "note", within=((), ("creator_id",), ("campaign_id",), ("lane",), ("lane", "exchange")), under=LEVELS,
            audit="note_id",
        ),
        Few("visitor_uv", ("visitor_uv", "cost_per_visitor"), ALONE),
    ),
    "live_roi": _returned("note", within=ALONE, under=(("note_roi", ("note_id",)),)),
    "buyers": (
        Few(
            "min(" + _least("m.buyers", "m.unattributed_buyers", "m.new_customers", "m.buyers - m.new_customers") + ") "
            "OVER (PARTITION BY m.level, m.key, m.currency)",
            ("buyers", "new_customers", "unattributed_buyers", "new_customer_share"), ALONE,
        ),
    ),
    "purchase_lag": (
        Few("buyers", ("order_lines", "buyers", "paid_gmv", "median_days"), ((), ("category",)),
            (("category_roi", ("category",)),)),
    ),
    "common_paths": (Few("buyers", ("order_lines", "buyers", "paid_gmv"), drop=True),),
    "order_splits": (
        Few(_least("buyers", "seeded_buyers", "unseeded_buyers"), SPLIT, (("split",),)),
    ),
    "presales": (
        Few(
            _least("balance_paid_lines", "open_lines", "lapsed_lines"), PRESOLD, ((), ("channel",), ("business_date",)),
        ),
    ),
    "product_eligibility": (
        Few(
            _least("paid_orders", "eligible_orders", "ineligible_orders"),
            ("paid_orders", "paid_gmv", "eligible_orders", "ineligible_orders", "ineligible_gmv"),
            ((), ("category",), ("channel",)), (("category_roi", ("category",)), ("channel_roi", ("channel",))),
        ),
    ),
    "in_app_loop": (
        Few(_least("buyer_uv", "paid_orders"), ("buyer_uv", "paid_orders", "paid_gmv", "paid_refunds", "paid_net")),
        Few("click_uv", ("click_uv", "clicks", "own_link_clicks", "other_link_clicks"), ALONE),
        Few("visit_uv", ("visit_uv",), ALONE),
        Few("cart_uv", ("cart_uv",), ALONE),
    ),
    "funnel_daily": FUNNEL_DAY,
    "repurchase": (
        Few(_least("cohort_buyers", "repeat_buyers", "repeat_buyers_to_date"),
            ("repeat_buyers", "repeat_buyers_to_date", "repeat_share", "repeat_to_date_share"),
            (("cohort_month", "first_exclusive"),)),
        Few("cohort_buyers", ("cohort_buyers",)),
    ),
    "note_quadrant": (
        Few("read_uv", ("read_uv", "engagements", "engagement_rate", "visitor_uv", "visit_rate"), ALONE),
        Few("visitor_uv", ("visitor_uv", "visit_rate"), ALONE),
    ),
    # Comments stand in public below a note.
    "link_requests": (Few("link_request_uv", ("link_request_uv",), ALONE),),
    "guardrails": (),
    # What came up to one day less what came up to an earlier one came in between: of each day it counts how many came
    # until the next. The last day is shown by itself, and then no two others between which few came.
    "search_back": (
        Few("read_uv", ("read_uv", "search_uv", "search_uv_to_date", "search_back_rate"), ALONE),
        Few("1", ("search_uv",), ALONE),
        Few(
            f"""CASE WHEN {_NEXT} IS NULL THEN search_uv_to_date
                ELSE least(search_uv_to_date, greatest({_NEXT} - search_uv_to_date, 1)) END""",
            ("search_uv_to_date", "search_back_rate"), ALONE,
        ),
    ),
    "card_shops": (
        Few(_least("card_visits", "cards_sold", "redemptions_before", "redemptions_after"), CARDS,
            (("programme",), ("programme", "city"))),
    ),
    "card_cohorts": (
        Few(_least("cards_sold", "cards_refunded", "cards_active", "cards_used", "cards_sold - cards_used"), COHORT,
            (("programme", "stated_on"),)),
    ),
    "vouchers": (
        Few(
            _least("vouchers_sold", "vouchers_redeemed", "vouchers_expired", "vouchers_refunded", "vouchers_open"),
            VOUCHERS, (("programme",), ("programme", "city"), ("programme", "vertical"), ("programme", "sold_month")),
        ),
    ),
    "shop_coverage": (Few("redemptions", ("redemptions", "curated_redemption_share")),),
    "payment_channels": (
        Few("payments", ("payments", "payment_amount", "payment_share", "payment_fees"),
            (("payment_source", "scenario"),)),
    ),
    "feed_days": (
        Few(f"CASE WHEN feed NOT IN {OF_NO_PEOPLE} THEN rows END", ("rows",),
            (("feed", "source"), ("feed", "business_date"))),
    ),
    # Of one order line, or of the sums that others state.
    "double_claims": (
        Few("fewest_buyers", ("fewest_buyers", "claimed_order_uv", "basis_order_uv", "claimed_gmv", "basis_gmv",
                              "twice_at_least_gmv", "twice_at_most_gmv"), ALONE),
    ),
    "note_daily": (),  # what a platform counts of a public note
    "spend_daily": (),
    "wallet_daily": (),
    "city_pilots": (),  # averages of a city and day
    # Parts of figures that other marts suppress, by note or by day, so fine that most of them are of few buyers.
    "claims": None,
    "ad_claims": None,
    "match_rates": None,
    "unmatched_orders": None,
    "restatements": None,
}  # fmt: skip


# Totals of visits that reports show: by lane and exchange, of no creator and no campaign.
_VISITED = ((), ("lane",), ("exchange",), ("lane", "exchange"))
#: By table of the reports, where it is no mart row by row: sums over a mart, and what stands beside its figures.
REPORTED: dict[str, tuple[Few, ...]] = {
    # All notes of a maturity have no fewer buyers than the one with most.
    "totals": PRIVATE["reconciliation"] or (),
    "by_maturity": (Few("most_buyers", EARNED),),
    "note_returns": tuple(
        Few("daily_visitors", VISITS, _VISITED) if entry.figures == VISITS else entry
        for entry in PRIVATE["note_roi"] or ()
    ),
    "lane_visits": (Few("daily_visitors", VISITS, _VISITED),),
    "match_rates": (
        Few(_buyers("match", "(m.channel || '|' || m.matched_by)", uncounted=1), MATCHED, (("channel",),)),
    ),
    "unmatched_orders": (
        Few(_buyers("unmatched", "(m.channel || '|' || m.unmatched_because)", uncounted=1), MATCHED, (("channel",),)),
    ),
    "claims": (Few(_parts("claim_part", "m.exchange", "m.credited_gmv"), COMPARED, ALONE),),
    "ad_claims": (
        Few(_parts("ad_claim_part", "(m.platform || '|' || m.claim_kind)", "m.credited_gmv"), COMPARED, ALONE),
    ),
    "funnel": (Few("most_people", ("events",), ALONE),),
    # A day's orders that moved are told where many bought on it; how a day's orders matched, to nobody.
    "restatements": (
        Few("CASE WHEN restated_in = 'match_rates' THEN 1 ELSE day_people END", ("was", "became", "change"), ALONE),
    ),
}  # fmt: skip


#: Those of them that are a mart row by row all the same.
AS_MART = frozenset({"note_returns"})


def private(table: str, mart: str, /) -> tuple[Few, ...]:
    """What a table of the reports, made of rows of a mart, tells of people."""
    return REPORTED.get(table, PRIVATE[mart] or () if mart else ())


def with_privacy(marts: Iterable[Mart], /) -> tuple[Mart, ...]:
    """The marts, each with what it tells of people; raises KeyError for one of which nobody has said it."""
    return tuple(replace(mart, private=PRIVATE[mart.name]) for mart in marts)
