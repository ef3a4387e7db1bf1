"""What marts ask of touches by day and note and of journeys by order, added up once for the dates that changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipelines.core.sales import BUYER
from pipelines.core.views import STRONGEST

if TYPE_CHECKING:
    import duckdb

# The whole of a day stands beside its parts by brand: users of several brands are not to be added up.
WHOLE = "*"
# The steps of the funnel that touches tell, by the feed that tells them: which touches count, and whose users.
TOUCHES = {
    "note_impressions": {
        "impressions": "kind = 'impression'",
        "brand_impressions": "kind = 'impression' AND payer = 'brand'",
        "platform_impressions": "kind = 'impression' AND payer = 'platform'",
        "organic_impressions": "kind = 'impression' AND payer = 'nobody'",
    },
    "note_engagements": {"engagements": "kind = 'engagement'"},
    "link_clicks": {"clicks": "kind = 'click'"},
}
USERS = {
    "note_impressions": {"impression_uv": "impressions"},
    "note_engagements": {"engagement_uv": "engagements"},
    "link_clicks": {"click_uv": "clicks"},
}
TOUCH_STEPS = {feed: (*TOUCHES[feed], *USERS[feed]) for feed in TOUCHES}


def _each(told: dict[str, dict[str, str]], form: str) -> str:
    return ", ".join(form.format(name=name, of=of) for of_feed in told.values() for name, of in of_feed.items())


_ADDED = _each(TOUCHES, "sum({name})::BIGINT AS {name}")
# Each user of a day once, which is less work than to count distinct ones.
_STEPS = f"{_ADDED}, {_each(USERS, 'count(user_key) FILTER ({of} > 0) AS {name}')}"
_BRANDED = "core.touches LEFT JOIN (SELECT note_id, brand FROM raw.notes) USING (note_id) WHERE {chosen}"
TOUCHES_ADDED_UP = {
    # `is_keyed`: whether an order could find the note by one of them.
    "touched_notes": f"""
        SELECT touch_date, note_id, brand, bool_or(user_key IS NOT NULL OR click_id IS NOT NULL) AS is_keyed,
            count(*) AS touches, count(*) FILTER (kind = 'engagement') AS engagements
        FROM {_BRANDED} GROUP BY ALL""",
    "touched_days": f"""
        WITH by_user AS (
            SELECT touch_date, brand, user_key, {_each(TOUCHES, "count(*) FILTER ({of}) AS {name}")}
            FROM {_BRANDED} GROUP BY ALL
        ), of_whole AS (SELECT touch_date, user_key, {_ADDED} FROM by_user GROUP BY ALL)
        SELECT touch_date, brand, {_STEPS} FROM by_user GROUP BY ALL
        UNION ALL SELECT touch_date, '{WHOLE}', {_STEPS} FROM of_whole GROUP BY ALL""",
}
# Each order line with what marts ask of it, and the way by which it came: lanes and kinds of touch in their order,
# repeats in a row told once; null where it found no note.
JOURNEYS_ADDED_UP = {
    "ways": f"""
        WITH steps AS (
            SELECT paid_date, conversion_id, position, age_us, matched_by,
                concat(coalesce(lane, 'unknown'), ':', kind) AS step,
                lag(step) OVER (PARTITION BY conversion_id ORDER BY position) AS before
            FROM core.journeys WHERE {{chosen}}
        ), found AS (
            SELECT paid_date, conversion_id, {STRONGEST} AS matched_by, max(age_us) AS first_age_us,
                string_agg(step, ' > ' ORDER BY position) FILTER (step IS DISTINCT FROM before) AS path,
                count(*) FILTER (step IS DISTINCT FROM before) AS steps, count(*) AS touches
            FROM steps GROUP BY ALL
        )
        SELECT paid_date, conversion_id, brand, channel, category, currency, paid_fen, {BUYER} AS buyer,
            found.* EXCLUDE (paid_date, conversion_id)
        FROM (FROM core.conversions WHERE {{chosen}}) AS conversions
        LEFT JOIN found USING (paid_date, conversion_id)""",
}
ADDED_UP = TOUCHES_ADDED_UP | JOURNEYS_ADDED_UP
# Days of touches on notes that are of another brand now, or have become known since.
REBRANDED = """
    SELECT DISTINCT touch_date FROM core.touched_notes LEFT JOIN raw.notes USING (note_id)
    WHERE touched_notes.brand IS DISTINCT FROM notes.brand"""


def add_up(connection: duckdb.DuckDBPyConnection, tables: dict[str, str], date: str, /) -> None:
    """Make the core tables anew for the dates in `dates`."""
    for name, query in tables.items():
        connection.execute(f"DELETE FROM core.{name} WHERE {date} IN (FROM dates)")
        connection.execute(f"INSERT INTO core.{name} BY NAME {query.format(chosen=f'{date} IN (FROM dates)')}")


def create_added_up(connection: duckdb.DuckDBPyConnection, tables: dict[str, str], /) -> None:
    """Make the tables for every date that are not there, or were made by another query, which their comment tells."""
    made_by = "SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'core'"
    there = dict(connection.execute(made_by).fetchall())
    for name, query in tables.items():
        told = hashlib.sha256(query.encode()).hexdigest()[:16]
        if there.get(name) != told:
            connection.execute(f"CREATE OR REPLACE TABLE core.{name} AS {query.format(chosen='true')}")
            connection.execute(f"COMMENT ON TABLE core.{name} IS '{told}'")
