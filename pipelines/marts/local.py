"""Local commerce: cards, vouchers, the shops that take them, how was paid, and what a pilot added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.did import difference_in_differences
from pipelines.charts import Chart
from pipelines.dates import as_of
from pipelines.marts.mart import Mart, sales_maturity
from pipelines.marts.observed import days, observed

if TYPE_CHECKING:
    import duckdb

# Conversions too, with which the dates of the run become known.
MADE_OF = ("raw/local_events", "raw/local_shops", "core/conversions")

# Every event with the shop as it was on that day, and the discounts that were really given: of two that do not stack
# the greater one. What nobody states stacks, which is the higher cost.
LOCAL = """
local AS (
    SELECT _date AS day, event, programme, coalesce(instrument_key::VARCHAR, event_id) AS instrument, e.shop_id,
        coalesce(e.city, s.city) AS city, coalesce(e.vertical, s.vertical) AS vertical, s.is_curated,
        payment_channel, currency, amount,
        CASE WHEN both_given OR discount > coalesce(shop_discount, 0) THEN discount
            WHEN discount IS NOT NULL THEN 0 END AS card_discount,
        CASE WHEN both_given OR shop_discount >= coalesce(discount, 0) THEN shop_discount
            WHEN shop_discount IS NOT NULL THEN 0 END AS own_discount
    FROM (
        SELECT given.*, coalesce(given.stacks, p.stacks, true) AS both_given
        FROM raw.local_events AS given LEFT JOIN reference.payment_channels AS p USING (payment_channel)
        WHERE _date <= $as_of::DATE
    ) AS e
    ASOF LEFT JOIN (SELECT shop_id, valid_from, city, vertical, is_curated FROM raw.local_shops) AS s
        ON e.shop_id = s.shop_id AND e._date >= s.valid_from
)"""
# The newest row of each shop that was known by then.
SHOPS = """
shops AS (
    FROM raw.local_shops WHERE valid_from <= $as_of::DATE
    QUALIFY row_number() OVER (PARTITION BY shop_id ORDER BY valid_from DESC) = 1
)"""

CARD_SHOPS = f"""
WITH {LOCAL}, {SHOPS}, visited AS (
    SELECT programme, shop_id, currency, count(*) AS card_visits, sum(amount) AS visit_amount,
        sum(card_discount) AS discount_cost, sum(own_discount) AS own_discount, max(day) AS last_visit
    FROM local WHERE event = 'card_redeemed' AND shop_id IS NOT NULL GROUP BY ALL
), sold AS (
    SELECT programme, shop_id, count(*) AS cards_sold FROM local
    WHERE event = 'card_sold' AND shop_id IS NOT NULL GROUP BY ALL
), joined AS (
    SELECT p.*, shop_id, greatest(certified_on, p.valid_from) AS joined_on,
        CASE WHEN certified_on IS NOT NULL THEN certification_fee END AS fee
    FROM (FROM reference.local_programmes WHERE kind = 'card') AS p
    JOIN shops ON (list_contains(p.cities, shops.city) AND certified_on <= least(p.valid_to, $as_of::DATE))
        OR (programme, shop_id) IN (SELECT programme, shop_id FROM local WHERE event IN ('card_sold', 'card_redeemed'))
), around AS (
    SELECT joined.programme, joined.shop_id,
        count(*) FILTER (event = 'note' AND day < joined_on) AS notes_before,
        count(*) FILTER (event = 'note' AND day >= joined_on) AS notes_after,
        count(*) FILTER (event <> 'note' AND day < joined_on) AS redemptions_before,
        count(*) FILTER (event <> 'note' AND day >= joined_on) AS redemptions_after
    FROM joined JOIN local ON local.shop_id = joined.shop_id
        AND event IN ('note', 'card_redeemed', 'voucher_redeemed')
        AND day BETWEEN joined_on - {days("local_compare_days")} AND joined_on + {days("local_compare_days")} - 1
    GROUP BY ALL
), whole AS (
    SELECT programme, shop_id, joined_on - {days("local_compare_days")} >= (SELECT min(day) FROM local) AS has_before,
        joined_on + {days("local_compare_days")} - 1 <= $as_of::DATE AS has_after
    FROM joined
), compared AS (
    SELECT programme, shop_id,
        CASE WHEN has_before THEN coalesce(notes_before, 0) END AS notes_before,
        CASE WHEN has_after THEN coalesce(notes_after, 0) END AS notes_after,
        CASE WHEN has_before THEN coalesce(redemptions_before, 0) END AS redemptions_before,
        CASE WHEN has_after THEN coalesce(redemptions_after, 0) END AS redemptions_after
    FROM whole LEFT JOIN around USING (programme, shop_id)
), reckoned AS (
    SELECT programme, shop_id, shops.shop_name, shops.city, shops.vertical, shops.is_curated, certified_on, currency,
        coalesce(cards_sold, 0) AS cards_sold, coalesce(card_visits, 0) AS card_visits, visit_amount, discount_cost,
        CASE WHEN coalesce(currency, 'CNY') = 'CNY' THEN fee END AS certification_fee,
        (visit_amount + coalesce(discount_cost, 0) + coalesce(own_discount, 0)) * margin::DECIMAL(6, 4)
            - coalesce(discount_cost, 0) - coalesce(own_discount, 0) AS contribution,
        coalesce(last_visit, joined_on) AS _closes
    FROM joined JOIN shops USING (shop_id)
    LEFT JOIN reference.verticals USING (vertical)
    LEFT JOIN sold USING (programme, shop_id)
    LEFT JOIN visited USING (programme, shop_id)
)
SELECT programme, shop_id, shop_name, city, vertical, is_curated, certified_on, coalesce(currency, 'CNY') AS currency,
    cards_sold, card_visits, visit_amount::DECIMAL(18, 2) AS visit_amount,
    discount_cost::DECIMAL(18, 2) AS discount_cost,
    certification_fee::DECIMAL(18, 2) AS certification_cost,
    round(contribution, 2)::DECIMAL(18, 2) AS contribution_amount,
    CASE WHEN contribution > 0
        THEN ceil(certification_fee * card_visits / contribution)::BIGINT END AS break_even_visits,
    CASE WHEN certification_fee IS NOT NULL AND (card_visits = 0 OR contribution IS NOT NULL)
        THEN coalesce(contribution, 0) >= certification_fee END AS is_broken_even,
    notes_before, notes_after, redemptions_before, redemptions_after,
    notes_after > notes_before AND redemptions_after <= redemptions_before AS notes_without_redemptions, _closes
FROM reckoned LEFT JOIN compared USING (programme, shop_id)
ORDER BY programme, city, shop_id, currency
"""

# What was known of each month's cards on the last day of that month and of each later one, and on the day on which
# the programme ended: cash as received less paid back, revenue earned by the day, all of it undone by a refund.
CARD_COHORTS = f"""
WITH {LOCAL}, cards AS (
    SELECT programme, instrument, currency, min(day) FILTER (event = 'card_sold') AS sold_on,
        sum(amount) FILTER (event = 'card_sold') AS paid,
        min(day) FILTER (event = 'card_refunded') AS refunded_on,
        sum(amount) FILTER (event = 'card_refunded') AS paid_back
    FROM local WHERE event IN ('card_sold', 'card_refunded') GROUP BY ALL HAVING sold_on IS NOT NULL
), used AS (
    SELECT programme, instrument, day, count(*) AS visits, sum(card_discount) AS discount_cost
    FROM local WHERE event = 'card_redeemed' GROUP BY ALL
), lives AS (
    SELECT programme, valid_to, min(sold_on) AS first_sold, greatest(max(sold_on), max(refunded_on)) AS last_change
    FROM cards LEFT JOIN reference.local_programmes USING (programme) GROUP BY ALL
), dates AS (
    SELECT programme, least(last_day(month), $as_of::DATE) AS stated_on
    FROM lives, generate_series(date_trunc('month', first_sold), last_change, INTERVAL 1 MONTH) AS g(month)
    UNION SELECT programme, valid_to FROM lives WHERE valid_to BETWEEN first_sold AND $as_of::DATE
), stated AS (
    SELECT programme, currency, date_trunc('month', sold_on)::DATE AS cohort_month, stated_on,
        count(*) AS cards_sold, count(*) FILTER (refunded_on <= stated_on) AS cards_refunded,
        sum(paid - CASE WHEN refunded_on <= stated_on THEN coalesce(paid_back, 0) ELSE 0 END) AS cash,
        sum(CASE WHEN refunded_on <= stated_on THEN paid - coalesce(paid_back, 0)
            ELSE round(paid * least(stated_on - sold_on + 1, valid_days) / valid_days, 2) END) AS revenue
    FROM cards JOIN dates USING (programme) LEFT JOIN reference.local_programmes USING (programme)
    WHERE sold_on <= stated_on GROUP BY ALL
), visited AS (
    SELECT programme, currency, date_trunc('month', sold_on)::DATE AS cohort_month, stated_on,
        count(DISTINCT instrument) AS cards_used, sum(visits)::BIGINT AS card_visits,
        sum(discount_cost) AS discount_cost
    FROM cards JOIN used USING (programme, instrument) JOIN dates USING (programme) WHERE day <= stated_on GROUP BY ALL
)
SELECT programme, cohort_month, stated_on, currency, cards_sold, cards_refunded,
    cards_sold - cards_refunded AS cards_active, coalesce(cards_used, 0) AS cards_used,
    coalesce(card_visits, 0) AS card_visits,
    coalesce(discount_cost, 0)::DECIMAL(18, 2) AS discount_cost, cash::DECIMAL(18, 2) AS cash_amount,
    revenue::DECIMAL(18, 2) AS revenue_amount, (cash - revenue)::DECIMAL(18, 2) AS deferred_amount,
    stated_on AS _closes
FROM stated LEFT JOIN visited USING (programme, currency, cohort_month, stated_on)
ORDER BY programme, cohort_month, stated_on, currency
"""

VOUCHERS = f"""
WITH {LOCAL}, units AS (
    SELECT programme, instrument, bool_or(event = 'voucher_sold') AS was_sold,
        coalesce(min(day) FILTER (event = 'voucher_sold'), min(day)) AS since,
        arg_min(city, day) AS city, arg_min(vertical, day) AS vertical, any_value(currency) AS currency,
        sum(amount) FILTER (event = 'voucher_sold') AS sold_amount,
        sum(amount) FILTER (event = 'voucher_refunded') AS refunded_amount,
        CASE WHEN bool_or(event = 'voucher_refunded') THEN 'refunded'
            WHEN bool_or(event = 'voucher_redeemed') THEN 'redeemed'
            WHEN bool_or(event = 'voucher_expired') THEN 'expired' ELSE 'open' END AS state
    FROM local WHERE event LIKE 'voucher_%' GROUP BY ALL
), monthly AS (
    SELECT programme, city, vertical, date_trunc('month', since)::DATE AS sold_month, currency,
        count(*) FILTER (was_sold) AS vouchers_sold,
        count(*) FILTER (was_sold AND state = 'redeemed') AS vouchers_redeemed,
        count(*) FILTER (was_sold AND state = 'expired') AS vouchers_expired,
        count(*) FILTER (was_sold AND state = 'refunded') AS vouchers_refunded,
        count(*) FILTER (was_sold AND state = 'open') AS vouchers_open,
        count(*) FILTER (NOT was_sold) AS vouchers_unmatched,
        sum(sold_amount) AS sold_amount, sum(refunded_amount) FILTER (was_sold) AS refunded_amount,
        sum(sold_amount) FILTER (state = 'redeemed') AS redeemed_amount
    FROM units GROUP BY ALL
), steps AS (
    SELECT city, vertical, sold_month, arg_max(entry, starts) AS rollout
    FROM (SELECT DISTINCT city, vertical, sold_month FROM monthly) AS m
    JOIN reference.policy_calendar AS p ON p.kind = 'rollout' AND p.starts <= last_day(sold_month)
        AND (p.cities IS NULL OR list_contains(p.cities, m.city))
        AND (p.verticals IS NULL OR m.vertical IS NULL OR list_contains(p.verticals, m.vertical))
    GROUP BY ALL
)
SELECT programme, monthly.city, monthly.vertical, monthly.sold_month, rollout, currency, vouchers_sold,
    vouchers_redeemed, vouchers_expired, vouchers_refunded, vouchers_open, vouchers_unmatched,
    vouchers_redeemed / nullif(vouchers_sold, 0) AS redeemed_share, sold_amount::DECIMAL(18, 2) AS sold_amount,
    redeemed_amount::DECIMAL(18, 2) AS redeemed_amount, refunded_amount::DECIMAL(18, 2) AS refunded_amount,
    CASE WHEN vouchers_open = 0 THEN last_day(monthly.sold_month) ELSE $as_of::DATE + 1 END AS _closes
FROM monthly LEFT JOIN steps ON monthly.sold_month = steps.sold_month
    AND monthly.city IS NOT DISTINCT FROM steps.city AND monthly.vertical IS NOT DISTINCT FROM steps.vertical
ORDER BY ALL
"""

SHOP_COVERAGE = f"""
WITH {LOCAL}, {SHOPS}, visited AS (
    SELECT city, count(*) AS redemptions, count(*) FILTER (is_curated) AS curated_redemptions, max(day) AS last_visit
    FROM local WHERE event IN ('card_redeemed', 'voucher_redeemed') GROUP BY ALL
), registered AS (
    SELECT city, count(*) AS shops, count(*) FILTER (is_curated) AS curated_shops,
        count(is_curated) AS known_shops, count(certified_on) AS certified_shops, max(valid_from) AS last_change
    FROM shops WHERE coalesce(valid_to, $as_of::DATE) >= $as_of::DATE GROUP BY ALL
)
SELECT city, name_zh, name_en, coalesce(shops, 0) AS shops, coalesce(curated_shops, 0) AS curated_shops,
    curated_shops / nullif(known_shops, 0) AS curated_share, coalesce(certified_shops, 0) AS certified_shops,
    coalesce(redemptions, 0) AS redemptions, curated_redemptions / nullif(redemptions, 0) AS curated_redemption_share,
    coalesce(last_visit, last_change) AS _closes
FROM registered FULL JOIN visited USING (city) LEFT JOIN reference.cities USING (city)
ORDER BY shops DESC, city
"""

# A redeemed voucher was paid when it was sold; of a card its sale and each bill that it lowered are payments.
PAYMENT_CHANNELS = f"""
WITH {LOCAL}, paid AS (
    SELECT 'local' AS payment_source, payment_channel, currency, amount, day FROM local
    WHERE event IN ('card_sold', 'voucher_sold', 'card_redeemed') AND amount IS NOT NULL
    UNION ALL
    SELECT 'shop', s.payment_channel, s.currency, s.paid_amount, c.paid_date
    FROM raw.shop_conversions AS s JOIN core.conversions AS c USING (channel, order_id, line_no)
    WHERE s.payment_channel IS NOT NULL
), priced AS (
    SELECT payment_source, payment_channel, scenario, assumed AS is_assumed, currency, count(*) AS payments,
        sum(amount) AS payment_amount, any_value(fee_rate) AS fee_rate, max(day) AS _closes,
        sum(round(amount * fee_rate::DECIMAL(8, 6), 2))::DECIMAL(18, 2) AS payment_fees
    FROM paid CROSS JOIN (SELECT DISTINCT scenario, assumed FROM reference.fee_scenarios)
    LEFT JOIN (SELECT scenario, payment_channel, fee_rate FROM reference.fee_scenarios)
        USING (scenario, payment_channel)
    GROUP BY ALL
)
SELECT payment_source, payment_channel, scenario, is_assumed, name_zh, name_en, currency, payments,
    payment_amount::DECIMAL(18, 2) AS payment_amount,
    payment_amount / nullif(sum(payment_amount) OVER (PARTITION BY payment_source, scenario, currency), 0)
        AS payment_share, fee_rate, payment_fees, _closes
FROM priced LEFT JOIN reference.payment_channels USING (payment_channel)
ORDER BY payment_source, scenario, currency, payment_amount DESC, payment_channel
"""

# Daily outcomes of each city around the start of a pilot; none unless the whole of that time has arrived.
AROUND_PILOT = f"""
WITH {LOCAL}, around AS (
    FROM local WHERE city IS NOT NULL AND day >= $starts::DATE - $days::INTEGER AND day < $starts::DATE + $days::INTEGER
)
SELECT city AS unit, day::DATE AS day,
    count(*) FILTER (event = 'note') AS notes,
    count(*) FILTER (event IN ('card_redeemed', 'voucher_redeemed')) AS redemptions,
    count(*) FILTER (event = 'voucher_sold') AS vouchers_sold
FROM (SELECT DISTINCT city FROM around)
CROSS JOIN (
    SELECT unnest(generate_series($starts::DATE - $days::INTEGER, $starts::DATE + $days::INTEGER - 1, INTERVAL 1 DAY))
        ::DATE AS day
)
LEFT JOIN around USING (city, day)
WHERE (SELECT min(day) FROM local) <= $starts::DATE - $days::INTEGER
    AND $starts::DATE + $days::INTEGER - 1 <= $as_of::DATE
GROUP BY ALL ORDER BY ALL
"""
OUTCOMES = ("notes", "redemptions", "vouchers_sold")
PILOTS = f"""
    SELECT entry AS pilot, name_zh, name_en, starts, cities, {days("pilot_days")} AS days
    FROM reference.policy_calendar WHERE kind = 'pilot' AND cities IS NOT NULL AND starts <= $as_of::DATE
    ORDER BY starts"""


def _city_pilots(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What each pilot of the calendar added a day in its cities, by outcome."""
    day, rows = as_of(connection), []
    pilots = connection.sql(PILOTS, params={"as_of": day}).pl()
    for pilot in pilots.iter_rows(named=True):
        span = {"starts": pilot["starts"], "days": pilot["days"], "as_of": day}
        daily = connection.sql(AROUND_PILOT, params=span).pl()
        for outcome in OUTCOMES:
            found = difference_in_differences(
                daily.select("unit", "day", value=outcome),
                treated=pilot["cities"],
                start=pilot["starts"],
                days=pilot["days"],
            )
            told = {name: pilot[name] for name in ("pilot", "name_zh", "name_en", "starts")}
            rows.append(
                found.select(*[pl.lit(v).alias(k) for k, v in told.items()], pl.lit(outcome).alias("outcome"), "*")
            )
    if not rows:
        return _no_pilots()
    closes = pl.col("starts") + pl.duration(days=pilots["days"][0] - 1)
    return pl.concat(rows).with_columns(maturity=sales_maturity(closes, day))


def _no_pilots() -> pl.DataFrame:
    from models.did import SCHEMA

    keys = {"pilot": pl.String, "name_zh": pl.String, "name_en": pl.String, "starts": pl.Date, "outcome": pl.String}
    return pl.DataFrame(schema={**keys, **SCHEMA, "maturity": pl.String})


CARD_SHOPS_CHART = """
    SELECT coalesce(shop_name, shop_id), card_visits
    FROM mart.card_shops
    ORDER BY 2 DESC"""
CARD_COHORTS_CHART = """
    SELECT strftime(stated_on, '%Y-%m-%d'), sum(cash_amount)::DOUBLE
    FROM mart.card_cohorts
    GROUP BY stated_on ORDER BY stated_on"""
VOUCHERS_CHART = """
    SELECT strftime(sold_month, '%Y-%m'), sum(vouchers_redeemed) / sum(vouchers_sold)
    FROM mart.vouchers
    GROUP BY sold_month HAVING sum(vouchers_open) = 0 ORDER BY sold_month DESC"""
SHOP_COVERAGE_CHART = """
    SELECT coalesce(name_zh, city), curated_share
    FROM mart.shop_coverage
    ORDER BY 2 DESC"""
PAYMENT_CHANNELS_CHART = """
    SELECT coalesce(name_zh, payment_channel), sum(payment_amount)::DOUBLE
    FROM mart.payment_channels WHERE NOT is_assumed
    GROUP BY ALL ORDER BY 2 DESC"""
CITY_PILOTS_CHART = """
    SELECT outcome, effect
    FROM mart.city_pilots
    ORDER BY starts DESC, 2 DESC"""

LOCAL_MARTS = (
    Mart(
        "card_shops",
        "小红卡门店账",
        "What a card membership brought each shop: visits, discount, the certification fee and the visits that earn it "
        "back, with notes and redemptions before and after the shop joined.",
        observed(CARD_SHOPS),
        "SELECT shop_name, card_visits, discount_cost, break_even_visits, notes_before, notes_after, "
        "redemptions_before, redemptions_after FROM mart.card_shops ORDER BY card_visits DESC LIMIT 8",
        chart=Chart("用卡次数 · 门店", CARD_SHOPS_CHART, "count"),
        about_zh="会员卡给每家门店带来了什么：到店、优惠成本、认证费与保本次数，以及加入前后的笔记与核销。",
        made_of=MADE_OF,
    ),
    Mart(
        "card_cohorts",
        "小红卡月度账",
        "Cash, revenue and use of the cards sold in each month, as they stood at the end of every later month and on "
        "the day on which the programme ended; a full refund restates them from its date on.",
        observed(CARD_COHORTS),
        "SELECT cohort_month, stated_on, cards_active, cash_amount, revenue_amount FROM mart.card_cohorts "
        "ORDER BY stated_on DESC, cohort_month LIMIT 8",
        chart=Chart("卡费现金余额", CARD_COHORTS_CHART, "yuan"),
        about_zh="每月售出的卡在以后每个月末、以及项目结束当天的现金、收入与使用；全额退款自其日期起改写。",
        made_of=MADE_OF,
    ),
    Mart(
        "vouchers",
        "团购券",
        "What became of the vouchers sold in each city and month: sold = redeemed + expired + refunded + open.",
        observed(VOUCHERS),
        "SELECT city, sold_month, vertical, vouchers_sold, vouchers_redeemed, vouchers_expired, vouchers_refunded "
        "FROM mart.vouchers ORDER BY sold_month DESC, vouchers_sold DESC LIMIT 8",
        chart=Chart("核销率 · 售出月", VOUCHERS_CHART, "percent"),
        about_zh="每个城市每月售出的券的去向：售出 = 核销 + 过期 + 退款 + 未使用。",
        made_of=MADE_OF,
    ),
    Mart(
        "shop_coverage",
        "门店覆盖",
        "How many shops each city has in the registry, how many of them are curated, and what these redeem.",
        observed(SHOP_COVERAGE),
        "SELECT name_zh AS 城市, shops AS 门店, curated_shops AS 精选, curated_share AS 精选占比, redemptions AS 核销 "
        "FROM mart.shop_coverage LIMIT 8",
        chart=Chart("精选门店占比 · 城市", SHOP_COVERAGE_CHART, "percent"),
        about_zh="每个城市登记的门店、其中精选的门店，以及它们的核销。",
        made_of=MADE_OF,
    ),
    Mart(
        "payment_channels",
        "支付渠道",
        "How was paid, and what it costs under each scenario of fees.",
        observed(PAYMENT_CHANNELS),
        "SELECT payment_source, name_zh AS 支付渠道, scenario, payments, payment_amount, payment_fees "
        "FROM mart.payment_channels LIMIT 8",
        chart=Chart("支付金额 · 渠道", PAYMENT_CHANNELS_CHART, "yuan"),
        about_zh="用什么支付，以及在每种费率情景下的手续费。",
        made_of=(*MADE_OF, "raw/shop_conversions"),
    ),
    Mart(
        "city_pilots",
        "城市试点",
        "What a pilot added a day in its cities, against the cities without it: difference in differences.",
        _city_pilots,
        "SELECT name_zh AS 试点, outcome, treated_before, treated_after, control_before, control_after, effect, "
        "effect_low, effect_high FROM mart.city_pilots",
        chart=Chart("试点效应 · 每城每天", CITY_PILOTS_CHART, "ratio"),
        about_zh="试点给试点城市每天带来了什么，与没有试点的城市相比：双重差分。",
        made_of=MADE_OF,
    ),
)

LOCAL_COLUMNS = {
    "programme": "项目 · Card or voucher programme, a key of reference.local_programmes.",
    "shop_id": "门店ID · Shop.",
    "shop_name": "门店名称 · Name of the shop.",
    "city": "城市 · City, a key of reference.cities; empty where unknown.",
    "vertical": "业态 · Kind of shop, a key of reference.verticals; empty where unknown.",
    "is_curated": "是否精选 · Whether the platform selected the shop.",
    "certified_on": "认证日期 · Date on which the merchant was certified and paid the fee.",
    "cards_sold": "售卡数 · Cards sold; of a shop, at that shop.",
    "card_visits": "用卡次数 · Visits on which a card was redeemed.",
    "visit_amount": "用卡实付 · Bills of these visits, after discounts.",
    "discount_cost": "优惠成本 · Discounts that cards really gave; of two that do not stack only the greater counts.",
    "certification_cost": "认证费 · Fee of the merchant's certification, a fixed cost of the shop.",
    "contribution_amount": "用卡贡献 · (visit_amount + discounts) × margin of the vertical − discounts.",
    "break_even_visits": "保本次数 · Visits that earn the fee back = fee × card_visits / contribution, rounded up; "
    "empty where a visit earns nothing.",
    "is_broken_even": "是否回本 · contribution_amount ≥ certification_cost.",
    "notes_before": "加入前笔记 · Notes tagged with the shop before it joined, in local_compare_days; "
    "empty unless these have arrived.",
    "notes_after": "加入后笔记 · The same in as many days after.",
    "redemptions_before": "加入前核销 · Cards and vouchers redeemed in the days before the shop joined.",
    "redemptions_after": "加入后核销 · The same in as many days after.",
    "notes_without_redemptions": "笔记涨核销不涨 · notes_after > notes_before, and "
    "redemptions_after ≤ redemptions_before.",
    "cohort_month": "首购月 · Month in which the cards were sold, or the buyers bought first.",
    "stated_on": "口径日期 · Date of the statement: what was so by its end.",
    "cards_refunded": "退卡数 · Cards refunded by stated_on.",
    "cards_active": "有效卡 · cards_sold − cards_refunded.",
    "cards_used": "用过的卡 · Cards redeemed at least once by stated_on.",
    "cash_amount": "现金 · Received for cards less paid back, by stated_on.",
    "revenue_amount": "已确认收入 · Earned by the day over the card's validity; of a refunded card what was kept.",
    "deferred_amount": "递延收入 · cash_amount − revenue_amount.",
    "sold_month": "售出月 · Month of the voucher's sale; where that is unknown, of its first event.",
    "rollout": "开放阶段 · Newest opening of group buying by then for this city and vertical, in policy_calendar.",
    "vouchers_sold": "售出券 · Vouchers sold = redeemed + expired + refunded + open; as an outcome, per day.",
    "vouchers_redeemed": "已核销 · Of these, redeemed.",
    "vouchers_expired": "已过期 · Of these, expired.",
    "vouchers_refunded": "已退款 · Of these, refunded.",
    "vouchers_open": "未使用 · Of these, not used yet.",
    "vouchers_unmatched": "无售出记录 · Vouchers with events but no known sale; in no other figure.",
    "redeemed_share": "核销率 · vouchers_redeemed / vouchers_sold.",
    "sold_amount": "售券金额 · Paid for the vouchers sold.",
    "redeemed_amount": "核销金额 · Paid for those redeemed.",
    "refunded_amount": "退券金额 · Paid back.",
    "shops": "门店数 · Shops in the registry on as_of.",
    "curated_shops": "精选门店 · Of these, selected by the platform.",
    "curated_share": "精选覆盖率 · curated_shops / shops of which it is known.",
    "certified_shops": "认证门店 · Shops certified for a card programme.",
    "redemptions": "核销次数 · Cards and vouchers redeemed.",
    "curated_redemption_share": "精选核销占比 · Redemptions at curated shops / redemptions.",
    "payment_source": "支付来源 · local: cards, vouchers and bills; shop: order lines.",
    "payment_channel": "支付渠道 · How was paid.",
    "scenario": "费率情景 · Scenario of payment fees; in_force are those in force.",
    "is_assumed": "是否假设 · Whether the scenario's rates are assumed.",
    "payments": "支付笔数 · Payments.",
    "payment_amount": "支付金额 · Paid this way.",
    "payment_share": "支付占比 · payment_amount / that of all channels.",
    "fee_rate": "费率 · Fee of a payment under the scenario; empty where it has none.",
    "payment_fees": "手续费 · Sum of payment × fee_rate.",
    "pilot": "试点 · Pilot of the policy calendar.",
    "starts": "开始日期 · First day of the pilot.",
    "outcome": "指标 · What is compared: notes, redemptions, vouchers_sold, each per day and city.",
    "treated_units": "试点城市数 · Pilot cities in the comparison.",
    "control_units": "对照城市数 · Cities without the pilot.",
    "treated_before": "试点前 · Daily mean of the pilot cities before the start.",
    "treated_after": "试点后 · The same after it.",
    "control_before": "对照前 · Daily mean of the other cities before the start.",
    "control_after": "对照后 · The same after it.",
    "effect": "试点效应 · (treated_after − treated_before) − (control_after − control_before), a day and city.",
    "effect_low": "效应下限 · Lower end of its 95 % interval, over cities.",
    "effect_high": "效应上限 · Upper end of it.",
    "relative_effect": "相对效应 · effect / (treated_before + control_after − control_before).",
    "placebo": "安慰剂 · The same within the time before; far from 0, the cities drifted apart already.",
}
