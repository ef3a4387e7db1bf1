"""Notes, those who made them, and what to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.advice import advise
from pipelines.reports.content import Column, Table
from pipelines.reports.tables.returns import MONEY, PEOPLE, RATIOS, RETURNS, level_returns, returns
from pipelines.reports.wording import Text

if TYPE_CHECKING:
    import polars as pl

    from pipelines.targets import ReportSettings


def _advised(notes: pl.DataFrame, settings: ReportSettings, _brand: str) -> pl.DataFrame:
    return advise(notes, targets=settings.targets)


NOTES = Table(
    "note_returns",
    Text("笔记", "Notes"),
    Text(
        "加投、保持、观察或停投，附理由；太新、花费太少或订单太少的笔记单列，不排名。",
        "What to boost, keep, watch or stop, with the reason. Notes too young, with too little spend or too few orders "
        "are listed apart and not ranked.",
    ),
    f"""
    SELECT earned.* REPLACE (timezone('Asia/Shanghai', published_at)::DATE AS published_at, cpuv::DOUBLE AS cpuv),
        earned.as_of - timezone('Asia/Shanghai', published_at)::DATE AS age_days, seen.visitor_uv,
        (spend / nullif(seen.visitor_uv, 0))::DOUBLE AS cost_per_visitor
    FROM ({
        returns(
            "note",
            "note_id",
            "title",
            "creator_id",
            "creator_name",
            "creator_tier",
            "campaign_id",
            "category",
            "lane",
            "exchange",
            "published_at",
            "cpuv",
            "daily_visitors",
        )
    }) AS earned LEFT JOIN history.note_quadrant AS seen ON seen.as_of = earned.as_of AND seen.note_id = earned.note_id
    """,
    (
        Column("title", "text"),
        Column("action", "code"),
        Column("reason", "code"),
        Column("models_agree", "count"),
        *RATIOS,
        Column("cpuv"),
        Column("cost_per_visitor"),
        *MONEY,
        *PEOPLE,
        Column("maturity", "code"),
        Column("age_days", "count"),
        Column("category", "code"),
        Column("lane", "code"),
        Column("creator_name", "text"),
        Column("creator_tier", "code"),
        Column("campaign_id", "text"),
        Column("note_id", "text"),
    ),
    needs=("history.note_roi", "history.buyers", "history.note_quadrant"),
    mart="note_roi",
    then=_advised,
)

CREATORS = level_returns(
    "creator",
    "creator_id",
    Text("博主", "Creators"),
    Text("每位博主全部笔记的回报。", "What all notes of each creator returned."),
    (Column("creator_name", "text"), Column("creator_tier", "code"), Column("notes")),
    Column("creator_name", "text"),
    Column("creator_tier", "code"),
    Column("notes"),
    *RETURNS,
    Column("creator_id", "text"),
)

CAMPAIGNS = level_returns(
    "campaign",
    "campaign_id",
    Text("项目", "Campaigns"),
    Text("每个项目的回报。", "What each campaign returned."),
    (Column("campaign_id", "text"), Column("notes")),
)

QUADRANT = Table(
    "note_quadrant",
    Text("互动与进店", "Engagement against visits"),
    Text(
        "哪些笔记带来进店，哪些只有点赞。太新或阅读太少的笔记不评。",
        "Which notes bring visits, and which only likes. Notes too young or with few readers are not judged.",
    ),
    """
    SELECT as_of, title, quadrant, not_judged, read_uv, engagements, engagement_rate, visitor_uv, visit_rate,
        engagement_rate_from, visit_rate_from, category, lane, creator_name, note_id
    FROM history.note_quadrant WHERE {shown}
    ORDER BY as_of DESC, list_position(['liked_but_no_visits', 'quiet_seller', 'star', 'weak'], quadrant) NULLS LAST,
        read_uv DESC, note_id""",
    (
        Column("title", "text"),
        Column("quadrant", "code"),
        *map(Column, ("engagement_rate", "visit_rate", "read_uv", "engagements", "visitor_uv")),
        Column("not_judged", "code"),
        Column("category", "code"),
        Column("lane", "code"),
        Column("creator_name", "text"),
        Column("note_id", "text"),
    ),
    needs=("history.note_quadrant",),
    mart="note_quadrant",
)

LINK_REQUESTS = Table(
    "link_requests",
    Text("评论求链接", "Comments that ask for the link"),
    Text(
        "有人求链接而没有挂链接的笔记，先补链接。",
        "Notes whose readers ask for the link and that hang none: add it first.",
    ),
    """
    SELECT as_of, title, has_link, link_request_uv, comments, link_requests, link_requests_last_7d, link_request_share,
        category, lane, note_id
    FROM history.link_requests WHERE {shown} AND link_requests > 0
    ORDER BY as_of DESC, has_link, link_requests DESC, note_id""",
    (
        Column("title", "text"),
        Column("has_link", "code"),
        *map(Column, ("link_requests", "link_requests_last_7d", "comments", "link_request_share")),
        Column("category", "code"),
        Column("lane", "code"),
        Column("note_id", "text"),
    ),
    needs=("history.link_requests",),
    mart="link_requests",
)

GUARDRAILS = Table(
    "guardrails",
    Text("内容红线", "Guardrails"),
    Text(
        "广告占比、负面与投诉占比、引流，按类目。",
        "Share of ads, of negative comments and complaints, and what leads off the platform, by category.",
    ),
    """
    SELECT as_of, category, notes, negative_comments, complaints, ad_share, is_ad_share_high, negative_share,
        is_negative_share_high, complaint_share, is_complaint_share_high, diverting_notes, diverting_comments
    FROM history.guardrails WHERE {shown} ORDER BY as_of DESC, category NULLS LAST""",
    (
        Column("category", "code"),
        Column("notes"),
        Column("ad_share"),
        Column("is_ad_share_high", "code"),
        Column("negative_share"),
        Column("is_negative_share_high", "code"),
        Column("complaint_share"),
        Column("is_complaint_share_high", "code"),
        *map(Column, ("diverting_notes", "diverting_comments")),
    ),
    needs=("history.guardrails",),
    mart="guardrails",
)
