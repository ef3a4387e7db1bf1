"""The core tables: of which feeds each is made, and how."""

from __future__ import annotations

from typing import Any

from pipelines.buckets import BUCKETS
from pipelines.charts import Chart
from pipelines.core.added_up import REBRANDED, TOUCHES_ADDED_UP
from pipelines.core.readers import READERS
from pipelines.core.sales import CONVERSION_ID, IS_SALE, gives_way
from pipelines.core.table import CoreTable
from pipelines.core.touches import TOUCHES
from pipelines.row_checks import RowCheck, reference_check


def _money(table: str, date: str, fen: str, name: str, *, told: str, where: str = "true") -> dict[str, Any]:
    """What Dagster shows of a table of money: its newest rows, and its amount by day and in all, in one currency."""
    rows = f"core.{table} WHERE {where} AND currency = (SELECT mode(currency) FROM core.{table})"
    return {
        "preview": f"SELECT {told}, {fen} / 100 AS {name} FROM core.{table} ORDER BY {date} DESC, {told} LIMIT 6",
        "chart": Chart(f"每日{name}", f"SELECT {date}, sum({fen}) / 100 FROM {rows} GROUP BY ALL", "yuan"),
        "figures": f"SELECT sum({fen}) / 100 AS {name} FROM {rows}",
    }


def _known_notes(table: str, *, rows: str = "count(*)") -> RowCheck:
    remedy = "land the notes export that holds them; until then they earn nothing"
    return reference_check(f"core.{table}", "note_id", "raw.notes.note_id", remedy, rows=rows)


def _in_force(table: str, day: str = "_date") -> str:
    """Whether a row of a dated table is in force on a day; both its dates are included."""
    return f"{day} BETWEEN {table}.valid_from AND coalesce({table}.valid_to, DATE '9999-12-31')"


CHANNEL_IN_FORCE = RowCheck(
    "channel_in_force",
    "Every order is of a date on which its channel sold; others are kept and named.",
    f"""SELECT channel, count(*) FROM core.conversions JOIN reference.channels AS shop USING (channel)
        WHERE NOT {_in_force("shop", "paid_date")} GROUP BY ALL ORDER BY ALL""",
    "channels before they opened or after they closed",
    "check the channel and date of these orders, or the channel's dates in data_contracts/reference/channels.csv",
)
LINKED_PRODUCT_ELIGIBLE = RowCheck(
    "linked_product_eligible",
    "Products that an exchange's link promotes are of categories that the exchange takes; orders of others are kept.",
    """SELECT DISTINCT product_id, count(DISTINCT conversion_id) FROM core.conversions AS sold
        JOIN reference.channels USING (channel)
        JOIN raw.notes AS note ON note.lane = 'exchange_link' AND note.exchange = channels.exchange
            AND list_contains(note.product_ids, sold.product_id)
        WHERE NOT is_eligible GROUP BY ALL ORDER BY ALL""",
    "products that the exchange does not take",
    "see mart.product_eligibility, and data_contracts/reference/eligibility.csv for what it takes and since when",
)
MOST_BRANDS = 100
FEW_BRANDS = RowCheck(
    "few_brands",
    f"At most {MOST_BRANDS} brands stand in notes and orders: each has marts of its own, which take seconds of a run; "
    "more are made all the same, and named.",
    f"""SELECT brand, count(*) FROM (
            SELECT brand FROM raw.notes UNION ALL SELECT brand FROM core.conversions
        ) WHERE brand IS NOT NULL GROUP BY brand QUALIFY count(*) OVER () > {MOST_BRANDS} ORDER BY 2, 1""",
    f"brands, more than {MOST_BRANDS}, so that every run takes long",
    "see whether an export's mapping takes another column for the brand",
)
REFUND_OF_ORDER = RowCheck(
    "of_known_order",
    "Every refund is of an order that is known, in its currency; others stand in reconciliation as unmatched.",
    "SELECT conversion_id, count(*) FROM core.refunds ANTI JOIN core.conversions USING (conversion_id, currency) "
    "GROUP BY ALL ORDER BY ALL",
    "orders unknown in the refund's currency",
    "land these orders; until then the refunds are unmatched in mart.reconciliation",
)
REFUND_WITHIN_PAID = RowCheck(
    "within_paid",
    "No order is refunded by more than was paid; others are kept and named.",
    "SELECT conversion_id, count(*) FROM core.refunds JOIN core.conversions USING (conversion_id, currency) "
    "GROUP BY ALL HAVING sum(refund_fen) > any_value(paid_fen) ORDER BY ALL",
    "orders refunded by more than was paid",
    "check the refunds export",
)

CORE = (
    CoreTable(
        "touches",
        "触点 · 每一次曝光、互动、点击一行，按用户分桶。\n\n"
        "Every impression, engagement and click, one row each, spread over buckets of users.",
        "touch_date",
        f"{TOUCHES} ORDER BY touch_date, bucket",
        ("raw/note_impressions", "raw/note_engagements", "raw/link_clicks", "raw/notes"),
        feeds_journeys=False,
        added_up=TOUCHES_ADDED_UP,
        kept=(READERS,),
        also_outdated=REBRANDED,
        checks=(_known_notes("touched_notes", rows="sum(touches)::BIGINT"),),
        preview="SELECT touched_at, kind, payer, note_id FROM core.touches ORDER BY touched_at DESC LIMIT 6",
        chart=Chart("每日触点", "SELECT touch_date, sum(touches) FROM core.touched_notes GROUP BY ALL", "count"),
        figures="SELECT sum(touches)::BIGINT AS touches, count(DISTINCT note_id) AS notes FROM core.touched_notes",
    ),
    CoreTable(
        "conversions",
        "订单行 · 每个已付款的订单行，带类目毛利率和当日渠道费率。\n\n"
        "Every paid order line, with the margin of its category and the fee of its channel on that day.",
        "paid_date",
        f"""
        SELECT _date AS paid_date,
            (coalesce(user_key, hash(order_id)::HUGEINT % 64) & {BUCKETS - 1})::UTINYINT AS bucket,
            {CONVERSION_ID} AS conversion_id, sold.channel, order_id, line_no, brand, user_key, paid_at,
            (paid_amount * 100)::BIGINT AS paid_fen, currency, quantity, product_id, category,
            coalesce(sold.click_id, promoted.click_id) AS click_id,
            is_new_customer, margin, fee_rate,
            CASE WHEN sold.category IS NOT NULL AND shop.exchange IS NOT NULL THEN takes.category IS NOT NULL END
                AS is_eligible
        FROM raw.shop_conversions AS sold
        LEFT JOIN (
            SELECT conversion_id, min(click_id) AS click_id FROM core.promoted_orders GROUP BY ALL
        ) AS promoted ON promoted.conversion_id = {CONVERSION_ID}
        LEFT JOIN reference.categories USING (category)
        LEFT JOIN reference.channels AS shop USING (channel)
        LEFT JOIN reference.eligibility AS takes ON takes.exchange = shop.exchange AND takes.shop_type = shop.shop_type
            AND takes.category = sold.category AND {_in_force("takes")}
        LEFT JOIN (
            SELECT channel, business_date AS _date, sum(fee_rate::DECIMAL(9, 6))::DOUBLE AS fee_rate
            FROM reference.fees AS fee JOIN dates ON {_in_force("fee", "business_date")} GROUP BY ALL
        ) AS fees USING (channel, _date)
        WHERE _date IN (FROM dates) AND {IS_SALE}""",
        ("raw/shop_conversions", "raw/promotion_orders", "raw/notes", "reference/tables"),
        feeds_journeys=True,
        **_money("conversions", "paid_date", "paid_fen", "实付金额", told="paid_at, channel, category"),
        checks=(CHANNEL_IN_FORCE, LINKED_PRODUCT_ELIGIBLE, FEW_BRANDS),
    ),
    CoreTable(
        "code_matches",
        "推广码匹配 · 推广码在付款当日属于某篇笔记的订单行。\n\n"
        "Order lines whose code belongs to a note on that day, with the click where somebody says when.",
        "paid_date",
        """
        SELECT paid_date, conversion_id, codes.note_id, max(clicked_at) AS clicked_at, min(code) AS code
        FROM core.order_codes JOIN raw.promotion_codes AS codes USING (code)
        WHERE paid_date IN (FROM dates) AND coalesce(order_codes.code_kind, codes.code_kind) = codes.code_kind
          AND coalesce((clicked_at AT TIME ZONE 'Asia/Shanghai')::DATE, paid_date)
            BETWEEN valid_from AND coalesce(valid_to, DATE '9999-12-31')
        GROUP BY ALL""",
        ("raw/shop_conversions", "raw/promotion_orders", "raw/promotion_codes", "raw/notes"),
        feeds_journeys=True,
        checks=(_known_notes("code_matches"),),
        preview="SELECT paid_date, note_id, code FROM core.code_matches ORDER BY paid_date DESC, code LIMIT 6",
        chart=Chart("每日推广码订单", "SELECT paid_date, count(*) FROM core.code_matches GROUP BY ALL", "count"),
        figures="SELECT count(*) AS order_lines, count(DISTINCT note_id) AS notes FROM core.code_matches",
    ),
    CoreTable(
        "refunds",
        "退款 · 订单行的退款，按退款日计，如有说明则注明由谁承担。\n\n"
        "Refunds of order lines, by the date they were paid back, with who bears them where the shop says so.",
        "refund_date",
        f"""
        SELECT _date AS refund_date, {CONVERSION_ID} AS conversion_id,
            (refund_amount * 100)::BIGINT AS refund_fen, currency, borne_by
        FROM raw.refunds AS sold WHERE _date IN (FROM dates) AND NOT {gives_way("raw.refunds")}""",
        ("raw/refunds", "core/conversions"),
        feeds_journeys=False,
        changes_earned=True,
        checks=(REFUND_OF_ORDER, REFUND_WITHIN_PAID),
        **_money("refunds", "refund_date", "refund_fen", "退款金额", told="refund_date, currency"),
    ),
    CoreTable(
        "spend",
        "花费 · 每篇笔记每日的花费、类型和付费方。\n\nMoney by note and day, with its kind and payer.",
        "spend_date",
        """
        SELECT spend_date, note_id, kind, payer, (amount * 100)::BIGINT AS amount_fen, currency, is_in_task
        FROM raw.note_spend WHERE _date IN (FROM dates)""",
        ("raw/note_spend", "raw/notes"),
        feeds_journeys=False,
        checks=(_known_notes("spend"),),
        **_money(
            "spend",
            "spend_date",
            "amount_fen",
            "品牌花费",
            told="spend_date, kind, payer, note_id",
            where="payer = 'brand'",
        ),
    ),
)
