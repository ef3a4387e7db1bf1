"""What titles and texts of notes must not say: rows are kept, and named."""

from __future__ import annotations

from pipelines.intake.texts import pattern_of
from pipelines.row_checks import RowCheck

_PATTERN = pattern_of("diverts_off_platform").replace("'", "''")
# A note leads off the platform when its text was found to at intake, or its title does.
DIVERTING = f"coalesce(diverts_off_platform, false) OR regexp_matches(coalesce(title, ''), '{_PATTERN}')"

#: Checks of a feed's contents, beside those of its references.
CONTENT_CHECKS: dict[str, tuple[RowCheck, ...]] = {
    "notes": (
        RowCheck(
            "diverts_off_platform",
            "No title or text of a note leads off the platform; such notes are kept and named.",
            f"SELECT note_id, count(*) FROM raw.notes WHERE {DIVERTING} GROUP BY ALL ORDER BY ALL",
            "notes that lead off the platform",
            "change their text before the platform takes them down; the patterns stand in "
            "data_contracts/reference/text_patterns.csv",
        ),
    ),
}
