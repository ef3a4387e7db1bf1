"""Who stands behind what notes are credited with: each buyer once for each key of a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.register import RULES
from pipelines.core.added_up import add_up
from pipelines.core.kept import Kept, is_kept, keep
from pipelines.core.sales import BUYER
from pipelines.dates import outdated_dates, settle_dates
from pipelines.warehouse import transaction

if TYPE_CHECKING:
    import duckdb

# What a row stands for, by level: the key of a credited order line.
KEYS = {
    "all": "'all'",
    "category": "category",
    "channel": "channel",
    "lane": "lane",
    "note": "note_id",
    "creator": "creator_id",
    "campaign": "campaign_id",
    "exchange": "exchange",
    # Parts into which the orders of an exchange fall: by whom they were clicked, and within how many days.
    "exchange_part": "coalesce(exchange, '') || '|' || part",
}
# Of which credits a level speaks, where not of all.
ONLY = dict.fromkeys(("exchange", "exchange_part"), "WHERE lane = 'exchange_link'")

# Whether the models credit a key with an order of the buyer: of each model its bit of a number. `new_customers` are
# those of orders that were a buyer's first, `known_buyers` those of which it is known whether they were.
COUNTS = ("buyers", "new_customers", "known_buyers")
BIT_OF = {model: 1 << n for n, model in enumerate(RULES)}
BITS = " + ".join(f"if(coalesce({model}, 0) > 0, {bit}, 0)" for model, bit in BIT_OF.items())


def _of_level(level: str) -> str:
    return f"""
        SELECT '{level}' AS level, {KEYS[level]} AS key, brand, currency, buyer,
            {", ".join(f"bit_or({count}) AS {count}" for count in COUNTS)}
        FROM credited {ONLY.get(level, "")} GROUP BY ALL"""


CREDITED_BUYERS = Kept(
    "credited_buyers",
    f"""
        WITH sold AS (
            SELECT paid_date, conversion_id, brand, category, channel, currency, is_new_customer, {BUYER} AS buyer
            FROM core.conversions WHERE {{chosen}}
        ), by_note AS (
            SELECT note_id, lane, brand, category, channel, currency, buyer, CASE WHEN lane = 'exchange_link'
                THEN if(clicked, coalesce(within_days::VARCHAR, 'later'), 'view') END AS part,
                bit_or({BITS}) AS buyers,
                bit_or(if(is_new_customer, {BITS}, 0)) AS new_customers,
                bit_or(if(is_new_customer IS NULL, 0, {BITS})) AS known_buyers
            FROM core.credits JOIN sold USING (paid_date, conversion_id) GROUP BY ALL
        ), credited AS (
            FROM by_note LEFT JOIN (SELECT note_id, creator_id, campaign_id, exchange FROM raw.notes) USING (note_id)
        )
        {" UNION ALL ".join(map(_of_level, KEYS))}""",
    date="paid_date",
    key=("level", "key", "brand", "currency", "buyer"),
    merged=dict.fromkeys(COUNTS, "bit_or"),
    whose="buyer",
    of_dates="SELECT DISTINCT buyer FROM core.bought WHERE paid_date IN (FROM dates)",
)
# Who has bought on which date, as `CREDITED_BUYERS` was made of.
BOUGHT = {"bought": f"SELECT DISTINCT paid_date, {BUYER} AS buyer FROM core.conversions WHERE {{chosen}}"}


def make_buyers(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `core.credited_buyers` of the dates whose credits have changed. Not inside a transaction."""
    with transaction(connection):
        if not is_kept(connection, CREDITED_BUYERS):
            connection.execute("INSERT OR IGNORE INTO ops.outdated SELECT 'buyers', business_date FROM ops.days")
        outdated_dates(connection, "buyers")
        keep(connection, CREDITED_BUYERS)
        add_up(connection, BOUGHT, "paid_date")
        settle_dates(connection, "buyers")
