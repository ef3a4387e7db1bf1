"""What Dagster shows of a mart: its first rows, its chart, and its totals as numbers over time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from models.privacy import suppress
from pipelines.charts import Chart
from pipelines.marts.columns import COLUMNS
from pipelines.marts.privacy import BASIS
from pipelines.marts.returns import main_currency
from pipelines.marts.totals import totals
from pipelines.metadata import heading
from pipelines.reports.figures import kind_of
from pipelines.warehouse import columns_of

if TYPE_CHECKING:
    import duckdb

    from pipelines.marts.mart import Mart

SHOWN_MODEL = "linear"


FEW_LEFT_OUT = "few_left_out"


def shown(connection: duckdb.DuckDBPyConnection, mart: Mart, /, *, privacy_k: int) -> dict[str, Any]:
    """The options of `table_metadata` for a mart that is stored, in the currency of most orders.

    Rows of few people, and of those that would give them away, are in no preview and in no chart.
    """
    columns = set(columns_of(connection, f"mart.{mart.name}"))
    models = {row[0] for row in connection.execute(f"SELECT DISTINCT model FROM mart.{mart.name}").fetchall()}
    by_model = f"（{SHOWN_MODEL}）" if SHOWN_MODEL in models else ""
    rows = f"mart.{mart.name} WHERE model IN ('{SHOWN_MODEL}', 'observed')"
    if "currency" in columns:
        rows += f" AND coalesce(currency, '') IN ('', '{main_currency(connection)}')"
    sums = ", ".join(f"{sql} AS {column}" for column, sql in totals(columns).items())
    preview, chart = mart.preview.format(model=SHOWN_MODEL), _chart(mart, rows, by_model)
    if _hide_few(connection, mart, columns, privacy_k):
        preview = _without_few(mart.name, preview)
        chart = chart and replace(chart, query=_without_few(mart.name, chart.query))
    return {
        "preview": preview,
        "chart": chart,
        "figures": mart.figures or (f"SELECT {sums} FROM {rows}" if sums else None),
    }


def _hide_few(connection: duckdb.DuckDBPyConnection, mart: Mart, columns: set[str], k: int) -> bool:
    """Register the rows of the mart that may be shown as `FEW_LEFT_OUT`; False where rows stand for no people."""
    few = mart.private[0] if mart.private else None
    people = few.people if few else None
    if people and "{buyers}" in people:  # which may not be made yet; there are no fewer orders than buyers
        people = "ceil(m.orders)" if "orders" in columns else None
    if few is None or people is None:
        return False
    rows = connection.sql(f"SELECT m.*, ({people})::BIGINT AS people FROM mart.{mart.name} AS m").pl()
    basis = [name for name in BASIS if name in columns]
    kept = suppress(rows, count="people", figures=(), within=[[*basis, *by] for by in few.within], k=k)
    connection.register(FEW_LEFT_OUT, kept.filter(~pl.col("suppressed")).drop("people", "suppressed"))
    return True


def _without_few(mart: str, query: str) -> str:
    """The query over the rows that may be shown; sums over rows are left whole."""
    return query if "GROUP BY" in query else re.sub(rf"\bmart\.{mart}\b", FEW_LEFT_OUT, query)


def _chart(mart: Mart, rows: str, by_model: str) -> Chart | None:
    if mart.chart is None or isinstance(mart.chart, Chart):
        return mart.chart
    label, value = mart.chart
    query = f"SELECT {label}, ({value})::DOUBLE FROM {rows} AND ({value}) IS NOT NULL ORDER BY 2 DESC"
    return Chart(f"{mart.name_zh} · {heading(value, COLUMNS)}{by_model}", query, kind_of(value))
