"""Touches: of which feeds they are made, and how."""

from __future__ import annotations

from pipelines.buckets import BUCKETS

#: The kind of touch that each feed tells, as in `models.journeys.KINDS`.
KIND_TOLD_BY = {"note_impressions": "impression", "note_engagements": "engagement", "link_clicks": "click"}


def _touches(feed: str, *, click_id: str = "NULL", payer: str = "NULL") -> str:
    return f"""
        SELECT _date AS touch_date, (coalesce(user_key, 0) & {BUCKETS - 1})::UTINYINT AS bucket, note_id,
            user_key, occurred_at AS touched_at, '{KIND_TOLD_BY[feed]}' AS kind, {click_id} AS click_id,
            {payer} AS payer
        FROM raw.{feed}
        WHERE _date IN (FROM dates)"""


#: The touches of the dates in the table `dates`.
TOUCHES = " UNION ALL ".join(
    [
        _touches("note_impressions", payer="payer"),
        _touches("note_engagements"),
        _touches("link_clicks", click_id="click_id", payer="payer"),
    ]
)
