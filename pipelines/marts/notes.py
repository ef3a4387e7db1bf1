"""The mart of what platforms count of each note, by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.charts import Chart
from pipelines.core.views import NOTE_FIGURES
from pipelines.marts.mart import HISTORY_DAYS, Mart

if TYPE_CHECKING:
    import duckdb

BOUNDED = ("impressions", "reads", "interactions")  # figures whose interval is shown where an export prints only that

NOTE_DAILY = f"""
    SELECT metric_date AS business_date, note_id, source AS platform, part, payer, is_cumulative, covers_from, days,
        {", ".join(f"any_value(count) FILTER (figure = '{name}') AS {name}" for name in NOTE_FIGURES)},
        {
    ", ".join(
        f"any_value({end}) FILTER (figure = '{name}') AS {name}_{end}" for name in BOUNDED for end in ("lower", "upper")
    )
},
        coalesce(list(figure ORDER BY figure) FILTER (upper < 0), []) AS fell
    FROM core.note_daily GROUP BY ALL ORDER BY business_date, note_id, platform, part, covers_from"""


def _note_daily(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    # What a platform counted of a past day stays; a correction comes as a later day below zero.
    return connection.sql(NOTE_DAILY).pl().with_columns(maturity=pl.lit("mature"))


NOTE_MARTS = (
    Mart(
        "note_daily",
        "笔记每日数据",
        "What platforms count of each note by day. Counts since publication become what came between two snapshots, "
        "with the days that lie between them; what fell is kept and named.",
        _note_daily,
        "SELECT business_date AS 日期, note_id[:8] AS 笔记, platform, part, days, impressions, reads "
        "FROM mart.note_daily ORDER BY business_date DESC, impressions DESC NULLS LAST LIMIT 6",
        made_of=("raw/note_metrics_daily", "raw/notes"),
        chart=Chart(
            "新增曝光最多的笔记 · 曝光",
            "SELECT note_id[:8], sum(impressions) FROM mart.note_daily WHERE part = 'all' GROUP BY ALL ORDER BY 2 DESC",
            "count",
        ),
        history_days=HISTORY_DAYS,
        about_zh="平台对每篇笔记的每日计数；累计数换算成两次快照之间的增量，注明跨了几天；减少的保留并标出。",
        figures="SELECT count(DISTINCT note_id) AS notes FROM mart.note_daily WHERE business_date = as_of",
    ),
)
