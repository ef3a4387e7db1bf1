"""Whoever a note reached, once: from the first touch on."""

from __future__ import annotations

from pipelines.core.kept import Kept

READERS = Kept(
    "readers",
    """
        SELECT note_id, user_key, min(touched_at) AS first_at, min(touch_date) AS touch_date
        FROM core.touches WHERE user_key IS NOT NULL AND {chosen} GROUP BY ALL""",
    date="touch_date",
    key=("note_id", "user_key"),
    merged={"first_at": "min", "touch_date": "min"},
    whose="row(note_id, user_key)",
    of_dates="SELECT row(note_id, user_key) FROM core.readers WHERE touch_date IN (FROM dates)",
)
