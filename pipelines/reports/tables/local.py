"""The tables of local commerce: cards, vouchers, the shops that take them, and what a pilot added."""

from __future__ import annotations

from pipelines.reports.content import Column, Table
from pipelines.reports.wording import Text

CARD = ("card_visits", "visit_amount", "discount_cost", "contribution_amount", "break_even_visits", "is_broken_even")
AROUND = ("notes_before", "notes_after", "redemptions_before", "redemptions_after")
CARD_SHOPS = Table(
    "card_shops",
    Text("小红卡门店账", "Cards by shop"),
    Text(
        "每家门店的用卡次数、优惠成本与认证费，多少次用卡才保本；加入前后的笔记与核销。",
        "What a card brought each shop: visits, discount, the certification fee and the visits that earn it back, with "
        "notes and redemptions before and after it joined.",
    ),
    """
    SELECT * EXCLUDE (model) FROM history.card_shops WHERE {shown}
    ORDER BY as_of DESC, programme, city, shop_id, currency""",
    (
        Column("shop_name", "text"),
        Column("city", "code"),
        Column("vertical", "code"),
        Column("cards_sold"),
        *(Column(name, "code" if name.startswith("is_") else "") for name in CARD),
        Column("certification_cost"),
        *map(Column, AROUND),
        Column("notes_without_redemptions", "code"),
        Column("maturity", "code"),
    ),
    needs=("history.card_shops",),
    mart="card_shops",
    folded=True,
)
COHORT = ("cards_sold", "cards_refunded", "cards_active", "cards_used", "card_visits", "discount_cost")
BOOKED = ("cash_amount", "revenue_amount", "deferred_amount")
CARD_COHORTS = Table(
    "card_cohorts",
    Text("小红卡现金与收入", "Cards by month of sale"),
    Text(
        "每月售出的卡在各月末的状态：现金、按天确认的收入、尚未确认的部分。退卡后全部冲回。",
        "What was known of each month's cards at the end of each month: cash, revenue as earned by the day, and what "
        "is still deferred. A refund undoes it all.",
    ),
    """
    SELECT * EXCLUDE (model) FROM history.card_cohorts WHERE {shown}
    ORDER BY as_of DESC, programme, cohort_month, stated_on, currency""",
    (
        Column("programme", "code"),
        Column("cohort_month", "date"),
        Column("stated_on", "date"),
        *map(Column, (*COHORT, *BOOKED)),
        Column("maturity", "code"),
    ),
    needs=("history.card_cohorts",),
    mart="card_cohorts",
    folded=True,
)
SOLD = ("vouchers_sold", "vouchers_redeemed")
BESIDES = ("vouchers_refunded", "vouchers_expired", "vouchers_open")
AMOUNTS = ("sold_amount", "redeemed_amount")
VOUCHERS = Table(
    "vouchers",
    Text("团购券", "Vouchers"),
    Text(
        "按售出月，全部城市与业态：多少已核销。近月的券还可核销。",
        "By month of sale, over all cities and kinds of shop: how many were redeemed. Late months still move.",
    ),
    f"""
    SELECT *, vouchers_redeemed / nullif(vouchers_sold, 0) AS redeemed_share
    FROM (
        SELECT as_of, currency, programme, sold_month,
            {", ".join(f"sum({name})::BIGINT AS {name}" for name in (*SOLD, *BESIDES))},
            {", ".join(f"sum({name}) AS {name}" for name in AMOUNTS)},
            CASE WHEN bool_or(maturity = 'maturing') THEN 'maturing' WHEN bool_or(maturity = 'settling') THEN 'settling'
                ELSE 'mature' END AS maturity
        FROM history.vouchers WHERE {{shown}} GROUP BY ALL
    )
    ORDER BY as_of DESC, programme, sold_month DESC, currency""",
    (
        Column("sold_month", "date"),
        Column("programme", "code"),
        *map(Column, SOLD),
        Column("redeemed_share", of=("vouchers_redeemed", "vouchers_sold")),
        *map(Column, AMOUNTS),
        Column("vouchers_refunded"),
        Column("maturity", "code"),
    ),
    needs=("history.vouchers",),
    mart="vouchers",
    folded=True,
)
COVERAGE = Table(
    "shop_coverage",
    Text("门店覆盖", "Shops by city"),
    Text(
        "每座城市的门店、精选门店与核销。",
        "Shops, curated ones and redemptions of each city.",
    ),
    """
    SELECT * EXCLUDE (model) FROM history.shop_coverage WHERE {shown}
    ORDER BY as_of DESC, shops DESC, city""",
    (
        Column("city", "code"),
        *map(Column, ("shops", "curated_shops", "curated_share", "certified_shops", "redemptions")),
        Column("curated_redemption_share"),
        Column("maturity", "code"),
    ),
    needs=("history.shop_coverage",),
    mart="shop_coverage",
    folded=True,
)
# Averages a day and city: small numbers, of which the half of one counts.
EACH_DAY = ("treated_before", "treated_after", "control_before", "control_after", "effect", "effect_low", "effect_high")
PILOTS = Table(
    "city_pilots",
    Text("城市试点", "City pilots"),
    Text(
        "试点城市与其他城市，前后之差再相减（双重差分），每城每天。区间含 0 即看不出效应；安慰剂远离 0 则不可信。",
        "Pilot cities against others, the change of the one less that of the other (difference in differences), a day "
        "and city. An interval that holds 0 shows no effect; a placebo far from 0 makes it doubtful.",
    ),
    "SELECT * EXCLUDE (model) FROM history.city_pilots WHERE {shown} ORDER BY as_of DESC, starts DESC, outcome",
    (
        Column("pilot", "code"),
        Column("outcome", "code"),
        Column("starts", "date"),
        *(Column(name, "unit_cost") for name in EACH_DAY),
        Column("relative_effect", "percent"),
        Column("placebo", "unit_cost"),
        Column("maturity", "code"),
    ),
    needs=("history.city_pilots",),
    mart="city_pilots",
    folded=True,
)
LOCAL = (CARD_SHOPS, CARD_COHORTS, VOUCHERS, COVERAGE, PILOTS)
