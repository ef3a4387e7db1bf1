"""What is worth telling: how a run ended, and which days of which feed are overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.alerts.send import Alert

if TYPE_CHECKING:
    import polars as pl

    from pipelines.run import RunSummary


def alert_of(summary: RunSummary, dates: str, /) -> Alert:
    """How the run over these dates ended, with what needs attention."""
    attention = (*summary.problems, *(f"{asset}: {text}" for asset, text in summary.warnings))
    if summary.success:
        return Alert("success", f"红猫运行完成 · Redcat run done: {dates}", attention)
    stays = "what was published before stays, complete"
    return Alert("failure", f"红猫运行失败 · Redcat run failed: {dates}", (*summary.failures, stays, *attention))


def alert_of_overdue(rows: pl.DataFrame, /) -> Alert:
    """Which days are overdue, a line for each feed and part of it; rows are as of `pipelines.arrivals.overdue`."""
    lines = []
    for (feed, source), days in rows.group_by("feed", "source", maintain_order=True):
        dates = days["business_date"].sort(descending=True)
        shown = ", ".join(map(str, dates.head(5))) + (" …" if dates.len() > 5 else "")
        lines.append(f"{feed}{f' {source}' if source else ''}: {dates.len()} × ({shown})")
    title = f"红猫数据未到 · Redcat: {rows.height} {'day' if rows.height == 1 else 'days'} overdue"
    return Alert("overdue", title, tuple(lines))
