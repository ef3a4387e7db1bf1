"""What each mart tells of people, and so what is suppressed in it for readers who may not know single buyers.

One entry a mart, so that a mart without one is no mart: what it tells of people has to be thought of.
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

    `people` is SQL for their number over the rows `m` of the mart: the least, where the figures tell of several crowds;
    {same} in it says that a row `b` is of the same brand and currency. `within` are the groups whose totals readers
    know, each beside those of `BASIS`; none where nothing is added up. `under` are marts whose rows, by a column of
    both, are sums of these: where one of them is suppressed, all of its parts are, or they would tell it. `audit` is
    the key of a row where, besides, no small one may follow from all of these sums together. With `drop` a suppressed
    row is left out: that it is there tells what a figure would.
    """

    people: str
    figures: tuple[str, ...]
    within: tuple[tuple[str, ...], ...] = ((),)
    under: tuple[tuple[str, str], ...] = ()
    audit: str = ""
    drop: bool = False


#: Every row belongs to one of each: nothing is added over them.
BASIS = ("model", "as_of", "brand", "currency")

ALONE: tuple[tuple[str, ...], ...] = ()  # of figures that nobody adds up, such as unique visitors

EARNED = (
    *("orders", "credited_gmv", "direct_gmv", "halo_gmv", "click_gmv", "view_gmv", "credited_refunds", "credited_net"),
    *("platform_refunds", "roas_gmv", "roas_direct", "roas_net", "roi_profit"),
)
OF_ORDERS = ("total_gmv", "unattributed_gmv", "total_refunds", "unattributed_refunds")
VISITS = ("daily_visitors", "cpuv")
DAYS = ("7d", "15d", "30d")
CLICKED = tuple(f"{figure}_{days}" for figure in ("click_orders", "click_gmv", "roas_click") for days in DAYS)


def _least(*crowds: str) -> str:
    """The least of several crowds, of which one of nobody tells of nobody; 0 where there is none."""
    return f"coalesce(least({', '.join(f'nullif({crowd}, 0)' for crowd in crowds)}), 0)"


def _buyers(level: str, key: str) -> str:
    """The least number of buyers behind a key by any model, since figures of all models stand beside one another."""
    least = _least("b.buyers", "b.unattributed_buyers")
    return f"""coalesce((SELECT min(nullif({least}, 0)) FROM mart.buyers AS b
        WHERE b.level = '{level}' AND b.key IS NOT DISTINCT FROM {key} AND {{same}}), 0)"""


def _returned(
    level: str, *more: str, within: tuple[tuple[str, ...], ...] = ((),), **options: object
) -> tuple[Few, ...]:
    key = f"m.{level}" if level in ("category", "channel", "lane") else f"m.{level}_id"
    return (
        Few(_buyers(level, key), (*EARNED, *more), within, **options),  # type: ignore[arg-type]
        Few("daily_visitors", VISITS, within, **options),  # type: ignore[arg-type]
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
TOTAL = _buyers("all", "'all'")
LEVELS = (("campaign_roi", "campaign_id"), ("creator_roi", "creator_id"), ("lane_roi", "lane"))

#: By mart: () where nothing tells of people, None where marketers do not get it at all. A mart stands after those that
#: it is `under`.
PRIVATE: dict[str, tuple[Few, ...] | None] = {
    "reconciliation": (
        Few(
            TOTAL, ("total_gmv", "credited_gmv", "unattributed_gmv", "total_refunds", "credited_refunds",
            "unattributed_refunds", "unmatched_refunds"), ALONE,
        ),
    ),
    "real_returns": (Few(TOTAL, ("credited_gmv", "roas_gmv", "roas_real"), ALONE),),
    "category_roi": _returned("category", *OF_ORDERS, "halo_out_gmv"),
    "channel_roi": _returned("channel", *OF_ORDERS)[:1],  # orders have a channel, visitors of a note have none
    "lane_roi": _returned("lane"),
    "creator_roi": _returned("creator"),
    "campaign_roi": _returned("campaign"),
    "exchange_roi": (
        # Orders within 15 days hold those within 7: what one has more than the other tells of the fewest.
        Few(
            """CASE WHEN m.orders > 0 THEN coalesce((
                SELECT min(b.buyers) FROM mart.buyers AS b WHERE b.level = 'exchange_part' AND b.buyers > 0
                    AND split_part(b.key, '|', 1) = coalesce(m.exchange, '') AND {same}
            ), 1) ELSE 0 END""", (*EARNED, *CLICKED),
        ),
        Few("daily_visitors", VISITS),
    ),
    "note_roi": _returned(
        "note", within=((), ("creator_id",), ("campaign_id",), ("lane",), ("lane", "exchange")), under=LEVELS,
        audit="note_id",
    ),
    "live_roi": _returned("note", within=ALONE, under=(("note_roi", "note_id"),)),
    "buyers": (
        Few(
            "min(" + _least("m.buyers", "m.unattributed_buyers", "m.new_customers", "m.buyers - m.new_customers") + ") "
            "OVER (PARTITION BY m.level, m.key, m.currency)",
            ("buyers", "new_customers", "unattributed_buyers", "new_customer_share"), ALONE,
        ),
    ),
    "purchase_lag": (
        Few("buyers", ("order_lines", "buyers", "paid_gmv", "median_days"), ((), ("category",)),
            (("category_roi", "category"),)),
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
            ((), ("category",), ("channel",)), (("category_roi", "category"), ("channel_roi", "channel")),
        ),
    ),
    "in_app_loop": (
        Few(_least("buyer_uv", "paid_orders"), ("buyer_uv", "paid_orders", "paid_gmv", "paid_refunds", "paid_net")),
        Few("click_uv", ("click_uv", "clicks", "own_link_clicks", "other_link_clicks"), ALONE),
        Few("visit_uv", ("visit_uv",), ALONE),
        Few("cart_uv", ("cart_uv",), ALONE),
    ),
    "funnel_daily": (
        Few("buyer_uv", ("buyer_uv", "orders", "paid_gmv", "kept_orders", "kept_gmv")),
        Few("impression_uv", ("impression_uv", "impressions", "brand_impressions", "platform_impressions",
                              "organic_impressions")),
        Few("engagement_uv", ("engagement_uv", "engagements")),
        Few("click_uv", ("click_uv", "clicks")),
        Few("visit_uv", ("visit_uv", "visits", "searches", "favourites")),
        Few("cart_uv", ("cart_uv", "carts")),
    ),
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
    "link_requests": (
        Few("link_request_uv", ("link_request_uv", "link_requests", "link_requests_last_7d", "link_request_share"),
            ALONE),
        Few("link_requests_last_7d", ("link_requests_last_7d",), ALONE),
    ),
    # What came up to one day less what came up to the day before came on that day: only the last day is shown.
    "search_back": (
        Few("read_uv", ("read_uv", "search_uv", "search_uv_to_date", "search_back_rate"), ALONE),
        Few("1", ("search_uv",), ALONE),
        Few("CASE WHEN lag_days = max(lag_days) OVER (PARTITION BY category) THEN search_uv_to_date ELSE 1 END",
            ("search_uv_to_date", "search_back_rate"), ALONE),
    ),
    "guardrails": (
        Few("negative_comments", ("negative_comments", "negative_share"), ALONE),
        Few("complaints", ("complaints", "complaint_share"), ALONE),
        Few("diverting_comments", ("diverting_comments",), ALONE),
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
    "feed_days": (Few("rows", ("rows",), (("feed", "source"), ("feed", "business_date"))),),
    "double_claims": (
        Few("claimed_order_uv", ("claimed_order_uv", "basis_order_uv", "claimed_gmv", "basis_gmv",
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


def with_privacy(marts: Iterable[Mart], /) -> tuple[Mart, ...]:
    """The marts, each with what it tells of people; raises KeyError for one of which nobody has said it."""
    return tuple(replace(mart, private=PRIVATE[mart.name]) for mart in marts)
