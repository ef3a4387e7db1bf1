"""The core tables: of which feeds each is made, and how."""

from __future__ import annotations

from pipelines.buckets import BUCKETS
from pipelines.core.table import CoreTable
from pipelines.row_checks import RowCheck, reference_check


def _escaped(column: str) -> str:
    return f"replace(replace({column}, '%', '%25'), '|', '%7C')"


# Statuses of an order line that make it a sale: an unpaid or cancelled one is none, nor a deposit, nor a split parent.
SALES = "('paid', 'received', 'settled', 'closed')"
# Channel, order and line in one text; a bar inside one of them is escaped, so that no two conversions share an id.
CONVERSION_ID = " || '|' || ".join(map(_escaped, ("sold.channel", "sold.order_id", "sold.line_no")))


def _touches(feed: str, kind: str, click_id: str, payer: str) -> str:
    return f"""
        SELECT _date AS touch_date, (coalesce(user_key, 0) & {BUCKETS - 1})::UTINYINT AS bucket, note_id,
            user_key, occurred_at AS touched_at, '{kind}' AS kind, {click_id} AS click_id, {payer} AS payer
        FROM raw.{feed}
        WHERE _date IN (FROM dates)"""


def _known_notes(table: str) -> RowCheck:
    remedy = "land the notes export that holds them; until then they earn nothing"
    return reference_check(f"core.{table}", "note_id", "raw.notes.note_id", remedy)


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
        "触点 · Every impression, engagement and click, one row each, spread over buckets of users.",
        "touch_date",
        " UNION ALL ".join(
            [
                _touches("note_impressions", "impression", "NULL", "payer"),
                _touches("note_engagements", "engagement", "NULL", "NULL"),
                _touches("link_clicks", "click", "click_id", "payer"),
            ]
        )
        + " ORDER BY touch_date, bucket",
        ("raw/note_impressions", "raw/note_engagements", "raw/link_clicks", "raw/notes"),
        feeds_journeys=True,
        checks=(_known_notes("touches"),),
    ),
    CoreTable(
        "conversions",
        "订单行 · Every paid order line, with the margin of its category and the fee of its channel on that day.",
        "paid_date",
        f"""
        SELECT _date AS paid_date,
            (coalesce(user_key, hash(order_id)::HUGEINT % 64) & {BUCKETS - 1})::UTINYINT AS bucket,
            {CONVERSION_ID} AS conversion_id, sold.channel, order_id, line_no, brand, user_key, paid_at,
            (paid_amount * 100)::BIGINT AS paid_fen, currency, quantity, product_id, category, click_id,
            is_new_customer, margin, fee_rate
        FROM raw.shop_conversions AS sold
        LEFT JOIN reference.categories USING (category)
        LEFT JOIN reference.fees AS fees ON fees.channel = sold.channel
          AND _date BETWEEN valid_from AND coalesce(valid_to, DATE '9999-12-31')
        WHERE _date IN (FROM dates) AND coalesce(status, 'paid') IN {SALES}""",
        ("raw/shop_conversions", "reference/tables"),
        feeds_journeys=True,
    ),
    CoreTable(
        "refunds",
        "退款 · Refunds of order lines, by the date they were paid back.",
        "refund_date",
        f"""
        SELECT _date AS refund_date, {CONVERSION_ID} AS conversion_id,
            (refund_amount * 100)::BIGINT AS refund_fen, currency
        FROM raw.refunds AS sold WHERE _date IN (FROM dates)""",
        ("raw/refunds", "core/conversions"),
        feeds_journeys=False,
        checks=(REFUND_OF_ORDER, REFUND_WITHIN_PAID),
    ),
    CoreTable(
        "spend",
        "花费 · Money by note and day, with its kind and payer.",
        "spend_date",
        """
        SELECT spend_date, note_id, kind, payer, (amount * 100)::BIGINT AS amount_fen, currency
        FROM raw.note_spend WHERE _date IN (FROM dates)""",
        ("raw/note_spend", "raw/notes"),
        feeds_journeys=False,
        checks=(_known_notes("spend"),),
    ),
)
