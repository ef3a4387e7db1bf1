"""By which windows and rules figures are made."""

from __future__ import annotations

from pipelines.reports.content import Column, Table
from pipelines.reports.wording import OTHERS, Text

WINDOWS = Table(
    "windows",
    Text("回溯窗口", "Look-back windows"),
    Text("触点在付款前多少小时内有效。", "How many hours before the payment a touch counts."),
    f"""SELECT lane, kind, coalesce(category, '{OTHERS}') AS category, window_hours FROM reference.windows
    ORDER BY lane, kind, windows.category NULLS FIRST""",
    (Column("lane", "code"), Column("kind", "code"), Column("category", "code"), Column("window_hours", "count")),
    needs=("reference.windows",),
)

POLICY = Table(
    "policy_calendar",
    Text("政策日历", "Policy calendar"),
    Text(
        "平台规则、开放与关停的日期；落在图中日期内的，图上有标注。只知到月或年的，记在其第一天。",
        "When the platforms' rules changed and programmes opened or closed. What falls into the days of a chart is "
        "marked on it. What is known to the month or year stands on its first day.",
    ),
    """
    SELECT starts, ends, entry, kind AS policy, precision AS known_to FROM reference.policy_calendar
    ORDER BY starts DESC, entry""",
    (
        Column("entry", "code"),
        Column("starts", "date"),
        Column("ends", "date"),
        Column("policy", "code"),
        Column("known_to", "code"),
    ),
    needs=("reference.policy_calendar",),
    folded=True,
)
