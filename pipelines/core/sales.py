"""Which order lines are sales and what each is called, as SQL over `raw.shop_conversions AS sold`; who bought them."""

from __future__ import annotations


def _escaped(column: str) -> str:
    return f"replace(replace({column}, '%', '%25'), '|', '%7C')"


# Statuses of an order line that make it a sale: an unpaid or cancelled one is none, nor a deposit, nor a split parent.
SALES = "('paid', 'received', 'settled', 'closed')"
# Characters of an order's number from which on a line is not numbered as its order by chance, as line 1 of order 1 is.
LONG_NUMBER = 8


def gives_way(table: str, *, on: str = "") -> str:
    """SQL for whether a row of the table, as `sold`, stands for a whole order of which there are lines too.

    A list of orders numbers its one row as the order, a list of items each line by itself: as a split parent is none
    beside its children, such a row is none beside the lines.
    """
    return f"""(sold.line_no = sold.order_id AND length(sold.order_id) >= {LONG_NUMBER}
        AND EXISTS (FROM {table} AS line WHERE line.channel = sold.channel AND line.order_id = sold.order_id
            AND line.line_no <> line.order_id{on}))"""


# Both lists say when the order was paid, so that its lines stand on one date.
A_WHOLE_BESIDE_ITS_LINES = gives_way("raw.shop_conversions", on=" AND line._date = sold._date")
IS_SALE = f"coalesce(sold.status, 'paid') IN {SALES} AND NOT {A_WHOLE_BESIDE_ITS_LINES}"
# Channel, order and line in one text; a bar inside one of them is escaped, so that no two conversions share an id.
CONVERSION_ID = " || '|' || ".join(map(_escaped, ("sold.channel", "sold.order_id", "sold.line_no")))
# An order without a user key is somebody's, of whom nothing else is known; SQL over `core.conversions`.
BUYER = "coalesce(conversions.user_key, (hash(conversions.channel, conversions.order_id) >> 1)::BIGINT)"
