"""Which order lines are sales and what each is called, as SQL over `raw.shop_conversions AS sold`; who bought them."""

from __future__ import annotations


def _escaped(column: str) -> str:
    return f"replace(replace({column}, '%', '%25'), '|', '%7C')"


# Statuses of an order line that make it a sale: an unpaid or cancelled one is none, nor a deposit, nor a split parent.
SALES = "('paid', 'received', 'settled', 'closed')"
# Channel, order and line in one text; a bar inside one of them is escaped, so that no two conversions share an id.
CONVERSION_ID = " || '|' || ".join(map(_escaped, ("sold.channel", "sold.order_id", "sold.line_no")))
# An order without a user key is somebody's, of whom nothing else is known; SQL over `core.conversions`.
BUYER = "coalesce(conversions.user_key, (hash(conversions.channel, conversions.order_id) >> 1)::BIGINT)"
