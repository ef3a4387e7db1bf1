"""What marts ask of touches by note and of journeys by order, added up once for the dates that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.core.views import STRONGEST

if TYPE_CHECKING:
    import duckdb

TOUCHES_ADDED_UP = {
    # Whether an order could find the note by one of them.
    "touched_notes": """
        SELECT touch_date, note_id, bool_or(user_key IS NOT NULL OR click_id IS NOT NULL) AS is_keyed,
            count(*) FILTER (kind = 'engagement') AS engagements
        FROM core.touches WHERE {chosen} GROUP BY ALL""",
}
# The way of each order that found a note: lanes and kinds of touch in their order, repeats in a row told once.
JOURNEYS_ADDED_UP = {
    "ways": f"""
        WITH steps AS (
            SELECT paid_date, conversion_id, position, age_us, matched_by,
                concat(coalesce(lane, 'unknown'), ':', kind) AS step,
                lag(step) OVER (PARTITION BY conversion_id ORDER BY position) AS before
            FROM core.journeys WHERE {{chosen}}
        )
        SELECT paid_date, conversion_id, {STRONGEST} AS matched_by, max(age_us) AS first_age_us,
            string_agg(step, ' > ' ORDER BY position) FILTER (step IS DISTINCT FROM before) AS path,
            count(*) FILTER (step IS DISTINCT FROM before) AS steps
        FROM steps GROUP BY ALL""",
}


def add_up(connection: duckdb.DuckDBPyConnection, tables: dict[str, str], date: str, /) -> None:
    """Make the core tables anew for the dates in `dates`; for every date, where a table has not these columns yet."""
    for name, query in tables.items():
        wanted = connection.sql(query.format(chosen="false")).columns
        known = "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'core' AND table_name = ?"
        if sorted(wanted) != sorted(column for (column,) in connection.execute(known, [name]).fetchall()):
            connection.execute(f"CREATE OR REPLACE TABLE core.{name} AS {query.format(chosen='true')}")
            continue
        connection.execute(f"DELETE FROM core.{name} WHERE {date} IN (FROM dates)")
        connection.execute(f"INSERT INTO core.{name} BY NAME {query.format(chosen=f'{date} IN (FROM dates)')}")
