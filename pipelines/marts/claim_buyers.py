"""Who stands behind what is credited beside a claim: the buyers of each part into which claims divide the orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.core.buyers import BITS, COUNTS
from pipelines.core.sales import BUYER
from pipelines.dates import as_of

if TYPE_CHECKING:
    import duckdb

# Of which shops a kind of ad claim tells, and which shops those are.
REACHED_BY = """(VALUES ('outbound_paid', 'outbound'), ('in_app_paid', 'in_app'), ('live_paid', 'in_app'))
    AS r(claim_kind, reached)"""
REACHED = """
    SELECT channel, CASE WHEN exchange IS NOT NULL THEN 'outbound' ELSE 'in_app' END AS reached
    FROM reference.channels WHERE exchange IS NOT NULL OR shop_type = 'in_app'"""

_COUNTED = f"""{BUYER} AS buyer, bit_or({BITS}) AS buyers, bit_or(if(is_new_customer, {BITS}, 0)) AS new_customers,
        bit_or(if(is_new_customer IS NULL, 0, {BITS})) AS known_buyers"""
# The cycles of those that are claimed for a note and day in which an order lies. Cycles lie within each other, so all
# of an order's cycles are one part of the orders that are claimed; what is in none of them is the part besides.
_CYCLES = "coalesce(string_agg(DISTINCT cycle, '+' ORDER BY cycle) FILTER (age_us <= cycle * 86_400_000_000), '')"
# As `pipelines.marts.claims` holds them against what an exchange claims of its shops, by the day of payment.
OF_CLAIMS = f"""
    WITH claims AS (
        SELECT DISTINCT exchange, note_id, claim_date, currency, cycle FROM raw.exchange_note_daily
        WHERE level = 'content' AND claim_date <= $day AND shop_gmv IS NOT NULL
    ), shops AS (
        SELECT channel, exchange FROM reference.channels SEMI JOIN claims USING (exchange)
    ), sold AS (
        FROM core.conversions JOIN shops USING (channel)
    ), ages AS (
        SELECT conversion_id, note_id, min(age_us) AS age_us FROM core.journeys SEMI JOIN claims USING (note_id)
        GROUP BY ALL
    ), parts AS (
        SELECT conversion_id, note_id, {_CYCLES} AS part FROM ages JOIN sold USING (conversion_id)
        JOIN claims USING (exchange, note_id, currency) WHERE claim_date = paid_date GROUP BY ALL
    )
    SELECT exchange || '|' || coalesce(part, '') AS key, currency, {_COUNTED}
    FROM core.credits JOIN sold AS conversions USING (conversion_id) LEFT JOIN parts USING (conversion_id, note_id)
    GROUP BY ALL"""
# As `pipelines.marts.ad_claims` holds them against what a platform claims for clicks, by the day of the click. What is
# in no claim of any kind is besides each of them.
OF_AD_CLAIMS = f"""
    WITH claims AS (
        SELECT DISTINCT platform || '|' || claim_kind AS kind, reached, note_id, claim_date, currency, cycle
        FROM raw.ad_claims_daily JOIN {REACHED_BY} USING (claim_kind) WHERE claim_date <= $day
    ), shops AS (
        FROM ({REACHED}) SEMI JOIN claims USING (reached)
    ), sold AS (
        FROM core.conversions JOIN shops USING (channel)
    ), clicks AS (
        SELECT conversion_id, note_id, min(age_us) AS age_us,
            (max(touched_at) AT TIME ZONE 'Asia/Shanghai')::DATE AS claim_date
        FROM core.journeys SEMI JOIN claims USING (note_id) WHERE kind = 'click' GROUP BY ALL
    ), parts AS (
        SELECT conversion_id, note_id, claims.kind, {_CYCLES} AS part
        FROM clicks JOIN sold USING (conversion_id)
        JOIN claims USING (reached, note_id, claim_date, currency) GROUP BY ALL
    ), besides AS (
        SELECT reached, currency, {_COUNTED}
        FROM core.credits JOIN sold AS conversions USING (conversion_id)
        ANTI JOIN parts USING (conversion_id, note_id) GROUP BY ALL
    )
    SELECT kind || '|' || part AS key, currency, {_COUNTED}
    FROM core.credits JOIN sold AS conversions USING (conversion_id) JOIN parts USING (conversion_id, note_id)
    GROUP BY ALL
    UNION ALL BY NAME SELECT kind || '|' AS key, besides.* EXCLUDE (reached)
    FROM besides JOIN (SELECT DISTINCT kind, reached FROM claims) USING (reached)"""


def of_claims(connection: duckdb.DuckDBPyConnection, counts: str, /) -> pl.DataFrame:
    """The buyers of each part: `level`, `key` and what `counts` (SQL) makes of the buyers `n` of each set of models."""
    found = [
        connection.sql(
            f"""
            SELECT '{level}' AS level, key, currency, {counts} FROM (
                SELECT key, currency, {", ".join(COUNTS)}, count(*) AS n FROM (
                    SELECT key, currency, buyer, {", ".join(f"bit_or({count}) AS {count}" for count in COUNTS)}
                    FROM ({query}) GROUP BY ALL
                ) GROUP BY ALL
            ) GROUP BY ALL""",
            params={"day": as_of(connection)},
        ).pl()
        for level, query in (("claim_part", OF_CLAIMS), ("ad_claim_part", OF_AD_CLAIMS))
    ]
    return pl.concat(found)
